"""Networks with adapting couplings against closed forms: A8, A9 and A11."""

import itertools
import math

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import adaptive, integrate, published
from drai_hw.model import g as functions
from drai_hw.model.adaptive import AdaptiveNetwork
from drai_hw.model.published import even_phases_rad
from drai_hw.units import wrap_rad


def pair(detuning, offset_rad, rate_hz=0.5):
    return AdaptiveNetwork(
        np.array([-detuning / 2, detuning / 2]),
        adaptive.hebbian(),
        rate_hz,
        phases_rad=np.array([0.0, offset_rad]),
    )


# -- A8: the Hebbian pair -------------------------------------------------------------------------


@pytest.mark.parametrize("detuning", [0.2, 0.45, 0.49])
@pytest.mark.parametrize("branch", [0, 1])
def test_a_hebbian_pair_locks_on_two_branches_at_half_the_arcsine(detuning, branch):
    """A8: dw = (a/2) sin 2D; D and D + pi are stable, with couplings a cos D and its negative.

    The fixed point does not depend on the step; 1e-6 is what 200 s of settling leave at 0.49.
    """
    wanted = adaptive.pair_offsets_rad(detuning)[branch]
    assert math.sin(2 * wanted) / 2 == pytest.approx(detuning, abs=1e-12)
    net = pair(detuning, wanted + 0.1)
    net.run(2000, 0.1)
    offset = net.phases_rad[1] - net.phases_rad[0]
    assert offset == pytest.approx(wanted, abs=1e-6)
    assert net.couplings[0, 1] == pytest.approx(math.cos(wanted), abs=1e-6)
    assert (net.couplings[0, 1] > 0) == (branch == 0)


def test_a_hebbian_pair_drifts_above_half_its_strength_and_forgets():
    """A8: at dw = 0.52 > a/2 the pair drifts; <cos> is then near 0 and so is the mean coupling.

    Slow couplings (0.02/s) feel the mean of the cosine over beats. The recorded value was -0.004;
    every locked coupling is at least cos(pi/4) = 0.71, so 0.02 tells the two apart.
    The coupling that is left, (epsilon/dw) sin D, slows the beat by epsilon/(2 dw) in first order;
    the next order is (epsilon/dw)^2 = 0.0015 of the rate, and h = 0.1 of Euler adds 0.001.
    """
    net = pair(0.52, 0.0, rate_hz=0.02)
    net.run(8000, 0.1, "euler")
    seen, start = [], net.phases_rad[1] - net.phases_rad[0]
    for _ in range(1000):
        net.run(6, 0.1, "euler")
        seen.append(net.couplings[0, 1])
    turned = net.phases_rad[1] - net.phases_rad[0] - start
    assert turned == pytest.approx((0.52 - 0.02 / (2 * 0.52)) * 600, rel=0.005)
    assert abs(np.mean(seen)) < 0.02
    with pytest.raises(SpecError, match=r"detuning = 0.52 .* locks up to 0.5 rad/s"):
        adaptive.pair_offsets_rad(0.52)


# -- A9: Hebbian networks of any size -------------------------------------------------------------


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


def unstable(rates):
    return int(np.count_nonzero(rates.real > 1e-6))


OMEGA_5 = np.array([-0.11, 0.05, 0.02, -0.03, 0.07])  # sums to 0: no common rotation


@pytest.mark.parametrize("far", [(), (1,), (0, 3)])
def test_a_hebbian_network_is_as_stable_as_kuramotos_with_doubled_phases(far):
    """A9: same fixed points, same number of unstable directions, all rates real (Bronski et al.).

    States with oscillators half a turn away (in psi) are saddles of both. Each is checked in
    several of its 2^5 lifts; eigenvalues by differences are good to 1e-8.
    """
    start = np.zeros(5)
    start[list(far)] = math.pi
    psi = reduced_state(OMEGA_5, start)
    reduced = np.linalg.eigvals(integrate.jacobian(adaptive.reduced_slopes(OMEGA_5), (psi,)))
    assert (unstable(reduced) > 0) is bool(far)
    for lift in ((0, 0, 0, 0, 0), (0, 1, 0, 0, 1), (1, 0, 1, 1, 0)):
        phases = psi / 2 + math.pi * np.array(lift)
        net = AdaptiveNetwork(OMEGA_5, adaptive.hebbian(), 0.3, phases_rad=phases)
        state = (net.phases_rad, net.couplings)
        assert max(np.abs(slope).max() for slope in net.slopes(state)) < 1e-12
        rates = np.linalg.eigvals(integrate.jacobian(net.slopes, state))
        assert unstable(rates) == unstable(reduced)
        assert np.abs(rates.imag).max() < 1e-5
    assert np.count_nonzero(np.abs(rates) < 1e-7) == 1  # the common rotation, nothing else


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


def test_a_hebbian_trio_locks_up_to_its_closed_limit():
    """A9: frequencies (-w, 0, w) lock iff w <= a max(sin x + sin 2x)/6 = 0.2934 a.

    1 % to either side; above, the ghost of the lost state is passed in about 2 pi/sqrt(0.01 x
    0.29) / 2 = 60 s, so 400 s of slipping are seen.
    """
    limit = published.trio_limit()
    assert limit == pytest.approx(0.29336, abs=1e-5)
    for ratio, locked in ((0.99, True), (1.01, False)):
        net = AdaptiveNetwork(ratio * limit * np.array([-1.0, 0.0, 1.0]), adaptive.hebbian(), 2.0)
        net.run(4000, 0.1)
        assert (np.ptp(net.phases_rad) < math.pi) == locked
        assert (np.ptp(net.speeds_rad_s()) < 1e-3) == locked


# -- A11: adaptive Kuramoto-Sakaguchi clusters ----------------------------------------------------


@pytest.mark.parametrize(("lag", "beta"), [(0.3, -1.6), (0.7, -2.2)])
def test_an_antipodal_cluster_turns_at_the_product_of_sines(lag, beta):
    """A11: Omega = sin alpha sin beta (-0.295394197746 for the first); settled to 1e-9."""
    rng = np.random.default_rng(0)
    start = math.pi * rng.integers(0, 2, 20) + 0.05 * rng.standard_normal(20)
    net = AdaptiveNetwork(np.zeros(20), adaptive.lagged(beta), 0.1, lag, start)
    net.run(3000, 0.1)
    assert abs(np.exp(2j * net.phases_rad).mean()) == pytest.approx(1.0, abs=1e-12)
    assert np.allclose(net.speeds_rad_s(), published.antipodal_speed_rad_s(lag, beta), atol=1e-9)
    if lag == 0.3:
        assert net.speeds_rad_s()[0] == pytest.approx(-0.295394197746, abs=1e-9)


@pytest.mark.parametrize(("lag", "beta"), [(0.7, 0.0), (0.7, -0.8), (0.3, 1.6), (1.2, -2.5)])
def test_a_splay_cluster_is_a_rotating_state_at_half_the_cosine(lag, beta):
    """A11: Omega = cos(alpha - beta)/2 for every alpha and beta, stable or not; rounding only."""
    net = AdaptiveNetwork(np.zeros(9), adaptive.lagged(beta), 0.1, lag, even_phases_rad(9))
    speed = published.splay_speed_rad_s(lag, beta)
    assert speed == pytest.approx(math.cos(lag - beta) / 2)
    assert np.allclose(net.speeds_rad_s(), speed, atol=1e-14)
    assert np.abs(net.slopes((net.phases_rad, net.couplings))[1]).max() < 1e-15


@pytest.mark.parametrize(("lag", "beta", "stable"), [(0.7, 0.0, True), (0.3, 1.6, False)])
def test_a_splay_cluster_attracts_only_where_it_is_stable(lag, beta, stable):
    """A11: where stable, the second moment returns to 0 and the speed to cos(alpha - beta)/2.

    Splay states form a family of vanishing second moment, so phases may end elsewhere in it. Where
    unstable, the same disturbance of 0.05 rad grows.
    """
    rng = np.random.default_rng(5)
    start = even_phases_rad(9) + 0.05 * rng.standard_normal(9)
    assert abs(np.exp(2j * start).mean()) > 0.01
    net = AdaptiveNetwork(np.zeros(9), adaptive.lagged(beta), 0.1, lag, start)
    net.run(3000, 0.1)
    moment = abs(np.exp(2j * net.phases_rad).mean())
    if stable:
        assert moment < 1e-6
        assert np.allclose(net.speeds_rad_s(), published.splay_speed_rad_s(lag, beta), atol=1e-6)
    else:
        assert moment > 0.1


def spectrum(net, speed_rad_s):
    """Return the eigenvalues of the rotating state of a network, in its own frame."""

    def rotating(state):
        phases, couplings = net.slopes(state)
        return (phases - speed_rad_s, couplings)

    return np.linalg.eigvals(integrate.jacobian(rotating, (net.phases_rad, net.couplings)))


@pytest.mark.parametrize("beta", [-2.5, -1.6, -0.8, 0.0, 0.8, 1.6, 2.5])
@pytest.mark.parametrize("lag", [0.1, 0.7, 1.2])
@pytest.mark.parametrize("kind", ["antipodal", "splay"])
def test_the_rates_of_both_clusters_are_the_roots_of_their_quadratics(kind, lag, beta):
    """A11, stability: closed rates of Berner et al. against all N + N^2 numerical ones.

    Double zeros of the splay family cost half the digits of 1e-10: 1e-4; else 1e-6.
    """
    n, rate_hz = 7, 0.1
    if kind == "splay":
        start, closed = even_phases_rad(n), published.splay_rates_hz(rate_hz, lag, beta)
        speed = published.splay_speed_rad_s(lag, beta)
    else:
        start = math.pi * np.array([0, 1, 0, 0, 1, 1, 0])
        closed = published.antipodal_rates_hz(rate_hz, lag, beta)
        speed = published.antipodal_speed_rad_s(lag, beta)
    net = AdaptiveNetwork(np.zeros(n), adaptive.lagged(beta), rate_hz, lag, start)
    found = spectrum(net, speed)
    expected = np.concatenate([closed, [0.0, -rate_hz]])
    distance = np.abs(found[:, None] - expected[None, :])
    assert distance.min(axis=0).max() < 1e-4  # every closed rate is there
    assert distance.min(axis=1).max() < 1e-4  # and no other


# -- the mechanism itself -------------------------------------------------------------------------


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
