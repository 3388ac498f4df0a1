"""Presets of the circuit: keys they fill, and tanks of a gigahertz beside the phase model."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spec import parse
from drai_hw.spec.presets import CIRCUIT_PRESETS
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.extraction import closed_form, extract, predict
from drai_hw.spice.settings import settings_of

HEAD = 'schema = 1\n[network]\nname = "some"\noscillators = 4\n'
FILE = HEAD + '[task]\npatterns = "random:1"\n[circuit]\n'
GHZ = spice.preset("ghz", points_per_cycle=40)


def test_a_preset_fills_what_a_network_file_does_not_give() -> None:
    circuit = parse(FILE + 'preset = "ghz"\nq = 12\n').circuit
    assert (circuit.f0_hz, circuit.q, circuit.capacitance_f) == (1e9, 12.0, 5e-12)
    assert circuit.amplitude_v == 0.6
    assert settings_of(circuit) == spice.preset("ghz", q=12.0)
    board = parse(FILE).circuit
    assert board == parse(FILE + 'preset = "board"\n').circuit
    assert settings_of(board) == spice.preset("board") == spice.Circuit()
    # written out in full and read again, the values stay
    again = parse(FILE + "\n".join(f"{k} = {v!r}" for k, v in circuit.model_dump().items()))
    assert again.circuit == circuit


def test_an_unknown_preset_is_refused() -> None:
    with pytest.raises(SpecError, match=r"circuit.preset = 'thz': needs one of 'board', 'ghz'"):
        parse(FILE + 'preset = "thz"\n')
    with pytest.raises(SpecError, match=r"circuit.preset = 3: needs one of 'board', 'ghz'"):
        parse(FILE + "preset = 3\n")
    with pytest.raises(SpecError, match="preset 'thz': needed is one of board, ghz"):
        spice.preset("thz")


def test_extraction_at_a_gigahertz_holds_with_the_closed_form_of_its_parts() -> None:
    found = extract(GHZ)
    assert found.failures == []
    assert found.best.frequency_hz == pytest.approx(1e9, rel=1e-3)
    assert found.best.amplitude_v == pytest.approx(0.6, rel=0.005)
    assert found.best.sine[0] == pytest.approx(1 / (2 * 5e-12), rel=0.002)
    # a quarter of eps = (gain - 1)/Q: larger than on the board, as Q is smaller
    assert found.best.lag_rad == pytest.approx(0.25 * 0.1, rel=0.05)


def test_a_pair_at_a_gigahertz_relaxes_and_loses_what_the_closed_forms_say() -> None:
    circuit = replace(GHZ, rho=0.05, cycles=220, points_per_cycle=100)
    result = spice.run(spice.create([[0, 1], [1, 0]], circuit, start_phases=[0.0, 2.6]))
    psi = result.phases_rad[:, 1] - result.phases_rad[:, 0]
    used = slice(20, 120)
    slope, _ = np.polyfit(result.time_s[used], np.log(np.tan(np.abs(psi[used]) / 2)), 1)
    w = 0.05 * math.pi * 1e9 / 10.0
    assert -slope == pytest.approx(2 * w, rel=0.01)
    tank = spice.design_tank(1e9, 10.0, 0.6, 5e-12)
    assert result.energies.per_cycle_j == pytest.approx(tank.loss_per_cycle_j, rel=0.02)
    assert result.energies.balanced


@pytest.mark.full
def test_a_network_at_a_gigahertz_follows_the_phase_model() -> None:
    case = Case(8, 0.1, 2, points_per_cycle=100, cycles=200)
    circuit = replace(GHZ, rho=0.1, cycles=200, points_per_cycle=100, damping="trimmed")
    netlist = spice.create(case.weights(), circuit, start_phases=case.start_rad())
    result = spice.run(netlist)
    told = predict(closed_form(circuit), netlist, result.time_s, step_rad=0.02)
    apart = result.phases_rad - told
    apart = np.angle(np.exp(1j * (apart - np.angle(np.exp(1j * apart).mean(axis=1))[:, None])))
    assert np.sqrt((apart**2).mean()) < 0.04


def test_the_page_of_circuits_has_the_parts_of_both_presets(repository: Path) -> None:
    text = (repository / "docs/explanation/circuit.md").read_text(encoding="utf-8")
    rows = {"board": [], "ghz": []}
    for name, some in CIRCUIT_PRESETS.items():
        tank = spice.design_tank(
            some["f0_hz"], some["q"], some["amplitude_v"], some["capacitance_f"]
        )
        rows[name] = [f"{tank.inductance_h:.4g}", f"{tank.parallel_ohm:.4g}",
                      f"{tank.loss_per_cycle_j:.4g}"]  # fmt: skip
    shown = [
        "| inductance between the sides | 200 µH | 10.1 nH |",
        "| loss resistance | 20 kΩ | 636 Ω |",
        "| tank loss a period, closed form | 25 pJ | 283 fJ |",
    ]
    scales = ((1e-6, 1e-9), (1e3, 1.0), (1e-12, 1e-15))
    for k, (line, both) in enumerate(zip(shown, scales, strict=True)):
        assert line in text
        for name, scale, cell in zip(rows, both, line.split("|")[2:4], strict=True):
            assert float(cell.split()[0]) == pytest.approx(float(rows[name][k]) / scale, rel=0.005)
