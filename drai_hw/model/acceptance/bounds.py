"""How far integers may lead the twin from real numbers: bounds that the twin's rows use.

The derivations are in the page "Errors of fixed point" of the documents. One LSB of phase is
``2 pi/2^A``, a bin ``Delta = 2 pi/2^P``.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.numbers import Formats
from drai_hw.units import TAU

FINE = 64  # points a bin at which a continuous error is sampled


def bin_rad(formats: Formats) -> float:
    """Return Delta, the width of a bin of the phase difference."""
    return TAU / 2**formats.phase_bits


def lsb_rad(formats: Formats) -> float:
    """Return one LSB of a phase."""
    return TAU / 2**formats.accumulator_bits


def sine_table(formats: Formats) -> NDArray[np.int64]:
    """Return the table as it must be: ``floor(T_max sin + 1/2)`` on half a turn, odd on the other.

    Made here and not read from the formats: a wrong table must not widen what it is allowed.
    """
    half = 1 << (formats.phase_bits - 1)
    rising = np.sin(np.arange(1, half) * (math.pi / half))
    first = np.floor(formats.table_amplitude * rising + 0.5).astype(np.int64)
    return np.concatenate([[0], first, [0], -first[::-1]])


def chord(formats: Formats, psi_rad: ArrayLike) -> NDArray[np.float64]:
    """Return T/T_max, interpolated between its points: what a turning pair feels in the mean."""
    table = np.append(sine_table(formats), 0) / formats.table_amplitude
    place = np.mod(np.asarray(psi_rad, dtype=np.float64), TAU) / bin_rad(formats)
    low = np.minimum(np.floor(place).astype(int), len(table) - 2)
    return table[low] + (place - low) * (table[low + 1] - table[low])


def mean_pull_error(formats: Formats) -> float:
    """Return the largest distance of the interpolated table from the sine, in units of T_max."""
    psi = np.arange(FINE << formats.phase_bits) * (bin_rad(formats) / FINE)
    return float(np.abs(chord(formats, psi) - np.sin(psi)).max())


def pull_error(formats: Formats) -> float:
    """Return the largest error of a single look-up: d lies up to a bin to either side of psi."""
    psi = np.arange(FINE << formats.phase_bits) * (bin_rad(formats) / FINE)
    table = sine_table(formats) / formats.table_amplitude
    low = np.floor(psi / bin_rad(formats)).astype(int)
    either = [table[(low + side) % len(table)] for side in (0, 1)]
    return float(max(np.abs(pull - np.sin(psi)).max() for pull in either)) + bin_rad(formats) / FINE


def steepest(formats: Formats) -> float:
    """Return the largest step of the table from one bin to the next, in units of T_max."""
    table = sine_table(formats)
    return float(np.abs(np.diff(table, append=table[0])).max()) / formats.table_amplitude


def discrepancy(word: int, fraction_bits: int) -> float:
    """Return by how much a turning phase can favour one side of a bin's edge, in steps.

    The fraction of a phase that moves by an odd ``word`` visits all ``2^fraction_bits`` values
    once in a period. This is the largest distance, over arcs and over times within a period, of
    the number of visits from its mean.
    """
    size = 1 << fraction_bits
    visits = np.mod(np.arange(size) * word, size) / size
    worst = 0.0
    for count in range(1, size + 1):
        apart = np.arange(1, count + 1) - count * np.sort(visits[:count])
        worst = max(worst, float(apart.max() - apart.min()) + 1.0)
    return worst


def golden_word(bits: int) -> int:
    """Return an odd tuning word near the golden share of ``2^bits``: the most even rotation."""
    return round((math.sqrt(5.0) - 1.0) / 2.0 * 2**bits) | 1


def lock_error_rad(formats: Formats, kappa_lsb: float, ratio: float, word: int) -> float:
    """Return how far a locked pair may be from ``asin(ratio)``, at any time, and so in the mean.

    Parameters
    ----------
    formats : Formats
        Number formats.
    kappa_lsb : float
        Largest advance of each by the other, LSB a step; its products with T/T_max are whole.
    ratio : float
        Detuning over ``2 kappa``.
    word : int
        Mean advance of the pair, LSB a step, odd.
    """
    error = mean_pull_error(formats)
    lean = max(abs(math.asin(ratio + side * error) - math.asin(ratio)) for side in (-1, 1))
    bits = formats.accumulator_bits - formats.phase_bits
    ripple = 2.0 * kappa_lsb * steepest(formats) * (1.0 + discrepancy(word, bits))
    return lean + ripple * lsb_rad(formats)


def energy_rise(formats: Formats, n: int, row_sum: float, step: float, kappa_lsb: float) -> float:
    """Return the largest rise of ``E = -1/2 sum w cos`` in a step, in LSB of weight.

    Parameters
    ----------
    n : int
        Oscillators.
    row_sum : float
        R, largest row sum of |w|.
    step : float
        Largest advance of a phase by coupling, rad: below 1.
    kappa_lsb : float
        The same in LSB: rounding is half of one.
    """
    slip = row_sum * (pull_error(formats) + 0.5 / kappa_lsb)
    return n * step / row_sum * slip**2 / (4.0 * (1.0 - step))
