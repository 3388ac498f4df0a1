"""A3 to A6 in the twin: all-to-all networks of equal weights with tuning words and dither."""

from __future__ import annotations

import math
from functools import cache, partial

import numpy as np

from drai_hw.model import published
from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.machines import equal_weights, formats_of, machine, order_trace
from drai_hw.model.acceptance.populations import KURAMOTO, PAZO, STROGATZ
from drai_hw.model.acceptance.row import Row
from drai_hw.model.meanfield import frequencies
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin

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
]  # fmt: skip
