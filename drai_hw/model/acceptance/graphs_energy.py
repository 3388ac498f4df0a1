"""A13 and A14 in the float model: twisted states of rings, and an energy that never rises."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from drai_hw import spec as network
from drai_hw.model import graphs
from drai_hw.model.acceptance.row import Row
from drai_hw.model.reference import Reference
from drai_hw.units import TAU, wrap_rad

WILEY = "D. A. Wiley, S. H. Strogatz, M. Girvan, Chaos 16 (2006) 015103"
RING = 40


def reference(n: int, coupling: float) -> Reference:
    """Return a float model without frequencies, noise or patterns."""
    return Reference(
        network.validate(
            {
                "schema": 1,
                "network": {"name": "graph", "oscillators": n},
                "task": {"kind": "lock"},
                "dynamics": {"coupling": coupling},
            }
        )
    )


@cache
def turns_left(turns: int) -> int:
    """Return the winding number of a ring some time after a kick of 0.01 rad to a twisted state."""
    model = reference(RING, 0.8)
    model.weights = graphs.ring(RING)
    kick = 0.01 * np.random.default_rng(2).standard_normal(RING)
    model.phases_rad = graphs.twisted_rad(RING, turns) + kick
    model.run(4000, shil=False)
    return graphs.winding(model.phases_rad)


def ripple_rate(turns: int, mode: int) -> float:
    """Return the rate at which a ripple on a twisted state fades, in units of a weight."""
    model = reference(RING, 1e-3)
    model.weights = graphs.ring(RING)
    start = graphs.twisted_rad(RING, turns)
    ripple = 1e-4 * np.cos(TAU * mode * np.arange(RING) / RING)
    model.phases_rad = start + ripple
    model.run(2000, shil=False)
    left = float(wrap_rad(model.phases_rad - start) @ ripple) / float(ripple @ ripple)
    return -math.log(left) / (2000 * 1e-3) * 2.0  # the model's unit is the row sum, 2


@cache
def windings(n: int, rings: int, seed: int) -> NDArray[np.int64]:
    """Return the winding numbers into which rings settle from random phases, all rings at once."""
    phases = np.random.default_rng(seed).uniform(0, TAU, (n, rings)).astype(np.float32)
    for _ in range(8 * n):
        # Each link pulls both ends alike; the sum of two sines is one product of a sum and a sine.
        link = np.sin(np.roll(phases, -1, axis=0) - phases)
        phases += np.float32(0.45) * (link - np.roll(link, 1, axis=0))
    steps = wrap_rad(np.roll(phases, -1, axis=0) - phases)
    return np.rint(steps.sum(axis=0) / TAU).astype(np.int64)


def spread_exponent() -> float:
    """Return the exponent of the spread of winding numbers against the size of the ring."""
    small, large = (windings(n, 4000, n).std() for n in (20, 80))
    return math.log(large / small) / math.log(4)


def basin_kurtosis() -> float:
    """Return the fourth moment of winding numbers over their variance squared."""
    q = windings(80, 4000, 80).astype(np.float64)
    return float(np.mean(q**4) / np.mean(q**2) ** 2)


def largest_rise(coupling: float) -> float:
    """Return the largest rise of the energy in a step over 20 random networks, 300 steps each."""
    worst = -math.inf
    for seed in range(20):
        rng = np.random.default_rng(seed)
        model = reference(20, coupling)
        weights = np.triu(rng.normal(size=(20, 20)), 1)
        model.weights = weights + weights.T
        model.phases_rad = rng.uniform(0, TAU, 20)
        energies = []
        for _ in range(300):
            energies.append(float(model.energy()))
            model.run(1, shil=False)
        worst = max(worst, float(np.diff(energies).max()))
    return worst


def pair_overshoot(coupling: float) -> float:
    """Return the rise of the energy of a pair near rest in one step, over its distance from rest.

    With psi small, E + 1 = psi^2/2 becomes (1 - 2 h)^2 psi^2/2: it rises exactly for h > 1.
    """
    model = reference(2, coupling)
    model.weights = np.array([[0.0, 1.0], [1.0, 0.0]])
    model.phases_rad = np.array([0.0, 1e-3])
    before = float(model.energy())
    model.run(1, shil=False)
    return (float(model.energy()) - before) / (before + 1.0)


ROWS = [
    *(
        Row(
            id="A13",
            name=f"twisted {turns}",
            statement=f"winding number of a ring of {RING} after a kick to its state of {turns} "
            "turns",
            machine="float",
            source=f"{WILEY}: stable below N/4 = 10 turns",
            expected=turns,
            tolerance=0.0,
            reason="an integer",
            compute=partial(turns_left, turns),
            seconds=0.4,
        )
        for turns in (0, 3, 9, -9)
    ),
    Row(
        id="A13",
        name="twisted 11",
        statement="the same from 11 turns, above N/4 (|turns| at the end)",
        machine="float",
        source=f"{WILEY}: unstable above N/4",
        expected=9.0,
        tolerance=0.0,
        relation="<=",
        reason="only states below N/4 = 10 turns attract",
        compute=lambda: abs(turns_left(11)),
        seconds=0.4,
    ),
    Row(
        id="A13",
        name="ripple",
        statement="rate of ripple 4 on 5 turns of a ring of 40, in units of a weight",
        machine="float",
        source=f"{WILEY}: 2 cos(2 pi q/N) (1 - cos(2 pi k/N))",
        expected=2 * math.cos(TAU * 5 / RING) * (1 - math.cos(TAU * 4 / RING)),
        tolerance=1e-4,
        reason="Euler with h = 1e-3: half the rate squared times h, 3e-5",
        compute=lambda: ripple_rate(5, 4),
    ),
    Row(
        id="A13",
        name="basin spread",
        statement="exponent of the spread of winding numbers, rings of 20 and 80 from random "
        "phases (4000 each)",
        machine="float",
        source=f"{WILEY}: basins are Gaussian in q with a width of sqrt N",
        expected=0.5,
        tolerance=0.05,
        reason="a deviation is known to 1/sqrt(2 x 4000) = 1.1 % each: 4 of them are 0.045",
        compute=spread_exponent,
        seconds=0.4,
    ),
    Row(
        id="A13",
        name="basin shape",
        statement="fourth moment of these winding numbers over their variance squared, rings of 80",
        machine="float",
        source=f"{WILEY} and arXiv 2506.03419: basins fall as e^(-k q^2), a Gaussian, hence 3",
        expected=3.0,
        tolerance=0.31,
        reason="4 standard errors of 4000 rings, sqrt(24/4000) each",
        compute=basin_kurtosis,
        seconds=0.4,
    ),
    Row(
        id="A14",
        name="energy",
        statement="largest rise of E = -1/2 sum w cos in a step at h = 0.99 (20 random nets of 20)",
        machine="float",
        source="derived: h max row sum < 1 suffices",
        expected=0.0,
        tolerance=1e-12,
        relation="<=",
        reason="rounding of a sum of 400 terms",
        compute=lambda: largest_rise(0.99),
        seconds=0.4,
    ),
    *(
        Row(
            id="A14",
            name=f"energy of a pair {h}",
            statement=f"relative change of a pair's energy above rest in a step, h = {h}",
            machine="float",
            source="closed form: (1 - 2 h)^2 - 1, above 0 exactly for h > 1",
            expected=(1 - 2 * h) ** 2 - 1,
            tolerance=1e-5,
            reason="psi^2 = 1e-6 of the next order, and 1e-10 of rounding in E",
            compute=partial(pair_overshoot, h),
        )
        for h in (0.3, 0.95)
    ),
]
