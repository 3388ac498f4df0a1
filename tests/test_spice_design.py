"""Design equations both ways, and the circuits that come of them in ngspice."""

import dataclasses

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice import RingDesign, TankDesign
from drai_hw.spice.engine import simulate

TANK = TankDesign(f0_hz=2.4e6, amplitude_v=0.6, q=12.0, power_w=30e-6, gain=1.8)
RING = RingDesign(f0_hz=3e9, swing_v=1.5, power_w=0.8e-3, stages=3)


def test_components_give_back_the_design_of_a_tank() -> None:
    """Exact but for the core's shift of Q, (eps/4)^2."""
    given = TankDesign.of(TANK.tank())
    for key in ("f0_hz", "amplitude_v", "q", "power_w", "gain"):
        assert getattr(given, key) == pytest.approx(getattr(TANK, key), rel=1e-9)


def test_a_designed_tank_does_in_ngspice_what_was_asked_for() -> None:
    """Trapezoidal rule at 100 points: frequency -(2 pi/100)^2/12 = -3.3e-4."""
    circuit = TANK.circuit(spice.Circuit(points_per_cycle=100, cycles=60))
    result = spice.run(spice.create([[0]], circuit, start_phases=[0]))
    assert result.frequency_hz == pytest.approx(TANK.f0_hz, rel=5e-4)
    assert result.amplitude_v[0] == pytest.approx(TANK.amplitude_v, rel=2e-3)
    assert result.power_w == pytest.approx(TANK.power_w, rel=5e-3)


def test_settings_give_back_the_design_of_a_ring() -> None:
    given = RingDesign.of(RING.circuit())
    assert dataclasses.astuple(given)[:-1] == pytest.approx(
        dataclasses.astuple(RING)[:-1], rel=1e-12
    )
    assert given.topology == RING.topology


def test_a_designed_ring_does_in_ngspice_what_was_asked_for() -> None:
    """The stage delay is known to 1 %, 2 % at other supplies; a weak latch adds little power."""
    circuit = RING.circuit(spice.Circuit(cycles=40, ring_latch=0.02))
    result = spice.run(spice.create([[0]], circuit, start_phases=[0]))
    assert result.frequency_hz == pytest.approx(RING.f0_hz, rel=0.04)
    assert result.power_w == pytest.approx(RING.power_w, rel=0.06)
    assert abs(result.balance) < 2e-3


@pytest.mark.parametrize("stages", [3, 5, 7])
def test_a_single_ended_ring_is_designed_both_ways_and_does_in_ngspice_what_was_wanted(
    stages: int,
) -> None:
    wanted = RingDesign(2.0e9, 1.5, 0.3e-3, stages=stages, topology="single-ended")
    circuit = wanted.circuit(spice.Circuit(points_per_cycle=80, cycles=20))
    assert circuit.ring_topology == "single-ended"
    assert RingDesign.of(circuit) == dataclasses.replace(
        wanted, f0_hz=pytest.approx(wanted.f0_hz), power_w=pytest.approx(wanted.power_w)
    )
    # half the power of two chains of the same transistors, at nearly the same frequency
    twice = RingDesign.of(dataclasses.replace(circuit, ring_topology="pseudo-differential"))
    assert twice.power_w / wanted.power_w == pytest.approx(2 * 0.96 / 0.97)
    netlist = spice.create([[0]], circuit, start_phases=[0])
    result = spice.run(netlist)
    assert result.frequency_hz == pytest.approx(wanted.f0_hz, rel=0.04)
    assert result.power_w == pytest.approx(wanted.power_w, rel=0.04)
    seen = simulate(netlist.text, stop_s=netlist.stop_s, expected_points=1, vectors=1)
    swing_v = np.ptp(seen.select(["v(p0_0)"])[seen.time_s > netlist.stop_s / 2])
    assert swing_v == pytest.approx(wanted.swing_v, rel=0.04)
    assert abs(result.balance) < 2e-3


def test_width_scales_power_and_speed_alike() -> None:
    base = spice.Circuit(kind="ring")
    wide = dataclasses.replace(base, ring_width=3.0)
    assert RingDesign.of(wide).f0_hz == pytest.approx(3 * RingDesign.of(base).f0_hz)
    assert RingDesign.of(wide).power_w == pytest.approx(3 * RingDesign.of(base).power_w)
    text = spice.create([[0]], wide, start_phases=[0]).text
    widths = {float(word[2:]) for word in text.split() if word.startswith("w=")}
    assert np.allclose(sorted(widths), [0.9e-6, 2.7e-6, 3e-6, 9e-6])


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (dataclasses.replace(TANK, power_w=0.0), r"power_w = 0\.0: needed is .* above 0 W"),
        (dataclasses.replace(TANK, f0_hz=-1.0), r"f0_hz = -1\.0: .* Hz"),
        (dataclasses.replace(TANK, gain=1.0), "above 1, or nothing oscillates"),
        (dataclasses.replace(TANK, q=2.0), r"below 0\.4"),
        (dataclasses.replace(RING, swing_v=0.8), r"swing_v = 0\.8: .* 0\.9 V"),
        (dataclasses.replace(RING, power_w=float("nan")), "power_w = nan"),
    ],
)
def test_what_cannot_be_built_is_refused(design: TankDesign | RingDesign, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        design.circuit()


def test_an_even_number_of_stages_is_refused_with_the_circuit() -> None:
    with pytest.raises(SpecError, match="odd number"):
        spice.create([[0]], dataclasses.replace(RING, stages=4).circuit())
