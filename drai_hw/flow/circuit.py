"""Stage `spice`: the learned weights as a circuit, its recalls, energies and distance to float."""

from __future__ import annotations

import math
import warnings
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw import spice
from drai_hw.flow.components import die_for, with_detuning
from drai_hw.flow.network import load, save, spec_of
from drai_hw.flow.stages import CheckFailed, Context
from drai_hw.model.readout import is_exact, phase_rms_rad, read_pattern
from drai_hw.model.reference import Reference
from drai_hw.model.tasks import lock_start_rad
from drai_hw.spec import Spec
from drai_hw.spice.design import model_keys
from drai_hw.spice.engine import Progress
from drai_hw.spice.side_by_side import side_by_side
from drai_hw.units import TAU, wrap_rad

SOURCES = (
    "drai_hw.units",
    "drai_hw.spec",
    "drai_hw.model",
    "drai_hw.spice",
    "drai_hw.flow.components",
    "drai_hw.flow.network",
    __name__,
)
TOOLS = ("numpy", "PySpice", "ngspice")

_FLOAT_STEP_RAD = 0.05  # fine enough that the comparison shows the circuit's error, not Euler's

Floats = NDArray[np.float64]


def spice_stage(context: Context) -> Mapping[str, Any]:
    """
    Run the circuit from corrupted starts (or let it lock) and compare it with the float model.

    The first runs of the twin's list of starts are taken, with the weights that the twin learned.
    The float model gets the circuit's conditions: the same weights and start phases, no second
    harmonic, the same time in units of 1/(kappa R).

    Raises
    ------
    CheckFailed
        When the energy balance of a run is off by more than 0.5 %.
    """
    spec = spec_of(context.inputs)
    twin = load(context.folders["twin"])
    weights = twin["weights"]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        if spec.task.kind == "lock":
            result, runs = _lock(context, spec, weights)
        else:
            result, runs = _recalls(context, spec, weights, twin)
    result["warnings"] = sorted({str(w.message) for w in caught if w.category is UserWarning})
    result["runs"] = [{**run.summary(), "duration_s": run.energies.duration_s} for run in runs]
    result["circuit"] = spec.circuit.kind
    if die := die_for(spec, weights):
        result["tuning"] = die.summary()
    result["weight_error"] = (
        max(_weight_error(weights, run.amplitude_v) for run in runs)
        if spec.circuit.kind == "lc"
        else None
    )
    off = max(abs(run.balance) for run in runs)
    if not all(run.energies.balanced for run in runs):
        raise CheckFailed(
            f"energy balance of the circuit is off by {100 * off:.2f} %; at most 0.5 % is accepted",
            result,
        )
    return result


def _row_sum(weights: Floats) -> float:
    return float(np.abs(weights).sum(axis=1).max())


def detuning_of(spec: Spec) -> Floats | None:
    """
    Return the relative frequency deviations of the circuit, f/f0.

    The network file gives detunings in units of kappa R, and rho sets kappa R to rho times half
    the bandwidth, omega0/2Q. Rings have no bandwidth: theirs are not detuned.
    """
    if not spec.dynamics.frequencies or spec.circuit.kind != "lc":
        return None
    per_cycle_rad = spice.advance_per_cycle_rad(spec.circuit)
    return np.array(spec.dynamics.frequencies) * per_cycle_rad / TAU


def _weight_error(weights: Floats, amplitude_v: Floats) -> float:
    """Return the largest deviation of w_ij A_j/A_i from w_ij, in units of the largest |w|."""
    ratio = amplitude_v[None, :] / amplitude_v[:, None]
    return float(np.abs(weights * (ratio - 1)).max() / np.abs(weights).max())


def netlist_of(
    spec: Spec, weights: Floats, phases_rad: Floats, seed: int, command: str | None = None
) -> spice.Netlist:
    """Return the netlist of a network with given weights and start phases, components drawn."""
    spec = spec.in_row_sums(_row_sum(weights))
    die = die_for(spec, weights)
    return spice.create(
        weights,
        spec.circuit,
        start_phases=phases_rad,
        detuning=detuning_of(spec),
        seed=seed,
        name=spec.network.name,
        command=command,
        banks=die.trimmed if die else None,
    )


def start_of(spec: Spec, starts: NDArray[np.int64], trial: int) -> Floats:
    """Return the circuit's start phases of a trial: 0 or pi with the circuit's seeded jitter."""
    return spice.start_phases_of(starts[trial], spec.circuit.jitter_rad, spec.task.seed + trial)


def with_branches(spec: Spec) -> Spec:
    """
    Return a network whose float model couples as the circuit's branches do.

    Unless the network file has a Fourier list, it gets the first harmonic that capacitors turn;
    with resistors the coupling table stays.
    """
    if spec.dynamics.coupling_sine or spec.dynamics.coupling_cosine:
        return spec
    keys = {key: tuple(values) for key, values in model_keys(spec.circuit).items()}
    return spec.model_copy(update={"dynamics": spec.dynamics.model_copy(update=keys)})


def float_end(spec: Spec, weights: Floats, phases_rad: Floats) -> Floats:
    """
    Return where the float model ends under the circuit's conditions.

    Couplings with capacitors pull in quadrature: see `with_branches`. Frequencies deviate as the
    drawn components make them, by closed form.
    """
    spec = with_branches(spec.in_row_sums(_row_sum(weights)))
    if detuning_of(spec) is None:
        still = spec.dynamics.model_copy(update={"frequencies": ()})
        spec = spec.model_copy(update={"dynamics": still})
    if die := die_for(spec, weights):
        spec = with_detuning(spec, die.deviation(die.trimmed))
    model = Reference(spec)
    model.weights = np.asarray(weights, dtype=np.float64)
    model.phases_rad = np.array(phases_rad)
    circuit = spec.circuit
    duration = circuit.cycles * spice.advance_per_cycle_rad(circuit)  # in 1/(kappa R)
    model.run(math.ceil(duration / _FLOAT_STEP_RAD), shil=False, step_rad=_FLOAT_STEP_RAD)
    return model.phases_rad


def _runs(context: Context, netlists: list[spice.Netlist]) -> list[spice.CircuitResult]:
    """Write the netlists and run them, as many at a time as there are processors."""
    count = len(netlists)
    for index, netlist in enumerate(netlists):
        name = f"{netlist.name}-{index}.cir" if count > 1 else f"{netlist.name}.cir"
        Path(context.workdir, name).write_text(netlist.file_text)

    def told(share: float, done: int) -> None:
        context.progress(share, f"ngspice, {done} of {count} runs done")

    return side_by_side([partial(_one, netlist) for netlist in netlists], progress=told)


def _one(netlist: spice.Netlist, progress: Progress) -> spice.CircuitResult:
    return spice.run(netlist, progress=progress)


def _recalls(
    context: Context, spec: Spec, weights: Floats, twin: Mapping[str, NDArray[Any]]
) -> tuple[dict[str, Any], list[spice.CircuitResult]]:
    count = min(spec.circuit.trials, len(twin["starts"]))
    starts = [start_of(spec, twin["starts"], trial) for trial in range(count)]
    runs = _runs(
        context,
        [
            netlist_of(spec, weights, start, spec.task.seed + trial)
            for trial, start in enumerate(starts)
        ],
    )
    ends, rms, same, exact = [], [], [], []
    for trial, (start, run) in enumerate(zip(starts, runs, strict=True)):
        reference = float_end(spec, weights, start)
        ends.append(run.pattern)
        rms.append(phase_rms_rad(run.phases_rad[-1], reference))
        same.append(is_exact(run.pattern, read_pattern(reference)))
        exact.append(is_exact(run.pattern, twin["stored"][twin["target"][trial]]))
    save(
        context.workdir,
        ends=np.array(ends),
        trace_rad=runs[0].phases_rad,
        time_s=runs[0].time_s,
    )
    result = {
        "kind": "recall",
        "hits": sum(exact),
        "trials": count,
        "exact": exact,
        "inverse_counts": True,
        "same_as_float": sum(same),
        "phase_rms_rad": float(np.sqrt(np.mean(np.square(rms)))),
        "settled": sum(run.settled for run in runs),
        "seconds_per_run": float(np.mean([run.seconds for run in runs])),
    }
    return result, runs


def _lock(
    context: Context, spec: Spec, weights: Floats
) -> tuple[dict[str, Any], list[spice.CircuitResult]]:
    start = lock_start_rad(spec)
    (run,) = _runs(context, [netlist_of(spec, weights, start, spec.task.seed)])
    offsets = wrap_rad(run.phases_rad - run.phases_rad[:, :1])
    tail = offsets[-max(2, len(offsets) // 10) :]
    reference = float_end(spec, weights, start)
    save(context.workdir, trace_rad=run.phases_rad, time_s=run.time_s)
    result = {
        "kind": "lock",
        "offsets_rad": [float(value) for value in tail.mean(axis=0)],
        "drift_rad": float(np.abs(wrap_rad(tail - tail[-1])).max()),
        "phase_rms_rad": phase_rms_rad(run.phases_rad[-1], reference),
        "settled": int(run.settled),
        "trials": 1,
        "seconds_per_run": run.seconds,
    }
    return result, [run]
