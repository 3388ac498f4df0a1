"""What the wires of all-to-all couplings cost: capacitance at every oscillator, and area."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.settings import Circuit, Floats


@dataclass(frozen=True)
class Wiring:
    """
    Hold the parasitic capacitance that coupling branches add to the tanks of a network.

    Each branch - two for every weight that is not 0 - puts one capacitor at either end, so each
    side of a tank carries as many as the tank has weights. The mean over the tanks is a part of the
    tank's own capacitance, as a designer counts it in; what a tank has more or less than the mean
    detunes it.

    Parameters
    ----------
    capacitance_f : float
        Of each side of a tank with as many wires as the mean, farad.
    side_f : ndarray, shape (N,)
        Capacitance of the wires at each side of each tank, farad.
    """

    capacitance_f: float
    side_f: Floats

    @property
    def mean_f(self) -> float:
        """Return the mean over the tanks, which their own capacitors are smaller by."""
        return float(self.side_f.mean())

    @property
    def detuning(self) -> Floats:
        """Return each tank's relative deviation in frequency: 1/sqrt(1 + deviation/C) - 1."""
        share = (self.side_f - self.mean_f) / self.capacitance_f
        return np.asarray(1.0 / np.sqrt(1.0 + share) - 1.0)


def wiring_of(weights: ArrayLike, circuit: Circuit) -> Wiring:
    """
    Return what the wires of a network's couplings add to its tanks.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Symmetric weights; each that is not 0 has its branches.
    circuit : Circuit
        ``branch_parasitic_f`` a branch and end, in the ``capacitance_f`` of a side.

    Raises
    ------
    SpecError
        The wires alone have more capacitance than the tanks may.
    """
    degrees = np.count_nonzero(np.asarray(weights), axis=1).astype(np.float64)
    side_f = degrees * circuit.branch_parasitic_f
    wiring = Wiring(circuit.capacitance_f, side_f)
    if wiring.mean_f >= circuit.capacitance_f:
        most = largest_network(circuit.capacitance_f, circuit.branch_parasitic_f)
        raise SpecError(
            f"circuit.branch_parasitic_f = {circuit.branch_parasitic_f:g} F: the "
            f"{degrees.mean():g} branches at each side of a tank make {wiring.mean_f:g} F of its "
            f"capacitance_f = {circuit.capacitance_f:g} F; needed are shorter wires, larger "
            f"capacitors, or at most {most} oscillators all to all"
        )
    return wiring


def largest_network(capacitance_f: float, branch_parasitic_f: float) -> int:
    """
    Return the most oscillators, all to all, whose tanks are not made of wires alone.

    Parameters
    ----------
    capacitance_f : float
        From each side of a tank to ground, > 0.
    branch_parasitic_f : float
        Of one end of a branch, > 0.
    """
    if not (capacitance_f > 0 and branch_parasitic_f > 0):
        raise SpecError(
            f"capacitance_f = {capacitance_f!r}, branch_parasitic_f = {branch_parasitic_f!r}: both "
            "need to be above 0 F"
        )
    return math.ceil(capacitance_f / branch_parasitic_f)  # (N - 1) of them are less than C


def require_left(side_f: Floats, circuit: Circuit) -> None:
    """
    Refuse tanks whose wires and tuning banks leave nothing for a side's own capacitor.

    Parameters
    ----------
    side_f : ndarray, shape (N, 2)
        What is left for it, farad.
    circuit : Circuit
        Settings.

    Raises
    ------
    SpecError
        A side has none.
    """
    if (side_f <= 0).any():
        raise SpecError(
            f"circuit.branch_parasitic_f = {circuit.branch_parasitic_f:g} F: wires and tuning "
            "banks are more than capacitance_f; needed are shorter wires or smaller banks"
        )


def area_m2(oscillators: int, oscillator_m2: float, branch_m2: float) -> float:
    """
    Return the area of a network all to all: N oscillators and N (N - 1) branches.

    Signed weights take two branches a pair, straight or crossed, and a circuit that may be
    programmed either way has room for both: give twice the area of one.

    Parameters
    ----------
    oscillators : int
        N, at least 1.
    oscillator_m2, branch_m2 : float
        Area of each in square metres, 0 or more.
    """
    if oscillators < 1 or not (oscillator_m2 >= 0 and branch_m2 >= 0):
        raise SpecError(
            f"{oscillators} oscillators of {oscillator_m2!r} m2, branches of {branch_m2!r} m2: "
            "needed are at least 1 oscillator, and areas of 0 m2 or more"
        )
    return oscillators * oscillator_m2 + oscillators * (oscillators - 1) * branch_m2
