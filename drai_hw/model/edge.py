"""Edge alignment: square waves that each move their edge to the sign of their weighted sum.

The mode of the published digital oscillator networks, in integers; with real weights it is the
float model of the same.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass
class EdgeState:
    """What edge alignment remembers from slot to slot.

    Attributes
    ----------
    slot : int
        Slot of the turn, 0 to 2**P - 1.
    sign : array of int64, shape (..., N)
        Last sign other than 0 of each weighted sum; 0 before the first.
    """

    slot: int
    sign: Ints


def square_wave(top: Ints, slot: int, phase_bits: int) -> Ints:
    """Return s_j at a slot: +1 in the first half of the turn after the rising edge, else -1.

    An oscillator of phase p leads by p slots: its edge rises at slot ``-p mod 2**P``.
    """
    half = 1 << (phase_bits - 1)
    return np.where(((top + slot) & (2 * half - 1)) < half, 1, -1)


def align(
    top: Ints, sums: NDArray[Any], state: EdgeState, phase_bits: int, free: NDArray[np.bool_]
) -> tuple[Ints, EdgeState]:
    """Return the phases and the state after one slot.

    Where the weighted sum ``S_i = sum_j w_ij s_j(t)`` turns from negative to positive, oscillator i
    moves its rising edge to this slot: ``p_i := -t mod 2**P``. A sum of 0 keeps the last sign. All
    sums of a slot are those of the phases before it; the next slot sees the new ones. A binary
    state (phases p and p + half a turn) is at rest exactly where it is a fixed point of the sign
    network x_i = sign(sum_j w_ij x_j), oscillators without any field included.

    Parameters
    ----------
    top : array of int64, shape (..., N)
        Phases, P bits.
    sums : array, shape (..., N)
        S_i at ``state.slot``; integers in the twin, real numbers in the float model.
    state : EdgeState
        Slot and last signs.
    phase_bits : int
        P.
    free : array of bool, shape (..., N)
        Oscillators that move; clamped and inactive ones stay.

    References
    ----------
    M. Abernot et al., Front. Neurosci. 15 (2021) 713054, the phase calculation of the digital
    oscillator.
    """
    sign = np.where(sums > 0, 1, np.where(sums < 0, -1, state.sign))
    rises = (state.sign < 0) & (sign > 0) & free
    turn = 1 << phase_bits
    here = -state.slot % turn
    return np.where(rises, here, top), EdgeState((state.slot + 1) % turn, sign)
