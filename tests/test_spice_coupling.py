"""Couplings with capacitors: deliberate lags, their pull by formula, and the lag nulled."""

from __future__ import annotations

import dataclasses
import json
import math

import numpy as np
import pytest

from drai_hw import catalog, spice
from drai_hw.cli import run
from drai_hw.cli.common import with_overrides
from drai_hw.errors import SpecError
from drai_hw.flow import circuit as flow_circuit
from drai_hw.spice import equations, memristive, snapping
from drai_hw.spice.branch import Branch
from drai_hw.spice.extraction import (
    PhaseMap,
    closed_form,
    extract,
    null_lag,
    pair_transient,
    pairs_transient,
    phase_response,
    predict,
    predict_amplitudes,
    rms_rad,
)
from drai_hw.spice.memristors import MODELS
from drai_hw.units import TAU, wrap_rad

TANK = spice.Circuit(points_per_cycle=100, rho=0.1, cycles=60)
RING = spice.Circuit(kind="ring", points_per_cycle=200, rho=0.01)
KINDS = [
    {"coupling": "capacitive"},
    {"coupling": "series-rc", "coupling_rad": 0.7},
    {"coupling": "parallel-rc", "coupling_rad": 0.7},
]
SIGNED = np.array([[0, 2, -1], [2, 0, 1], [-1, 1, 0]])
PAIR = np.array([[0, 1], [1, 0]])


def with_(base: spice.Circuit, **keys) -> spice.Circuit:
    return dataclasses.replace(base, **keys)


@pytest.mark.parametrize(
    ("kind", "phase"), [("resistive", 0), ("capacitive", math.pi / 2), ("series-rc", 0.3),
                        ("parallel-rc", 0.3)],
)  # fmt: skip
def test_a_branch_has_the_size_and_phase_it_is_made_for(kind: str, phase: float) -> None:
    omega, siemens = 5e6, 2e-5
    branch = Branch(kind, phase, omega)
    assert branch.admittance(omega) == pytest.approx(complex(math.cos(phase), math.sin(phase)))
    ohm, farad = branch.elements(siemens)
    for k in (0.0, 1.0, 3.0):
        s = 1j * k * omega
        if kind == "series-rc":
            wanted = s * farad / (1 + s * ohm * farad)
        else:
            wanted = (0 if ohm is None else 1 / ohm) + (0 if farad is None else s * farad)
        assert siemens * branch.admittance(k * omega) == pytest.approx(wanted, rel=1e-12)


def test_the_elements_of_a_coupling_are_those_of_its_branches_and_crossed_for_negative_weights():
    circuit = with_(TANK, coupling="series-rc", coupling_rad=0.7)
    netlist = spice.create(SIGNED, circuit, start_phases=[0.1, 0.5, 2.0])
    lines = netlist.text.splitlines()
    straight = next(line for line in lines if line.startswith("Rw0_1_pp"))
    crossed = next(line for line in lines if line.startswith("Rw0_2_pn"))
    assert straight.split()[1:3] == ["p0", "w0_1_pp"]
    assert crossed.split()[1:3] == ["p0", "w0_2_pn"]
    capacitor = next(line for line in lines if line.startswith("Cw0_2_pn")).lower()
    assert capacitor.split()[1:3] == ["w0_2_pn", "n2"]
    # what the steady state charges it to: the voltage across both times 1/(1 + i omega R C)
    ohm, farad = float(crossed.split()[3]), float(capacitor.split()[3].rstrip("f"))
    across = 0.5 * (np.exp(0.1j) + np.exp(2.0j)) / (1 + 1j * TAU * 1e6 * ohm * farad)
    assert float(capacitor.split("ic=")[1].rstrip("v")) == pytest.approx(across.real, rel=1e-9)
    assert [f"v({node})" in netlist.saved for node in netlist.parts.middles] == [True] * 6


@pytest.mark.parametrize("keys", KINDS, ids=lambda keys: keys["coupling"])
def test_signed_networks_follow_the_closed_form_and_their_energies_balance(keys: dict) -> None:
    """Three tanks; the rest to the model with amplitudes is what a start from a circle leaves."""
    circuit = with_(TANK, **keys)
    netlist = spice.create(SIGNED, circuit, seed=4)
    seen = spice.run(netlist)
    assert abs(seen.balance) < 1e-4
    heat_j = seen.energies.dissipated_j["coupling"]
    assert heat_j == 0 if keys["coupling"] == "capacitive" else heat_j > 1e-10
    moved = np.abs(seen.phases_rad[-1] - seen.phases_rad[0]).max()
    assert moved > 1.5
    start = seen.phases_rad[0]
    model = predict(closed_form(circuit), netlist, seen.time_s, start_rad=start)
    assert np.abs(wrap_rad(model - seen.phases_rad)).max() < 0.05
    # a resistor of the same size is no description of it
    other = predict(closed_form(TANK), netlist, seen.time_s, start_rad=start)
    assert np.abs(wrap_rad(other - seen.phases_rad)).max() > 0.5
    with_amplitudes, _ = predict_amplitudes(netlist, seen.time_s)
    assert rms_rad(seen.phases_rad, with_amplitudes).max() < 0.008


@pytest.mark.parametrize("keys", KINDS, ids=lambda keys: keys["coupling"])
def test_energies_of_rings_coupled_by_capacitors_balance(keys: dict) -> None:
    circuit = with_(RING, rho=0.1, cycles=20, points_per_cycle=60, **keys)
    assert abs(spice.run(spice.create(SIGNED, circuit, seed=4)).balance) < 1e-4


def test_a_capacitor_pulls_no_equal_waves_and_crossed_ones_down_by_twice_its_load() -> None:
    """(1/2C) B (cos psi - 1): 0 straight at psi = 0, -2 B/2C with wires crossed; psi stays."""
    circuit = with_(TANK, coupling="capacitive", rho=0.02, cycles=100)
    moved = []
    for sign in (1, -1):
        seen = spice.run(spice.create(sign * PAIR, circuit, start_phases=[0, 0]))
        late = seen.phases_rad[20:]
        assert np.abs(late[:, 1] - late[:, 0]).max() < 1e-3
        moved.append((late[-1] - late[0]).mean() / (TAU * (len(late) - 1)))
    assert moved[0] == pytest.approx(0, abs=1e-6)
    load = 0.02 / (2 * TANK.q)  # B/2C in units of omega
    assert moved[1] == pytest.approx(-2 * load, rel=5e-3)


@pytest.mark.parametrize("keys", KINDS, ids=lambda keys: keys["coupling"])
def test_the_three_ways_agree_on_a_deliberate_lag(keys: dict) -> None:
    found = extract(with_(TANK, **keys))
    assert [check for check in found.checks if not check.holds] == []
    assert found.failures == []
    phase = keys.get("coupling_rad", math.pi / 2)
    lag = (TANK.gain - 1) / TANK.q / 4 - phase
    for each in (found.closed, found.best, found.pair.map):
        assert each.lag_rad == pytest.approx(lag, abs=1e-3)
        assert each.first_per_siemens == pytest.approx(1 / (2 * TANK.capacitance_f), rel=4e-3)
        # the load shifts the frequency by what equal waves do not feel
        assert each.cosine[0] == pytest.approx(-each.cosine[1], rel=0.01)
    assert max(np.abs([*found.best.coupling.sine, *found.best.coupling.cosine[1:]])) == 1.0
    assert found.summary()["null_lag"] is None


def test_what_amplitudes_add_to_a_capacitors_pull_is_as_their_formula_says_and_refused() -> None:
    """rho/(2 (gain - 1)) sin 2 psi: a pair detuned by half its coupling slows down by it."""
    circuit = with_(TANK, coupling="capacitive", rho=0.1)
    weak = pairs_transient(circuit, closed_form(circuit))
    second = weak.map.sine[1] / weak.map.unit_per_siemens
    assert second == pytest.approx(0.1 / 2, rel=0.02)
    assert weak.judge(closed_form(circuit)).list_error == pytest.approx(0.05, abs=2e-3)
    strong = extract(with_(circuit, rho=0.3))
    assert len(strong.failures) == 1
    assert strong.failures[0] == (
        "at rho 0.3 amplitudes add 17 % of H as another harmonic; needed is 6 % at most: lower "
        "rho, or predict with predict_amplitudes"
    )
    slow = with_(circuit, rho=0.3, cycles=200)
    off = 0.25 * 0.3 / (2 * slow.q)
    netlist = spice.create(PAIR, slow, start_phases=[0, 0], detuning=[-off, off])
    seen = spice.run(netlist)
    drifting = predict(closed_form(slow), netlist, seen.time_s)
    with_amplitudes, _ = predict_amplitudes(netlist, seen.time_s)
    assert rms_rad(seen.phases_rad, drifting).max() > 0.5
    assert rms_rad(seen.phases_rad, with_amplitudes).max() < 0.03


def test_the_float_model_of_a_network_file_pulls_as_its_capacitors_do() -> None:
    spec = with_overrides(
        catalog.find("pair")[0],
        {"circuit": {"coupling": "capacitive", "rho": 0.05, "cycles": 60},
         "dynamics": {"frequencies": [0.0, 0.0]}},
    )  # fmt: skip
    weights, start = np.array([[0, -15], [-15, 0]]), np.array([0.4, 0.4])
    end = flow_circuit.float_end(spec, weights, start)
    moved = -2 * 60 * TAU * 0.05 / (2 * 15.9)
    assert wrap_rad(end - start) == pytest.approx(np.array([moved, moved]), rel=0.05)
    listed = with_overrides(
        catalog.find("pair")[0],
        {"circuit": {"coupling": "capacitive", "rho": 0.05, "cycles": 60},
         "dynamics": {"frequencies": [0.0, 0.0], "coupling_sine": [0.0, 0.0, 1.0]}},
    )  # fmt: skip
    assert flow_circuit.float_end(listed, weights, start) == pytest.approx(start)


def test_a_capacitor_beside_each_resistor_nulls_the_lag_of_tanks() -> None:
    nulled = null_lag(TANK)
    eps = (TANK.gain - 1) / TANK.q
    assert nulled.coupling == "parallel-rc"
    assert nulled.coupling_rad == pytest.approx(eps / 4, rel=0.01)
    found = phase_response(nulled).map
    weak = pair_transient(with_(nulled, rho=0.05), found)
    before = pair_transient(with_(TANK, rho=0.05), closed_form(TANK))
    assert math.degrees(before.map.lag_rad) == pytest.approx(0.85, abs=0.02)
    assert abs(math.degrees(weak.map.lag_rad)) < 0.1
    assert abs(math.degrees(found.lag_rad)) < 0.01


def test_the_command_says_what_nulls_the_lag(capfd) -> None:
    assert run(["extract", "pair"]) == 0
    shown = capfd.readouterr().out
    assert '[circuit]\ncoupling = "parallel-rc"\ncoupling_rad = 0.0156' in shown
    assert run(["extract", "pair", "--json"]) == 0
    keys = json.loads(capfd.readouterr().out)["null_lag"]
    assert keys["coupling"] == "parallel-rc"


@pytest.mark.full
def test_the_lag_of_rings_is_nulled_in_all_harmonics_and_their_networks_are_gradient_systems():
    """9.3 degrees before; after, a pair shows less than half a degree, and five rings with signed
    weights follow the odd part of H alone as well as they follow all of it."""
    before = phase_response(RING).map
    assert math.degrees(before.lag_rad) == pytest.approx(9.3, abs=0.5)
    nulled = null_lag(RING, before)
    found = phase_response(nulled).map
    assert abs(math.degrees(found.lag_rad)) < 0.01
    assert before.even_odd_ratio > 0.15
    assert found.even_odd_ratio < 0.005
    lags = [math.degrees(pair_transient(circuit, found).map.lag_rad) for circuit in (RING, nulled)]
    assert lags[0] == pytest.approx(9.14, abs=0.1)
    assert abs(lags[1]) < 0.3
    rng = np.random.default_rng(1)
    weights = np.triu(rng.integers(-5, 6, (5, 5)), 1)
    for circuit, whole in ((RING, before), (nulled, found)):
        netlist = spice.create(weights + weights.T, with_(circuit, rho=0.05, cycles=80), seed=1)
        steps = netlist.text.replace("reltol=1e-5", "reltol=1e-6 vntol=1e-8 trtol=1e6")
        seen = spice.run(dataclasses.replace(netlist, text=steps))
        time_s, phases = seen.time_s[10:], seen.phases_rad[10:]
        odd = dataclasses.replace(whole, cosine=(0.0, 0.0))
        errors = [
            rms_rad(phases, predict(m, netlist, time_s, start_rad=phases[0])).max()
            for m in (whole, odd)
        ]
        assert errors[0] < 0.005
        assert (errors[1] < 0.005) == (circuit is nulled)


@pytest.mark.full
@pytest.mark.parametrize("keys", KINDS, ids=lambda keys: keys["coupling"])
def test_rings_are_extracted_with_every_kind_of_branch(keys: dict) -> None:
    found = extract(with_(RING, **keys))
    assert [check for check in found.checks if not check.holds] == []
    assert found.failures == []
    turned = math.degrees(keys.get("coupling_rad", math.pi / 2))
    assert math.degrees(found.best.lag_rad) == pytest.approx(9.3 - turned, abs=0.2)
    assert found.pair.map.lag_rad == pytest.approx(found.best.lag_rad, abs=math.radians(0.3))


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"coupling": "inductive"},
         "circuit.coupling = 'inductive': needed is one of resistive, capacitive, series-rc, "
         "parallel-rc"),
        ({"coupling": "series-rc"},
         "circuit.coupling_rad = 0.0: a coupling of kind 'series-rc' needs a phase between 0 and "
         "pi/2 rad; 0 is 'resistive', pi/2 'capacitive'"),
        ({"coupling": "parallel-rc", "coupling_rad": 1.6},
         "circuit.coupling_rad = 1.6: a coupling of kind 'parallel-rc' needs a phase between 0 "
         "and pi/2 rad; 0 is 'resistive', pi/2 'capacitive'"),
        ({"coupling_rad": 0.2},
         "circuit.coupling_rad = 0.2: a coupling of kind 'resistive' has no phase to choose: "
         "needed is 0 rad, or circuit.coupling = 'series-rc' or 'parallel-rc'"),
    ],
)  # fmt: skip
def test_branches_that_cannot_be_are_refused(keys: dict, message: str) -> None:
    with pytest.raises(SpecError) as refused:
        spice.create(PAIR, with_(TANK, **keys))
    assert str(refused.value) == message


def test_what_is_made_for_resistors_refuses_capacitors() -> None:
    circuit = with_(TANK, coupling="capacitive")
    said = "couplings of resistors only; needed is 'resistive'"
    with pytest.raises(SpecError, match=f"these equations have {said}"):
        equations.waveforms(spice.create(PAIR, circuit))
    with pytest.raises(SpecError, match=f"parts that exist are chosen for {said}"):
        snapping.snap(PAIR, circuit, "E24")
    with pytest.raises(SpecError, match=f"the lag is nulled of {said}"):
        null_lag(circuit)
    with pytest.raises(SpecError, match=f"memristors stand in for {said}"):
        memristive.pairs(PAIR, circuit, MODELS["vteam"])


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (closed_form(RING), "by closed form has no coupling"),
        (PhaseMap("pair transient", 1e6, None, (1.0,), (-0.1, 0.1)),
         "lag -5.71 degrees: a capacitor nulls one between 0 and 90 degrees"),
    ],
)  # fmt: skip
def test_a_lag_that_no_capacitor_nulls_is_refused(found: PhaseMap, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        null_lag(TANK, found)
