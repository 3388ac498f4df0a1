"""Order in which the paged half-ring visits the pairs: it numbers weight words and random draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Schedule:
    """Pairs by active slot and lane.

    Attributes
    ----------
    i, j : arrays of int64, shape (pair_slots, lanes)
        Local and rotating oscillator of each slot.
    used : array of bool, same shape
        False for the idle half of the lanes in the last slot of a diagonal page, whose pairs have
        been visited by the other half.
    """

    i: NDArray[np.int64]
    j: NDArray[np.int64]
    used: NDArray[np.bool_]


def schedule(lanes: int, pages: int) -> Schedule:
    """List all pairs in the order of a pass.

    Row a meets pages b = a+1 ... M-1 (L slots each: lane l holds i = aL + l and meets
    j = bL + (l+k) mod L), then itself (slots k = 1 ... L/2, the last one in the lower half of the
    lanes only). Every unordered pair of slots occurs exactly once.

    Parameters
    ----------
    lanes, pages : int
        L (even) and M.
    """
    lane = np.arange(lanes)
    rows_i, rows_j, rows_used = [], [], []
    for a in range(pages):
        for b in range(a + 1, pages):
            for k in range(lanes):
                rows_i.append(a * lanes + lane)
                rows_j.append(b * lanes + (lane + k) % lanes)
                rows_used.append(np.ones(lanes, dtype=bool))
        for k in range(1, lanes // 2 + 1):
            rows_i.append(a * lanes + lane)
            rows_j.append(a * lanes + (lane + k) % lanes)
            rows_used.append((lane < lanes // 2) | (k < lanes // 2))
    return Schedule(np.array(rows_i), np.array(rows_j), np.array(rows_used))
