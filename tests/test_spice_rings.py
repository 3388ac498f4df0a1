"""Pseudo-differential rings in ngspice: frequency, supply energy, locking."""

import dataclasses
import math

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.spice import ring
from drai_hw.spice.devices import drain_current_a

RING = spice.Circuit(kind="ring", cycles=60, rho=0.1)
PAIR = np.array([[0, 1], [1, 0]])


def test_the_stage_delay_is_the_same_in_rings_of_three_five_and_seven() -> None:
    delays_s = []
    for stages in (3, 5, 7):
        circuit = dataclasses.replace(RING, ring_stages=stages)
        measured_hz = spice.free_running_hz(circuit)
        assert measured_hz == pytest.approx(ring.nominal_hz(circuit), rel=0.02)
        delays_s.append(1 / (2 * stages * measured_hz))
    assert max(delays_s) / min(delays_s) < 1.01


@pytest.mark.parametrize(("latch", "bound"), [(0.01, 0.02), (0.3, 0.15)])
def test_supply_energy_per_cycle_is_twice_n_c_v_squared_and_the_latch(
    latch: float, bound: float
) -> None:
    circuit = dataclasses.replace(RING, ring_latch=latch)
    result = spice.run(spice.create([[0]], circuit, start_phases=[0]))
    ratio = result.energies.per_cycle_j / ring.supply_per_cycle_j(circuit)
    assert 1.0 < ratio < 1.0 + bound


@pytest.mark.parametrize(("weight", "target"), [(1, 0.0), (-1, math.pi)])
@pytest.mark.parametrize("start", [0.6, 2.5])
def test_straight_wires_lock_in_phase_and_crossed_ones_in_antiphase(
    weight: int, target: float, start: float
) -> None:
    result = spice.run(spice.create(weight * PAIR, RING, start_phases=[0, start]))
    psi = result.phases_rad[:, 1] - result.phases_rad[:, 0]
    assert abs(psi[0] - target) > 0.3
    assert psi[-1] == pytest.approx(target, abs=0.01)
    assert result.settled
    assert np.array_equal(result.pattern * result.pattern[0], [1, weight])


def test_without_coupling_rings_keep_their_phases() -> None:
    result = spice.run(spice.create(0 * PAIR, RING, start_phases=[0, 1.0]))
    psi = result.phases_rad[:, 1] - result.phases_rad[:, 0]
    assert psi[-1] == pytest.approx(psi[5], abs=0.02)
    assert 0.5 < psi[-1] < 1.5


def test_the_supply_pays_for_transistors_and_couplings() -> None:
    result = spice.run(spice.create(PAIR, RING, start_phases=[0, 2.5]))
    ledger = result.energies
    assert set(ledger.delivered_j) == {"Vdd"}
    assert abs(result.balance) < 1e-3
    assert ledger.headline_j == ledger.delivered_j["Vdd"]
    assert "not a technology" in ledger.method
    assert not any(source.behavioural for source in result.sources)
    assert ledger.dissipated_j["coupling"] > 0


def test_the_netlist_holds_no_behavioural_source_and_says_what_its_transistors_are() -> None:
    netlist = spice.create(PAIR, RING, start_phases=[0, 1])
    assert netlist.behavioural == ()
    assert not any(line[:1] in "BEGFH" for line in netlist.text.splitlines() if line)
    assert "NOT A TECHNOLOGY" in netlist.text


def test_a_frustrated_net_of_rings_ends_in_the_pattern_of_its_weights() -> None:
    pattern = np.array([1, -1, 1, 1, -1, -1])
    weights = np.outer(pattern, pattern) - np.eye(6, dtype=int)
    start = pattern.copy()
    start[2] *= -1
    circuit = dataclasses.replace(RING, rho=0.3)
    result = spice.recall(weights, start, circuit, seed=1)
    assert result.settled
    assert abs(int(result.pattern @ pattern)) == 6


def test_the_square_law_is_continuous_odd_and_saturates() -> None:
    gate = np.full(5, 1.45)
    drain = np.array([-0.2, 0.0, 0.5, 1.0, 1.7])
    current = drain_current_a(gate, drain, 2e-3)
    assert current[1] == 0.0
    assert current[2] == pytest.approx(2e-3 * (1.0 * 0.5 - 0.125))
    assert current[3] == current[4] == pytest.approx(1e-3)
    # source and drain swapped: the gate is 1.65 V above the lower end
    assert current[0] == pytest.approx(-2e-3 * (1.2 * 0.2 - 0.02))
    assert drain_current_a(np.array([0.4]), np.array([1.0]), 2e-3)[0] == 0.0
