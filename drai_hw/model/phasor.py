"""Associative memory of whole phase patterns by complex Hebbian weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


class PhasorMemory:
    """Oscillators that hold patterns of any phases, not of 0 and half a turn only.

    The weight of a pair has a magnitude and a lag, ``C_ij = 1/N sum_m xi_i^m conj(xi_j^m)`` with
    ``xi = e^{i phase}`` and no diagonal. A phase feels ``h_i = sum_j C_ij e^{i phi_j}``; the
    dynamics ``phi_i' = |h_i| sin(arg h_i - phi_i)`` come to rest where every phase lies along its
    field. The weights are kept as patterns: a field takes 2 M N products, not N^2.

    Parameters
    ----------
    patterns_rad : array, shape (M, N)
        Phases of the patterns.

    References
    ----------
    A. J. Noest, Phasor neural networks, NIPS 0 (1988) 584; J. Cook, J. Phys. A 22 (1989) 2057.
    """

    def __init__(self, patterns_rad: ArrayLike) -> None:
        self.patterns = np.exp(1j * np.atleast_2d(np.asarray(patterns_rad, dtype=np.float64)))
        self.phases_rad = np.zeros(self.patterns.shape[1])

    def field(self) -> NDArray[np.complex128]:
        """Return the complex field of every oscillator."""
        z = np.exp(1j * self.phases_rad)
        m, n = self.patterns.shape
        total: NDArray[np.complex128] = (self.patterns.T @ (self.patterns.conj() @ z) - m * z) / n
        return total

    def run(self, steps: int, step_s: float) -> None:
        """Advance the phases by Euler steps; fields are near 1, so a step of 1 s is the longest."""
        for _ in range(steps):
            along = self.field() * np.exp(-1j * self.phases_rad)
            self.phases_rad = self.phases_rad + step_s * along.imag

    def align(self, steps: int) -> None:
        """Turn every phase into its field, all at once, ``steps`` times: the fast way to rest."""
        for _ in range(steps):
            self.phases_rad = np.angle(self.field())

    def overlap(self, index: int) -> float:
        """Return |m| of the present phases with a pattern, 1 up to a common rotation."""
        z = np.exp(1j * self.phases_rad)
        return float(abs(np.mean(self.patterns[index].conj() * z)))
