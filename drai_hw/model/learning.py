"""Learning functions g by name, and the threshold sequences by which integer logic realises them.

The functions themselves are in `drai_hw.model.g`.
"""

from __future__ import annotations

import math

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model import g as functions
from drai_hw.model.g import LearningFunction


def spans_full_range(g: LearningFunction) -> bool:
    """Say whether g falls from 1 in phase to -1 in anti-phase, as a single threshold can count."""
    ends = g(np.array([0.0, math.pi]))
    return bool(abs(ends[0] - 1.0) < 1e-9 and abs(ends[1] + 1.0) < 1e-9)


# Those that twin and RTL have, too.
G_FUNCTIONS: dict[str, LearningFunction] = {
    name: made for name in functions.classes() if spans_full_range(made := functions.make(name))
}


def bit_reversed(bits: int) -> list[int]:
    """Return 0 to 2**bits - 1 in bit-reversed order, the most even sweep a counter can make."""
    return [int(f"{k:0{bits}b}"[::-1], 2) if bits else 0 for k in range(1 << bits)]


def threshold_sequence(g: str, phase_bits: int) -> tuple[int, ...]:
    """Return the comparison values of one learning window.

    A pair counts as +1 when ``|d| <= threshold``, else as -1, with d the integer phase difference.
    Over the window of ``T = 2**(P-1)`` passes the mean is g within ``1/T`` (exactly, for the XOR
    rule), because the share of thresholds at or above ``|d|`` is ``(1 + g)/2``.

    Parameters
    ----------
    g : str
        Name of the learning function; monotone falling in ``|d|`` from 1 to -1.
    phase_bits : int
        P.

    Raises
    ------
    SpecError
        A learning function that one threshold a pass cannot realise, or an unknown one.
    """
    if g not in functions.classes():
        raise SpecError(f"g = {g!r}: known learning functions are {', '.join(sorted(G_FUNCTIONS))}")
    if g not in G_FUNCTIONS:
        top, bottom = functions.make(g)(np.array([0.0, math.pi]))
        raise SpecError(
            f"g = {g!r}: integer logic counts a pair by one threshold a pass, always +1 in phase "
            f"and -1 in anti-phase, so g must run from 1 to -1; this one runs from {top:.3g} to "
            f"{bottom:.3g}. Use {', '.join(sorted(G_FUNCTIONS))}, or the float model only"
        )
    half = 1 << (phase_bits - 1)
    share = (1.0 + G_FUNCTIONS[g](np.arange(half + 1) * (math.pi / half))) / 2.0
    # Number of the T thresholds that lie at or above k, for k = 0 to T; at half a turn none may.
    at_least = np.floor(share * half + 0.5).astype(int)
    ladder = [int(np.count_nonzero(at_least[1:half] > rank)) for rank in range(half)]
    return tuple(ladder[rank] for rank in bit_reversed(phase_bits - 1))
