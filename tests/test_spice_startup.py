"""Start-up: growth from small charges and thermal noise against closed forms, and margins."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice import ring
from drai_hw.spice.startup import (
    BOLTZMANN_J_PER_K,
    from_noise,
    gain_to_start,
    grown_v,
    quiet,
    startup,
    thermal_start_v,
)

TANK = spice.Circuit(points_per_cycle=100, cycles=40)
RING = spice.Circuit(kind="ring", points_per_cycle=4000, cycles=3)


def rate_of(time_s: np.ndarray, amplitude_v: np.ndarray, low: float, high: float) -> float:
    used = (amplitude_v > low) & (amplitude_v < high)
    assert used.sum() > 100
    return float(np.polyfit(time_s[used], np.log(amplitude_v[used]), 1)[0])


@pytest.mark.parametrize("gain", [1.1, 1.3, 2.0])
def test_a_tank_grows_from_a_small_charge_as_its_excess_conductance_says(gain: float) -> None:
    """The trapezoidal rule takes (pi/points)^2 off the rate."""
    circuit = dataclasses.replace(TANK, gain=gain)
    found = startup(circuit, coupled=False)
    assert found.margin == pytest.approx(gain - 1)
    time_s, grown = grown_v(quiet(spice.create([[0]], circuit, start_phases=[0.3]), 1e-5))
    rate = rate_of(time_s, grown[:, 0], 1.2e-5, 1e-2)
    assert rate / found.rate_per_s == pytest.approx(1 - (math.pi / 100) ** 2, abs=2e-4)
    assert np.abs(grown[:, 0] / found.envelope_v(time_s, 1e-5) - 1).max() < 0.035


def test_a_tank_below_gain_of_its_loads_dies_at_the_rate_that_says_so() -> None:
    """A neighbour held silent by sources of 0 V: its coupling is a load of rho."""
    circuit = dataclasses.replace(TANK, gain=1.05, rho=0.3)
    found = startup(circuit)
    assert found.loop_gain == pytest.approx(1.05 / 1.3)
    assert found.rate_per_s == pytest.approx(-0.25 * 2 * math.pi * 1e6 / (2 * 15.9), rel=1e-4)
    netlist = quiet(spice.create([[0, 1], [1, 0]], circuit, start_phases=[0, 0]), 1e-3)
    held = netlist.text.replace(
        "\n.options", "\nVp1 p1 0 0\nVn1 n1 0 0\n.options", 1
    ).replace("Cp1 ", "*Cp1 ").replace("Cn1 ", "*Cn1 ")  # fmt: skip
    time_s, grown = grown_v(dataclasses.replace(netlist, text=held))
    rate = float(np.polyfit(time_s, np.log(grown[:, 0]), 1)[0])
    assert rate == pytest.approx(found.rate_per_s, rel=5e-3)
    with pytest.raises(SpecError, match=r"loop gain 0.808: needed is above 1, or the oscillation"):
        found.time_s(1e-3)
    # a trimmed core makes up for the load
    trimmed = startup(dataclasses.replace(circuit, damping="trimmed"))
    assert trimmed.rate_per_s == pytest.approx(startup(circuit, coupled=False).rate_per_s)
    assert trimmed.loop_gain == pytest.approx(1.35 / 1.3)
    # and capacitors load no loop
    capacitive = startup(dataclasses.replace(circuit, coupling="capacitive"))
    assert capacitive.loop_gain == pytest.approx(1.05)


def test_time_and_gain_are_inverse_to_each_other() -> None:
    gain = gain_to_start(TANK, 40, 1e-5)
    found = startup(dataclasses.replace(TANK, gain=gain), coupled=False)
    assert found.time_s(1e-5) * 1e6 == pytest.approx(40, rel=2e-3)
    assert found.envelope_v(np.array([found.time_s(1e-5)]), 1e-5) == pytest.approx(0.9)


@pytest.mark.parametrize("stages", [3, 5, 7])
@pytest.mark.parametrize("skew", [1.0, 1 / 3])
def test_a_ring_grows_as_its_stages_and_latch_say(stages: int, skew: float) -> None:
    circuit = dataclasses.replace(RING, ring_stages=stages, ring_skew=skew, cycles=3)
    found = startup(circuit, coupled=False)
    assert found.margin == math.inf
    assert found.rate_per_s > found.rival_rate_per_s > 0
    time_s, grown = grown_v(quiet(spice.create([[0]], circuit, start_phases=[0.3]), 1e-7))
    rate = rate_of(time_s, grown[:, 0], 1e-6, 1e-2)
    assert rate == pytest.approx(found.rate_per_s, rel=1e-4)


@pytest.mark.parametrize("stages", [3, 5, 7])
def test_a_chain_alone_grows_by_its_stages_and_not_by_three_turns(stages: int) -> None:
    circuit = dataclasses.replace(RING, ring_topology="single-ended", ring_stages=stages, cycles=4)
    found = startup(circuit, coupled=False)
    stage_s = ring.transconductance_s(circuit)
    assert found.rate_per_s == pytest.approx(stage_s * math.cos(math.pi / stages) / 10e-15)
    assert found.rival_rate_per_s < 0.25 * found.rate_per_s
    time_s, grown = grown_v(quiet(spice.create([[0]], circuit, start_phases=[0.3]), 1e-7))
    rate = rate_of(time_s, grown[:, 0], 1e-6, 1e-2)
    assert rate == pytest.approx(found.rate_per_s, rel=1e-4)


def test_rings_with_loads_have_a_loop_gain_and_no_noise_of_their_own_here() -> None:
    found = startup(RING)
    load_s = RING.rho * 2 * math.pi * ring.nominal_hz(RING) * RING.ring_load_f
    stage_s = 2 * 300e-6 / 0.18 * 0.45  # both transistors, half a volt less the threshold
    assert ring.transconductance_s(RING) == pytest.approx(stage_s)
    assert found.loop_gain == pytest.approx(stage_s * (math.cos(math.pi / 5) + 0.3) / load_s)
    with pytest.raises(SpecError, match="start-up from thermal noise is of tanks"):
        thermal_start_v(RING)


@pytest.mark.parametrize("topology", ["pseudo-differential", "single-ended"])
def test_rings_reach_their_swing_with_sides_in_antiphase_from_random_charges(topology) -> None:
    """1 mV rms at each node: the antiphase grows exp(2 r gm t/C) faster than both sides alike."""
    circuit = dataclasses.replace(RING, ring_topology=topology, points_per_cycle=60, cycles=14)
    netlist = quiet(
        spice.create(np.zeros((8, 8)), circuit, start_phases=np.zeros(8)), 0.0, noise_v=1e-3, seed=5
    )
    seen = spice.run(netlist)
    assert np.abs(seen.amplitude_v / seen.amplitude_v.mean() - 1).max() < 0.01
    settled = spice.run(spice.create([[0]], circuit, start_phases=[0.0]))
    assert seen.amplitude_v.mean() == pytest.approx(settled.amplitude_v[0], rel=0.01)


def test_tanks_start_from_thermal_noise_in_the_time_that_its_power_gives() -> None:
    """40 tanks, noise anew in each run: ln a^2 deviates by pi/sqrt(6), five of its errors of the
    mean are allowed."""
    circuit = dataclasses.replace(TANK, cycles=100, points_per_cycle=40)
    start_v = thermal_start_v(circuit)
    assert start_v == pytest.approx(math.sqrt(4 * BOLTZMANN_J_PER_K * 300 / circuit.capacitance_f))
    found = startup(circuit, coupled=False)
    time_s, grown = grown_v(from_noise(circuit, 40))
    assert grown[0].max() < 1e-9
    assert np.abs(grown[time_s > 97e-6] - 1).max() < 0.05
    rate = found.rate_per_s * (1 - (math.pi / 40) ** 2)
    at = int(np.searchsorted(time_s, 35e-6))
    assert grown[at].min() > 1e-6
    assert grown[at].max() < 0.1
    logs = 2 * (np.log(grown[at]) - rate * time_s[at])
    error = math.pi / math.sqrt(6 * 40)
    assert logs.mean() == pytest.approx(2 * math.log(start_v) - 0.5772, abs=5 * error)
    assert 0.5 < logs.std() < 3.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: gain_to_start(TANK, 0, 1e-5), "cycles = 0: needed is a number above 0 periods"),
        (lambda: startup(TANK, coupled=False).time_s(0.95), "needed is a start above 0 and below"),
        (lambda: thermal_start_v(TANK, temperature_k=-1), "needed are a temperature above 0 K"),
        (lambda: from_noise(RING, 2), "circuit.kind = 'ring': start-up from thermal noise"),
    ],
)
def test_what_cannot_start_is_refused(call, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        call()
