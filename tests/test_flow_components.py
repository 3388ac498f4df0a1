"""Drawn components of a network file: netlist, codes, frequencies of the float model, wires."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from drai_hw import catalog, spice
from drai_hw.cli import run
from drai_hw.cli.common import with_overrides
from drai_hw.errors import SpecError
from drai_hw.flow.circuit import float_end, netlist_of
from drai_hw.flow.components import die_for, with_detuning
from drai_hw.flow.energy import _tuning
from drai_hw.spec import Spec
from drai_hw.spice.settings import Circuit
from drai_hw.spice.tuning import kinds
from drai_hw.spice.tuning.mismatch import draw, ngspice_hz
from drai_hw.spice.tuning.trim import die_of
from tests.tiny_network import TINY

PAIR = np.array([[0, 15], [15, 0]])


def pair(**circuit: object) -> Spec:
    still = {"frequencies": [0.0, 0.0]}
    return with_overrides(catalog.find("pair")[0], {"circuit": circuit, "dynamics": still})


def text_of(spec: Spec) -> str:
    return netlist_of(spec, PAIR, np.zeros(2), 1).text


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_without_the_keys_a_netlist_keeps_its_bytes_and_with_them_it_has_what_was_drawn(
    kind: str,
) -> None:
    plain = pair(kind=kind)
    assert die_for(plain, PAIR) is None
    assert text_of(plain) == text_of(pair(kind=kind, tuning_range=0.01))
    drawn, tuned = pair(kind=kind, mismatch=0.01), pair(kind=kind, mismatch=0.01, tuning_bits=5)
    die = die_for(tuned, PAIR)
    assert die is not None
    assert die.calibration is not None
    codes = " ".join(str(code) for code in die.calibration.banks.codes)
    assert f"banks of 5 bits at codes {codes}\n" in text_of(tuned)
    assert re.search(r"^St[pn]0\S+ ", text_of(tuned), re.MULTILINE)
    assert not re.search(r"^S", text_of(drawn), re.MULTILINE)
    farads = {line.split()[3] for line in text_of(drawn).splitlines() if line[:1] == "C"}
    assert len(farads) == (4 if kind == "lc" else 20)
    again = with_overrides(drawn, {"task": {"seed": 2}})
    assert text_of(again) != text_of(drawn)


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_what_a_die_says_of_its_frequencies_is_what_ngspice_measures(kind: str) -> None:
    circuit = Circuit(kind=kind)  # type: ignore[arg-type]
    die = die_of(circuit, 4, 3, mismatch=0.02, bits=6, reach=0.03)
    assert die is not None
    said = die.summary()
    bank = kinds.bank_for(circuit, 0.03, 6)
    nominal_hz = ngspice_hz(draw(bank, circuit, 1, 0.0, 0, unit_sigma=0.0), circuit)[0]
    for when, capacitors in (("before", die.drawn), ("after", die.trimmed)):
        seen = ngspice_hz(capacitors, circuit) / nominal_hz - 1
        told = np.array(said[f"frequency_deviation_{when}"])
        if kind == "lc":  # the trapezoidal rule has 1 - (2 pi/40)^2/6 of a deviation
            told = told * (1 - (np.pi / 20) ** 2 / 6)
        assert np.abs(seen - told).max() < (1e-5 if kind == "lc" else 3e-4)
        rms = said[f"frequency_deviation_{when}_rms"]
        assert rms == pytest.approx(float(np.sqrt(np.mean(told**2))), rel=0.005)
    assert said["frequency_deviation_before_rms"] > 4 * said["frequency_deviation_after_rms"]
    assert said["codes"] == die.trimmed.codes.tolist()  # type: ignore[attr-defined]
    assert said["codes_at_an_end"] == 0


def test_so_it_is_with_drawn_cores_whose_sides_differ_by_per_cents() -> None:
    circuit = Circuit(core="cross-coupled")
    die = die_of(circuit, 6, 3, mismatch=0.02, bits=6, reach=0.03)
    assert die is not None
    bank = kinds.bank_for(circuit, 0.03, 6)
    nominal_hz = ngspice_hz(draw(bank, circuit, 1, 0.0, 0, unit_sigma=0.0), circuit)[0]
    for capacitors in (die.drawn, die.trimmed):
        seen = ngspice_hz(capacitors, circuit) / nominal_hz - 1
        told = die.deviation(capacitors) * (1 - (np.pi / 20) ** 2 / 6)
        assert np.abs(seen - told).max() < 1e-4
    assert np.ptp(die.deviation(die.drawn)) > 8e-3


def test_a_drawn_core_takes_from_vdd_while_it_is_calibrated_what_it_takes_in_ngspice() -> None:
    circuit = Circuit(core="cross-coupled", cycles=20)
    power_w = spice.run(spice.create(np.zeros((1, 1)), circuit, start_phases=[0.0])).power_w
    assert kinds.power_w(circuit) == pytest.approx(power_w, rel=1e-3)
    die = die_of(circuit, 2, 3, mismatch=0.001, bits=6, reach=0.03)
    assert die is not None
    assert "from VDD" in die.summary()["calibration_energy_method"]


def test_a_bank_that_is_too_short_is_told() -> None:
    die = die_of(Circuit(), 20, 1, mismatch=0.02, bits=6, reach=0.002)
    assert die is not None
    assert die.summary()["codes_at_an_end"] > 10


def test_the_float_model_has_the_frequencies_of_the_drawn_components() -> None:
    spec = pair(mismatch=0.002, rho=0.3, cycles=2000)
    die = die_for(spec, PAIR)
    assert die is not None
    apart = np.diff(die.deviation(die.drawn))[0]
    # locked with sin psi = dw / 2w, w = rho omega / 2Q
    lag = np.arcsin(apart / (2 * 0.3 / (2 * 15.9)))
    assert 0.02 < abs(lag) < 0.5
    end = float_end(spec, PAIR, np.zeros(2))
    assert end[1] - end[0] == pytest.approx(lag, rel=1e-4)
    end = float_end(pair(cycles=2000), PAIR, np.array([0.0, 0.2]))
    assert end[1] - end[0] == pytest.approx(0, abs=1e-6)


def test_detuning_adds_to_that_of_the_network_file() -> None:
    spec = catalog.find("pair")[0]
    unit = 0.3 / (2 * 15.9)
    found = with_detuning(spec, np.array([0.1 * unit, 0.0])).dynamics.frequencies
    assert found == pytest.approx((-0.15, 0.25))


def test_a_calibration_takes_back_what_wires_do() -> None:
    star = np.zeros((4, 4))
    star[0, 1:] = star[1:, 0] = 1
    spec = catalog.find("pair")[0]
    spec = with_overrides(spec, {"circuit": {"tuning_bits": 7, "branch_parasitic_f": 2e-12}})
    die = die_for(spec, star)
    assert die is not None
    assert die.deviation(die.drawn)[0] < -5e-3  # the hub
    assert np.abs(die.deviation(die.trimmed)).max() < 5e-4


@pytest.mark.parametrize(
    ("circuit", "message"),
    [
        ({"mismatch": 0.5}, r"circuit.mismatch = 0.5: needs a number from 0 to 0.2"),
        ({"tuning_bits": 13}, r"circuit.tuning_bits = 13: needs a whole number from 0 to 12 bit"),
        ({"tuning_bits": 1}, r"circuit.tuning_bits = 1: needs 0 \(no bank\) or 2 to 12 bit"),
        ({"tuning_range": 0.5}, r"circuit.tuning_range = 0.5: needs a number above 0 below 0.5"),
    ],
)
def test_nonsense_is_refused_with_the_key(circuit: dict[str, float], message: str) -> None:
    with pytest.raises(SpecError, match=message):
        pair(**circuit)


def test_a_bank_that_is_larger_than_a_load_is_refused_with_the_capacitances() -> None:
    spec = pair(kind="ring", tuning_bits=6, tuning_range=0.1)
    with pytest.raises(SpecError, match=r"tuning_range = 0.1: .*less than the side's 1e-14 F"):
        die_for(spec, PAIR)


def test_the_verb_says_what_was_drawn_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = "mismatch = 0.01\ntuning_bits = 6\n"
    Path("tiny.toml").write_text(TINY.replace("[circuit]\n", "[circuit]\n" + keys))
    assert run(["spice", "tiny.toml", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["tuning"]
    assert (len(found["codes"]), found["bits"]) == (8, 6)
    assert found["calibration_time_s"] == pytest.approx(6 * (8192 + 32) / 1e6)
    assert found["calibration_energy_j"] == pytest.approx(8 * 25.02e-6 * 6 * 8224e-6, rel=1e-3)
    assert run(["spice", "tiny.toml"]) == 0
    said = capfd.readouterr().out
    assert re.search(r"mismatch 1 %: frequencies off by 0.\d+ % rms, 0.0\d+ % after tuning", said)
    assert re.search(r"calibration 49.3 ms, .* \(tank loss, a lower bound", said)


def test_the_report_has_what_was_drawn_and_found() -> None:
    circuit = Circuit()
    die = die_of(circuit, 4, 3, mismatch=0.02, bits=6, reach=0.03)
    assert die is not None
    said = die.summary()
    rows = {name: (value, unit) for name, value, unit, _ in _tuning(said)}
    assert rows["Frequencies off the nominal"] == (
        100 * said["frequency_deviation_before_rms"], "%"
    )  # fmt: skip
    assert rows["Frequencies off the nominal, tuned"] == (
        100 * said["frequency_deviation_after_rms"], "%"
    )  # fmt: skip
    assert rows["Calibration"] == (die.calibration.time_s, "s")  # type: ignore[union-attr]
    assert rows["Energy of the calibration"][1] == "J"
    plain = die_of(circuit, 4, 3, mismatch=0.02, bits=0, reach=0.03)
    assert plain is not None
    assert len(_tuning(plain.summary())) == 1
