"""The compiled loops of census and edge pass: sums of weights by oscillator, no table, no learning.

Nothing here is shared with `drai_hw.model.kernels`: machine code kept on disk is renewed only when
the file of its own function changes.
"""

from __future__ import annotations

import numpy as np

from drai_hw.model.vectors import compiled


@compiled
def row_sums(sums, words, wave, lanes, absolute, no_link):
    """Add up w s_j, or |w| s_j, by oscillator.

    Parameters
    ----------
    sums : int32 or int64, shape (slots,)
        Receives the sums.
    words : int8, shape (pair_slots * lanes,)
        Weights in the order of the core's memory.
    wave : int8, shape (slots,)
        s: -1 or +1, 0 for an inactive oscillator; a census has ones.
    lanes : int
        L.
    absolute : bool
        Take magnitudes.
    no_link : int
        Word of pairs without a link; 0 if there are none.
    """
    pages = wave.size // lanes
    wave_j = np.empty(2 * lanes, np.int8)
    sum_j = np.empty(2 * lanes, sums.dtype)
    value = np.empty(lanes, np.int16)
    sums[:] = 0
    base = 0
    for a in range(pages):
        sum_i, wave_i = sums[a * lanes : (a + 1) * lanes], wave[a * lanes : (a + 1) * lanes]
        for turn in range(1, pages - a + 1):
            b = a + turn if turn < pages - a else a
            first, slots = (0, lanes) if b != a else (1, lanes // 2)
            for x in range(lanes):  # twice in a row, so that a rotated page is a slice
                wave_j[x] = wave_j[x + lanes] = wave[b * lanes + x]
            sum_j[:] = 0
            for k in range(slots):
                block = words[base + k * lanes : base + (k + 1) * lanes]
                for x in range(lanes):
                    value[x] = 0 if no_link and block[x] == no_link else block[x]
                if absolute:
                    for x in range(lanes):
                        value[x] = abs(value[x])
                if b == a and k == slots - 1:
                    value[lanes - lanes // 2 :] = 0
                wj, sj = wave_j[first + k : first + k + lanes], sum_j[first + k : first + k + lanes]
                for x in range(lanes):
                    sum_i[x] += value[x] * wj[x]
                for x in range(lanes):
                    sj[x] += value[x] * wave_i[x]
            for x in range(lanes):
                sums[b * lanes + x] += sum_j[x] + sum_j[x + lanes]
            base += slots * lanes
