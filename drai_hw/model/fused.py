"""One pass over the weights for sums, learning, decay and saturation: float32 or float64, compiled.

The addition theorems turn the N^2 sines and cosines of a step into products of the N values
``s = sin phi`` and ``c = cos phi``, so a step costs what it takes to read and write the weights.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model.compiled import kernels

Floats = NDArray[Any]


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
    out = np.empty_like(phases)
    kernels("float_kernels").torque(out, weights, np.sin(phases), np.cos(phases))
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
    sine, cosine = np.sin(phases), np.cos(phases)
    a = amplitudes.astype(kind, copy=False)
    out = np.empty_like(phases), np.empty_like(phases)
    kernels("float_kernels").learn(
        *out, weights, sine, cosine, a * sine, a * cosine, kind(eta), kind(keep), kind(limit)
    )
    return out
