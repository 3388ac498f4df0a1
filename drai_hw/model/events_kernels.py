"""The compiled loops of event-driven learning: the same bits as `drai_hw.model.events_plain`."""

# mypy: disallow-untyped-defs=False, check-untyped-defs=False
# (The functions are compiled for the types they are called with.)

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from drai_hw.model import events_plain

F = TypeVar("F", bound=Callable[..., Any])

# Literals, because machine code kept on disk is renewed when this file changes, not when another
# one does; the check below keeps them equal to what they stand for.
_TURN, _FINE_BITS, _COSINE, _XOR = 1 << 32, 10, 0, 1
if (_TURN, _FINE_BITS, _COSINE, _XOR) != (
    events_plain.TURN, events_plain.FINE_BITS, events_plain.COSINE, events_plain.XOR,
):  # fmt: skip
    raise RuntimeError("constants of drai_hw.model.events_kernels differ from events_plain")
_HALF = _TURN // 2
_FINE_MASK = (1 << _FINE_BITS) - 1
_CHUNK = 2048  # pairs gathered at a time: they stay in the first-level cache


def _compile(function: F) -> F:
    """Compile, keeping the machine code on disk where some folder for it can be written."""
    compiled: Any
    try:
        compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # no such folder: compile anew in each process
        compiled = numba.njit(function)
    return cast(F, compiled)


@_compile
def ranges(ring_points, order, reach, both):
    """Find each oscillator's partners as ranges of the ring, with pointers that only go up."""
    count = order.size
    first = np.empty((count, 4), dtype=np.int32)
    low = 0
    high = 0
    far_low = 0
    far_high = 0
    total = 0
    for k in range(count):
        here = ring_points[count + k]
        while low < 3 * count and ring_points[low] < here - reach:
            low += 1
        while high < 3 * count and ring_points[high] <= here + reach:
            high += 1
        if both:
            while far_low < 3 * count and ring_points[far_low] < here + _HALF - reach:
                far_low += 1
            while far_high < 3 * count and ring_points[far_high] <= here + _HALF + reach:
                far_high += 1
        row = first[order[k]]
        row[0] = low
        row[1] = high
        row[2] = far_low
        row[3] = far_high
        total += high - low - 1 + far_high - far_low
    return first, total // 2


@_compile
def _learn_chunk(weights, stamps, fine, coarse, now, where, steps, count, limit):
    """Learn the words of a chunk; nothing in this loop waits for anything but the words."""
    changed = 0
    lazy = stamps.size > 0
    for k in range(count):
        at = where[k]
        old = weights[at]
        w = old
        if lazy:
            idle = now - stamps[at]
            w = w * (coarse[idle >> _FINE_BITS] * fine[idle & _FINE_MASK])
            stamps[at] = now
        w = min(max(w + steps[k], -limit), limit)
        changed += w != old
        weights[at] = w
    return changed


@_compile
def touch(
    weights, stamps, fine, coarse, now, active, ring, spans, n, phases, cosine, sine, kind,
    constants,
):  # fmt: skip
    """Learn the pairs that the ranges name, catching up with their decay; count changed words.

    Addresses and steps are gathered first, chunk by chunk: reading scattered words is slow unless
    many reads are under way at once.
    """
    turn = constants[0]
    slope = constants[1]
    quarter = constants[2]
    one = constants[3]
    eta = constants[4]
    limit = constants[5]
    where = np.empty(_CHUNK + n, dtype=np.int64)
    steps = np.empty(_CHUNK + n, dtype=weights.dtype)
    count = 0
    changed = 0
    for a in range(active.size):
        i = np.int64(active[a])
        start = i * (2 * n - i - 1) // 2 - i - 1
        cosine_i = cosine[i]
        sine_i = sine[i]
        phase_i = phases[i]
        for part in range(0, 4, 2):
            for place in range(spans[a, part], spans[a, part + 1]):
                j = ring[place]
                if kind == _COSINE:
                    g = cosine_i * cosine[j] + sine_i * sine[j]
                else:
                    gap = abs(phase_i - phases[j])
                    gap = min(gap, turn - gap)
                    square = one if gap < quarter else -one
                    g = one - slope * gap if kind == _XOR else square
                where[count] = start + j
                steps[count] = eta * g
                count += j > i  # else the next pair overwrites it: no branch to guess
        if count >= _CHUNK:
            changed += _learn_chunk(weights, stamps, fine, coarse, now, where, steps, count, limit)
            count = 0
    return changed + _learn_chunk(weights, stamps, fine, coarse, now, where, steps, count, limit)


@_compile
def sweep(
    weights, scale, points, active, reach, both, phases, cosine, sine, kind, constants
):  # fmt: skip
    """Decay every word and learn those of resonant pairs; return the number of changed words."""
    turn = constants[0]
    slope = constants[1]
    quarter = constants[2]
    one = constants[3]
    eta = constants[4]
    limit = constants[5]
    zero = one - one
    n = points.size
    changed = 0
    at = 0
    near = np.uint32(reach)
    far = np.uint32(_HALF - reach)
    both_signs = np.uint32(both)
    for i in range(n):
        row = weights[at : at + n - i - 1]
        at += n - i - 1
        others = points[i + 1 :]
        awake = active[i + 1 :]
        cosines = cosine[i + 1 :]
        sines = sine[i + 1 :]
        others_rad = phases[i + 1 :]
        point_i = points[i]
        awake_i = active[i]
        cosine_i = cosine[i]
        sine_i = sine[i]
        phase_i = phases[i]
        changed_here = np.int32(0)
        for k in range(row.size):
            gap = np.uint32(others[k] - point_i)  # of unsigned numbers: modulo a turn
            apart = min(gap, np.uint32(np.uint32(0) - gap))
            is_open = (awake_i & awake[k]) & ((apart <= near) | (both_signs & (apart >= far)))
            if kind == _COSINE:
                g = cosine_i * cosines[k] + sine_i * sines[k]
            else:
                apart_rad = abs(phase_i - others_rad[k])
                apart_rad = min(apart_rad, turn - apart_rad)
                if kind == _XOR:
                    g = one - slope * apart_rad
                else:
                    g = one if apart_rad < quarter else -one
            old = row[k]
            w = old * scale + (eta * g if is_open else zero)
            w = min(max(w, -limit), limit)
            changed_here = np.int32(changed_here + np.int32(w != old))
            row[k] = w
        changed += changed_here
    return changed


@_compile
def settle(weights, stamps, fine, coarse, now):
    """Bring every word's decay up to date; return the number of changed words."""
    changed = 0
    for at in range(weights.size):
        idle = now - stamps[at]
        old = weights[at]
        w = old * (coarse[idle >> _FINE_BITS] * fine[idle & _FINE_MASK])
        changed += w != old
        weights[at] = w
    return changed
