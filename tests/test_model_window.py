"""Windows, jitter, decay and damped nodes; A12 and A16 to A18 are rows of the acceptance table."""

import math

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import g as functions
from drai_hw.model import published, window
from drai_hw.model.resonator import Resonators

CLOSED = {
    "cosine": published.jitter_cosine,
    "xor": published.jitter_xor,
    "square": published.jitter_square,
}
RECORDED = {"cosine": 0.3679, "xor": 0.2982, "square": 0.4683}


@pytest.mark.parametrize("name", sorted(functions.classes()))
@pytest.mark.parametrize("distinct", [4, 1000])
def test_the_mean_of_a_window_is_g_of_each_pair_at_each_step(name, distinct):
    """By loops; few phases are looked up in a table; no difference is only 0 or half a turn."""
    g = functions.make(name)
    rng = np.random.default_rng(9)
    phases = 0.4 + rng.integers(0, distinct, (2, 3, 7)) * (5.0 / distinct)
    means = window.window_mean(g, phases)
    assert means.shape == (2, 7, 7)
    for replica, i, j in np.ndindex(2, 7, 7):
        steps = [float(g(phases[replica, t, i] - phases[replica, t, j])) for t in range(3)]
        expected = 0.0 if i == j else sum(steps) / 3
        assert means[replica, i, j] == pytest.approx(expected, abs=1e-14)
    assert np.array_equal(window.window_mean(g, phases[0, 0]), window.window_mean(g, phases[0, :1]))


@pytest.mark.parametrize("name", sorted(CLOSED))
def test_the_closed_forms_under_jitter_have_the_known_values(name):
    """A12 at s = 1: e^{-1} = 0.3679, 0.2982 for XOR, 0.4683 for the square."""
    assert CLOSED[name](1.0) == pytest.approx(RECORDED[name], abs=5e-5)


@pytest.mark.parametrize("jitter_rad", [0.3, 1.0, 1.7])
@pytest.mark.parametrize("name", sorted(functions.classes()))
def test_a_pair_under_jitter_learns_the_weight_of_the_harmonics_of_g(name, jitter_rad):
    """A12: <g> = sum_k g_k e^{-k^2 s^2}; closed series for cosine, XOR and square.

    1500 windows of 100 oscillators: the mean over all pairs has a standard error below 0.0015
    (each oscillator's jitter enters 99 pairs); 0.006 is four of them.
    """
    rng = np.random.default_rng(6)
    g = functions.make(name)
    mean = window.window_mean(g, jitter_rad * rng.standard_normal((1500, 100)))
    learned = mean[np.triu_indices(100, 1)].mean()
    expected = window.under_jitter(g, jitter_rad)
    assert learned == pytest.approx(expected, abs=0.006)
    if name in CLOSED:
        # The jump of the square lies between grid points: an error of 1/4096 of a turn.
        assert expected == pytest.approx(CLOSED[name](jitter_rad), abs=1e-3)


def test_the_spectrum_of_a_node_is_its_closed_power():
    """At the peak of its own impulse response, which is not the pole's own angle; rounding."""
    nodes = Resonators([0.8], 0.93)
    impulse = np.zeros(2000)  # 0.93^2000 is 0 in float64
    impulse[0] = 1.0
    peak = nodes.peaks_rad()
    heard = np.abs(nodes.run(impulse)[:, 0] @ np.exp(-1j * peak * np.arange(2000))) ** 2
    assert nodes.power(peak)[0, 0] == pytest.approx(heard, rel=1e-9)
    assert nodes.power(peak)[0, 0] > nodes.power([0.8])[0, 0]
    assert abs(peak[0] - 0.8) > 1e-4


def test_a_node_keeps_ringing_over_calls_and_hears_its_own_input():
    nodes = Resonators([0.3, 0.7], 0.9)
    inputs = np.random.default_rng(1).standard_normal((40, 2))
    at_once = Resonators([0.3, 0.7], 0.9).run(inputs)
    assert np.array_equal(np.concatenate([nodes.run(inputs[:15]), nodes.run(inputs[15:])]), at_once)


@pytest.mark.parametrize(
    ("angle", "radius", "message"),
    [
        (0.3, 1.0, r"radius = 1.0: a node is damped for 0 to below 1"),
        (3.2, 0.9, r"angle = 3.2 rad: needs above 0 and below pi rad"),
        (0.0, 0.9, r"angle = 0 rad"),
    ],
)
def test_an_undamped_node_and_an_angle_beyond_half_a_turn_are_refused(angle, radius, message):
    with pytest.raises(SpecError, match=message):
        Resonators([angle], radius)


@pytest.mark.parametrize("steps", [4, 5, 16])
@pytest.mark.parametrize("turn_rad", [0.0, 1e-9, 0.1, 0.7, math.pi, 4.0, 2 * math.pi])
def test_a_window_is_a_dirichlet_low_pass_of_frequency_differences(turn_rad, steps):
    """A17: sin(T x/2)/(T sin(x/2)), whole turns a step included; rounding, 1e-12."""
    middle = np.arange(steps) - (steps - 1) / 2
    phases = np.stack([np.zeros(steps), turn_rad * middle], axis=1)
    mean = window.window_mean(functions.make("cosine"), phases)[0, 1]
    assert mean == pytest.approx(float(window.low_pass(turn_rad, steps)), abs=1e-12)


def test_decay_applied_lazily_equals_decay_window_by_window():
    """A17: (1 - lambda)^n; 1e-14 of rounding."""
    start = np.random.default_rng(3).normal(size=(6, 6))
    dense = start
    for _ in range(25):
        dense = window.learned(dense, 0.0, 0.3, 0.02)
    assert np.allclose(window.faded(start, 0.02, 25), dense, atol=1e-14)
    ages = np.arange(36).reshape(6, 6)
    assert window.faded(start, 0.02, ages)[5, 5] == pytest.approx(start[5, 5] * 0.98**35)
    assert window.faded(3.0, 0.0, 7) == 3.0
    assert window.faded(3.0, 1.0, 7) == 0.0
    for decay, windows in ((1.2, 3), (1 + 1e-9, 3), (-1e-9, 3), (0.5, [2, -1])):
        with pytest.raises(SpecError, match=r"decay = .* over .* windows: needs 0 to 1"):
            window.faded(1.0, decay, windows)


def test_a_learned_weight_stops_at_its_limit():
    mean = np.array([[0.0, -0.5], [-0.5, 0.0]])
    assert np.array_equal(window.learned(np.zeros((2, 2)), mean, 100.0, 0.05, limit=15), 30 * mean)
    assert np.array_equal(window.learned(np.ones((2, 2)), mean, 100.0), 1 + 100 * mean)


def test_one_xor_gate_needs_an_even_number_of_points():
    assert [window.xor_agreement(d, 4) for d in range(4)] == [1.0, 0.0, -1.0, 0.0]
    assert [window.xor_agreement(d, 2) for d in range(2)] == [1.0, -1.0]
    for points in (7, 1, 0):
        with pytest.raises(SpecError, match=rf"points = {points}: a square wave needs an even num"):
            window.xor_agreement(1, points)
