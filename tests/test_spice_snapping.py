"""Couplings of parts that exist: series values, memristor levels, the weight error they cause."""

from __future__ import annotations

import json

import numpy as np
import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError
from drai_hw.spice import Circuit, create
from drai_hw.spice.memristors import MODELS
from drai_hw.spice.snapping import SERIES, memristor_levels, preferred, snap


def weights(n: int = 12, seed: int = 3):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(-1, 1, (n, n)) * (rng.random((n, n)) < 0.7), 1)
    return upper + upper.T


def test_the_series_are_those_of_iec_60063():
    assert [len(SERIES[name]) for name in ("E12", "E24", "E96")] == [12, 24, 96]
    assert SERIES["E12"] == (1.0, 1.2, 1.5, 1.8, 2.2, 2.7, 3.3, 3.9, 4.7, 5.6, 6.8, 8.2)
    assert {1.1, 1.3, 4.3, 9.1} <= set(SERIES["E24"])
    assert SERIES["E96"][:4] == (1.0, 1.02, 1.05, 1.07)
    assert {4.99, 9.53, 9.76, 1.96, 7.15} <= set(SERIES["E96"])


@pytest.mark.parametrize(("series", "bound"), [("E12", 0.1112), ("E24", 0.0715), ("E96", 0.0146)])
def test_a_resistor_is_within_half_a_step_of_its_series(series, bound):
    """Half a step in conductance, at the widest gap: (b - a) / (b + a)."""
    ohm = 10 ** np.random.default_rng(0).uniform(-2, 7, 4000)
    found = preferred(ohm, series)
    assert np.abs(ohm / found - 1).max() < bound
    mantissa = found / 10.0 ** np.floor(np.log10(found * (1 + 1e-9)))
    assert np.isclose(mantissa[:, None], np.array(SERIES[series]), rtol=1e-9).any(axis=1).all()
    assert preferred([96e3, 99.9e3], "E24").tolist() == [100e3, 100e3]


@pytest.mark.parametrize("parts", ["E24", "E96"])
def test_snapped_weights_are_those_of_the_netlists_resistors(parts):
    w, circuit = weights(), Circuit(rho=0.3)
    snapped = snap(w, circuit, parts)
    assert 0 < snapped.error_rms < snapped.error_max < (0.06 if parts == "E24" else 0.013)
    before, after = create(w, circuit), create(snapped.weights, snapped.circuit)
    assert after.parts.kappa == pytest.approx(before.parts.kappa, rel=1e-9)
    branches = after.parts.straight_s + after.parts.crossed_s
    used = branches > 0
    assert (used == (w != 0)).all()
    assert np.allclose(1 / branches[used], snapped.ohm[used], rtol=1e-9)
    assert np.allclose(preferred(1 / branches[used], parts), 1 / branches[used], rtol=1e-9)
    error = after.parts.coupling - before.parts.coupling
    largest = np.abs(before.parts.coupling).max()
    assert np.abs(error).max() / largest == pytest.approx(snapped.error_max, rel=1e-6)


def test_finer_series_and_more_levels_err_less():
    w, circuit = weights(), Circuit(rho=0.3, amplitude_v=0.4)
    errors = [snap(w, circuit, parts).error_rms for parts in ("E12", "E24", "E96")]
    assert errors == sorted(errors, reverse=True)
    # conductances of this set are large beside the tank's: a larger tank takes them
    large = Circuit(rho=0.3, amplitude_v=0.2, capacitance_f=100e-9, f0_hz=1e6)
    coarse, fine = (snap(w, large, f"mean_mss:{count}").error_rms for count in (8, 64))
    assert fine < coarse


def test_levels_are_those_of_the_device():
    assert memristor_levels(MODELS["vteam"], 3) == pytest.approx([1e-3, 10.5e-3, 20e-3])
    assert memristor_levels(MODELS["mean_mss"], 2) == pytest.approx([1 / 1500, 1 / 500])
    assert len(memristor_levels(MODELS["yakopcic"], 5)) == 4  # x = 0 conducts nothing
    with pytest.raises(SpecError, match="1 levels; needed are at least 2"):
        memristor_levels(MODELS["vteam"], 1)


@pytest.mark.parametrize(
    ("change", "parts", "message"),
    [
        ({}, "E48", "parts 'E48'; needed is E12, E24, E96, or MODEL:COUNT with a model of hp_lin"),
        ({}, "vteam:x", "parts 'vteam:x'; needed is"),
        ({}, "vteam:8", "1 V across a device that must keep its state; needed is less than 0.016"),
        ({"amplitude_v": 0.01}, "vteam:8", "every weight is nearer to no branch"),
        ({"kind": "ring"}, "E24", "needed is circuit.kind = 'lc'"),
    ],
)
def test_what_cannot_be_made_is_refused(change, parts, message):
    with pytest.raises(SpecError, match=message):
        snap(weights(), Circuit(**change), parts)


def test_odd_inputs_are_refused():
    with pytest.raises(SpecError, match="all are 0"):
        snap(np.zeros((3, 3)), Circuit(), "E24")
    with pytest.raises(SpecError, match="series 'E5'"):
        preferred([1.0], "E5")
    with pytest.raises(SpecError, match="finite numbers above 0 ohm"):
        preferred([0.0], "E24")


def test_the_command_writes_the_snapped_netlist_and_says_the_error(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert run(["spice", "pair", "--snap", "E24", "-o", "a.cir", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)["snapping"]
    assert found["parts"] == "E24"
    assert 0 < found["weight_error_max"] < 0.06
    text = (tmp_path / "a.cir").read_text()
    ohms = [float(line.split()[3].rstrip("Ohm")) for line in text.splitlines()
            if line.startswith("Rw")]  # fmt: skip
    assert len(ohms) == 2
    assert preferred(ohms, "E24") == pytest.approx(ohms, rel=1e-9)
    assert "--snap E24" in text
    assert run(["spice", "pair", "--snap", "E24", "--run"]) == 2
    assert "--snap changes the netlist that is written" in capfd.readouterr().err
    assert run(["spice", "pair", "--snap", "vteam:8"]) == 2
    assert "across a device that must keep its state" in capfd.readouterr().err
