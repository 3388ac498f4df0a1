"""The loops of event-driven learning in NumPy: what runs without a compiler, and the definition.

Weights are one word for each pair i < j, row after row, as `scipy.spatial.distance.squareform`
packs them. Phases are also whole numbers of 2**-32 turn, so that "how far apart" has one exact
answer, whichever way the pairs are found.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.g import LearningFunction

Array = NDArray[Any]

TURN = 1 << 32
HALF = TURN // 2
FINE_BITS = 10
"""Powers of the decay come from two tables: steps modulo 2**10, and blocks of 2**10 steps."""

COSINE, XOR, SQUARE, OTHER = range(4)
"""Learning functions that have a formula of their own in the loops; others are called."""


def constants_of(eta: float, limit: float, dtype: Any) -> Array:
    """Return a turn, the slope of the XOR rule, a quarter turn (rad), 1, eta and the limit."""
    return np.array([2 * math.pi, 2 / math.pi, math.pi / 2, 1, eta, limit], dtype=dtype)


def ranges(ring_points: Array, order: Array, reach: int, both: bool) -> tuple[Array, int]:
    """Find each oscillator's partners as ranges of the ring, and count the pairs.

    Parameters
    ----------
    ring_points : array of int64, shape (3 m,)
        Sorted phases of the m active oscillators, a turn earlier, as they are, and a turn later.
    order : array, shape (m,)
        Which active oscillator stands at each place of the sorted list.
    reach : int
        Largest difference of a resonant pair, 2**-32 turn; less than half a turn, or less than a
        quarter with ``both``.
    both : bool
        Pairs within ``reach`` of half a turn are resonant, too.

    Returns
    -------
    spans : array of int32, shape (m, 4)
        Start and end of the partners in phase (itself among them), and in anti-phase.
    pairs : int
        Unordered resonant pairs.
    """
    m = order.size
    here = ring_points[m : 2 * m]
    ends = [
        np.searchsorted(ring_points, here - reach, "left"),
        np.searchsorted(ring_points, here + reach, "right"),
    ]
    if both:
        ends.append(np.searchsorted(ring_points, here + HALF - reach, "left"))
        ends.append(np.searchsorted(ring_points, here + HALF + reach, "right"))
    else:
        ends += [np.zeros(m, dtype=np.int64)] * 2
    sorted_spans = np.stack(ends, axis=1)
    spans = np.empty((m, 4), dtype=np.int32)
    spans[order] = sorted_spans
    ordered = np.sum(sorted_spans[:, 1::2] - sorted_spans[:, ::2]) - m
    return spans, int(ordered) // 2


def strength(
    kind: int, g: LearningFunction, i: Array | int, j: Array | slice, phases: Array, cosine: Array,
    sine: Array, constants: Array,
) -> Array:  # fmt: skip
    """Return g of pairs in the type of the weights, by the formula the compiled loops use."""
    if kind == COSINE:
        return np.asarray(cosine[i] * cosine[j] + sine[i] * sine[j])
    if kind == OTHER:
        return np.asarray(g(phases[i] - phases[j])).astype(phases.dtype)
    turn, slope, quarter, one = constants[:4]
    gap = np.abs(phases[i] - phases[j])
    gap = np.minimum(gap, turn - gap)
    return np.asarray(one - slope * gap if kind == XOR else np.where(gap < quarter, one, -one))


def touch(
    weights: Array, stamps: Array, fine: Array, coarse: Array, now: int, active: Array,
    ring: Array, spans: Array, n: int, phases: Array, cosine: Array, sine: Array, kind: int,
    constants: Array, g: LearningFunction,
) -> int:  # fmt: skip
    """Learn the pairs that the ranges name, catching up with their decay; count changed words.

    ``stamps`` is empty where nothing decays; ``constants`` are those of `constants_of`.
    """
    eta, limit = constants[4:]
    sizes = (spans[:, 1::2] - spans[:, ::2]).ravel()
    offsets = np.repeat(spans[:, ::2].ravel() - (np.cumsum(sizes) - sizes), sizes)
    j = ring[offsets + np.arange(offsets.size)].astype(np.int64)
    i = np.repeat(np.repeat(active, 2), sizes).astype(np.int64)
    keep = j > i
    i, j = i[keep], j[keep]
    at = i * (2 * n - i - 1) // 2 - i - 1 + j
    old = weights[at]
    w = old
    if stamps.size:
        idle = now - stamps[at]
        w = w * (coarse[idle >> FINE_BITS] * fine[idle & ((1 << FINE_BITS) - 1)])
        stamps[at] = now
    w = w + eta * strength(kind, g, i, j, phases, cosine, sine, constants)
    w = np.minimum(np.maximum(w, -limit), limit)
    weights[at] = w
    return int(np.count_nonzero(w != old))


def sweep(
    weights: Array, scale: Any, points: Array, active: Array, reach: int, both: bool,
    phases: Array, cosine: Array, sine: Array, kind: int, constants: Array, g: LearningFunction,
) -> int:  # fmt: skip
    """Decay every word and learn those of resonant pairs; return the number of changed words."""
    eta, limit = constants[4:]
    n = points.size
    changed = at = 0
    for i in range(n - 1):
        row = weights[at : at + n - i - 1]
        at += n - i - 1
        gap = points[i + 1 :] - points[i]  # unsigned: modulo a turn
        apart = np.minimum(gap, np.uint32(0) - gap).astype(np.int64)
        is_open = apart <= reach
        if both:
            is_open |= apart >= HALF - reach
        is_open &= active[i + 1 :] & active[i] > 0
        later = slice(i + 1, None)
        g_row = strength(kind, g, i, later, phases, cosine, sine, constants)
        new = row * scale + np.where(is_open, eta * g_row, weights.dtype.type(0))
        new = np.minimum(np.maximum(new, -limit), limit)
        changed += int(np.count_nonzero(new != row))
        row[:] = new
    return changed


def settle(weights: Array, stamps: Array, fine: Array, coarse: Array, now: int) -> int:
    """Bring every word's decay up to date; return the number of changed words."""
    idle = now - stamps
    new = weights * (coarse[idle >> FINE_BITS] * fine[idle & ((1 << FINE_BITS) - 1)])
    changed = int(np.count_nonzero(new != weights))
    weights[:] = new
    return changed
