"""The float model against closed forms."""

import math

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import readout
from drai_hw.model.machine import Counters
from drai_hw.model.reference import Reference
from drai_hw.model.tasks import lock_float, pair_offset_rad


def make(n, **tables):
    data = {"schema": 1, "network": {"name": "t", "oscillators": n}, "task": {"kind": "lock"}}
    data["network"] |= tables.pop("network", {})
    data["task"] |= tables.pop("task", {})
    return network.validate(data | tables)


@pytest.mark.parametrize("ratio", [0.5, 0.9, 0.99])
def test_a_detuned_pair_locks_at_the_arcsine(ratio):
    """A1: the Euler map has the same fixed point as the differential equation (1e-9: settling)."""
    spec = make(
        2,
        network={"initial_weight": 10},
        dynamics={"coupling": 0.2, "frequencies": [-ratio, ratio]},
        shil={"strength": 0.0},
        task={"steps": 4000},
    )
    locked = lock_float(Reference(spec))
    assert locked.offsets_rad[1] == pytest.approx(math.asin(ratio), abs=1e-9)
    assert pair_offset_rad(spec.dynamics.frequencies) == pytest.approx(math.asin(ratio))
    assert locked.drift_rad < 1e-9


def test_a_pair_detuned_too_far_beats_at_the_closed_form_rate():
    """A2: beat frequency sqrt(delta^2 - 4) in units of kappa R.

    Euler's error is of order h, and the run ends within one beat of 2 pi / (rate h steps) = 0.7 %.
    """
    delta, h, steps = 3.0, 0.002, 200_000
    spec = make(
        2,
        network={"initial_weight": 1},
        dynamics={"coupling": h, "frequencies": [-delta / 2, delta / 2]},
        shil={"strength": 0.0},
    )
    model = Reference(spec)
    trace = []
    model.run(steps, trace=trace)
    psi = np.unwrap(np.array(trace)[:, 1] - np.array(trace)[:, 0])
    rate = (psi[-1] - psi[0]) / (h * (steps - 1))
    assert rate == pytest.approx(math.sqrt(delta**2 - 4), rel=7e-3)


def test_identical_oscillators_relax_by_the_tangent_law():
    """tan(psi/2) falls as exp(-2 t) for equal weights; Euler with h = 1e-4: 1e-3."""
    h, steps = 1e-4, 10_000
    spec = make(2, network={"initial_weight": 3}, dynamics={"coupling": h}, shil={"strength": 0.0})
    model = Reference(spec)
    model.phases_rad = np.array([0.0, 2.5])
    model.run(steps)
    psi = model.phases_rad[1] - model.phases_rad[0]
    expected = 2 * math.atan(math.tan(1.25) * math.exp(-2 * h * steps))
    assert psi == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("seed", range(5))
def test_energy_never_rises_below_the_step_bound(seed):
    """A14: symmetric weights, no SHIL, no noise, h < 1: E = -1/2 sum w cos never rises."""
    rng = np.random.default_rng(seed)
    spec = make(20, dynamics={"coupling": 0.95})
    model = Reference(spec)
    w = np.triu(rng.normal(size=(20, 20)), 1)
    model.weights = w + w.T
    model.phases_rad = rng.uniform(0, 2 * math.pi, 20)
    energies = []
    for _ in range(200):
        energies.append(model.energy())
        model.run(1, shil=False)
    assert np.diff(energies).max() <= 1e-9
    assert energies[-1] < energies[0] - 1


@pytest.mark.parametrize("table", ["sine", "triangle", "square"])
def test_torques_of_symmetric_weights_sum_to_zero(table):
    rng = np.random.default_rng(2)
    model = Reference(make(9, dynamics={"coupling_table": table}))
    w = np.triu(rng.normal(size=(9, 9)), 1)
    model.weights = w + w.T
    model.phases_rad = rng.uniform(0, 2 * math.pi, 9)
    assert abs(model.torque().sum()) < 1e-12


def test_both_forms_of_the_sine_torque_agree():
    rng = np.random.default_rng(3)
    model = Reference(make(9))
    model.weights = rng.normal(size=(9, 9))
    model.phases_rad = rng.uniform(0, 2 * math.pi, 9)
    psi = model.phases_rad[None, :] - model.phases_rad[:, None]
    assert np.allclose(model.torque(), (model.weights * np.sin(psi)).sum(axis=1), atol=1e-12)


def test_noisy_identical_oscillators_reach_the_published_order_parameter():
    """A6: r = I1(Kr/D)/I0(Kr/D) for D = 0.5, K = 2 gives r = 0.832.

    Euler's bias at h = 0.05 lowers r by about 0.01; the mean over 400 steps of 600 oscillators
    fluctuates by about 0.01.
    """
    n = 600
    spec = make(n, network={"initial_weight": 1}, dynamics={"coupling": 0.05, "noise": 0.25})
    model = Reference(spec, seed=4)
    model.phases_rad = np.zeros(n)
    model.run(200, shil=False)
    r = []
    for _ in range(400):
        model.run(1, shil=False)
        r.append(readout.order_parameter(model.phases_rad))
    assert np.mean(r) == pytest.approx(0.832, abs=0.03)


def test_presenting_one_pattern_grows_its_outer_product():
    spec = make(6, learning={"eta": 0.5, "gates": []})
    model = Reference(spec)
    pattern = np.array([1, -1, 1, 1, -1, -1])
    for _ in range(4):
        model.present(pattern)
    expected = 2.0 * np.outer(pattern, pattern)
    np.fill_diagonal(expected, 0)
    assert np.allclose(model.weights, expected)
    for _ in range(100):
        model.present(pattern)
    assert np.abs(model.weights).max() == 15


def test_the_margin_gate_stops_learning_once_all_are_held():
    spec = make(6, learning={"eta": 0.5, "margin": 4.0})
    model = Reference(spec)
    pattern = np.array([1, -1, 1, 1, -1, -1])
    for _ in range(20):
        model.present(pattern)
    # Each presentation adds 5 x 0.5 to every field; 2 of them reach the margin of 4.
    assert model.held.all()
    assert np.abs(model.weights).max() == pytest.approx(1.0)
    assert model.counters == Counters(20 * 15, 2 * 15, 2 * 15, 2 * 15)


def test_the_resonance_gate_lets_only_equal_frequencies_learn():
    spec = make(
        4,
        learning={"eta": 0.5, "gates": ["resonance"], "theta_r": 4},
        dynamics={"coupling": 0.2, "frequencies": [-1.0, -1.0, 1.0, 1.0]},
    )
    model = Reference(spec)
    for _ in range(60):  # the smoothed frequency has a time constant of 16 presentations
        model.present(np.ones(4))
    model.weights[:] = 0
    model.present(np.ones(4))
    assert model.weights[0, 1] == model.weights[2, 3] == 0.5
    assert np.count_nonzero(model.weights) == 4


def test_the_smoothed_advance_follows_by_a_sixteenth_a_step():
    """As in the twin: 2^-4 of what is missing, so 1 - (15/16)^n of a steady advance."""
    model = Reference(make(2, dynamics={"coupling": 0.2, "frequencies": [0.5, -1.0]}))
    for _ in range(10):
        model.present([1, -1])
    share = 1 - (15 / 16) ** 10
    assert model.smoothed_rad == pytest.approx([0.1 * share, -0.2 * share], rel=1e-12)
    model.phases_rad = np.zeros((3, 2))
    model.run(1, shil=False)  # other replicas than before start anew
    assert model.smoothed_rad == pytest.approx(np.tile([0.1 / 16, -0.2 / 16], (3, 1)), rel=1e-12)


def test_a_pattern_is_shown_as_phases_0_and_half_a_turn():
    model = Reference(make(3))
    model.present([1, -1, 1])
    assert model.phases_rad.tolist() == [0.0, math.pi, 0.0]
    with pytest.raises(SpecError, match=r"phases of shape \(4,\) with weights of shape \(3, 3\)"):
        model.present(np.ones(4))


def test_an_oscillator_is_held_from_the_margin_on_and_always_if_inactive():
    model = Reference(make(4, network={"initial_weight": 1}, learning={"margin": 2.0, "eta": 0.0}))
    model.amplitudes[3] = 0.0
    model.present(np.ones(4))
    assert model.held.tolist() == [True] * 4  # a field of exactly 2
    model.present([1, 1, -1, 1])
    assert model.held.tolist() == [False, False, False, True]


def test_a_window_is_learned_by_the_fields_at_its_beginning():
    """Held from the first window's start on, a pair behind the margin gate learns no more."""
    learning = {"rule": "window", "eta": 0.01, "margin": 3.0, "window": 4, "settle_steps": 5}
    model = Reference(make(4, network={"initial_weight": 1}, learning=learning))
    model.drive(np.zeros(4))
    assert model.held.all()
    assert np.array_equal(model.weights, 1 - np.eye(4))


def test_decay_takes_its_share_of_every_weight():
    spec = make(4, learning={"eta": 0.0, "decay": 0.1}, network={"initial_weight": 8})
    model = Reference(spec)
    for _ in range(5):
        model.present(np.ones(4))
    assert model.weights[0, 1] == pytest.approx(8 * 0.9**5)


def test_read_out_ignores_the_common_rotation():
    pattern = np.array([1, -1, -1, 1, 1])
    phases = np.where(pattern > 0, 0.0, math.pi) + 1.234
    assert readout.is_exact(readout.read_pattern(phases), pattern)
    assert readout.phase_rms_rad(phases, phases + 2.0) < 1e-12
    assert readout.phase_rms_rad(phases, phases + np.array([0.1, -0.1, 0, 0, 0])) > 0.05


def test_wilson_interval_matches_the_published_form():
    low, high = readout.wilson_interval(9, 10)
    assert (low, high) == (pytest.approx(0.5958, abs=1e-4), pytest.approx(0.9821, abs=1e-4))
    assert readout.wilson_interval(0, 0) == (0.0, 1.0)
