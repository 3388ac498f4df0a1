"""Networks with adapting couplings; A8, A9 and A11 are rows of the acceptance table."""

import itertools
import math

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import adaptive, integrate
from drai_hw.model import g as functions
from drai_hw.model.adaptive import AdaptiveNetwork
from drai_hw.model.published import even_phases_rad
from drai_hw.units import wrap_rad

# -- Hebbian networks of any size -------------------------------------------------------------


def reduced_state(omega, start, strength=1.0):
    """Return a fixed point of the reduced network near ``start`` by Newton's method."""
    slopes = adaptive.reduced_slopes(omega, strength)
    psi = start
    for _ in range(50):
        step = np.linalg.lstsq(
            integrate.jacobian(slopes, (psi,), 1e-6), -slopes((psi,))[0], rcond=None
        )[0]
        psi = psi + step
    assert np.abs(slopes((psi,))[0]).max() < 1e-12
    return psi


OMEGA_5 = np.array([-0.11, 0.05, 0.02, -0.03, 0.07])  # sums to 0: no common rotation


def test_a_hebbian_network_returns_to_the_lifted_states():
    """A9: all 16 distinct lifts of the stable state of five attract from 0.1 rad away; 1e-5."""
    psi = reduced_state(OMEGA_5, np.zeros(5))
    rng = np.random.default_rng(4)
    for lift in itertools.product((0, 1), repeat=4):
        wanted = psi / 2 + math.pi * np.array((0, *lift))
        net = AdaptiveNetwork(
            OMEGA_5, adaptive.hebbian(), 1.0, phases_rad=wanted + rng.uniform(-0.1, 0.1, 5)
        )
        net.run(300, 0.2)
        apart = wrap_rad(net.phases_rad - wanted)
        assert np.ptp(wrap_rad(apart - apart[0])) < 1e-5
        assert np.allclose(net.couplings, net.resting(wanted), atol=1e-5)


# -- the mechanism itself -------------------------------------------------------------------------


@pytest.mark.parametrize("lag", [0.7, -0.4])
def test_couplings_rest_in_a_splay_cluster_and_all_oscillators_turn_alike(lag):
    """Rounding only."""
    net = AdaptiveNetwork(np.zeros(9), adaptive.lagged(0.3), 0.1, lag, even_phases_rad(9))
    speeds, growth = net.slopes((net.phases_rad, net.couplings))
    assert np.ptp(speeds) < 1e-14
    assert np.abs(growth).max() < 1e-15


def test_the_slopes_are_the_equations_pair_by_pair():
    """Couplings neither symmetric nor at rest, both lags: no two terms can be exchanged."""
    rng = np.random.default_rng(3)
    omega, phases, k = rng.normal(size=4), rng.uniform(0, 6, 4), rng.normal(size=(4, 4))
    net = AdaptiveNetwork(list(omega), adaptive.lagged(0.6), 0.3, 0.4, phases, k)
    speeds, growth = net.slopes((net.phases_rad, net.couplings))
    for i in range(4):
        pull = sum(k[i, j] * math.sin(phases[i] - phases[j] + 0.4) for j in range(4)) / 4
        assert speeds[i] == pytest.approx(omega[i] - pull, abs=1e-14)
        for j in range(4):
            target = -math.sin(phases[i] - phases[j] + 0.6)
            assert growth[i, j] == pytest.approx(0.3 * (target - k[i, j]), abs=1e-14)
    assert np.array_equal(net.speeds_rad_s(), speeds)
    assert net.frequencies_rad_s.dtype == np.float64


def test_a_network_starts_at_0_with_couplings_at_rest():
    net = AdaptiveNetwork(np.zeros(3), adaptive.hebbian(2.0), 1.0)
    assert np.array_equal(net.phases_rad, np.zeros(3))
    assert np.array_equal(net.couplings, np.full((3, 3), 2.0))
    assert adaptive.hebbian()(0.0) == 1.0


@pytest.mark.parametrize("strength", [1.0, 2.5])
def test_the_reduced_slopes_are_the_equation_oscillator_by_oscillator(strength):
    omega, psi = np.array([0.1, -0.3, 0.2]), np.array([0.5, 1.5, 4.0])
    given = () if strength == 1.0 else (strength,)
    (slopes,) = adaptive.reduced_slopes(omega, *given)((psi,))
    for i in range(3):
        pull = strength / 3 * sum(math.sin(psi[j] - psi[i]) for j in range(3))
        assert slopes[i] == pytest.approx(2 * omega[i] + pull, abs=1e-14)


def test_a_pair_that_cannot_lock_has_no_offset():
    assert adaptive.pair_offsets_rad(0.25)[0] == pytest.approx(math.pi / 12, abs=1e-15)
    assert adaptive.pair_offsets_rad(0.5)[0] == pytest.approx(math.pi / 4, abs=1e-15)
    first, second = adaptive.pair_offsets_rad(-0.9, 2.0)
    assert math.sin(2 * first) == pytest.approx(-0.9, abs=1e-15)  # detuning = (a/2) sin 2D
    assert second == first + math.pi
    with pytest.raises(SpecError, match=r"detuning = 0.52 .* locks up to 0.5 rad/s"):
        adaptive.pair_offsets_rad(0.52)


def test_any_learning_function_serves_as_plasticity():
    """A pair in phase tends to g(0), whatever g; settled to e^{-20}."""
    for name in functions.classes():
        g = functions.make(name)
        net = AdaptiveNetwork(np.zeros(2), g, 1.0, couplings=np.zeros((2, 2)))
        net.run(200, 0.1)
        assert net.couplings[0, 1] == pytest.approx(float(g(0.0)), abs=1e-6)


def test_the_lag_of_minus_a_quarter_turn_is_the_hebbian_rule():
    psi = np.linspace(-3, 3, 13)
    assert np.allclose(adaptive.lagged(-math.pi / 2)(psi), adaptive.hebbian()(psi), atol=1e-15)


def test_wrong_rates_shapes_methods_and_steps_are_refused():
    with pytest.raises(SpecError, match=r"rate_hz = 0: couplings need a rate above 0"):
        AdaptiveNetwork(np.zeros(2), adaptive.hebbian(), 0)
    with pytest.raises(SpecError, match=r"2 frequencies need \(2,\) and \(2, 2\)"):
        AdaptiveNetwork(np.zeros(2), adaptive.hebbian(), 1.0, phases_rad=np.zeros(3))
    with pytest.raises(SpecError, match=r"couplings of shape \(3, 3\): 2 frequencies need"):
        AdaptiveNetwork(np.zeros(2), adaptive.hebbian(), 1.0, couplings=np.zeros((3, 3)))
    net = AdaptiveNetwork(np.zeros(2), adaptive.hebbian(), 1.0)
    with pytest.raises(SpecError, match=r"method = 'heun': known methods are euler, runge-kutta"):
        net.run(1, 0.1, "heun")
    with pytest.raises(SpecError, match=r"step_s = 0: needs more than 0 s"):
        net.run(1, 0)


@pytest.mark.parametrize(("method", "order"), [("euler", 1), ("runge-kutta", 4)])
def test_both_methods_converge_at_their_order(method, order):
    """Halving the step divides the error of x' = -x by 2^order; within 10 % at h = 0.05."""

    def error(step_s):
        (x,) = integrate.run(lambda s: (-s[0],), (np.ones(1),), step_s, round(1 / step_s), method)
        return abs(x[0] - math.exp(-1))

    assert error(0.05) / error(0.025) == pytest.approx(2**order, rel=0.1)
