"""Noise, supply and load: diffusion, pushing and inputs beside closed forms, and their page."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.spice import Circuit
from drai_hw.spice.engine import simulate
from drai_hw.spice.spread.circuits import SORTS, Corner, RingSort
from drai_hw.spice.surroundings import __main__ as command
from drai_hw.spice.surroundings import noise, page, parts, pushing
from drai_hw.spice.surroundings.buffer import Load, buffer, closed, loaded
from drai_hw.spice.surroundings.noise import growth, noisy_recall, source, tank_diffusion
from drai_hw.units import TAU

RING, TANK = SORTS["ring-level1"], SORTS["tank"]


def test_a_noise_source_has_the_density_that_was_asked_for() -> None:
    density, slot_s = 4e-18, 1e-8
    line = source("n", "0", "a", density, slot_s)
    text = f"noise\n{line}\nRa a 0 1000\n.option seed=3\n.save v(a)\n"
    text += ".tran 2.5e-9 4e-4 0 2.5e-9\n.end\n"
    waves = simulate(text, stop_s=4e-4 * (1 - 1e-6), expected_points=280000, vectors=1, name="n")
    # means over 1 us have the variance S/2T: 400 of them tell it to 7 %
    whole = np.concatenate([[0.0], np.cumsum(np.diff(waves.time_s) * 0.5 * (
        waves.data[1:, 0] + waves.data[:-1, 0]))])  # fmt: skip
    steps = np.diff(np.interp(np.arange(401) * 1e-6, waves.time_s, whole)) / 1e-6 / 1000.0
    assert np.var(steps) == pytest.approx(density / 2 / 1e-6, rel=0.25)


def test_growth_finds_the_constant_of_a_random_walk() -> None:
    rng = np.random.default_rng(2)
    walk = np.cumsum(rng.standard_normal((2030, 40)) * 0.1, axis=0)
    at_s = np.arange(2030) * 1e-6
    constant, increments = growth(at_s, walk + 3e5 * at_s[:, None])
    assert constant == pytest.approx(0.01 / 1e-6, rel=4 * math.sqrt(2 / increments))
    assert increments == 40 * 99  # 100 samples after the settling, 20 periods apart


@pytest.mark.parametrize(
    ("over_thermal", "circuit"), [(1e6, Circuit()), (1e7, Circuit(capacitance_f=60e-12, q=8.0))]
)
def test_a_tank_diffuses_as_the_closed_form_says(over_thermal: float, circuit: Circuit) -> None:
    seen = tank_diffusion(over_thermal, circuit, copies=12, cycles=150)
    # 4kT/R over (C A)^2
    charge_c = circuit.capacitance_f * circuit.amplitude_v
    assert seen.closed == pytest.approx(seen.density_a2_per_hz / charge_c**2)
    assert seen.measured == pytest.approx(seen.closed, rel=3 * seen.error)
    at = [seen.density_dbc_per_hz(hz) for hz in (1e3, 1e4)]
    assert at[0] - at[1] == pytest.approx(20.0)
    assert at[1] == pytest.approx(10 * math.log10(seen.closed / (TAU * 1e4) ** 2))


@pytest.mark.full
def test_a_ring_diffuses_as_its_phase_response_says() -> None:
    seen = noise.ring_diffusion(1e-20, copies=8, cycles=200)
    assert seen.measured == pytest.approx(seen.closed, rel=3 * seen.error)


@pytest.mark.full
def test_noise_far_above_the_coupling_destroys_a_recall_and_little_does_not() -> None:
    quiet, loud = noisy_recall(0.01, 0), noisy_recall(3.0, 0)
    assert quiet.exact
    assert quiet.model_exact
    assert quiet.order > 0.8
    assert abs(quiet.order - quiet.model_order) < 0.15
    assert loud.order < 0.6
    assert loud.model_order < 0.6


def test_a_level_1_ring_is_pushed_as_the_square_law_says() -> None:
    seen = pushing.pushing(RING, 2)
    assert pushing.ring_relative(1.8) == pytest.approx(2.25 / 1.35)
    assert seen.relative == pytest.approx(pushing.ring_relative(1.8), rel=page.PUSHING_LIMIT)
    assert seen.hz_per_v == pytest.approx(seen.relative * seen.frequency_hz / 1.8)
    assert len(seen.drawn) == 4
    assert 0 < seen.deviation < 0.05 * seen.mean


@pytest.mark.full
def test_a_common_supply_may_swing_and_a_split_one_may_not() -> None:
    """A tenth of the supply, at once for all or for half of the rings."""
    assert pushing.hits(RING, "half", 0.1, 1) == 0
    ripple = [pushing.hits(TANK, "common", share, 1) for share in (0.0, 0.1)]
    assert ripple == [1, 1]


def test_netlists_of_moving_supplies_differ_in_nothing_but_the_supply() -> None:
    text = RING.text(np.zeros((2, 2)), np.zeros(2), 10, Corner())
    swinging = pushing.common(text, ripple=0.1, period_s=2e-9)
    changed = [line for line in swinging.splitlines() if line not in text.splitlines()]
    assert len(changed) == 1
    head, volt, peak, hz = changed[0].rstrip(")").replace("sin(", "sin ").split()[-4:]
    assert (head, float(volt)) == ("sin", 1.8)
    assert (float(peak), float(hz)) == pytest.approx((0.18, 5e8))
    split = pushing.half(text, drop=0.1, moved=[1])
    low = [line for line in split.splitlines() if " vdd_low vdd_low " in line]
    # five stages, two sides and two latches: 20 p-type transistors
    assert len(low) == 20
    assert all("1_" in line.split()[0] for line in low)
    assert "Vlow vdd_low 0 1.62" in split
    assert "vdd_low" not in pushing.half(text, drop=0.1, moved=[]).replace("Vlow vdd_low 0", "")
    tanks = pushing.half(
        TANK.text(np.zeros((2, 2)), np.zeros(2), 10, Corner()), drop=0.1, moved=[0]
    )
    assert [line.split()[0] for line in tanks.splitlines() if " vdd_low" in line] == [
        "Vlow", "Lp0", "Ln0", "Rref0"]  # fmt: skip


def test_an_input_does_to_a_tank_what_the_closed_forms_say() -> None:
    seen = loaded(TANK, Load(10e-12, 50e3))
    for measured, told in (seen.frequency, seen.amplitude, seen.pull):
        assert told is not None
        assert abs(told) > 0.015
        assert measured == pytest.approx(told, abs=0.003)


def test_an_input_capacitance_slows_one_stage_of_a_ring() -> None:
    measured, told = loaded(RING, Load(1e-15)).frequency
    assert told == pytest.approx(1 / 1.02 - 1)
    assert measured == pytest.approx(told, abs=0.001)
    assert closed(RING, Load())[0] == 0.0


def test_a_drawn_buffer_takes_the_charge_of_its_output_and_little_more() -> None:
    assert isinstance(RING, RingSort)
    one, two = buffer(RING, 20e-15), buffer(RING, 40e-15)
    assert one.closed_j == pytest.approx(2 * 20e-15 * 1.8**2)
    assert one.closed_j < one.supply_j < 1.15 * one.closed_j
    assert two.supply_j - one.supply_j == pytest.approx(one.closed_j, rel=0.03)
    assert abs(one.frequency) < 0.002  # level 1 has no gate capacitance


def test_what_cannot_be_run_is_refused() -> None:
    with pytest.raises(SpecError, match=r"over_thermal = 0: needed is a factor above 0"):
        tank_diffusion(0)
    with pytest.raises(SpecError, match=r"strength = -1: needed is a diffusion over coupling of"):
        noisy_recall(-1, 0)
    with pytest.raises(SpecError, match=r"dies = 1: needed are at least 2 to tell how pushing"):
        pushing.pushing(RING, 1)
    with pytest.raises(SpecError, match="way 'both': needed is one of common, half"):
        pushing.hits(RING, "both", 0.1, 1)
    with pytest.raises(SpecError, match=r"share = 0.5: needed is 0 to 0.3 of VDD"):
        pushing.hits(RING, "half", 0.5, 1)
    with pytest.raises(SpecError, match="a netlist with 0 lines 'Vdd vdd 0 VOLT': needed is one"):
        pushing.common("none", ripple=0.1, period_s=1.0)
    with pytest.raises(SpecError, match=r"farad = -1: needed is an input capacitance of 0 F or"):
        Load(farad=-1)
    with pytest.raises(SpecError, match=r"ohm = 0: needed is an input resistance above 0, or None"):
        Load(ohm=0)


def test_the_committed_page_is_that_of_the_record_and_its_comparisons_hold(
    repository: Path,
) -> None:
    found = page.read()
    assert list(found) == list(parts.makers())
    assert not [name for name, part in found.items() if "missing" in part]
    assert page.faults(found) == []
    assert (repository / command.PAGE).read_text(encoding="utf-8") == page.text(found)


def test_a_comparison_beyond_its_limit_is_named() -> None:
    for name, change, said in (
        ("pushing-ring-level1", {"relative": 2.0}, "pushing of a ring: +20.00 %, allowed is 3 %"),
        ("load-tank", {}, "load of tank, 2.5 pF, frequency: +1.00 %, allowed is 0.5 %"),
        ("diffusion", {}, "diffusion of a tank: +100.00 %, allowed is "),
    ):
        found = json.loads(json.dumps(page.read()))
        found[name].update(change)
        row = found[name].get("rows", [{}])[0]
        if name == "diffusion":
            row["measured"] = 2.0 * row["closed"]
        elif name == "load-tank":
            row["frequency"][0] = row["frequency"][1] + 0.01
        (told,) = page.faults(found)
        assert told.startswith(said)


def test_the_command_makes_single_parts_and_refuses_unknown_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = page.read()
    words = ["--folder", str(tmp_path / "kept"), "--page", str(tmp_path / "page.md"),
             "--record", str(tmp_path / "record.json")]  # fmt: skip
    makers = {name: (lambda part=part: part) for name, part in kept.items()}
    monkeypatch.setattr(command, "makers", lambda: makers)
    assert command.main([*words, "--only", "diffusion"]) == 0
    assert not (tmp_path / "page.md").exists()
    assert command.main(words) == 0
    assert "diffusion: kept" in capsys.readouterr().err
    assert (tmp_path / "page.md").read_text() == page.text(kept)
    assert page.read(tmp_path / "record.json") == kept
    with pytest.raises(SystemExit) as ended:
        command.main(["--only", "rong"])
    assert ended.value.code == 2
    assert "no part 'rong'; needed is one of diffusion, noise-0" in capsys.readouterr().err

    def broken() -> dict[str, object]:
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "makers", lambda: {**makers, "diffusion": broken})
    assert command.main([*words, "--fresh"]) == 130
    (tmp_path / "record.json").write_text("{")
    with pytest.raises(ToolError, match=r"no record of noise, supply and load"):
        page.read(tmp_path / "record.json")
