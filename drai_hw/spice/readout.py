"""Phases, pattern and settling from waveforms v = A cos(omega t + phi)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import ConvergenceError
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU

SETTLED_CYCLES = 20
SETTLED_COSINE = 0.5


@dataclass(frozen=True)
class Readout:
    """
    Hold what a run shows, one row per cycle.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Sampling times, one reference period apart.
    phases_rad : ndarray, shape (T, N)
        Unwrapped phases in the frame turning at the reference frequency.
    pattern : ndarray of int, shape (N,)
        Final side of the axis, +1 or -1; the global sign is free (see ``align``).
    settled : bool
        Pattern unchanged for the last 20 cycles and every phase within 60 degrees of the axis.
    settled_cycle : int or None
        First cycle from which both held until the end.
    axis_rad : float
        Final axis, half the argument of sum exp(2 i phi).
    """

    time_s: Floats
    phases_rad: Floats
    pattern: NDArray[np.int64]
    settled: bool
    settled_cycle: int | None
    axis_rad: float


def numbered_crossings_s(time_s: Floats, signals: Floats) -> Floats:
    """
    Return oscillator and time of every rising zero crossing, oscillator by oscillator.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Increasing times.
    signals : ndarray, shape (T, N)
        Samples of each oscillator.

    Returns
    -------
    ndarray, shape (K, 2)
    """
    found = []
    for i, signal in enumerate(signals.T):
        at_s = rising_crossings_s(time_s, signal)
        found.append(np.column_stack([np.full(at_s.size, float(i)), at_s]))
    return np.concatenate(found)


def rising_crossings_s(time_s: Floats, signal: Floats) -> Floats:
    """
    Return the times at which a signal rises through zero.

    Between samples the time is interpolated as a cubic in the signal (four samples), linearly
    where these are not monotone; at 40 points a period the error of a sine is below 1e-6 periods.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Increasing times; the step may vary.
    signal : ndarray, shape (T,)
        Samples.

    Returns
    -------
    ndarray
        Crossing times in seconds.
    """
    at = np.flatnonzero((signal[:-1] < 0) & (signal[1:] >= 0))
    at = at[(at >= 1) & (at + 2 < signal.size)]
    window = at[:, None] + np.arange(-1, 3)
    v, t = signal[window], time_s[window] - time_s[at][:, None]
    linear = -v[:, 1] * t[:, 2] / (v[:, 2] - v[:, 1])
    monotone = (np.diff(v, axis=1) > 0).all(axis=1)
    cubic = np.zeros(at.size)
    with np.errstate(divide="ignore", invalid="ignore"):
        for a in range(4):
            term = t[:, a].copy()
            for b in range(4):
                if b != a:
                    term *= v[:, b] / (v[:, b] - v[:, a])
            cubic += term
    inside = monotone & (cubic >= 0) & (cubic <= t[:, 2])
    return time_s[at] + np.where(inside, cubic, linear)


def frequency_hz(time_s: Floats, signal: Floats) -> float:
    """
    Return the mean frequency over the second half of a run.

    Parameters
    ----------
    time_s, signal : ndarray, shape (T,)
        Samples of one oscillator.

    Returns
    -------
    float
        Hertz.

    Raises
    ------
    ConvergenceError
        The signal does not oscillate.
    """
    crossings = rising_crossings_s(time_s, signal)
    crossings = crossings[crossings.size // 2 :]
    if crossings.size < 2:
        raise ConvergenceError(
            "the free-running oscillator does not oscillate: raise gain or q, or simulate more "
            "cycles"
        )
    return float((crossings.size - 1) / (crossings[-1] - crossings[0]))


def phases(time_s: Floats, signals: Floats, reference_hz: float) -> tuple[Floats, Floats]:
    """
    Return phases against time in the frame that turns at a reference frequency.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Sample times.
    signals : ndarray, shape (T, N)
        One oscillator per column.
    reference_hz : float
        Free-running frequency, measured with the same solver settings.

    Returns
    -------
    tuple of (ndarray, ndarray)
        Times one period apart, and phases in radian, unwrapped, one column per oscillator.

    Raises
    ------
    ConvergenceError
        An oscillator stopped.
    """
    columns: list[tuple[Floats, Floats]] = []
    for i in range(signals.shape[1]):
        at = rising_crossings_s(time_s, signals[:, i])
        if at.size < 3 or at[-1] < time_s[-1] - 3.0 / reference_hz:
            raise ConvergenceError(
                f"oscillator {i} stopped after {at.size} periods: its couplings damp it more than "
                "its core drives it; lower rho, raise gain, or set damping = 'trimmed'"
            )
        columns.append((at, np.unwrap(-TAU / 4 - TAU * reference_hz * at)))
    first = max(at[0] for at, _ in columns)
    last = min(at[-1] for at, _ in columns)
    count = int((last - first) * reference_hz) + 1
    grid = first + np.arange(count) / reference_hz
    table = np.column_stack([np.interp(grid, at, phase) for at, phase in columns])
    return grid, table - TAU * np.round(table[0] / TAU)


def patterns(phases_rad: Floats) -> tuple[NDArray[np.int64], Floats, Floats]:
    """
    Return side, axis and distance from the axis for every row of phases.

    Parameters
    ----------
    phases_rad : ndarray, shape (T, N)
        Phases.

    Returns
    -------
    tuple
        Sides (+1/-1, first oscillator +1), axis in radian, and min_i |cos(phi_i - axis)|.
    """
    axis = 0.5 * np.angle(np.exp(2j * phases_rad).sum(axis=1))
    cosine = np.cos(phases_rad - axis[:, None])
    sides = np.where(cosine >= 0, 1, -1).astype(np.int64)
    return sides * sides[:, :1], axis, np.abs(cosine).min(axis=1)


def align(pattern: NDArray[np.int64], reference: NDArray[np.int64]) -> NDArray[np.int64]:
    """
    Return the pattern with the global sign that agrees better with a reference.

    The inverse of a pattern is the same state of the circuit: nothing in it tells them apart.

    Parameters
    ----------
    pattern, reference : ndarray of int, shape (N,)
        +1/-1.

    Returns
    -------
    ndarray of int
        Pattern or its inverse; the pattern itself on a tie.
    """
    return -pattern if int(pattern @ reference) < 0 else pattern


def read_out(time_s: Floats, signals: Floats, reference_hz: float) -> Readout:
    """
    Read phases, pattern and settling.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Sample times.
    signals : ndarray, shape (T, N)
        Voltages between the two sides of every oscillator.
    reference_hz : float
        Measured free-running frequency.

    Returns
    -------
    Readout
        The result.
    """
    grid, table = phases(time_s, signals, reference_hz)
    sides, axis, distance = patterns(table)
    held = (sides == sides[-1]).all(axis=1) & (distance > SETTLED_COSINE)
    broken = np.flatnonzero(~held)
    since = int(broken[-1]) + 1 if broken.size else 0
    settled = held.size - since >= SETTLED_CYCLES
    return Readout(
        time_s=grid,
        phases_rad=table,
        pattern=sides[-1],
        settled=settled,
        settled_cycle=since if settled else None,
        axis_rad=float(axis[-1]),
    )
