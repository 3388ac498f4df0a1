"""Large tiles of a crossbar, one by one: dense matrices, merged by Cholesky factors of LAPACK."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import lapack

from drai_hw.spice.crossbar.cells import Layout, layout, sides
from drai_hw.spice.settings import Floats

Counts = tuple[int, int, int, int]


@dataclass(frozen=True)
class Tile:
    """
    Hold a tile.

    Parameters
    ----------
    matrix : ndarray, shape (p, p)
        Conductances between its ports, both triangles.
    counts : tuple of int
        Ports left, right, top, bottom; none where the array ends.
    """

    matrix: Floats
    counts: Counts


@dataclass(frozen=True)
class Join:
    """
    Hold how two tiles became one.

    Parameters
    ----------
    layout : Layout
        Ports.
    factor : ndarray, shape (s, s)
        Lower Cholesky factor of the shared ports.
    half : ndarray, shape (s, k)
        ``factor^-1`` times the coupling of shared to kept ports.
    sizes : tuple of int
        Ports of both tiles.
    """

    layout: Layout
    factor: Floats
    half: Floats
    sizes: tuple[int, int]

    def down(self, first: Floats, second: Floats) -> tuple[Floats, Floats]:
        """Move currents (p, q) of both tiles to the kept ports: what is left behind, and those."""
        pair = (first, second)
        one, other = self.layout.shared
        left = lapack.dtrtrs(self.factor, first[one] + second[other], lower=1)[0]
        kept = self.half.T @ left
        np.negative(kept, out=kept)
        for tile, ports, at in self.layout.places():
            kept[at] += pair[tile][ports]
        return left, kept

    def up(self, left: Floats, port_v: Floats) -> tuple[Floats, Floats]:
        """Return the voltages of both tiles' ports (p, q) from those of the merged one."""
        shared = lapack.dtrtrs(self.factor, left - self.half @ port_v, lower=1, trans=1)[0]
        pair = tuple(np.empty((size, port_v.shape[1])) for size in self.sizes)
        for tile in (0, 1):
            pair[tile][self.layout.shared[tile]] = shared
        for tile, ports, at in self.layout.places():
            pair[tile][ports] = port_v[at]
        return pair[0], pair[1]


def join(first: Tile, second: Tile, *, beside: bool) -> tuple[Join, Tile]:
    """
    Merge two tiles: the second lies to the right of the first, or below it.

    Returns
    -------
    tuple of (Join, Tile)
        What solving needs, and the merged tile.
    """
    pair = (first.matrix, second.matrix)
    plan = layout(sides(*first.counts), sides(*second.counts), beside=beside)
    one, other = plan.shared
    kept = sum(len(matrix) for matrix in pair) - 2 * (one.stop - one.start)
    coupling = np.empty((one.stop - one.start, kept), order="F")
    for tile, ports, at in plan.places():
        coupling[:, at] = pair[tile][plan.shared[tile], ports]
    # the matrix is that of a network of resistors tied to a fixed voltage: always positive definite
    factor = lapack.dpotrf(pair[0][one, one] + pair[1][other, other], lower=1)[0]
    half = lapack.dtrtrs(factor, coupling, lower=1, overwrite_b=1)[0]
    matrix = half.T @ half
    np.negative(matrix, out=matrix)
    places = tuple(plan.places())
    for tile, ports, at in places:
        for tile2, ports2, at2 in places:
            if tile == tile2:
                matrix[at, at2] += pair[tile][ports, ports2]
    (left, right, top, bottom), (left2, right2, top2, bottom2) = first.counts, second.counts
    counts = (
        (left, right2, top + top2, bottom + bottom2)
        if beside
        else (left + left2, right + right2, top, bottom2)
    )
    return Join(plan, factor, half, (len(pair[0]), len(pair[1]))), Tile(matrix, counts)
