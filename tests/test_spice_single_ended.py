"""Single-ended rings in ngspice: frequency, energies, both signs of a weight, lock and recall."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from drai_hw import spice
from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.spice import ring
from drai_hw.spice.bank import Capacitors
from drai_hw.spice.design import advance_per_cycle_rad
from drai_hw.spice.devices import THRESHOLD_V
from drai_hw.spice.extraction import (
    PhaseMap,
    extract,
    null_lag,
    pair_transient,
    phase_response,
    predict,
    rms_rad,
)
from drai_hw.spice.extraction.ways import compare
from drai_hw.spice.injection import current_for, inject
from drai_hw.spice.ring_pull import EXTRACTED, lag_rad, pull
from drai_hw.spice.ring_settings import LEAST_SUPPLY_V
from drai_hw.spice.tuning.kinds import bank_for, stage
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw, ngspice_hz
from drai_hw.units import TAU, wrap_rad

RING = spice.Circuit(kind="ring", ring_topology="single-ended", cycles=60, rho=0.05)
FINE = dataclasses.replace(RING, points_per_cycle=200, rho=0.01)
PAIR = np.array([[0, 1], [1, 0]])


@pytest.mark.parametrize("stages", [3, 5, 7])
def test_a_chain_has_its_frequency_by_formula_and_takes_n_c_v_squared(stages: int) -> None:
    circuit = dataclasses.replace(RING, ring_stages=stages)
    result = spice.run(spice.create([[0]], circuit, start_phases=[0]))
    assert result.frequency_hz == pytest.approx(ring.nominal_hz(circuit), rel=0.012)
    charged_j = stages * circuit.ring_load_f * circuit.ring_vdd_v**2
    assert ring.supply_per_cycle_j(circuit) == pytest.approx(charged_j)
    assert result.energies.per_cycle_j == pytest.approx(charged_j, rel=0.015)


def test_a_single_ended_netlist_is_one_chain_read_between_its_first_two_stages() -> None:
    netlist = spice.create(PAIR, RING, start_phases=[0.3, 1])
    lines = netlist.text.splitlines()
    assert sum(line.startswith("M") for line in lines) == 2 * 2 * RING.ring_stages
    assert netlist.pairs == (("p0_0", "p0_1"), ("p1_0", "p1_1"))
    ends = {line.split()[0]: line.split()[1:3] for line in lines if line.startswith("R")}
    assert ends == {"Rw0_1_pp": ["p0_0", "p1_0"], "Rw0_1_nn": ["p0_1", "p1_1"]}
    crossed = spice.create(-PAIR, RING, start_phases=[0.3, 1]).text.splitlines()
    ends = {line.split()[0]: line.split()[1:3] for line in crossed if line.startswith("R")}
    assert ends == {"Rw0_1_pn": ["p0_0", "p1_1"], "Rw0_1_np": ["p0_1", "p1_0"]}
    # p - n starts at the cosine of the phase that was asked for
    start_v = {line.split()[1]: float(line.split("ic=")[1]) for line in lines if "ic=" in line}
    apart_v = 0.9 * RING.ring_vdd_v * math.cos(math.pi / 2 / RING.ring_stages)
    assert start_v["p0_0"] - start_v["p0_1"] == pytest.approx(apart_v * math.cos(0.3))


def test_negative_weights_have_larger_branches_whose_load_the_capacitors_make_up_for() -> None:
    weights = np.array([[0, 1, -2], [1, 0, 1], [-2, 1, 0]])
    netlist = spice.create(weights, RING, start_phases=[0, 1, 2])
    parts, share = netlist.parts, math.cos(math.pi / 5)
    assert parts.crossed_s[0, 2] == pytest.approx(2 * parts.straight_s[0, 1] / share)
    assert np.allclose(parts.pull_s, parts.coupling)
    excess = parts.crossed_s[0, 2] * (1 - share)
    unit_s = 2 * math.pi * netlist.nominal_hz * RING.ring_load_f
    added = pull(RING) * math.tan(lag_rad(RING)) * excess / unit_s
    assert parts.values["load_f"][0, 0] / RING.ring_load_f == pytest.approx(1 + added)
    assert added > 5e-4
    assert parts.values["load_f"][1, 0] == RING.ring_load_f
    # the file has a unit of its own for the crossed ones
    assert netlist.parameters["crossed_ohm"] < netlist.parameters["unit_ohm"]
    assert "{crossed_ohm" in netlist.file_text
    straight = spice.create(np.abs(weights), RING, start_phases=[0, 1, 2])
    assert "crossed_ohm" not in straight.parameters


@pytest.mark.parametrize("stages", [3, 5, 7])
@pytest.mark.parametrize(("weight", "target"), [(1, 0.0), (-1, math.pi)])
def test_positive_pairs_lock_in_phase_and_negative_ones_in_antiphase(
    stages: int, weight: int, target: float
) -> None:
    circuit = dataclasses.replace(RING, ring_stages=stages)
    result = spice.run(spice.create(weight * PAIR, circuit, start_phases=[0, 1.6]))
    psi = result.phases_rad[:, 1] - result.phases_rad[:, 0]
    assert abs(psi[0] - target) > 0.3
    assert psi[-1] == pytest.approx(target, abs=0.01)
    assert result.settled
    assert abs(result.balance) < 1e-3
    assert set(result.energies.delivered_j) == {"Vdd"}
    assert set(result.energies.dissipated_j) == {"stage_transistors", "coupling"}


@pytest.mark.parametrize("stages", [3, 5, 7])
def test_rings_have_the_phases_that_they_are_started_at(stages: int) -> None:
    """One phase is common to all: a sine grows to the full swing, 0.07 to 0.14 rad on."""
    circuit = dataclasses.replace(RING, ring_stages=stages, cycles=16, points_per_cycle=100)
    start = np.arange(8) * TAU / 8
    result = spice.run(spice.create(np.zeros((8, 8)), circuit, start_phases=start))
    off = wrap_rad(result.phases_rad[-1] - start)
    assert 0 < off.mean() < 0.15
    assert np.abs(off - off.mean()).max() < 0.005


@pytest.mark.parametrize("coupling", ["capacitive", "series-rc", "parallel-rc"])
def test_branches_with_capacitors_balance(coupling: str) -> None:
    turned = {} if coupling == "capacitive" else {"coupling_rad": 0.5}
    circuit = dataclasses.replace(RING, coupling=coupling, cycles=30, **turned)
    result = spice.run(spice.create(-PAIR, circuit, start_phases=[0, 1.5]))
    assert abs(result.balance) < 1e-3


def test_rings_recall_a_pattern_of_signed_weights() -> None:
    pattern = np.array([1, -1, 1, 1, -1, -1])
    weights = np.outer(pattern, pattern) - np.eye(6, dtype=int)
    start = pattern.copy()
    start[2] *= -1
    result = spice.recall(weights, start, dataclasses.replace(RING, rho=0.15), seed=1)
    assert result.settled
    assert abs(int(result.pattern @ pattern)) == 6
    assert abs(result.balance) < 1e-3


def test_both_signs_pull_alike_in_three_stages_where_the_taps_are_furthest_from_antiphase() -> None:
    """Crossed branches pull cos(60 degrees) of straight ones; made up for to 0.6 %."""
    found, straight, crossed, tap_rad = both_signs(3)
    assert straight.sine[0] == pytest.approx(found.sine[0], rel=0.003)
    assert crossed.sine[0] == pytest.approx(straight.sine[0], rel=0.008)
    assert crossed.lag_rad == pytest.approx(straight.lag_rad, abs=math.radians(0.6))
    # the load: 0.42 of a straight pair, and 0.84 if the capacitors did not make up for it
    expected = found.crossed(tap_rad).cosine[0] / found.sine[0]
    assert crossed.cosine[0] / found.sine[0] == pytest.approx(expected, abs=0.05)
    assert expected == pytest.approx(0.42, abs=0.01)


def both_signs(stages: int) -> tuple[PhaseMap, PhaseMap, PhaseMap, float]:
    circuit = dataclasses.replace(FINE, ring_stages=stages)
    found = phase_response(circuit).map
    assert pull(circuit) == pytest.approx(found.sine[0] * circuit.ring_load_f, rel=0.01)
    assert lag_rad(circuit) == pytest.approx(found.lag_rad, abs=math.radians(0.1))
    straight, crossed = (pair_transient(circuit, found, sign=sign) for sign in (1, -1))
    tap_rad = ring.tap_rad(circuit)
    for pair, model in ((straight, found), (crossed, found.crossed(tap_rad))):
        judged = pair.judge(model)
        assert judged.slope == pytest.approx(1.0, abs=0.005)
        assert judged.correlation > 0.999999
    return found, straight.map, crossed.map, tap_rad


@pytest.mark.full
@pytest.mark.parametrize("stages", [5, 7])
def test_both_signs_pull_alike_in_more_stages(stages: int) -> None:
    found, straight, crossed, tap_rad = both_signs(stages)
    assert crossed.sine[0] == pytest.approx(straight.sine[0], rel=0.002)
    assert crossed.lag_rad == pytest.approx(straight.lag_rad, abs=math.radians(0.3))
    # what differs: the third harmonic comes through two taps, a_3 cos(3 pi/N) / cos(pi/N)
    third = found.crossed(tap_rad).sine[2] / found.sine[0]
    assert third == pytest.approx(
        found.sine[2] / found.sine[0] * math.cos(3 * tap_rad) / math.cos(tap_rad)
    )
    assert crossed.sine[2] / found.sine[0] == pytest.approx(third, abs=0.005)


@pytest.mark.full
@pytest.mark.parametrize("topology", EXTRACTED)
@pytest.mark.parametrize("stages", [3, 5, 7, 9, 11, 15, 21])
def test_pull_and_lag_are_those_of_the_table_and_its_law(topology: str, stages: int) -> None:
    circuit = dataclasses.replace(FINE, ring_topology=topology, ring_stages=stages)
    found = phase_response(circuit).map
    rel = 0.01 if stages <= 11 else 0.06
    assert pull(circuit) == pytest.approx(found.sine[0] * circuit.ring_load_f, rel=rel)
    assert lag_rad(circuit) == pytest.approx(found.lag_rad, abs=math.radians(0.15))


@pytest.mark.full
@pytest.mark.parametrize("stages", [3, 5, 7])
def test_a_ring_is_extracted_with_all_comparisons_within_their_tolerances(stages: int) -> None:
    found = extract(dataclasses.replace(RING, ring_stages=stages, rho=0.02))
    assert [check for check in found.checks if not check.holds] == []
    assert found.failures == []
    assert found.negative is not None
    assert found.summary()["negative_prediction"]["slope"] == pytest.approx(1.0, abs=0.005)
    wrong = dataclasses.replace(found.negative, slope=1.02)
    checks = compare(found.circuit, found.closed, found.best, found.pair.map, found.judged, wrong)
    assert [c.quantity for c in checks if not c.holds] == [
        "pair prediction of a negative weight, slope"
    ]


@pytest.mark.full
def test_a_capacitor_beside_each_resistor_nulls_the_lag_of_both_signs() -> None:
    nulled = null_lag(FINE)
    found = phase_response(nulled).map
    assert found.even_odd_ratio < 0.01
    for sign, model in ((1, found), (-1, found.crossed(ring.tap_rad(nulled)))):
        pair = pair_transient(nulled, found, sign=sign)
        assert pair.map.lag_rad == pytest.approx(0.0, abs=math.radians(0.5))
        assert pair.judge(model).slope == pytest.approx(1.0, abs=0.005)


def test_a_pair_that_locks_at_once_is_too_strong_to_extract() -> None:
    guess = PhaseMap("phase response", 8.8e9, 2.0, (0.349 / 10e-15,), (0.0, 0.0))
    for rho in (0.3, 0.073):  # the latter takes a few periods longer, too few for a fit
        circuit = dataclasses.replace(RING, rho=rho, points_per_cycle=60)
        with pytest.raises(ConvergenceError, match=rf"at rho {rho} locks within .* below 0\.069$"):
            pair_transient(circuit, guess)


def skewed(stages: int, cycles: int) -> None:
    """Compare K_s by phase response with the movement of eight rings, and see where they end."""
    circuit = dataclasses.replace(FINE, ring_stages=stages, ring_skew=1 / 3)
    response = phase_response(circuit)
    found = response.map
    assert found.frequency_hz == pytest.approx(ring.nominal_hz(circuit), rel=0.03)
    tapped = 2 * math.cos(math.pi / stages) * abs(response.response_c[2])
    assert found.shil_per_ampere == pytest.approx(tapped)
    current_a = current_for(found, 0.006 * TAU * found.frequency_hz)
    seen = inject(circuit, found, current_a, np.arange(8) * TAU / 8 + 0.1, cycles=cycles)
    k_s, phase = seen.fitted()
    assert k_s == pytest.approx(seen.k_s_rad_per_s, rel=0.02)
    ends = np.mod(seen.phases_rad[-1] - phase + 0.5, TAU) - 0.5
    near = ends < math.pi / 2
    assert near.sum() == 4
    assert np.abs(ends - np.where(near, 0, math.pi)).max() < 0.05


def test_skewed_chains_lock_to_twice_their_frequency_in_two_phases() -> None:
    skewed(5, cycles=80)


@pytest.mark.full
@pytest.mark.parametrize("stages", [3, 7])
def test_skewed_chains_of_other_lengths_do_so_too(stages: int) -> None:
    skewed(stages, cycles=120)


@pytest.mark.full
@pytest.mark.parametrize("stages", [3, 5, 7])
def test_networks_of_signed_weights_follow_the_maps_of_both_signs(stages: int) -> None:
    """The float model has one list for both signs: what the third harmonic differs by is left."""
    circuit = dataclasses.replace(FINE, ring_stages=stages, rho=0.03)
    found = phase_response(circuit).map
    weights = np.triu(np.random.default_rng(1).integers(-5, 6, (5, 5)), 1)
    circuit = dataclasses.replace(circuit, cycles=80)
    netlist = spice.create(weights + weights.T, circuit, seed=1)
    steps = ("reltol=1e-5", "reltol=1e-6 vntol=1e-8 trtol=1e6")
    assert steps[0] in netlist.text
    result = spice.run(dataclasses.replace(netlist, text=netlist.text.replace(*steps)))
    time_s, seen = result.time_s[10:] - result.time_s[10], result.phases_rad[10:]
    assert np.abs(seen[-1] - seen[0]).max() > 1.5
    pull_s, crossed = netlist.parts.pull_s, found.crossed(ring.tap_rad(circuit))

    def rate(_: float, phi: np.ndarray) -> np.ndarray:
        psi = phi[None, :] - phi[:, None]
        positive = np.maximum(pull_s, 0) * found.pull_per_siemens(psi)
        negative = np.maximum(-pull_s, 0) * crossed.pull_per_siemens(psi - math.pi)
        return (positive + negative).sum(axis=1)

    both = solve_ivp(rate, (0, time_s[-1]), seen[0], t_eval=time_s, rtol=1e-8, atol=1e-8).y.T
    one = predict(found, netlist, time_s, start_rad=seen[0])
    rms = [float(np.sqrt(np.mean(rms_rad(seen, model) ** 2))) for model in (both, one)]
    assert rms[0] < 0.01
    assert rms[1] < 0.035


def test_what_a_row_sum_advances_in_a_period_is_the_extracted_pull() -> None:
    per_cycle_rad = 2 * math.pi * RING.rho * pull(RING)
    assert advance_per_cycle_rad(RING) == pytest.approx(per_cycle_rad)
    long = dataclasses.replace(RING, ring_stages=33)
    assert pull(long) == pytest.approx(EXTRACTED["single-ended"][11][0] / 9)


def test_mirror_images_are_crossed_as_they_are() -> None:
    found = PhaseMap("phase response", 1e9, 1.0, (1.0, 0.1), (0.3, -0.2, 0.1))
    same = found.crossed(0.0)
    assert np.allclose(same.sine, found.sine)
    assert np.allclose(same.cosine, found.cosine)
    assert ring.crossed_share(dataclasses.replace(RING, ring_topology="pseudo-differential")) == 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ring_topology": "differential"},
         "ring_topology = 'differential': needed is one of pseudo-differential, single-ended"),
        ({"ring_vdd_v": 0.9}, r"ring_vdd_v = 0\.9: needed is more than 0\.9 V, twice"),
        ({"ring_vdd_v": -1.0}, r"ring_vdd_v = -1\.0: needed is a number above 0 V"),
        ({"ring_load_f": 0.0}, r"ring_load_f = 0\.0: needed is a number above 0 F"),
        ({"ring_latch": 3.0}, r"ring_latch = 3\.0: needed is at most 2 .*stands still"),
        ({"ring_width": math.nan}, "ring_width = nan: needed is a number above 0"),
        ({"ring_skew": 0.0}, r"ring_skew = 0\.0: needed is a number above 0"),
        ({"ring_stages": 6}, "ring_stages = 6: needed is an odd number"),
    ],
)  # fmt: skip
def test_impossible_rings_are_refused_with_key_and_range(change: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spice.create(-PAIR, dataclasses.replace(RING, **change))


@pytest.mark.filterwarnings("ignore:circuit.rho")
def test_negative_weights_that_load_more_than_there_is_are_refused() -> None:
    circuit = dataclasses.replace(RING, ring_stages=3, rho=2.0, coupling="capacitive")
    with pytest.raises(SpecError, match=r"rho = 2 .*'capacitive': negative weights load a ring of"):
        spice.create(-PAIR, circuit)
    spice.create(PAIR, circuit)


def test_capacitors_as_drawn_are_one_a_stage() -> None:
    drawn = Capacitors(np.full((2, 5), 11e-15))
    assert "1.1e-14" in spice.create(PAIR, RING, banks=drawn).text
    with pytest.raises(SpecError, match=r"needed are 5 sides of each, \(2, 5\)"):
        spice.create(PAIR, RING, banks=Capacitors(np.full((2, 10), 11e-15)))


@pytest.mark.parametrize("stages", [3, 5])
def test_a_bank_at_a_stage_without_couplings_tunes_a_chain(stages: int) -> None:
    circuit = dataclasses.replace(RING, ring_stages=stages, cycles=30)
    assert stage(circuit) not in (0, 1)
    banks = draw(bank_for(circuit, 0.03, 3), circuit, 2, 0.01, seed=4)
    assert banks.fixed_f.shape == (2, stages)
    measured_hz = [ngspice_hz(banks.at(codes), circuit) for codes in ([0, 0], [7, 7])]
    ratio = [closed_form_hz(banks.at(codes), circuit) for codes in ([0, 0], [7, 7])]
    # of two chains it is 0.2 %, of one 0.36 %: a slow stage drives the next one's edge later
    assert measured_hz[0] / measured_hz[1] == pytest.approx(ratio[0] / ratio[1], rel=4e-3)
    assert np.all(ratio[0] / ratio[1] > 1.05)
    # what the codes do beside one another in one netlist, couplings and their energies included
    result = spice.run(spice.create(-PAIR, circuit, start_phases=[0, 2], banks=banks.at([0, 7])))
    assert result.energies.dissipated_j["tuning_bank"] > 0
    assert abs(result.balance) < 2e-3


def test_the_least_supply_is_twice_the_threshold() -> None:
    assert pytest.approx(2 * THRESHOLD_V) == LEAST_SUPPLY_V
