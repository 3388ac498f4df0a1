"""The windowed learning rule: what a window of T steps teaches a weight, and how it fades."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.g import LearningFunction
from drai_hw.model.g.cosine import Cosine

FEW = 16  # distinct phases up to which a table of their differences beats N^2 evaluations of g


def window_mean(g: LearningFunction, phases_rad: ArrayLike) -> NDArray[np.float64]:
    """Return the mean of g over a window for every pair, 0 on the diagonal.

    The cosine is one product of rank 2 T, ``sum_t cos(phi_i - phi_j) = Z Z^T`` with
    ``Z = [cos phi, sin phi]``, instead of T passes over all pairs; a step with few distinct
    phases, such as a binary pattern, looks g up in a table.

    Parameters
    ----------
    g : LearningFunction
        The learning function.
    phases_rad : array, shape (..., T, N)
        Phases of the window; leading axes are replicas.

    Returns
    -------
    array, shape (..., N, N)
    """
    phases = np.atleast_2d(np.asarray(phases_rad, dtype=np.float64))
    if isinstance(g, Cosine):
        z = np.concatenate([np.cos(phases), np.sin(phases)], axis=-2)
        mean = np.swapaxes(z, -1, -2) @ z / phases.shape[-2]
    else:
        mean = np.zeros((*phases.shape[:-2], phases.shape[-1], phases.shape[-1]))
        for step in range(phases.shape[-2]):  # one at a time: no T N^2 array
            mean += _of_pairs(g, phases[..., step, :])
        mean /= phases.shape[-2]
    mean[..., np.arange(phases.shape[-1]), np.arange(phases.shape[-1])] = 0.0
    return mean


def _of_pairs(g: LearningFunction, phases: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return g(phi_i - phi_j) for all pairs of one step."""
    distinct, which = np.unique(phases, return_inverse=True)
    if distinct.size > FEW:
        return g(phases[..., :, None] - phases[..., None, :])
    table = g(distinct[:, None] - distinct[None, :])
    which = which.reshape(phases.shape)
    return table[which[..., :, None], which[..., None, :]]


def learned(
    weights: ArrayLike, mean: ArrayLike, eta: float, decay: float = 0.0, limit: float = math.inf
) -> NDArray[np.float64]:
    """Return the weights after a window: ``clip(w + eta <g> - decay w)``.

    At a steady <g> they settle at ``eta/decay <g>``; without input they fall as (1 - decay)^n.
    """
    w = np.asarray(weights, dtype=np.float64)
    return np.clip(w + eta * np.asarray(mean, dtype=np.float64) - decay * w, -limit, limit)


def faded(weights: ArrayLike, decay: float, windows: ArrayLike) -> NDArray[np.float64]:
    """Return weights that were left alone for some windows: the decay of all of them at once.

    This is what an event-driven update applies when it comes back to a weight.

    Raises
    ------
    SpecError
        A share outside 0 to 1, or a negative number of windows.
    """
    n = np.asarray(windows)
    if not 0 <= decay <= 1 or np.any(n < 0):
        raise SpecError(f"decay = {decay!r} over {windows!r} windows: needs 0 to 1, and 0 or more")
    return np.asarray(weights, dtype=np.float64) * (1.0 - decay) ** n


def low_pass(turn_rad: ArrayLike, steps: int) -> NDArray[np.float64]:
    """Return by how much a window weakens a pair that drifts by ``turn_rad`` a step.

    The Dirichlet kernel ``sin(T x/2) / (T sin(x/2))``: with a cosine g, and phases taken about the
    middle of the window, the window is exactly this low-pass filter of frequency differences.
    """
    half = np.asarray(turn_rad, dtype=np.float64) / 2.0
    below = steps * np.sin(half)
    flat = np.abs(below) < 1e-12 * steps
    safe = np.where(flat, 1.0, below)
    # Whole turns a step: every sample sees the same phase, up to the sign of an even window.
    whole = np.cos(steps * half) / np.where(flat, np.cos(half), 1.0)
    return np.where(flat, whole, np.sin(steps * half) / safe)


def xor_agreement(difference: int, points: int) -> float:
    """Return the mean agreement (+1 or -1) of two 50 % square waves over one cycle.

    Parameters
    ----------
    difference : int
        Phase difference in points.
    points : int
        Samples a cycle, even; the mean is ``1 - 2|d|/pi`` without any error.
    """
    if points < 2 or points % 2:
        raise SpecError(f"points = {points!r}: a square wave needs an even number, at least 2")
    clock = np.arange(points)
    first = clock < points // 2
    second = (clock + difference) % points < points // 2
    return float(np.where(first == second, 1.0, -1.0).mean())


def under_jitter(g: LearningFunction, jitter_rad: float, points: int = 4096) -> float:
    """Return the mean of g for a pair in phase whose phases jitter, each by ``jitter_rad`` rms.

    The difference is Gaussian with twice the variance; harmonic k of g shrinks by exp(-k^2 s^2).
    """
    grid = np.arange(points) * (2.0 * math.pi / points)
    harmonics = np.fft.rfft(g(grid)).real / points
    k = np.arange(harmonics.size)
    weight = np.where(k == 0, 1.0, 2.0)
    return float(np.sum(weight * harmonics * np.exp(-((k * jitter_rad) ** 2.0))))
