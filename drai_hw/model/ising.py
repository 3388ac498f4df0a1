"""Energies of spins, the read-outs that are kept, and the descent of the host."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

Spins = NDArray[np.int8]


@dataclass(frozen=True, eq=False)
class Solution:
    """Spins of every replica.

    Attributes
    ----------
    spins : array of int8, shape (R, N)
        -1 or +1: the best read-out of each replica, after the descent.
    energies, read_energies : arrays of int64, shape (R,)
        Energy of each, after and before the descent.
    flips : int
        Spins that the descent turned, in all replicas.
    steps : int
        Couple passes of every replica.
    hurried : bool
        Stages were shortened for lack of time: only ``steps`` of the plan were done.
    compiled : bool
        Whether compiled loops did it; the bits are the same.
    """

    spins: Spins
    energies: NDArray[np.int64]
    read_energies: NDArray[np.int64]
    flips: int
    steps: int
    hurried: bool
    compiled: bool

    @property
    def best(self) -> int:
        """Replica of the lowest energy, the first of several."""
        return int(self.energies.argmin())


class Energy:
    """Energies of many replicas, and their descent.

    Parameters
    ----------
    n : int
        Spins.
    couplings : array of int64, shape (m, 3)
        i, j, J.
    """

    def __init__(self, n: int, couplings: NDArray[np.int64]) -> None:
        i, j, w = couplings.T
        rows, columns = np.concatenate([i, j]), np.concatenate([j, i])
        self._w = csr_array((np.concatenate([w, w]), (rows, columns)), shape=(n, n))

    def fields(self, spins: Spins) -> NDArray[np.int64]:
        """Return sum_j J_ij s_j, shape (R, N)."""
        return np.asarray(self._w @ spins.T.astype(np.int64)).T.copy()

    def of(self, spins: Spins) -> NDArray[np.int64]:
        """Return the energy of every replica."""
        return np.asarray(-(spins * self.fields(spins)).sum(axis=1) // 2, dtype=np.int64)

    def descend(self, spins: Spins) -> tuple[Spins, int]:
        """Turn single spins, the most rewarding first, until none lowers the energy.

        This is work of the host on what it has read out, not of the oscillators.

        Returns
        -------
        spins, flips
            The new spins, and how many were turned in all replicas.
        """
        spins = spins.copy()
        fields = self.fields(spins)
        start, index, value = self._w.indptr, self._w.indices, self._w.data
        flips = 0
        live = np.arange(len(spins))
        while live.size:
            gains = -spins[live] * fields[live]
            chosen = gains.argmax(axis=1)
            live, chosen = (x[gains[np.arange(live.size), chosen] > 0] for x in (live, chosen))
            for r, i in zip(live, chosen, strict=True):
                spins[r, i] = -spins[r, i]
                part = slice(start[i], start[i + 1])
                fields[r, index[part]] += 2 * int(spins[r, i]) * value[part]
            flips += live.size
        return spins, flips


class Reader:
    """Keeps the best read-out of every replica."""

    def __init__(self, energy: Energy) -> None:
        self.energy = energy
        self.spins = np.zeros((0, 0), dtype=np.int8)
        self.energies = np.zeros(0, dtype=np.int64)

    def read(self, spins: Spins) -> None:
        """Take a read-out in."""
        found = self.energy.of(spins)
        if not self.energies.size:
            self.spins, self.energies = spins.copy(), found
            return
        better = found < self.energies
        self.spins[better], self.energies[better] = spins[better], found[better]

    def solution(self, steps: int, hurried: bool = False, compiled: bool = False) -> Solution:
        """Return what was kept, before and after the descent."""
        spins, flips = self.energy.descend(self.spins)
        energies = self.energy.of(spins)
        return Solution(spins, energies, self.energies, flips, steps, hurried, compiled)
