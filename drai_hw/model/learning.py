"""Learning functions g and the threshold sequences by which integer logic realises them."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.units import wrap_rad


def g_xor(psi_rad: ArrayLike) -> NDArray[np.float64]:
    """Piecewise-linear g: the mean XOR of two square waves, ``1 - 2|psi|/pi`` exactly."""
    return 1.0 - 2.0 * np.abs(wrap_rad(psi_rad)) / math.pi


def g_cosine(psi_rad: ArrayLike) -> NDArray[np.float64]:
    """Hebbian g: ``cos psi``."""
    return np.cos(np.asarray(psi_rad, dtype=np.float64))


def g_square(psi_rad: ArrayLike) -> NDArray[np.float64]:
    """Sign of the cosine: +1 within a quarter turn, else -1."""
    return np.where(np.cos(np.asarray(psi_rad, dtype=np.float64)) > 1e-12, 1.0, -1.0)


G_FUNCTIONS: dict[str, Callable[[ArrayLike], NDArray[np.float64]]] = {
    "xor": g_xor,
    "cosine": g_cosine,
    "square": g_square,
}


def bit_reversed(bits: int) -> list[int]:
    """Return 0 to 2**bits - 1 in bit-reversed order, the most even sweep a counter can make."""
    return [int(f"{k:0{bits}b}"[::-1], 2) if bits else 0 for k in range(1 << bits)]


def threshold_sequence(g: str, phase_bits: int) -> tuple[int, ...]:
    """Return the comparison values of one learning window.

    A pair counts as +1 when ``|d| <= threshold``, else as -1, with d the integer phase difference.
    Over the window of ``T = 2**(P-1)`` passes the mean is g within ``1/T`` (exactly, for the XOR
    rule), because the share of thresholds at or above ``|d|`` is ``(1 + g)/2``.

    Parameters
    ----------
    g : str
        Name of the learning function; monotone falling in ``|d|``.
    phase_bits : int
        P.
    """
    if g not in G_FUNCTIONS:
        raise SpecError(f"g = {g!r}: known learning functions are {', '.join(sorted(G_FUNCTIONS))}")
    half = 1 << (phase_bits - 1)
    share = (1.0 + G_FUNCTIONS[g](np.arange(half + 1) * (math.pi / half))) / 2.0
    # Number of the T thresholds that lie at or above k, for k = 0 to T; at half a turn none may.
    at_least = np.floor(share * half + 0.5).astype(int)
    ladder = [int(np.count_nonzero(at_least[1:half] > rank)) for rank in range(half)]
    if at_least[0] < half:
        raise SpecError(f"g = {g!r}: must be 1 at zero phase difference")
    return tuple(ladder[rank] for rank in bit_reversed(phase_bits - 1))
