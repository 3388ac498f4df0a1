"""A run beside the models: distance over time, attractor, sensitivity of the start."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spice.at_size.cases import EQUATIONS, Case
from drai_hw.spice.at_size.runs import Record, netlist_of
from drai_hw.spice.extraction import (
    PhaseMap,
    closed_form,
    predict,
    predict_amplitudes,
    rms_rad,
    settled_start_rad,
)
from drai_hw.spice.extraction.predict import STEP_RAD
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU

NUDGE_RAD = 1e-3
SAME_RAD = 0.2
FINE_STEP_RAD = 0.002


@dataclass(frozen=True)
class Row:
    """
    Hold what the page says of a run.

    Parameters
    ----------
    case : Case
        The run.
    netlist : str
        Digest of the netlist that was run.
    cycles_done : int
        Periods simulated.
    seconds : float
        Wall-clock time of that.
    order_start, order_end : float
        |sum_i x_i exp(i phi_i)| / N for the pattern x of the weights.
    phase_max_rad, phase_mean_rad, phase_end_rad : float
        Rms over oscillators of the distance from the float model with the coupling that the
        closed form gives: its largest value over time, its mean and its last.
    sine_max_rad : float
        The largest with a plain sine.
    amplitude_max_rad : float
        The largest from the model with amplitudes.
    amplitudes : tuple of float
        Least and largest relative amplitude in that model.
    same : bool
        Whether run and float model end in the same attractor.
    sensitive : bool
        Whether the float model itself ends elsewhere when its start is moved by 1e-3 rad.
    equations_max_rad : float or None
        Largest distance of an ngspice run from the equations' run; None where one is missing.
    halved_max_rad : float or None
        Largest distance of an ngspice run from the run at half its step.
    """

    case: Case
    netlist: str
    cycles_done: int
    seconds: float
    order_start: float
    order_end: float
    phase_max_rad: float
    phase_mean_rad: float
    phase_end_rad: float
    sine_max_rad: float
    amplitude_max_rad: float
    amplitudes: tuple[float, float]
    same: bool
    sensitive: bool
    equations_max_rad: float | None = None
    halved_max_rad: float | None = None

    def still_says(
        self, record: Record, kept: Mapping[Case, Record], before: Mapping[Case, Row]
    ) -> bool:
        """
        Return whether nothing was added to a run, and none to those that it is compared with.

        Parameters
        ----------
        record : Record
            The run.
        kept : mapping of Case to Record
            All runs that are kept.
        before : mapping of Case to Row
            Rows of the same time as this one, which tell how long the others were then.
        """
        if digest_of(netlist_of(self.case)) != self.netlist:
            return False
        if record.cycles_done != self.cycles_done:
            return False
        told = (self.equations_max_rad, self.halved_max_rad)
        return all(
            other is None
            or (
                distance is not None
                and other.case in before
                and before[other.case].cycles_done == other.cycles_done
            )
            for other, distance in zip(others_of(record.case, kept), told, strict=True)
        )


def digest_of(netlist: Netlist) -> str:
    """Return a digest of what was run."""
    return hashlib.blake2s(netlist.text.encode(), digest_size=8).hexdigest()


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


def judge(record: Record, kept: Mapping[Case, Record] | None = None) -> Row:
    """
    Compare a run with the models from the same start, and with other runs of the same network.

    Parameters
    ----------
    record : Record
        The run, finished or not.
    kept : mapping of Case to Record, optional
        Further runs.
    """
    case = record.case
    netlist = netlist_of(case)
    time_s, phases = phases_of(record)
    # the models start with the netlist, one period or so before the first sample
    at_s = np.concatenate([[0.0], time_s])
    coupling = closed_form(case.circuit)
    sine = PhaseMap(coupling.way, coupling.frequency_hz, None, coupling.sine, (0.0, 0.0))
    start = settled_start_rad(netlist)
    nudge = NUDGE_RAD * np.random.default_rng([case.seed, 2]).standard_normal(case.n)
    table, plain, nudged = (
        predict(found, netlist, at_s, start_rad=begun, step_rad=step)[1:]
        for found, begun, step in (
            (coupling, start, FINE_STEP_RAD),
            (sine, start, STEP_RAD),
            (coupling, start + nudge, STEP_RAD),
        )
    )
    with_amplitudes, amplitudes = predict_amplitudes(netlist, at_s)
    error, elsewhere = rms_rad(phases, table), rms_rad(nudged[-1:], table[-1:])[0]
    pattern = case.pattern().astype(np.float64)
    exact, fine = others_of(case, {} if kept is None else kept)
    return Row(
        case=case,
        netlist=digest_of(netlist),
        cycles_done=record.cycles_done,
        seconds=record.seconds,
        order_start=order(start, pattern),
        order_end=order(phases[-1], pattern),
        phase_max_rad=float(error.max()),
        phase_mean_rad=float(np.sqrt(np.mean(error**2))),
        phase_end_rad=float(error[-1]),
        sine_max_rad=float(rms_rad(phases, plain).max()),
        amplitude_max_rad=float(rms_rad(phases, with_amplitudes[1:]).max()),
        amplitudes=(float(amplitudes.min()), float(amplitudes.max())),
        same=bool(
            is_exact(read_pattern(phases[-1]), read_pattern(table[-1])) and error[-1] < SAME_RAD
        ),
        sensitive=bool(elsewhere > SAME_RAD),
        equations_max_rad=None if exact is None else apart(record, exact),
        halved_max_rad=None if fine is None else apart(record, fine),
    )


def others_of(case: Case, kept: Mapping[Case, Record]) -> tuple[Record | None, Record | None]:
    """Return what a run in ngspice is compared with: the equations' run, and at half its step."""
    if case.way == EQUATIONS or case.points_per_cycle != Case.points_per_cycle:
        return None, None
    halved = replace(case, points_per_cycle=2 * case.points_per_cycle)
    return kept.get(replace(case, way=EQUATIONS)), kept.get(halved)


def apart(first: Record, second: Record) -> float:
    """
    Return the largest rms distance of two runs of one network.

    Each is seen in its own free-running frame, at the same moments.

    Parameters
    ----------
    first, second : Record
        The two runs; the shorter one ends the comparison.
    """
    time_s, phases = phases_of(first)
    other_s, others = phases_of(second)
    inside = (time_s >= other_s[0]) & (time_s <= other_s[-1])
    moved = np.column_stack([np.interp(time_s[inside], other_s, phi) for phi in others.T])
    return float(rms_rad(phases[inside], moved).max())
