"""Number formats: tables, widths, rounding."""

import math

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats, coupling_table, round_shift, signed_bits


@pytest.mark.parametrize("kind", ["sine", "triangle", "square"])
@pytest.mark.parametrize(("bits", "amplitude"), [(3, 1), (4, 2), (4, 7), (6, 31), (8, 127)])
def test_coupling_table_is_odd_and_zero_at_zero_and_half(kind, bits, amplitude):
    table = np.array(coupling_table(kind, bits, amplitude))
    size = 1 << bits
    assert np.array_equal(table[-np.arange(size) % size], -table)
    assert table[0] == table[size // 2] == 0
    assert table.max() == amplitude


@pytest.mark.parametrize("kind", ["sine", "triangle", "square"])
def test_coupling_table_shifted_by_a_quarter_is_even(kind):
    table = np.array(coupling_table(kind, 6, 31))
    cosine = np.roll(table, -16)
    assert np.array_equal(cosine[-np.arange(64) % 64], cosine)
    assert cosine[0] == 31
    assert cosine[32] == -31


def test_five_level_table_is_the_one_of_the_small_profile():
    assert coupling_table("sine", 4, 2) == (0, 1, 1, 2, 2, 2, 1, 1, 0, -1, -1, -2, -2, -2, -1, -1)


def test_sine_table_is_within_half_an_lsb_of_the_sine():
    table = np.array(coupling_table("sine", 8, 127))
    assert np.abs(table - 127 * np.sin(2 * math.pi * np.arange(256) / 256)).max() <= 0.5 + 1e-9


def test_rounding_is_half_up_on_both_sides_of_zero():
    values = np.array([-6, -5, -3, -2, -1, 0, 1, 2, 3, 5, 6])
    assert round_shift(values, 2).tolist() == [-1, -1, -1, 0, 0, 0, 0, 1, 1, 1, 2]
    assert round_shift(7, 0) == 7
    assert round_shift(-7, 1) == -3


@pytest.mark.parametrize(
    ("low", "high", "bits"),
    [(-1, 0, 1), (-1, 1, 2), (-2, 1, 2), (-128, 127, 8), (-128, 128, 9), (-15810, 15810, 15)],
)
def test_signed_bits_is_the_least_width(low, high, bits):
    assert signed_bits(low, high) == bits


def test_sums_cannot_wrap_and_shifts_follow():
    f = Formats(n=35, lanes=8, pages=5)
    assert f.sum_max == 34 * 15 * 31
    assert 2 ** (f.acc_bits - 1) > f.sum_max >= 2 ** (f.acc_bits - 2)
    assert f.shift >= 1
    assert f.strength_shift >= 0


@pytest.mark.parametrize("n", [2, 3, 35, 64, 1024])
@pytest.mark.parametrize("weight_bits", [2, 5, 8])
@pytest.mark.parametrize("table_bits", [2, 6, 8])
def test_shifts_are_never_negative(n, weight_bits, table_bits):
    f = Formats(n=n, lanes=64, pages=16, weight_bits=weight_bits, table_bits=table_bits)
    assert f.shift >= 1
    assert f.strength_shift >= 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lanes": 3}, r"lanes = 3: the half-ring needs an even number"),
        ({"pages": 1}, r"8 x 1 = 8: smaller than the 10 oscillators; raise pages to 2"),
        ({"accumulator_bits": 9}, r"accumulator_bits = 9: needs phase_bits \+ 4 = 10"),
        ({"levels": 4}, r"levels = 4: an odd table has an odd number"),
        ({"weight_bits": 9}, r"weight_bits = 9: outside 2 to 8"),
        ({"resonance": True, "frequency_bits": 5}, r"frequency_bits = 5 with theta_r = 8.*= 6"),
        ({"n": 1}, r"oscillators = 1: at least 2"),
        ({"g": "gauss"}, r"g = 'gauss': known learning functions are cosine, deadzone"),
    ],
)
def test_impossible_formats_are_refused_with_the_remedy(change, message):
    with pytest.raises(SpecError, match=message):
        _ = Formats(**({"n": 10, "lanes": 8, "pages": 2} | change)).passes
