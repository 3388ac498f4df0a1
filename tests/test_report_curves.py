"""Curves of tanks and memristors: what is drawn against closed forms, and the same every time."""

import xml.etree.ElementTree as ElementTree

import numpy as np
import pytest

from drai_hw.report import curves
from drai_hw.spice import Circuit
from drai_hw.spice.equations import waveforms
from drai_hw.spice.extraction.phase_response import Response
from drai_hw.spice.lc import design_tank
from drai_hw.spice.memristors import MODELS

TANK = Circuit(cycles=40, points_per_cycle=60)


@pytest.mark.parametrize("share", [0.3, 1.7])
def test_an_orbit_goes_from_its_start_to_the_cycle(share):
    voltage_v, slope_v = curves.orbit(TANK, share * TANK.amplitude_v)
    radius = np.hypot(voltage_v, slope_v)[2:-2] / TANK.amplitude_v
    assert radius[0] == pytest.approx(share, rel=0.05)
    assert radius[-60:] == pytest.approx(1.0, abs=0.06)  # the wave is no pure sine


def test_the_third_harmonic_of_the_spectrum_is_that_of_van_der_pol():
    voltage_v, _ = curves.orbit(TANK, TANK.amplitude_v)
    frequency, amplitude_v = curves.spectrum(voltage_v[-20 * 60 :], 60)
    tank = design_tank(TANK.f0_hz, TANK.q, TANK.amplitude_v, TANK.capacitance_f, gain=TANK.gain)
    net_s = tank.g1_s - 1.0 / tank.parallel_ohm
    epsilon = net_s * np.sqrt(2.0 * tank.inductance_h / tank.capacitance_f)

    def peak(order):
        return amplitude_v[np.abs(frequency - order) < 0.3].max()

    assert peak(1) == pytest.approx(TANK.amplitude_v, rel=0.01)
    assert peak(3) / peak(1) == pytest.approx(epsilon / 8.0, rel=0.03)
    assert peak(2) < 1e-4 * peak(1)


def test_a_sine_shows_its_amplitude():
    frequency, amplitude_v = curves.spectrum(0.7 * np.sin(np.arange(640) * 2 * np.pi / 64), 64)
    assert frequency[amplitude_v.argmax()] == pytest.approx(1.0)
    assert amplitude_v.max() == pytest.approx(0.7, rel=1e-9)


def test_the_linear_memristor_follows_its_charge():
    model = MODELS["hp_linear"]
    p = model.values()
    voltage_v, current_a, state = curves.loop(model, 1.0, np.array([3.0, 5.0]), periods=1)
    # (roff - (roff - ron) x / 2) x grows with the flux
    turn = np.arange(501)[:, None] * 2 * np.pi / 500
    flux = (1 - np.cos(turn)) / (2 * np.pi * np.array([3.0, 5.0]))
    span = p["roff"] - p["ron"]
    begin = p["roff"] * p["x0"] - 0.5 * span * p["x0"] ** 2
    right = begin + p["uv"] * p["ron"] / p["d"] ** 2 * flux
    exact = (p["roff"] - np.sqrt(p["roff"] ** 2 - 2 * span * right)) / span
    assert state.max() < 1.0
    assert state == pytest.approx(exact, abs=2e-5)
    assert current_a == pytest.approx(voltage_v / (p["ron"] * state + p["roff"] * (1 - state)))


@pytest.mark.parametrize("name", MODELS)
def test_every_loop_is_pinched_and_moves_the_state_less_at_ten_times_the_frequency(name):
    peak_v, slow_hz = curves.drive(MODELS[name])
    voltage_v, current_a, state = curves.loop(MODELS[name], peak_v, slow_hz * np.array([1.0, 10.0]))
    assert not current_a[voltage_v == 0].any()
    up, down = current_a[1:125], current_a[249:125:-1]  # the same voltages, rising and falling
    area = np.abs(up - down).sum(axis=0) / np.abs(current_a).max(axis=0)
    assert area.min() > 1e-3
    assert np.ptp(state[:, 0]) > 2 * np.ptp(state[:, 1]) > 0


def test_the_phase_response_curve_shows_points_and_series():
    theta = np.arange(16) * np.pi / 8
    coefficients = np.array([0, 0.5j * 4e9, 0])  # -4e9 sin theta
    response = Response(theta, -4e9 * np.sin(theta), coefficients, coefficients, 1e6, 0.0, None)
    text = curves.phase_response_svg(response, "lc")
    assert ElementTree.fromstring(text).tag.endswith("svg")
    assert text == curves.phase_response_svg(response, "lc")
    assert "phase shift per charge (rad/nC)" in text


def test_the_command_writes_its_curves_and_refuses_other_words(tmp_path, monkeypatch, capsys):
    few = {name: MODELS[name] for name in ("hp_joglekar", "vteam")}
    monkeypatch.setattr(curves, "MODELS", few)
    assert curves.main([str(tmp_path)]) == 0
    written = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert set(written) == {"phase-portrait.svg", "spectrum.svg", "hysteresis.svg"}
    for text in written.values():
        assert ElementTree.fromstring(text).tag.endswith("svg")
    assert all(f">{name}<" in written["hysteresis.svg"] for name in few)
    assert written["hysteresis.svg"] == curves.hysteresis_svg(few)
    assert curves.main(["--png"]) == 2
    assert "--png: needed is [--ngspice] [FOLDER]" in capsys.readouterr().err


def test_waves_start_at_the_given_amplitude():
    alone = curves.create(np.zeros((1, 1)), TANK, start_phases=[0.0])
    assert waveforms(alone, start_v=0.25)[1][0, 0] == 0.25
    assert waveforms(alone)[1][0, 0] == TANK.amplitude_v
