"""What is run at size: networks with one pattern in signed, partly frustrated weights."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU

FRUSTRATED = 0.2
LARGEST_WEIGHT = 5
CYCLES = {0.3: 300, 0.1: 900}
"""Periods by rho: 17.8 units of 1/(kappa R) each, in which the pattern is recalled."""
LARGE, LARGE_CYCLES = 64, 1000
SEEDS = {16: 5, 32: 5, LARGE: 5}
NGSPICE, EQUATIONS = "ngspice", "equations"


@dataclass(frozen=True)
class Case:
    """
    One run: a network, its start, its step and its length.

    Parameters
    ----------
    n : int
        Tanks, all coupled to all.
    rho : float
        Largest row sum of the coupling in half bandwidths.
    seed : int
        Of weights and start phases.
    points_per_cycle : int
        Steps per period.
    cycles : int
        Length in periods.
    way : str
        ``ngspice``, or ``equations``: the same circuit integrated by `drai_hw.spice.equations`.
    """

    n: int
    rho: float
    seed: int
    points_per_cycle: int = 100
    cycles: int = 1000
    way: str = NGSPICE

    @property
    def name(self) -> str:
        """Return a name for files."""
        return (
            f"n{self.n}-rho{round(100 * self.rho):03d}-seed{self.seed}"
            f"-points{self.points_per_cycle}-cycles{self.cycles}-{self.way}"
        )

    @property
    def circuit(self) -> Circuit:
        """Return the circuit's settings: the reference tank, cores trimmed for their couplings."""
        return Circuit(
            rho=self.rho,
            points_per_cycle=self.points_per_cycle,
            cycles=self.cycles,
            damping="trimmed",
        )

    def pattern(self) -> NDArray[np.int64]:
        """Return the pattern that the weights hold, -1/+1."""
        return np.where(self._rng().random(self.n) < 0.5, -1, 1)

    def weights(self) -> Floats:
        """Return weights x_i x_j m_ij, m_ij of 1 to 5 with the wrong sign in a fifth of pairs."""
        rng = self._rng()
        x = np.where(rng.random(self.n) < 0.5, -1, 1)
        sizes = rng.integers(1, LARGEST_WEIGHT + 1, (self.n, self.n)).astype(np.float64)
        sizes *= np.where(rng.random((self.n, self.n)) < FRUSTRATED, -1.0, 1.0)
        upper = np.triu(sizes * np.outer(x, x), 1)
        return upper + upper.T

    def start_rad(self) -> Floats:
        """Return start phases, uniform over the circle."""
        return np.random.default_rng([self.seed, self.n, 1]).uniform(0.0, TAU, self.n)

    def _rng(self) -> np.random.Generator:
        return np.random.default_rng([self.seed, self.n])


def cases() -> tuple[Case, ...]:
    """Return the runs of the page: every network both ways, the first of each size at half step."""
    found = []
    for n, seeds in SEEDS.items():
        for rho, cycles in CYCLES.items():
            length = LARGE_CYCLES if n == LARGE else cycles
            for seed in range(seeds):
                found += [Case(n, rho, seed, cycles=length, way=w) for w in (EQUATIONS, NGSPICE)]
            found.append(Case(n, rho, 0, points_per_cycle=200, cycles=length))
    return tuple(sorted(found, key=lambda c: (c.n, -c.rho, c.seed, c.way, c.points_per_cycle)))
