"""A run beside the float model: distance over time, attractor, sensitivity of the start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.at_size.runs import Record
from drai_hw.spice.extraction import PhaseMap, closed_form, predict, rms_rad
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Floats
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

NUDGE_RAD = 1e-3
SAME_RAD = 0.2


@dataclass(frozen=True)
class Row:
    """
    Hold what the page says of a run.

    Parameters
    ----------
    record : Record
        The run.
    order : tuple of float
        |sum_i x_i exp(i phi_i)| / N for the pattern x of the weights, at the start and at the end.
    rms_max_rad, rms_mean_rad, rms_end_rad : float
        Rms over oscillators of the distance from the float model with the coupling that the
        closed form gives: its largest value over time, its mean and its last.
    sine_max_rad : float
        The largest with a plain sine.
    same : bool
        Whether both end in the same attractor.
    sensitive : bool
        Whether the float model itself ends elsewhere when its start is moved by 1e-3 rad.
    """

    record: Record
    order: tuple[float, float]
    rms_max_rad: float
    rms_mean_rad: float
    rms_end_rad: float
    sine_max_rad: float
    same: bool
    sensitive: bool


def netlist_of(case: Case) -> Netlist:
    """Return the netlist that a case starts from."""
    return create(
        case.weights(), case.circuit, start_phases=case.start_rad(), seed=case.seed, name="size"
    )


def phases_of(record: Record) -> tuple[Floats, Floats]:
    """
    Return times one period apart, and phases in the free-running frame, from the crossings.

    Parameters
    ----------
    record : Record
        A run of at least three periods.
    """
    columns = []
    for i in range(record.case.n):
        at_s = np.sort(record.crossings_s[record.crossings_s[:, 0] == i, 1])
        columns.append((at_s, np.unwrap(-TAU / 4 - TAU * record.frequency_hz * at_s)))
    first, last = max(at[0] for at, _ in columns), min(at[-1] for at, _ in columns)
    grid = first + np.arange(int((last - first) * record.frequency_hz) + 1) / record.frequency_hz
    return grid, np.column_stack([np.interp(grid, at, phase) for at, phase in columns])


def order(phases_rad: Floats, pattern: Floats) -> float:
    """Return how far phases show a pattern: 1 for the pattern or its inverse, about 0 by chance."""
    return float(abs(np.mean(pattern * np.exp(1j * phases_rad))))


def judge(record: Record) -> Row:
    """
    Compare a run with the float model from the same start.

    Parameters
    ----------
    record : Record
        The run, finished or not.
    """
    case = record.case
    netlist = netlist_of(case)
    time_s, phases = phases_of(record)
    # the model starts with the netlist, one period or so before the first sample
    at_s = np.concatenate([[0.0], time_s])
    coupling = closed_form(case.circuit)
    sine = PhaseMap(coupling.way, coupling.frequency_hz, None, coupling.sine, (0.0, 0.0))
    start = case.start_rad()
    table = predict(coupling, netlist, at_s, start_rad=start)[1:]
    plain = predict(sine, netlist, at_s, start_rad=start)[1:]
    nudge = NUDGE_RAD * np.random.default_rng([case.seed, 2]).standard_normal(case.n)
    nudged = predict(coupling, netlist, at_s, start_rad=start + nudge)[1:]
    error, elsewhere = rms_rad(phases, table), rms_rad(nudged[-1:], table[-1:])[0]
    pattern = case.pattern().astype(np.float64)
    return Row(
        record=record,
        order=(order(start, pattern), order(phases[-1], pattern)),
        rms_max_rad=float(error.max()),
        rms_mean_rad=float(np.sqrt(np.mean(error**2))),
        rms_end_rad=float(error[-1]),
        sine_max_rad=float(rms_rad(phases, plain).max()),
        same=bool(
            is_exact(read_pattern(phases[-1]), read_pattern(table[-1])) and error[-1] < SAME_RAD
        ),
        sensitive=bool(elsewhere > SAME_RAD),
    )


def halving(coarse: Record, fine: Record) -> float:
    """
    Return the largest rms distance of a run from the same run at half the step.

    Each is seen in its own free-running frame, at the same moments.

    Parameters
    ----------
    coarse, fine : Record
        The two runs; the shorter one ends the comparison.
    """
    time_s, first = phases_of(coarse)
    other_s, second = phases_of(fine)
    inside = (time_s >= other_s[0]) & (time_s <= other_s[-1])
    moved = np.column_stack([np.interp(time_s[inside], other_s, phi) for phi in second.T])
    return float(rms_rad(first[inside], moved).max())
