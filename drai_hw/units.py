"""Angles, phases and SI formatting, in one place so that no module invents its own convention."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

TAU = 2.0 * math.pi

_PREFIXES = (
    (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""),
    (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"), (1e-12, "p"), (1e-15, "f"), (1e-18, "a"),
)  # fmt: skip


def si(value: float, unit: str, digits: int = 3) -> str:
    """Format a quantity with an SI prefix, e.g. ``si(4.2e-12, "J")`` gives ``"4.2 pJ"``."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    for scale, prefix in _PREFIXES:
        if abs(value) >= scale:
            return f"{value / scale:.{digits}g} {prefix}{unit}".rstrip()
    return f"{value:.{digits}g} {unit}".rstrip()


def wrap_rad(angle_rad: ArrayLike) -> NDArray[np.float64]:
    """Wrap angles to [-pi, pi)."""
    return np.mod(np.asarray(angle_rad, dtype=np.float64) + math.pi, TAU) - math.pi


def rad_to_lsb(angle_rad: ArrayLike, bits: int) -> NDArray[np.int64]:
    """Round angles to phase integers of ``bits`` bits (half up, modulo one turn)."""
    scaled = np.floor(np.asarray(angle_rad, dtype=np.float64) * (2**bits / TAU) + 0.5)
    return np.mod(scaled.astype(np.int64), 1 << bits)


def lsb_to_rad(phase: ArrayLike, bits: int) -> NDArray[np.float64]:
    """Convert phase integers of ``bits`` bits to radians in [0, 2 pi)."""
    return np.asarray(phase, dtype=np.float64) * (TAU / 2**bits)
