"""A die: oscillators with drawn components at a corner, alone, as a pair, and as a network."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.integrate import cumulative_trapezoid

from drai_hw.errors import ConvergenceError
from drai_hw.model.readout import is_exact
from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.readout import frequency_hz, phases, read_out
from drai_hw.spice.settings import Floats
from drai_hw.spice.spread.circuits import Corner, Sort, task
from drai_hw.spice.spread.deviate import Mismatch, deviate

ALONE_CYCLES, SKIPPED_CYCLES = 40, 12
APART, TURNS = 3.0, 3.0
"""Detuning of a pair over its locking range, and about how often one passes the other."""
LEAST_TURNS = 1.5

Change = Callable[[str], str]


@dataclass(frozen=True)
class Die:
    """
    One draw of a circuit.

    Parameters
    ----------
    sort : Sort
        What it is.
    corner : Corner
        Where it works.
    mismatch : Mismatch
        How far its components deviate.
    seed : int
        Of components, start and, in ``statistical``, process.
    change : callable, optional
        Applied to every netlist last: noise, ripple, loads.
    """

    sort: Sort
    corner: Corner
    mismatch: Mismatch
    seed: int
    change: Change | None = None

    @property
    def name(self) -> str:
        """Return a name for files."""
        scale = f"x{self.mismatch.scale:g}"
        return f"{self.sort.name}-{self.corner.name}-{scale}-{self.seed}"

    def waves(
        self, branch_s: Floats, start_rad: Floats, cycles: float, *, detuning: Floats | None = None
    ) -> Waves:
        """Run it in ngspice."""
        nominal = self.sort.text(branch_s, start_rad, cycles, self.corner, detuning=detuning)
        text = deviate(nominal, self.mismatch, self.seed)
        if self.change is not None:
            text = self.change(text)
        stop_s = cycles * self.sort.period_s(self.corner)
        return simulate(
            text, stop_s=stop_s * (1 - 1e-6), expected_points=int(60 * cycles),
            vectors=text.count(".save "), name="die", timeout_s=1800.0,
        )  # fmt: skip

    def signals(self, waves: Waves, n: int) -> Floats:
        """Return the voltages between the sides."""
        p, m = self.sort.sides(n)
        return np.asarray(waves.select(p) - waves.select(m))

    def power_w(self, waves: Waves) -> Floats:
        """Return what VDD delivers at every point."""
        return -self.sort.supply_v(self.corner) * waves.select(["i(vdd)"])[:, 0]


def alone(die: Die) -> dict[str, Any]:
    """
    Run two uncoupled oscillators.

    Returns
    -------
    dict
        ``frequency_hz`` of the first, ``detuning`` of the second from it, ``amplitude_v`` of the
        first, ``energy_per_cycle_j`` from VDD for each oscillator and period.
    """
    waves = die.waves(np.zeros((2, 2)), np.array([0.0, 2.6]), ALONE_CYCLES)
    signals = die.signals(waves, 2)
    first_hz, second_hz = (frequency_hz(waves.time_s, signal) for signal in signals.T)
    return {
        "frequency_hz": first_hz,
        "detuning": second_hz / first_hz - 1.0,
        "amplitude_v": math.sqrt(2.0 * late_mean(waves, signals[:, 0] ** 2)),
        "energy_per_cycle_j": late_mean(waves, die.power_w(waves)) / (first_hz + second_hz),
    }


def late_mean(waves: Waves, values: Floats) -> float:
    """Return a mean over a run's second half, by a Hann window: ripple needs no whole periods."""
    late = waves.time_s >= 0.5 * waves.time_s[-1]
    time_s = waves.time_s[late]
    window = 1.0 - np.cos(2.0 * math.pi * (time_s - time_s[0]) / (time_s[-1] - time_s[0]))
    weighed = np.trapezoid(window * values[late], time_s)
    return float(weighed / np.trapezoid(window, time_s))


def pair(die: Die, first_hz: float) -> dict[str, Any]:
    """
    Couple these two oscillators, too far apart to lock, and see how they pull each other.

    The second's capacitors are smaller, so that its phase passes the first's a few times. Then
    ``d psi/dt = d - 2 w cos(a) sin(psi)`` and ``d mean/dt = c - w sin(a) cos(psi)`` are fitted,
    with the other parts of the first two harmonics.

    Parameters
    ----------
    die : Die
        The die.
    first_hz : float
        Frequency of the first, in which phases are counted.

    Returns
    -------
    dict
        ``lag_rad``, the angle a; ``pull``, w over the angular frequency; empty when drawn
        components held the phases so near each other that they did not pass.
    """
    sort = die.sort
    branch_s = sort.branches_s(np.array([[0.0, 1.0], [1.0, 0.0]]), sort.pair_rho)
    apart = 2.0 * APART * sort.pair_rho * sort.pull_per_rho
    cycles = SKIPPED_CYCLES + math.ceil(TURNS / apart)
    waves = die.waves(branch_s, np.zeros(2), cycles, detuning=np.array([0.0, apart]))
    time_s, table = phases(waves.time_s, die.signals(waves, 2), first_hz)
    time_s, table = time_s[SKIPPED_CYCLES:], table[SKIPPED_CYCLES:]
    psi, mean = table[:, 1] - table[:, 0], table.mean(axis=1)
    if np.ptp(psi) < LEAST_TURNS * 2.0 * math.pi:
        return {}
    rates = [np.ones_like(psi)]
    for k in (1, 2):
        rates += [-np.sin(k * psi), -np.cos(k * psi)]
    odd = 0.5 * fitted(time_s, psi, rates)[1]
    even = fitted(time_s, mean, rates)[2]
    return {
        "lag_rad": math.atan2(even, odd),
        "pull": math.hypot(even, odd) / (2.0 * math.pi * first_hz),
    }


def fitted(time_s: Floats, moved: Floats, rates: list[Floats]) -> Floats:
    """Return factors of the rates whose integrals are what was moved, by least squares."""
    table = np.column_stack([cumulative_trapezoid(rate, time_s, initial=0.0) for rate in rates])
    scale = np.abs(table).max(axis=0)
    factors, *_ = np.linalg.lstsq(table / scale, moved - moved[0], rcond=None)
    return np.asarray(factors / scale)


def network(die: Die) -> dict[str, Any]:
    """
    Recall the pattern of a network of N oscillators.

    Returns
    -------
    dict
        ``exact``, ``settled_cycle`` (None: it did not, or oscillators stopped) and
        ``energy_per_recall_j`` from VDD over the whole run.
    """
    weights, pattern, start_rad = task(die.sort, die.seed)
    branch_s = die.sort.branches_s(weights, die.sort.rho)
    waves = die.waves(branch_s, start_rad, die.sort.cycles)
    found: dict[str, Any] = {"exact": False, "settled_cycle": None}
    found["energy_per_recall_j"] = float(np.trapezoid(die.power_w(waves), waves.time_s))
    reference_hz = 1.0 / die.sort.period_s(die.corner)
    try:
        read = read_out(waves.time_s, die.signals(waves, die.sort.n), reference_hz)
    except ConvergenceError:
        return found
    exact = is_exact(read.pattern, pattern.astype(np.int64))
    return {**found, "exact": bool(exact), "settled_cycle": read.settled_cycle}


def measure(die: Die) -> dict[str, Any]:
    """Return everything that is measured on a die."""
    found = alone(die)
    return {**found, **pair(die, found["frequency_hz"]), **network(die)}
