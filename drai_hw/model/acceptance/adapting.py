"""A9 and A11 in the float model: networks whose couplings adapt at every instant."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import adaptive, integrate, published
from drai_hw.model.acceptance.row import Row
from drai_hw.model.adaptive import AdaptiveNetwork
from drai_hw.model.published import even_phases_rad

BRONSKI = "J. C. Bronski et al., arXiv 1611.09941"
BERNER = "R. Berner, E. Schöll, S. Yanchuk, arXiv 1809.00573"


def detunings(n: int) -> NDArray[np.float64]:
    """Return n frequencies that sum to 0 and lock easily."""
    omega = 0.08 * np.sin(1.7 * np.arange(n) ** 2)
    return omega - omega.mean()


def reduced_state(omega: NDArray[np.float64], start: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a fixed point of the reduced network near ``start`` by Newton's method."""
    slopes = adaptive.reduced_slopes(omega)
    psi = start
    for _ in range(50):
        jacobian = integrate.jacobian(slopes, (psi,), 1e-6)
        psi = psi + np.linalg.lstsq(jacobian, -slopes((psi,))[0], rcond=None)[0]
    return psi


def far_sets(n: int) -> list[tuple[int, ...]]:
    """Return which oscillators are half a turn away: none, one, two."""
    return [(), (1,), (0, n - 2)]


@cache
def reduction(n: int) -> tuple[float, int, float, int]:
    """Compare Hebbian networks of n at lifted states with Kuramoto's of doubled phases.

    Returns the largest slope at the lifted fixed points, the number of states and lifts whose
    counts of unstable directions differ, the largest imaginary part of a rate, and the number of
    unstable states seen.
    """
    omega, rng = detunings(n), np.random.default_rng(n)
    largest, differing, imaginary, unstable_seen = 0.0, 0, 0.0, 0
    for far in far_sets(n):
        start = np.zeros(n)
        start[list(far)] = math.pi
        psi = reduced_state(omega, start)
        reduced = np.linalg.eigvals(integrate.jacobian(adaptive.reduced_slopes(omega), (psi,)))
        wanted = int(np.count_nonzero(reduced.real > 1e-6))
        unstable_seen += wanted > 0
        for lift in rng.integers(0, 2, (3, n)):
            net = AdaptiveNetwork(
                omega, adaptive.hebbian(), 0.3, phases_rad=psi / 2 + math.pi * lift
            )
            state = (net.phases_rad, net.couplings)
            largest = max(largest, *(float(np.abs(s).max()) for s in net.slopes(state)))
            rates = np.linalg.eigvals(integrate.jacobian(net.slopes, state))
            differing += int(np.count_nonzero(rates.real > 1e-6)) != wanted
            imaginary = max(imaginary, float(np.abs(rates.imag).max()))
    return largest, differing, imaginary, unstable_seen


def trio_locks(ratio: float) -> bool:
    """Say whether Hebbian oscillators of frequencies (-w, 0, w), w = ratio a, stay together."""
    net = AdaptiveNetwork(ratio * np.array([-1.0, 0.0, 1.0]), adaptive.hebbian(), 2.0)
    net.run(4000, 0.1)
    return bool(np.ptp(net.phases_rad) < math.pi)


def trio_range() -> float:
    """Return the largest w that locks, by halving an interval to 1e-3 of it."""
    low, high = 0.2, 0.4
    while high - low > 3e-4:
        middle = (low + high) / 2
        low, high = (middle, high) if trio_locks(middle) else (low, middle)
    return (low + high) / 2


@cache
def antipodal(lag: float, beta: float) -> float:
    """Return the common speed into which an antipodal cluster of 20 settles."""
    rng = np.random.default_rng(0)
    start = math.pi * rng.integers(0, 2, 20) + 0.05 * rng.standard_normal(20)
    net = AdaptiveNetwork(np.zeros(20), adaptive.lagged(beta), 0.1, lag, start)
    net.run(3000, 0.1)
    speeds = net.speeds_rad_s()
    return float(speeds[np.argmax(np.abs(speeds - speeds.mean()))])


@cache
def splay(lag: float, beta: float, kick_rad: float) -> tuple[float, float]:
    """Return the second moment and the worst speed of a kicked splay cluster of 9 after 300 s."""
    kick = kick_rad * np.random.default_rng(5).standard_normal(9)
    start = even_phases_rad(9) + kick
    net = AdaptiveNetwork(np.zeros(9), adaptive.lagged(beta), 0.1, lag, start)
    if kick_rad:
        net.run(3000, 0.1)
    speeds = net.speeds_rad_s()
    worst = speeds[np.argmax(np.abs(speeds - published.splay_speed_rad_s(lag, beta)))]
    return float(abs(np.exp(2j * net.phases_rad).mean())), float(worst)


def splay_speed(lag: float, beta: float) -> float:
    """Return the speed of an undisturbed splay cluster."""
    return splay(lag, beta, 0.0)[1]


def rate_distance(kind: str, lag: float, beta: float) -> float:
    """Return the largest distance between closed and numerical rates of a cluster, both ways."""
    n, rate_hz = 7, 0.1
    if kind == "splay":
        start, closed = even_phases_rad(n), published.splay_rates_hz(rate_hz, lag, beta)
        speed = published.splay_speed_rad_s(lag, beta)
    else:
        start = math.pi * np.array([0, 1, 0, 0, 1, 1, 0])
        closed = published.antipodal_rates_hz(rate_hz, lag, beta)
        speed = published.antipodal_speed_rad_s(lag, beta)
    net = AdaptiveNetwork(np.zeros(n), adaptive.lagged(beta), rate_hz, lag, start)

    def rotating(state: integrate.State) -> integrate.State:
        phases, couplings = net.slopes(state)
        return (phases - speed, couplings)

    found = np.linalg.eigvals(integrate.jacobian(rotating, (net.phases_rad, net.couplings)))
    expected = np.concatenate([closed, [0.0, -rate_hz]])
    distance = np.abs(found[:, None] - expected[None, :])
    return float(max(distance.min(axis=0).max(), distance.min(axis=1).max()))


def worst_rates(kind: str) -> float:
    """Return the largest such distance over 21 pairs of alpha and beta."""
    return max(
        rate_distance(kind, lag, beta)
        for lag in (0.1, 0.7, 1.2)
        for beta in (-2.5, -1.6, -0.8, 0.0, 0.8, 1.6, 2.5)
    )


def reduction_rows(n: int, seconds: float) -> list[Row]:
    """A9 for one size: fixed points, stability, real rates."""
    return [
        Row(
            id="A9",
            machine="float",
            source=BRONSKI,
            seconds=seconds,
            name=f"fixed points {n}",
            statement=f"largest slope of {n} Hebbian oscillators at 9 states psi/2 (+ pi) lifted "
            "from Kuramoto's fixed points psi",
            expected=0.0,
            tolerance=1e-12,
            reason="rounding; Newton's method converges to it",
            compute=lambda: reduction(n)[0],
        ),
        Row(
            id="A9",
            machine="float",
            source=BRONSKI,
            seconds=seconds,
            name=f"stability {n}",
            statement=f"of these 9 states, how many differ from Kuramoto's ({n} oscillators) in "
            "their number of unstable directions",
            expected=0.0,
            tolerance=0.0,
            reason="a count; eigenvalues by differences are good to 1e-8, 1e-6 counts as unstable",
            compute=lambda: reduction(n)[1],
        ),
        Row(
            id="A9",
            machine="float",
            source=BRONSKI,
            seconds=seconds,
            name=f"unstable seen {n}",
            statement="of the 3 fixed points of Kuramoto's network behind them, how many are "
            "unstable: those with oscillators half a turn away",
            expected=2.0,
            tolerance=0.0,
            reason="a count",
            compute=lambda: reduction(n)[3],
        ),
        Row(
            id="A9",
            machine="float",
            source=BRONSKI,
            seconds=seconds,
            name=f"real rates {n}",
            statement=f"largest imaginary part of the {n} + {n}^2 rates, 1/s: a gradient flow",
            expected=0.0,
            tolerance=1e-5,
            reason="-epsilon is a rate of multiplicity near N^2; its copies split by the root of "
            "the 1e-10 of a difference quotient",
            compute=lambda: reduction(n)[2],
        ),
    ]


ROWS = [
    *reduction_rows(5, 0.1),
    *reduction_rows(12, 0.3),
    Row(
        id="A9",
        name="trio range",
        statement="largest w/a at which Hebbian oscillators (-w, 0, w) lock, by bisection",
        machine="float",
        source=f"{BRONSKI}: max(sin x + sin 2x)/6 of the reduced network",
        expected=published.trio_limit(),
        tolerance=1.5e-3,
        reason="interval 3e-4; within 400 s a ghost of depth 1.2e-3 is not yet passed",
        compute=trio_range,
        seconds=2.0,
    ),
    *(
        Row(
            id="A11",
            name=f"antipodal {lag} {beta}",
            statement=f"speed of an antipodal cluster of 20, alpha = {lag}, beta = {beta}, rad/s",
            machine="float",
            source=f"{BERNER}: sin alpha sin beta",
            expected=published.antipodal_speed_rad_s(lag, beta),
            tolerance=1e-9,
            reason="a relative equilibrium; 300 s of settling",
            compute=partial(antipodal, lag, beta),
        )
        for lag, beta in ((0.3, -1.6), (0.7, -2.2))
    ),
    *(
        Row(
            id="A11",
            name=f"splay {lag} {beta}",
            statement=f"speed in the splay state of 9, alpha = {lag}, beta = {beta}, rad/s",
            machine="float",
            source=f"{BERNER}: cos(alpha - beta)/2",
            expected=published.splay_speed_rad_s(lag, beta),
            tolerance=1e-14,
            reason="rounding: the state is exact, stable or not",
            compute=partial(splay_speed, lag, beta),
        )
        for lag, beta in ((0.7, -0.8), (0.3, 1.6), (1.2, -2.5))
    ),
    Row(
        id="A11",
        name="splay returns",
        statement="speed of a splay cluster 300 s after a kick of 0.05 rad, alpha = 0.7, beta = 0",
        machine="float",
        source=f"{BERNER}: cos(alpha - beta)/2, stable here",
        expected=published.splay_speed_rad_s(0.7, 0.0),
        tolerance=1e-6,
        reason="its slowest closed rate, -0.033/s, leaves e^{-10} of 0.05, squared",
        compute=lambda: splay(0.7, 0.0, 0.05)[1],
    ),
    Row(
        id="A11",
        name="splay leaves",
        statement="second moment of a splay cluster 300 s after that kick, alpha = 0.3, beta = 1.6",
        machine="float",
        source=f"{BERNER}: unstable here",
        expected=0.1,
        tolerance=0.0,
        relation=">=",
        reason="the kick is 0.03 and would fade",
        compute=lambda: splay(0.3, 1.6, 0.05)[0],
    ),
    *(
        Row(
            id="A11",
            name=f"{kind} rates",
            statement=f"largest distance between closed and numerical rates of the {kind} cluster "
            "of 7, over 21 pairs of alpha and beta, 1/s",
            machine="float",
            source=f"{BERNER}: the quadratics of section 4",
            expected=0.0,
            tolerance=1e-4,
            reason="double zeros of the splay family cost half the digits of a difference quotient",
            compute=partial(worst_rates, kind),
            seconds=0.4,
        )
        for kind in ("antipodal", "splay")
    ),
]
