"""Weights become pairs of conductances, calibrated for what the lines take away."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.crossbar.array import Crossbar
from drai_hw.spice.settings import Floats


@dataclass(frozen=True)
class Mapped:
    """
    Hold signed weights as conductances.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, 2 n)
        Plus and minus column of every weight column, side by side.
    siemens_per_weight : float
        The difference of a pair's currents is this times the weights times the voltages.
    error_rms, error_max : float
        What the pairs do less what they should, of all weights, over the largest weight; with the
        best common factor.
    rounds : int
        Calibration rounds that were done.
    """

    conductance_s: Floats
    siemens_per_weight: float
    error_rms: float
    error_max: float
    rounds: int


def differential(values: Floats) -> Floats:
    """Return plus minus minus: ``(..., 2 n)`` to ``(..., n)``."""
    return values[..., 0::2] - values[..., 1::2]


def _pairs(difference_s: Floats, low_s: float, high_s: float) -> Floats:
    m, n = difference_s.shape
    result = np.empty((m, 2 * n))
    result[:, 0::2] = low_s + np.clip(difference_s, 0.0, high_s - low_s)
    result[:, 1::2] = low_s + np.clip(-difference_s, 0.0, high_s - low_s)
    return result


def map_weights(
    weights: ArrayLike,
    low_s: float,
    high_s: float,
    *,
    word_ohm: float = 0.0,
    bit_ohm: float | None = None,
    rounds: int = 0,
    tolerance: float = 1e-4,
) -> Mapped:
    """
    Map signed weights to pairs of conductances.

    Without calibration the largest weight gets the whole range. With it the common factor is
    lowered to what the device that suffers most from the lines can still reach, and every pair is
    corrected by what it lacks, round by round, until the largest error is below the tolerance.

    Parameters
    ----------
    weights : array_like, shape (m, n)
        Any unit.
    low_s, high_s : float
        Range of a device in siemens, ``0 <= low_s < high_s``.
    word_ohm, bit_ohm : float
        Wire segments in ohm, as of `Crossbar`.
    rounds : int
        Most calibration rounds; each factorises the array once. 0 does not calibrate.
    tolerance : float
        Largest error, over the largest weight, that ends the calibration.

    Raises
    ------
    SpecError
        Range or weights are not acceptable.
    """
    w = np.asarray(weights, dtype=float)
    if w.ndim != 2 or 0 in w.shape or not np.isfinite(w).all():
        raise SpecError(f"weights of shape {w.shape}; needed is m x n, all finite")
    if not 0 <= low_s < high_s:
        raise SpecError(
            f"conductance range {low_s:g} to {high_s:g} S; needed is 0 <= low < high, siemens"
        )
    largest = float(np.abs(w).max()) or 1.0
    goal = w / largest
    swing = high_s - low_s
    difference = swing * goal

    def seen(difference_s: Floats) -> Floats:
        crossbar = Crossbar(_pairs(difference_s, low_s, high_s), word_ohm, bit_ohm)
        return differential(crossbar.effective_s())

    effective = seen(difference)
    scale = _fit(effective, goal)
    done = 0
    if rounds > 0:
        # unmistakable where the weight is large; weak ones tell little about their crossing
        strong = np.abs(goal) > 0.05
        passed = np.ones_like(goal)
        passed[strong] = effective[strong] / difference[strong]
        scale = swing * float((passed[strong] / np.abs(goal[strong])).min(initial=1.0))
        scale = max(scale, 0.01 * swing)
        while done < rounds and np.abs(effective - scale * goal).max() > tolerance * scale:
            step = (scale * goal - effective) / np.clip(passed, 0.05, 1.0)
            difference = np.clip(difference + step, -swing, swing)
            effective = seen(difference)
            done += 1
            # a device at the end of its range that still lacks something: all have to make do
            short = strong & (np.abs(difference) >= swing * (1 - 1e-12))
            reached = effective[short] / goal[short]
            scale = max(min(scale, float(reached.min(initial=scale))), 0.01 * swing)
    error = effective / scale - goal
    return Mapped(
        _pairs(difference, low_s, high_s), scale / largest, float(np.sqrt((error**2).mean())),
        float(np.abs(error).max()), done,
    )  # fmt: skip


def _fit(effective: Floats, goal: Floats) -> float:
    power = float((goal * goal).sum())
    found = float((effective * goal).sum()) / power if power else 0.0
    return found if found > 0 else 1.0
