"""The compiled inner loops of the twin: one block of page pairs at a time, in machine integers.

A block is what the core does between two changes of the rotating page: up to L slots of L lanes,
flat in the order of the weight words. Its stages are separate short loops over buffers that stay in
the first-level cache, each with few arrays and narrow integers, because only such loops are turned
into vector instructions.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
import numpy as np

from drai_hw.model import prng
from drai_hw.model.numbers import EMA_FRACTION_BITS, EMA_SHIFT, PROBABILITY_ONE

F = TypeVar("F", bound=Callable[..., Any])

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
_NEVER = 127  # no weight magnitude exceeds it (W <= 8): a decay that does not happen


def _compile(function: F) -> F:
    """Compile, keeping the machine code on disk where some folder for it can be written."""
    compiled: Any
    try:
        compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # no such folder: compile anew in each process
        compiled = numba.njit(function)
    return cast(F, compiled)


@_compile
def _leap(s):
    """Advance one 31-bit state by one draw; see `drai_hw.model.prng.leap`."""
    new = ((s >> _A) ^ (s >> _B) ^ (s >> _C) ^ (s >> _D)) & _NEW
    return ((s << _LEAP) | new) & _MASK


@_compile
def _differences(d, pair, top_i, top_j, on_i, on_j, slots, first, half, mask):
    """Fill d_ij and "both active" of a block; ``half`` idles half of the last slot's lanes."""
    lanes = top_i.size
    for k in range(slots):
        o, r = k * lanes, first + k
        part_d, part = d[o : o + lanes], pair[o : o + lanes]
        tj, oj = top_j[r : r + lanes], on_j[r : r + lanes]
        for x in range(lanes):
            part_d[x] = (tj[x] - top_i[x]) & mask
        for x in range(lanes):
            part[x] = oj[x] & on_i[x]
    if half:
        pair[slots * lanes - lanes // 2 : slots * lanes] = 0


@_compile
def _contribute(value, d, pair, words, table, count):
    """Fill w_ij T[d_ij] of a block."""
    for x in range(count):  # the only look-up; apart, since it does not vectorise
        value[x] = table[d[x]]
    for x in range(count):
        value[x] = value[x] * words[x] * pair[x]


@_compile
def _accumulate(sum_i, sum_j, value, slots, first, sign):
    """Add a block's contributions to both oscillators of each pair."""
    lanes = sum_i.size
    for k in range(slots):
        part = value[k * lanes : (k + 1) * lanes]
        other = sum_j[first + k : first + k + lanes]
        for x in range(lanes):
            sum_i[x] += part[x]
        if sign > 0:
            for x in range(lanes):
                other[x] += part[x]
        else:
            for x in range(lanes):
                other[x] -= part[x]


@_compile
def _gates(gate, pair, held_i, held_j, om_i, om_j, slots, first, theta_r):
    """Open the gates of a block; ``theta_r`` 0 means that the resonance gate is off."""
    lanes = held_i.size
    for k in range(slots):
        o, r = k * lanes, first + k
        part, both = gate[o : o + lanes], pair[o : o + lanes]
        hj, oj = held_j[r : r + lanes], om_j[r : r + lanes]
        for x in range(lanes):
            part[x] = both[x] & (1 ^ (held_i[x] & hj[x]))
        if theta_r:
            for x in range(lanes):
                apart = oj[x] - om_i[x]
                part[x] = part[x] & (apart < theta_r) & (apart > -theta_r)


@_compile
def _draw_updates(event, streams, slots, rate):
    """Draw the update events of a block."""
    lanes = streams.size
    for k in range(slots):
        part = event[k * lanes : (k + 1) * lanes]
        for x in range(lanes):
            part[x] = (streams[x] & _EVENT) < rate
        for x in range(lanes):
            streams[x] = _leap(streams[x])


@_compile
def _draw_decays(limit, streams, slots, rate, w_max):
    """Draw what a weight must exceed to decay."""
    lanes = streams.size
    for k in range(slots):
        part = limit[k * lanes : (k + 1) * lanes]
        for x in range(lanes):
            s = streams[x]
            part[x] = (s >> 16) & w_max if (s & _EVENT) < rate else _NEVER
        for x in range(lanes):
            streams[x] = _leap(streams[x])


@_compile
def _withhold(event, d, count, size, threshold, plus, minus):
    """Take back the update events of pairs that a one-sided pass leaves alone."""
    flags, other = np.int8(plus), np.int8(minus)
    for x in range(count):
        near = (d[x] <= threshold) | (d[x] >= size - threshold)
        event[x] = event[x] & (flags if near else other)


@_compile
def _update_weights(new, words, event, gate, d, count, size, threshold, w_max):
    """Fill the weights after the update events; leave in ``event`` what was written."""
    for x in range(count):
        event[x] = event[x] & gate[x]
    for x in range(count):  # twice "near", less one: +1 in phase, -1 out of it
        near = (d[x] <= threshold) | (d[x] >= size - threshold)
        new[x] = words[x] + event[x] * (2 * near - 1)
    for x in range(count):
        new[x] = min(max(new[x], -w_max), w_max)


@_compile
def _decay_weights(new, limit, pair, count):
    """Move the weights that decay one step towards 0."""
    for x in range(count):
        w = new[x]
        new[x] = w - ((w > limit[x]) & pair[x]) + ((-w > limit[x]) & pair[x])


@_compile
def _count_and_store(words, new, event, gate, pair, count, events):
    """Count the events of a block and store its weights."""
    both = opened = written = changed = np.int32(0)
    for x in range(count):
        both = np.int32(both + pair[x])
    for x in range(count):
        opened = np.int32(opened + gate[x])
    for x in range(count):
        written = np.int32(written + event[x])
    for x in range(count):
        changed = np.int32(changed + (words[x] != new[x]))
    for x in range(count):
        words[x] = new[x]
    events[0] += both
    events[1] += opened
    events[2] += written
    events[3] += changed


@_compile
def _double(out, values, start):
    """Copy a page twice in a row, so that a rotated page is a slice."""
    lanes = out.size // 2
    for x in range(lanes):
        out[x] = values[start + x]
        out[x + lanes] = values[start + x]


@_compile
def sweep(sums, words, top, active, held, om, table, lanes, sign, learn, threshold, plus, minus,
          eta, decay, has_decay, theta_r, w_max, eta_streams, decay_streams, events):  # fmt: skip
    """Do one pass over all pairs: sums of w T[d] by oscillator and, if asked, learning.

    Parameters
    ----------
    sums : int32 or int64, shape (slots,)
        Receives the sums.
    words : int8, shape (pair_slots * lanes,)
        Weights in the order of the core's memory; changed in place.
    top : int16, shape (slots,)
        Leading phase bits.
    om : int16 or int32, shape (slots,)
        Smoothed frequency without its fraction.
    active, held : int8, shape (slots,)
        0 or 1; ``held`` is 0 throughout while the margin gate is off.
    table : int16, shape (2**P,)
        T, or C of the field pass.
    sign : int
        Sign of a contribution at the rotating oscillator: -1 for T (odd), +1 for C (even).
    threshold, plus, minus : int, bool, bool
        What this learning pass does, see `drai_hw.model.learning.Pass`.
    """
    pages = top.size // lanes
    size = table.size
    d = np.empty(lanes * lanes, np.uint16)
    value = np.empty(lanes * lanes, np.int16)
    pair = np.empty(lanes * lanes, np.int8)
    gate = np.empty(lanes * lanes, np.int8)
    event = np.empty(lanes * lanes, np.int8)
    limit = np.empty(lanes * lanes, np.int8)
    new = np.empty(lanes * lanes, np.int16)
    top_j = np.empty(2 * lanes, np.int16)
    on_j = np.empty(2 * lanes, np.int8)
    held_j = np.empty(2 * lanes, np.int8)
    om_j = np.empty(2 * lanes, om.dtype)
    sum_j = np.empty(2 * lanes, sums.dtype)
    sums[:] = 0
    base = 0
    for a in range(pages):
        page = slice(a * lanes, (a + 1) * lanes)
        for turn in range(1, pages - a + 1):
            b = a + turn if turn < pages - a else a  # a row ends with its own page
            first, slots = (0, lanes) if b != a else (1, lanes // 2)
            count = slots * lanes
            block = words[base : base + count]
            _double(top_j, top, b * lanes)
            _double(on_j, active, b * lanes)
            _differences(d, pair, top[page], top_j, active[page], on_j, slots, first, b == a,
                         size - 1)  # fmt: skip
            _contribute(value, d, pair, block, table, count)
            sum_j[:] = 0
            _accumulate(sums[page], sum_j, value, slots, first, sign)
            for x in range(lanes):
                sums[b * lanes + x] += sum_j[x] + sum_j[x + lanes]
            if learn:
                _double(held_j, held, b * lanes)
                _double(om_j, om, b * lanes)
                _gates(gate, pair, held[page], held_j, om[page], om_j, slots, first, theta_r)
                _draw_updates(event, eta_streams, slots, eta)
                if not (plus and minus):
                    _withhold(event, d, count, size, threshold, plus, minus)
                _update_weights(new, block, event, gate, d, count, size, threshold, w_max)
                if has_decay:
                    _draw_decays(limit, decay_streams, slots, decay, w_max)
                    _decay_weights(new, limit, pair, count)
                _count_and_store(block, new, event, gate, pair, count, events)
            base += count


@_compile
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
