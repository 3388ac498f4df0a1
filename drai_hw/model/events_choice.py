"""When event-driven learning is the faster way: measured break-even shares, and the choice."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from drai_hw.errors import SpecError

BREAK_EVEN_SIZES = (256, 1024, 4096)
BREAK_EVEN: dict[tuple[bool, str, bool], tuple[float, float, float]] = {
    # (compiled, type, decay): share of resonant pairs at which both ways cost the same
    (True, "float32", False): (0.055, 0.018, 0.045),
    (True, "float32", True): (0.028, 0.0098, 0.017),
    (True, "float64", False): (0.056, 0.035, 0.095),
    (True, "float64", True): (0.033, 0.0155, 0.034),
    (False, "float32", False): (1.0, 1.0, 0.17),
    (False, "float32", True): (1.0, 1.0, 0.18),
    (False, "float64", False): (1.0, 1.0, 0.16),
    (False, "float64", True): (1.0, 0.79, 0.115),
}
"""Measured by ``drai-hw bench events --rounds 7``, against the dense pass of the same rule."""


def break_even(n: int, dtype: Any = np.float64, *, decay: bool = False, compiled: bool) -> float:
    """Return the share of resonant pairs above which a dense pass is the faster way.

    Between the measured sizes it is linear in log N; outside, that of the nearest size.

    Parameters
    ----------
    n : int
        Oscillators.
    dtype : data type
        float32 or float64.
    decay, compiled : bool
        Whether weights decay, and whether the loops are compiled.
    """
    shares = BREAK_EVEN[compiled, np.dtype(dtype).name, decay]
    return float(np.interp(math.log(n), np.log(BREAK_EVEN_SIZES), shares))


def choose(
    n: int, share: float, dtype: Any = np.float64, *, decay: bool = False, compiled: bool = True
) -> str:
    """Return ``"events"`` or ``"dense"``, whichever was measured to be faster.

    Parameters
    ----------
    n : int
        Oscillators, >= 2.
    share : float
        Share of all N(N - 1)/2 pairs that are in resonance, 0 to 1.
    dtype : data type
        Of the weights, float32 or float64.
    decay, compiled : bool
        Whether weights decay, and whether the loops are compiled.

    Raises
    ------
    SpecError
        A share outside 0 to 1.
    """
    if not 0 <= share <= 1:
        raise SpecError(f"share = {share!r}: needs a share of all pairs, 0 to 1")
    limit = break_even(n, dtype, decay=decay, compiled=compiled)
    return "events" if share < limit else "dense"
