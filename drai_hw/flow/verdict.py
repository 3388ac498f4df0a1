"""Do the machines agree: every comparison as one row, and the sentence that sums them up."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from drai_hw.flow.words import first_text
from drai_hw.model.tasks import pair_offset_rad
from drai_hw.report.stats import Rate
from drai_hw.spec import Spec

Results = Mapping[str, Mapping[str, Any]]
Row = dict[str, str]

NEEDED = ("model", "twin", "sim", "board", "spice")

FLOAT_TOLERANCE_RAD = 1e-3
CIRCUIT_TOLERANCE_RAD = 0.02


def checks(spec: Spec, results: Results) -> list[Row]:
    """
    Compare what the stages found.

    Parameters
    ----------
    spec:
        The network.
    results:
        Results by stage; a stage without one makes its rows ``open``.

    Returns
    -------
    list of dict
        Rows with ``what``, ``result``, ``extent`` and ``mark``: ``ok``, ``bad``, ``info`` (no pass
        mark) or ``open`` (not run).
    """
    compare = _lock if spec.task.kind == "lock" else _recall
    return [_bits(results), *compare(spec, results), *_physics(results)]


def verdict(
    spec: Spec, rows: list[Row], results: Results, needed: tuple[str, ...] = NEEDED
) -> dict[str, str]:
    """
    Return status and sentence for the top of the report.

    Parameters
    ----------
    spec:
        The network.
    rows:
        The comparisons.
    results:
        Results by stage.
    needed:
        Stages without which nothing is called an agreement.
    """
    bad = [row for row in rows if row["mark"] == "bad"]
    missing = [name for name in needed if name not in results]
    if bad:
        listed = "; ".join(f"{row['what']}: {row['result']}" for row in bad)
        return {"status": "disagree", "sentence": f"{listed}."}
    if missing:
        return {
            "status": "incomplete",
            "sentence": f"No result from {', '.join(missing)}; what ran agrees.",
        }
    first = rows[0]
    return {
        "status": "agree",
        "sentence": f"{_agreeing(spec, results)} Twin and RTL are equal bit for bit "
        f"({first['result']}, {first['extent']}).",
    }


def _agreeing(spec: Spec, results: Results) -> str:
    """Say what agrees, with its figures; a circuit without a pass mark is told apart."""
    judged = spec.circuit.kind == "lc"
    if spec.task.kind == "lock":
        who = "Float model, twin, RTL and circuit" if judged else "Float model, twin and RTL"
        text = f"{who} lock at the same offset."
        return text if judged else f"{text} The ring circuit ran; its offset has no pass mark."
    counts = {
        name: f"{name} {results[stage]['hits']} of {results[stage]['trials']}"
        for stage, name in (
            ("model", "float model"),
            ("twin", "twin"),
            ("sim", "RTL"),
            ("spice", "circuit"),
        )
    }
    ring = counts["circuit"] if judged else counts.pop("circuit")
    text = f"Exact recalls agree within their 95 % intervals: {', '.join(counts.values())}."
    return text if judged else f"{text} The ring {ring}, without a pass mark."


def _row(what: str, result: str, extent: str, good: bool | None) -> Row:
    mark = "info" if good is None else "ok" if good else "bad"
    return {"what": what, "result": result, "extent": extent, "mark": mark}


def _open(what: str) -> Row:
    return {"what": what, "result": "no result", "extent": "", "mark": "open"}


def _bits(results: Results) -> Row:
    what = "Twin against RTL: every phase and weight after every step"
    sim = results.get("sim")
    if sim is None:
        return _open(what)
    text = f"{sim['mismatches']:,} mismatches"
    if sim.get("first_mismatch"):
        text += f", first: {first_text(sim['first_mismatch'])}"
    learns = ", learning included" if sim["updates"] else ""
    extent = f"{sim['steps']:,} steps{learns}"
    return _row(what, text, extent, sim["mismatches"] == 0)


def _rate(result: Mapping[str, Any] | None) -> Rate | None:
    return Rate(result["hits"], result["trials"]) if result else None


def _recall(spec: Spec, results: Results) -> list[Row]:
    reference = _rate(results.get("model"))
    rows = []
    for stage, name in (("twin", "Twin"), ("sim", "RTL"), ("spice", "Circuit")):
        what = f"{name} against float: exact-recall rate"
        other = _rate(results.get(stage))
        if reference is None or other is None:
            rows.append(_open(what))
            continue
        # A ring is asked to run and lock; its recall has no pass mark.
        judged = not (stage == "spice" and spec.circuit.kind == "ring")
        rows.append(
            _row(
                what,
                f"{other.value:.3f} against {reference.value:.3f}",
                "agrees while the 95 % intervals overlap" if judged else "no pass mark for rings",
                other.overlaps(reference) if judged else None,
            )
        )
    spice = results.get("spice")
    if spice is not None:
        rows.append(
            _row(
                "Circuit against float, same weights and start: end in the same pattern",
                f"{spice['same_as_float']} of {spice['trials']}",
                f"phases differ by {spice['phase_rms_rad']:.3f} rad rms at the end",
                None,
            )
        )
    return rows


def _lock(spec: Spec, results: Results) -> list[Row]:
    rows = []
    model = results.get("model")
    detuning = spec.dynamics.frequencies
    if model is not None and spec.network.oscillators == 2 and detuning:
        exact = pair_offset_rad(detuning)
        rows.append(
            _apart("Float against the closed form asin", [0.0, exact], model, FLOAT_TOLERANCE_RAD)
        )
    # Half of a step of the phase difference that the integer machines see.
    table_step = math.pi / 2**spec.formats.phase_bits
    for stage, name, limit in (
        ("twin", "Twin", table_step),
        ("sim", "RTL", table_step),
        ("spice", "Circuit", CIRCUIT_TOLERANCE_RAD if spec.circuit.kind == "lc" else None),
    ):
        what = f"{name} against float: offset in lock"
        other = results.get(stage)
        if model is None or other is None:
            rows.append(_open(what))
        else:
            rows.append(_apart(what, model["offsets_rad"], other, limit))
    return rows


def _apart(what: str, wanted: list[float], result: Mapping[str, Any], limit: float | None) -> Row:
    worst = max(
        abs(math.remainder(a - b, math.tau))
        for a, b in zip(wanted, result["offsets_rad"], strict=True)
    )
    extent = "no pass mark for rings" if limit is None else f"at most {limit:.3g} rad"
    return _row(what, f"{worst:.2e} rad apart", extent, None if limit is None else worst <= limit)


def _physics(results: Results) -> list[Row]:
    rows = []
    board = results.get("board")
    if board is not None:
        rows.append(
            _row(
                "FPGA timing: fmax against the board's clock",
                f"{board['fmax_hz'] / 1e6:.1f} MHz against {board['clock_hz'] / 1e6:g} MHz",
                f"worst of seeds {', '.join(map(str, board['pnr_seeds']))}",
                board["timing_met"],
            )
        )
    spice = results.get("spice")
    if spice is not None:
        worst = max(abs(run["balance"]) for run in spice["runs"])
        rows.append(
            _row(
                "Circuit energy: delivered against dissipated and stored",
                f"{100 * worst:.3f} % apart",
                f"at most 0.5 %, worst of {len(spice['runs'])} runs",
                all(run["balanced"] for run in spice["runs"]),
            )
        )
    return rows
