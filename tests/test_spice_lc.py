"""Netlists of coupled tanks: component values, signs, marks and bytes."""

import ast
import math
import sys
from pathlib import Path

import numpy as np
import pytest

import drai_hw
from drai_hw import spice
from drai_hw.errors import SpecError, ToolError
from drai_hw.spice.lc import coupling_ohm

PAIR = np.array([[0, 1], [1, 0]])


def elements(netlist: spice.Netlist) -> dict[str, list[str]]:
    lines = [line.split() for line in netlist.text.splitlines()]
    return {words[0]: words[1:] for words in lines if words and words[0][0] not in ".*"}


def test_a_tank_designed_for_a_behaviour_has_that_behaviour() -> None:
    tank = spice.design_tank(2.5e6, 12.0, 0.7, 120e-12, gain=1.8)
    assert tank.f0_hz == pytest.approx(2.5e6, rel=1e-12)
    assert tank.q == pytest.approx(12.0, rel=2e-3)
    assert tank.amplitude_v == pytest.approx(0.7, rel=1e-12)
    assert tank.g1_s * tank.parallel_ohm == pytest.approx(1.8, rel=1e-12)
    assert tank.loss_w / tank.f0_hz == pytest.approx(tank.loss_per_cycle_j, rel=2e-3)


def test_the_parallel_bleed_is_a_part_of_the_designed_loss() -> None:
    tank = spice.design_tank(1e6, 15.9, 1.0, 253.3e-12)
    two_bleeds = 2 * tank.bleed_ohm
    assert tank.loss_ohm * two_bleeds / (tank.loss_ohm + two_bleeds) == pytest.approx(
        tank.parallel_ohm, rel=1e-12
    )
    assert tank.loss_ohm > tank.parallel_ohm


def test_a_core_too_weak_for_its_loss_gives_no_amplitude() -> None:
    tank = spice.design_tank(1e6, 15.9, 1.0, 253.3e-12)
    dead = spice.Tank(**{**tank.__dict__, "g1_s": 0.9 / tank.parallel_ohm})
    assert dead.amplitude_v == 0.0


def test_a_core_too_strong_for_its_q_is_refused() -> None:
    with pytest.raises(SpecError, match=r"below 0\.4"):
        spice.design_tank(1e6, 2.0, 1.0, 253.3e-12, gain=2.0)


def test_positive_weights_run_straight_and_negative_ones_cross() -> None:
    weights = np.array([[0, 3, -1], [3, 0, 0], [-1, 0, 0]])
    netlist = spice.create(weights, start_phases=np.zeros(3))
    parts = elements(netlist)
    assert parts["Rw0_1_pp"][:2] == ["p0", "p1"]
    assert parts["Rw0_1_nn"][:2] == ["n0", "n1"]
    assert parts["Rw0_2_pn"][:2] == ["p0", "n2"]
    assert parts["Rw0_2_np"][:2] == ["n0", "p2"]
    assert not any(name.startswith("Rw1_2") for name in parts)
    assert float(parts["Rw0_2_pn"][2]) == pytest.approx(3 * float(parts["Rw0_1_pp"][2]), rel=1e-12)


def test_rho_sets_the_largest_row_sum_in_half_bandwidths() -> None:
    weights = np.array([[0, 3, -1], [3, 0, 0], [-1, 0, 0]])
    circuit = spice.Circuit(rho=0.2)
    netlist = spice.create(weights, circuit, start_phases=np.zeros(3))
    half_bandwidth = 2 * math.pi * circuit.f0_hz / (2 * circuit.q)
    assert np.abs(netlist.parts.coupling).sum(axis=1).max() == pytest.approx(
        0.2 * half_bandwidth, rel=1e-12
    )
    assert np.allclose(netlist.parts.coupling, netlist.parts.kappa * weights, rtol=1e-12)
    branch = float(elements(netlist)["Rw0_1_pp"][2])
    assert branch == pytest.approx(coupling_ohm(netlist.parts.coupling[0, 1], 253.3e-12))


def test_every_tank_has_its_own_two_nodes_with_a_path_to_ground() -> None:
    netlist = spice.create(PAIR, start_phases=[0, 1])
    parts = elements(netlist)
    for i in range(2):
        for side in "pn":
            assert parts[f"C{side}{i}"][:2] == [f"{side}{i}", "0"]
            assert parts[f"Rb{side}{i}"][:2] == [f"{side}{i}", "0"]
    assert netlist.pairs == (("p0", "n0"), ("p1", "n1"))


@pytest.mark.parametrize("damping", ["none", "trimmed", "ideal"])
def test_every_behavioural_source_is_listed_and_marked(damping: str) -> None:
    netlist = spice.create(PAIR, spice.Circuit(damping=damping), start_phases=[0, 1])
    written = {name for name in elements(netlist) if name[0] in "BEGIV"}
    assert written == {mark.element for mark in netlist.behavioural}
    ideal = {mark.element for mark in netlist.behavioural if mark.ideal}
    assert ideal == ({"Bundamp0", "Bundamp1"} if damping == "ideal" else set())
    assert "BEHAVIOURAL" in netlist.text


def test_trimming_raises_each_core_by_what_its_tank_sees() -> None:
    weights = np.array([[0, 2, 1], [2, 0, 0], [1, 0, 0]])
    plain = spice.create(weights, start_phases=np.zeros(3))
    trimmed = spice.create(weights, spice.Circuit(damping="trimmed"), start_phases=np.zeros(3))
    extra = trimmed.parts.values["g1_s"] - plain.parts.values["g1_s"]
    assert np.allclose(extra, plain.parts.straight_s.sum(axis=1) / 2, rtol=1e-12)


def test_detuning_moves_the_inductor_and_leaves_the_coupling() -> None:
    plain = spice.create(PAIR, start_phases=[0, 0])
    detuned = spice.create(PAIR, start_phases=[0, 0], detuning=[0.01, 0.0])
    ratio = detuned.parts.values["inductance_h"] / plain.parts.values["inductance_h"]
    assert np.allclose(ratio, [1 / 1.01**2, 1.0], rtol=1e-12)
    assert np.array_equal(detuned.parts.straight_s, plain.parts.straight_s)


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_equal_arguments_give_equal_bytes_and_another_seed_gives_others(kind: str) -> None:
    circuit = spice.Circuit(kind=kind)
    first = spice.create(PAIR, circuit, seed=5, name="pair")
    assert spice.create(PAIR, circuit, seed=5, name="pair").text == first.text
    assert spice.create(PAIR, circuit, seed=6, name="pair").text != first.text


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_the_last_bit_of_a_sine_function_changes_no_byte(kind: str) -> None:
    circuit = spice.Circuit(kind=kind)
    start = np.array([0.3, 1.0])
    first = spice.create(PAIR, circuit, start_phases=start)
    assert spice.create(PAIR, circuit, start_phases=np.nextafter(start, 9)).text == first.text


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_the_header_names_the_command_and_the_owner(kind: str) -> None:
    netlist = spice.create(PAIR, spice.Circuit(kind=kind), name="pair", command="drai-hw spice x")
    head = netlist.text.splitlines()[:4]
    assert any("made by: drai-hw spice x" in line for line in head)
    assert any("belongs to the user" in line for line in head)
    assert netlist.text.endswith(".end\n")


def test_settings_without_the_ring_keys_are_enough() -> None:
    class Section:
        kind, rho, f0_hz, q, capacitance_f, amplitude_v = "lc", 0.1, 2e6, 10.0, 1e-10, 0.5
        damping, cycles, points_per_cycle, jitter_rad = "none", 30, 40, 0.1

    netlist = spice.create(PAIR, Section(), start_phases=[0, 1])
    assert netlist.circuit.f0_hz == 2e6
    assert netlist.circuit.ring_stages == spice.Circuit().ring_stages


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "vo2"}, "circuit.kind = 'vo2'"),
        ({"rho": 0.0}, "circuit.rho = 0.0: needed is a number above 0"),
        ({"rho": 9.0}, "circuit.rho = 9.0: needed is at most"),
        ({"f0_hz": -1.0}, "circuit.f0_hz = -1.0.* Hz"),
        ({"q": math.nan}, "circuit.q = nan"),
        ({"damping": "magic"}, "none, trimmed, ideal"),
        ({"gain": 1.0}, "above 1"),
        ({"cycles": 1}, "at least 3 periods"),
        ({"points_per_cycle": 5}, "at least 20 points"),
        ({"jitter_rad": 4.0}, "0 to pi rad"),
        ({"kind": "ring", "ring_stages": 4}, "odd number"),
    ],
)
def test_impossible_settings_are_refused_with_key_and_range(change: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spice.create(PAIR, spice.Circuit(**change))


def test_strong_coupling_warns() -> None:
    with pytest.warns(UserWarning, match=r"circuit.rho = 0.8 is above 0.5"):
        spice.create(PAIR, spice.Circuit(rho=0.8))


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([[0, 1, 2]], "square N x N"),
        ([[0, 1], [2, 0]], r"w\[0,1\] = 1, w\[1,0\] = 2"),
        ([[1, 1], [1, 0]], r"w\[0,0\] = 1"),
        ([[0, math.inf], [math.inf, 0]], "not finite"),
    ],
)
def test_impossible_weights_are_refused(weights: list, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spice.create(weights)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"start_phases": [0, 1, 2]}, "start_phases of shape .3,.: needed are 2"),
        ({"detuning": [0.0]}, "detuning of shape .1,.: needed are 2"),
        ({"detuning": [0.0, -0.7]}, "detuning -0.7"),
        ({"name": "a b"}, "name 'a b'"),
    ],
)
def test_impossible_arguments_are_refused(arguments: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        spice.create(PAIR, **arguments)


def test_a_start_pattern_of_other_values_is_refused() -> None:
    with pytest.raises(SpecError, match=r"one row of .1 and -1"):
        spice.start_phases_of([1, 0, -1], 0.1, 0)


def test_a_missing_pyspice_is_named_with_its_cure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PySpice.Spice.Netlist", None)
    with pytest.raises(ToolError, match=r"PySpice is missing.*drai_hw\[spice\]"):
        spice.create(PAIR)


def test_one_module_alone_imports_pyspice() -> None:
    package = Path(drai_hw.__file__).parent
    found = set()
    for path in package.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            if any(name.split(".")[0] == "PySpice" for name in names):
                found.add(path.relative_to(package).as_posix())
    assert found == {"spice/pyspice.py"}
