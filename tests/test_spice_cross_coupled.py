"""Networks of tanks with drawn cores: closed forms, balance, recall, what is refused."""

from __future__ import annotations

import json
import math
import subprocess

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.cli import run as cli
from drai_hw.errors import SpecError
from drai_hw.spice.bank import Bank
from drai_hw.spice.cross_coupled import drawn
from drai_hw.spice.devices import LENGTH_M, NMOS_KP_A_PER_V2
from drai_hw.spice.equations import crossings_s
from drai_hw.spice.extraction import closed_form
from drai_hw.spice.ledger.tank_cycle import amplitude_v
from drai_hw.spice.startup import startup
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw, draw_plain

CORES = {"core": "cross-coupled"}
PATTERN = np.array([1, -1, 1, 1, -1, -1, 1, -1])


def stored(n=8, seed=2):
    """Return weights that hold the pattern, sizes 1 to 5."""
    sizes = np.triu(np.random.default_rng(seed).integers(1, 6, (n, n)), 1)
    return (sizes + sizes.T) * np.outer(PATTERN, PATTERN).astype(float)


def test_a_pair_relaxes_at_the_rate_of_the_closed_form():
    """tan(psi/2) goes with exp(-2 w t), w = G/2C, whatever keeps the tanks going."""
    circuit = spice.Circuit(**CORES, rho=0.05, cycles=160, points_per_cycle=80)
    netlist = spice.create([[0, 1], [1, 0]], circuit, start_phases=[0.0, 2.3])
    run = spice.run(netlist)
    psi = np.diff(run.phases_rad[10:-10], axis=1)[:, 0]
    slope = np.polyfit(run.time_s[10:-10], np.log(np.tan(np.abs(psi) / 2)), 1)[0]
    assert slope / -2.0 == pytest.approx(netlist.parts.coupling[0, 1], rel=0.003)


@pytest.mark.parametrize(
    "keys", [{}, {"f0_hz": 1e9, "q": 10, "amplitude_v": 0.6, "capacitance_f": 5e-12}]
)
def test_amplitude_and_supply_energy_are_those_of_the_closed_forms(keys):
    circuit = spice.Circuit(**CORES, cycles=120, **keys)
    tanks = drawn(circuit)
    run = spice.run(spice.create([[0.0]], circuit, start_phases=[0.3]))
    beta = NMOS_KP_A_PER_V2 * tanks.pair_m / LENGTH_M
    wanted_v = amplitude_v(tanks.tail_a, beta, tanks.tank.parallel_ohm)
    assert run.amplitude_v[0] == pytest.approx(wanted_v, rel=0.01)
    assert run.amplitude_v[0] == pytest.approx(circuit.amplitude_v, rel=0.02)
    ampere = tanks.tail_a + tanks.reference_a
    closed_j = circuit.core_vdd_v * ampere / run.frequency_hz
    assert run.energies.per_cycle_j == pytest.approx(closed_j, rel=0.005)
    assert abs(run.balance) < 3e-4
    assert run.frequency_hz == pytest.approx(circuit.f0_hz, rel=0.005)


@pytest.mark.parametrize("damping", ["none", "trimmed"])
def test_a_pattern_is_recalled_and_every_joule_from_the_supply_is_found_again(damping):
    circuit = spice.Circuit(**CORES, rho=0.5, cycles=150, damping=damping)
    start = PATTERN.copy()
    start[[1, 6]] *= -1
    run = spice.recall(stored(), start, circuit)
    assert abs(run.pattern @ PATTERN) == 8
    assert run.settled
    assert abs(run.balance) < 1e-4
    assert [source.element for source in run.sources] == ["Vdd"]
    assert not run.sources[0].behavioural
    assert set(run.energies.dissipated_j) == {
        "tank_loss", "pair_transistors", "tail_transistors", "reference", "coupling"
    }  # fmt: skip
    # a mistake in a class of heat would show
    assert min(run.energies.dissipated_j.values()) > 100 * abs(run.balance) * run.power_w * 1e-6


def test_trimmed_tails_keep_the_amplitude_of_tanks_whose_couplings_fight():
    """Three tanks that all push away: no phase leaves every coupling without current."""
    fighting = -(np.ones((3, 3)) - np.eye(3))
    start = [0.0, math.tau / 3, 2 * math.tau / 3]
    found = {}
    for damping in ("none", "trimmed"):
        circuit = spice.Circuit(**CORES, cycles=80, damping=damping)
        found[damping] = spice.run(spice.create(fighting, circuit, start_phases=start))
    # each sees G/2 in all, of which the phases let half flow
    alone = spice.run(spice.create([[0.0]], spice.Circuit(**CORES, cycles=80))).amplitude_v[0]
    for damping, raised in (("none", 1.0), ("trimmed", 1.3)):
        wanted_v = alone * raised / (1 + 0.5 * 0.3)
        assert found[damping].amplitude_v == pytest.approx(wanted_v, rel=0.01)
        extra = found[damping].energies.per_cycle_j / found["none"].energies.per_cycle_j
        tail = 8 / 9  # the mirror's reference stays
        assert extra == pytest.approx(1 + tail * (raised - 1), rel=0.005)


def test_capacitors_as_drawn_with_a_bank_are_accounted_for():
    circuit = spice.Circuit(**CORES, cycles=60)
    banks = draw(Bank(5, 200e-15), circuit, 3, sigma=0.01, seed=4)
    netlist = spice.create(stored()[:3, :3], circuit, start_phases=[0.1, 2.0, 4.0], banks=banks)
    assert "tuning banks" in netlist.text
    run = spice.run(netlist)
    assert run.energies.dissipated_j["tuning_bank"] > 0
    assert abs(run.balance) < 0.005


def test_the_file_runs_by_itself(tmp_path):
    circuit = spice.Circuit(**CORES, cycles=40)
    netlist = spice.create(stored(), circuit, seed=1)
    path = tmp_path / "cores.cir"
    path.write_text(netlist.file_text)
    done = subprocess.run(["ngspice", "-b", path], capture_output=True, text=True, check=True)
    assert "behind7_s" in done.stdout
    assert "{vdd_v}" in netlist.file_text
    assert netlist.file_text.count("{unit_ohm") == 8 * 7


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"kind": "ring"}, "circuit.core = 'cross-coupled' with circuit.kind = 'ring': needed is"),
        ({"damping": "ideal"}, "circuit.damping = 'ideal': an ideal element has no drawn core"),
        ({"coupling": "capacitive"}, "tanks with cross-coupled pairs have couplings of resistors"),
        ({"core_vdd_v": 0.9}, "circuit.core_vdd_v = 0.9: needed is above 1 V for the mirror"),
        ({"amplitude_v": 4.0}, "needed is above 1 V for the mirror and above 2.25 V"),
        ({"core_vdd_v": -1.0}, "circuit.core_vdd_v = -1.0: needed is a number above 0 V"),
        ({"core": "ideal"}, "circuit.core = 'ideal' with circuit.kind = 'lc': needed is one"),
    ],
)  # fmt: skip
def test_settings_without_a_drawn_core_are_refused(keys, message):
    with pytest.raises(SpecError, match=message.replace("(", r"\(")):
        spice.create([[0, 1], [1, 0]], spice.Circuit(**{**CORES, **keys}))


def test_what_knows_behavioural_cores_only_says_so():
    circuit = spice.Circuit(**CORES)
    netlist = spice.create([[0, 1], [1, 0]], circuit)
    for call in (
        lambda: closed_form(circuit), lambda: startup(circuit), lambda: crossings_s(netlist)
    ):  # fmt: skip
        with pytest.raises(SpecError, match="behavioural cores only; needed is 'behavioural'"):
            call()


def test_a_network_file_asks_for_drawn_cores(tmp_path, capfd, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cli(["new", "mine", "--design", "pair"]) == 0
    path = tmp_path / "mine" / "network.toml"
    text = path.read_text()
    assert '# core = "behavioural"' in text
    path.write_text(text.replace('# core = "behavioural"', 'core = "cross-coupled"'))
    capfd.readouterr()
    assert cli(["spice", "mine", "--run", "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert "cores and their bias drawn (level-1: not a technology)" in json.dumps(found)


def test_unequal_sides_have_the_frequency_of_the_lower_of_two_modes():
    """Halves without coupling swing in phase, too: a mismatch of 1 % moved tanks by 1 %."""
    circuit = spice.Circuit(**CORES, cycles=200, points_per_cycle=100)
    capacitors = draw_plain(circuit, 4, 0.01, 3)
    start = np.zeros(4)
    run = spice.run(spice.create(np.zeros((4, 4)), circuit, start_phases=start, banks=capacitors))
    found = np.diff(run.phases_rad[50:], axis=0).mean(axis=0) / math.tau
    wanted = closed_form_hz(capacitors, circuit) / circuit.f0_hz - 1.0
    assert np.abs(wanted).max() > 0.001
    assert found == pytest.approx(wanted, abs=1e-5)
    # the capacitors in series, as between the sides of a behavioural core, would not do
    series_f = capacitors.fixed_f.prod(axis=1) / capacitors.fixed_f.sum(axis=1)
    plain = np.sqrt(0.5 * circuit.capacitance_f / series_f) - 1.0
    assert np.abs(found - plain).max() > 2e-4
    assert run.amplitude_v == pytest.approx(1.0, abs=0.01)
    assert abs(run.balance) < 1e-4
