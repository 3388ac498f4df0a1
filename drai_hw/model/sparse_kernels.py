"""The compiled loops of `drai_hw.model.sparse`: many replicas at a time, one in each element."""

from __future__ import annotations

import numba
import numpy as np
from numba import types
from numba.extending import overload

from drai_hw.model import prng
from drai_hw.model.quarter_vectors import look_up_quarter, unzipped, weigh
from drai_hw.model.replica_vectors import (
    REPLICAS,
    add,
    both,
    differ,
    either,
    equal,
    largest,
    least,
    left,
    load,
    longs,
    look_up,
    look_up_wide,
    mul,
    negative_takes,
    right,
    store,
    sub,
    to_bytes,
    to_longs,
    to_words,
    words,
)
from drai_hw.model.vectors import compiled

# Literals, because machine code kept on disk is renewed when this file changes, not when another
# one does; the check below keeps them equal to what they stand for.
_LAGS, _LEAP, _MASK = (31, 30, 28, 24), 23, (1 << 31) - 1
if (_LAGS, _LEAP, _MASK) != (prng.LAGS, prng.LEAP, prng.MASK):
    raise RuntimeError("constants of drai_hw.model.sparse_kernels differ from those of prng")
_A, _B, _C, _D = (lag - _LEAP for lag in _LAGS)
_NEW = (1 << _LEAP) - 1
inline = numba.njit(inline="always")


@inline
def _leap(s):
    """Advance 31-bit states by one draw; see `drai_hw.model.prng.leap`."""
    new = differ(
        differ(right(s, longs(_A)), right(s, longs(_B))),
        differ(right(s, longs(_C)), right(s, longs(_D))),
    )
    return both(either(left(s, longs(_LEAP)), both(new, longs(_NEW))), longs(_MASK))


@inline
def _sums_64(tops, own, start, stop, burst, index, weight, table):
    """Return sum_j w_ij T[top_j - top_i] of one oscillator, for a table of 64 entries."""
    t = load(table, 0)
    total = longs(0)
    while start < stop:
        end = min(start + burst, stop)
        part = words(0)
        for e in range(start, end):
            d = sub(load(tops, index[e]), own)
            part = add(part, mul(to_words(look_up(t, d)), words(weight[e])))
        total = add(total, to_longs(part))
        start = end
    return total


@inline
def _sums_128(tops, own, start, stop, burst, index, weight, table):
    """Return the same sum for a table of 128 entries."""
    t, u = load(table, 0), load(table, 64)
    total = longs(0)
    while start < stop:
        end = min(start + burst, stop)
        part = words(0)
        for e in range(start, end):
            d = sub(load(tops, index[e]), own)
            part = add(part, mul(to_words(look_up_wide(t, u, d)), words(weight[e])))
        total = add(total, to_longs(part))
        start = end
    return total


@inline
def _find_256(t, u, v, x, d):
    return negative_takes(d, look_up_wide(v, x, d), look_up_wide(t, u, d))


@inline
def _sums_256(tops, own, start, stop, burst, index, weight, table):
    """Return the same sum for a table of 256 entries."""
    t, u, v, x = load(table, 0), load(table, 64), load(table, 128), load(table, 192)
    total = longs(0)
    while start < stop:
        end = min(start + burst, stop)
        part = words(0)
        for e in range(start, end):
            d = sub(load(tops, index[e]), own)
            part = add(part, mul(to_words(_find_256(t, u, v, x, d)), words(weight[e])))
        total = add(total, to_longs(part))
        start = end
    return total


@inline
def _sums_quarter(tops, own, which, start, index, weight, burst, table):
    """Return the same sum for a table of quarter waves; see `drai_hw.model.sparse_forms`."""
    t, u = load(table, 0), load(table, REPLICAS)
    v, x = load(table, 2 * REPLICAS), load(table, 3 * REPLICAS)
    above, below = longs(0), longs(0)
    begin, turn, stop = start[2 * which], start[2 * which + 1], start[2 * which + 2]
    while begin < stop:
        end = min(begin + burst, turn if begin < turn else stop)
        part = words(0)
        for e in range(begin, end):
            a = look_up_quarter(t, u, v, x, sub(load(tops, index[2 * e]), own))
            b = look_up_quarter(t, u, v, x, sub(load(tops, index[2 * e + 1]), own))
            part = add(part, weigh(weight[e], a, b))
        if begin < turn:
            above = add(above, unzipped(part))
        else:
            below = add(below, unzipped(part))
        begin = end
    return sub(above, below)


def _sums(tops, own, which, start, index, weight, burst, table, scratch):
    """Return sum_j w_ij T[top_j - top_i] of one oscillator; the table's type says how."""


def _twice(own, row, tops, table, scratch):
    """Return T[2 top_i]."""


@overload(_sums, inline="always")
def _overload_sums(tops, own, which, start, index, weight, burst, table, scratch):
    if table.dtype == types.int8:

        def sums(tops, own, which, start, index, weight, burst, table, scratch):
            if table.size == 64:
                return _sums_64(
                    tops, own, start[which], start[which + 1], burst, index, weight, table
                )
            if table.size == 128:
                return _sums_128(
                    tops, own, start[which], start[which + 1], burst, index, weight, table
                )
            return _sums_256(tops, own, start[which], start[which + 1], burst, index, weight, table)

    elif table.dtype == types.uint8:

        def sums(tops, own, which, start, index, weight, burst, table, scratch):
            return _sums_quarter(tops, own, which, start, index, weight, burst, table)

    else:

        def sums(tops, own, which, start, index, weight, burst, table, scratch):
            row, mask = which * REPLICAS, table.size - 1
            for r in range(REPLICAS):
                scratch[r] = 0
            for e in range(start[which], start[which + 1]):
                other, w = index[e], weight[e]
                for r in range(REPLICAS):
                    scratch[r] += w * table[(tops[other + r] - tops[row + r]) & mask]
            return load(scratch, 0)

    return sums


@overload(_twice, inline="always")
def _overload_twice(own, row, tops, table, scratch):
    if table.dtype == types.int8:

        def twice(own, row, tops, table, scratch):
            d = add(own, own)
            if table.size == 64:
                return to_longs(look_up(load(table, 0), d))
            t, u = load(table, 0), load(table, 64)
            if table.size == 128:
                return to_longs(look_up_wide(t, u, d))
            return to_longs(_find_256(t, u, load(table, 128), load(table, 192), d))

    elif table.dtype == types.uint8:

        def twice(own, row, tops, table, scratch):
            return to_longs(
                look_up_quarter(
                    load(table, 0), load(table, REPLICAS), load(table, 2 * REPLICAS),
                    load(table, 3 * REPLICAS), add(own, own),
                )
            )  # fmt: skip

    else:

        def twice(own, row, tops, table, scratch):
            for r in range(REPLICAS):
                scratch[r] = table[(2 * tops[row + r]) & (table.size - 1)]
            return load(scratch, 0)

    return twice


@inline
def _top(phase, right_by, left_by):
    return to_bytes(left(right(phase, longs(right_by)), longs(left_by)))


@compiled
def run(theta, tops, streams, start, index, weight, table, steps, gain, shil, shil_step, shil_max,
        dither, shift, strength_shift, delta_max, accumulator_bits, phase_bits, top_left, burst,
        padding):  # fmt: skip
    """Do steps of all replicas, see `drai_hw.model.sparse.SparseTwin.run`.

    Parameters
    ----------
    theta : int32, shape (groups, N * REPLICAS)
        Phase accumulators; changed in place.
    tops : int8, shape (2, N * REPLICAS)
        Scratch: leading phase bits at the start of a step and at its end.
    streams : int32, shape (groups, REPLICAS)
        States of the dither streams; changed in place.
    start, index, weight, table, top_left, burst
        The fields of `drai_hw.model.sparse_forms.Form`.
    padding : int
        Draws of the dither stream that no oscillator takes, at the end of a step.

    Returns
    -------
    int
        k_s after the last step.
    """
    n = theta.shape[1] // REPLICAS
    scratch = np.empty(REPLICAS, dtype=np.int32)
    half = (1 << shift) >> 1
    top_shift = accumulator_bits - phase_bits
    begun = shil
    for g in range(streams.shape[0]):
        phases, state, shil = theta[g], load(streams[g], 0), begun
        for row in range(0, n * REPLICAS, REPLICAS):
            store(tops[0], row, _top(load(phases, row), top_shift, top_left))
        for step in range(steps):
            now, then = tops[step & 1], tops[1 - (step & 1)]
            for i in range(n):
                row = i * REPLICAS
                own = load(now, row)
                total = _sums(now, own, i, start, index, weight, burst, table, scratch)
                twice = _twice(own, row, now, table, scratch)
                pull = left(mul(twice, longs(shil)), longs(strength_shift))
                x = sub(mul(total, longs(gain)), pull)
                delta = right(add(x, longs(half)), longs(shift))
                delta = least(largest(delta, longs(-delta_max)), longs(delta_max))
                if dither:
                    low = both(state, longs(3))
                    kick = sub(equal(low, longs(1)), equal(low, longs(2)))
                    delta = add(delta, left(kick, longs(dither - 1)))
                state = _leap(state)
                moved = add(load(phases, row), delta)
                moved = both(moved, longs((1 << accumulator_bits) - 1))
                store(phases, row, moved)
                store(then, row, _top(moved, top_shift, top_left))
            for _ in range(padding):
                state = _leap(state)
            shil = min(shil + shil_step, shil_max)
        store(streams[g], 0, state)
    return shil
