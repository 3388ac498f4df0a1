"""The report page: one HTML file made from the report's JSON, without any other source."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from drai_hw.report.pixels import align, matrix_svg, pattern_svg, picture_shape
from drai_hw.report.stats import Rate
from drai_hw.units import si

MACHINES = {
    "float": "Float model",
    "twin": "Fixed-point twin",
    "rtl": "RTL (simulated)",
    "circuit": "Circuit (SPICE)",
}
"""Machines in the order in which they appear, with the names they have on the page."""

RESOURCES = {
    "lut": "Logic (LUT4)",
    "ff": "Flip-flops",
    "ebr": "Block memories (EBR)",
    "spram": "Large memories (SPRAM)",
    "dsp": "Multipliers (DSP)",
}
_VERDICTS = {"agree": "They agree.", "disagree": "They do not agree.", "incomplete": "Incomplete."}
_MARKS = {"ok": "agrees", "bad": "does not agree", "info": "for information", "open": "not run"}

Data = Mapping[str, Any]


def render(data: Data) -> str:
    """
    Return the report as one self-contained HTML page.

    The page needs no network, no script and no other file; it follows the reader's light or dark
    scheme and prints in black on white.

    Parameters
    ----------
    data:
        The content of ``report.json``: ``name``, ``version``, ``verdict``, ``facts``, ``stages``,
        ``machines``, ``examples``, ``phases``, ``weights``, ``checks``, ``board``, ``activity``,
        ``circuit``, ``inputs``, ``reproduce``. A part whose stage has no result is absent; the
        page then says why, from ``stages``.
    """
    import jinja2

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("drai_hw.report"),
        autoescape=jinja2.select_autoescape(["html.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    page = environment.get_template("report.html.j2")
    return page.render(r=view(data), verdict_word=_VERDICTS, mark_word=_MARKS)


def view(data: Data) -> dict[str, Any]:
    """Return what the template shows: texts with units, pictures as safe markup."""
    return {
        "name": data["name"],
        "version": data["version"],
        "verdict": data["verdict"],
        "facts": _facts(data["facts"]),
        "n": data["oscillators"],
        **_recall(data),
        **_phases(data),
        **_weights(data),
        "lock": [_quantity(row) for row in data.get("lock", ())],
        "agreement": data["checks"],
        **_fpga(data),
        **_circuit(data),
        "stages": data["stages"],
        "reproduce": data["reproduce"],
        "digests": _facts({**data["inputs"]["digests"], **data["inputs"]["tools"]}),
        "toml": data["inputs"]["toml"],
    }


def quantity_text(value: float, unit: str) -> str:
    """Return a number with its unit: SI prefix for physical units, groups of digits for counts."""
    if unit == "1":
        return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.4g}"
    if unit == "rad":
        return f"{value:.4f} rad ({math.degrees(value):.2f}°)"
    if unit == "%":
        return f"{value:.3g} %"
    # Phrases such as "steps/s" and "clocks" take no prefix.
    if len(unit) > 3 or unit in ("1/s",):
        return f"{value:,.0f} {unit}" if abs(value) >= 100 else f"{value:.4g} {unit}"
    return si(value, unit, 4)


def _safe(svg: str) -> Any:
    from markupsafe import Markup

    return Markup(svg)


def _facts(pairs: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"name": name, "value": value} for name, value in pairs.items()]


def _why_missing(data: Data, *stages: str) -> str:
    """Say from the list of stages why a part of the report is empty."""
    for stage in data["stages"]:
        if stage["name"] in stages and stage["status"] in ("failed", "skipped"):
            reason = f" ({stage['reason']})" if stage["reason"] else ""
            return f"stage {stage['name']} {stage['status']}{reason}"
    return "not a part of this run"


def _quantity(row: Data) -> dict[str, Any]:
    value = row["value"]
    if value is None:
        return {"name": row["name"], "value": None, "method": row["reason"]}
    return {
        "name": row["name"],
        "value": quantity_text(value, row["unit"]),
        "method": row["method"],
    }


# -- patterns and recalls ----------------------------------------------------------------------


def _recall(data: Data) -> dict[str, Any]:
    machines = data.get("machines", {})
    rows = []
    for key, name in MACHINES.items():
        if key not in machines:
            continue
        entry = machines[key]
        rate = Rate(entry["hits"], entry["trials"]) if entry.get("trials") else None
        rows.append(
            {
                "name": name,
                "rate": rate,
                "note": entry.get("note", ""),
                "reason": entry.get("reason", ""),
            }
        )
    examples = data.get("examples", ())
    columns = [key for key in MACHINES if any(example["ends"].get(key) for example in examples)]
    return {
        "machines": rows,
        "columns": [{"name": MACHINES[key]} for key in columns],
        "recalls": [_example(example, columns, data.get("shape")) for example in examples],
    }


def _example(example: Data, columns: Sequence[str], shape: Sequence[int] | None) -> dict[str, Any]:
    stored = np.asarray(example["stored"])
    rows, width = shape if shape else picture_shape(stored.size)
    place = (int(rows), int(width))
    label = example["label"]
    flipped = int(np.count_nonzero(stored != np.asarray(example["start"])))
    cells = []
    for key in columns:
        end = example["ends"].get(key)
        if not end:
            cells.append({"svg": "", "note": "", "bad": False})
            continue
        shown, inverse = align(end, stored)
        wrong = int(np.count_nonzero(shown != stored))
        text = f"{label} recalled by {MACHINES[key]}, wrong pixels: {wrong}"
        cells.append(
            {
                "svg": _safe(pattern_svg(shown, place, text, reference=stored)),
                "note": ("exact" if wrong == 0 else f"{wrong} wrong")
                + (", inverse" if inverse else ""),
                "bad": wrong > 0,
            }
        )
    start = pattern_svg(example["start"], place, f"{label}, corrupted start", reference=stored)
    return {
        "label": label,
        "stored": _safe(pattern_svg(stored, place, f"{label} as stored")),
        "start": _safe(start),
        "start_note": f"{flipped} of {stored.size} flipped",
        "cells": cells,
    }


# -- phases and weights ------------------------------------------------------------------------


def _phases(data: Data) -> dict[str, Any]:
    traces = data.get("phases", ())
    if not traces:
        why = _why_missing(data, "model", "twin", "spice")
        return {"phases_svg": "", "phases_reason": why}
    from drai_hw.report.figures import PhaseTrace, phases_svg

    drawn = [
        PhaseTrace(
            title=trace["title"],
            time=np.asarray(trace["time"], dtype=np.float64),
            time_label=trace["time_label"],
            phases_rad=np.asarray(trace["phases_rad"], dtype=np.float64),
            sign=np.asarray(trace["sign"], dtype=np.int64),
            against="first" if "lock" in data else "axis",
        )
        for trace in traces
    ]
    return {
        "phases_svg": _safe(phases_svg(drawn)),
        "phases_note": data.get("phases_note", ""),
        "phases_coloured": "lock" not in data,
        "phases_reason": "",
    }


def _weights(data: Data) -> dict[str, Any]:
    weights = data.get("weights")
    if weights is None:
        return {
            "weights_title": "Weights",
            "weights_svg": "",
            "weights_reason": _why_missing(data, "twin", "model"),
        }
    matrix = np.asarray(weights["matrix"])
    upper = matrix[np.triu_indices(matrix.shape[0], 1)]
    label = f"Matrix of the weights of {upper.size} pairs"
    facts = {
        "Pairs": f"{upper.size:,}",
        "Positive / negative / zero": f"{int((upper > 0).sum()):,} / {int((upper < 0).sum()):,} / "
        f"{int((upper == 0).sum()):,}",
        "Largest magnitude": f"{int(np.abs(upper).max(initial=0))} of {weights['limit']} LSB",
        **weights.get("facts", {}),
    }
    return {
        "weights_title": "Weights" if "lock" in data else "Learned weights",
        "weights_svg": _safe(
            matrix_svg(matrix, weights["limit"], label, size_px=min(420, 60 * len(matrix)))
        ),
        "weights_limit": weights["limit"],
        "weights_facts": _facts(facts),
        "weights_note": weights.get("note", ""),
        "weights_reason": "",
    }


# -- FPGA and circuit --------------------------------------------------------------------------


def _fpga(data: Data) -> dict[str, Any]:
    board = data.get("board")
    activity = [_quantity(row) for row in data.get("activity", ())]
    if board is None:
        return {
            "fpga": None,
            "fpga_reason": _why_missing(data, "board"),
            "fpga_quantities": [],
            "activity_quantities": activity,
        }
    bars = [
        {
            "name": name,
            "used": f"{board[key]['used']:,}",
            "available": f"{board[key]['available']:,}",
            "share": board[key]["used"] / board[key]["available"],
        }
        for key, name in RESOURCES.items()
        if board[key]["available"]
    ]
    return {
        "fpga": {"title": board["title"], "bars": bars},
        "fpga_reason": "",
        "fpga_quantities": [_quantity(row) for row in board["quantities"]],
        "activity_quantities": activity,
    }


def _circuit(data: Data) -> dict[str, Any]:
    circuit = data.get("circuit")
    if circuit is None:
        return {"circuit": None, "circuit_reason": _why_missing(data, "spice")}
    ledger = [
        {
            "name": row["name"],
            "energy": si(row["energy_j"], "J", 4),
            "power": si(row["power_w"], "W", 4),
            "kind": row["kind"],
        }
        for row in circuit.get("ledger", ())
    ]
    return {
        "circuit": {
            "description": circuit["description"],
            "quantities": [_quantity(row) for row in circuit["quantities"]],
            "ledger": ledger,
            "notes": circuit.get("notes", ()),
        },
        "circuit_reason": "",
    }
