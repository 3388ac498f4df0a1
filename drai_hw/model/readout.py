"""Reading binary patterns from phases, and counting how well they match."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.units import TAU, wrap_rad


def axis_rad(phases_rad: ArrayLike) -> float:
    """Return the axis of a binary phase pattern: half the argument of sum exp(2i phi)."""
    total = np.exp(2j * np.asarray(phases_rad, dtype=np.float64)).sum()
    return float(np.angle(total)) / 2.0


def read_pattern(phases_rad: ArrayLike) -> NDArray[np.int64]:
    """Return the pattern of -1/+1 that the phases show; its global sign has no meaning."""
    phases = np.asarray(phases_rad, dtype=np.float64)
    return np.where(np.cos(phases - axis_rad(phases)) > 0, 1, -1)


def overlap(pattern: ArrayLike, target: ArrayLike) -> float:
    """Return |sum_i x_i y_i| / N: 1 for the pattern or its inverse."""
    x, y = np.asarray(pattern), np.asarray(target)
    return abs(float(np.dot(x, y))) / x.size


def is_exact(pattern: ArrayLike, target: ArrayLike) -> bool:
    """Say whether a pattern equals the target up to a global sign."""
    x, y = np.asarray(pattern), np.asarray(target)
    return bool(np.array_equal(x, y) or np.array_equal(x, -y))


def order_parameter(phases_rad: ArrayLike) -> float:
    """Return Kuramoto's r = |mean exp(i phi)|, 0 (spread) to 1 (synchronous)."""
    return float(abs(np.exp(1j * np.asarray(phases_rad, dtype=np.float64)).mean()))


def phase_rms_rad(first_rad: ArrayLike, second_rad: ArrayLike) -> float:
    """Return the rms phase difference of two states after the best common rotation."""
    difference = np.asarray(first_rad, dtype=np.float64) - np.asarray(second_rad, dtype=np.float64)
    common = np.angle(np.exp(1j * difference).mean())
    return float(np.sqrt(np.mean(wrap_rad(difference - common) ** 2)))


def wilson_interval(successes: int, trials: int, z: float = 1.96) -> tuple[float, float]:
    """Return Wilson's score interval of a rate (95 % by default).

    References
    ----------
    E. B. Wilson, J. Am. Stat. Assoc. 22 (1927) 209.
    """
    if trials <= 0:
        return (0.0, 1.0)
    p = successes / trials
    centre = p + z * z / (2 * trials)
    half = z * math.sqrt(p * (1 - p) / trials + z * z / (4 * trials * trials))
    scale = 1 + z * z / trials
    low, high = (centre - half) / scale, (centre + half) / scale
    # At the ends the interval touches them exactly; floating point only nearly does.
    return (0.0 if successes == 0 else low, 1.0 if successes == trials else high)


def start_phases_rad(
    pattern: ArrayLike, jitter_rad: float, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Return phases 0 (lit) or pi (dark) with uniform jitter; exactly 0 and pi would deadlock."""
    x = np.asarray(pattern)
    jitter = rng.uniform(-jitter_rad, jitter_rad, size=x.size)
    return np.mod(np.where(x > 0, 0.0, math.pi) + jitter, TAU)
