"""Skewed rings under a current at twice their frequency: K_s, binary phases, locking range."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice import ring
from drai_hw.spice.extraction import PhaseMap, closed_form, phase_response
from drai_hw.spice.injection import Injected, beat_rad_per_s, current_for, inject
from drai_hw.units import TAU

SKEWED = spice.Circuit(kind="ring", points_per_cycle=200, rho=0.01, ring_skew=1 / 3)
KNOWN = PhaseMap("phase response", 4.6e9, 2.0, (1e13,), (0.0, 0.0), shil_per_ampere=4e12)


def test_a_third_of_the_p_width_has_the_frequency_of_its_formula_and_its_energies_balance() -> None:
    circuit = dataclasses.replace(SKEWED, points_per_cycle=60, cycles=20)
    seen = spice.run(spice.create([[0, 1], [1, 0]], circuit, start_phases=[0, 1]))
    assert seen.frequency_hz == pytest.approx(ring.nominal_hz(circuit), rel=0.03)
    assert seen.frequency_hz < 0.55 * ring.nominal_hz(dataclasses.replace(circuit, ring_skew=1.0))
    assert abs(seen.balance) < 1e-3


def test_half_of_a_known_relaxation_is_read_from_movements_in_many_places() -> None:
    """phi' = -K sin(2 (phi - phi_0)): tan(phi - phi_0) falls as exp(-2 K t)."""
    time_s = np.linspace(0, 1.5, 400)
    start = np.array([0.2, 1.0, 2.0, 3.5, 5.0])
    decay = np.exp(-2 * 0.8 * time_s)[:, None]
    turned = np.arctan2(np.sin(start - 0.7) * decay, np.cos(start - 0.7)) + 0.7
    found = Injected(1.0, time_s, np.unwrap(turned, axis=0), np.zeros(5))
    k_s, phase = found.fitted()
    assert k_s == pytest.approx(0.8, rel=1e-4)
    assert phase == pytest.approx(0.7, abs=1e-4)
    assert np.all(found.slips_rad_per_s() == 0)


def test_a_slipping_phase_turns_at_the_beat_of_adlers_equation() -> None:
    time_s = np.linspace(0, 60, 6001)
    offset = np.array([0.5, 1.1, -1.5])
    phi = np.zeros((time_s.size, 3))
    for k in range(1, time_s.size):
        half = phi[k - 1] + 0.005 * (-offset - np.sin(2 * phi[k - 1]))
        phi[k] = phi[k - 1] + 0.01 * (-offset - np.sin(2 * half))
    found = Injected(1.0, time_s, phi, offset).slips_rad_per_s()
    assert found == pytest.approx(beat_rad_per_s(offset, 1.0), rel=2e-3)
    assert found[0] == 0
    assert beat_rad_per_s(-1.25, 1.0) == pytest.approx(0.75)


def test_the_current_for_a_k_s_is_the_inverse_of_the_response() -> None:
    assert current_for(KNOWN, 8e7) == pytest.approx(20e-6)


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (dataclasses.replace(KNOWN, shil_per_ampere=5.7e9),
         "a balanced oscillator does not lock to a current at twice its frequency; needed is a "
         "skewed ring, circuit.ring_skew of 0.6"),
        (closed_form(SKEWED), "by closed form has no response to a current"),
        (closed_form(spice.Circuit()), "a balanced oscillator does not lock"),
    ],
)  # fmt: skip
def test_what_does_not_lock_to_twice_its_frequency_is_refused(found, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        current_for(found, 1e7)
    with pytest.raises(SpecError, match=message):
        inject(SKEWED, found, 1e-5, [0.0])


def test_a_k_s_of_nothing_and_offsets_of_another_length_are_refused() -> None:
    with pytest.raises(SpecError, match=r"K_s = -1.0: needed is a number above 0 rad/s"):
        current_for(KNOWN, -1.0)
    with pytest.raises(SpecError, match="offsets of shape"):
        inject(SKEWED, KNOWN, 1e-5, [0.0, 1.0], offsets=[0.5])
    with pytest.raises(SpecError, match=r"circuit.ring_skew = 0.0: needed is a number above 0"):
        spice.create([[0]], dataclasses.replace(SKEWED, ring_skew=0.0))


@pytest.mark.full
def test_skewed_rings_lock_to_twice_their_frequency_as_their_response_says() -> None:
    """K_s by phase response against the movement of eight rings (1 %), two phases half a turn
    apart, and the locking range: 0.95 K_s locks, 1.1 K_s and 1.5 K_s slip at Adler's beat. The
    current shifts the frequency by a little, to one side: the mean beat of both is compared."""
    response = phase_response(SKEWED)
    found = response.map
    ratio = abs(response.response_c[2] / response.response_c[1])
    assert ratio == pytest.approx(0.277, abs=0.01)
    current_a = current_for(found, 0.003 * TAU * found.frequency_hz)
    assert current_a == pytest.approx(20e-6, rel=0.02)
    start = np.arange(8) * TAU / 8 + 0.2
    seen = inject(SKEWED, found, current_a, start, cycles=130)
    k_s, phase = seen.fitted()
    assert k_s == pytest.approx(seen.k_s_rad_per_s, rel=0.01)
    ends = np.mod(seen.phases_rad[-1] - phase + 0.5, TAU) - 0.5
    near = ends < math.pi / 2
    assert near.sum() == 4
    assert np.abs(ends - np.where(near, 0, math.pi)).max() < 0.06
    offsets = np.array([-1.5, -1.1, -0.95, 0.95, 1.1, 1.5])
    driven = inject(SKEWED, found, 2 * current_a, np.full(6, phase), offsets=offsets, cycles=300)
    turned = np.abs(driven.phases_rad[-1] - phase)
    assert np.array_equal(turned > math.pi / 2, np.abs(offsets) > 1)
    beat = beat_rad_per_s(driven.offset_rad_per_s, driven.k_s_rad_per_s)
    slips = driven.slips_rad_per_s()
    assert np.all(slips[2:4] == 0)
    assert slips[0] - slips[5] == pytest.approx(beat[0] - beat[5], rel=0.01)
    assert slips[0] + slips[5] == pytest.approx(0, abs=0.15 * beat[0])
