"""A8 and A9 in the twin: networks that learn while they lock, by the cosine rule with decay."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import adaptive, integrate
from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.adapting import BRONSKI, detunings, reduced_state
from drai_hw.model.acceptance.machines import formats_of, machine
from drai_hw.model.acceptance.pairs import SELIGER
from drai_hw.model.acceptance.row import Row
from drai_hw.model.numbers import PROBABILITY_ONE, Formats
from drai_hw.units import TAU, wrap_rad

GAIN, ETA, DECAY = 48, 32_768, 65_536
STEPS = 60_000


def pair_formats() -> Formats:
    """Return the formats: a fine phase, since learning must be quick beside locking."""
    return formats_of(
        2, accumulator_bits=24, phase_bits=8, table_bits=8, weight_bits=8, g="cosine", decay=True
    )


def rest() -> tuple[float, float]:
    """Return the share lambda lost a pass, and the weight in phase, (1 - lambda) eta/lambda."""
    share = DECAY / PROBABILITY_ONE / 128
    return share, (1 - share) * ETA / PROBABILITY_ONE / share


def strength_lsb(gain: int = GAIN) -> float:
    """Return a, the pull of both at the weight in phase, LSB a step."""
    f = pair_formats()
    return 2 * gain * f.table_amplitude * rest()[1] / 2**f.shift


def word_of(ratio: float, gain: int = GAIN) -> int:
    """Return the difference of tuning words next to ``ratio`` of a."""
    return round(ratio * strength_lsb(gain))


@cache
def learned(ratio: float, branch: int, gain: int = GAIN) -> tuple[float, float, float]:
    """Return mean offset (rad), mean weight over the one in phase, and turns in all."""
    f = pair_formats()
    twin = machine(f, gain=gain, eta=ETA, decay=DECAY, gates=0)
    mean = bounds.golden_word(f.accumulator_bits - f.phase_bits)
    difference = word_of(ratio, gain)
    twin.load_omega([mean - difference // 2, mean - difference // 2 + difference])
    start = 0.3 + math.pi * branch
    twin.load_phases([0, round(start / bounds.lsb_rad(f))])
    twin.run(4000, learn=True)
    before, total = _offset(twin.read_phases(), f), 0.0
    offsets, weights = [], []
    for _ in range(STEPS // 20):
        twin.run(20, learn=True, resume=True)
        now = _offset(twin.read_phases(), f)
        total += float(wrap_rad(now - before))
        offsets.append(now)
        weights.append(twin.read_weights()[0, 1])
        before = now
    middle = np.exp(1j * np.array(offsets)).mean()
    offset = float(np.mod(np.angle(middle), TAU))
    return offset, float(np.mean(weights)) / rest()[1], abs(total) / TAU


def _offset(theta: np.ndarray, f: Formats) -> float:
    return float(theta[1] - theta[0]) * bounds.lsb_rad(f)


def weight_error() -> float:
    """Return how far the mean weight may be from its own, over the one in phase.

    The window of thresholds is within 1/(2 T) of the cosine, and the cut phases blur it by as much
    as the table. Four standard errors: the variance is below eta/lambda, see the module
    `twin_learning`; the mean over n steps has n lambda/2 independent values.
    """
    share, weight = rest()
    noise = 4 * math.sqrt(ETA / PROBABILITY_ONE / share / (STEPS * share / 2)) / weight
    return 1 / (2 * pair_formats().window) + bounds.mean_pull_error(pair_formats()) + noise


def offset_tolerance(ratio: float) -> float:
    """Return how far the offset may be: detuning over pull errs by the table and by the weight."""
    error = weight_error() + bounds.mean_pull_error(pair_formats())
    low, high = (adaptive.pair_offsets_rad(ratio * (1 + s * error))[0] for s in (-1, 1))
    return max(
        high - adaptive.pair_offsets_rad(ratio)[0], adaptive.pair_offsets_rad(ratio)[0] - low
    )


def value(ratio: float, branch: int, what: int, gain: int = GAIN) -> float:
    """Return offset, weight or turns."""
    return learned(ratio, branch, gain)[what]


FIVE = 5  # oscillators of A9
LIFTS = ((0, 0, 0, 0, 0), (0, 1, 0, 0, 1), (0, 1, 1, 1, 0))  # half turns


def five_formats() -> Formats:
    """Return the formats of the pair for five oscillators."""
    return formats_of(
        FIVE, accumulator_bits=24, phase_bits=8, table_bits=8, weight_bits=8, g="cosine", decay=True
    )


def five() -> tuple[int, float, NDArray[np.int64]]:
    """Return gain, a (LSB a step, that of the pair) and tuning words that lock."""
    f = five_formats()
    unit = FIVE * f.table_amplitude * rest()[1] / 2**f.shift
    gain = round(strength_lsb() / unit)
    return gain, gain * unit, np.rint(4 * detunings(FIVE) * gain * unit).astype(np.int64)


def lifted() -> NDArray[np.float64]:
    """Return half the phases of Kuramoto's stable state at twice these frequencies, rad."""
    _, strength, words = five()
    omega = words / strength
    return reduced_state(omega - omega.mean(), np.zeros(FIVE)) / 2


@cache
def returned() -> tuple[float, float]:
    """Return the largest errors of mean phases, rad, and of mean weights, over all lifts."""
    f, (gain, _, words) = five_formats(), five()
    worst_phase, worst_weight = 0.0, 0.0
    for number, lift in enumerate(LIFTS):
        wanted = lifted() + math.pi * np.array(lift)
        kick = np.random.default_rng(number).uniform(-0.2, 0.2, FIVE)
        twin = machine(f, gain=gain, eta=ETA, decay=DECAY, gates=0)
        twin.load_omega(words + bounds.golden_word(f.accumulator_bits - f.phase_bits))
        turns = np.mod(wanted + kick, TAU) / TAU
        twin.load_phases(np.floor(turns * 2**f.accumulator_bits).astype(np.int64))
        twin.run(STEPS // 3, learn=True)
        apart, weights = np.zeros(FIVE), np.zeros((FIVE, FIVE))
        for _ in range(STEPS // 20):
            twin.run(20, learn=True, resume=True)
            phases = twin.read_phases() * bounds.lsb_rad(f)
            apart += wrap_rad(phases - phases[0] - wanted + wanted[0])
            weights += twin.read_weights()
        apart /= STEPS // 20
        weights /= STEPS // 20 * rest()[1]
        cosines = np.cos(wanted[:, None] - wanted[None, :]) - np.eye(FIVE)
        worst_phase = max(worst_phase, float(np.ptp(apart)))
        worst_weight = max(worst_weight, float(np.abs(weights - cosines).max()))
    return worst_phase, worst_weight


def returned_tolerance() -> float:
    """Return how far two mean phases may be apart from what they should be, rad.

    Each of N - 1 pulls errs by that of the weight, times the sine of the difference, and that of
    the table; the state gives way by the inverse of its linearisation, with couplings that follow:
    that of the reduced network at twice the phases. Two phases may err in opposite directions.
    """
    omega = five()[2] / five()[1]
    slopes = adaptive.reduced_slopes(omega - omega.mean())
    rates = integrate.jacobian(slopes, (2 * lifted(),))
    softness = float(np.abs(np.linalg.pinv(rates, rcond=1e-6)).sum(axis=1).max())
    steepest = math.sin(float(np.ptp(lifted())))
    error = steepest * weight_error() + bounds.mean_pull_error(five_formats())
    return 2 * softness * (FIVE - 1) / FIVE * error


EXACT = word_of(0.35) / strength_lsb()
REASON = "derived: 1/(2 T) of the thresholds, table, four standard errors of the mean weight"

ROWS = [
    *(
        Row(
            id="A8",
            name=f"twin {('offset', 'weight')[what]} {('in phase', 'in anti-phase')[branch]}",
            statement=f"mean {('offset, rad,', 'weight')[what]} of a pair that learns while it "
            f"locks at dw = {EXACT:.4f} a, branch {('in phase', 'in anti-phase')[branch]}",
            machine="twin",
            source=f"{SELIGER}: dw = (a/2) sin 2D, k = a cos D",
            expected=adaptive.pair_offsets_rad(EXACT)[branch]
            if what == 0
            else math.cos(adaptive.pair_offsets_rad(EXACT)[branch]),
            tolerance=offset_tolerance(EXACT)
            if what == 0
            else weight_error() + 0.5 * offset_tolerance(EXACT),
            reason=REASON,
            compute=partial(value, 0.35, branch, what),
            seconds=1.2 if what == 0 else 0.1,
        )
        for branch in (0, 1)
        for what in (0, 1)
    ),
    Row(
        id="A8",
        name="twin turns beyond",
        statement="turns of such a pair in 60000 steps at dw = 0.7 a, ten times the gain",
        machine="twin",
        source=f"{SELIGER}: drifts above a/2",
        expected=10.0,
        tolerance=0.0,
        relation=">=",
        reason="a locked pair makes none",
        compute=partial(value, 0.7, 0, 2, 10 * GAIN),
        seconds=1.0,
    ),
    Row(
        id="A8",
        name="twin weight beyond",
        statement="mean weight of that pair",
        machine="twin",
        source=f"{SELIGER}: half a turn on with the opposite weight is the same orbit, hence 0",
        expected=0.0,
        tolerance=weight_error() + 1 / (TAU * 10),
        reason="derived: as above, and part of one of 10 or more beats",
        compute=partial(value, 0.7, 0, 1, 10 * GAIN),
        seconds=0.1,
    ),
    Row(
        id="A9",
        name="twin phases of five",
        statement="largest error of the mean phases, rad, of five oscillators that learn while "
        f"they lock, kicked by 0.2 rad from {len(LIFTS)} of the states psi/2 (+ pi)",
        machine="twin",
        source=BRONSKI,
        expected=0.0,
        tolerance=returned_tolerance(),
        reason="derived: errors of weights and table, through the inverse of the linearisation",
        compute=lambda: returned()[0],
        seconds=4.0,
    ),
    Row(
        id="A9",
        name="twin weights of five",
        statement="largest distance of their mean weights from the cosines of those states",
        machine="twin",
        source=BRONSKI,
        expected=0.0,
        tolerance=weight_error() + returned_tolerance(),
        reason="derived: thresholds, table, four standard errors, and the phases",
        compute=lambda: returned()[1],
        seconds=0.1,
    ),
]
