"""Netlists as files: values by name, measurements, the same numbers as in plain figures."""

from __future__ import annotations

import dataclasses
import math
import re
import subprocess

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.cli import run as cli
from drai_hw.spice.engine import simulate
from drai_hw.units import TAU, wrap_rad

CYCLES = 60


def weights(n=5, seed=1):
    """Return symmetric weights of both signs; one of exactly 1."""
    upper = np.triu(np.random.default_rng(seed).normal(size=(n, n)), 1)
    upper[0, 1] = 1.0
    return upper + upper.T


def network(kind, **keys):
    """Return a netlist of a few oscillators."""
    circuit = spice.Circuit(kind=kind, cycles=CYCLES, **keys)
    return spice.create(weights(), circuit, seed=3)


def waves(netlist, text):
    """Return times and saved voltages of a run."""
    run = simulate(text, stop_s=netlist.stop_s, expected_points=1, vectors=1)
    return run.time_s, run.select(list(netlist.saved))


def measurements(path):
    """Run a file in ngspice, as its user would, and return what it measures."""
    done = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=True)
    assert "error" not in (done.stdout + done.stderr).lower()
    return {
        name: float(value)
        for name, value in re.findall(r"^(\w+)\s+=\s+(\S+)", done.stdout, flags=re.MULTILINE)
    }


@pytest.mark.parametrize(
    "keys", [{}, {"damping": "ideal"}, {"damping": "trimmed"}, {"coupling": "capacitive"}]
)
def test_a_file_of_tanks_gives_the_voltages_of_the_plain_netlist(keys):
    netlist = network("lc", **keys)
    time_s, plain = waves(netlist, netlist.text)
    again_s, named = waves(netlist, netlist.file_text)
    assert np.array_equal(again_s, time_s)
    assert np.abs(named - plain).max() < 1e-8


def test_a_file_of_rings_gives_the_voltages_of_the_plain_netlist():
    """ngspice chooses their steps, by differences that the 12th digit may turn."""
    netlist = network("ring")
    time_s, plain = waves(netlist, netlist.text)
    again_s, named = waves(netlist, netlist.file_text)
    for before, after in zip(plain.T[:-1], named.T[:-1], strict=True):  # the last is a current
        assert np.abs(np.interp(time_s, again_s, after) - before).max() < 1e-3


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_a_file_measures_period_swing_and_phases(kind, tmp_path):
    netlist = network(kind)
    path = tmp_path / "network.cir"
    path.write_text(netlist.file_text)
    found = measurements(path)
    run = spice.run(netlist)
    assert found["period_s"] * run.frequency_hz == pytest.approx(1.0, abs=0.03)
    swing_v = {"lc": run.amplitude_v[0], "ring": netlist.circuit.ring_vdd_v}[kind]
    assert found["max_v"] - found["min_v"] == pytest.approx(swing_v, rel=0.03)
    behind = [found[f"behind{i}_s"] for i in range(1, netlist.n)]
    phases = run.phases_rad[-3] - run.phases_rad[-3][0]
    turned = -TAU * np.array(behind) / found["period_s"]
    assert np.abs(wrap_rad(turned - phases[1:])).max() < 0.03


def test_a_parameter_of_the_file_changes_the_circuit():
    """Twice the unit resistor is half of rho."""
    netlist, half = network("lc", rho=0.3), network("lc", rho=0.15)
    unit_ohm = netlist.parameters["unit_ohm"]
    changed, count = re.subn(
        r"^\.param unit_ohm=.*$", f".param unit_ohm={2 * unit_ohm!r}", netlist.file_text,
        flags=re.MULTILINE,
    )  # fmt: skip
    assert count == 1
    assert np.abs(waves(netlist, changed)[1] - waves(half, half.text)[1]).max() < 1e-8


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_every_shared_value_has_its_name_and_every_branch_its_weight(kind):
    netlist = network(kind)
    lines = netlist.file_text.splitlines()
    values = [line.split()[3] for line in lines if line and line[0] in "CLRV"]
    sizes = [size for line in lines if line.startswith("M") for size in line.split()[6:]]
    assert len(values) > 10
    assert all(value.startswith("{") for value in values)
    assert all("={" in size for size in sizes)
    w = weights()
    for i in range(netlist.n):
        for j in range(i + 1, netlist.n):
            ends = "pp" if w[i, j] > 0 else "pn"
            (line,) = [line for line in lines if line.startswith(f"Rw{i}_{j}_{ends} ")]
            divided = line.rpartition("{unit_ohm")[2].rstrip("}").lstrip("/")
            assert float(divided or 1.0) == pytest.approx(abs(w[i, j]), rel=1e-11)
    declared = [line.split()[1].split("=")[0] for line in lines if line.startswith(".param")]
    assert declared == list(netlist.parameters)
    text = netlist.file_text.split(".param", 1)[1]
    assert all(re.search(rf"[{{*/-]{name}\b", text) for name in declared)


def test_an_element_that_deviates_keeps_its_number():
    detuned = spice.create(weights(), spice.Circuit(), detuning=[0, 0.01, 0, 0, 0])
    inductors = [line for line in detuned.file_text.splitlines() if line.startswith("Lt")]
    assert [("{tank_h}" in line) for line in inductors] == [True, False, True, True, True]


def test_what_somebody_added_in_another_notation_stays():
    netlist = network("lc")
    added = netlist.text.replace("\n.options", "\nCx p0 0 1u\nRw0_1_x p0 0 5k\n.options", 1)
    text = dataclasses.replace(netlist, text=added).file_text
    assert "\nCx p0 0 1u\nRw0_1_x p0 0 5k\n" in text


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_our_own_lint_finds_nothing_in_a_file(kind, tmp_path):
    path = tmp_path / "network.cir"
    path.write_text(network(kind).file_text)
    assert cli(["lint", str(path)]) == 0


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_no_line_is_one_that_xyce_ends_at(kind):
    """From its sources: .save of nodes, .options without a package, a bare expression."""
    lines = network(kind).file_text.splitlines()
    assert not [line for line in lines if line.startswith(".save")]
    options = [line.split() for line in lines if line.startswith(".option")]
    assert [words[1] for words in options] == ["timeint"]
    sources = [line for line in lines if line.startswith("B")]
    assert all(re.search(r" i=\{[^{}]+\}$", line) for line in sources)
    assert bool(sources) == (kind == "lc")
    known = {".title", ".param", ".model", ".options", ".tran", ".meas", ".end"}
    assert {line.split()[0] for line in lines if line.startswith(".")} <= known


def test_the_window_of_measurements_is_at_the_end():
    netlist = network("lc")
    starts = {float(at) for at in re.findall(r"td=(\S+)", netlist.file_text)}
    (start_s,) = starts
    assert math.isclose(netlist.stop_s - start_s, 5.0 / netlist.nominal_hz, rel_tol=1e-6)
