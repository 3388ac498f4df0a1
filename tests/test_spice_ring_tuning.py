"""Tuning banks of rings: design both ways, frequencies against ngspice, calibration, energies."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.spice import Circuit, create, free_running_hz, ring, run
from drai_hw.spice.bank import Banks
from drai_hw.spice.bank_design import BankDesign
from drai_hw.spice.readout import phases
from drai_hw.spice.simulate import voltages
from drai_hw.spice.switch import Switch
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.calibrate import calibrate
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw, draw_plain, ngspice_hz

RINGS = Circuit(kind="ring")
BANK = kinds.bank_for(RINGS, 0.024, 6)


def plain(codes: list[int], circuit: Circuit = RINGS, reach: float = 0.024) -> Banks:
    bank = kinds.bank_for(circuit, reach, 6)
    return draw(bank, circuit, len(codes), 0.0, 0, unit_sigma=0.0).at(codes)


def target_hz(circuit: Circuit = RINGS) -> float:
    return float(closed_form_hz(plain([32], circuit), circuit)[0])


@pytest.mark.parametrize(("stages", "reach", "bits"), [(3, 0.02, 4), (5, 0.04, 6), (7, 0.01, 9)])
def test_a_bank_has_the_range_that_was_asked_for_and_the_way_back_gives_it(
    stages: int, reach: float, bits: int
) -> None:
    circuit = replace(RINGS, ring_stages=stages)
    bank = kinds.bank_for(circuit, reach, bits)
    made = kinds.design_of(bank, circuit)
    assert made.range_share == pytest.approx(reach, rel=1e-9)
    # f ~ 1/C: the fastest step is the largest; below the middle there is one code less
    assert made.step_share == pytest.approx(reach * (1 + reach) / (2 ** (bits - 1) - 1), rel=0.1)
    again = BankDesign(reach, made.step_share * 1.1).bank(
        circuit.ring_load_f, Switch(on_ohm=1e-3, off_f=1e-20, overlap_f=0.0),
        law=kinds.law_of(circuit),
    )  # fmt: skip
    assert again.bits == bits


def test_frequencies_and_steps_in_ngspice_are_those_of_the_closed_form() -> None:
    """0.02 % of the frequency and 1.5 % of the steps over a range of 2.4 % to either side."""
    banks = plain([0, 2, 8, 16, 32, 48, 63])
    seen = ngspice_hz(banks, RINGS) / free_running_hz(RINGS)
    told = closed_form_hz(banks, RINGS) / kinds.nominal_hz(RINGS)
    assert told[0] > 1.024
    assert told[-1] < 0.977
    assert np.abs(seen / told - 1).max() < 2e-4
    assert (seen[1:] - seen[0]) == pytest.approx(told[1:] - told[0], rel=0.015)
    # a closed form that left the switches' resistance out would be off by more than that
    ideal = replace(banks, bank=replace(BANK, switch=replace(BANK.switch, on_ohm=1e-3)))
    other = closed_form_hz(ideal, RINGS) / kinds.nominal_hz(RINGS)
    assert abs((other[-1] - other[0]) / (seen[-1] - seen[0]) - 1) > 0.05


@pytest.mark.full
@pytest.mark.parametrize(("stages", "reach", "step_error"), [(3, 0.02, 0.03), (7, 0.024, 0.02)])
def test_so_are_they_with_other_stages(stages: int, reach: float, step_error: float) -> None:
    circuit = replace(RINGS, ring_stages=stages)
    banks = plain([0, 8, 32, 63], circuit, reach)
    seen = ngspice_hz(banks, circuit) / free_running_hz(circuit)
    told = closed_form_hz(banks, circuit) / kinds.nominal_hz(circuit)
    assert np.abs(seen / told - 1).max() < 1.5e-3
    assert (seen[1:] - seen[0]) == pytest.approx(told[1:] - told[0], rel=step_error)


def test_loads_that_differ_shift_frequencies_as_the_closed_form_says() -> None:
    drawn = draw_plain(RINGS, 6, 0.02, 3)
    seen = ngspice_hz(drawn, RINGS) / free_running_hz(RINGS)
    told = closed_form_hz(drawn, RINGS) / kinds.nominal_hz(RINGS)
    assert np.ptp(seen) > 0.005
    assert np.abs(seen / told - 1).max() < 1.5e-4


def test_drawn_loads_have_the_spread_that_was_asked_for() -> None:
    hz = closed_form_hz(draw_plain(RINGS, 4000, 0.01, 1), RINGS)
    # ten nodes, 4000 draws tell it to 1.1 %
    assert np.std(hz) / hz.mean() == pytest.approx(0.01 / np.sqrt(10), rel=0.05)
    same = draw_plain(RINGS, 5, 0.01, 2).fixed_f
    assert np.array_equal(same, draw_plain(RINGS, 5, 0.01, 2).fixed_f)
    assert np.array_equal(draw_plain(RINGS, 5, 0.0, 2).fixed_f, np.full((5, 10), 1e-14))


def relaxation(banks: Banks) -> float:
    """Return how fast a pair falls into phase, over its frequency."""
    circuit = replace(RINGS, rho=0.05, cycles=50, points_per_cycle=160)
    hz = ngspice_hz(banks, circuit)[0]
    netlist = create([[0, 1], [1, 0]], circuit, start_phases=[0.0, 0.5], banks=banks)
    time_s, p_v, n_v = voltages(netlist)
    at_s, phi = phases(time_s, p_v - n_v, hz)
    half = np.log(np.abs(np.tan(0.5 * (phi[5:40, 1] - phi[5:40, 0]))))
    return float(-np.polyfit(at_s[5:40], half, 1)[0] / hz)


@pytest.mark.full
def test_codes_leave_the_coupling_alone_at_the_chosen_stage_and_not_at_the_coupled_one() -> None:
    assert kinds.stage(RINGS) == 2
    low, high = (plain([code, code], reach=0.04) for code in (0, 63))
    assert relaxation(low) == pytest.approx(relaxation(high), rel=0.005)
    low, high = (
        replace(each, stage=0, fixed_f=np.roll(each.fixed_f, -4, axis=1)) for each in (low, high)
    )
    assert relaxation(low) > 1.05 * relaxation(high)


def test_calibration_takes_the_spread_out_and_its_cost_is_counted() -> None:
    banks = draw(BANK, RINGS, 40, 0.02, 6)
    found = calibrate(banks, RINGS, closed_form_hz, target_hz(), seed=2)
    before, after = (closed_form_hz(each, RINGS) / target_hz() - 1 for each in (banks, found.banks))
    step = kinds.design_of(BANK, RINGS).step_share
    assert np.sqrt(np.mean(before**2)) > 8 * np.sqrt(np.mean(after**2))
    # half a step, a count, and what a unit of 1 % does to the largest bit
    assert np.abs(after).max() < step + 1 / 8192
    assert found.time_s == pytest.approx(6 * (8192 + 32) / ring.nominal_hz(RINGS))
    # 2 S C VDD^2 a period and ring
    charged_j = 2 * 5 * 10e-15 * 1.8**2 * 6 * (8192 + 32)
    assert found.energy_j == pytest.approx(40 * charged_j, rel=1e-9)
    assert found.edges == found.counts.sum() == pytest.approx(40 * 6 * 8192, rel=0.03)


@pytest.mark.full
def test_calibration_in_ngspice_is_that_of_the_closed_form() -> None:
    banks = draw(BANK, RINGS, 4, 0.02, 8)
    nominal_hz = float(ngspice_hz(plain([32]), RINGS)[0])
    seen = calibrate(banks, RINGS, ngspice_hz, nominal_hz, seed=4)
    told = calibrate(banks, RINGS, closed_form_hz, target_hz(), seed=4)
    assert np.abs(seen.banks.codes - told.banks.codes).max() <= 1
    found_hz = ngspice_hz(told.banks, RINGS)
    assert np.abs(found_hz / nominal_hz - 1).max() < 1e-3
    assert np.abs(ngspice_hz(banks, RINGS) / nominal_hz - 1).max() > 4e-3


def test_a_network_with_banks_balances_with_the_heat_in_their_switches() -> None:
    circuit = replace(RINGS, cycles=20)
    banks = draw(BANK, RINGS, 2, 0.02, 9).at([63, 40])
    result = run(create([[0, 1], [1, 0]], circuit, start_phases=[0.0, 1.0], banks=banks))
    heat_j = result.energies.dissipated_j["tuning_bank"]
    assert heat_j > 0.004 * sum(result.energies.delivered_j.values())  # the balance would miss it
    assert abs(result.balance) < 0.001
    assert "tuning_bank" not in run(create([[0, 1], [1, 0]], circuit)).energies.dissipated_j


def test_what_cannot_be_built_is_refused() -> None:
    with pytest.raises(SpecError, match=r"= 0.06: its bank takes 1.07e-14 F of a side"):
        kinds.bank_for(RINGS, 0.06, 6)
    with pytest.raises(SpecError, match=r"tuning_bits = 1: needed are 2 to 12 bits of a bank"):
        kinds.bank_for(RINGS, 0.02, 1)
    with pytest.raises(SpecError, match=r"shape \(2, 10\) for 2 oscillators of kind 'ring'"):
        create(np.zeros((2, 2)), replace(RINGS, ring_stages=7), banks=plain([1, 2]))
    with pytest.raises(SpecError, match=r"sigma = 0.3: needed is a relative deviation from 0"):
        draw_plain(RINGS, 2, 0.3, 0)
