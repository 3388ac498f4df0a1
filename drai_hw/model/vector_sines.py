"""Sine and cosine of a vector of phases, for compiled loops."""

from __future__ import annotations

import math

from drai_hw.model.vectors import choose, floor, fma, inline, like, mul, sub

LARGEST_RAD = 1000.0
"""Up to this magnitude of a phase its sine and cosine keep their precision here."""

_SINE = tuple((-1.0) ** k / math.factorial(2 * k + 1) for k in range(7, 0, -1))
_COSINE = tuple((-1.0) ** k / math.factorial(2 * k) for k in range(8, 0, -1))


def _parts_of_half_pi() -> tuple[float, float, float, float]:
    """Return pi/2 in three parts of 14 bits and a rest: multiples up to 2^10 of each are exact."""
    parts = []
    rest = math.pi / 2
    for _ in range(3):
        unit = 2.0 ** (math.frexp(rest)[1] - 14)
        parts.append(math.floor(rest / unit) * unit)
        rest -= parts[-1]
    return parts[0], parts[1], parts[2], rest + 6.123233995736766e-17  # what pi/2 lacks


_P1, _P2, _P3, _P4 = _parts_of_half_pi()


@inline
def is_odd(k):
    """Return 1 where an integer is odd, 0 where it is even."""
    half = mul(k, like(k, 0.5))
    return mul(sub(half, floor(half)), like(k, 2.0))


@inline
def sine_and_cosine(x):
    """Return both: quarter turns taken off, then the power series up to an eighth of a turn."""
    k = floor(fma(x, like(x, 2.0 / math.pi), like(x, 0.5)))
    r = fma(k, like(x, -_P1), x)
    r = fma(k, like(x, -_P2), r)
    r = fma(k, like(x, -_P3), r)
    r = fma(k, like(x, -_P4), r)
    z = mul(r, r)
    s = like(x, 0.0)
    for a in _SINE:
        s = fma(s, z, like(x, a))
    s = fma(mul(s, z), r, r)
    c = like(x, 0.0)
    for a in _COSINE:
        c = fma(c, z, like(x, a))
    c = fma(c, z, like(x, 1.0))
    odd = is_odd(k)
    half = floor(mul(k, like(x, 0.5)))
    lower = fma(is_odd(half), like(x, -2.0), like(x, 1.0))
    left = fma(is_odd(sub(half, mul(odd, like(x, -1.0)))), like(x, -2.0), like(x, 1.0))
    return mul(choose(odd, c, s), lower), mul(choose(odd, s, c), left)
