"""Coupling functions of the float model: by name, or as the Fourier list that a circuit has."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.spec.schema import Dynamics

Floats = NDArray[np.float64]
Coupling = Callable[[Floats], Floats]
Product = Callable[[Floats, bool], Floats]


def _triangle(psi: Floats) -> Floats:
    return 2.0 / math.pi * np.arcsin(np.sin(psi))


COUPLINGS: dict[str, Coupling] = {
    "sine": np.sin,
    "triangle": _triangle,
    "square": lambda psi: np.sign(np.sin(psi)),
}


@dataclass(frozen=True)
class FourierCoupling:
    """
    A coupling function f(psi) = sum_k a_k sin(k psi) + b_k cos(k psi), as circuits have it.

    A negative weight is a pair of crossed wires: its sender is half a turn ahead, so the pair
    feels ``|w| f(psi + pi)``. Odd harmonics then carry w, even ones (and b_0, the load that every
    coupling is) carry |w|.

    Parameters
    ----------
    sine : sequence of float
        a_1, a_2, ...
    cosine : sequence of float
        b_0, b_1, b_2, ...

    References
    ----------
    Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), chapter 5, for a general
    coupling function; H. Sakaguchi and Y. Kuramoto, Prog. Theor. Phys. 76 (1986) 576, for the lag.
    """

    sine: tuple[float, ...] = ()
    cosine: tuple[float, ...] = ()

    def __call__(self, psi: Floats) -> Floats:
        """Return f at phase differences in rad."""
        psi = np.asarray(psi, dtype=np.float64)
        total = np.zeros_like(psi)
        for k, (a, b) in enumerate(self.terms()):
            total += a * np.sin(k * psi) + b * np.cos(k * psi)
        return total

    def terms(self) -> list[tuple[float, float]]:
        """Return (a_k, b_k) for k from 0, as many as the longer list has."""
        count = max(len(self.sine) + 1, len(self.cosine))
        a = [0.0, *self.sine] + [0.0] * (count - 1 - len(self.sine))
        b = [*self.cosine] + [0.0] * (count - len(self.cosine))
        return list(zip(a, b, strict=True))

    def torque(self, phases_rad: Floats, product: Product) -> Floats:
        """
        Return sum_j |w_ij| f(phi_j - phi_i, half a turn further where w_ij < 0).

        Two products with the weights for each harmonic, instead of N^2 sines.

        Parameters
        ----------
        phases_rad : ndarray, shape (..., N)
            Phases.
        product : callable
            ``product(x, absolute)`` returns sum_j w_ij x_j, of |w| if ``absolute``.
        """
        total = np.zeros_like(phases_rad)
        for k, (a, b) in enumerate(self.terms()):
            if a == 0.0 and b == 0.0:
                continue
            s, c = np.sin(k * phases_rad), np.cos(k * phases_rad)
            ws, wc = product(s, k % 2 == 0), product(c, k % 2 == 0)
            total += a * (c * ws - s * wc) + b * (c * wc + s * ws)
        return total


def coupling_of(dynamics: Dynamics) -> Coupling:
    """Return the coupling function of a network: its Fourier list, if it has one, or the table's.

    Parameters
    ----------
    dynamics : Dynamics
        Keys ``coupling_sine``, ``coupling_cosine`` and ``coupling_table``.
    """
    if dynamics.coupling_sine or dynamics.coupling_cosine:
        return FourierCoupling(dynamics.coupling_sine, dynamics.coupling_cosine)
    return COUPLINGS[dynamics.coupling_table]


def keys_of(sine: Sequence[float], cosine: Sequence[float]) -> dict[str, list[float]]:
    """Return the keys of ``[dynamics]`` that make the float model use a list, to six decimals."""
    return {
        "coupling_sine": [round(a, 6) + 0.0 for a in sine],
        "coupling_cosine": [round(b, 6) + 0.0 for b in cosine],
    }
