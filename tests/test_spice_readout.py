"""Phases, patterns and settling on waveforms whose phases are known."""

import math

import numpy as np
import pytest

from drai_hw.errors import ConvergenceError
from drai_hw.spice.readout import (
    align,
    frequency_hz,
    patterns,
    phases,
    read_out,
    rising_crossings_s,
)

F_HZ = 1e6


def waves(
    offsets: list[float], cycles: int = 60, points: int = 40
) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    step_s = 1 / (F_HZ * points)
    time_s = np.cumsum(rng.uniform(0.7, 1.0, cycles * points) * step_s)
    angle = 2 * math.pi * F_HZ * time_s[:, None] + np.array(offsets)
    return time_s, np.cos(angle) * (1 + np.arange(len(offsets)))


def test_crossings_of_a_sine_are_found_to_a_millionth_of_a_period() -> None:
    time_s, signal = waves([-math.pi / 2])
    found = rising_crossings_s(time_s, signal[:, 0]) * F_HZ
    assert found.size > 40
    assert np.abs(found - np.round(found)).max() < 1e-6


def test_the_frequency_of_a_sine_is_found() -> None:
    time_s, signal = waves([0.3])
    assert frequency_hz(time_s, signal[:, 0]) == pytest.approx(F_HZ, rel=1e-7)


def test_phases_follow_the_cosine_convention() -> None:
    offsets = [0.0, 1.0, -2.0, 3.0]
    time_s, signal = waves(offsets)
    grid, table = phases(time_s, signal, F_HZ)
    assert np.abs(np.exp(1j * (table - np.array(offsets))) - 1).max() < 1e-5
    assert np.diff(grid) == pytest.approx(1 / F_HZ)


def test_a_detuned_oscillator_drifts_without_jumps() -> None:
    time_s, _ = waves([0.0])
    signal = np.cos(2 * math.pi * F_HZ * np.outer(time_s, [1.0, 1.03]))
    grid, table = phases(time_s, signal, F_HZ)
    slope = np.polyfit(grid, table[:, 1], 1)[0]
    assert slope == pytest.approx(2 * math.pi * 0.03 * F_HZ, rel=1e-3)


def test_an_oscillator_that_stops_is_named() -> None:
    time_s, signal = waves([0.0, 0.0])
    signal[time_s.size // 2 :, 1] = 0.01
    with pytest.raises(ConvergenceError, match="oscillator 1 stopped"):
        phases(time_s, signal, F_HZ)


def test_a_signal_that_never_oscillates_has_no_frequency() -> None:
    time_s, signal = waves([0.0])
    with pytest.raises(ConvergenceError, match="does not oscillate"):
        frequency_hz(time_s, 0 * signal[:, 0] + 1)


def test_the_axis_is_half_the_argument_of_the_doubled_phases() -> None:
    table = np.array([[0.4, 0.4 + math.pi, 0.5, 0.3]])
    sides, axis, distance = patterns(table)
    assert np.array_equal(sides, [[1, -1, 1, 1]])
    assert axis[0] == pytest.approx(0.4)
    assert distance[0] == pytest.approx(math.cos(0.1))


def test_a_common_turn_changes_no_pattern() -> None:
    base = np.array([0.1, math.pi, 0.0, math.pi - 0.2])
    turned = base[None, :] + np.linspace(0, 2 * math.pi, 50)[:, None]
    sides = patterns(turned)[0]
    assert (sides == [1, -1, 1, -1]).all()


def test_the_sign_nearer_to_the_reference_is_reported() -> None:
    pattern, reference = np.array([1, -1, -1]), np.array([-1, 1, -1])
    assert np.array_equal(align(pattern, reference), [-1, 1, 1])
    assert np.array_equal(align(-pattern, reference), [-1, 1, 1])


def test_a_pattern_held_for_twenty_cycles_is_settled_from_its_first_one() -> None:
    time_s, signal = waves([0.0, 0.1, math.pi], cycles=80)
    late = time_s > 30 / F_HZ
    signal[late, 1] *= -1
    result = read_out(time_s, signal, F_HZ)
    assert result.settled
    assert result.settled_cycle is not None
    assert abs(result.settled_cycle - 30) <= 2
    assert np.array_equal(result.pattern, [1, -1, -1])


def test_a_pattern_that_changed_ten_cycles_ago_is_not_settled() -> None:
    time_s, signal = waves([0.0, 0.1, math.pi], cycles=60)
    signal[time_s > time_s[-1] - 10 / F_HZ, 1] *= -1
    result = read_out(time_s, signal, F_HZ)
    assert not result.settled
    assert result.settled_cycle is None


def test_a_phase_far_from_the_axis_is_not_settled() -> None:
    time_s, signal = waves([0.0, 0.0, 0.0, 0.0, 1.4])
    assert not read_out(time_s, signal, F_HZ).settled
