"""Tanks with amplitudes: their equations, the average of these, and ngspice beside each other."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice import equations
from drai_hw.spice.at_size.cases import EQUATIONS, Case
from drai_hw.spice.at_size.judge import apart, judge
from drai_hw.spice.at_size.runs import Record, advance, netlist_of
from drai_hw.spice.extraction import predict_amplitudes, settled_start_rad
from drai_hw.spice.readout import rising_crossings_s
from drai_hw.units import TAU

SMALL = Case(6, 0.3, 1, cycles=60, way=EQUATIONS)


@pytest.fixture(scope="module")
def record() -> Record:
    """A run by the equations."""
    return advance(None, SMALL, SMALL.cycles)


def test_an_uncoupled_tank_has_the_frequency_and_amplitude_of_its_design() -> None:
    circuit = spice.Circuit()
    assert equations.free_running_hz(circuit) == pytest.approx(circuit.f0_hz, rel=5e-7)
    alone = spice.create(
        np.zeros((2, 2)), dataclasses.replace(circuit, cycles=60), start_phases=[0.0, 1.0]
    )
    _, voltage_v = equations.waveforms(alone)
    assert np.abs(voltage_v[-100:]).max() == pytest.approx(circuit.amplitude_v, rel=2e-4)


def test_a_pair_of_tanks_relaxes_at_the_rate_of_the_closed_form() -> None:
    """tan(psi/2) falls as exp(-2 w t) for weak coupling."""
    circuit = spice.Circuit(rho=0.02, cycles=120)
    pair = spice.create(np.array([[0, 1], [1, 0]]), circuit, start_phases=[0.0, 1.2])
    time_s, voltage_v = equations.waveforms(pair)
    at = [rising_crossings_s(time_s, voltage_v[:, i])[5:110] for i in (0, 1)]
    psi = TAU * circuit.f0_hz * (at[0] - at[1])
    slope = np.polyfit(at[0], np.log(np.tan(psi / 2.0)), 1)[0]
    assert slope == pytest.approx(-2.0 * pair.parts.coupling[0, 1], rel=2e-3)


@pytest.mark.parametrize("phi", [1.1, 1.4, 2.0])
def test_a_start_settles_where_the_closed_form_says(phi: float) -> None:
    """Two starts: what one settles to beside the other, in the equations, within eps squared."""
    circuit = spice.Circuit(cycles=60, points_per_cycle=60)
    start = np.array([0.0, phi])
    alone = spice.create(np.zeros((2, 2)), circuit, start_phases=start)
    time_s, voltage_v = equations.waveforms(alone)
    at = [rising_crossings_s(time_s, voltage_v[:, i])[-1] for i in (0, 1)]
    seen = TAU * circuit.f0_hz * (at[0] - at[1])
    told = settled_start_rad(alone)
    eps = (circuit.gain - 1.0) / circuit.q
    assert abs(math.remainder(seen - (told[1] - told[0]), TAU)) < eps**2 / 4.0
    assert abs(math.remainder(seen - phi, TAU)) > eps**2 / 4.0  # without it the distance shows


def test_amplitudes_explain_what_the_phase_model_leaves(record: Record) -> None:
    """A tenth of its distance; without the shift by |z|^4, or with equal amplitudes, it is back."""
    row = judge(record)
    assert row.amplitude_max_rad < 0.003
    assert row.phase_max_rad > 5.0 * row.amplitude_max_rad
    assert row.amplitudes[0] < 0.97 or row.amplitudes[1] > 1.03


def test_the_equations_are_those_of_ngspice(record: Record) -> None:
    inside = advance(None, dataclasses.replace(SMALL, way="ngspice"), SMALL.cycles)
    assert apart(record, inside) < 1e-3
    # a start one degree off is seen
    late = record.crossings_s.copy()
    late[late[:, 0] == 2, 1] += 1e-6 / 360.0
    assert apart(dataclasses.replace(record, crossings_s=late), inside) > 5e-3


def test_the_models_have_detuned_tanks_too() -> None:
    """Half a linewidth apart, uncoupled: they drift by what was asked for."""
    circuit = spice.Circuit(cycles=50)
    detuned = spice.create(
        np.zeros((2, 2)), circuit, start_phases=[0.0, 0.0], detuning=[0.0, 0.002]
    )
    time_s = np.array([0.0, 40e-6])
    phases, amplitudes = predict_amplitudes(detuned, time_s)
    assert phases[1, 1] - phases[1, 0] == pytest.approx(TAU * 40.0 * 0.002, rel=1e-6)
    assert amplitudes == pytest.approx(np.ones((2, 2)), abs=1e-9)
    at_s, voltage_v = equations.waveforms(detuned)
    last = [rising_crossings_s(at_s, voltage_v[:, i])[40] for i in (0, 1)]
    assert TAU * (last[0] - last[1]) / 1e-6 == pytest.approx(TAU * 40.75 * 0.002, rel=0.01)


def test_an_ideal_negative_conductance_is_the_same_algebra() -> None:
    start = SMALL.start_rad()
    found = []
    for damping in ("trimmed", "ideal"):
        circuit = dataclasses.replace(SMALL.circuit, damping=damping, cycles=20)
        netlist = spice.create(SMALL.weights(), circuit, start_phases=start)
        found.append(equations.waveforms(netlist)[1])
    assert found[0] == pytest.approx(found[1], abs=1e-6)


def test_rings_and_banks_have_no_such_equations() -> None:
    ring = spice.create(np.zeros((2, 2)), spice.Circuit(kind="ring"), start_phases=[0.0, 1.0])
    with pytest.raises(SpecError, match="kind 'ring': needed is one of tanks, kind 'lc'"):
        equations.waveforms(ring)
    with pytest.raises(SpecError, match="kind 'ring': needed is one of tanks"):
        settled_start_rad(ring)
    tank = netlist_of(SMALL)
    tank.parts.values["capacitance_f"][2, 0] *= 1.01
    with pytest.raises(SpecError, match="needed is the same capacitor on both sides"):
        predict_amplitudes(tank, np.array([0.0, 1e-6]))
