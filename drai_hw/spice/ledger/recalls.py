"""Supply energy of recalls in drawn rings: small networks, the law they follow, and `letters`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw import catalog
from drai_hw.model import plan, tasks
from drai_hw.model.machine import Counters
from drai_hw.model.readout import is_exact
from drai_hw.model.twin import Twin
from drai_hw.spec import Patterns, Spec, corrupt
from drai_hw.spice import drawn
from drai_hw.spice.drawn import Rings
from drai_hw.spice.settings import Floats
from drai_hw.spice.starts import start_phases_of
from drai_hw.spice.transistors import Transistors

SIZES = (2, 4, 8, 16)
"""Networks that the law is fitted on."""
CYCLES = 45
RHO = 0.5
POINTS = 40
JITTER_RAD = 0.1
FLIPS = 0.1


@dataclass(frozen=True)
class Recall:
    """
    Hold a recall in a circuit.

    Parameters
    ----------
    n : int
        Rings.
    exact : bool
        The pattern came back, up to its sign.
    settled_cycle : int or None
        Period from which it held.
    cycles : float
        Length of the run in free-running periods.
    supply_j, coupling_j : float
        From VDD; heat in the couplings.
    duration_s : float
        Length of the run.
    balance : float or None
        Of the last whole periods, where all currents and charges were saved.
    """

    n: int
    exact: bool
    settled_cycle: int | None
    cycles: float
    supply_j: float
    coupling_j: float
    duration_s: float
    balance: float | None = None

    @property
    def per_cycle_j(self) -> float:
        """Return the supply energy per ring and period."""
        return self.supply_j / (self.n * self.cycles)


@dataclass(frozen=True)
class Law:
    """
    E = a N^k, fitted to logarithms.

    Parameters
    ----------
    factor_j, exponent : float
        a and k.
    """

    factor_j: float
    exponent: float

    def at(self, n: int) -> float:
        """Return the energy at a size."""
        return self.factor_j * float(n) ** self.exponent


def one_pattern(n: int) -> tuple[NDArray[np.int64], Floats, NDArray[np.int64]]:
    """Return a random pattern, weights that hold it, and a start with a tenth of it flipped."""
    rng = np.random.default_rng([n, 7])
    pattern = np.where(rng.random(n) < 0.5, -1, 1).astype(np.int64)
    weights = np.outer(pattern, pattern) * (1.0 - np.eye(n))
    start = corrupt(pattern, FLIPS, rng) if n > 4 else pattern.copy()
    return pattern, weights, start


def recall(
    rings: Rings, weights: Floats, pattern: NDArray[np.int64], start_rad: Floats, *,
    cycles: float = CYCLES, account: bool = False,
) -> Recall:  # fmt: skip
    """
    Recall one pattern.

    Parameters
    ----------
    rings : Rings
        What the network is made of.
    weights, pattern, start_rad : ndarray
        The network, what should come back, start phases.
    cycles : float
        Free-running periods.
    account : bool
        Measure the balance.
    """
    seen = drawn.run(rings, weights, start_rad, cycles, account=account)
    return Recall(
        n=len(pattern),
        exact=bool(is_exact(seen.pattern, pattern)),
        settled_cycle=seen.settled_cycle,
        cycles=seen.cycles,
        supply_j=seen.supply_j,
        coupling_j=seen.coupling_j,
        duration_s=seen.duration_s,
        balance=None if seen.account is None else seen.account.balance,
    )


def small(transistors: Transistors, n: int) -> Recall:
    """Return a recall of one pattern by N rings; its balance is measured up to N = 4."""
    pattern, weights, start = one_pattern(n)
    return recall(Rings(transistors, rho=RHO, points_per_cycle=POINTS), weights, pattern,
                  start_phases_of(start, JITTER_RAD, n), account=n <= 4)  # fmt: skip


def fit(recalls: Sequence[Recall]) -> Law:
    """Return the law of recalls of equal length."""
    n = np.log([each.n for each in recalls])
    exponent, factor = np.polyfit(n, np.log([each.supply_j for each in recalls]), 1)
    return Law(float(np.exp(factor)), float(exponent))


@dataclass(frozen=True)
class Stored:
    """
    Hold what the twin learned of a catalog design.

    Parameters
    ----------
    spec : Spec
        The design.
    weights : ndarray, shape (N, N)
        Learned, in LSB.
    given : Patterns
        What was stored.
    trials : Trials
        Corrupted starts.
    presentations : int
        Patterns shown.
    counters : Counters
        Events of learning.
    """

    spec: Spec
    weights: Floats
    given: Patterns
    trials: tasks.Trials
    presentations: int
    counters: Counters

    @property
    def patterns(self) -> NDArray[np.int64]:
        """Return the stored patterns, a row each."""
        return self.given.values


def stored(name: str = "letters") -> Stored:
    """Let the twin learn a catalog design."""
    spec, _ = catalog.find(name)
    twin = Twin(plan.formats_of(spec))
    tasks.prepare(twin, spec)
    patterns = tasks.patterns_of(spec)
    learned = tasks.learn(twin, spec, patterns.values)
    return Stored(
        spec=spec,
        weights=np.asarray(learned.weights, dtype=np.float64),
        given=patterns,
        trials=tasks.trials_of(spec, patterns),
        presentations=learned.presentations,
        counters=learned.counters,
    )


def of_design(known: Stored, transistors: Transistors, trial: int) -> Recall:
    """
    Recall one of a design's starts, as the network file's task draws them.

    Parameters
    ----------
    known : Stored
        Weights and starts.
    transistors : Transistors
        The set.
    trial : int
        Number of the start.
    """
    pattern = known.patterns[known.trials.target[trial]]
    rings = Rings(transistors, rho=RHO, points_per_cycle=POINTS)
    return recall(rings, known.weights, pattern, known.trials.phases_rad[trial])
