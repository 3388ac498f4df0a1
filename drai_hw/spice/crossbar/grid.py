"""Exact voltages of a crossbar with resistive lines: tiles merged until one is left.

The two layers of wires are cut into tiles that meet in the middle of wire segments. Merging two
neighbours eliminates the ports between them (Schur complement), so an n x n array costs about
n^3 operations, all in dense blocks: nested dissection (George, SIAM J. Numer. Anal. 10 (1973) 345)
with the tree laid out by hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drai_hw.spice.crossbar.cells import Merge, cells
from drai_hw.spice.crossbar.tiles import Counts, Join, Tile, join
from drai_hw.spice.settings import Floats

LARGEST_SIDE = 16
"""Crossings along a side of the largest tiles that are made all at once."""
LEAST_TILES = 64
"""Fewer such tiles than this are made smaller: one by one, larger ones cost less time."""
WASTE = 0.125
"""Rows or columns that may be added to fill such tiles, as a share."""


def tile_sides(m: int, n: int) -> tuple[int, int]:
    """Return rows and columns of the tiles that are made all at once, powers of two."""
    side = LARGEST_SIDE
    while side > 1 and -(-m // side) * -(-n // side) < LEAST_TILES:
        side //= 2
    return _filling(m, side), _filling(n, side)


def _filling(count: int, side: int) -> int:
    while side > 1 and -count % side > WASTE * count:
        side //= 2
    return side


class Grid:
    """
    Factorise a crossbar, once for any number of inputs.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, n)
        Devices in siemens, >= 0; 0 is open.
    word_s, bit_s : float
        Conductance of a wire segment in siemens, > 0 and finite. Word lines are held at their left
        end, bit lines at their bottom end, each through a segment.
    """

    def __init__(self, conductance_s: Floats, word_s: float, bit_s: float) -> None:
        m, n = conductance_s.shape
        rows, columns = tile_sides(m, n)
        # more rows on top and columns at the right: dangling wires without devices change nothing
        self._pad = ((-m % rows, 0), (0, -n % columns))
        self._cells = cells(np.pad(conductance_s, self._pad), word_s, bit_s)
        self._merges: list[Merge] = []
        matrix, a, b = self._cells.matrix(), 1, 1
        while a < rows or b < columns:
            beside = b < columns and (b <= a or a == rows)
            merge, matrix = Merge.of(matrix, a, b, beside=beside)
            self._merges.append(merge)
            a, b = (a, 2 * b) if beside else (2 * a, b)
        self._grid = (matrix.shape[2], matrix.shape[3])
        self._inner: list[NDArray[np.intp]] = []
        self._joins: list[tuple[int, int, Join]] = []
        self._join_all(self._tiles(matrix, a, b), a, b)

    def _tiles(self, matrix: Floats, a: int, b: int) -> list[Tile]:
        """Return the tiles one by one, without the ports at the edge of the array."""
        rows, columns = self._grid
        tiles = []
        for i in range(rows):
            for j in range(columns):
                counts: Counts = (
                    a * (j > 0), a * (j < columns - 1), b * (i > 0), b * (i < rows - 1),
                )  # fmt: skip
                inner = np.repeat(np.array(counts) > 0, (a, a, b, b)).nonzero()[0]
                upper = np.triu(matrix[:, :, i, j])[np.ix_(inner, inner)]
                full = upper + upper.T
                np.fill_diagonal(full, upper.diagonal())
                self._inner.append(inner)
                tiles.append(Tile(full, counts))
        return tiles

    def _join_all(self, tiles: list[Tile], a: int, b: int) -> None:
        rows, columns = self._grid
        lines = np.arange(rows * columns).reshape(rows, columns).tolist()
        while len(lines) > 1 or len(lines[0]) > 1:
            beside = len(lines[0]) > 1 and (b <= a or len(lines) == 1)
            if not beside:  # merging rows is merging columns of the transposed table
                lines = [list(line) for line in zip(*lines, strict=True)]
            for index, line in enumerate(lines):
                merged = []
                for one, other in zip(line[::2], line[1::2], strict=False):
                    how, tile = join(tiles[one], tiles[other], beside=beside)
                    self._joins.append((one, other, how))
                    merged.append(len(tiles))
                    tiles.append(tile)
                lines[index] = merged + line[len(line) // 2 * 2 :]
            if not beside:
                lines = [list(line) for line in zip(*lines, strict=True)]
            a, b = (a, 2 * b) if beside else (2 * a, b)

    def solve(self, word_a: Floats, bit_a: Floats) -> tuple[Floats, Floats]:
        """
        Return the voltages that currents into the nodes cause, with all line ends at 0 V.

        Parameters
        ----------
        word_a, bit_a : ndarray, shape (q, m, n)
            Ampere into every node of the word and of the bit lines.

        Returns
        -------
        tuple of ndarray, shape (q, m, n)
            Volts of the nodes of word and bit lines.
        """
        padding = ((0, 0), *self._pad)
        alone, currents = self._cells.down(np.pad(word_a, padding), np.pad(bit_a, padding))
        left = []
        for merge in self._merges:
            behind, currents = merge.down(currents)
            left.append(behind)
        voltages = self._one_by_one(currents)
        for merge, behind in zip(reversed(self._merges), reversed(left), strict=True):
            voltages = merge.up(behind, voltages)
        top, beyond = self._pad[0][0], self._pad[1][1]
        word, bit = self._cells.up(alone, voltages)[..., top:, :]
        columns = word.shape[2] - beyond
        return word[..., :columns], bit[..., :columns]

    def _one_by_one(self, currents: Floats) -> Floats:
        rows, columns = self._grid
        q = currents.shape[1]
        # the last axis is the fastest: one tile's ports and inputs must lie together
        parts = np.ascontiguousarray(np.moveaxis(currents, (2, 3), (0, 1)))
        parts = parts.reshape(rows * columns, -1, q)
        inputs: list[Floats | None] = [
            part[inner] for part, inner in zip(parts, self._inner, strict=True)
        ]
        left = []
        for one, other, how in self._joins:
            first, second = inputs[one], inputs[other]
            assert first is not None
            assert second is not None
            behind, kept = how.down(first, second)
            inputs[one] = inputs[other] = None
            inputs.append(kept)
            left.append(behind)
        outputs: list[Floats] = [np.empty((0, q))] * len(inputs)
        for index in reversed(range(len(self._joins))):
            one, other, how = self._joins[index]
            whole = rows * columns + index
            outputs[one], outputs[other] = how.up(left[index], outputs[whole])
        result = np.zeros_like(parts)
        for index, inner in enumerate(self._inner):
            result[index, inner] = outputs[index]
        return np.moveaxis(result.reshape(rows, columns, -1, q), (0, 1), (2, 3))
