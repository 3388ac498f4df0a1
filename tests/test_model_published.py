"""The closed forms themselves, and what the machines they belong to must do besides.

What float model and twin make of them is the acceptance table: tests/test_model_acceptance.py.
"""

import math

import numpy as np
import pytest
from scipy.stats import cauchy

from drai_hw.errors import SpecError
from drai_hw.model import binary, graphs, integrate, phasor, published
from drai_hw.model.meanfield import frequencies
from drai_hw.units import TAU, wrap_rad


@pytest.mark.parametrize(("coupling", "value"), [(3.0, 0.9252), (2.0, 0.7152), (1.59, 0.0)])
def test_the_gaussian_order_has_its_known_values(coupling, value):
    assert published.order_gaussian(coupling) == pytest.approx(value, abs=5e-5)


def test_the_gaussian_order_sets_in_at_the_root_of_eight_over_pi():
    critical = math.sqrt(8 / math.pi)
    assert published.order_gaussian(critical - 1e-6) == 0.0
    assert 0 < published.order_gaussian(critical + 1e-3) < 0.1


def test_the_uniform_order_jumps_at_four_over_pi_to_a_quarter_of_pi():
    critical = 4 / math.pi
    assert published.order_uniform(critical - 1e-9) == 0.0
    assert published.order_uniform(critical) == pytest.approx(math.pi / 4, abs=1e-9)
    assert published.order_uniform(1.29) == pytest.approx(0.815, abs=1e-3)


def test_the_lorentzian_order_sets_in_at_twice_the_width_and_later_for_euler():
    assert published.critical_lorentzian(1.0) == 2.0
    assert published.order_lorentzian(1.99) == 0.0
    assert published.critical_lorentzian(1.0, 0.01) == pytest.approx(2.01003, abs=1e-5)


@pytest.mark.parametrize(("coupling", "value"), [(1.5, 0.724), (2.0, 0.832), (0.8, 0.0)])
def test_the_noisy_order_is_the_one_of_the_von_mises_distribution(coupling, value):
    """A6 for D = 0.5, to the three digits known from elsewhere."""
    assert published.order_noisy(coupling, 0.5) == pytest.approx(value, abs=6e-4)


@pytest.mark.parametrize(
    ("spread", "coupling", "closed", "tolerance"),
    [
        ("lorentzian", 4.0, published.order_lorentzian(4.0), 2e-4),
        ("gaussian", 2.0, published.order_gaussian(2.0), 2e-4),
        ("gaussian", 3.0, published.order_gaussian(3.0), 2e-4),
        ("uniform", 2.0, published.order_uniform(2.0), 1e-6),
    ],
)
def test_the_order_of_many_given_frequencies_is_that_of_their_distribution(
    spread, coupling, closed, tolerance
):
    """4000 quantiles leave at most half an oscillator at the edge of the locked ones: 1e-4."""
    found = published.shifted_order(frequencies(spread, 4000), coupling)
    assert found == pytest.approx(closed, abs=tolerance)


def test_an_error_of_the_pull_moves_the_order_to_either_side():
    """All at one frequency w lock with sin = (w/K + e)/r, so r^2 = 1 - (w/K + e)^2 exactly."""
    for error in (-0.1, 0.0, 0.1):
        found = published.shifted_order(np.array([-0.45, 0.45]), 1.0, error)
        load = 0.45 + error
        # r^4 - r^2 + load^2 = 0, the larger root; none at 0.55.
        inside = 1 - 4 * load**2
        expected = math.sqrt((1 + math.sqrt(inside)) / 2) if inside >= 0 else 0.0
        assert found == pytest.approx(expected, abs=1e-9)
    assert published.shifted_order(np.array([-0.3, 0.3]), 1.0, -0.4) == 1.0


@pytest.mark.parametrize("load", [0.02, 0.08, 0.13])
def test_the_overlap_of_signs_solves_their_mean_field_equations(load):
    """m = erf(m/sqrt(2 a r)), C = sqrt(2/(pi a r)) e^{-m^2/(2 a r)}, r = (1 - C)^-2, iterated."""
    m, r = 1.0, 1.0
    for _ in range(5000):
        c = math.sqrt(2 / (math.pi * load * r)) * math.exp(-(m**2) / (2 * load * r))
        m, r = math.erf(m / math.sqrt(2 * load * r)), 1 / (1 - c) ** 2
    assert published.sign_overlap(load) == pytest.approx(m, abs=1e-6)


@pytest.mark.parametrize("load", [0.01, 0.03])
def test_the_overlap_of_phasors_solves_their_mean_field_equations(load):
    """The same with averages over a million complex Gaussians: 4/sqrt(1e6) of amplified noise."""
    n = np.random.default_rng(1).standard_normal((2, 1_000_000)) / math.sqrt(2)
    noise = n[0] + 1j * n[1]
    m, r = 1.0, 1.0
    for _ in range(30):
        field = m + math.sqrt(load * r) * noise
        m, r = (
            float((field.real / np.abs(field)).mean()),
            float((1 - (0.5 / np.abs(field)).mean()) ** -2),
        )
    assert published.phasor_overlap(load) == pytest.approx(m, abs=4e-3)


def test_the_ott_antonsen_formula_solves_its_equation():
    t = np.linspace(0, 2, 20001)
    for coupling in (1.0, 2.0, 4.0):
        r = published.ott_antonsen(t, 0.3, coupling)
        slope = np.gradient(r, t)[1:-1]
        inner = r[1:-1]
        assert np.allclose(slope, -inner + coupling / 2 * inner * (1 - inner**2), atol=1e-6)
    assert r[0] == pytest.approx(0.3)


def test_quantile_frequencies_have_their_distribution():
    shares = (np.arange(100) + 0.5) / 100
    assert np.allclose(frequencies("lorentzian", 100, 2.0), cauchy.ppf(shares, scale=2.0))
    assert frequencies("gaussian", 4001, 3.0).std() == pytest.approx(3.0, rel=1e-3)
    assert np.ptp(frequencies("uniform", 100, 1.0)) == pytest.approx(1.98)
    with pytest.raises(SpecError, match=r"spread = 'normal': known distributions are lorentzian"):
        frequencies("normal", 3)


@pytest.mark.parametrize("seed", range(3))
def test_the_threshold_of_any_state_is_where_its_linearisation_turns(seed):
    """Eigenvalues by differences of the equations of motion against the threshold's formula."""
    rng = np.random.default_rng(seed)
    weights = binary.hebbian_weights(rng.choice([-1, 1], size=(4, 16)))
    pattern = rng.choice([-1, 1], size=16)
    epsilon = binary.critical_epsilon(weights, pattern)
    memory = binary.SecondHarmonicMemory(weights, epsilon)
    state = (np.where(pattern > 0, 0.0, math.pi),)
    rates = np.sort(np.linalg.eigvals(integrate.jacobian(memory.slopes, state)).real)
    # The common rotation has rate 0 always; at the threshold one more has.
    assert np.count_nonzero(np.abs(rates) < 1e-8) == 2


def test_a_ring_that_is_too_small_is_refused():
    assert np.array_equal(graphs.ring(5).sum(axis=1), np.full(5, 2.0))
    with pytest.raises(SpecError, match=r"ring of 4 with reach 2: .* at least 5 oscillators"):
        graphs.ring(4, 2)


def test_phasors_at_rest_lie_along_their_fields_and_the_dynamics_agree():
    """Both ways to rest end in the same overlap; 300 steps of 0.5 leave less than 1e-6."""
    rng = np.random.default_rng(7)
    memory = phasor.PhasorMemory(rng.uniform(0, TAU, (2, 200)))
    memory.phases_rad = np.angle(memory.patterns[1]) + rng.normal(0, 0.5, 200)
    memory.run(300, 0.5)
    settled_overlap = memory.overlap(1)
    assert settled_overlap > 0.98
    assert np.abs(wrap_rad(np.angle(memory.field()) - memory.phases_rad)).max() < 1e-6
    memory.align(100)
    assert memory.overlap(1) == pytest.approx(settled_overlap, abs=1e-6)


def test_the_field_of_a_phasor_memory_is_that_of_its_weights_without_a_diagonal():
    rng = np.random.default_rng(8)
    memory = phasor.PhasorMemory(rng.uniform(0, TAU, (3, 12)))
    memory.phases_rad = rng.uniform(0, TAU, 12)
    weights = memory.patterns.T @ memory.patterns.conj() / 12
    np.fill_diagonal(weights, 0.0)
    assert np.allclose(memory.field(), weights @ np.exp(1j * memory.phases_rad), atol=1e-14)
