"""A12, A17 and A18 in the twin: the stochastic rule, exactly or in the mean."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np

from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.machines import equal_weights, formats_of, machine
from drai_hw.model.acceptance.row import Row
from drai_hw.model.acceptance.windows import DERIVED, JITTER
from drai_hw.model.numbers import PROBABILITY_ONE
from drai_hw.model.twin import Twin
from drai_hw.units import rad_to_lsb

N = 128
PAIRS = N * (N - 1) // 2
UPPER = np.triu_indices(N, 1)


def learner(g: str = "xor", n: int = N, **registers: int) -> Twin:
    """Return a twin of 8-bit weights whose phases rest: no gain, no gates."""
    return machine(formats_of(n, weight_bits=8, g=g, decay=True, seed=5), gates=0, **registers)


# -- A17 -------------------------------------------------------------------------------------------


@cache
def one_window(g: str) -> float:
    """Return the largest distance of a window's change of weight from T g(d), every d."""
    twin = learner(g, 64, eta=PROBABILITY_ONE)
    f = twin.formats
    twin.load_phases(np.arange(64) << (f.accumulator_bits - f.phase_bits))  # one in each bin
    twin.run(f.window, learn=True)
    d = np.abs(np.subtract.outer(np.arange(64), np.arange(64)))
    d = np.minimum(d, 64 - d)
    exact = 1 - d / 16 if g == "xor" else np.cos(2 * math.pi * d / 64)
    off = ~np.eye(64, dtype=bool)
    return float(np.abs(twin.read_weights() - f.window * exact)[off].max()) / f.window


@cache
def fading(probability: int, passes: int) -> float:
    """Return the mean share of weights of 100 LSB that passes of decay leave."""
    twin = learner(decay=probability)
    twin.load_weights(equal_weights(N, 100))
    twin.run(passes, learn=True)
    return float(twin.read_weights()[UPPER].mean()) / 100


def rate(probability: int) -> float:
    """Return lambda of a decay register: events move one LSB with probability |w|/2^(W-1)."""
    return probability / PROBABILITY_ONE / 128


def fading_tolerance(probability: int, passes: int) -> float:
    """Return five standard errors of that mean.

    A weight of w loses one LSB with probability lambda w: the variance of a step is below
    lambda w, and the later mean shrinks it; summed, below 100 q (1 - q) with q the share left.
    """
    q = (1 - rate(probability)) ** passes
    return 5 * math.sqrt(100 * q * (1 - q) / PAIRS) / 100


ETA, DECAY = 16384, 65536


@cache
def rest_weights(g: str) -> tuple[float, float]:
    """Return the mean weight of pairs at an eighth and at three eighths of a turn, at rest.

    Eight groups of oscillators an eighth of a turn apart; after six time constants the mean over
    pairs and over 16 windows.
    """
    twin = learner(g, eta=ETA, decay=DECAY)
    f = twin.formats
    group = np.arange(N) % 8
    twin.load_phases(group << (f.accumulator_bits - 3))
    twin.run(24 * f.window, learn=True)  # a time constant is 1/lambda = 128 passes
    apart = np.abs(group[:, None] - group[None, :])
    apart = np.minimum(apart, 8 - apart)[UPPER]
    total = np.zeros(PAIRS)
    for _ in range(16 * f.window):
        twin.run(1, learn=True, resume=True)
        total += twin.read_weights()[UPPER]
    mean = total / (16 * f.window)
    return float(mean[apart == 1].mean()), float(mean[apart == 3].mean())


def rest_weight(g: str, index: int) -> float:
    """Return one of both."""
    return rest_weights(g)[index]


def rest_closed(g_value: float) -> float:
    """Return (1 - lambda)/lambda eta g: an update comes before the decay of a pass."""
    lam = rate(DECAY)
    return (1 - lam) / lam * ETA / PROBABILITY_ONE * g_value


def rest_tolerance(g: str) -> float:
    """Return the window's 1/T of g and five standard errors.

    A pass moves a weight by at most one step of eta and one of decay: its variance is below
    eta + lambda |w|, at rest below (eta + eta)/(2 lambda) = eta/lambda. Pairs are independent;
    windows over 4 time constants count for 2.
    """
    lam, eta = rate(DECAY), ETA / PROBABILITY_ONE
    noise = 5 * math.sqrt(eta / lam / (2 * 2 * N * N / 16))
    return noise + (0.0 if g == "xor" else rest_closed(1.0) / 32)


# -- A12 -------------------------------------------------------------------------------------------


@cache
def jittered(g: str, jitter_rad: float) -> float:
    """Return the mean of a step over passes whose phases are drawn anew, about one point."""
    twin = learner(g, eta=PROBABILITY_ONE)
    f = twin.formats
    rng = np.random.default_rng(6)
    total, passes = 0.0, 32 * f.window
    empty = np.zeros((N, N))
    for index in range(passes):
        phases = 1.0 + jitter_rad * rng.standard_normal(N) + rng.uniform(0, 2 * math.pi)
        twin.load_phases(rad_to_lsb(phases, f.accumulator_bits))
        twin.run(1, learn=True, resume=index > 0)
        if index % f.window == f.window - 1:  # well before +-127
            total += float(twin.read_weights()[UPPER].sum())
            twin.load_weights(empty)
    return total / passes / PAIRS


def jitter_tolerance(g: str, jitter_rad: float) -> float:
    """Return blur by the grid, error of the thresholds, and four standard errors.

    Cutting both phases to bins adds a triangular error of variance Delta^2/6 to the difference,
    Delta^2/12 a node. The square's thresholds are all alike, but it counts exactly a quarter turn,
    where it jumps, as -1 and not as 0: wrong by one for the share of pairs in those two bins. Each
    oscillator's jitter enters N - 1 pairs, so a pass counts as N/2 pairs.
    """
    closed = JITTER[g][0]
    delta = bounds.bin_rad(formats_of(N))
    blur = abs(closed(math.hypot(jitter_rad, delta / math.sqrt(12))) - closed(jitter_rad))
    window = 1 / 64 if g == "cosine" else 0.0
    if g == "square":
        spread = math.sqrt(2.0) * jitter_rad
        density = math.exp(-((math.pi / 2 / spread) ** 2) / 2) / (spread * math.sqrt(2 * math.pi))
        window = 2 * delta * density  # P(|d| = a quarter turn), which counts as -1
    return blur + window + 4 / math.sqrt(32 * 32 * N / 2)


# -- A18 -------------------------------------------------------------------------------------------


@cache
def strength(probability: int, passes: int) -> float:
    """Return the share of task A in the weights after ``passes`` of task B, in the mean.

    Projected on A's pattern the weights hold A's share and B's projection; the difference between
    twins with and without A, the same draws for both, is A's.
    """
    rng = np.random.default_rng(8)
    first, second = rng.choice([-1, 1], size=(2, N))
    left = []
    for with_first in (True, False):
        twin = learner("xor", eta=8192, decay=probability)
        bits = twin.formats.accumulator_bits
        if with_first:
            weights = 60 * np.outer(first, first)
            np.fill_diagonal(weights, 0)
            twin.load_weights(weights)
        twin.load_phases(np.where(second > 0, 0, 1 << (bits - 1)))
        twin.run(passes, learn=True)
        left.append(float(first @ twin.read_weights() @ first) / (N * (N - 1)))
    return (left[0] - left[1]) / 60


def strength_tolerance(probability: int, passes: int) -> float:
    """Return five standard errors of that difference; see `fading_tolerance`, with two twins."""
    q = (1 - rate(probability)) ** passes
    return 5 * math.sqrt((60 * q * (1 - q) + 2 * passes / 8 * (1 - q)) / PAIRS) / 60


def jitter_row(g: str, s: float) -> Row:
    """A12 for one g and one jitter."""
    return Row(
        id="A12",
        name=f"twin jitter {g} {s}",
        statement=f"mean step that g = {g} takes under jitter of {s} rad a node",
        machine="twin",
        source=f"{DERIVED}: {JITTER[g][1]}",
        expected=JITTER[g][0](s),
        tolerance=jitter_tolerance(g, s),
        reason="derived: blur of two cut phases; cosine: 1/(2 T) of the threshold sweep, square: "
        "the share of pairs exactly at a quarter turn, which count as -1; four standard errors",
        compute=lambda: jittered(g, s),
        seconds=0.3,
    )


ROWS = [
    Row(
        id="A17",
        name="twin xor",
        statement="largest distance of a window's mean step from g, g = xor, all 64 differences",
        machine="twin",
        source=f"{DERIVED}: 1 - 2|d|/pi",
        expected=0.0,
        tolerance=0.0,
        reason="the thresholds of a window take each value once: exact",
        compute=lambda: one_window("xor"),
    ),
    Row(
        id="A17",
        name="twin cosine",
        statement="the same for g = cosine",
        machine="twin",
        source=f"{DERIVED}: cos d",
        expected=0.0,
        tolerance=1 / 32,
        relation="<=",
        reason="derived: a count of thresholds is rounded to half of one, each is worth 2/T",
        compute=lambda: one_window("cosine"),
    ),
    *(
        Row(
            id="A17",
            name=f"twin decay {probability} {passes}",
            statement=f"mean share of 8128 weights of 100 LSB left after {passes} passes, "
            f"DECAY = {probability}",
            machine="twin",
            source=f"{DERIVED}: (1 - lambda)^n, lambda = DECAY/2^(16 + W - 1)",
            expected=(1 - rate(probability)) ** passes,
            tolerance=fading_tolerance(probability, passes),
            reason="derived: five standard errors of a pure death process, linear in w",
            compute=partial(fading, probability, passes),
            seconds=0.3,
        )
        for probability, passes in ((PROBABILITY_ONE, 60), (20_000, 400))
    ),
    *(
        Row(
            id="A17",
            name=f"twin rest weight {g} {'eighth' if far == 0 else 'three eighths'}",
            statement=f"mean weight at rest, eta = 1/4, lambda = 1/128, g = {g}, difference of "
            f"{'an eighth' if far == 0 else 'three eighths'} of a turn, LSB",
            machine="twin",
            source=f"{DERIVED}: (1 - lambda) (eta/lambda) g, update before decay",
            expected=rest_closed(value),
            tolerance=rest_tolerance(g),
            reason="derived: 1/T of the window's g (0 for xor) and five standard errors",
            compute=partial(rest_weight, g, far),
            seconds=0.4,
        )
        for g, far, value in (
            ("xor", 0, 0.5),
            ("xor", 1, -0.5),
            ("cosine", 0, math.cos(math.pi / 4)),
            ("cosine", 1, -math.cos(math.pi / 4)),
        )
    ),
    *(jitter_row(g, s) for g in ("xor", "cosine", "square") for s in (0.3, 1.0)),
    *(
        Row(
            id="A18",
            name=f"twin strength {probability}",
            statement=f"mean share of task A's weights after {passes} passes of task B, "
            f"lambda = {rate(probability):.5f}",
            machine="twin",
            source=f"{DERIVED}: (1 - lambda)^n",
            expected=(1 - rate(probability)) ** passes,
            tolerance=strength_tolerance(probability, passes),
            reason="derived: five standard errors of a death process and of task B's own noise",
            compute=partial(strength, probability, passes),
            seconds=0.3,
        )
        for probability, passes in ((0, 64), (20_000, 64), (PROBABILITY_ONE, 64))
    ),
]
