"""What devices and converters do to a crossbar, how weights are mapped, and the command."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.spice.crossbar import (
    Crossbar,
    differential,
    drifted,
    map_weights,
    quantised,
    scattered,
    with_faults,
)


def rng(seed=0):
    return np.random.default_rng(seed)


def test_faults_occur_as_often_as_told_and_do_what_they_say():
    """40,000 devices: 5 sigma of a share of 0.2 is 0.01."""
    g = np.full((200, 200), 5e-5)
    found, kinds = with_faults(
        g, rng(), open_share=0.2, off_share=0.1, on_share=0.05, range_s=(1e-6, 1e-4)
    )
    shares = np.bincount(kinds.ravel(), minlength=4) / kinds.size
    assert np.abs(shares - [0.65, 0.2, 0.1, 0.05]).max() < 0.012
    for kind, value in enumerate((5e-5, 0.0, 1e-6, 1e-4)):
        assert (found[kinds == kind] == value).all()
    with pytest.raises(SpecError, match="at most 1 in all"):
        with_faults(g, rng(), open_share=0.7, on_share=0.4)


def test_scatter_has_the_spread_and_keeps_the_mean():
    found = scattered(np.full(100_000, 2e-5), rng(), 0.1)
    assert np.log(found).std() == pytest.approx(0.1, rel=0.02)
    assert found.mean() == pytest.approx(2e-5, rel=0.002)
    assert (scattered(np.ones(3), rng(), 0.0) == 1).all()
    with pytest.raises(SpecError, match="sigma = -1"):
        scattered(np.ones(3), rng(), -1.0)


def test_drift_follows_its_power_law():
    g = np.full(50_000, 1e-4)
    assert np.allclose(drifted(g, rng(), after_s=1e4, exponent=0.05), 1e-4 * 1e4**-0.05)
    exponents = -np.log(drifted(g, rng(), after_s=np.e, exponent=0.1, exponent_sigma=0.02) / 1e-4)
    assert (exponents.mean(), exponents.std()) == pytest.approx((0.1, 0.02), rel=0.02)
    assert drifted(g, rng(), after_s=1e9, exponent=0.0, exponent_sigma=0.1).max() <= 1e-4
    with pytest.raises(SpecError, match=r"from 1 s to 0\.5 s"):
        drifted(g, rng(), after_s=0.5, exponent=0.1)


def test_converters_round_to_their_steps_and_clip():
    values = np.array([-2.0, -0.4, 0.0, 0.24, 0.26, 1.0])
    assert np.allclose(quantised(values, 3, 0.75), [-0.75, -0.5, 0.0, 0.25, 0.25, 0.75])
    assert np.allclose(quantised(np.array([0.0, 0.4, 0.9, 3.0]), 1, 1.0), [0, 0, 1, 1])
    fine = rng().uniform(0, 1, 1000)
    assert np.abs(quantised(fine, 8, 1.0) - fine).max() <= 0.5 / 255 + 1e-15
    for bits, scale, text in [(0, 1.0, "0 bits"), (4, 0.0, "full scale = 0")]:
        with pytest.raises(SpecError, match=text):
            quantised(values, bits, scale)


def test_pairs_of_ideal_lines_are_the_weights():
    w = rng().normal(size=(7, 4))
    mapped = map_weights(w, 1e-6, 1e-4)
    assert mapped.conductance_s.min() == pytest.approx(1e-6)
    assert mapped.conductance_s.max() == pytest.approx(1e-4)
    assert mapped.error_max < 1e-14
    v = rng(1).normal(size=(7, 5))
    currents = differential(Crossbar(mapped.conductance_s, 0.0).solve(v).currents_a)
    assert np.allclose(currents, mapped.siemens_per_weight * v.T @ w)


def test_calibration_takes_the_error_of_the_lines_away():
    w = rng().normal(size=(64, 32))
    raw = map_weights(w, 1e-6, 1e-4, word_ohm=2.5)
    calibrated = map_weights(w, 1e-6, 1e-4, word_ohm=2.5, rounds=50)
    assert raw.error_max > 0.03
    assert calibrated.error_max < 1e-4
    assert 0 < calibrated.rounds < 50
    assert calibrated.conductance_s.min() >= 1e-6 * (1 - 1e-12)
    assert calibrated.conductance_s.max() <= 1e-4 * (1 + 1e-12)
    # the error is that of the array itself, not of a formula
    effective = differential(Crossbar(calibrated.conductance_s, 2.5).effective_s())
    assert np.allclose(
        effective, calibrated.siemens_per_weight * w, atol=2e-4 * np.abs(effective).max()
    )


@pytest.mark.parametrize(
    ("weights", "low", "high", "message"),
    [
        (np.ones(3), 1e-6, 1e-4, r"weights of shape \(3,\)"),
        ([[np.nan]], 1e-6, 1e-4, "all finite"),
        ([[1.0]], 1e-4, 1e-6, "range 0.0001 to 1e-06 S; needed is 0 <= low < high"),
    ],
)
def test_what_cannot_be_mapped_is_refused(weights, low, high, message):
    with pytest.raises(SpecError, match=message):
        map_weights(weights, low, high)


def test_weights_that_are_all_zero_map_to_the_lowest_conductance():
    mapped = map_weights(np.zeros((3, 2)), 1e-6, 1e-4, word_ohm=1.0, rounds=5)
    assert (mapped.conductance_s == 1e-6).all()
    assert np.isfinite([mapped.error_rms, mapped.siemens_per_weight]).all()


# The command
@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    g = 10.0 ** -rng().uniform(3, 5, (12, 8))
    np.save("g.npy", g)
    np.save("w.npy", rng(4).normal(size=(12, 4)))
    np.save("v.npy", rng(1).uniform(0, 0.3, (12, 5)))
    np.save("one.npy", np.full(12, 0.2))


def ask(capfd, *words, status=0):
    assert run(["crossbar", *words, "--json"]) == status
    return json.loads(capfd.readouterr().out)


def test_the_command_writes_the_currents_and_says_the_facts(capfd):
    found = ask(capfd, "g.npy", "v.npy", "--wire-ohm", "2.5", "--ngspice", "--read-s", "2e-8")
    solved = Crossbar(np.load("g.npy"), 2.5).solve(np.load("v.npy"))
    assert found["currents"] == "build/g/currents.npy"
    assert (np.load(found["currents"]) == solved.currents_a).all()
    assert found["residual"] < 1e-13
    assert found["ngspice_difference"] < 1e-12
    assert found["worst_ir_drop_v"] == solved.worst_drop_v
    assert found["read_energy_j"] == pytest.approx(solved.power_w.mean() * 2e-8)
    assert found["read_energy_max_j"] == pytest.approx(solved.power_w.max() * 2e-8)
    assert Path(found["netlist"]).read_text().startswith("crossbar: crossbar 12 x 8")
    assert json.loads(Path("build/g/crossbar.json").read_text()) == found


def test_one_input_gives_one_row_of_currents_and_a_report_for_people(capfd):
    assert (
        run(["crossbar", "g.npy", "one.npy", "--wire-ohm", "1", "--bit-ohm", "0", "-o", "x"]) == 0
    )
    text = capfd.readouterr().out
    assert "12 x 8, 1 input(s), solved by ideal lines" in text
    assert np.load("x/currents.npy").shape == (8,)


def test_weights_are_mapped_calibrated_and_read_as_differences(capfd):
    words = ("w.npy", "v.npy", "--wire-ohm", "20", "--map", "1e-6", "1e-4")
    raw, calibrated = ask(capfd, *words), ask(capfd, *words, "--calibrate")
    assert raw["weight_error_max"] > 0.01
    assert calibrated["weight_error_max"] < 1e-4
    wanted = np.load("v.npy").T @ np.load("w.npy") * calibrated["siemens_per_weight"]
    assert np.allclose(np.load(calibrated["currents"]), wanted, atol=5e-4 * np.abs(wanted).max())
    assert np.load(calibrated["conductances"]).shape == (12, 8)


def test_effects_change_what_they_should_and_come_back_with_their_seed(capfd):
    words = ("g.npy", "v.npy", "--wire-ohm", "2.5")
    clean = np.load(ask(capfd, *words)["currents"])
    assert (np.load("build/g/currents.npy") == clean).all()
    for effect in (
        ("--program-sigma", "0.1"), ("--open", "0.2"), ("--stuck-on", "0.2"),
        ("--stuck-off", "0.2"), ("--drift", "1000", "0.05"), ("--read-sigma", "0.05"),
        ("--dac-bits", "3"), ("--adc-bits", "3"),
    ):  # fmt: skip
        first = np.load(ask(capfd, *words, *effect, "--seed", "7")["currents"])
        again = np.load(ask(capfd, *words, *effect, "--seed", "7")["currents"])
        assert (first == again).all()
        assert np.abs(first - clean).max() > 1e-3 * clean.max(), effect
    assert np.unique(np.load("build/g/currents.npy")).size <= 8


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("no.npy", "v.npy"), "cannot read conductances 'no.npy'"),
        (("g.npy", "w.npy", "--calibrate"), "--calibrate goes with --map LOW HIGH"),
        (("w.npy", "v.npy"), "signed weights take two devices each: see map_weights, or --map"),
        (("g.npy", "g8.npy"), r"voltages have shape (8,); needed is 12, or 12 x p"),
        (("big.npy", "v65.npy", "--ngspice"), "--ngspice with 65 x 65: needed is at most 64 x 64"),
        (("g.npy", "v.npy", "-o", "g.npy"), "output 'g.npy' is a file"),
    ],
)
def test_bad_input_is_refused_with_one_message(words, message, capfd):
    np.save("g8.npy", np.ones(8))
    np.save("big.npy", np.full((65, 65), 1e-5))
    np.save("v65.npy", np.ones(65))
    assert run(["crossbar", *words, "--wire-ohm", "1"]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_a_result_that_ngspice_does_not_share_fails(capfd, monkeypatch):
    import drai_hw.spice.crossbar.export as module

    monkeypatch.setattr(module, "operating_point", lambda text, timeout_s: {
        f"i(vo{j})": 1e-3 for j in range(8)
    })  # fmt: skip
    assert run(["crossbar", "g.npy", "one.npy", "--wire-ohm", "1", "--ngspice"]) == 1
    assert "ngspice differs by" in capfd.readouterr().err
