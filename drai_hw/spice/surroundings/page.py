"""The page of noise, supply and load, written from its parts, and the limits of comparisons."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.files import write_whole
from drai_hw.model.readout import wilson_interval
from drai_hw.spice.ledger.page import percent, table
from drai_hw.spice.surroundings.parts import (
    DIES,
    LOADS,
    NOISE_SEEDS,
    SHARES,
    STRENGTHS,
    SUPPLY_SEEDS,
)
from drai_hw.spice.surroundings.pushing import WAYS
from drai_hw.units import si

RECORD = Path(__file__).with_name("record.json")
DEVIATIONS, PUSHING_LIMIT, FREQUENCY_LIMIT, TANK_LIMIT = 3.0, 0.03, 0.005, 0.005

Parts = dict[str, dict[str, Any]]
Rows = list[list[str]]


def faults(parts: Parts) -> list[str]:
    """Return every comparison that is beyond its limit; empty when all hold."""
    found = []

    def check(what: str, off: float, limit: float) -> None:
        if not abs(off) <= limit:
            found.append(f"{what}: {percent(off)}, allowed is {100 * limit:g} %")

    for row in parts["diffusion"].get("rows", []):
        off = row["measured"] / row["closed"] - 1.0
        check(f"diffusion of a {row['what']}", off, DEVIATIONS * row["error"])
    ring = parts["pushing-ring-level1"]
    if "closed" in ring:
        check("pushing of a ring", ring["relative"] / ring["closed"] - 1.0, PUSHING_LIMIT)
    for name in LOADS:
        for row in parts[f"load-{name}"].get("rows", []):
            what = f"load of {name}, {_load(row)}"
            for key in ("frequency", "amplitude", "pull"):
                measured, closed = row[key]
                if closed is not None and not (row["ohm"] and name != "tank"):
                    limit = FREQUENCY_LIMIT if key == "frequency" else TANK_LIMIT
                    check(f"{what}, {key}", measured - closed, limit)
    return found


def write(parts: Parts, path: Path = RECORD) -> None:
    """Write the parts that the page was made from."""
    rows = ",\n".join(f" {json.dumps(name)}: {json.dumps(part)}" for name, part in parts.items())
    write_whole(path, f"{{\n{rows}\n}}\n")


def read(path: Path = RECORD) -> Parts:
    """
    Return the parts of a record.

    Raises
    ------
    ToolError
        There is none, or it is damaged.
    """
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise ToolError(
            f"{path}: no record of noise, supply and load ({error}); make it by "
            "python -m drai_hw.spice.surroundings"
        ) from None


def text(parts: Parts) -> str:
    """Return the page."""
    frame = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    ring = parts["pushing-ring-level1"]
    diffusion = parts["diffusion"]
    real = diffusion["thermal_constant"] / _row_sum()
    exact = {
        strength: sum(run["exact"] for run in parts[f"noise-{strength:g}"]["runs"])
        for strength in STRENGTHS
    }
    failing = [strength for strength, hits in exact.items() if hits < 0.5 * exact[STRENGTHS[0]]]
    words = {
        "diffusions": _diffusions(diffusion),
        "thermal_constant": f"{diffusion['thermal_constant']:.3g}",
        "thermal": f"{diffusion['thermal_dbc_per_hz']:.0f}",
        "seeds": f"{NOISE_SEEDS}",
        "noise": _noise(parts),
        "real": f"{real:.1e}",
        "margin": f"{min(failing) / real:.0e}" if failing else "more than was tried",
        "pushing": _pushing(parts),
        "supply_seeds": f"{SUPPLY_SEEDS}",
        "supply": _supply(parts),
        "ring_push": f"{ring['relative']:.2f}",
        "ring_deviation": f"{ring['deviation']:.4f}",
        "ring_common": percent(0.1 * ring["deviation"], 3).lstrip("+"),
        "loads": _loads(parts),
        "out": si(parts["buffer-level1"]["out_f"], "F"),
        "buffers": _buffers(parts),
    }
    for name, made in words.items():
        frame = frame.replace(f"{{{name}}}", made)
    return frame


def _row_sum() -> float:
    """Return the largest row sum of couplings of the networks in noise, rad/s."""
    from drai_hw.spice.at_size.cases import Case
    from drai_hw.spice.settings import half_bandwidth

    case = Case(12, 0.3, 0)
    return case.rho * half_bandwidth(case.circuit)


def _diffusions(part: dict[str, Any]) -> str:
    rows = []
    for row in part["rows"]:
        factor = "" if row["over_thermal"] is None else f"{row['over_thermal']:.0e}"
        rows.append([
            row["what"], f"{row['density_a2_per_hz']:.3g} A²/Hz", factor,
            f"**{row['measured']:.4g}**", f"{row['closed']:.4g}",
            percent(row["measured"] / row["closed"] - 1.0, 1), f"{100 * row['error']:.1f} %",
            si(row["per_cycle_rad"], "rad"),
        ])  # fmt: skip
    head = ("oscillator", "S", "over 4kT/R", "κ, ngspice, rad²/s", "closed form", "difference",
            "standard error", "a period adds")  # fmt: skip
    return table(head, rows).rstrip("\n")


def _share(hits: int, of: int) -> str:
    low, high = wilson_interval(hits, of)
    return f"{hits} of {of} ({low:.2f} to {high:.2f})"


def _noise(parts: Parts) -> str:
    rows = []
    for strength in STRENGTHS:
        runs = parts[f"noise-{strength:g}"]["runs"]
        exact, model = (sum(run[key] for run in runs) for key in ("exact", "model_exact"))
        order, model_order = (
            sum(run[key] for run in runs) / len(runs) for key in ("order", "model_order")
        )
        rows.append([f"{strength:g}", _share(exact, len(runs)), _share(model, len(runs)),
                     f"{order:.3f}", f"{model_order:.3f}"])  # fmt: skip
    head = ("κ/R", "exact, ngspice", "float model", "order, ngspice", "float model")
    return table(head, rows).rstrip("\n")


def _pushing(parts: Parts) -> str:
    rows = []
    for name in DIES:
        part = parts[f"pushing-{name}"]
        if "missing" in part:
            rows.append([name, f"not made: {part['missing']}", *[""] * 5])
            continue
        sign = "-" if part["hz_per_v"] < 0 else ""
        rows.append([
            name, si(part["frequency_hz"], "Hz", 4),
            f"{sign}{si(abs(part['hz_per_v']), 'Hz/V')}", f"**{part['relative']:.4g}**",
            f"{part['closed']:.4f}" if "closed" in part else "",
            f"{part['mean']:.4g} ± {part['deviation']:.2g}", f"{len(part['drawn'])}",
        ])  # fmt: skip
    head = ("circuit", "frequency", "df/dVDD", "dln f/dln VDD", "closed form", "drawn",
            "oscillators")  # fmt: skip
    return table(head, rows).rstrip("\n")


def _supply(parts: Parts) -> str:
    rows = []
    for name, shares in SHARES.items():
        for share in shares:
            cells = []
            for way in WAYS:
                part = parts[f"supply-{name}-{way}-{share:g}"]
                cells.append(_share(part["hits"], part["of"]))
            rows.append([name, f"{100 * share:g} %", *cells])
    return table(("circuit", "share of VDD", *WAYS), rows).rstrip("\n")


def _load(row: dict[str, Any]) -> str:
    farad = si(row["farad"], "F") if row["farad"] else ""
    ohm = si(row["ohm"], "Ω") if row["ohm"] else ""
    return " and ".join(part for part in (farad, ohm) if part)


def _change(pair: list[float | None], *, told: bool = True) -> str:
    measured, closed = pair
    assert measured is not None
    if closed is None or not told:
        return percent(measured)
    return f"{percent(measured)} ({percent(closed)})"


def _loads(parts: Parts) -> str:
    rows = []
    for name in LOADS:
        for row in parts[f"load-{name}"]["rows"]:
            told = name == "tank" or not row["ohm"]
            rows.append([
                name, _load(row),
                *(_change(row[key], told=told) for key in ("frequency", "amplitude", "pull")),
                f"{row['lag_rad'][0]:+.4f} to {row['lag_rad'][1]:+.4f} rad",
            ])  # fmt: skip
    head = ("circuit", "input", "frequency", "amplitude", "pull", "lag")
    return table(head, rows).rstrip("\n")


def _buffers(parts: Parts) -> str:
    rows = []
    for name in ("buffer-level1", "buffer-gf180mcu"):
        part = parts[name]
        if "missing" in part:
            rows.append([name.replace("buffer-", "ring-"), f"not made: {part['missing']}",
                         *[""] * 4])  # fmt: skip
            continue
        rows.append([
            part["circuit"], f"**{si(part['supply_j'], 'J')}**", si(part["closed_j"], "J"),
            si(part["ring_j"], "J"), f"{100 * part['supply_j'] / part['ring_j']:.0f} %",
            percent(part["frequency"]),
        ])  # fmt: skip
    head = ("circuit", "buffers, an oscillator and period", "2 C VDD² of the outputs alone",
            "ring", "buffers over ring", "frequency")  # fmt: skip
    return table(head, rows).rstrip("\n")
