"""Spread: drawn components, dies at corners beside closed forms, kept runs, distributions."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import ConvergenceError, SpecError, ToolError
from drai_hw.spice import drawn
from drai_hw.spice.drawn import Rings
from drai_hw.spice.point import operating_point
from drai_hw.spice.spread import __main__ as command
from drai_hw.spice.spread import plan, runs
from drai_hw.spice.spread.circuits import SORTS, Corner, RingSort, TankSort, task
from drai_hw.spice.spread.deviate import Mismatch, deviate
from drai_hw.spice.spread.dies import Die, alone, network, pair
from drai_hw.spice.spread.runs import Group, run
from drai_hw.spice.spread.summary import Spread, summary
from drai_hw.spice.transistors import GF180MCU, LEVEL1, installed

NOMINAL = Mismatch(scale=0.0)
RING, TANK = RingSort(Rings(LEVEL1, points_per_cycle=40)), TankSort()
needs_pdk = pytest.mark.skipif(not installed(GF180MCU), reason="the extra `pdk` is not installed")


def values(text: str, letter: str) -> dict[str, float]:
    found = re.findall(rf"^({letter}\S+) \S+ \S+ (\S+)", text, re.MULTILINE)
    return {name: float(value) for name, value in found}


def test_components_deviate_as_far_as_they_are_told_to_each_by_itself() -> None:
    lines = [f"R{k} a b 1000" for k in range(3000)] + [f"C{k} a 0 1e-12 ic=1" for k in range(3000)]
    text = deviate("\n".join(["title", *lines]), Mismatch(scale=2.0), 5)
    ohm = np.array(list(values(text, "R").values())) / 1000 - 1
    farad = np.array(list(values(text, "C").values())) / 1e-12 - 1
    # 3000 draws tell a standard deviation to 1.3 %
    assert np.std(ohm) == pytest.approx(0.02, rel=0.05)
    assert np.std(farad) == pytest.approx(0.002, rel=0.05)
    assert abs(np.corrcoef(ohm, farad)[0, 1]) < 0.06
    assert text.count(" ic=1") == 3000


def test_thresholds_and_gains_of_transistors_deviate_with_the_root_of_their_area() -> None:
    cards = ".model nch nmos (level=1 vto=0.45 kp=0.0003)"
    for width_m in (1e-6, 4e-6):
        lines = [f"M{k} a b 0 0 nch w={width_m} l=1e-06" for k in range(2000)]
        text = deviate("\n".join([cards, *lines]), Mismatch(), 3)
        drawn_cards = re.findall(
            r"^\.model of_m\d+ nmos \(level=1 vto=(\S+) kp=(\S+)\)$", text, re.M
        )
        table = np.array(drawn_cards, dtype=float)
        root_m = math.sqrt(width_m * 1e-6)
        assert table.shape == (2000, 2)
        assert np.std(table[:, 0]) == pytest.approx(0.7071 * 7.148e-9 / root_m, rel=0.06)
        assert np.std(table[:, 1] / 3e-4) == pytest.approx(0.7071 * 7.008e-9 / root_m, rel=0.06)
        assert len(re.findall(r"^M\d+ a b 0 0 of_m\d+ w=", text, re.M)) == 2000


def test_a_component_deviates_alike_in_every_netlist_of_a_die_and_otherwise_in_another() -> None:
    small = TANK.text(np.zeros((1, 1)), np.zeros(1), 10, Corner())
    large = TANK.text(np.zeros((3, 3)), np.zeros(3), 10, Corner())
    one, same, other = (deviate(t, Mismatch(), s) for t, s in ((small, 7), (large, 7), (small, 8)))
    for letter in "CLR":
        few, many, else_ = (values(text, letter) for text in (one, same, other))
        assert few == {name: many[name] for name in few}
        assert all(few[name] != else_[name] for name in few)
    assert deviate(small, NOMINAL, 7) == small
    analysis = [line for line in small.splitlines() if line.startswith(".") and "model" not in line]
    assert analysis == [line for line in one.splitlines()
                        if line.startswith(".") and "model" not in line]  # fmt: skip


def test_a_drawn_tank_has_the_frequency_of_its_drawn_parts() -> None:
    mismatch, seed = Mismatch(), 4
    text = deviate(TANK.text(np.zeros((2, 2)), np.zeros(2), 10, Corner()), mismatch, seed)
    henry, farad = values(text, "L"), values(text, "C")

    def hz(k: int) -> float:
        series_f = 1.0 / (1.0 / farad[f"Cp{k}"] + 1.0 / farad[f"Cn{k}"])
        return 1.0 / (2 * math.pi * math.sqrt((henry[f"Lp{k}"] + henry[f"Ln{k}"]) * series_f))

    seen, nominal = (
        alone(Die(TANK, Corner(), mismatch, seed)),
        alone(Die(TANK, Corner(), NOMINAL, 0)),
    )
    ratio = hz(0) * 2 * math.pi * math.sqrt(TANK.tanks.tank.inductance_h * 253.3e-12 / 2)
    assert abs(ratio - 1) > 5e-4
    # first order in the halves' difference; beyond it the common mode takes part
    assert seen["frequency_hz"] / nominal["frequency_hz"] == pytest.approx(ratio, abs=4e-5)
    assert 1 + seen["detuning"] == pytest.approx(hz(1) / hz(0), abs=4e-5)
    # (I_tail + I_reference) VDD of its own mirrors
    assert seen["energy_per_cycle_j"] == pytest.approx(nominal["energy_per_cycle_j"], rel=0.1)


def test_a_nominal_die_of_rings_has_the_figures_of_ledger_and_extraction() -> None:
    die = Die(RING, Corner(), NOMINAL, 1)
    seen = alone(die)
    rings = RING.rings
    other = drawn.run(rings, np.zeros((2, 2)), [0.0, 1.0], 40)
    assert seen["frequency_hz"] == pytest.approx(other.frequency_hz, rel=1e-3)
    per_cycle_j = other.supply_j / (2 * other.cycles)
    assert seen["energy_per_cycle_j"] == pytest.approx(per_cycle_j, rel=0.01)
    assert abs(seen["detuning"]) < 1e-3
    found = pair(die, seen["frequency_hz"])
    # extraction.md: 0.162 rad and 0.159 G/C for weak coupling; this pair is five times as strong
    assert found["lag_rad"] == pytest.approx(0.162, abs=0.015)
    assert found["pull"] == pytest.approx(0.159 * RING.pair_rho, rel=0.05)


def test_supply_and_temperature_do_to_a_ring_what_its_equations_say() -> None:
    cold, hot, high = (
        alone(Die(RING, corner, NOMINAL, 0))
        for corner in (Corner(), Corner(temperature_c=125.0), Corner(supply=1.1))
    )
    ampere = []
    for celsius in (27, 125):
        lines = ["one transistor", f".temp {celsius}", *LEVEL1.cards(), "Vd d 0 1.8",
                 "Mn d d 0 0 nch w=1e-6 l=0.18e-6", ".save i(vd)", ".op", ".end", ""]  # fmt: skip
        ampere.append(-operating_point("\n".join(lines))["i(vd)"])
    # mobility falls with T^-1.5; the threshold's fall gives some of it back
    assert (398 / 300) ** -1.5 < ampere[1] / ampere[0] < 0.8
    slower = hot["frequency_hz"] / cold["frequency_hz"]
    assert slower == pytest.approx(ampere[1] / ampere[0], rel=0.03)
    assert hot["energy_per_cycle_j"] == pytest.approx(cold["energy_per_cycle_j"], rel=0.03)
    assert high["energy_per_cycle_j"] / cold["energy_per_cycle_j"] == pytest.approx(1.21, rel=0.02)


@pytest.mark.full
def test_a_network_recalls_without_mismatch_and_not_with_a_lot_of_it() -> None:
    weights, pattern, start_rad = task(TANK, 1)
    assert np.count_nonzero(np.sign(np.cos(start_rad)) != pattern) == 1
    assert np.array_equal(weights, task(TANK, 2)[0])
    assert not np.array_equal(start_rad, task(TANK, 2)[2])
    good, bad = (network(Die(TANK, Corner(), Mismatch(scale=s), 1)) for s in (0.0, 12.0))
    assert good["exact"]
    assert good["settled_cycle"] is not None
    assert not bad["exact"]
    supply_w = 1.8 * 1.125 * TANK.tanks.tail_a
    assert good["energy_per_recall_j"] == pytest.approx(8 * supply_w * 180e-6, rel=0.01)


@needs_pdk
@pytest.mark.full
def test_models_of_gf180mcu_draw_themselves() -> None:
    sort = SORTS["ring-gf180mcu"]
    nominal, twice, again, other = (
        alone(Die(sort, Corner(), Mismatch(scale=scale), seed))
        for scale, seed in ((0.0, 1), (1.0, 1), (1.0, 1), (1.0, 2))
    )
    assert twice == again
    assert len({each["frequency_hz"] for each in (nominal, twice, other)}) == 3
    assert abs(twice["frequency_hz"] / nominal["frequency_hz"] - 1) < 0.02
    process = [
        alone(Die(sort, Corner(process="statistical"), NOMINAL, seed))["frequency_hz"]
        for seed in (1, 2, 3)
    ]
    assert np.ptp(process) > 0.01 * nominal["frequency_hz"]


def test_what_cannot_be_drawn_is_refused() -> None:
    with pytest.raises(SpecError, match=r"scale = 30: needed is 0 to 20"):
        Mismatch(scale=30)
    with pytest.raises(SpecError, match=r"resistor = 0.5: needed is a deviation from 0 to 0.2"):
        Mismatch(resistor=0.5)
    with pytest.raises(SpecError, match=r"R\d+ became -.*: needed is a value above 0; lower"):
        deviate("\n".join(f"R{k} a b 1" for k in range(50)), Mismatch(resistor=0.2, scale=20.0), 1)
    with pytest.raises(SpecError, match=r"supply = 0.2: needed is 0.5 to 1.5 of the nominal VDD"):
        Corner(supply=0.2)
    with pytest.raises(SpecError, match=r"temperature_c = 400: needed are -55 to 150 degrees"):
        Corner(temperature_c=400)
    with pytest.raises(SpecError, match="process 'fast': needed is one of typical, ff, ss, fs, sf"):
        Corner(process="fast")
    for sort in (RING, TANK):
        with pytest.raises(SpecError, match=r"process 'ff' of .*: needed is typical, level 1 has"):
            sort.text(np.zeros((1, 1)), np.zeros(1), 10, Corner(process="ff"))
    with pytest.raises(SpecError, match="circuit 'rong': needed is one of ring-level1"):
        Group("rong")
    with pytest.raises(SpecError, match="count = 0: needed are 1 to 100000 dies"):
        Group("tank", count=0)
    with pytest.raises(SpecError, match="'some': needed is one of all, recall"):
        Group("tank", what="some")
    with pytest.raises(SpecError, match="processes = 0: needed is at least 1"):
        run([Group("tank")], Path("nowhere"), processes=0)


def fake(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Let dies be measured without ngspice; return the list of measured seeds."""
    seen: list[int] = []

    def measure(die: Die) -> dict[str, object]:
        seen.append(die.seed)
        if die.seed == 3:
            raise ConvergenceError("it stands still")
        return {"frequency_hz": 1e6 + die.seed, "exact": die.seed != 1}

    monkeypatch.setattr(runs, "WHAT", {"all": measure, "recall": measure})
    return seen


def test_dies_are_kept_and_a_failed_one_counts_as_no_recall(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = fake(monkeypatch)
    groups = [Group("tank", count=5), Group("tank", scale=2.0, count=2)]
    told: list[tuple[int, int, str]] = []
    found = run(groups, tmp_path, tell=lambda *words: told.append(words))
    assert sorted(seen) == [0, 0, 1, 1, 2, 3, 4]
    assert [each.get("frequency_hz") for each in found[0]] == [1e6, 1e6 + 1, 1e6 + 2, None, 1e6 + 4]
    assert sorted(words[:2] for words in told) == [(k, 7) for k in range(1, 8)]
    figures = summary(found[0])
    assert figures["failed"] == 1
    assert figures["exact"]["hits"] == 3
    assert figures["frequency_hz"]["count"] == 4
    assert run(groups, tmp_path) == found
    assert len(seen) == 7
    run(groups[1:], tmp_path, fresh=True)
    assert len(seen) == 9


def test_an_interruption_keeps_what_is_finished(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = fake(monkeypatch)
    progress = command._progress

    def broken(done: int, of: int, name: str) -> None:
        progress(done, of, name)
        if done == 2:
            raise KeyboardInterrupt

    monkeypatch.setattr(command, "_progress", broken)
    words = ["--circuit", "tank", "--dies", "40", "--processes", "1", "--folder", str(tmp_path)]
    assert command.main(words) == 130
    kept = len(list(tmp_path.glob("*.json")))
    assert 2 <= kept < 40
    assert f"interrupted; finished dies are kept in {tmp_path}" in capsys.readouterr().err
    monkeypatch.setattr(command, "_progress", progress)
    assert command.main(words) == 0
    assert len(seen) == 40
    assert "exact 38 of 40" in capsys.readouterr().out


def test_a_distribution_has_its_mean_deviation_and_percentiles() -> None:
    each = Spread.of([float(k) for k in range(101)])
    assert (each.count, each.mean, each.p5, each.p50, each.p95) == (101, 50.0, 5.0, 50.0, 95.0)
    assert each.deviation == pytest.approx(math.sqrt(101 * 102 / 12))
    assert Spread.of([2.0]) == Spread(1, 2.0, 0.0, 2.0, 2.0, 2.0)
    with pytest.raises(SpecError, match="a distribution needs at least one"):
        Spread.of([])


def test_the_command_prints_text_or_json_and_refuses_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    fake(monkeypatch)
    words = ["--circuit", "tank", "--dies", "3", "--supply", "0.9", "1", "--folder", str(tmp_path)]
    assert command.main(words) == 0
    text = capsys.readouterr().out
    assert "tank, typical, 27 degC, 0.9 VDD, mismatch x 1: exact 2 of 3 (0.21 to 0.94)" in text
    assert "frequency_hz: mean 1 MHz, deviation 1 Hz, 5/50/95 % " in text
    assert command.main([*words, "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert [entry["group"]["corner"]["supply"] for entry in made] == [0.9, 1.0]
    assert made[0]["summary"]["frequency_hz"]["mean"] == 1e6 + 1
    assert [die["exact"] for die in made[0]["dies"]] == [True, False, True]
    assert command.main([*words[:4], "--supply", "7"]) == 2
    assert "drai-hw: error: supply = 7.0: needed is 0.5 to 1.5" in capsys.readouterr().err


def test_a_record_is_read_as_it_was_written_and_a_damaged_one_named(tmp_path: Path) -> None:
    path = tmp_path / "record.json"
    dies = [{"exact": True, "lag_rad": 0.123456789}, {"exact": False, "fault": "no"}]
    found = [(Group("tank", Corner(0.9, 85.0), count=2), dies)]
    plan.write(found, path)
    group, dies = plan.read(path)[0]
    assert group == found[0][0]
    assert dies == [{"exact": True, "lag_rad": 0.123457}, {"exact": False, "fault": "no"}]
    for text in ("[", '[{"group": {}}]'):
        path.write_text(text)
        with pytest.raises(
            ToolError, match=r"no record of spread .*python -m drai_hw.spice.spread"
        ):
            plan.read(path)


def test_the_committed_record_is_of_the_plan_and_measures_as_it_says() -> None:
    found = plan.read()
    assert [group for group, _ in found] == plan.groups()
    assert all(len(dies) == group.count for group, dies in found)
    group, dies = next(entry for entry in found if entry[0].circuit == "ring-level1")
    seen = alone(group.dies()[5])
    for name, value in seen.items():
        # another release of ngspice takes other steps: 2e-4 in a frequency
        assert dies[5][name] == pytest.approx(value, rel=1e-3, abs=4e-4), name
