"""Associative memory made binary by a second harmonic common to all oscillators."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model import integrate
from drai_hw.model.integrate import State
from drai_hw.units import wrap_rad


def hebbian_weights(patterns: ArrayLike) -> NDArray[np.float64]:
    """Return ``C = X^T X / N`` of patterns of -1/+1, shape (M, N)."""
    x = np.asarray(patterns, dtype=np.float64)
    return x.T @ x / x.shape[1]


class SecondHarmonicMemory:
    """Oscillators with Hebbian weights and a global second harmonic.

    The equations::

        phi_i' = sum_j C_ij sin(phi_j - phi_i) + epsilon/N sum_j sin 2(phi_j - phi_i)

    Parameters
    ----------
    weights : array, shape (N, N)
        C, symmetric.
    epsilon : float
        Strength of the second harmonic.

    References
    ----------
    T. Nishikawa, Y.-C. Lai, F. C. Hoppensteadt, Phys. Rev. Lett. 92 (2004) 108101; stability of
    the binary states as in X. Zhao, Z. Li, Eur. J. Appl. Math. (2024).
    """

    def __init__(self, weights: ArrayLike, epsilon: float) -> None:
        self.weights = np.asarray(weights, dtype=np.float64)
        self.epsilon = epsilon
        self.phases_rad = np.zeros(self.weights.shape[0])

    def slopes(self, state: State) -> State:
        """Return the phase velocities."""
        s, c = np.sin(state[0]), np.cos(state[0])
        s2, c2 = 2.0 * s * c, c * c - s * s
        torque = c * (self.weights @ s) - s * (self.weights @ c)
        return (torque + self.epsilon * (c2 * s2.mean() - s2 * c2.mean()),)

    def run(self, steps: int, step_s: float, method: str = "runge-kutta") -> None:
        """Advance the phases by ``steps`` steps."""
        (self.phases_rad,) = integrate.run(self.slopes, (self.phases_rad,), step_s, steps, method)

    def distance_rad(self, pattern: ArrayLike) -> float:
        """Return the largest distance of a phase from the pattern, after the best rotation."""
        psi = self.phases_rad - np.where(np.asarray(pattern) > 0, 0.0, np.pi)
        return float(np.abs(wrap_rad(psi - np.angle(np.exp(1j * psi).mean()))).max())


def critical_epsilon(weights: ArrayLike, pattern: ArrayLike) -> float:
    """Return the strength of the second harmonic above which a binary state is stable.

    At the state eta of -1/+1 the linearisation is ``diag(eta) C diag(eta) - diag(row sums)`` minus
    ``2 epsilon`` on all but the common rotation, hence half the largest eigenvalue there; 0 or
    less means that the state needs no second harmonic, as memorised orthogonal patterns.
    """
    eta = np.asarray(pattern, dtype=np.float64)
    turned = eta[:, None] * np.asarray(weights, dtype=np.float64) * eta[None, :]
    linear = turned - np.diag(turned.sum(axis=1))
    n = eta.size
    # An orthonormal basis of what is left when the common rotation is taken out.
    basis = np.linalg.qr(np.column_stack([np.ones(n), np.eye(n)[:, 1:]]))[0][:, 1:]
    return float(np.linalg.eigvalsh(basis.T @ linear @ basis)[-1]) / 2.0
