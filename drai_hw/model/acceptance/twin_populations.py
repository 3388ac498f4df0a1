"""A3 to A7 in the twin: all-to-all networks of equal weights with tuning words and dither."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import published
from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.machines import (
    equal_weights,
    formats_of,
    machine,
    order_trace,
    phases_rad,
)  # fmt: skip
from drai_hw.model.acceptance.populations import KURAMOTO, OTT, PAZO, STROGATZ
from drai_hw.model.acceptance.row import Row
from drai_hw.model.meanfield import Population, frequencies
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.units import TAU

N = 256
GAIN = 160  # K = 256 x 160 x 31/4096 = 310 LSB = 0.03 rad a step
DITHER_EXPONENT = 10
NOISY_STEPS = 60_000


def noisy_formats() -> Formats:
    """Return the formats of the noisy populations: a fine table, since near K_c errors grow."""
    return formats_of(N, phase_bits=8, table_bits=8)


def population(f: Formats, gain: int, **registers: int) -> tuple[Twin, float]:
    """Return N equal oscillators of weight 1, in common rotation, and K in LSB a step."""
    twin = machine(f, gain=gain, **registers)
    twin.load_weights(equal_weights(N))
    twin.load_omega(np.full(N, bounds.golden_word(f.accumulator_bits - f.phase_bits)))
    # Together but for a bin, so that no two start with the same fraction.
    twin.load_phases(np.arange(N) * 4)
    return twin, N * gain * f.table_amplitude / 2**f.shift


@cache
def order(spread: str, coupling: float, steps: int = 3000) -> float:
    """Return r of a population with tuning words at the quantiles of a distribution."""
    twin, k_lsb = population(formats_of(N), GAIN)
    words = np.rint(frequencies(spread, N) * (k_lsb / coupling)).astype(np.int64)
    twin.load_omega(words + twin.omega[:N])
    return order_trace(twin, steps, steps)


def order_tolerance(spread: str, coupling: float, closed: float) -> float:
    """Return how far r may be from its closed form: frequencies, table, rounding, Euler, drift.

    The pull on each errs by no more than the interpolated table and half an LSB; the solutions of
    the self-consistency with both signs of that error bound r for these N frequencies. Oscillators
    that drift scatter about 0 with at most 1/N each and raise |z| by half of that over r.
    """
    f = formats_of(N)
    k_lsb = N * GAIN * f.table_amplitude / 2**f.shift
    error = bounds.mean_pull_error(f) + 1.0 / k_lsb  # pull and tuning word: half an LSB each
    omega = frequencies(spread, N)
    sides = [published.shifted_order(omega, coupling, side * error) for side in (-1, 1)]
    drifting = np.count_nonzero(np.abs(omega) > coupling * closed * (1 - error)) / N
    step = k_lsb * bounds.lsb_rad(f)
    return max(abs(s - closed) for s in sides) + drifting * (1 / (2 * N * closed) + step / 2)


def noise_rad2() -> float:
    """Return D of the dither per step: half its variance, of +-2^s with probability 1/4 each."""
    return 2.0 ** (2 * DITHER_EXPONENT) / 4.0 * bounds.lsb_rad(noisy_formats()) ** 2


def noisy_gain(ratio: float) -> int:
    """Return the gain that makes K/D nearest to ``ratio``."""
    f = noisy_formats()
    unit = N * f.table_amplitude / 2**f.shift * bounds.lsb_rad(f)
    return round(ratio * noise_rad2() / unit)


def noisy_ratio(ratio: float) -> float:
    """Return K/D with that gain."""
    f = noisy_formats()
    return noisy_gain(ratio) * N * f.table_amplitude / 2**f.shift * bounds.lsb_rad(f) / noise_rad2()


@cache
def noisy(ratio: float) -> float:
    """Return r of equal oscillators whose dither is the noise, over many steps."""
    twin, _ = population(noisy_formats(), noisy_gain(ratio), dither=DITHER_EXPONENT + 1)
    return order_trace(twin, 2000, NOISY_STEPS, 10)


def noisy_tolerance(ratio: float) -> float:
    """Return how far r may be from I1/I0: table, Euler, finite N, and four standard errors.

    The pull errs by e and half an LSB; Euler raises the variance near rest by K r/2 of a step. In
    the linear response about the state the mean of |z| fluctuates by sqrt(v/N) with v below 1/2,
    amplified by 1/(1 - slope) of the self-consistency and correlated for as many relaxation times.
    """
    closed = published.order_noisy(ratio, 1.0)
    f = noisy_formats()
    k_rad = ratio * noise_rad2()
    error = bounds.mean_pull_error(f) + 0.5 * bounds.lsb_rad(f) / k_rad
    shift = 1e-4
    slope = (
        published.order_noisy(ratio * (1 + shift), 1.0)
        - published.order_noisy(ratio * (1 - shift), 1.0)
    ) / (2 * shift)
    bias = abs(slope) * (error / closed + k_rad * closed / 2)
    # d r/d ln K = gain - 1 of the loop r -> I1/I0(K r/D): fluctuations are amplified alike.
    gain = 1.0 + slope / closed
    variance = (1 - closed**2 - closed / (ratio * closed)) / N * gain**2
    independent = NOISY_STEPS * noise_rad2() / gain
    return bias + gain / (2 * N * closed) + 4 * math.sqrt(variance / independent)


MANY, SPAN_S, STEP_S = 512, 3.0, 0.005  # of A7, whose frequencies have a width of 1 rad/s


def moving(coupling: float) -> tuple[Formats, int, float, float]:
    """Return formats, gain, K in LSB a step, and the exact length of a step of A7."""
    f = formats_of(MANY, accumulator_bits=18, phase_bits=8, table_bits=8)
    unit = MANY * f.table_amplitude / 2**f.shift
    gain = round(coupling * STEP_S / bounds.lsb_rad(f) / unit)
    return f, gain, gain * unit, gain * unit * bounds.lsb_rad(f) / coupling


def starting(start: float) -> NDArray[np.float64]:
    """Return phases of order ``start``, unrelated to the frequencies."""
    return published.wrapped_cauchy_rad(start, published.spread_out(MANY))


@cache
def transient(coupling: float, start: float) -> float:
    """Return the largest distance of r(t) in the twin from Ott and Antonsen."""
    f, gain, k_lsb, step = moving(coupling)
    twin = machine(f, gain=gain)
    twin.load_weights(equal_weights(MANY))
    words = np.rint(frequencies("lorentzian", MANY) * (k_lsb / coupling)).astype(np.int64)
    twin.load_omega(words + bounds.golden_word(f.accumulator_bits - f.phase_bits))
    turns = np.mod(starting(start), TAU) / TAU
    twin.load_phases(np.floor(turns * 2**f.accumulator_bits).astype(np.int64))
    worst = 0.0
    for number in range(round(SPAN_S / step)):
        r = abs(np.exp(1j * phases_rad(twin)).mean())
        closed = float(published.ott_antonsen(np.array([number * step]), start, coupling)[0])
        worst = max(worst, abs(r - closed))
        twin.run(1, resume=number > 0)
    return worst


def transient_tolerance(coupling: float, start: float) -> float:
    """Return how far r(t) may be: what N and h do to the float model, and the errors of the pull.

    The pull on an oscillator is K r sin, and errs by K e at most, e from the interpolated table
    and an LSB: r then lies between the solutions of r' = -r + (K/2)(r +- e)(1 - r^2).
    """
    f, _, k_lsb, step = moving(coupling)
    error = bounds.mean_pull_error(f) + 1.0 / k_lsb
    population = Population(frequencies("lorentzian", MANY), coupling)
    population.phases_rad = starting(start)
    steps = round(SPAN_S / step)
    closed = published.ott_antonsen(np.arange(steps) * step, start, coupling)
    finite = float(np.abs(population.run(steps, step) - closed).max())
    worst, fine = 0.0, 10
    for side in (-1, 1):
        r = start
        for number in range(steps):
            worst = max(worst, abs(r - closed[number]))
            for _ in range(fine):
                r += step / fine * (-r + coupling / 2 * (r + side * error) * (1 - r * r))
    return finite + worst


def order_row(id_: str, spread: str, coupling: float, source: str, closed: float) -> Row:
    """A3 to A5: r of a population in the twin."""
    return Row(
        id=id_,
        name=f"twin {spread} {coupling:g}",
        statement=f"r of {N} oscillators, weights 1, {spread} tuning words, at K = {coupling:g}",
        machine="twin",
        source=source,
        expected=closed,
        tolerance=order_tolerance(spread, coupling, closed),
        reason="derived: self-consistency of these frequencies with a pull that errs by the "
        "interpolated table and an LSB, either way; drifting oscillators 1/(2 N r)",
        compute=lambda: order(spread, coupling),
        seconds=0.4,
    )


ROWS = [
    order_row("A3", "lorentzian", 4.0, f"{KURAMOTO}: sqrt(1 - 2/K)",
              published.order_lorentzian(4.0)),
    order_row("A4", "gaussian", 3.0, f"{STROGATZ}: Bessel functions", published.order_gaussian(3)),
    order_row("A5", "uniform", 2.0, f"{PAZO}: all are locked", published.order_uniform(2.0)),
    Row(
        id="A5",
        name="twin uniform 1.15",
        statement=f"r of {N} oscillators, uniform tuning words, at K = 1.15, below 4/pi = 1.273",
        machine="twin",
        source=f"{PAZO}: 0 below 4/pi",
        expected=0.0,
        tolerance=2 / math.sqrt(N),
        relation="<=",
        reason="2/sqrt N of a finite population; just above the jump r is pi/4",
        compute=lambda: order("uniform", 1.15),
        seconds=0.4,
    ),
    *(
        Row(
            id="A6",
            name=f"twin noise {ratio:g}",
            statement=f"r of {N} oscillators, P = B = 8, dither 2^{DITHER_EXPONENT} LSB as noise, "
            f"at K/D = {noisy_ratio(ratio):.4f}",
            machine="twin",
            source="r = I1(K r/D)/I0(K r/D), D = 2^(2s)/4 LSB^2 a step",
            expected=published.order_noisy(noisy_ratio(ratio), 1.0),
            tolerance=noisy_tolerance(noisy_ratio(ratio)),
            reason="derived: table, Euler, 1/N, four standard errors over 60000 steps",
            compute=partial(noisy, ratio),
            seconds=2.0,
        )
        for ratio in (4.0, 3.0)
    ),
    Row(
        id="A6",
        name="twin noise 1.5",
        statement=f"the same at K/D = {noisy_ratio(1.5):.4f}, below K_c = 2 D",
        machine="twin",
        source="K_c = 2 D; r then is the noise of N = 256: sqrt(pi/(4 N (1 - K/2D)))",
        expected=math.sqrt(math.pi / (4 * N * (1 - noisy_ratio(1.5) / 2))),
        tolerance=0.02,
        reason="the mean over 36 independent states scatters by 0.52/sqrt(36) = 9 % or 0.01: two",
        compute=lambda: noisy(1.5),
        seconds=2.0,
    ),
    *(
        Row(
            id="A7",
            name=f"twin transient {coupling:g} from {start}",
            statement=f"largest |r(t) - closed form| over 3 s of {MANY} oscillators, P = B = 8, "
            f"K = {coupling:g}, from r = {start}",
            machine="twin",
            source=f"{OTT}: r' = -g r + (K/2) r (1 - r^2)",
            expected=0.0,
            tolerance=transient_tolerance(coupling, start),
            reason="derived: what N and the step do to the float model, and the same equation "
            "with a pull that errs by the interpolated table and an LSB, either way",
            compute=partial(transient, coupling, start),
            seconds=1.0,
        )
        for coupling, start in ((4.0, 0.3), (1.0, 0.9))
    ),
]  # fmt: skip
