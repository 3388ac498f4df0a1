"""Networks whose couplings move with the phases at every instant, instead of window by window."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model import integrate
from drai_hw.model.integrate import State

Plasticity = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def hebbian(strength: float = 1.0) -> Plasticity:
    """Return the Hebbian target ``a cos(phi_i - phi_j)`` of a coupling.

    References
    ----------
    P. Seliger, S. C. Young, L. S. Tsimring, Phys. Rev. E 65 (2002) 041906.
    """
    return lambda psi: strength * np.cos(psi)


def lagged(beta_rad: float) -> Plasticity:
    """Return the target ``-sin(phi_i - phi_j + beta)``; beta = -pi/2 is the Hebbian one.

    References
    ----------
    R. Berner, E. Schöll, S. Yanchuk, SIAM J. Appl. Dyn. Syst. 18 (2019), arXiv 1809.00573.
    """
    return lambda psi: -np.sin(psi + beta_rad)


@dataclass
class AdaptiveNetwork:
    """Phases and couplings that adapt to each other (adaptive Kuramoto-Sakaguchi).

    The equations::

        phi_i' = omega_i - 1/N sum_j k_ij sin(phi_i - phi_j + alpha)
        k_ij'  = epsilon (p(phi_i - phi_j) - k_ij)

    Any learning function of `drai_hw.model.g` serves as p as well: the windowed rule with decay
    becomes this one for short windows.

    Parameters
    ----------
    frequencies_rad_s : array, shape (N,)
        Natural frequencies.
    plasticity : callable
        p, what a coupling tends to at a fixed phase difference.
    rate_hz : float
        epsilon, 1/s, above 0.
    lag_rad : float
        alpha.
    phases_rad : array, shape (N,), optional
        Start phases, 0 by default.
    couplings : array, shape (N, N), optional
        Start couplings; those at rest for the start phases by default.
    """

    frequencies_rad_s: NDArray[np.float64]
    plasticity: Plasticity
    rate_hz: float
    lag_rad: float = 0.0
    phases_rad: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))
    couplings: NDArray[np.float64] = field(default_factory=lambda: np.zeros((0, 0)))

    def __post_init__(self) -> None:
        if not self.rate_hz > 0:
            raise SpecError(f"rate_hz = {self.rate_hz!r}: couplings need a rate above 0 1/s")
        self.frequencies_rad_s = np.asarray(self.frequencies_rad_s, dtype=np.float64)
        n = self.frequencies_rad_s.size
        start = np.asarray(self.phases_rad, dtype=np.float64)
        self.phases_rad = start if start.size else np.zeros(n)
        given = np.asarray(self.couplings, dtype=np.float64)
        self.couplings = given if given.size else self.resting(self.phases_rad)
        if self.phases_rad.shape != (n,) or self.couplings.shape != (n, n):
            raise SpecError(
                f"phases of shape {self.phases_rad.shape} and couplings of shape "
                f"{self.couplings.shape}: {n} frequencies need ({n},) and ({n}, {n})"
            )

    def resting(self, phases_rad: ArrayLike) -> NDArray[np.float64]:
        """Return the couplings that do not move at these phases: ``k_ij = p(phi_i - phi_j)``."""
        phases = np.asarray(phases_rad, dtype=np.float64)
        return self.plasticity(phases[:, None] - phases[None, :])

    def slopes(self, state: State) -> State:
        """Return the time derivatives of phases (rad/s) and couplings (1/s)."""
        phases, couplings = state
        psi = phases[:, None] - phases[None, :]
        pull = (couplings * np.sin(psi + self.lag_rad)).mean(axis=1)
        return (self.frequencies_rad_s - pull, self.rate_hz * (self.plasticity(psi) - couplings))

    def run(self, steps: int, step_s: float, method: str = "runge-kutta") -> None:
        """Advance phases and couplings together, from the same state, by ``steps`` steps."""
        state = integrate.run(self.slopes, (self.phases_rad, self.couplings), step_s, steps, method)
        self.phases_rad, self.couplings = state

    def speeds_rad_s(self) -> NDArray[np.float64]:
        """Return the present phase velocities."""
        return self.slopes((self.phases_rad, self.couplings))[0]


def reduced_slopes(frequencies_rad_s: ArrayLike, strength: float = 1.0) -> Callable[[State], State]:
    """Return the classical Kuramoto network to which the Hebbian one reduces.

    With ``p = a cos`` and ``alpha = 0`` the couplings rest at ``k_ij = a cos(phi_i - phi_j)``;
    put into the phase equation, ``psi = 2 phi`` obeys, at rest, ::

        0 = 2 omega_i + a/N sum_j sin(psi_j - psi_i)

    Kuramoto's network with fixed, equal couplings. Stability carries over. The Hebbian network
    with symmetric couplings is a gradient flow with positive mobilities of ::

        E = -sum_i omega_i phi_i + 1/N sum_{i<j} (k_ij^2/(2 a) - k_ij cos(phi_i - phi_j))

    whose Hessian has the block 1/(a N) > 0 for the couplings; the Schur complement for the phases
    is the Hessian of ``min_k E``, which is the potential of the network above. By Sylvester's law
    of inertia both have the same number of unstable directions, and these are real. Every state
    of the network above stands for 2^N of the Hebbian one: ``phi_i = psi_i / 2`` or half a turn on.

    References
    ----------
    J. C. Bronski, Y. He, X. Li, Y. Liu, D. R. Sponseller, S. Wolbert, The stability of fixed
    points for a Kuramoto model with Hebbian interactions, arXiv 1611.09941.
    """
    omega = 2.0 * np.asarray(frequencies_rad_s, dtype=np.float64)

    def slopes(state: State) -> State:
        s, c = np.sin(state[0]), np.cos(state[0])
        return (omega + strength * (c * s.mean() - s * c.mean()),)

    return slopes


def pair_offsets_rad(detuning_rad_s: float, strength: float = 1.0) -> tuple[float, float]:
    """Return both stable offsets of a Hebbian pair, from ``detuning = (a/2) sin 2D``.

    Raises
    ------
    SpecError
        Detuning above a/2: the pair cannot lock.
    """
    if abs(detuning_rad_s) > strength / 2.0:
        raise SpecError(
            f"detuning = {detuning_rad_s:g} rad/s: a Hebbian pair of strength {strength:g} locks "
            f"up to {strength / 2.0:g} rad/s"
        )
    offset = 0.5 * math.asin(2.0 * detuning_rad_s / strength)
    return offset, offset + math.pi
