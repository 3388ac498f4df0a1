"""Stage `report`: what the other stages found, put together as report.json and report.html."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw import __version__
from drai_hw.files import write_whole
from drai_hw.flow.energy import circuit_part
from drai_hw.flow.network import formats_of, load, spec_of
from drai_hw.flow.stages import Context
from drai_hw.flow.verdict import checks, verdict
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.report import render
from drai_hw.spec import Spec, template
from drai_hw.spice import advance_per_cycle_rad

SOURCES = (
    "drai_hw.files",
    "drai_hw.units",
    "drai_hw.spec",
    "drai_hw.model",
    "drai_hw.report",
    "drai_hw.spice",
    "drai_hw.flow.network",
    "drai_hw.flow.verdict",
    "drai_hw.flow.energy",
    "drai_hw.flow.words",
    __name__,
)
TOOLS = ("numpy", "matplotlib", "Jinja2")

HTML, JSON = "report.html", "report.json"
STAGE_OF = {"float": "model", "twin": "twin", "rtl": "sim", "circuit": "spice"}
_EXAMPLES = 8  # pictures on the page; the rates count all trials


def report_stage(context: Context) -> Mapping[str, Any]:
    """Write report.json and report.html from what there is; return the summary."""
    data = gather(context.inputs, context.results, context.folders, context.fates)
    context.progress(0.5, "drawing")
    write_whole(context.workdir / JSON, json.dumps(data, allow_nan=False) + "\n")
    write_whole(context.workdir / HTML, render(data))
    kept = ("verdict", "checks", "agreement", "area", "energy", "board")
    return {key: data[key] for key in kept if key in data}


def gather(
    inputs: Mapping[str, Any],
    results: Mapping[str, Mapping[str, Any]],
    folders: Mapping[str, Path],
    fates: tuple[Mapping[str, Any], ...],
) -> dict[str, Any]:
    """
    Return the content of report.json.

    Parameters
    ----------
    inputs:
        ``network`` (all sections), ``lanes``, ``pages``, ``reproduce``, ``tools``.
    results, folders:
        Results and folders of the stages that have them.
    fates:
        What became of every stage.
    """
    spec, formats = spec_of(inputs), formats_of(inputs)
    rows = checks(spec, results)
    arrays = {
        name: load(folders[name]) for name in ("model", "twin", "sim", "spice") if name in results
    }
    data: dict[str, Any] = {
        "name": spec.network.name,
        "version": __version__,
        "oscillators": formats.n,
        "verdict": verdict(spec, rows, results),
        "facts": _facts(spec, formats),
        "stages": [
            {key: fate[key] for key in ("name", "status", "seconds", "reason")} for fate in fates
        ],
        "checks": rows,
        "agreement": agreement(results),
        "inputs": {
            "toml": template(spec),
            "digests": {
                "Design (in the core's identity registers)": plan.design_digest(formats).hex(),
                **{f"Stage {fate['name']}": fate["digest"] for fate in fates if fate["digest"]},
            },
            "tools": dict(inputs["tools"]),
        },
        "reproduce": list(inputs["reproduce"]),
        **_task_part(spec, results, arrays),
        **_phases_part(spec, results, arrays),
        **_weights_part(formats, results, arrays),
        **_board_part(results),
        **_activity_part(results),
    }
    if "spice" in results:
        data.update(circuit_part(spec, results["spice"]))
    return data


def agreement(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Return the block ``agreement`` of the JSON of ``build``; null where a stage has no result."""

    def of(stage: str, key: str) -> Any:
        return results[stage].get(key) if stage in results else None

    def rate(stage: str) -> float | None:
        hits, trials = of(stage, "hits"), of(stage, "trials")
        return None if hits is None else hits / trials

    return {
        "twin_rtl_mismatches": of("sim", "mismatches"),
        "steps": of("sim", "steps"),
        "float_exact": rate("model"),
        "twin_exact": rate("twin"),
        "rtl_exact": rate("sim"),
        "circuit_exact": rate("spice"),
        "circuit_same_as_float": of("spice", "same_as_float"),
        "circuit_phase_rms_rad": of("spice", "phase_rms_rad"),
        "inverse_counts": True,
    }


def _facts(spec: Spec, f: Formats) -> dict[str, str]:
    table = f"{f.levels} levels" if f.levels is not None else f"B={f.table_bits}"
    pairs = f.n * (f.n - 1) // 2
    facts = {
        "Oscillators": f"{f.n:,} ({pairs:,} pairs)",
        "Formats": f"A={f.accumulator_bits} P={f.phase_bits} {table} W={f.weight_bits} bit",
        "Lanes × pages": f"{f.lanes} × {f.pages}",
        "Board": spec.board.name,
        "Circuit": {"lc": "differential LC tanks", "ring": "CMOS rings"}[spec.circuit.kind],
        "Seed": str(spec.task.seed),
    }
    if spec.task.kind == "recall":
        pixels = int(np.floor(spec.task.flips * f.n + 0.5))
        facts["Corruption"] = f"{pixels} of {f.n} pixels flipped"
    return facts


# -- the task ----------------------------------------------------------------------------------


def _task_part(
    spec: Spec, results: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Any]
) -> dict[str, Any]:
    if spec.task.kind == "lock":
        return {"lock": _lock_rows(spec, results)}
    part: dict[str, Any] = {"machines": {}}
    notes = {
        "float": "its own learning, real-valued weights",
        "twin": "its own learning, integers",
        "rtl": "learning and recall on the simulated core",
        "circuit": "the twin's weights; first starts of the same list",
    }
    for machine, stage in STAGE_OF.items():
        result = results.get(stage)
        if result is None:
            part["machines"][machine] = {"hits": 0, "trials": 0, "reason": f"no {stage}"}
        else:
            part["machines"][machine] = {
                "hits": result["hits"],
                "trials": result["trials"],
                "note": notes[machine],
            }
    source = "twin" if "twin" in arrays else "model" if "model" in arrays else None
    if source is None:
        return part
    base, labels = arrays[source], results[source]["labels"]
    part["shape"] = [base["stored"].shape[1] // results[source]["width"], results[source]["width"]]
    part["examples"] = []
    # Patterns come in turn: the first trials show each pattern once.
    for trial in range(min(_EXAMPLES, len(base["stored"]), len(base["target"]))):
        pattern = int(base["target"][trial])
        ends = {
            machine: arrays[stage]["ends"][trial].tolist()
            for machine, stage in STAGE_OF.items()
            if stage in arrays and trial < len(arrays[stage]["ends"])
        }
        part["examples"].append(
            {
                "label": labels[pattern],
                "stored": base["stored"][pattern].tolist(),
                "start": base["starts"][trial].tolist(),
                "ends": ends,
            }
        )
    return part


def _lock_rows(spec: Spec, results: Mapping[str, Mapping[str, Any]]) -> list[dict[str, Any]]:
    from drai_hw.report.render import MACHINES

    rows = []
    for machine, stage in STAGE_OF.items():
        result = results.get(stage)
        name = f"{MACHINES[machine]}, oscillator {spec.network.oscillators - 1} against 0"
        if result is None:
            rows.append({"name": name, "value": None, "reason": f"no {stage}"})
            continue
        rows.append(
            {
                "name": name,
                "value": result["offsets_rad"][-1],
                "unit": "rad",
                "method": f"mean of the last tenth; moves by {result['drift_rad']:.2g} rad there",
            }
        )
    return rows


# -- phases and weights ------------------------------------------------------------------------


def _phases_part(
    spec: Spec, results: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Any]
) -> dict[str, Any]:
    """Return phases of the first trial, time in 1/(kappa R): the unit all machines share."""
    same = results.get("sim", {}).get("mismatches") == 0
    titles = {
        "model": f"Float model, {spec.task.steps} steps",
        "twin": f"{'Twin = RTL' if same else 'Twin'}, {spec.task.steps} steps",
        "spice": f"Circuit, {spec.circuit.cycles} cycles",
    }
    sign = np.ones(spec.network.oscillators, dtype=np.int64)
    if "twin" in arrays and "stored" in arrays["twin"]:
        sign = arrays["twin"]["stored"][arrays["twin"]["target"][0]]
    coupling = spec.dynamics.coupling
    if "weights" in arrays.get("twin", {}):
        row_sum = np.abs(arrays["twin"]["weights"]).sum(axis=1).max()
        coupling = spec.in_row_sums(float(row_sum)).dynamics.coupling
    traces = []
    for stage, title in titles.items():
        if stage not in arrays:
            continue
        phases = arrays[stage]["trace_rad"]
        if stage == "spice":
            time = arrays[stage]["time_s"] * _rate_per_s(spec, results["spice"])
            label = "time (1/κR)" if spec.circuit.kind == "lc" else "time (cycles)"
        else:
            time = np.arange(len(phases)) * coupling
            label = "time (1/κR)"
        traces.append(
            {
                "title": title,
                "time": np.round(time, 4).tolist(),
                "time_label": label,
                "phases_rad": np.round(phases, 4).tolist(),
                "sign": np.asarray(sign).tolist(),
            }
        )
    if not traces:
        return {}
    note = (
        "Time in units of 1/(κR), κR the largest row sum of the coupling rates, on every machine."
    )
    if spec.shil.strength:
        note += " The digital machines apply a ramped second harmonic, the circuit has none."
    return {"phases": traces, "phases_note": note}


def _rate_per_s(spec: Spec, result: Mapping[str, Any]) -> float:
    """Return kappa R of the circuit in 1/s."""
    f_hz: float = result["runs"][0]["frequency_hz"]
    return f_hz * advance_per_cycle_rad(spec.circuit)


def _weights_part(
    formats: Formats, results: Mapping[str, Mapping[str, Any]], arrays: Mapping[str, Any]
) -> dict[str, Any]:
    if "twin" not in arrays:
        return {}
    result = results["twin"]
    facts: dict[str, str] = {}
    if result["kind"] == "recall":
        counters = result["counters"]
        facts = {
            "Presentations": f"{result['presentations']:,}"
            + ("" if result["all_held"] else " (limit reached, not all held)"),
            "Pairs evaluated / gates open / written / changed / skipped": " / ".join(
                f"{counters[key]:,}"
                for key in ("visited", "gated_on", "written", "changed", "skipped")
            ),
        }
    same = results.get("sim", {}).get("mismatches") == 0
    note = "Of the twin" + (", equal in the RTL; the circuit is built from them." if same else ".")
    return {
        "weights": {
            "matrix": arrays["twin"]["weights"].tolist(),
            "limit": formats.w_max,
            "facts": facts,
            "note": note,
        }
    }


# -- FPGA --------------------------------------------------------------------------------------


def _board_part(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    board = results.get("board")
    if board is None:
        return {}
    seeds = ", ".join(map(str, board["pnr_seeds"]))

    def row(name: str, value: float, unit: str, method: str) -> dict[str, Any]:
        return {"name": name, "value": value, "unit": unit, "method": method}

    area = {key: board[key] for key in ("lut", "ff", "ebr", "spram", "dsp")}
    clock = "the board's oscillator or PLL, from its board file"
    pairs = board["n"] * (board["n"] - 1) // 2
    quantities = [
        row("fmax", board["fmax_hz"], "Hz", f"nextpnr's report, worst of seeds {seeds}"),
        row("Clock on the board", board["clock_hz"], "Hz", clock),
        row("Clocks per step", board["clocks_per_step"], "clocks", "exact, of one couple pass"),
        row("Steps per second", board["steps_per_s"], "steps/s", "clock / clocks per step"),
        row("Pairs per second", board["steps_per_s"] * pairs, "pairs/s", "steps/s × N(N-1)/2"),
        row("Memory", board["memory_bits_used"], "bits", "all memories of the design"),
    ]
    return {
        "area": {"device": board["device"], **area, "memory_bits_used": board["memory_bits_used"]},
        "board": {
            **{
                key: board[key] for key in ("board", "device", "fmax_hz", "clock_hz", "steps_per_s")
            },
            **area,
            "title": f"{board['title']} ({board['device']}); compiled in: "
            + ", ".join(board["features"]),
            "quantities": quantities,
        },
    }


def _activity_part(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    sim = results.get("sim")
    if sim is None or not sim.get("activity"):
        return {}
    return {"activity": sim["activity"]}
