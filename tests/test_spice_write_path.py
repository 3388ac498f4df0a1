"""The write path beside the tanks: charge through open switches, a pulse, the weight read after."""

from __future__ import annotations

import pytest

from drai_hw.errors import SpecError
from drai_hw.spice import Circuit
from drai_hw.spice.memristors import MODELS
from drai_hw.spice.switch import Switch
from drai_hw.spice.write_path import kick, programmed, write_and_read

DEVICE = MODELS["stanford_pku"]
READ = Circuit(rho=0.1, capacitance_f=2.533e-9, amplitude_v=0.1)
SWITCH = Switch()


@pytest.mark.parametrize(
    ("cause", "volt", "charge_c"), [("leakage", 2.0, 20e-15), ("injection", 1.5, 7.5e-15)]
)
def test_charge_through_an_open_switch_kicks_the_phase_as_the_closed_form_says(
    cause: str, volt: float, charge_c: float
) -> None:
    """0.3 per cent of -Q/(C A) at 1 V and 253.3 pF, and eps/4 = 1.6 per cent of it a quarter on."""
    circuit = Circuit()
    seen = kick(SWITCH, circuit, volt, cause)  # type: ignore[arg-type]
    assert seen.told_rad == pytest.approx(-charge_c / 253.3e-12, rel=1e-12)
    assert seen.sine_rad == pytest.approx(seen.told_rad, rel=3e-3)
    assert 0.01 < seen.cosine_rad / seen.told_rad < 0.025
    assert seen.rest_rad < 0.05 * abs(seen.told_rad)


def test_a_control_step_that_closes_the_switch_is_refused() -> None:
    with pytest.raises(SpecError, match="a control step of 2 V: needed is less than half of contr"):
        kick(SWITCH, Circuit(), 2.0, "injection")


@pytest.mark.full
def test_a_written_device_couples_with_the_weight_of_its_new_state() -> None:
    seen = write_and_read(DEVICE, READ, 0.75, 1.4, 60e-9, cycles=200)
    moved = 0.75 - seen.told_state
    assert 0.04 < moved < 0.06
    # the edges of the pulse last 1 ns each, and the closed form has none: 2 % of 60 ns
    assert 0.75 - seen.state == pytest.approx(moved, rel=0.03)
    assert seen.kept < 1e-12
    assert seen.silent_rad < 1e-3
    # the current is a sinh: between 1 and 1.027 of the resistor's coupling
    assert 1.0 < seen.coupling / seen.told_coupling < 1.027
    # at its old state the pair would couple a third less
    assert write_and_read(DEVICE, READ, 0.75, 0.0, 60e-9, cycles=200).coupling < 0.8 * seen.coupling


def test_switches_take_a_share_of_the_pulse() -> None:
    state = programmed(DEVICE, 0.4, -1.4, 20e-9, SWITCH)
    direct = programmed(DEVICE, 0.4, -1.4, 20e-9, Switch(on_ohm=1e-3))
    assert 0 < state - 0.4 < 0.05 * (direct - 0.4)
