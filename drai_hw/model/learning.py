"""How integer logic learns by a function g: one comparison a pass, and a step of +-1 or none.

The functions themselves are in `drai_hw.model.g`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model.g import LearningFunction


class Pass(NamedTuple):
    """What one learning pass does with a pair at the integer distance ``|d|``.

    Attributes
    ----------
    threshold : int
        u_n - 1, 0 to ``2**(P-1) - 1``: the pair counts as near when ``|d| <= threshold``.
    plus : bool
        Near pairs step by +1; else they are left alone.
    minus : bool
        The others step by -1; else they are left alone.
    """

    threshold: int
    plus: bool = True
    minus: bool = True


def bit_reversed(bits: int) -> list[int]:
    """Return 0 to 2**bits - 1 in bit-reversed order, the most even sweep a counter can make."""
    return [int(f"{k:0{bits}b}"[::-1], 2) if bits else 0 for k in range(1 << bits)]


def learning_window(g: LearningFunction, phase_bits: int) -> tuple[Pass, ...]:
    """Return the passes of one window, whose mean step at every distance is g.

    With ``T = 2**(P-1)`` passes and ``beta = max(0, g(0) - g(pi) - 1)``, the share of passes with
    a step is ``s = max(|g|, beta)``, that with +1 is ``(s + g)/2`` and that with -1 ``(s - g)/2``.
    No sequence of T passes has fewer steps: a pass compares once, so where g uses more than the
    range 1, some passes must do both. The mean is g within ``1/T``, and within ``1/(2T)`` where
    ``|g| > beta``; for the XOR rule (``beta = 1``) it is exact.

    Parameters
    ----------
    g : LearningFunction
        Falls with the distance, from 0 or more in phase to 0 or less in anti-phase.
    phase_bits : int
        P.

    Returns
    -------
    tuple of Pass
        For ``beta = 1``, where every pass steps every pair, in the order in which they come.
        Else sorted by what they do; see `sorted_pass` for their order.

    Raises
    ------
    SpecError
        A function that such passes cannot realise.
    """
    window = 1 << (phase_bits - 1)
    # T g at the distances 0 to T: what the steps of a window must add up to.
    level = window * _checked(g, window)
    ups, downs = math.floor(level[0] + 0.5), math.floor(0.5 - level[-1])
    both = max(0, ups + downs - window)
    passes: list[Pass] = []
    for count, reach, plus, minus in (
        (downs - both, level + downs, False, True),
        (both, (level + both) / 2, True, True),
        (ups - both, level - both, True, False),
    ):
        # How many of these thresholds lie at or above each distance.
        at_least = np.floor(np.clip(reach, 0, count) + 0.5).astype(int)[1:window]
        passes += [Pass(int(np.sum(at_least > rank)), plus, minus) for rank in range(count)]
    passes += [Pass(0, plus=False, minus=False)] * (window - len(passes))
    if steps_always(passes):
        return tuple(passes[rank] for rank in bit_reversed(phase_bits - 1))
    return tuple(passes)


def _checked(g: LearningFunction, window: int) -> NDArray[np.float64]:
    """Return g at the distances that integer logic knows, if it can have this function."""
    grid = np.arange(window + 1) * (math.pi / window)
    values = np.asarray(g(grid), dtype=np.float64)
    if not np.all(np.abs(values) <= 1 + 1e-9):
        worst = int(np.argmax(np.abs(values)))
        raise SpecError(
            f"{g!r}: {values[worst]:.3g} at {grid[worst]:.3g} rad; a pass steps a pair by one LSB "
            "at most, so g needs values of -1 to 1"
        )
    rise = int(np.argmax(np.diff(values)))
    if values[rise + 1] - values[rise] > 1e-9:
        raise SpecError(
            f"{g!r}: rises from {values[rise]:.3g} at {grid[rise]:.3g} rad to "
            f"{values[rise + 1]:.3g} at {grid[rise + 1]:.3g} rad; integer logic calls a pair near "
            "or not near, so g must fall with the distance. Use the float model only"
        )
    slack = 0.5 / window  # what rounds to no step at all
    if values[0] < -slack or values[-1] > slack:
        raise SpecError(
            f"{g!r}: runs from {values[0]:.3g} in phase to {values[-1]:.3g} in anti-phase; integer "
            "logic steps up only pairs that are near and down only the others, so g must run from "
            "0 or more to 0 or less. Change its parameters, or use the float model only"
        )
    return values


def steps_always(passes: Sequence[Pass]) -> bool:
    """Say whether every pass steps every pair: then no unit needs to be told what a pass does."""
    return all(each.plus and each.minus for each in passes)


def golden_stride(window: int) -> int:
    """Return the odd number next to ``window`` over the golden ratio: 19 for 32 passes."""
    return 2 * math.floor(window * (math.sqrt(5) - 1) / 4) + 1


def sorted_pass(n: int, window: int) -> int:
    """Return which of the sorted passes is the n-th learning pass since the last reseed.

    Strides of the golden ratio spread the passes evenly over a window. Each window starts one
    further on, so that none of K patterns shown in turn meets the same few passes for ever.
    """
    return (golden_stride(window) * n + n // window) % window
