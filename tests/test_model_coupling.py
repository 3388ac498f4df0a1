"""Coupling functions as Fourier lists: sums by hand, crossed wires, and a published lag."""

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import plan
from drai_hw.model.coupling import FourierCoupling, keys_of
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin


def model(n, **dynamics):
    data = {"schema": 1, "network": {"name": "t", "oscillators": n}, "task": {"kind": "lock"}}
    return Reference(network.validate(data | {"dynamics": dynamics}))


SINE, COSINE = (1.0, 0.3, -0.1), (0.2, -0.25, 0.05)


def by_hand(psi):
    odd = sum(a * np.sin((k + 1) * psi) for k, a in enumerate(SINE))
    return odd + sum(b * np.cos(k * psi) for k, b in enumerate(COSINE))


def test_the_torque_is_the_sum_over_pairs_with_negative_weights_half_a_turn_further():
    rng = np.random.default_rng(4)
    net = model(7, coupling_sine=list(SINE), coupling_cosine=list(COSINE))
    weights = np.triu(rng.normal(size=(7, 7)), 1)
    net.weights = weights + weights.T
    net.phases_rad = rng.uniform(0, 7, 7)
    net.amplitudes[2] = 0.0
    wanted = np.zeros(7)
    for i in range(7):
        for j in range(7):
            w = net.weights[i, j]
            psi = net.phases_rad[j] - net.phases_rad[i] + (np.pi if w < 0 else 0.0)
            wanted[i] += abs(w) * net.amplitudes[j] * by_hand(psi)
    wanted[2] = 0.0
    assert np.allclose(net.torque(), wanted, rtol=1e-12, atol=1e-12)


def test_the_plain_sine_as_a_list_is_the_plain_sine():
    phases = np.array([[0.1, 2.0, 4.0], [1.0, 1.5, 3.0]])
    torques = []
    for keys in ({}, {"coupling_sine": [1.0]}):
        net = model(3, **keys)
        net.weights = np.array([[0, 2, -1], [2, 0, 3], [-1, 3, 0]], dtype=float)
        net.phases_rad = phases
        torques.append(net.torque())
    assert np.allclose(torques[0], torques[1], rtol=1e-13, atol=1e-13)


def test_an_identical_pair_turns_at_the_lag_of_sakaguchi():
    """f = sin(psi - alpha): locked in phase, both turn at -sin(alpha) in units of kappa R."""
    alpha, h, steps = 0.25, 0.01, 3000
    net = model(2, coupling=h, coupling_sine=[np.cos(alpha)], coupling_cosine=[0, -np.sin(alpha)])
    net.weights = np.array([[0.0, 5.0], [5.0, 0.0]])
    net.phases_rad = np.array([0.0, 1.0])
    trace = []
    net.run(steps, shil=False, trace=trace)
    turns = np.unwrap(np.array(trace)[:, 0])
    assert abs(np.diff(trace[-1])[0]) < 1e-6
    assert (turns[-1] - turns[-1001]) / (1000 * h) == pytest.approx(-np.sin(alpha), rel=1e-9)


def test_inputs_pull_with_the_same_function():
    net = model(1 + 1, coupling=0.1, coupling_sine=list(SINE), coupling_cosine=list(COSINE))
    net.input_strength[:] = 0.5
    net.input_phase_rad[:] = 0.7
    net.run(1, shil=False)
    assert net.phases_rad[0] == pytest.approx(0.1 * 0.5 * by_hand(0.7))


def test_the_twin_keeps_its_table():
    spec = model(4, coupling_sine=[1.0], coupling_cosine=[0.0, -0.3]).spec
    plain = model(4).spec
    assert plan.formats_of(spec).coupling == plan.formats_of(plain).coupling
    assert Twin(plan.formats_of(spec)).formats.table == "sine"


def test_a_list_too_long_is_refused():
    with pytest.raises(SpecError, match=r"dynamics\.coupling_sine = "):
        model(2, coupling_sine=[0.1] * 40)


def test_keys_are_written_with_six_decimals():
    coupling = FourierCoupling((1.0,), (0.25, -1 / 3))
    assert keys_of(coupling.sine, coupling.cosine) == {
        "coupling_sine": [1.0],
        "coupling_cosine": [0.25, -0.333333],
    }
