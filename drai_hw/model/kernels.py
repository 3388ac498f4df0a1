"""The compiled inner loops of the twin: one block of page pairs at a time, in machine integers.

A block is what the core does between two changes of the rotating page: up to L slots of L lanes.
32 lanes are a vector (`drai_hw.model.vector_integers`), which goes through all slots of its block
with the sums and the random streams of its lanes in registers: every weight is read once, and
written once where it learns. Lanes beyond L are idle: they are switched off, and what is stored for
them is the next slot's weight as it was.
"""

from __future__ import annotations

import numpy as np

from drai_hw.model import prng
from drai_hw.model.numbers import EMA_FRACTION_BITS, EMA_SHIFT, PROBABILITY_ONE
from drai_hw.model.vector_integers import (
    TABLE,
    WIDTH,
    add,
    at_most,
    below,
    both,
    choose,
    count,
    differ,
    either,
    follow,
    leave,
    left,
    load,
    longer,
    look_up,
    mul,
    pick,
    right,
    shorts,
    store,
    sub,
    unequal,
    words,
)
from drai_hw.model.vectors import compiled, inline

# Literals, because machine code kept on disk is renewed when this file changes, not when another
# one does; the check below keeps them equal to what they stand for.
_LAGS, _LEAP, _MASK = (31, 30, 28, 24), 23, (1 << 31) - 1
_EVENT, _EMA_FRACTION_BITS, _EMA_SHIFT = 0xFFFF, 4, 4
if (_LAGS, _LEAP, _MASK, _EVENT + 1, _EMA_FRACTION_BITS, _EMA_SHIFT) != (
    prng.LAGS, prng.LEAP, prng.MASK, PROBABILITY_ONE, EMA_FRACTION_BITS, EMA_SHIFT,
):  # fmt: skip
    raise RuntimeError("constants of drai_hw.model.kernels differ from those of prng and numbers")
_A, _B, _C, _D = (lag - _LEAP for lag in _LAGS)
_NEW = (1 << _LEAP) - 1
_LARGEST_SHORT = (1 << 15) - 1


@compiled
def _leap(s):
    """Advance one 31-bit state by one draw; see `drai_hw.model.prng.leap`."""
    new = ((s >> _A) ^ (s >> _B) ^ (s >> _C) ^ (s >> _D)) & _NEW
    return ((s << _LEAP) | new) & _MASK


@inline
def _leaps(s):
    """Advance the states of 32 lanes by one draw."""
    new = differ(
        differ(right(s, words(_A)), right(s, words(_B))),
        differ(right(s, words(_C)), right(s, words(_D))),
    )
    return both(either(left(s, words(_LEAP)), both(new, words(_NEW))), words(_MASK))


@inline
def _entries(table, low, high, d, last):
    """Return T[d] of 32 pairs."""
    if table.size == TABLE:
        return look_up(table, low, high, d)
    return pick(table, both(d, last))


@compiled
def _couple(sum_i, sum_j, block, top_i, top_j, on_i, on_j, table, size, lanes, first, begin, end,
            sign, no_link):  # fmt: skip
    """Add what the slots ``begin`` to ``end`` of a block contribute to both oscillators."""
    last, signs, missing = shorts(size - 1), shorts(sign), shorts(no_link)
    low, high = load(table, 0), load(table, WIDTH)
    for x in range(0, lanes, WIDTH):
        ti, active, own, other = load(top_i, x), load(on_i, x), load(sum_i, x), shorts(0)
        for k in range(begin, end):
            r = first + k + x
            pair, w = both(load(on_j, r), active), load(block, k * lanes + x)
            t = _entries(table, low, high, sub(load(top_j, r), ti), last)
            value = both(mul(t, w), pair)
            if no_link:
                value = choose(unequal(w, missing), value, shorts(0))
            own = add(own, value)
            other = add(other, mul(value, signs))
            leave(sum_j, r, other)
            other = follow(other)
        store(sum_i, x, own)
        store(sum_j, first + end + x, add(load(sum_j, first + end + x), other))


@compiled
def _learn(sum_i, sum_j, block, top_i, top_j, on_i, on_j, table, size, lanes, first, begin, end,
           held_i, held_j, om_i, om_j, theta_r, threshold, plus, minus, w_max, eta_streams, eta,
           decay_streams, decay, has_decay, over_i, over_j, shrink, has_budget, lean_i, lean_j,
           centring, no_link):  # fmt: skip
    """Do the same with learning; return pairs visited, gated on, written and changed."""
    last = shorts(size - 1)
    low, high = load(table, 0), load(table, WIDTH)
    near, width = shorts(threshold), shorts(2 * threshold)
    up, down = shorts(np.int64(plus)), shorts(-np.int64(minus))
    most, least, zero = shorts(w_max), shorts(-w_max), shorts(0)
    event, rate, fade = words(_EVENT), words(eta), words(decay)
    apart, nearer = words(theta_r), words(-theta_r)
    missing, shrinks, one = shorts(no_link), words(shrink), shorts(1)
    visited = opened = written = changed = 0
    for x in range(0, lanes, WIDTH):
        ti, active, own, other = load(top_i, x), load(on_i, x), load(sum_i, x), shorts(0)
        held, frequency = load(held_i, x), load(om_i, x)
        s, f = load(eta_streams, x), load(decay_streams, x)
        over, lean = load(over_i, x), load(lean_i, x)
        for k in range(begin, end):
            r, o = first + k + x, k * lanes + x
            pair = both(load(on_j, r), active)
            d = both(sub(load(top_j, r), ti), last)
            w = load(block, o)
            if no_link:
                pair = choose(unequal(w, missing), pair, zero)
            value = both(mul(_entries(table, low, high, d, last), w), pair)
            own = add(own, value)
            other = sub(other, value)
            leave(sum_j, r, other)
            other = follow(other)

            is_pair = unequal(pair, zero)
            gate = unequal(both(pair, differ(both(held, load(held_j, r)), pair)), zero)
            if theta_r:
                between = sub(load(om_j, r), frequency)
                gate = both(gate, both(below(between, apart), below(nearer, between)))
            step = choose(at_most(both(add(d, near), last), width), up, down)
            write = both(both(below(both(s, event), rate), gate), unequal(step, zero))
            coin = both(right(s, words(16)), words(3))
            s = _leaps(s)
            new = choose(write, add(w, step), w)
            new = choose(below(most, new), most, choose(below(new, least), least, new))
            if has_decay:
                beyond = both(right(f, words(16)), words(w_max))
                fades = below(both(f, event), fade)
                if has_budget:
                    full = unequal(either(over, load(over_j, r)), zero)
                    fades = either(fades, both(full, below(both(f, event), shrinks)))
                fades = both(fades, is_pair)
                f = _leaps(f)
                wide = longer(new)
                fewer = both(fades, below(beyond, wide))
                more = both(fades, below(add(beyond, wide), words(0)))
                new = choose(fewer, sub(new, one), choose(more, add(new, one), new))
            if centring:
                common = longer(add(lean, load(lean_j, r)))
                fewer = both(below(coin, common), is_pair)
                more = both(below(add(coin, common), words(0)), is_pair)
                new = choose(fewer, sub(new, one), choose(more, add(new, one), new))
                new = choose(below(most, new), most, choose(below(new, least), least, new))
            if no_link:
                new = choose(is_pair, new, w)
            store(block, o, new)
            visited += count(is_pair)
            opened += count(gate)
            written += count(write)
            changed += count(unequal(new, w))
        store(sum_i, x, own)
        store(sum_j, first + end + x, add(load(sum_j, first + end + x), other))
        store(eta_streams, x, s)
        store(decay_streams, x, f)
    return visited, opened, written, changed


@compiled
def _double(out, values, start, lanes):
    """Copy a page twice in a row, so that a rotated page is a slice."""
    for x in range(lanes):
        out[x] = values[start + x]
        out[x + lanes] = values[start + x]


@compiled
def sweep(sums, weights, top, active, held, om, table, size, lanes, sign, learn, threshold, plus,
          minus, eta, decay, has_decay, theta_r, w_max, t_max, eta_streams, decay_streams,
          events, over, shrink, has_budget, lean, centring, no_link):  # fmt: skip
    """Do one pass over all pairs: sums of w T[d] by oscillator and, if asked, learning.

    Parameters
    ----------
    sums : int32 or int64, shape (slots,)
        Receives the sums.
    weights : int8, shape (pair_slots * lanes + 32,)
        Weights in the order of the core's memory, and room for a vector; changed in place.
    top : int16, shape (slots,)
        Leading phase bits.
    active, held : int16, shape (slots,)
        0 or -1; ``held`` is 0 throughout while the margin gate is off.
    om : int32, shape (slots,)
        Smoothed frequency without its fraction.
    table : int16
        T, or C of the field pass: ``size`` entries, repeated up to 64 at least.
    size : int
        2**P.
    sign : int
        Sign of a contribution at the rotating oscillator: -1 for T (odd), +1 for C (even).
    learn : bool
        Only with the sign -1.
    threshold, plus, minus : int, bool, bool
        What this learning pass does, see `drai_hw.model.learning.Pass`.
    w_max, t_max : int
        Largest magnitudes of a weight and of an entry of the table.
    eta_streams, decay_streams : int32, shape (lanes,), a multiple of 32
    over, lean : int16, shape (slots,)
        What the censuses found: 0 or -1; -1, 0 or 1. Looked at only with the next.
    has_budget, centring : bool
        The features; a budget needs ``has_decay``.
    no_link : int
        Word of pairs without a link; 0 if there are none.
    """
    pages = top.size // lanes
    width = -(-lanes // WIDTH) * WIDTH
    room = lanes + width + 1
    top_i, on_i, held_i = (np.zeros(width, np.int16), np.zeros(width, np.int16),
                           np.zeros(width, np.int16))  # fmt: skip
    top_j, on_j, held_j = (np.zeros(room, np.int16), np.zeros(room, np.int16),
                           np.zeros(room, np.int16))  # fmt: skip
    om_i, om_j = np.zeros(width, np.int32), np.zeros(room, np.int32)
    over_i, over_j = np.zeros(width, np.int16), np.zeros(room, np.int16)
    lean_i, lean_j = np.zeros(width, np.int16), np.zeros(room, np.int16)
    part_i, part_j = np.zeros(width, np.int16), np.zeros(room, np.int16)
    at_once = max(1, _LARGEST_SHORT // max(1, w_max * t_max))  # slots whose sums fit 16 bits
    sums[:] = 0
    base = 0
    for a in range(pages):
        top_i[:lanes] = top[a * lanes : (a + 1) * lanes]
        held_i[:lanes] = held[a * lanes : (a + 1) * lanes]
        om_i[:lanes] = om[a * lanes : (a + 1) * lanes]
        over_i[:lanes] = over[a * lanes : (a + 1) * lanes]
        lean_i[:lanes] = lean[a * lanes : (a + 1) * lanes]
        for turn in range(1, pages - a + 1):
            b = a + turn if turn < pages - a else a  # a row ends with its own page
            first, slots = (0, lanes) if b != a else (1, lanes // 2)
            block = weights[base : base + slots * lanes + WIDTH]
            base += slots * lanes
            on_i[:lanes] = active[a * lanes : (a + 1) * lanes]
            _double(top_j, top, b * lanes, lanes)
            _double(on_j, active, b * lanes, lanes)
            if learn:
                _double(held_j, held, b * lanes, lanes)
                _double(om_j, om, b * lanes, lanes)
                _double(over_j, over, b * lanes, lanes)
                _double(lean_j, lean, b * lanes, lanes)
            begin = 0
            while begin < slots:
                end = min(begin + at_once, slots)
                if b == a and begin == slots - 1:
                    on_i[lanes // 2 : lanes] = 0  # the other half has visited these pairs
                elif b == a and end == slots:
                    end -= 1
                part_i[:] = 0
                part_j[:] = 0
                if learn:
                    found = _learn(
                        part_i, part_j, block, top_i, top_j, on_i, on_j, table, size, lanes, first,
                        begin, end, held_i, held_j, om_i, om_j, theta_r, threshold, plus, minus,
                        w_max, eta_streams, eta, decay_streams, decay, has_decay, over_i, over_j,
                        shrink, has_budget, lean_i, lean_j, centring, no_link,
                    )  # fmt: skip
                    for x in range(4):
                        events[x] += found[x]
                else:
                    _couple(part_i, part_j, block, top_i, top_j, on_i, on_j, table, size, lanes,
                            first, begin, end, sign, no_link)  # fmt: skip
                for x in range(lanes):
                    sums[a * lanes + x] += part_i[x]
                for x in range(lanes):
                    sums[b * lanes + x] += part_j[x]
                    sums[b * lanes + x] += part_j[x + lanes]
                begin = end


@compiled
def advance(theta, ema, torque, omega, psi, strength, clamp, table, dither_stream, gain, shil,
            dither, shift, strength_shift, delta_max, accumulator_bits, phase_bits, resonance,
            frequency_bits):  # fmt: skip
    """Advance all phases by torque, input, SHIL, tuning word and dither, all in int64."""
    mask = (1 << phase_bits) - 1
    limit = (1 << (frequency_bits - 1)) - 1
    half = (1 << shift) >> 1
    draw = dither_stream[0]
    for i in range(theta.size):
        top = theta[i] >> (accumulator_bits - phase_bits)
        force = strength[i] * table[(psi[i] - top) & mask] - shil * table[(2 * top) & mask]
        x = gain * np.int64(torque[i]) + (force << strength_shift)
        delta = min(max((x + half) >> shift, -delta_max), delta_max)
        kick = 0
        if dither:
            low = draw & 3
            kick = ((low == 1) - np.int64(low == 2)) << (dither - 1)
        draw = _leap(draw)
        move = 0 if clamp[i] else omega[i] + delta + kick
        theta[i] = (theta[i] + move) & ((1 << accumulator_bits) - 1)
        if resonance:
            target = min(max(move >> (accumulator_bits - 1 - frequency_bits), -limit), limit)
            ema[i] += ((target << _EMA_FRACTION_BITS) - ema[i]) >> _EMA_SHIFT
    dither_stream[0] = draw
