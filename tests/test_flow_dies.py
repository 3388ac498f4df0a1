"""Dies of a network file: corners beside other netlists, kept dies, distributions, refusals."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.cli import run as run_verb
from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.flow import dies as flow_dies
from drai_hw.flow.dies import Dies, frequencies_hz, measured, run
from drai_hw.report.spread import __main__ as report
from drai_hw.spec import Spec
from drai_hw.spec.load import parse
from drai_hw.spice.drawn import Rings, free_running_hz
from drai_hw.spice.engine import simulate
from drai_hw.spice.kept_parts import Part
from drai_hw.spice.spread.circuits import Corner, TankSort
from drai_hw.spice.transistors import LEVEL1
from tests.tiny_network import TINY

KEYS = 'kind = "ring"\nrho = 0.1\nmismatch = 0.03\ntuning_bits = 6\ntuning_range = 0.03\n'
HOT = Corner(supply=0.9, temperature_c=85.0)


def spec_of(keys: str = KEYS, text: str = TINY) -> Spec:
    return parse(text.replace("[circuit]\n", f"[circuit]\n{keys}"))


def some(corner: Corner | None = None, keys: str = KEYS, cycles: int = 60) -> Dies:
    x = np.array([[1, 1, -1, 1, -1, -1, 1, -1]])
    start = x.copy()
    start[0, 3] *= -1
    weights = (x.T @ x).astype(float)
    np.fill_diagonal(weights, 0.0)
    spec = spec_of(keys, TINY.replace("cycles = 60", f"cycles = {cycles}"))
    starts = np.repeat(start, 2, axis=0)
    return Dies(spec, weights, starts, x, np.array([0, 0]), corner or Corner())


def resistors(text: str) -> list[str]:
    return re.findall(r"^Rw\S+ \S+ \S+ \S+", text, re.MULTILINE)


def test_a_ring_at_a_corner_is_that_of_the_drawn_netlists() -> None:
    for corner in (Corner(), HOT):
        seen = frequencies_hz(some(corner).free(None, 1))[0]
        rings = Rings(
            LEVEL1, vdd_v=1.8 * corner.supply, temperature_c=corner.temperature_c,
            points_per_cycle=40,
        )  # fmt: skip
        assert seen == pytest.approx(free_running_hz(rings), rel=0.01)


def test_resistors_are_made_once_whatever_the_corner_and_every_die_has_its_own_loads() -> None:
    nominal, hot = some(), some(HOT)
    texts = [each.network(each.drawn(0).trimmed, 0).text for each in (nominal, hot)]
    assert resistors(texts[0]) == resistors(texts[1]) != []
    assert "\n.temp 85.0\n" in texts[1]
    assert "\nVdd vdd 0 1.62" in texts[1]
    assert hot.network(hot.drawn(0).trimmed, 0).circuit.ring_vdd_v == pytest.approx(1.62)
    first, second = (nominal.drawn(die).drawn.fixed_f for die in (0, 1))
    assert np.abs(first / second - 1).min() > 0


@pytest.mark.parametrize("corner", [pytest.param(Corner(), marks=pytest.mark.full), HOT])
def test_a_die_is_measured_and_its_energy_is_that_of_the_supply(corner: Corner) -> None:
    each = some(corner, KEYS.replace("rho = 0.1", "rho = 0.4"), 20)
    hz = frequencies_hz(each.free(None, 1))[0]
    die = each.drawn(0)
    found = measured(each, 0, "trimmed", hz, lambda share: None)
    assert found["exact"]
    assert found["frequency_hz"] == pytest.approx(hz, rel=2e-3)
    assert found["frequency_spread"] < 1e-3
    # 2 S C VDD^2 a period and ring, and what crosses in the transistors and latches
    volt = 1.8 * corner.supply
    seconds = each.network(die.trimmed, 0).stop_s
    charged_j = 8 * 2 * 5 * 10e-15 * volt**2 * found["frequency_hz"] * seconds
    assert 1.1 < found["energy_per_recall_j"] / charged_j < 1.2


def test_tanks_with_drawn_cores_have_a_supply_and_a_temperature_too() -> None:
    keys = 'core = "cross-coupled"\nmismatch = 0.001\n'
    nominal, hot = some(keys=keys), some(HOT, keys=keys)
    netlists = [each.network(each.drawn(0).trimmed, 0) for each in (nominal, hot)]
    assert resistors(netlists[0].text) == resistors(netlists[1].text) != []
    assert netlists[1].circuit.core_vdd_v == pytest.approx(1.62)
    power_w = [spice.run(each.free(None, 1), reference_hz=1e6).power_w for each in (nominal, hot)]
    # as other tanks of the same transistors: the tail follows VDD less a threshold
    tanks = TankSort().tanks
    told = []
    for corner in (Corner(), HOT):
        text = tanks.netlist(
            np.zeros((1, 1)), np.zeros(1), 40, supply_v=1.8 * corner.supply,
            temperature_c=corner.temperature_c,
        )  # fmt: skip
        waves = simulate(text, stop_s=4e-5 * (1 - 1e-6), expected_points=1600, vectors=4)
        late = waves.time_s > 2e-5
        told.append(-1.8 * corner.supply * waves.select(["i(vdd)"])[late, 0].mean())
    assert power_w[1] / power_w[0] == pytest.approx(told[1] / told[0], rel=0.02)


def fake(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, float]]:
    """Let dies be measured without ngspice; return the dies and spreads that were measured."""
    seen: list[tuple[int, float]] = []

    def measure(dies: Dies, die: int, state: str, hz: float, progress: Any) -> Part:
        drawn = dies.drawn(die)
        some = drawn.drawn if state == "untrimmed" else drawn.trimmed
        spread = float(np.std(drawn.deviation(some)))
        seen.append((die, spread))
        if die == 3:
            return {"fault": "it stands still", "exact": False}
        return {"exact": spread < 1e-3, "frequency_spread": spread, "settled_s": 1e-9 * die}

    monkeypatch.setattr(flow_dies, "measured", measure)
    monkeypatch.setattr(flow_dies, "frequencies_hz", lambda netlist: np.array([8.7e9]))
    return seen


def test_dies_are_kept_and_compared_before_and_after_tuning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen, told = fake(monkeypatch), []
    found = run(some(), 5, tmp_path, tell=lambda *words: told.append(words[:2]))
    assert sorted(told) == [(k, 10) for k in range(1, 11)]
    assert found["seeds"] == [1, 5]
    assert found["untrimmed"]["exact"]["hits"] == 0
    assert found["trimmed"]["exact"] == {"hits": 4, "dies": 5} | {
        key: found["trimmed"]["exact"][key] for key in ("low", "high")
    }
    assert found["trimmed"]["failed"] == found["untrimmed"]["failed"] == 1
    assert found["trimmed"]["settled_s"]["p50"] == pytest.approx(1.5e-9)
    before, after = (found[s]["frequency_spread"]["mean"] for s in ("untrimmed", "trimmed"))
    assert before > 8 * after
    assert [die["trimmed"]["exact"] for die in found["each"]] == [True, True, True, False, True]
    assert len(seen) == 10
    assert run(some(), 6, tmp_path)["trimmed"]["exact"]["dies"] == 6
    assert len(seen) == 12
    # what changes a netlist is another die
    run(some(keys=KEYS.replace("0.1", "0.2")), 1, tmp_path)
    assert len(seen) == 14
    run(some(), 1, tmp_path, fresh=True)
    assert len(seen) == 16


def test_other_components_deviate_alike_in_every_netlist_of_a_die() -> None:
    keys = KEYS.replace("mismatch = 0.03", "mismatch = 0.001")
    plain, varied = some(keys=keys), replace(some(keys=keys), scale=2.0)
    die = plain.drawn(0)
    texts = [each.network(die.drawn, 0).text for each in (plain, varied)]
    ohms = [np.array([float(line.split()[3]) for line in resistors(text)]) for text in texts]
    assert 0.01 < np.std(ohms[1] / ohms[0]) < 0.03  # 56 branches of 2 %
    assert "of_mnp0_0" in texts[1]
    assert re.findall(r"^C.*", texts[0], re.M) == re.findall(r"^C.*", texts[1], re.M)
    # the same transistors on their own as in the network
    card = r"^.model of_mnp0_0 .*$"
    free = varied.deviated(varied.free(die.drawn, 8), 0).text
    assert re.findall(card, free, re.M) == re.findall(card, texts[1], re.M) != []


@pytest.mark.full
def test_calibration_sees_what_other_components_do_to_frequencies() -> None:
    keys = KEYS.replace("mismatch = 0.03", "mismatch = 0.001")
    varied = replace(some(keys=keys), scale=2.0)
    die = varied.drawn(0)
    reference_hz = frequencies_hz(varied.free(None, 1))[0]
    spread = [
        np.std(varied.free_hz(capacitors, 0)) / reference_hz
        for capacitors in (die.drawn, die.trimmed, varied.trimmed(0, reference_hz))
    ]
    assert spread[0] > 3e-3
    assert spread[1] == pytest.approx(spread[0], rel=0.1)  # the closed form knows capacitors only
    assert spread[2] < 1e-3


def test_dies_without_a_bank_have_one_state(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch)
    found = run(some(keys="mismatch = 0.01\n"), 2, tmp_path)
    assert "trimmed" not in found
    assert found["untrimmed"]["exact"]["dies"] == 2


def test_an_interruption_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake(monkeypatch)

    def tell(done: int, of: int, name: str) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(some(), 6, tmp_path, processes=1, tell=tell)
    assert 3 <= len(list(tmp_path.glob("die*.json"))) < 12


def test_a_die_that_does_not_oscillate_is_a_failed_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(netlist: object) -> None:
        raise ConvergenceError("it stands still")

    monkeypatch.setattr(flow_dies, "frequencies_hz", broken)
    each = some()
    found = measured(each, 0, "untrimmed", 8.7e9, lambda share: None)
    assert found == {"fault": "it stands still", "exact": False}


def test_what_has_nothing_to_show_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"mismatch = 0: all would be equal; needed is a relative"):
        some(keys='kind = "ring"\n')
    with pytest.raises(SpecError, match=r"temperature 85 degrees Celsius and supply 0.9 of the n"):
        some(HOT, keys="mismatch = 0.01\n")
    with pytest.raises(SpecError, match=r"dies = 0: needed are 1 to 100000"):
        run(some(), 0, tmp_path)
    lock = spec_of(text=TINY.replace("[task]\n", '[task]\nkind = "lock"\n'))
    with pytest.raises(SpecError, match=r"task.kind = 'lock': needed is 'recall'"):
        flow_dies.require_dies(lock, Corner())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--dies", "2"], "--dies simulates: add --run"),
        (["--run", "--temperature", "85"], "and --supply are of dies: add --dies N"),
        (["--run", "--dies", "2", "--scale", "50"], "scale = 50.0: needed is 0 to 20"),
        (["--run", "--circuit", "phase", "--dies", "2"], "which phase macromodels don't have"),
        (["--run", "--dies", "0"], "'--dies': 0 is not in the range 1<=x<=100000"),
        (["--run", "--dies", "2", "--supply", "2"], "supply = 2.0: needed is 0.5 to 1.5 of the"),
        (["--run", "--dies", "2", "--temperature", "900"], "needed are -55 to 150 degrees Celsius"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    words: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY.replace("[circuit]\n", f"[circuit]\n{KEYS}"))
    assert run_verb(["spice", "tiny.toml", *words]) == 2
    assert message in " ".join(capfd.readouterr().err.split())


def test_the_verb_runs_dies_and_their_histograms_are_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    keys = "mismatch = 0.03\ntuning_bits = 6\n"
    text = TINY.replace("cycles = 60", "cycles = 20").replace("[circuit]\n", f"[circuit]\n{keys}")
    Path("tiny.toml").write_text(text)
    words = ["spice", "tiny.toml", "--run", "--dies", "1"]
    assert run_verb([*words, "--json"]) == 0
    captured = capfd.readouterr()
    assert "2 of 2: die0-" in captured.err
    found = json.loads(captured.out)
    assert found["dies"]["trimmed"]["energy_per_recall_j"]["count"] == 1
    assert len(found["tuning"]["codes"]) == 8
    assert len(list(Path("build/tiny/dies").glob("die0-*.json"))) == 2
    assert run_verb(words) == 0
    lines = capfd.readouterr().out
    assert re.search(r"1 dies, mismatch 3 %, 27 degC, 1 of the nominal supply:", lines)
    assert re.search(r"^trimmed: exact \d of 1 \(0\.\d\d to \d\.\d\d\), failed 0$", lines, re.M)
    assert re.search(r"^  frequency_spread: mean 0.\d+ %, deviation 0 %", lines, re.M)
    Path("dies.json").write_text(captured.out)
    assert report.main(["--from", "dies.json", "-o", "dies.svg"]) == 0
    drawn = Path("dies.svg").read_text()
    for title in ("spread of a die", "trimmed", "kHz"):
        assert title in drawn


@pytest.mark.full
def test_tuning_gives_back_the_recalls_that_mismatch_took(tmp_path: Path) -> None:
    keys = KEYS.replace("0.03\ntuning_bits", "0.05\ntuning_bits").replace("= 0.03", "= 0.045")
    found = run(some(keys=keys), 6, tmp_path)
    assert found["untrimmed"]["exact"]["hits"] <= 3
    assert found["trimmed"]["exact"]["hits"] == 6
    before, after = (found[s]["frequency_spread"]["mean"] for s in ("untrimmed", "trimmed"))
    assert before > 10 * after
