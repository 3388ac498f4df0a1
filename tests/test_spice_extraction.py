"""Circuit to phase model: three ways that agree, networks predicted, and what is refused."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.spice.extraction import (
    Judged,
    PhaseMap,
    closed_form,
    extract,
    pair_transient,
    phase_response,
    predict,
    rms_rad,
)
from drai_hw.spice.extraction.phasemap import harmonics
from drai_hw.spice.extraction.ways import VALID_LIMIT, Extraction, compare
from drai_hw.spice.ring_pull import pull

TANK = spice.Circuit(points_per_cycle=100)
RING = spice.Circuit(kind="ring", points_per_cycle=200, rho=0.03)
# a ring's own step control is left to the extraction's steps, so that both see one oscillator
RING_OPTIONS = ("reltol=1e-5", "reltol=1e-6 vntol=1e-8 trtol=1e6")


@pytest.fixture(scope="module")
def tank() -> Extraction:
    return extract(TANK)


def test_fourier_coefficients_are_those_of_the_samples() -> None:
    theta = np.sort(np.random.default_rng(1).uniform(0, 2 * math.pi, 60))
    values = 0.5 + 0.3 * np.cos(theta) - 0.2 * np.sin(3 * theta)
    found = harmonics(values, theta, 4)
    assert np.allclose(found, [0.5, 0.15, 0.0, 0.1j, 0.0], atol=1e-12)


def test_a_lag_and_a_ratio_are_read_from_the_coefficients() -> None:
    found = PhaseMap("pair transient", 1.0, None, (2 * math.cos(0.3),), (0.1, -2 * math.sin(0.3)))
    assert found.lag_rad == pytest.approx(0.3)
    assert found.even_odd_ratio == pytest.approx(math.tan(0.3))
    psi = np.linspace(-3, 3, 7)
    assert np.allclose(found.pull_per_siemens(psi), 0.1 + 2 * np.sin(psi - 0.3))
    assert np.allclose(found.odd_per_siemens(psi), 2 * math.cos(0.3) * np.sin(psi))


def test_the_three_ways_agree_for_a_tank_within_their_stated_tolerances(tank: Extraction) -> None:
    assert [check for check in tank.checks if not check.holds] == []
    assert tank.failures == []
    # far inside them: the pair is predicted to 1e-4, the lag eps/4 met to 1 %
    assert tank.judged.slope == pytest.approx(1.0, abs=1e-4)
    assert tank.judged.correlation > 0.999999
    assert tank.closed.lag_rad == pytest.approx((TANK.gain - 1) / TANK.q / 4, rel=1e-3)
    assert tank.best.lag_rad == pytest.approx(tank.closed.lag_rad, rel=0.01)
    # trapezoidal rule, cos(pi/100)^2, on top of 1/(2C)
    w = math.cos(math.pi / 100) ** 2 / (2 * TANK.capacitance_f)
    assert tank.best.sine[0] == pytest.approx(w, rel=2e-4)
    assert tank.pair.map.sine[0] == pytest.approx(w, rel=2e-4)


def test_a_tank_has_no_second_harmonic_but_takes_a_pumped_conductance(tank: Extraction) -> None:
    best = tank.best
    assert best.shil_per_ampere is not None
    assert best.shil_per_ampere < 1e-6 * best.sine[0]
    assert best.pump_per_siemens == pytest.approx(1 / (2 * TANK.capacitance_f), rel=2e-3)


def test_the_summary_has_the_keys_that_scripts_rely_on(tank: Extraction) -> None:
    summary = tank.summary()
    assert set(summary["ways"]) == {"closed form", "phase response", "pair transient"}
    assert summary["validity"]["holds"] is True
    assert abs(summary["validity"]["slope_error_at_rho"]) < VALID_LIMIT
    missing = summary["ways"]["pair transient"]
    assert missing["amplitude_v"] is None
    assert "coupled amplitudes" in missing["missing"]["amplitude_v"]
    keys = summary["network_keys"]["dynamics"]
    assert keys["coupling_sine"][0] == 1.0
    assert keys["coupling_cosine"][1] == pytest.approx(-0.0157, abs=2e-4)


def test_a_wrong_closed_form_is_noticed(tank: Extraction) -> None:
    wrong = dataclasses.replace(tank.closed, sine=(1.01 * tank.closed.sine[0],))
    checks = compare(tank.circuit, wrong, tank.best, tank.pair.map, tank.judged)
    assert [c.quantity for c in checks if not c.holds] == ["w, relative"]
    failed = dataclasses.replace(tank, checks=checks)
    assert "w, relative, closed form against phase response: differ by" in failed.failures[0]


def test_a_network_beyond_weak_coupling_is_said_to_be_so(tank: Extraction) -> None:
    off = Judged(0.9, 1.0, 0.1, 0.0, 0.0)
    assert (
        "a pair is -10.0 % off the phase model" in dataclasses.replace(tank, at_rho=off).failures[0]
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"rho": 0.8}, r"circuit\.rho = 0\.8: extraction needs 0\.5 at most"),
        ({"q": 2.0}, r"\(gain - 1\)/Q below 0\.4"),
        ({"gain": 0.9}, "nothing oscillates"),
    ],
)
@pytest.mark.filterwarnings("ignore:circuit.rho")
def test_circuits_without_a_phase_model_are_refused(change: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        extract(dataclasses.replace(TANK, **change))


def test_a_pair_that_would_take_too_long_is_refused(tank: Extraction) -> None:
    with pytest.raises(ConvergenceError, match="periods to relax: at most 4000"):
        pair_transient(dataclasses.replace(TANK, rho=1e-3), tank.best)


def test_a_map_without_coupling_predicts_nothing() -> None:
    netlist = spice.create([[0, 1], [1, 0]], RING, start_phases=[0, 1])
    with pytest.raises(SpecError, match="by closed form has no coupling"):
        predict(closed_form(RING), netlist, np.array([0.0, 1e-9]))


def test_rms_takes_one_common_phase_off() -> None:
    first = np.array([[0.0, 1.0, 2.0], [1.0, 2.0, 3.0]])
    assert np.allclose(rms_rad(first, first + np.array([[0.7], [-4.0]])), 0, atol=1e-12)
    assert rms_rad(first, first + np.array([0.1, 0.0, -0.1]))[0] == pytest.approx(
        math.sqrt(0.02 / 3), rel=1e-3
    )


def test_the_extracted_lag_predicts_detuned_tanks() -> None:
    """Signed weights, 1 % of a half bandwidth detuned; amplitudes that sag leave 0.02 rad."""
    circuit = dataclasses.replace(TANK, rho=0.1, cycles=120)
    weights = np.array([[0, 3, -1, 0], [3, 0, 2, -2], [-1, 2, 0, 1], [0, -2, 1, 0]], dtype=float)
    netlist = spice.create(weights, circuit, detuning=[0, 3e-4, -3e-4, 0], seed=3)
    result = spice.run(netlist)
    found = closed_form(circuit)
    predicted = predict(found, netlist, result.time_s[8:], start_rad=result.phases_rad[8])
    error = rms_rad(result.phases_rad[8:], predicted)
    assert np.abs(result.phases_rad[-1] - result.phases_rad[0]).max() > 0.5  # something happened
    assert error.max() < 0.02


def ring_netlist(weights: np.ndarray, circuit: spice.Circuit, seed: int) -> spice.Netlist:
    netlist = spice.create(weights, circuit, seed=seed)
    assert RING_OPTIONS[0] in netlist.text
    return dataclasses.replace(netlist, text=netlist.text.replace(*RING_OPTIONS))


@pytest.mark.full
def test_rings_are_predicted_by_their_phase_response_to_one_per_cent_and_networks_of_them() -> None:
    """The pair's slope error grows with the coupling: 0.5 % at rho = 0.03, 0.01 % at 0.01.

    A network of five rings with signed weights follows the extracted function to 0.005 rad; a
    plain sine of the same strength is ten times further off: rings are no Kuramoto oscillators.
    """
    found = phase_response(RING).map
    assert math.degrees(found.lag_rad) == pytest.approx(9.3, abs=0.5)
    assert found.even_odd_ratio > 0.1
    assert found.sine[0] * RING.ring_load_f == pytest.approx(pull(RING), rel=0.02)
    pair = pair_transient(RING, found)
    judged = pair.judge(found)
    assert judged.slope == pytest.approx(1.0, abs=0.01)
    assert judged.correlation > 0.9999
    assert pair.map.lag_rad == pytest.approx(found.lag_rad, abs=math.radians(0.5))
    rng = np.random.default_rng(1)
    weights = np.triu(rng.integers(-5, 6, (5, 5)), 1)
    circuit = dataclasses.replace(RING, rho=0.05, cycles=80)
    netlist = ring_netlist(weights + weights.T, circuit, seed=1)
    result = spice.run(netlist)
    time_s, phases = result.time_s[10:], result.phases_rad[10:]
    plain = dataclasses.replace(found, sine=found.sine[:1], cosine=(0.0, 0.0))
    errors = [
        float(
            np.sqrt(np.mean(rms_rad(phases, predict(m, netlist, time_s, start_rad=phases[0])) ** 2))
        )
        for m in (found, plain)
    ]
    assert errors[0] < 0.005
    assert errors[1] > 5 * errors[0]


@pytest.mark.full
def test_a_ring_is_extracted_with_all_comparisons_within_their_tolerances() -> None:
    found = extract(dataclasses.replace(RING, rho=0.02))
    assert [check for check in found.checks if not check.holds] == []
    assert found.failures == []
    assert abs(found.judged.slope - 1) < 2e-3
