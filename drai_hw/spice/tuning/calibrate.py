"""Calibration as a chip would do it: count edges in a window, decide a bit, next bit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Banks
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.tuning import kinds

Measure = Callable[[Banks, Circuit], Floats]


@dataclass(frozen=True)
class Counter:
    """
    Hold the counters that every oscillator has: they count rising edges while a window is open.

    Parameters
    ----------
    window_cycles : int
        Length of the window in nominal periods, at least 1: it resolves 1/window of the frequency.
    settle_cycles : int
        Nominal periods between a change of code and the window, while amplitudes settle.
    """

    window_cycles: int = 8192
    settle_cycles: int = 32

    def __post_init__(self) -> None:
        if self.window_cycles < 1 or self.settle_cycles < 0:
            raise SpecError(
                f"a window of {self.window_cycles!r} after {self.settle_cycles!r} periods: needed "
                "are at least 1 and 0"
            )

    def count(self, hz: Floats, f0_hz: float, start: Floats) -> NDArray[np.int64]:
        """
        Return the edges in the window: ``floor(f T + u)``.

        Parameters
        ----------
        hz : ndarray, shape (N,)
            Frequencies.
        f0_hz : float
            Nominal frequency, which the window is counted in.
        start : ndarray, shape (N,)
            Share of a period that is over at the window's start, 0 to 1.
        """
        return np.floor(hz * self.window_cycles / f0_hz + start).astype(np.int64)


@dataclass(frozen=True)
class Calibration:
    """
    Hold the outcome of a calibration and what it took.

    Parameters
    ----------
    banks : Banks
        The capacitors with the codes found.
    counts : ndarray of int, shape (bits, N)
        Counts, the largest bit first.
    time_s : float
        All oscillators at once: bits times (settling + window).
    energy_j : float
        Of all oscillators in that time, a lower bound: loss of tanks, charging of rings
        (`kinds.power_w`); counters are not in it.
    edges : int
        Edges counted by all counters: the activity that a counter's energy goes with.
    """

    banks: Banks
    counts: NDArray[np.int64]
    time_s: float
    energy_j: float
    edges: int


def calibrate(
    banks: Banks,
    circuit: Circuit,
    measure: Measure,
    target_hz: float,
    *,
    counter: Counter | None = None,
    seed: int = 0,
) -> Calibration:
    """
    Find the code of each oscillator by successive approximation.

    A set bit adds capacitance and stays where the count is still above that of a frequency half a
    step under the target: this leads to the nearest code, not to the last one above. Couplings are
    open while counting.

    Parameters
    ----------
    banks : Banks
        The capacitors; their codes don't matter.
    circuit : Circuit
        The oscillators.
    measure : callable
        Frequencies of banks, `closed_form_hz` or `ngspice_hz`. A free oscillator keeps its
        frequency for the whole window, so a measured frequency gives the count.
    target_hz : float
        Wanted frequency.
    counter : Counter, optional
        Window.
    seed : int
        Of the phases at which windows open.
    """
    used = counter or Counter()
    f0_hz = kinds.nominal_hz(circuit)
    rng = np.random.default_rng(seed)
    made = kinds.design_of(banks.bank, circuit)
    wanted = target_hz * (1.0 - 0.5 * made.step_share) * used.window_cycles / f0_hz
    codes = np.zeros(banks.n, dtype=np.int64)
    counts = np.zeros((banks.bank.bits, banks.n), dtype=np.int64)
    for row, k in enumerate(reversed(range(banks.bank.bits))):
        tried = codes | (1 << k)
        hz = measure(banks.at(tried), circuit)
        counts[row] = used.count(hz, f0_hz, rng.random(banks.n))
        codes = np.where(counts[row] > wanted, tried, codes)
    time_s = banks.bank.bits * (used.settle_cycles + used.window_cycles) / f0_hz
    return Calibration(
        banks=banks.at(codes),
        counts=counts,
        time_s=time_s,
        energy_j=banks.n * kinds.power_w(circuit) * time_s,
        edges=int(counts.sum()),
    )
