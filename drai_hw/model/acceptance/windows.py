"""A12, A16, A17 and A18 in the float model: windows, jitter, damped nodes, decay."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from drai_hw import spec as network
from drai_hw.model import g as functions
from drai_hw.model import published, window
from drai_hw.model.acceptance.row import Row
from drai_hw.model.reference import Reference
from drai_hw.model.resonator import Resonators
from drai_hw.units import TAU

BOX = "G. E. P. Box, G. M. Jenkins, Time Series Analysis (1970)"
KRAMER = f"M. A. Kramer, arXiv 2506.17083; {BOX}"
DERIVED = "derived"

JITTER = {
    "cosine": (published.jitter_cosine, "e^{-s^2}"),
    "xor": (published.jitter_xor, "8/pi^2 sum over odd k of e^{-k^2 s^2}/k^2"),
    "square": (published.jitter_square, "4/pi sum (-1)^m e^{-(2m+1)^2 s^2}/(2m+1)"),
}


@cache
def jittered(name: str, jitter_rad: float) -> float:
    """Return the weight that g teaches pairs in phase under jitter, over 1500 windows of 100."""
    rng = np.random.default_rng(6)
    phases = jitter_rad * rng.standard_normal((1500, 100))
    mean = window.window_mean(functions.make(name), phases)
    return float(mean[np.triu_indices(100, 1)].mean())


def ringing_error() -> float:
    """Return the largest distance of an impulse response from its closed form."""
    nodes = Resonators([0.05, 0.25, 1.5, 3.0], 0.93)
    impulse = np.zeros(300)
    impulse[0] = 1.0
    return float(np.abs(nodes.run(impulse) - nodes.response(300)).max())


def spectral_peak(angle: float, radius: float) -> float:
    """Return where the spectrum of a node's own impulse response peaks, rad a sample."""
    points = 1 << 16
    impulse = np.zeros(2000)
    impulse[0] = 1.0
    spectrum = np.abs(np.fft.rfft(Resonators([angle], radius).run(impulse)[:, 0], points))
    return TAU * int(np.argmax(spectrum)) / points


def xor_error() -> float:
    """Return the largest error of one XOR gate over a cycle, all differences of three grids."""
    return max(
        abs(window.xor_agreement(d, points) - (1 - 4 * min(d, points - d) / points))
        for points in (8, 64, 1024)
        for d in range(points)
    )


def low_rank_error() -> float:
    """Return the largest distance of Z Z^T / T from the mean of all cosines."""
    phases = np.random.default_rng(2).uniform(0, 7, (16, 12))
    direct = np.cos(phases[:, :, None] - phases[:, None, :]).mean(axis=0)
    np.fill_diagonal(direct, 0)
    return float(np.abs(window.window_mean(functions.make("cosine"), phases) - direct).max())


def rank(steps: int) -> int:
    """Return the rank of the windowed cosine of 12 oscillators, its diagonal of 1 put back."""
    phases = np.random.default_rng(2).uniform(0, 7, (steps, 12))
    mean = window.window_mean(functions.make("cosine"), phases) + np.eye(12)
    return int(np.linalg.matrix_rank(mean, tol=1e-10))


def drifting_pair(turn_rad: float, steps: int) -> float:
    """Return what a window of cosines leaves of a pair that drifts by ``turn_rad`` a step."""
    middle = np.arange(steps) - (steps - 1) / 2
    phases = np.stack([np.zeros(steps), turn_rad * middle], axis=1)
    return float(window.window_mean(functions.make("cosine"), phases)[0, 1])


def rest_weight(name: str, psi_rad: float) -> float:
    """Return the weight after 600 windows at a fixed difference, eta = 0.1, lambda = 0.05."""
    mean = window.window_mean(functions.make(name), np.array([[0.0, psi_rad]]))
    weights = np.zeros((2, 2))
    for _ in range(600):
        weights = window.learned(weights, mean, 0.1, 0.05)
    return float(weights[0, 1])


@cache
def learner(decay: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the weights that task A left, right after it and after 16 windows of task B.

    Below saturation and without gates the rule is linear: the difference between runs with and
    without A is A's part alone.
    """
    tasks = np.random.default_rng(8).choice([-1, 1], size=(8, 30))
    data = {
        "schema": 1,
        "network": {"name": "tasks", "oscillators": 30},
        "task": {"kind": "lock"},
        "formats": {"weight_bits": 8},
        "learning": {"eta": 0.1, "decay": decay, "gates": []},
    }
    both, second = Reference(network.validate(data)), Reference(network.validate(data))
    for pattern in np.tile(tasks[:4], (4, 1)):
        both.present(pattern)
    first = both.weights.copy()
    for pattern in np.tile(tasks[4:], (4, 1)):
        both.present(pattern)
        second.present(pattern)
    return first, both.weights - second.weights


def strength_left(decay: float) -> float:
    """Return the share of task A's weights after task B, by least squares."""
    first, left = learner(decay)
    return float(np.sum(first * left) / np.sum(first**2))


def scatter_left(decay: float) -> float:
    """Return the largest distance of a weight from that share, over the largest weight."""
    first, left = learner(decay)
    return float(np.abs(left - strength_left(decay) * first).max() / np.abs(first).max())


def faded_share(windows: int, decay: float) -> float:
    """Return the part of a weight left after windows of decay in the model's own presentation."""
    data = {
        "schema": 1,
        "network": {"name": "decay", "oscillators": 4, "initial_weight": 8},
        "task": {"kind": "lock"},
        "learning": {"eta": 0.0, "decay": decay},
    }
    model = Reference(network.validate(data))
    for _ in range(windows):
        model.present(np.ones(4))
    return float(model.weights[0, 1] / 8.0)


@cache
def stream(decay: float) -> tuple[float, ...]:
    """Return the projections of the weights on 24 patterns shown once each, newest first."""
    patterns = np.random.default_rng(9).choice([-1, 1], size=(24, 400))
    weights = np.zeros((400, 400))
    g = functions.make("cosine")
    for pattern in patterns:
        mean = window.window_mean(g, np.where(pattern > 0, 0.0, math.pi)[None, :])
        weights = window.learned(weights, mean, 1.0, decay)
    return tuple(float(x @ weights @ x) / (400 * 399) for x in patterns[::-1])


def stream_distance(decay: float) -> float:
    """Return the largest distance of these projections from (1 - decay)^age."""
    return max(abs(s - (1 - decay) ** age) for age, s in enumerate(stream(decay)))


ROWS = [
    *(
        Row(
            id="A12",
            name=f"jitter {name} {s}",
            statement=f"weight that g = {name} teaches a pair under jitter of {s} rad a node",
            machine="float",
            source=f"{DERIVED}: {JITTER[name][1]}",
            expected=JITTER[name][0](s),
            tolerance=0.006,
            reason="1500 windows of 100 oscillators: 4 standard errors of the mean over pairs",
            compute=partial(jittered, name, s),
        )
        for name in JITTER
        for s in (0.3, 1.0, 1.7)
    ),
    Row(
        id="A16",
        name="impulse",
        statement="largest error of the impulse responses of four damped nodes, 300 samples",
        machine="float",
        source=f"{KRAMER}: r^t sin((t+1) theta)/sin theta",
        expected=0.0,
        tolerance=1e-12,
        reason="rounding",
        compute=ringing_error,
    ),
    *(
        Row(
            id="A16",
            name=f"peak {angle}",
            statement=f"frequency at which a node of theta = {angle}, r = {radius} rings most, "
            "rad a sample",
            machine="float",
            source=f"{BOX}: cos w = (1 + r^2)/(2 r) cos theta",
            expected=math.acos((1 + radius**2) / (2 * radius) * math.cos(angle)),
            tolerance=5e-5,
            reason="half a point of a transform with 2^16",
            compute=partial(spectral_peak, angle, radius),
        )
        for angle, radius in ((0.25, 0.98), (0.8, 0.93), (2.2, 0.9))
    ),
    Row(
        id="A17",
        name="xor",
        statement="largest error of one XOR gate over a cycle of 8, 64 and 1024 points",
        machine="float",
        source=f"{DERIVED}: 1 - 2|d|/pi",
        expected=0.0,
        tolerance=0.0,
        reason="dyadic fractions are exact",
        compute=xor_error,
    ),
    Row(
        id="A17",
        name="low rank",
        statement="largest distance of Z Z^T/T from the window mean of all cosines",
        machine="float",
        source=f"{DERIVED}: addition theorem",
        expected=0.0,
        tolerance=1e-14,
        reason="rounding",
        compute=low_rank_error,
    ),
    *(
        Row(
            id="A17",
            name=f"rank {steps}",
            statement=f"rank of the windowed cosine of 12 oscillators, T = {steps}",
            machine="float",
            source=f"{DERIVED}: min(2 T, N)",
            expected=min(2 * steps, 12),
            tolerance=0.0,
            reason="an integer",
            compute=partial(rank, steps),
        )
        for steps in (2, 16)
    ),
    *(
        Row(
            id="A17",
            name=f"low pass {turn:.3g} {steps}",
            statement=f"cosine window of T = {steps} for a pair drifting by {turn:.3g} rad a step",
            machine="float",
            source="Dirichlet kernel sin(T x/2)/(T sin(x/2))",
            expected=math.sin(steps * turn / 2) / (steps * math.sin(turn / 2)),
            tolerance=1e-12,
            reason="rounding",
            compute=partial(drifting_pair, turn, steps),
        )
        for turn, steps in ((0.1, 16), (0.7, 5), (4.0, 16))
    ),
    *(
        Row(
            id="A17",
            name=f"rest weight {name}",
            statement=f"weight at which eta = 0.1 and lambda = 0.05 balance, g = {name}, "
            "difference 0.9 rad",
            machine="float",
            source=f"{DERIVED}: (eta/lambda) <g>",
            expected=2 * value,
            tolerance=1e-12,
            reason="0.95^600 = e^{-31} of the way is left",
            compute=partial(rest_weight, name, 0.9),
        )
        for name, value in (
            ("cosine", math.cos(0.9)),
            ("xor", 1 - 1.8 / math.pi),
            ("square", 1.0),
            ("gaussian", math.exp(-(0.9**2) / (2 * 0.5**2)) - 0.25),
            ("sigmoid", 2 / (1 + math.exp(-4 * math.cos(0.9))) - 1),
        )
    ),
    Row(
        id="A17",
        name="decay",
        statement="share of a weight left after 35 presentations with lambda = 0.02",
        machine="float",
        source=f"{DERIVED}: (1 - lambda)^n",
        expected=0.98**35,
        tolerance=1e-13,
        reason="rounding",
        compute=lambda: faded_share(35, 0.02),
    ),
    *(
        Row(
            id="A18",
            name=f"strength {decay}",
            statement=f"share of task A's weights after 16 windows of task B, lambda = {decay}",
            machine="float",
            source=f"{DERIVED}: (1 - lambda)^16",
            expected=(1 - decay) ** 16,
            tolerance=1e-12,
            reason="rounding: the rule is linear below saturation",
            compute=partial(strength_left, decay),
        )
        for decay in (0.0, 0.002, 0.005, 0.01, 0.03)
    ),
    Row(
        id="A18",
        name="strength, every weight",
        statement="largest distance of a weight of task A from that share, lambda = 0.03",
        machine="float",
        source=f"{DERIVED}: every weight fades alike",
        expected=0.0,
        tolerance=1e-12,
        reason="rounding",
        compute=lambda: scatter_left(0.03),
    ),
    *(
        Row(
            id="A18",
            name=f"palimpsest {decay}",
            statement="largest distance of the projections on 24 patterns shown once each from "
            f"(1 - lambda)^age, lambda = {decay}",
            machine="float",
            source=f"{DERIVED}: (1 - lambda)^age",
            expected=0.0,
            tolerance=6 * math.sqrt(2 / (1 - (1 - decay) ** 2)) / 400,
            reason="crosstalk is a sum of (chi^2 - 1)/400 with the strengths as weights: six "
            "deviations, since its tail falls as slowly as that of chi^2",
            compute=partial(stream_distance, decay),
        )
        for decay in (0.1, 0.3)
    ),
]
