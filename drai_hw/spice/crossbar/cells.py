"""Small tiles of a crossbar, all of one shape at once: cells, and merges that eliminate nodes.

A tile's ports lie in the middle of the wire segments that it shares with its neighbours: ``a`` on
its left, ``a`` on its right (word lines), ``b`` on its top, ``b`` at its bottom (bit lines), always
in this order. Matrices hold conductances between ports, rows and columns of ports first, the grid
of tiles last; only the upper triangle is kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from drai_hw.spice.settings import Floats


@dataclass(frozen=True)
class Cells:
    """
    Hold the elimination of both nodes of every cell.

    Parameters
    ----------
    ports_s : ndarray, shape (4, m, n)
        Conductance from a cell's node to its ports left, right (word), top, bottom (bit); 0 at the
        edge of the array.
    word, bit, mutual : ndarray, shape (m, n)
        Inverse of the two nodes' matrix, ohm.
    """

    ports_s: Floats
    word: Floats
    bit: Floats
    mutual: Floats

    def matrix(self) -> Floats:
        """Return the conductances between ports, shape (4, 4, m, n), upper triangle."""
        inverse = (self.word, self.word, self.bit, self.bit)
        # zeros below the diagonal: what memory held before could overflow in later sums
        result = np.zeros((4, *self.ports_s.shape))
        for i in range(4):
            for j in range(i, 4):
                between = inverse[i] if i // 2 == j // 2 else self.mutual
                np.multiply(self.ports_s[i], self.ports_s[j], out=result[i, j])
                np.multiply(result[i, j], between, out=result[i, j])
                np.negative(result[i, j], out=result[i, j])
            result[i, i] += self.ports_s[i]
        return result

    def down(self, word_a: Floats, bit_a: Floats) -> tuple[Floats, Floats]:
        """Move currents (q, m, n) from the nodes to the ports: (2, q, m, n) alone, (4, q, m, n)."""
        alone = np.stack(
            (self.word * word_a + self.mutual * bit_a, self.mutual * word_a + self.bit * bit_a)
        )
        return alone, self.ports_s[:, np.newaxis] * alone[[0, 0, 1, 1]]

    def up(self, alone: Floats, port_v: Floats) -> Floats:
        """Return both nodes' voltages, (2, q, m, n), from what they were alone and the ports'."""
        word = self.ports_s[0] * port_v[0] + self.ports_s[1] * port_v[1]
        bit = self.ports_s[2] * port_v[2] + self.ports_s[3] * port_v[3]
        alone[0] += self.word * word + self.mutual * bit
        alone[1] += self.mutual * word + self.bit * bit
        return alone


def cells(conductance_s: Floats, word_s: float, bit_s: float) -> Cells:
    """
    Eliminate the two nodes of every crossing.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, n)
        Devices, >= 0.
    word_s, bit_s : float
        Conductance of a wire segment, > 0 and finite.
    """
    m, n = conductance_s.shape
    ports = np.empty((4, m, n))
    ports[:2], ports[2:] = 2.0 * word_s, 2.0 * bit_s
    ports[0, :, 0] = ports[1, :, -1] = ports[2, 0] = ports[3, -1] = 0.0
    word, bit = ports[0] + ports[1], ports[2] + ports[3]
    # the outermost segment is whole: its far end is held at a voltage, not shared
    word[:, 0] += word_s
    bit[-1] += bit_s
    # written as a sum, so that nothing cancels where wires conduct far better than devices
    inverse = 1.0 / (word * bit + conductance_s * (word + bit))
    return Cells(
        ports, (bit + conductance_s) * inverse, (word + conductance_s) * inverse,
        conductance_s * inverse,
    )  # fmt: skip


@dataclass(frozen=True)
class Layout:
    """
    Say which ports of two tiles become which of the merged one.

    Parameters
    ----------
    shared : tuple of slice
        Ports that vanish, in the first and in the second tile.
    kept : tuple of (int, slice)
        Tile (0 or 1) and its ports, in the order of the merged tile.
    """

    shared: tuple[slice, slice]
    kept: tuple[tuple[int, slice], ...]

    def places(self) -> Iterator[tuple[int, slice, slice]]:
        """Yield tile, its ports, and their place in the merged tile."""
        at = 0
        for tile, ports in self.kept:
            count = ports.stop - ports.start
            yield tile, ports, slice(at, at + count)
            at += count


def sides(left: int, right: int, top: int, bottom: int) -> tuple[slice, slice, slice, slice]:
    """Return where the ports of each side lie."""
    ends = np.cumsum((left, right, top, bottom)).tolist()
    starts = (0, *ends[:3])
    first, second, third, fourth = (slice(s, e) for s, e in zip(starts, ends, strict=True))
    return first, second, third, fourth


def layout(
    first: tuple[slice, slice, slice, slice],
    second: tuple[slice, slice, slice, slice],
    *,
    beside: bool,
) -> Layout:
    """Return the layout of two tiles that lie beside each other, or the second below the first."""
    (left, right, top, bottom), (left2, right2, top2, bottom2) = first, second
    if beside:
        kept = ((0, left), (1, right2), (0, top), (1, top2), (0, bottom), (1, bottom2))
        return Layout((right, left2), kept)
    kept = ((0, left), (1, left2), (0, right), (1, right2), (0, top), (1, bottom2))
    return Layout((bottom, top2), kept)


def _halves(values: Floats, beside: bool) -> tuple[Floats, Floats]:
    if beside:
        return values[..., 0::2], values[..., 1::2]
    return values[..., 0::2, :], values[..., 1::2, :]


def _block(matrix: Floats, rows: slice, columns: slice) -> Floats:
    if rows.start <= columns.start:
        return matrix[rows, columns]
    return matrix[columns, rows].swapaxes(0, 1)


@dataclass(frozen=True)
class Merge:
    """
    Hold how neighbouring tiles of a grid were merged in pairs.

    Parameters
    ----------
    layout : Layout
        Ports.
    beside : bool
        Pairs along the columns of the grid; else along its rows.
    rows : tuple of ndarray
        Of each eliminated port: its couplings to those after it, divided by its pivot.
    pivots : tuple of ndarray
        Its conductance to all others.
    """

    layout: Layout
    beside: bool
    rows: tuple[Floats, ...]
    pivots: tuple[Floats, ...]

    @classmethod
    def of(cls, matrix: Floats, a: int, b: int, *, beside: bool) -> tuple[Merge, Floats]:
        """
        Merge neighbours in pairs.

        Parameters
        ----------
        matrix : ndarray, shape (p, p, r, c)
            Conductances between the ports of every tile, upper triangle; r or c must be even.
        a, b : int
            Ports of a tile's left and of its top.
        beside : bool
            Along the columns; else along the rows.

        Returns
        -------
        tuple of (Merge, ndarray)
            What solving needs, and the matrix of the merged tiles.
        """
        count = a if beside else b
        ports = sides(a, a, b, b)
        plan = layout(ports, ports, beside=beside)
        pair = _halves(matrix, beside)
        total = 2 * len(matrix) - count
        system = np.zeros((total, total, *pair[0].shape[2:]))
        one, other = plan.shared
        np.add(pair[0][one, one], pair[1][other, other], out=system[:count, :count])
        for tile, ports_, at in plan.places():
            place = slice(count + at.start, count + at.stop)
            system[:count, place] = _block(pair[tile], plan.shared[tile], ports_)
            for tile2, ports2, at2 in plan.places():
                if at2.start >= at.start:
                    block = _block(pair[tile], ports_, ports2) if tile == tile2 else 0.0
                    system[place, count + at2.start : count + at2.stop] = block
        rows, pivots = [], []
        for e in range(count):
            row = system[e, e + 1 :] / system[e, e]
            for i in range(e + 1, total):
                system[i, i:] -= system[e, i] * row[i - e - 1 :]
            rows.append(row)
            pivots.append(system[e, e].copy())
        return cls(plan, beside, tuple(rows), tuple(pivots)), system[count:, count:]

    def down(self, port_a: Floats) -> tuple[Floats, Floats]:
        """Move currents (p, q, r, c) to the ports that stay: what is left behind, and those."""
        pair = _halves(port_a, self.beside)
        one, other = self.layout.shared
        count = len(self.rows)
        total = len(port_a) * 2 - count
        currents = np.empty((total, *pair[0].shape[1:]))
        np.add(pair[0][one], pair[1][other], out=currents[:count])
        for tile, ports, at in self.layout.places():
            currents[count + at.start : count + at.stop] = pair[tile][ports]
        for e, row in enumerate(self.rows):
            currents[e + 1 :] -= row[:, np.newaxis] * currents[e]
            currents[e] /= self.pivots[e]
        return currents[:count], currents[count:]

    def up(self, left: Floats, port_v: Floats) -> Floats:
        """Return the voltages of both tiles' ports (p, q, r, c) from those of the merged ones."""
        count = len(self.rows)
        total = count + len(port_v)
        voltages = np.concatenate((left, port_v))
        for e in reversed(range(count)):
            voltages[e] -= (self.rows[e][:, np.newaxis] * voltages[e + 1 :]).sum(axis=0)
        q, r, c = port_v.shape[1:]
        shape = (r, 2 * c) if self.beside else (2 * r, c)
        result = np.empty(((total + count) // 2, q, *shape))
        pair = _halves(result, self.beside)
        for tile in (0, 1):
            pair[tile][self.layout.shared[tile]] = voltages[:count]
        for tile, ports, at in self.layout.places():
            pair[tile][ports] = voltages[count + at.start : count + at.stop]
        return result
