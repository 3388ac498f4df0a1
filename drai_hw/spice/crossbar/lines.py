"""The plain ways to solve a crossbar: a sparse factor, and lines without resistance."""

from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse import linalg

from drai_hw.spice.settings import Floats


def nodal_matrix(conductance_s: Floats, word_s: float, bit_s: float) -> sparse.csc_matrix:
    """
    Return the nodal matrix of a crossbar: word-line nodes row by row, then bit-line nodes.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, n)
        Devices in siemens.
    word_s, bit_s : float
        Conductance of a wire segment in siemens, > 0 and finite.
    """
    m, n = conductance_s.shape
    word = np.arange(m * n).reshape(m, n)
    bit = word + m * n
    word_sum, bit_sum = np.full((m, n), 2.0 * word_s), np.full((m, n), 2.0 * bit_s)
    word_sum[:, -1] = word_s
    bit_sum[0] = bit_s
    pairs = (
        (word, word, word_sum + conductance_s), (bit, bit, bit_sum + conductance_s),
        (word, bit, -conductance_s), (bit, word, -conductance_s),
        (word[:, :-1], word[:, 1:], -word_s), (word[:, 1:], word[:, :-1], -word_s),
        (bit[:-1], bit[1:], -bit_s), (bit[1:], bit[:-1], -bit_s),
    )  # fmt: skip
    rows = np.concatenate([row.ravel() for row, _, _ in pairs])
    columns = np.concatenate([column.ravel() for _, column, _ in pairs])
    values = np.concatenate([np.broadcast_to(v, row.shape).ravel() for row, _, v in pairs])
    return sparse.csc_matrix((values, (rows, columns)), (2 * m * n, 2 * m * n))


class SparseLines:
    """
    Factorise a crossbar by SuperLU; the quickest way for small arrays.

    Parameters
    ----------
    conductance_s, word_s, bit_s
        As of `drai_hw.spice.crossbar.grid.Grid`.
    """

    def __init__(self, conductance_s: Floats, word_s: float, bit_s: float) -> None:
        matrix = nodal_matrix(conductance_s, word_s, bit_s)
        self._factor = linalg.splu(matrix, permc_spec="MMD_AT_PLUS_A")

    def solve(self, word_a: Floats, bit_a: Floats) -> tuple[Floats, Floats]:
        """Return the nodes' voltages (q, m, n) that currents into the nodes cause."""
        shape = word_a.shape
        currents = np.concatenate((word_a.reshape(shape[0], -1), bit_a.reshape(shape[0], -1)), 1)
        voltages = self._factor.solve(currents.T).T
        half = shape[1] * shape[2]
        return voltages[:, :half].reshape(shape), voltages[:, half:].reshape(shape)


class IdealLines:
    """
    Solve a crossbar in which word lines or bit lines, or both, have no resistance.

    A line without resistance keeps the voltage of its end, so the others are chains by themselves.

    Parameters
    ----------
    conductance_s : ndarray, shape (m, n)
        Devices in siemens.
    word_s, bit_s : float or None
        Conductance of a wire segment in siemens, None without resistance; one of them at least.
    """

    def __init__(self, conductance_s: Floats, word_s: float | None, bit_s: float | None) -> None:
        # a word line is held at its first node, a bit line at its last one
        self._word = None if word_s is None else _Chains(conductance_s.T, word_s)
        self._bit = None if bit_s is None else _Chains(conductance_s[::-1], bit_s)

    def solve(self, word_a: Floats, bit_a: Floats) -> tuple[Floats, Floats]:
        """Return the nodes' voltages (q, m, n) that currents into the nodes cause."""
        word, bit = np.zeros_like(word_a), np.zeros_like(bit_a)
        if self._word is not None:
            word = np.moveaxis(
                self._word.solve(np.moveaxis(word_a, (0, 2), (1, 0))), (1, 0), (0, 2)
            )
        if self._bit is not None:
            bit = self._bit.solve(bit_a.swapaxes(0, 1)[::-1])[::-1].swapaxes(0, 1)
        return word, bit


class _Chains:
    """Eliminate chains of nodes, held at 0 V through a segment before the first node.

    Parameters
    ----------
    leak_s : ndarray, shape (length, chains)
        Conductance from every node to 0 V.
    wire_s : float
        Conductance of a segment.
    """

    def __init__(self, leak_s: Floats, wire_s: float) -> None:
        self._wire_s = wire_s
        self._pivots = np.empty(leak_s.shape)
        # what the rest of the chain, seen through a segment, adds to a node; no cancellation
        beyond = np.zeros(leak_s.shape[1])
        for k in reversed(range(len(leak_s))):
            seen = leak_s[k] + beyond
            self._pivots[k] = wire_s + seen
            beyond = wire_s * seen / self._pivots[k]

    def solve(self, currents_a: Floats) -> Floats:
        """Return voltages (length, q, chains) from currents of the same shape."""
        voltages = currents_a.copy()
        for k in reversed(range(1, len(voltages))):
            voltages[k - 1] += self._wire_s / self._pivots[k] * voltages[k]
        voltages[0] /= self._pivots[0]
        for k in range(1, len(voltages)):
            voltages[k] = (voltages[k] + self._wire_s * voltages[k - 1]) / self._pivots[k]
        return voltages
