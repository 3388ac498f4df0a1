"""A1, A2 and A8 in the float model: pairs that lock, beat and learn."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from drai_hw import spec as network
from drai_hw.model import adaptive, published
from drai_hw.model.acceptance.row import Row
from drai_hw.model.adaptive import AdaptiveNetwork
from drai_hw.model.meanfield import Population
from drai_hw.model.reference import Reference
from drai_hw.model.tasks import lock_float
from drai_hw.units import TAU

ADLER = "R. Adler, Proc. IRE 34 (1946) 351"
SELIGER = "P. Seliger, S. C. Young, L. S. Tsimring, Phys. Rev. E 65 (2002) 041906"

BEAT_STEP_S = 2e-3
BEATS = 10


def lock_rad(ratio: float) -> float:
    """Return the offset at which the reference model holds a pair detuned by ``ratio`` K."""
    data = {
        "schema": 1,
        "network": {"name": "pair", "oscillators": 2, "initial_weight": 10},
        "dynamics": {"coupling": 0.2, "frequencies": [-ratio, ratio]},
        "shil": {"strength": 0.0},
        "task": {"kind": "lock", "steps": 4000},
    }
    return float(lock_float(Reference(network.validate(data))).offsets_rad[1])


@cache
def drift(detuning: float, step_s: float = BEAT_STEP_S) -> tuple[float, float, float]:
    """Return beat (rad/s), <cos> and <sin> of a pair with K = 1 over whole beats.

    The last beat ends between two steps; the part of the last step before its end is counted.
    """
    pair = Population([-detuning / 2, detuning / 2], 1.0)
    goal = BEATS * TAU
    psi, steps, cosines, sines = 0.0, 0, 0.0, 0.0
    while True:
        pair.run(1, step_s)
        new = float(pair.phases_rad[1] - pair.phases_rad[0])
        share = min(1.0, (goal - psi) / (new - psi))
        cosines += share * math.cos(psi)
        sines += share * math.sin(psi)
        if new >= goal:
            time_s = (steps + share) * step_s
            return goal / time_s, cosines * step_s / time_s, sines * step_s / time_s
        psi, steps = new, steps + 1


def hebbian_pair(detuning: float, branch: int) -> tuple[float, float]:
    """Return offset and coupling at which a Hebbian pair settles, started 0.1 rad away."""
    start = adaptive.pair_offsets_rad(detuning)[branch] + 0.1
    net = AdaptiveNetwork(
        np.array([-detuning / 2, detuning / 2]),
        adaptive.hebbian(),
        0.5,
        phases_rad=np.array([0.0, start]),
    )
    net.run(1500, 0.1)
    return float(net.phases_rad[1] - net.phases_rad[0]), float(net.couplings[0, 1])


@cache
def hebbian_drift() -> tuple[float, float]:
    """Return the beat (rad/s) and the mean coupling of a slow Hebbian pair beyond its range."""
    net = AdaptiveNetwork(np.array([-0.26, 0.26]), adaptive.hebbian(), 0.02)
    net.run(8000, 0.1, "euler")
    seen, start = [], net.phases_rad[1] - net.phases_rad[0]
    for _ in range(1000):
        net.run(6, 0.1, "euler")
        seen.append(net.couplings[0, 1])
    turned = float(net.phases_rad[1] - net.phases_rad[0] - start)
    return turned / 600.0, float(np.mean(seen))


def lock_row(ratio: float) -> Row:
    """A1: the offset of a locked pair."""
    return Row(
        id="A1",
        name=f"lock {ratio}",
        statement=f"offset of a pair detuned by {ratio} K, rad",
        machine="float",
        source=f"{ADLER}: D = asin(dw/K)",
        expected=math.asin(ratio),
        tolerance=1e-9,
        reason="Euler's map has the same fixed point; what is left is settling",
        compute=lambda: lock_rad(ratio),
    )


def beat_row(detuning: float, seconds: float) -> Row:
    """A2: the beat of a pair beyond its range."""
    return Row(
        id="A2",
        name=f"beat {detuning}",
        statement=f"beat at dw = {detuning} K, rad/s",
        machine="float",
        source=f"{ADLER}: sqrt(dw^2 - K^2)",
        expected=published.beat_rad_s(detuning, 1.0),
        tolerance=2e-6 * detuning**2,
        reason="Euler's first order, h/2 f', integrates to 0 over a beat; h^2 = 4e-6 of the second",
        compute=lambda: drift(detuning)[0],
        seconds=seconds,
    )


def hebbian_row(detuning: float, branch: int, what: int) -> Row:
    """A8: offset or coupling of a Hebbian pair on one of its branches."""
    offset = adaptive.pair_offsets_rad(detuning)[branch]
    label = ("in phase", "in anti-phase")[branch]
    name = ("offset", "coupling")[what]
    return Row(
        id="A8",
        name=f"{name} {detuning} {label}",
        statement=f"{name} of a Hebbian pair at dw = {detuning} a, branch {label}",
        machine="float",
        source=f"{SELIGER}: dw = (a/2) sin 2D, k = a cos D",
        expected=(offset, math.cos(offset))[what],
        tolerance=1e-6,
        reason="a fixed point; 150 s of settling leave 1e-6 at dw = 0.49 a",
        compute=lambda: hebbian_pair(detuning, branch)[what],
    )


ROWS = [
    *(lock_row(ratio) for ratio in (0.5, 0.9, 0.99)),
    beat_row(3.0, 0.3),
    beat_row(1.5, 0.8),
    beat_row(1.05, 1.0),
    Row(
        id="A2",
        name="beat cosine",
        statement="mean cosine of a pair that drifts at dw = 1.5 K",
        machine="float",
        source=f"{ADLER}: symmetry about a quarter turn",
        expected=0.0,
        tolerance=2e-3,
        reason="Euler's first order: h = 2e-3 turns the orbit's density by h/2 f'",
        compute=lambda: drift(1.5)[1],
        seconds=0.8,
    ),
    Row(
        id="A2",
        name="beat sine",
        statement="mean sine of a pair that drifts at dw = 1.5 K",
        machine="float",
        source=f"{ADLER}: (dw - sqrt(dw^2 - K^2))/K",
        expected=1.5 - published.beat_rad_s(1.5, 1.0),
        tolerance=5e-6,
        reason="what the mean torque leaves of the detuning is the beat: the same h^2",
        compute=lambda: drift(1.5)[2],
        seconds=0.8,
    ),
    *(hebbian_row(dw, branch, 0) for dw in (0.2, 0.45, 0.49) for branch in (0, 1)),
    *(hebbian_row(0.45, branch, 1) for branch in (0, 1)),
    Row(
        id="A8",
        name="beat beyond",
        statement="beat of a slow Hebbian pair (0.02/s) at dw = 0.52 a, rad/s",
        machine="float",
        source=f"{SELIGER}: locks up to a/2; first order in epsilon: dw - epsilon/(2 dw)",
        expected=0.52 - 0.02 / (2 * 0.52),
        tolerance=0.0025,
        reason="next order (epsilon/dw)^2 = 0.0015 of the rate, Euler 0.001, a cut beat the rest",
        compute=lambda: hebbian_drift()[0],
    ),
    Row(
        id="A8",
        name="coupling beyond",
        statement="mean coupling of that pair, in units of a",
        machine="float",
        source=f"{SELIGER}: the mean cosine of a drift is 0",
        expected=0.0,
        tolerance=0.02,
        reason="epsilon/(2 dw) = 0.02; a locked pair has at least cos(pi/4) = 0.71",
        compute=lambda: hebbian_drift()[1],
    ),
]
