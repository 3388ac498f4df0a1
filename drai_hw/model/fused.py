"""One pass over the weights for sums, learning, decay and saturation: float32 or float64, compiled.

The addition theorems turn the N^2 sines and cosines of a step into products of the N values
``s = sin phi`` and ``c = cos phi``, so a step costs what it takes to read and write the weights.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model.compiled import kernels

Floats = NDArray[Any]

LINE_BYTES = 64  # a cache line, and the widest vector register


def aligned_empty(shape: tuple[int, ...], kind: Any) -> Floats:
    """Return an array of anything whose first element lies at the start of a cache line."""
    size = math.prod(shape) * np.dtype(kind).itemsize
    raw = np.empty(size + LINE_BYTES, dtype=np.uint8)
    start = -raw.__array_interface__["data"][0] % LINE_BYTES
    return raw[start : start + size].view(kind).reshape(shape)


def _vectors(count: int, n: int, kind: Any) -> list[Floats]:
    """Return vectors of N that all start at a cache line."""
    return list(aligned_empty((count, -(-n // 16) * 16), kind)[:, :n])


def aligned(values: Floats) -> Floats:
    """Return a copy that starts at a multiple of a cache line.

    Vector loads that straddle two lines cost double; NumPy itself aligns to 16 bytes only. Worth
    it for weights that many steps go over; the steps below align their own vectors.
    """
    out = aligned_empty(values.shape, values.dtype)
    out[...] = values
    return out


def _check(weights: Floats, phases_rad: Floats) -> None:
    n = phases_rad.size
    if weights.shape != (n, n) or phases_rad.shape != (n,):
        raise SpecError(
            f"weights of shape {weights.shape} with phases of shape {phases_rad.shape}: "
            "needs N x N weights and N phases"
        )
    if weights.dtype not in (np.float32, np.float64) or not weights.flags.c_contiguous:
        raise SpecError(
            f"weights of type {weights.dtype}: needs float32 or float64, contiguous by rows"
        )


def torque(weights: Floats, phases_rad: Floats) -> Floats:
    """Return sum_j w_ij sin(phi_j - phi_i) for every oscillator, in one pass over W.

    Parameters
    ----------
    weights : array of float32 or float64, shape (N, N)
        W, contiguous by rows; its type is that of the arithmetic.
    phases_rad : array, shape (N,)
        Phases, rad.

    Raises
    ------
    SpecError
        Shapes or types that do not fit.
    ToolError
        Without numba.
    """
    _check(weights, phases_rad)
    phases = phases_rad.astype(weights.dtype, copy=False)
    sine, cosine, out = _vectors(3, phases.size, weights.dtype)
    np.sin(phases, out=sine)
    np.cos(phases, out=cosine)
    kernels("float_kernels").torque(out, weights, sine, cosine)
    return out


def learn_step(
    weights: Floats,
    phases_rad: Floats,
    amplitudes: Floats,
    *,
    eta: float,
    keep: float = 1.0,
    limit: float = np.inf,
) -> tuple[Floats, Floats]:
    """Learn once in place and return what the new weights do to every oscillator.

    For all pairs, with d = phi_i - phi_j::

        w_ij := clip(keep (w_ij + eta a_i a_j cos d), -limit, limit)
        torque_i = sum_j w_ij sin(phi_j - phi_i)
        resonance_i = sum_j w_ij cos d

    The diagonal takes part like any pair, as in the article's network; a caller that wants none
    sets it to zero afterwards.

    Parameters
    ----------
    weights : array of float32 or float64, shape (N, N)
        W, contiguous by rows; changed in place.
    phases_rad, amplitudes : array, shape (N,)
        Phases, rad, and amplitudes.
    eta : float
        Learning rate a step, in units of w.
    keep : float
        Share of a weight that is left after the decay of a step, 0 to 1.
    limit : float
        Largest magnitude of a weight, > 0.

    Returns
    -------
    torque, resonance : arrays, shape (N,)

    Raises
    ------
    SpecError
        Shapes, types or values that do not fit.
    ToolError
        Without numba.
    """
    _check(weights, phases_rad)
    if amplitudes.shape != phases_rad.shape:
        raise SpecError(f"amplitudes of shape {amplitudes.shape}: needs {phases_rad.shape}")
    if not 0 <= keep <= 1 or not limit > 0:
        raise SpecError(f"keep = {keep}, limit = {limit}: needs keep from 0 to 1 and limit > 0")
    kind = weights.dtype.type
    phases = phases_rad.astype(kind, copy=False)
    sine, cosine, a_sine, a_cosine, sums, holds = _vectors(6, phases.size, kind)
    np.sin(phases, out=sine)
    np.cos(phases, out=cosine)
    a = amplitudes.astype(kind, copy=False)
    np.multiply(a, sine, out=a_sine)
    np.multiply(a, cosine, out=a_cosine)
    kernels("float_kernels").learn(
        sums, holds, weights, sine, cosine, a_sine, a_cosine, kind(eta), kind(keep), kind(limit)
    )
    return sums, holds
