"""The compiled loops of `drai_hw.model.packed`: every weight is loaded once and serves two rows."""

from __future__ import annotations

from drai_hw.model.vector_sines import LARGEST_RAD, sine_and_cosine
from drai_hw.model.vectors import (
    LINE_BYTES,
    add_totals,
    clip,
    compiled,
    fetch,
    fma,
    inline,
    like,
    load,
    mul,
    splat,
    store,
    sub,
    total,
)

BLOCK = 16
"""Rows of a panel, and what lengths are rounded up to: one vector of float32, two of float64."""

SINE, COSINE, U, V, FREE_U, FREE_V, TORQUE, RESONANCE = range(8)
"""Rows of the work space; U and V are the scaled amplitudes times cosine and sine."""

ROWS = 8
AHEAD = 256
"""Elements of a row between the weights in use and those that are asked for."""


@compiled
def _waves(work, phases_rad, ready):
    """Fill sine and cosine; False where a phase is too large for that.

    ``ready``: they are there already.
    """
    sine, cosine = work[SINE], work[COSINE]
    n = phases_rad.size
    lanes = LINE_BYTES // work.itemsize
    if not ready:
        sine[:n] = phases_rad
        sine[n:] = 0
        beyond = like(load(sine, 0), 0.0)
        for i in range(0, sine.size, lanes):
            x = load(sine, i)
            excess = sub(x, clip(x, like(x, LARGEST_RAD)))
            beyond = fma(excess, excess, beyond)
            s, c = sine_and_cosine(x)
            store(sine, i, s)
            store(cosine, i, c)
        return not total(beyond) > 0
    return True


@compiled
def _settle(work):
    """Turn the sums of w sin and w cos into torque and resonance."""
    sine, cosine, first, second = work[SINE], work[COSINE], work[TORQUE], work[RESONANCE]
    lanes = LINE_BYTES // work.itemsize
    for i in range(0, sine.size, lanes):
        s, c, a, b = load(sine, i), load(cosine, i), load(first, i), load(second, i)
        store(first, i, sub(mul(c, a), mul(s, b)))
        store(second, i, fma(c, b, mul(s, a)))


@compiled
def sums(work, weights, phases_rad, ready):
    """Fill torque and resonance; False, and nothing done, where a phase is too large."""
    if not _waves(work, phases_rad, ready):
        return False
    sine, cosine, by_sine, by_cosine = work[SINE], work[COSINE], work[TORQUE], work[RESONANCE]
    lanes = LINE_BYTES // work.itemsize
    size = -(-phases_rad.size // BLOCK) * BLOCK
    by_sine[:] = 0
    by_cosine[:] = 0
    zero = like(load(sine, 0), 0.0)
    start = 0
    for first in range(0, size, BLOCK):
        length = size - first
        for r in range(0, BLOCK, 4):
            i = first + r
            o = start + r * length
            p, q, t = o + length, o + 2 * length, o + 3 * length
            s0, s1, s2, s3 = (
                splat(sine[i]), splat(sine[i + 1]), splat(sine[i + 2]), splat(sine[i + 3])
            )  # fmt: skip
            c0, c1, c2, c3 = (
                splat(cosine[i]), splat(cosine[i + 1]), splat(cosine[i + 2]),
                splat(cosine[i + 3]),
            )  # fmt: skip
            a0, b0, a1, b1, a2, b2, a3, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for j in range(0, BLOCK, lanes):  # the square on the diagonal holds both halves
                sj, cj = load(sine, first + j), load(cosine, first + j)
                w0, w1 = load(weights, o + j), load(weights, p + j)
                w2, w3 = load(weights, q + j), load(weights, t + j)
                a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
            for j in range(BLOCK, length, lanes):
                k = first + j
                sj, cj = load(sine, k), load(cosine, k)
                aj, bj = load(by_sine, k), load(by_cosine, k)
                w0, w1 = load(weights, o + j), load(weights, p + j)
                w2, w3 = load(weights, q + j), load(weights, t + j)
                a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                aj, bj = fma(w0, s0, aj), fma(w0, c0, bj)
                a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                aj, bj = fma(w1, s1, aj), fma(w1, c1, bj)
                a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                aj, bj = fma(w2, s2, aj), fma(w2, c2, bj)
                a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
                aj, bj = fma(w3, s3, aj), fma(w3, c3, bj)
                store(by_sine, k, aj)
                store(by_cosine, k, bj)
            add_totals(by_sine, by_cosine, i, a0, a1, a2, a3, b0, b1, b2, b3)
        start += BLOCK * length
    _settle(work)
    return True


@compiled
def _rates(work, amplitudes, gain, held):
    """Fill U and V, and both without the held oscillators, zero beyond N."""
    lanes = LINE_BYTES // work.itemsize
    n = amplitudes.size
    u, v, free_u, free_v = work[U], work[V], work[FREE_U], work[FREE_V]
    u[:n] = amplitudes
    u[n:] = 0
    strength = splat(gain)
    for i in range(0, u.size, lanes):
        a = mul(load(u, i), strength)
        store(u, i, mul(a, load(work[COSINE], i)))
        store(v, i, mul(a, load(work[SINE], i)))
    if held is not None:
        free_u[:] = u
        free_v[:] = v
        for i in range(n):
            if held[i]:
                free_u[i] = free_v[i] = 0


@inline
def _learned(w, u_i, v_i, u, v, keep, limit):
    """Return new weights; the order of the operations makes w_ij and w_ji equal in every bit."""
    return clip(fma(v_i, v, fma(u_i, u, mul(keep, w))), limit)


@inline
def _side(held, i, stride):
    """Return where in the work space the rates of oscillator i's partners stand."""
    if held is None:
        return U * stride
    return (FREE_U if i < held.size and held[i] else U) * stride


@compiled
def learn(work, weights, phases_rad, ready, amplitudes, held, settings):
    """Learn, decay and saturate all weights, fill torque and resonance of the new ones.

    Parameters
    ----------
    work : array, shape (ROWS, multiple of BLOCK)
    weights : array
        Panels.
    phases_rad, amplitudes : arrays, shape (N,)
    ready : bool
        Sine and cosine are there already.
    held : array of bool, shape (N,), or None
        A pair of which both are held does not learn.
    settings : array, shape (BLOCK * BLOCK + 4,)
        Factors of the squares on the diagonal (1, and 0 where a diagonal must stay 0); then
        sqrt|keep eta|, sign of eta, share kept, largest magnitude.

    Returns
    -------
    bool
        False, and nothing done, where a phase is too large.
    """
    if not _waves(work, phases_rad, ready):
        return False
    gain, sign, keep, limit = settings[-4], settings[-3], settings[-2], settings[-1]
    _rates(work, amplitudes, gain, held)
    sine, cosine, by_sine, by_cosine = work[SINE], work[COSINE], work[TORQUE], work[RESONANCE]
    lanes = LINE_BYTES // work.itemsize
    size = -(-phases_rad.size // BLOCK) * BLOCK
    u, v, flat, stride = work[U], work[V], work.reshape(work.size), work.shape[1]
    by_sine[:] = 0
    by_cosine[:] = 0
    kept, most = splat(keep), splat(limit)
    zero = like(kept, 0.0)
    start = 0
    for first in range(0, size, BLOCK):
        length = size - first
        for r in range(0, BLOCK, 4):
            i = first + r
            o = start + r * length
            p, q, t = o + length, o + 2 * length, o + 3 * length
            u0, u1 = splat(sign * u[i]), splat(sign * u[i + 1])
            u2, u3 = splat(sign * u[i + 2]), splat(sign * u[i + 3])
            v0, v1 = splat(sign * v[i]), splat(sign * v[i + 1])
            v2, v3 = splat(sign * v[i + 2]), splat(sign * v[i + 3])
            s0, s1 = splat(sine[i]), splat(sine[i + 1])
            s2, s3 = splat(sine[i + 2]), splat(sine[i + 3])
            c0, c1 = splat(cosine[i]), splat(cosine[i + 1])
            c2, c3 = splat(cosine[i + 2]), splat(cosine[i + 3])
            d0, d1 = _side(held, i, stride), _side(held, i + 1, stride)
            d2, d3 = _side(held, i + 2, stride), _side(held, i + 3, stride)
            a0, b0, a1, b1, a2, b2, a3, b3 = zero, zero, zero, zero, zero, zero, zero, zero
            for j in range(0, BLOCK, lanes):  # the square on the diagonal holds both halves
                k = first + j
                g = r * BLOCK + j
                sj, cj = load(sine, k), load(cosine, k)
                x0, y0 = load(flat, d0 + k), load(flat, d0 + stride + k)
                if held is None:
                    x1, y1, x2, y2, x3, y3 = x0, y0, x0, y0, x0, y0
                else:
                    x1, y1 = load(flat, d1 + k), load(flat, d1 + stride + k)
                    x2, y2 = load(flat, d2 + k), load(flat, d2 + stride + k)
                    x3, y3 = load(flat, d3 + k), load(flat, d3 + stride + k)
                w0 = _learned(load(weights, o + j), u0, v0, x0, y0, kept, most)
                w1 = _learned(load(weights, p + j), u1, v1, x1, y1, kept, most)
                w2 = _learned(load(weights, q + j), u2, v2, x2, y2, kept, most)
                w3 = _learned(load(weights, t + j), u3, v3, x3, y3, kept, most)
                w0, w1 = mul(w0, load(settings, g)), mul(w1, load(settings, g + BLOCK))
                w2, w3 = (
                    mul(w2, load(settings, g + 2 * BLOCK)),
                    mul(w3, load(settings, g + 3 * BLOCK)),
                )
                store(weights, o + j, w0)
                store(weights, p + j, w1)
                store(weights, q + j, w2)
                store(weights, t + j, w3)
                a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
            for j in range(BLOCK, length, lanes):
                k = first + j
                sj, cj = load(sine, k), load(cosine, k)
                aj, bj = load(by_sine, k), load(by_cosine, k)
                x0, y0 = load(flat, d0 + k), load(flat, d0 + stride + k)
                if held is None:
                    x1, y1, x2, y2, x3, y3 = x0, y0, x0, y0, x0, y0
                else:
                    x1, y1 = load(flat, d1 + k), load(flat, d1 + stride + k)
                    x2, y2 = load(flat, d2 + k), load(flat, d2 + stride + k)
                    x3, y3 = load(flat, d3 + k), load(flat, d3 + stride + k)
                w0 = _learned(load(weights, o + j), u0, v0, x0, y0, kept, most)
                fetch(weights, o + j + AHEAD)
                store(weights, o + j, w0)
                a0, b0 = fma(w0, sj, a0), fma(w0, cj, b0)
                aj, bj = fma(w0, s0, aj), fma(w0, c0, bj)
                w1 = _learned(load(weights, p + j), u1, v1, x1, y1, kept, most)
                fetch(weights, p + j + AHEAD)
                store(weights, p + j, w1)
                a1, b1 = fma(w1, sj, a1), fma(w1, cj, b1)
                aj, bj = fma(w1, s1, aj), fma(w1, c1, bj)
                w2 = _learned(load(weights, q + j), u2, v2, x2, y2, kept, most)
                fetch(weights, q + j + AHEAD)
                store(weights, q + j, w2)
                a2, b2 = fma(w2, sj, a2), fma(w2, cj, b2)
                aj, bj = fma(w2, s2, aj), fma(w2, c2, bj)
                w3 = _learned(load(weights, t + j), u3, v3, x3, y3, kept, most)
                fetch(weights, t + j + AHEAD)
                store(weights, t + j, w3)
                a3, b3 = fma(w3, sj, a3), fma(w3, cj, b3)
                aj, bj = fma(w3, s3, aj), fma(w3, c3, bj)
                store(by_sine, k, aj)
                store(by_cosine, k, bj)
            add_totals(by_sine, by_cosine, i, a0, a1, a2, a3, b0, b1, b2, b3)
        start += BLOCK * length
    _settle(work)
    return True
