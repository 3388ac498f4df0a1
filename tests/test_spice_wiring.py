"""Wires of the couplings: their capacitance at the tanks, and the area that they take."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice.equations import waveforms
from drai_hw.spice.wiring import area_m2, largest_network, wiring_of

CIRCUIT = spice.Circuit(rho=0.2, cycles=60, points_per_cycle=100)
FULL = np.array([[0, 2, -1, 1], [2, 0, 1, 1], [-1, 1, 0, 2], [1, 1, 2, 0]])
STAR = np.array([[0, 1, 1, 1], [1, 0, 0, 0], [1, 0, 0, 0], [1, 0, 0, 0]])
WIRE_F = 2e-12


def test_wires_of_equal_tanks_are_a_part_of_their_capacitance():
    """All to all nothing changes but whose capacitors they are."""
    plain = spice.create(FULL, CIRCUIT, seed=3)
    wired = spice.create(FULL, replace(CIRCUIT, branch_parasitic_f=WIRE_F), seed=3)
    assert "Cwp0 p0 0 6" in wired.text
    assert "Cw" not in plain.text
    assert np.allclose(
        wired.parts.values["capacitance_f"], plain.parts.values["capacitance_f"], rtol=1e-12
    )
    of_plain, of_wired = (waveforms(netlist)[1] for netlist in (plain, wired))
    assert np.abs(of_wired - of_plain).max() < 1e-6


def test_a_tank_with_more_wires_is_slower_by_the_closed_form():
    """The hub of a star has three weights, the others one; couplings next to none."""
    circuit = replace(CIRCUIT, rho=1e-6, branch_parasitic_f=WIRE_F, cycles=200)
    netlist = spice.create(STAR, circuit, start_phases=np.zeros(4))
    wiring = wiring_of(STAR, circuit)
    assert wiring.side_f.tolist() == [3 * WIRE_F, WIRE_F, WIRE_F, WIRE_F]
    assert wiring.mean_f == pytest.approx(1.5 * WIRE_F)
    seen = spice.run(netlist)
    turned = np.unwrap(seen.phases_rad, axis=0)
    slope = np.polyfit(seen.time_s, turned, 1)[0] / (2 * np.pi * circuit.f0_hz)
    wanted = wiring.detuning
    assert wanted[0] == pytest.approx(-0.75 * WIRE_F / circuit.capacitance_f, rel=0.02)
    assert slope[0] - slope[1] == pytest.approx(wanted[0] - wanted[1], rel=0.01)
    assert slope[1] == pytest.approx(slope[2], abs=1e-9)


def test_a_network_that_would_be_wires_alone_is_refused():
    circuit = replace(CIRCUIT, branch_parasitic_f=100e-12)
    text = (
        r"circuit\.branch_parasitic_f = 1e-10 F: the 3 branches at each side of a tank make "
        r"3e-10 F of its capacitance_f = 2\.533e-10 F; .* at most 3 oscillators all to all"
    )
    with pytest.raises(SpecError, match=text):
        spice.create(FULL, circuit)
    spice.create(FULL[:3, :3], circuit)


@pytest.mark.parametrize(("kind", "wire_f"), [("lc", -1e-15), ("lc", float("nan")),
                                              ("ring", 1e-15)])  # fmt: skip
def test_wires_that_cannot_be_are_refused(kind, wire_f):
    circuit = replace(CIRCUIT, kind=kind, branch_parasitic_f=wire_f)
    with pytest.raises(SpecError, match=r"circuit\.branch_parasitic_f = .*: needed is 0 F or more"):
        spice.create(FULL, circuit)


def test_the_largest_network_and_its_area():
    assert largest_network(249.9e-12, 1e-12) == 250  # 249 pF of wires
    assert largest_network(250.5e-12, 1e-12) == 251
    assert largest_network(1e-15, 1e-12) == 1
    # Four times the area for twice the oscillators, once branches outweigh them.
    areas = [area_m2(n, 1e-9, 2e-10) for n in (1, 100, 200)]
    assert areas[0] == 1e-9
    assert areas[1] == pytest.approx(100e-9 + 9900 * 2e-10)
    assert areas[2] / areas[1] == pytest.approx(3.9, abs=0.1)
    with pytest.raises(SpecError, match="both need to be above 0 F"):
        largest_network(1e-12, 0.0)
    with pytest.raises(SpecError, match="needed are at least 1 oscillator"):
        area_m2(0, 1e-9, 1e-9)
