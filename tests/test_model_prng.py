"""Random streams: leaps, jumps, independence of lanes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drai_hw.model import prng
from drai_hw.model.numbers import Formats


def one_shift(state: int) -> int:
    """Shift bit by bit, straight from the recurrence with lags 31, 30, 28, 24."""
    return (state << 1 | (state >> 30 ^ state >> 29 ^ state >> 27 ^ state >> 23) & 1) & prng.MASK


@given(st.integers(1, prng.MASK), st.integers(1, prng.MAX_LEAP))
def test_a_leap_is_so_many_single_shifts(state, bits):
    expected = state
    for _ in range(bits):
        expected = one_shift(expected)
    assert prng.leap(state, bits) == expected


@given(st.integers(1, prng.MASK), st.integers(0, 200))
def test_a_jump_is_so_many_single_shifts(state, shifts):
    expected = state
    for _ in range(shifts):
        expected = one_shift(expected)
    assert prng.jump(state, shifts) == expected


def test_the_sequence_is_maximal():
    # The period divides 2**31 - 1, which is prime; so it is maximal unless it is 1.
    assert prng.jump(1, prng.PERIOD) == 1
    assert prng.jump(1, 1) != 1


def test_a_leap_longer_than_the_taps_is_refused():
    with pytest.raises(ValueError, match="leap of 25 bits: 1 to 24"):
        prng.leap(1, 25)


def test_streams_and_seeds_start_in_different_places():
    starts = [
        state
        for seed in (1, 2)
        for stream in ("eta", "decay", "dither")
        for state in prng.spread_seeds(seed, stream, 8)
    ]
    assert len(set(starts)) == len(starts)
    assert 0 not in starts


def leap_tables(shifts: int) -> np.ndarray:
    """Tabulate the map of ``shifts`` shifts byte by byte (it is linear)."""
    columns = [prng.jump(1 << bit, shifts) for bit in range(prng.BITS)]
    tables = np.zeros((4, 256), dtype=np.int64)
    for byte in range(4):
        for bit, column in enumerate(columns[8 * byte : 8 * byte + 8]):
            tables[byte, np.arange(256) >> bit & 1 == 1] ^= column
    return tables


GEOMETRIES = [(2, 1), (8, 5), (8, 8), (12, 3), (16, 4), (64, 2)]


def worst_deviation(lanes, slots, stream, happens, probability, passes=10_000):
    """Return by how many sigma the count of a pair's events is off its mean, at most."""
    state = prng.draws(np.array(prng.spread_seeds(1, stream, lanes)), slots, prng.LEAP)
    tables = leap_tables(prng.LEAP * slots)
    assert tables[0][1] == prng.jump(1, prng.LEAP * slots)
    count = np.zeros(state.shape)
    for _ in range(passes):
        count += happens(state)
        state = (
            tables[0][state & 255]
            ^ tables[1][state >> 8 & 255]
            ^ tables[2][state >> 16 & 255]
            ^ tables[3][state >> 24]
        )
    sigma = np.sqrt(passes * probability * (1 - probability))
    return np.abs(count - passes * probability).max() / sigma


@pytest.mark.parametrize(("lanes", "pages"), GEOMETRIES)
@pytest.mark.parametrize("stream", ["eta", "decay"])
def test_every_pair_gets_its_expected_number_of_events(lanes, pages, stream):
    """Over 1e4 passes each pair's count of events lies within 5 sigma of the expectation."""
    slots = lanes * pages * pages // 2
    worst = worst_deviation(lanes, slots, stream, lambda s: (s & 0xFFFF) < 16384, 0.25)
    assert worst < 5


@pytest.mark.parametrize(("lanes", "pages"), GEOMETRIES)
def test_every_pair_gets_its_expected_number_of_pushes_beside_its_updates(lanes, pages):
    """Bits 17:16 of the update's draw: alone, and together with an update of that very draw."""
    slots = lanes * pages * pages // 2
    assert worst_deviation(lanes, slots, "eta", lambda s: (s >> 16 & 3) < 1, 0.25) < 5
    both = lambda s: ((s >> 16 & 3) < 1) & ((s & 0xFFFF) < 32768)  # noqa: E731
    assert worst_deviation(lanes, slots, "eta", both, 0.125) < 5


@pytest.mark.parametrize("oscillators", [2, 40, 64, 576, 1024, 4096])
def test_every_oscillator_leans_as_often_as_its_row_sum_asks(oscillators):
    """The census stream serves all oscillators in turn, one draw each in every pass."""
    f = Formats(n=oscillators, lanes=2, pages=oscillators // 2)
    one = 1 << f.centre_shift
    leans = lambda s: (s & one - 1) + one // 4 >= one  # noqa: E731
    assert worst_deviation(1, f.slots, "census", leans, 0.25) < 5
