"""The compiled loops of `drai_hw.model.sparse`: 64 replicas at a time, one in each element."""

from __future__ import annotations

import numba

from drai_hw.model import prng
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


@compiled
def run(theta, tops, streams, start, index, weight, table, steps, gain, shil, shil_step, shil_max,
        dither, shift, strength_shift, delta_max, accumulator_bits, phase_bits, burst,
        padding):  # fmt: skip
    """Do steps of all replicas, see `drai_hw.model.sparse.SparseTwin.run`.

    Parameters
    ----------
    theta : int32, shape (groups, N * 64)
        Phase accumulators; changed in place.
    tops : int8, shape (2, N * 64)
        Scratch: leading phase bits at the start of a step and at its end.
    streams : int32, shape (groups, 64)
        States of the dither streams; changed in place.
    start, index, weight : int64, int64, int16 or int32
        Edges by oscillator: where those of i begin, 64 times the other oscillator, weight.
    table : int8, shape (64,), (128,) or (256,)
        T, repeated up to 64 entries if shorter.
    burst : int
        Edges whose contributions fit in 16 bits together.
    padding : int
        Draws of the dither stream that no oscillator takes, at the end of a step.

    Returns
    -------
    int
        k_s after the last step.
    """
    n = start.size - 1
    half = (1 << shift) >> 1
    top_shift = accumulator_bits - phase_bits
    begun = shil
    for g in range(streams.shape[0]):
        phases, state, shil = theta[g], load(streams[g], 0), begun
        for row in range(0, n * REPLICAS, REPLICAS):
            store(tops[0], row, to_bytes(right(load(phases, row), longs(top_shift))))
        for step in range(steps):
            now, then = tops[step & 1], tops[1 - (step & 1)]
            for i in range(n):
                row = i * REPLICAS
                own = load(now, row)
                if table.size == 64:
                    total = _sums_64(now, own, start[i], start[i + 1], burst, index, weight, table)
                    twice = look_up(load(table, 0), add(own, own))
                elif table.size == 128:
                    total = _sums_128(now, own, start[i], start[i + 1], burst, index, weight, table)
                    twice = look_up_wide(load(table, 0), load(table, 64), add(own, own))
                else:
                    total = _sums_256(now, own, start[i], start[i + 1], burst, index, weight, table)
                    twice = _find_256(
                        load(table, 0), load(table, 64), load(table, 128), load(table, 192),
                        add(own, own),
                    )  # fmt: skip
                pull = left(mul(to_longs(twice), longs(shil)), longs(strength_shift))
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
                store(then, row, to_bytes(right(moved, longs(top_shift))))
            for _ in range(padding):
                state = _leap(state)
            shil = min(shil + shil_step, shil_max)
        store(streams[g], 0, state)
    return shil
