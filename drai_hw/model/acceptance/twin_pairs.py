"""A1 and A2 in the twin: many pairs at once, each in a corner of one weight matrix."""

from __future__ import annotations

import math
from functools import cache

import numpy as np

from drai_hw.model import published
from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.machines import DEFAULT, FINE, formats_of, label, machine
from drai_hw.model.acceptance.pairs import ADLER
from drai_hw.model.acceptance.row import Row
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin

WEIGHT = 8  # with a gain of 2**SH/8 times a whole number the pull is the table times that number
COPIES = 8  # pairs of equal detuning, started at different fractions of a bin


def kappa_lsb(formats: Formats) -> int:
    """Return the largest pull of the pairs here: 2 T_max for 6 bits of table, T_max for 8."""
    return formats.table_amplitude * (2 if formats.table_bits == 6 else 1)


def pairs(words: list[int], widths: dict[str, int]) -> Twin:
    """Return a twin of one pair for each difference of tuning words, in motion."""
    f = formats_of(2 * len(words), **widths)
    gain = kappa_lsb(f) // f.table_amplitude * (1 << f.shift) // WEIGHT
    twin = machine(f, gain=gain)
    weights = np.zeros((f.n, f.n), dtype=np.int64)
    for k in range(len(words)):
        weights[2 * k, 2 * k + 1] = weights[2 * k + 1, 2 * k] = WEIGHT
    twin.load_weights(weights)
    mean = bounds.golden_word(f.accumulator_bits - f.phase_bits)
    difference = np.array(words)
    omega = np.empty(f.n, dtype=np.int64)
    omega[0::2] = mean - difference // 2
    omega[1::2] = omega[0::2] + difference
    twin.load_omega(omega)
    start = np.random.default_rng(1).integers(0, 1 << f.accumulator_bits, len(words))
    twin.load_phases(np.repeat(start, 2))
    return twin


def offsets_lsb(twin: Twin) -> np.ndarray:
    """Return the offset of every pair, within half a turn."""
    half = 1 << (twin.formats.accumulator_bits - 1)
    theta = twin.read_phases()
    return (theta[1::2] - theta[0::2] + half) % (2 * half) - half


def words_of(ratio: float, widths: dict[str, int]) -> int:
    """Return the even difference of tuning words nearest to ``ratio`` of the lock range."""
    return 2 * round(ratio * kappa_lsb(formats_of(2, **widths)))


@cache
def locked_rad(ratio: float, widths: tuple[tuple[str, int], ...]) -> float:
    """Return the mean offset of locked pairs over a whole period of their rotation."""
    shape = dict(widths)
    twin = pairs([words_of(ratio, shape)] * COPIES, shape)
    f = twin.formats
    twin.run(round(20 / (kappa_lsb(f) * bounds.lsb_rad(f))))
    seen = []
    for _ in range(1 << (f.accumulator_bits - f.phase_bits)):
        twin.run(1, resume=True)
        seen.append(offsets_lsb(twin))
    return float(np.mean(seen)) * bounds.lsb_rad(f)


@cache
def last_locked(widths: tuple[tuple[str, int], ...]) -> float:
    """Return the largest difference of tuning words that locks, over twice the pull."""
    shape = dict(widths)
    edge = 2 * kappa_lsb(formats_of(2, **shape))
    words = list(range(edge - 12, edge + 13))
    twin = pairs(words, shape)
    half = 1 << (twin.formats.accumulator_bits - 1)
    turned = np.zeros(len(words), dtype=np.int64)
    before = offsets_lsb(twin)
    # At 1 LSB a step a pair needs some thousand steps over the flat top of the table.
    for _ in range(300):
        twin.run(50, resume=True)
        now = offsets_lsb(twin)
        turned += (now - before + half) % (2 * half) - half
        before = now
    slipping = turned > half
    if np.any(np.diff(slipping.astype(int)) < 0):
        return math.nan  # one slips although a larger detuning holds
    return float(np.array(words)[~slipping].max()) / edge


@cache
def beat_ratio(ratio: float, widths: tuple[tuple[str, int], ...]) -> float:
    """Return the mean beat of drifting pairs in units of twice the pull."""
    shape = dict(widths)
    twin = pairs([words_of(ratio, shape)] * COPIES, shape)
    f = twin.formats
    turn = 1 << f.accumulator_bits
    total, before = np.zeros(COPIES), offsets_lsb(twin)
    crossings: list[list[float]] = [[] for _ in range(COPIES)]
    step = 0
    while min(len(c) for c in crossings) < 13:
        twin.run(1, resume=True)
        step += 1
        now = offsets_lsb(twin)
        moved = (now - before + turn // 2) % turn - turn // 2
        for k in np.flatnonzero((total + moved) // turn > total // turn):
            rest = turn - total[k] % turn
            crossings[k].append(step - 1 + rest / moved[k])
        total, before = total + moved, now
    # From the first whole turn to the last: no part of a beat is cut.
    beats = [(len(c) - 1) * turn / (c[-1] - c[0]) for c in crossings]
    return float(np.mean(beats)) / (2 * kappa_lsb(f))


def lock_row(ratio: float, widths: dict[str, int], seconds: float) -> Row:
    """A1: the offset of a locked pair."""
    f = formats_of(2, **widths)
    kappa = kappa_lsb(f)
    exact = words_of(ratio, widths) / (2 * kappa)
    word = bounds.golden_word(f.accumulator_bits - f.phase_bits)
    key = tuple(widths.items())
    return Row(
        id="A1",
        name=f"twin lock {ratio} P={f.phase_bits}",
        statement=f"mean offset of 8 pairs detuned by {exact:.4f} of their range, {label(widths)}, "
        "rad",
        machine="twin",
        source=f"{ADLER}: D = asin(dw/K)",
        expected=math.asin(exact),
        tolerance=bounds.lock_error_rad(f, kappa, exact, word),
        reason="derived: interpolated table against sine, and ripple of the rotation",
        compute=lambda: locked_rad(ratio, key),
        seconds=seconds,
    )


def range_row(widths: dict[str, int], seconds: float) -> Row:
    """A1: the lock range."""
    f = formats_of(2, **widths)
    key = tuple(widths.items())
    return Row(
        id="A1",
        name=f"twin range P={f.phase_bits}",
        statement=f"largest dw/K that locks, of 25 a tuning word apart, {label(widths)}",
        machine="twin",
        source=f"{ADLER}: locks iff |dw| <= K",
        expected=1.0,
        tolerance=1.0 / (2 * kappa_lsb(f)),
        reason="derived: above 2 T_max the pair must slip, and below the largest interpolated pull "
        "it cannot: one tuning word",
        compute=lambda: last_locked(key),
        seconds=seconds,
    )


def beat_row(ratio: float, widths: dict[str, int], seconds: float) -> Row:
    """A2: the beat."""
    f = formats_of(2, **widths)
    exact = words_of(ratio, widths) / (2 * kappa_lsb(f))
    expected = published.beat_rad_s(exact, 1.0)
    error = bounds.mean_pull_error(f)
    step = 2 * kappa_lsb(f) * bounds.lsb_rad(f)
    key = tuple(widths.items())
    return Row(
        id="A2",
        name=f"twin beat {ratio} P={f.phase_bits}",
        statement=f"beat of 8 pairs at dw = {exact:.4f} K over 12 turns, {label(widths)}, "
        "in units of K",
        machine="twin",
        source=f"{ADLER}: sqrt(dw^2 - K^2)",
        expected=expected,
        tolerance=max(abs(published.beat_rad_s(exact + s * error, 1.0) - expected) for s in (-1, 1))
        + expected * (exact * step) ** 2,
        reason="derived: the interpolated table errs by less than e, hence the beat lies between "
        "those at dw - e K and dw + e K; Euler adds h^2",
        compute=lambda: beat_ratio(ratio, key),
        seconds=seconds,
    )


ROWS = [
    *(lock_row(ratio, DEFAULT, 0.3) for ratio in (0.25, 0.5, 0.9)),
    *(lock_row(ratio, FINE, 0.5) for ratio in (0.5, 0.9, 0.99)),
    range_row(DEFAULT, 0.5),
    range_row({"phase_bits": 8, "table_bits": 8}, 0.5),
    *(beat_row(ratio, DEFAULT, 1.0) for ratio in (1.5, 3.0)),
    *(beat_row(ratio, FINE, seconds) for ratio, seconds in ((1.1, 0.7), (1.5, 0.4))),
]
