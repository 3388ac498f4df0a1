"""The random streams of twin and RTL: 31-bit LFSRs that leap over a whole draw in one clock."""

from __future__ import annotations

import hashlib
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

IntLike = TypeVar("IntLike", int, NDArray[np.int64])

BITS = 31
MASK = (1 << BITS) - 1
# Lags of the recurrence b[n] = XOR of b[n - lag]. All are long, so that a leap is one four-input
# XOR a bit; the polynomial is irreducible and 2**31 - 1 is prime, so the sequence is maximal.
LAGS = (31, 30, 28, 24)
MAX_LEAP = min(LAGS)  # new bits may depend on old ones only
PERIOD = MASK
# Bits a draw. A pair sees every (LEAP * slots)-th bit of the sequence; were that a power of two,
# it would be the same sparse recurrence again, and with 16 some pairs of 8 x 8 or 16 x 4 lanes and
# pages drew 5 to 17 sigma too often. An odd leap makes each pair's own recurrence a dense one.
LEAP = 23


def leap(state: IntLike, bits: int) -> IntLike:
    """Advance LFSR states by ``bits`` shifts at once.

    Fibonacci form, newest bit in bit 0: ``b[n] = b[n-31] ^ b[n-30] ^ b[n-28] ^ b[n-24]``. Because
    ``bits <= 24`` every new bit is one XOR of four old ones.
    """
    if not 1 <= bits <= MAX_LEAP:
        raise ValueError(f"leap of {bits} bits: 1 to {MAX_LEAP} are possible in one clock")
    a, b, c, d = (state >> (lag - bits) for lag in LAGS)
    new = (a ^ b ^ c ^ d) & ((1 << bits) - 1)
    return ((state << bits) | new) & MASK


def _shift_matrix() -> list[int]:
    """Columns of the one-shift map: image of each single state bit."""
    return [leap(1 << bit, 1) for bit in range(BITS)]


def _apply(matrix: list[int], state: int) -> int:
    out = 0
    for bit in range(BITS):
        if state >> bit & 1:
            out ^= matrix[bit]
    return out


def jump(state: int, shifts: int) -> int:
    """Advance a state by any number of shifts (square and multiply over GF(2))."""
    matrix = _shift_matrix()
    while shifts:
        if shifts & 1:
            state = _apply(matrix, state)
        matrix = [_apply(matrix, column) for column in matrix]
        shifts >>= 1
    return state


def spread_seeds(seed: int, stream: str, count: int) -> tuple[int, ...]:
    """Return ``count`` start states, evenly spread over the sequence.

    All lanes walk the same maximal sequence; equal spacing keeps them ``PERIOD / count`` shifts
    apart, so they share no draw before each has made tens of millions.

    Parameters
    ----------
    seed : int
        Seed of the core.
    stream : str
        Name of the stream; each has a start of its own.
    count : int
        Number of lanes.
    """
    digest = hashlib.sha256(f"drai-hw {stream} {seed}".encode()).digest()
    start = int.from_bytes(digest[:8], "little") % PERIOD
    return tuple(jump(1, (start + lane * (PERIOD // count)) % PERIOD) for lane in range(count))


def draws(states: NDArray[np.int64], count: int, bits: int) -> NDArray[np.int64]:
    """Return the states before each of ``count`` leaps and advance ``states`` in place.

    Parameters
    ----------
    states : array of int64, shape (lanes,)
        One LFSR a lane; holds the states after the last leap on return.
    count : int
        Number of draws.
    bits : int
        Leap a draw.

    Returns
    -------
    array of int64, shape (count, lanes)
    """
    out = np.empty((count, states.size), dtype=np.int64)
    current = states.copy()
    for row in range(count):
        out[row] = current
        current = leap(current, bits)
    states[:] = current
    return out
