"""Windows, jitter, decay and damped nodes against closed forms: A12 and A16 to A18."""

import math

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import g as functions
from drai_hw.model import published, window
from drai_hw.model.reference import Reference
from drai_hw.model.resonator import Resonators

CLOSED = {
    "cosine": published.jitter_cosine,
    "xor": published.jitter_xor,
    "square": published.jitter_square,
}
RECORDED = {"cosine": 0.3679, "xor": 0.2982, "square": 0.4683}


# -- A12: the weight learned under jitter ---------------------------------------------------------


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


# -- A16: the damped node -------------------------------------------------------------------------


def test_a_damped_node_answers_an_impulse_by_the_closed_form():
    """A16: r^t sin((t+1) theta)/sin theta; only rounding, 1e-12 over 300 samples."""
    nodes = Resonators([0.05, 0.25, 1.5, 3.0], 0.93)
    impulse = np.zeros(300)
    impulse[0] = 1.0
    assert np.allclose(nodes.run(impulse), nodes.response(300), atol=1e-12, rtol=0)


@pytest.mark.parametrize(("angle", "radius"), [(0.25, 0.98), (0.8, 0.93), (2.2, 0.9)])
def test_the_spectrum_of_a_damped_node_peaks_where_the_closed_form_says(angle, radius):
    """A16: cos w = (1 + r^2)/(2 r) cos theta; found in the transform of its own impulse response.

    A grid of 2^16 points a turn gives w to 5e-5.
    """
    points = 1 << 16
    nodes = Resonators([angle], radius)
    impulse = np.zeros(2000)  # r^2000 is below 1e-17
    impulse[0] = 1.0
    spectrum = np.abs(np.fft.rfft(nodes.run(impulse)[:, 0], points)) ** 2
    peak = 2 * math.pi * int(np.argmax(spectrum)) / points
    assert peak == pytest.approx(nodes.peaks_rad()[0], abs=5e-5)
    assert nodes.power([peak])[0, 0] == pytest.approx(spectrum.max(), rel=1e-9)
    assert abs(nodes.peaks_rad()[0] - angle) > 1e-4  # the peak is not the pole's own angle


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


# -- A17: identities -------------------------------------------------------------------------------


@pytest.mark.parametrize("points", [8, 64, 1024])
def test_one_xor_gate_over_a_cycle_is_the_piecewise_linear_rule(points):
    """A17: 1 - 2|d|/pi, without any error, for every integer difference."""
    g = functions.make("xor")
    for difference in range(points):
        agreement = window.xor_agreement(difference, points)
        distance = min(difference, points - difference)
        assert agreement == 1 - 4 * distance / points
        assert agreement == pytest.approx(float(g(2 * math.pi * difference / points)), abs=1e-12)
    with pytest.raises(SpecError, match=r"points = 7: a square wave needs an even number"):
        window.xor_agreement(1, 7)


def test_the_windowed_cosine_is_one_product_of_low_rank():
    """A17: Z Z^T / T against the mean over the window of all N^2 cosines; rounding only."""
    phases = np.random.default_rng(2).uniform(0, 7, (16, 12))
    direct = np.cos(phases[:, :, None] - phases[:, None, :]).mean(axis=0)
    np.fill_diagonal(direct, 0)
    mean = window.window_mean(functions.make("cosine"), phases)
    assert np.allclose(mean, direct, atol=1e-14)
    assert np.linalg.matrix_rank(mean + np.eye(12)) == 12  # 2 T > N: full
    few = window.window_mean(functions.make("cosine"), phases[:2]) + np.eye(12)
    assert np.linalg.matrix_rank(few, tol=1e-10) == 4  # 2 T


@pytest.mark.parametrize("steps", [4, 5, 16])
@pytest.mark.parametrize("turn_rad", [0.0, 1e-9, 0.1, 0.7, math.pi, 4.0, 2 * math.pi])
def test_a_window_is_a_dirichlet_low_pass_of_frequency_differences(turn_rad, steps):
    """A17: sin(T x/2)/(T sin(x/2)), whole turns a step included; rounding, 1e-12."""
    middle = np.arange(steps) - (steps - 1) / 2
    phases = np.stack([np.zeros(steps), turn_rad * middle], axis=1)
    mean = window.window_mean(functions.make("cosine"), phases)[0, 1]
    assert mean == pytest.approx(float(window.low_pass(turn_rad, steps)), abs=1e-12)


@pytest.mark.parametrize("name", sorted(functions.classes()))
def test_a_weight_settles_where_learning_and_decay_balance(name):
    """A17: w* = (eta/lambda) <g>; after 600 windows e^{-30} of the way is left."""
    psi = np.array([[0.0, 0.9, 2.5]])
    mean = window.window_mean(functions.make(name), psi)
    weights = np.zeros((3, 3))
    for _ in range(600):
        weights = window.learned(weights, mean, 0.1, 0.05)
    assert np.allclose(weights, 2 * mean, atol=1e-12)
    assert weights[0, 1] != 0
    limited = window.learned(weights, mean, 100.0, 0.05, limit=15)
    assert np.abs(limited).max() == 15


def test_decay_applied_lazily_equals_decay_window_by_window():
    """A17: (1 - lambda)^n; 1e-14 of rounding."""
    start = np.random.default_rng(3).normal(size=(6, 6))
    dense = start
    for _ in range(25):
        dense = window.learned(dense, 0.0, 0.3, 0.02)
    assert np.allclose(window.faded(start, 0.02, 25), dense, atol=1e-14)
    ages = np.arange(36).reshape(6, 6)
    assert window.faded(start, 0.02, ages)[5, 5] == pytest.approx(start[5, 5] * 0.98**35)
    with pytest.raises(SpecError, match=r"decay = 1.2 over 3 windows: needs 0 to 1"):
        window.faded(1.0, 1.2, 3)


# -- A18: how long a task lives -------------------------------------------------------------------


@pytest.mark.parametrize("decay", [0.0, 0.005, 0.03])
def test_the_strength_of_a_first_task_falls_by_the_decay_of_every_later_window(decay):
    """A18: what task A left is (1 - lambda)^n of it after n windows of task B, exactly.

    Below saturation and without gates the rule is linear, so the difference between runs with and
    without A is A's part alone; rounding, 1e-12.
    """
    rng = np.random.default_rng(8)
    tasks = rng.choice([-1, 1], size=(8, 30))
    data = {
        "schema": 1,
        "network": {"name": "t", "oscillators": 30},
        "task": {"kind": "lock"},
        "formats": {"weight_bits": 8},
        "learning": {"eta": 0.1, "decay": decay, "gates": []},
    }
    both, second = Reference(network.validate(data)), Reference(network.validate(data))
    for pattern in np.tile(tasks[:4], (4, 1)):
        both.present(pattern)
    first = both.weights.copy()
    later = np.tile(tasks[4:], (4, 1))
    for pattern in later:
        both.present(pattern)
        second.present(pattern)
    left = both.weights - second.weights
    assert np.abs(first).max() > 0.5
    assert np.allclose(left, window.faded(first, decay, len(later)), atol=1e-12)
    assert np.abs(both.weights).max() < 127  # never limited


@pytest.mark.parametrize(("decay", "kept"), [(0.002, True), (0.3, False)])
def test_a_palimpsest_keeps_what_is_newer_than_its_decay(decay, kept):
    """A18: of 24 patterns shown once each, the age-20 one has (1 - lambda)^20 of a new one's part.

    At lambda = 0.3 that is 0.0008 of it, and its projection on the weights is that of noise.
    """
    rng = np.random.default_rng(9)
    patterns = rng.choice([-1, 1], size=(24, 200))
    weights = np.zeros((200, 200))
    g = functions.make("cosine")
    for pattern in patterns:
        mean = window.window_mean(g, np.where(pattern > 0, 0.0, math.pi)[None, :])
        weights = window.learned(weights, mean, 1.0, decay)
    # The field along a pattern of strength s is s (N - 1), that of strangers about s sqrt N.
    strength = [float(x @ weights @ x) / (200 * 199) for x in patterns]
    assert strength[-1] == pytest.approx(1.0, abs=0.2)
    assert strength[3] == pytest.approx((1 - decay) ** 20, abs=0.2)
    assert (strength[3] > 0.5) is kept
