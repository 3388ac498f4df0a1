"""The compiled inner loops of `drai_hw.model.fused`: rows of W, read once, written once."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

F = TypeVar("F", bound=Callable[..., Any])

# Sums may be reordered, or they could not use vector registers; infinities keep their meaning,
# since an absent limit is one.
_FAST = {"reassoc", "contract", "nsz", "arcp"}


def _compile(function: F) -> F:
    """Compile, keeping the machine code on disk where some folder for it can be written."""
    compiled: Any
    try:
        compiled = numba.njit(cache=True, fastmath=_FAST)(function)
    except RuntimeError:  # no such folder: compile anew in each process
        compiled = numba.njit(fastmath=_FAST)(function)
    return cast(F, compiled)


@_compile
def torque(out, weights, sine, cosine):
    """Fill sum_j w_ij sin(phi_j - phi_i)."""
    zero = sine[0] - sine[0]  # of the arrays' own type: a wider one would widen the loop
    for i in range(sine.size):
        row = weights[i]
        by_sine = zero
        by_cosine = zero
        for j in range(sine.size):
            by_sine += row[j] * sine[j]
            by_cosine += row[j] * cosine[j]
        out[i] = cosine[i] * by_sine - sine[i] * by_cosine


@_compile
def turn(phases, speed, given, dt, turn_rad):
    """Advance phases by (speed + given) dt in place, less whole turns."""
    for i in range(phases.size):
        x = phases[i] + (speed[i] + given[i]) * dt
        phases[i] = x - turn_rad * np.floor(x / turn_rad)


@_compile
def learn(out_torque, out_resonance, weights, sine, cosine, a_sine, a_cosine, eta, keep, limit):
    """Learn, decay and saturate every weight; fill the sums of the new ones.

    Two rows at a time share the loads of the vectors, which would limit the speed otherwise.
    """
    zero = sine[0] - sine[0]
    n = sine.size
    spare = np.zeros_like(sine)  # partner of the last row when N is odd
    for i in range(0, n, 2):
        k = min(i + 1, n - 1)
        row_i = weights[i]
        row_k = weights[k] if k > i else spare
        along_i, across_i = keep * eta * a_cosine[i], keep * eta * a_sine[i]
        along_k, across_k = keep * eta * a_cosine[k], keep * eta * a_sine[k]
        sine_i = sine_k = cosine_i = cosine_k = zero
        for j in range(n):
            w = keep * row_i[j] + (along_i * a_cosine[j] + across_i * a_sine[j])
            w = min(max(w, -limit), limit)
            row_i[j] = w
            sine_i += w * sine[j]
            cosine_i += w * cosine[j]
            v = keep * row_k[j] + (along_k * a_cosine[j] + across_k * a_sine[j])
            v = min(max(v, -limit), limit)
            row_k[j] = v
            sine_k += v * sine[j]
            cosine_k += v * cosine[j]
        if k > i:
            out_torque[k] = cosine[k] * sine_k - sine[k] * cosine_k
            out_resonance[k] = cosine[k] * cosine_k + sine[k] * sine_k
        out_torque[i] = cosine[i] * sine_i - sine[i] * cosine_i
        out_resonance[i] = cosine[i] * cosine_i + sine[i] * sine_i
