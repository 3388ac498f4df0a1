"""The compiled loops of `drai_hw.model.packed` for many replicas: a vector holds one of each."""

from __future__ import annotations

from drai_hw.model.vector_sines import LARGEST_RAD, sine_and_cosine
from drai_hw.model.vectors import (
    LINE_BYTES,
    accumulate,
    clip,
    compiled,
    fma,
    like,
    load,
    mul,
    splat,
    store,
    sub,
    total,
)

BLOCK = 16
COLUMNS = 256
"""Columns at a time: their waves and sums then stay in the nearest caches."""


@compiled
def waves(sine, cosine):
    """Replace the phases in ``sine`` by their sines, fill cosines; False if one was too large."""
    lanes = LINE_BYTES // sine.itemsize
    beyond = like(load(sine, 0), 0.0)
    for i in range(0, sine.size, lanes):
        x = load(sine, i)
        excess = sub(x, clip(x, like(x, LARGEST_RAD)))
        beyond = fma(excess, excess, beyond)
        s, c = sine_and_cosine(x)
        store(sine, i, s)
        store(cosine, i, c)
    return not total(beyond) > 0


@compiled
def sums(sine, cosine, first_sum, second_sum, weights, size):
    """Fill torque and resonance of all replicas.

    Parameters
    ----------
    sine, cosine, first_sum, second_sum : arrays, shape (groups * size * lanes,)
        Groups of as many replicas as a vector has elements; the sums begin as zeros.
    weights : array
        Panels of a matrix of ``size`` rows.
    """
    lanes = LINE_BYTES // sine.itemsize
    zero = like(load(sine, 0), 0.0)
    for base in range(0, sine.size // lanes, size):
        for left in range(0, size, COLUMNS):
            right = min(left + COLUMNS, size)
            start = 0
            for first in range(0, right, BLOCK):
                length = size - first
                for i in range(first, first + BLOCK, 4):
                    o = start + (i - first) * length - first
                    p, q, t = o + length, o + 2 * length, o + 3 * length
                    k = (base + i) * lanes
                    s0, s1 = load(sine, k), load(sine, k + lanes)
                    s2, s3 = load(sine, k + 2 * lanes), load(sine, k + 3 * lanes)
                    c0, c1 = load(cosine, k), load(cosine, k + lanes)
                    c2, c3 = load(cosine, k + 2 * lanes), load(cosine, k + 3 * lanes)
                    a0, b0, a1, b1, a2, b2, a3, b3 = zero, zero, zero, zero, zero, zero, zero, zero
                    if first >= left:  # the square on the diagonal holds both halves
                        for j in range(first, first + BLOCK):
                            n = (base + j) * lanes
                            sj, cj = load(sine, n), load(cosine, n)
                            w0, w1 = splat(weights[o + j]), splat(weights[p + j])
                            w2, w3 = splat(weights[q + j]), splat(weights[t + j])
                            a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                            a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                            a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                            a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
                    for j in range(max(left, first + BLOCK), right):
                        n = (base + j) * lanes
                        sj, cj = load(sine, n), load(cosine, n)
                        aj, bj = load(first_sum, n), load(second_sum, n)
                        w0, w1 = splat(weights[o + j]), splat(weights[p + j])
                        w2, w3 = splat(weights[q + j]), splat(weights[t + j])
                        a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                        aj, bj = fma(w0, s0, aj), fma(w0, c0, bj)
                        a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                        aj, bj = fma(w1, s1, aj), fma(w1, c1, bj)
                        a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                        aj, bj = fma(w2, s2, aj), fma(w2, c2, bj)
                        a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
                        aj, bj = fma(w3, s3, aj), fma(w3, c3, bj)
                        store(first_sum, n, aj)
                        store(second_sum, n, bj)
                    accumulate(first_sum, k, a0)
                    accumulate(first_sum, k + lanes, a1)
                    accumulate(first_sum, k + 2 * lanes, a2)
                    accumulate(first_sum, k + 3 * lanes, a3)
                    accumulate(second_sum, k, b0)
                    accumulate(second_sum, k + lanes, b1)
                    accumulate(second_sum, k + 2 * lanes, b2)
                    accumulate(second_sum, k + 3 * lanes, b3)
                start += BLOCK * length
    for k in range(0, sine.size, lanes):
        s, c, a, b = load(sine, k), load(cosine, k), load(first_sum, k), load(second_sum, k)
        store(first_sum, k, sub(mul(c, a), mul(s, b)))
        store(second_sum, k, fma(c, b, mul(s, a)))
