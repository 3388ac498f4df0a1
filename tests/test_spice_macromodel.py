"""Phase macromodels in ngspice beside the float model with the same coupling, up to N = 256."""

from __future__ import annotations

import json
import math
import re
import subprocess

import numpy as np
import pytest

from drai_hw import catalog, spice
from drai_hw.cli import run as cli
from drai_hw.cli.common import with_overrides
from drai_hw.errors import SpecError
from drai_hw.flow.macromodel import compared, macromodel_of
from drai_hw.model.coupling import FourierCoupling
from drai_hw.spice import macromodel
from drai_hw.spice.extraction import closed_form, rms_rad
from drai_hw.units import TAU

RING = FourierCoupling(
    (1.0, 0.0, 0.086571, 0.0, 0.000543), (0.210433, -0.163856, 0.0, -0.043125, 0.0, -0.003451)
)
"""Of five stages, by `drai-hw extract`."""
EVEN = FourierCoupling((1.0, 0.2), (0.1, -0.2, 0.1))
SINE = FourierCoupling((1.0,))


def signed(n: int, seed: int) -> np.ndarray:
    upper = np.triu(np.random.default_rng(seed).integers(-5, 6, (n, n)), 1)
    return upper + upper.T


def network(n: int, coupling: FourierCoupling, seed: int = 1) -> macromodel.Macromodel:
    detuning = np.random.default_rng(seed).normal(0, 0.05, n)
    return macromodel.create(
        signed(n, seed), coupling, rate_rad_per_s=6e4, duration=18, seed=seed, detuning=detuning
    )


def test_a_pair_is_a_phase_each_a_source_for_each_direction_and_what_it_is_by_itself() -> None:
    model = macromodel.create(
        [[0, -2], [-2, 0]], FourierCoupling((0.6,), (-0.8, 0.8)), rate_rad_per_s=10.0, duration=2,
        start_phases=[0.5, 1.0], detuning=[0.0, 0.8],
    )  # fmt: skip
    lines = model.text.splitlines()
    assert "C1 ph1 0 1 ic=1.0" in lines
    assert ".param rate_rad_per_s=10.0" in lines
    # of each: detuning - 0.8
    assert "Iown0 0 ph0 {rate_rad_per_s*-0.8}" in lines
    assert not any(line.startswith("Iown1") for line in lines)
    turn = math.atan2(0.8, 0.6) + math.pi
    pull = f"1.0*sin(1*v(ph1,ph0)+{turn:.12g})"
    assert f"Bw0_1 0 ph0 i={{rate_rad_per_s*({pull})}}" in lines
    assert model.stop_s == pytest.approx(0.2)
    assert model.duration == pytest.approx(2)


def test_a_file_run_by_its_user_measures_the_end_phases(tmp_path) -> None:
    model = network(4, RING)
    path = tmp_path / "phases.cir"
    path.write_text(model.text)
    done = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=True)
    found = re.findall(r"^phase\d_rad\s+=\s+(\S+)", done.stdout, flags=re.MULTILINE)
    end = macromodel.run(model).phases_rad[-1]
    assert np.abs(np.array(found, dtype=float) - end).max() < 1e-5
    assert not re.search(r"^\.save|^\.options (?!timeint )", model.text, flags=re.MULTILINE)


@pytest.mark.parametrize("coupling", [SINE, RING, EVEN], ids=["sine", "ring", "even"])
def test_signed_detuned_networks_follow_the_float_model_with_the_same_coupling(coupling) -> None:
    model = network(12, coupling)
    seen = macromodel.run(model)
    found = compared(model, seen)
    assert np.abs(seen.phases_rad[-1] - seen.phases_rad[0]).max() > 1.0
    assert found["phase_error_largest_rad"] < 1e-3
    assert found["phase_error_rad"] < 5e-4
    assert found["same_as_float"]
    assert found["points"] == len(seen.time_s)
    # nothing is taken off for a common phase
    assert np.abs(seen.phases_rad - macromodel.float_phases(model, seen.time_s)).max() < 3e-3
    if coupling is not SINE:
        plain = macromodel.float_phases(network(12, SINE), seen.time_s)
        assert rms_rad(seen.phases_rad, plain).max() > 0.05


def test_the_float_model_beside_it_is_far_more_exact_than_what_is_asked_of_ngspice() -> None:
    model = network(12, RING)
    time_s = np.linspace(0, model.stop_s, 30)
    phases = [macromodel.float_phases(model, time_s, step_rad=step) for step in (0.01, 0.02)]
    assert np.abs(phases[0] - phases[1]).max() < 2e-5


def test_macromodels_with_the_formula_of_tanks_follow_their_circuit() -> None:
    """The rest is what amplitudes do at rho = 0.1."""
    circuit = spice.Circuit(points_per_cycle=100, rho=0.1, cycles=60)
    weights = signed(5, 3)
    found = closed_form(circuit)
    netlist = spice.create(weights, circuit, seed=6)
    seen = spice.run(netlist)
    row_sum_s = (netlist.parts.straight_s + netlist.parts.crossed_s).sum(axis=1).max()
    rate = found.unit_per_siemens * row_sum_s
    span_s = seen.time_s - seen.time_s[0]
    model = macromodel.create(
        weights, found.coupling, rate_rad_per_s=rate, duration=span_s[-1] * rate,
        start_phases=seen.phases_rad[0],
    )  # fmt: skip
    macro = macromodel.run(model)
    phases = np.column_stack([np.interp(span_s, macro.time_s, phi) for phi in macro.phases_rad.T])
    assert np.abs(seen.phases_rad[-1] - seen.phases_rad[0]).max() > 0.5
    assert rms_rad(seen.phases_rad, phases).max() < 0.02


@pytest.mark.full
@pytest.mark.parametrize("coupling", [SINE, RING], ids=["sine", "ring"])
def test_256_oscillators_all_to_all_run_and_end_where_the_float_model_ends(coupling) -> None:
    model = network(256, coupling, seed=3)
    seen = macromodel.run(model)
    found = compared(model, seen)
    print(found)
    assert np.abs(seen.phases_rad[-1] - seen.phases_rad[0]).max() > 1.0
    assert found["phase_error_largest_rad"] < 1e-3
    assert found["same_as_float"]


def test_the_command_writes_runs_and_compares(tmp_path, monkeypatch, capfd) -> None:
    monkeypatch.chdir(tmp_path)
    assert cli(["spice", "pair", "--circuit", "phase", "-o", "."]) == 0
    assert capfd.readouterr().out.strip() == "pair-phase.cir"
    text = (tmp_path / "pair-phase.cir").read_text()
    assert "made by: drai-hw spice pair --circuit phase" in text
    assert "stands for kind lc, rho 0.3, 200 periods" in text
    assert cli(["spice", "pair", "--circuit", "phase", "--check", "-o", "."]) == 0
    assert cli(["spice", "pair", "--circuit", "phase", "--run", "-o", "."]) == 0
    shown = capfd.readouterr().out
    assert "2 phase macromodels: at most 0.0" in shown
    assert "the same pattern" in shown
    assert cli(["spice", "pair", "--circuit", "phase", "--run", "--json", "-o", "."]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found["energies_j"] is None
    assert found["reason"] == "a phase macromodel has no energy: --circuit lc or ring"
    assert found["phase_error_largest_rad"] < 1e-3
    assert cli(["spice", "pair", "--circuit", "phase", "--snap", "E24"]) == 2
    assert "--snap makes couplings of parts, which phase macromodels don't" in (
        capfd.readouterr().err
    )


def test_macromodels_take_strength_length_list_and_detuning_of_the_network_file() -> None:
    spec = with_overrides(
        catalog.find("pair")[0],
        {"circuit": {"rho": 0.1, "cycles": 50, "q": 10},
         "dynamics": {"coupling_sine": [1.0, 0.0, 0.1], "coupling_cosine": [0.2, -0.2]}},
    )  # fmt: skip
    weights = np.array([[0.0, 15.0], [15.0, 0.0]])
    model = macromodel_of(spec, weights, np.array([0.0, 1.0]), "test")
    per_cycle = TAU * 0.1 / 20
    assert model.rate_rad_per_s == pytest.approx(1e6 * per_cycle)
    assert model.duration == pytest.approx(50 * per_cycle)
    assert model.coupling == FourierCoupling((1.0, 0.0, 0.1), (0.2, -0.2))
    assert model.detuning == pytest.approx([-0.25, 0.25])
    ring = with_overrides(spec, {"circuit": {"kind": "ring"}})
    assert macromodel_of(ring, weights, np.zeros(2), "test").stop_s == pytest.approx(
        50 / spice.free_running_hz(spice.Circuit(kind="ring")), rel=0.02
    )
    turned = with_overrides(catalog.find("pair")[0], {"circuit": {"coupling": "capacitive"}})
    model = macromodel_of(turned, weights, np.zeros(2), "test")
    assert model.coupling == FourierCoupling((0.0,), (-1.0, 1.0))


def test_what_macromodels_cannot_be_made_of_is_refused() -> None:
    with pytest.raises(SpecError, match="weights are all 0"):
        macromodel.create([[0, 0], [0, 0]], SINE, rate_rad_per_s=1.0, duration=1.0)
    with pytest.raises(SpecError, match=r"rate_rad_per_s = -1.0: needed is a number above 0 rad/s"):
        macromodel.create([[0, 1], [1, 0]], SINE, rate_rad_per_s=-1.0, duration=1.0)
    with pytest.raises(SpecError, match=r"duration = 0: needed is a number above 0 / \(kappa R\)"):
        macromodel.create([[0, 1], [1, 0]], SINE, rate_rad_per_s=1.0, duration=0)
    spec = with_overrides(catalog.find("pair")[0], {"dynamics": {"coupling_table": "triangle"}})
    with pytest.raises(SpecError, match="coupling_table = 'triangle': phase macromodels need"):
        macromodel_of(spec, np.array([[0.0, 1.0], [1.0, 0.0]]), np.zeros(2), "test")
