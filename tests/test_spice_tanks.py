"""Coupled tanks in ngspice against closed forms and against the phase model."""

import dataclasses
import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from drai_hw import spice
from drai_hw.spice import simulate

PAIR = np.array([[0, 1], [1, 0]])
FINE = 100  # points a period; the trapezoidal rule slows couplings by cos^2(pi / points)


def pair_difference(result: spice.CircuitResult) -> np.ndarray:
    return result.phases_rad[:, 1] - result.phases_rad[:, 0]


def relaxation_ratio(weights: np.ndarray, start: float, points: int) -> float:
    circuit = spice.Circuit(rho=0.05, cycles=80, points_per_cycle=points)
    netlist = spice.create(weights, circuit, start_phases=[0, start])
    result = spice.run(netlist)
    distance = pair_difference(result)
    if weights[0, 1] < 0:
        distance = math.pi - distance
    use = (distance > 0.02) & (distance < 2.7)
    assert use.sum() > 40
    slope, offset = np.polyfit(result.time_s[use], np.log(np.tan(distance[use] / 2)), 1)
    fitted = slope * result.time_s[use] + offset
    assert np.abs(fitted - np.log(np.tan(distance[use] / 2))).max() < 0.02
    return -slope / (2 * abs(netlist.parts.coupling[0, 1]))


@pytest.mark.parametrize(("weight", "start"), [(1, 2.6), (-1, 0.5)])
def test_a_pair_relaxes_as_tan_half_psi_falls_with_twice_its_weight(
    weight: int, start: float
) -> None:
    assert relaxation_ratio(weight * PAIR, start, FINE) == pytest.approx(1.0, abs=0.003)


def test_a_coarse_step_slows_the_pair_by_the_stated_factor() -> None:
    assert relaxation_ratio(PAIR, 2.6, 40) == pytest.approx(math.cos(math.pi / 40) ** 2, abs=0.001)


def test_a_detuned_pair_locks_at_the_arc_sine_of_half_the_ratio() -> None:
    circuit = spice.Circuit(rho=0.05, cycles=300)
    half = circuit.rho * circuit.f0_hz / (2 * circuit.q)
    detuning = 2 * half * math.sin(0.7) / circuit.f0_hz
    start = [0.0, 0.5]
    result = spice.run(spice.create(PAIR, circuit, start_phases=start, detuning=[0, detuning]))
    assert pair_difference(result)[-1] == pytest.approx(0.7, rel=0.02)


def test_a_pair_detuned_beyond_its_lock_range_slips() -> None:
    circuit = spice.Circuit(rho=0.05, cycles=1000)
    half = circuit.rho * circuit.f0_hz / (2 * circuit.q)
    detuning = 2 * half * 1.5 / circuit.f0_hz
    result = spice.run(spice.create(PAIR, circuit, start_phases=[0, 0], detuning=[0, detuning]))
    psi = pair_difference(result)
    turns = np.arange(psi[10], psi[-1], 2 * math.pi)
    assert turns.size > 3
    passed_s = np.interp(turns, psi, result.time_s)
    beat_hz = (turns.size - 1) / (passed_s[-1] - passed_s[0])
    assert beat_hz == pytest.approx(2 * half * math.sqrt(1.5**2 - 1), rel=0.05)


def test_crossed_wires_lock_in_antiphase() -> None:
    circuit = spice.Circuit(cycles=120)
    result = spice.run(spice.create(-PAIR, circuit, start_phases=[0, 0.4]))
    assert pair_difference(result)[-1] == pytest.approx(math.pi, abs=1e-3)
    assert np.array_equal(result.pattern * result.pattern[0], [1, -1])
    assert result.settled


def test_one_tank_has_the_designed_frequency_amplitude_and_loss() -> None:
    circuit = spice.Circuit(cycles=100, points_per_cycle=FINE)
    result = spice.run(spice.create([[0]], circuit, start_phases=[0]))
    tank = spice.design_tank(1e6, 15.9, 1.0, 253.3e-12)
    solver = 1 - (2 * math.pi / FINE) ** 2 / 12
    assert result.frequency_hz == pytest.approx(tank.f0_hz * solver, rel=3e-5)
    assert result.amplitude_v == pytest.approx([tank.amplitude_v], rel=2e-3)
    assert result.energies.per_cycle_j == pytest.approx(tank.loss_per_cycle_j, rel=5e-3)
    assert result.power_w == pytest.approx(tank.loss_w, rel=5e-3)
    assert abs(result.balance) < 5e-4


def small_signed_net() -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    upper = np.triu(rng.integers(-7, 8, (8, 8)), 1)
    return upper + upper.T, rng.uniform(0, 2 * math.pi, 8)


@pytest.mark.parametrize(("damping", "limit_rad"), [("none", 0.01), ("trimmed", 0.015)])
def test_a_signed_net_follows_the_phase_model(damping: str, limit_rad: float) -> None:
    weights, start = small_signed_net()
    circuit = spice.Circuit(rho=0.1, cycles=150, damping=damping)
    netlist = spice.create(weights, circuit, start_phases=start)
    result = spice.run(netlist)
    coupling = netlist.parts.coupling

    def slope(_: float, phase: np.ndarray) -> np.ndarray:
        return (coupling * np.sin(phase[None, :] - phase[:, None])).sum(axis=1)

    model = solve_ivp(
        slope, (0, netlist.stop_s), start, t_eval=result.time_s, rtol=1e-8, atol=1e-9
    ).y.T
    error = result.phases_rad - model
    error = np.angle(np.exp(1j * (error - np.angle(np.exp(1j * error).mean(axis=1))[:, None])))
    moved = model[-1] - model[0]
    assert np.ptp(moved) > 1.0
    assert math.sqrt((error**2).mean()) < limit_rad


@pytest.mark.parametrize("damping", ["none", "trimmed", "ideal"])
def test_delivered_energy_is_dissipated_or_stored(damping: str) -> None:
    weights, start = small_signed_net()
    circuit = spice.Circuit(rho=0.3, cycles=40, damping=damping)
    result = spice.run(spice.create(weights, circuit, start_phases=start))
    ledger = result.energies
    assert abs(result.balance) < 5e-4
    assert ledger.balanced
    assert ledger.dissipated_j["coupling"] > 0.02 * ledger.headline_j
    assert "lower bound" in ledger.method
    assert {source.element for source in result.sources} == set(ledger.delivered_j)
    assert all(source.behavioural for source in result.sources)
    ideal_w = sum(source.power_w for source in result.sources if source.ideal)
    assert (ideal_w > 0) == (damping == "ideal")
    assert sum(s.power_w for s in result.sources) * ledger.duration_s == pytest.approx(
        sum(ledger.delivered_j.values())
    )


def test_the_balance_notices_a_core_that_is_not_the_one_in_the_ledger() -> None:
    circuit = spice.Circuit(cycles=40)
    netlist = spice.create([[0]], circuit, start_phases=[0])
    values = {**netlist.parts.values, "g1_s": netlist.parts.values["g1_s"] * 1.02}
    wrong = dataclasses.replace(netlist, parts=dataclasses.replace(netlist.parts, values=values))
    assert abs(spice.run(netlist).balance) < 5e-4
    result = spice.run(wrong)
    assert abs(result.balance) > 0.005
    assert not result.energies.balanced


def test_coupling_resistors_of_a_pair_in_phase_stay_cold() -> None:
    circuit = spice.Circuit(cycles=40)
    together = spice.run(spice.create(PAIR, circuit, start_phases=[0, 0])).energies
    apart = spice.run(spice.create(PAIR, circuit, start_phases=[0, 1.5])).energies
    assert together.dissipated_j["coupling"] < 1e-6 * together.headline_j
    assert apart.dissipated_j["coupling"] > 1e-2 * apart.headline_j


def test_integrals_agree_with_an_integrator_inside_the_netlist() -> None:
    circuit = spice.Circuit(cycles=40, points_per_cycle=FINE)
    netlist = spice.create(PAIR, circuit, start_phases=[0, 2.0])
    ohm = float(1 / netlist.parts.straight_s[0, 1])
    probe = (
        f"Bsum 0 heat i=(v(p0)-v(p1))*(v(p0)-v(p1))/{ohm!r}+(v(n0)-v(n1))*(v(n0)-v(n1))/{ohm!r}\n"
        "Csum heat 0 1u ic=0\nRsum heat 0 1e15\n.save v(heat)\n"
    )
    text = netlist.text.replace(".options", probe + ".options")
    metered = dataclasses.replace(netlist, text=text)
    waves = simulate._waves(metered, None, 60.0, None)
    inside_j = 1e-6 * waves.select(["v(heat)"])[-1, 0]
    outside_j = spice.run(netlist).energies.dissipated_j["coupling"]
    assert outside_j == pytest.approx(inside_j, rel=1e-3)


def test_a_summary_has_units_in_its_names_and_the_method_beside_the_energy() -> None:
    result = spice.run(spice.create(PAIR, spice.Circuit(cycles=40), start_phases=[0, 0.1]))
    summary = result.summary()
    assert summary["energy_method"] == result.energies.method
    assert summary["energies_j"]["per_cycle"] == result.energies.per_cycle_j
    assert summary["inverse_counts"] is True
    assert [source["element"] for source in summary["sources"]] == ["Bcore0", "Bcore1"]
    assert summary["pattern"] == [1, 1]
