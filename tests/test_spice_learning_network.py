"""Networks that learn inside ngspice, beside the learning rule."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.spice.energy import BALANCE_LIMIT
from drai_hw.spice.learning_model import Curve, device_curve
from drai_hw.spice.learning_network import Network, Run, Stage, expected, page, parts, run
from drai_hw.spice.learning_network import __main__ as command
from drai_hw.spice.learning_network.cases import ASSOCIATED, all_to_all, associations, cases
from drai_hw.spice.learning_network.energy import energy
from drai_hw.spice.learning_network.judge import judge
from drai_hw.spice.learning_network.network import netlist
from drai_hw.spice.learning_network.runs import recalled

PATTERN = (1, 1, -1, -1)
PAIR = Network(
    pairs=((0, 1),),
    stages=(Stage(60, (1, -1)), Stage(40, (1, -1), learns=True), Stage(40, (0, 0))),
    states=((0.5, 0.45),),
    start_rad=(0.2, 2.5),
    detuning=(1e-3, -1e-3),
)


@pytest.fixture(scope="module")
def curve() -> Curve:
    return device_curve(PAIR.synapse)


@pytest.fixture(scope="module")
def seen() -> Run:
    return run(PAIR)


def test_a_pair_shown_opposite_signs_gets_a_negative_weight_as_the_rule_says(
    seen: Run, curve: Curve
) -> None:
    found = judge(PAIR, ((1, -1),), seen, curve)
    [learned], [freed] = found.learned, found.freed
    assert learned.rule[0] < -2e3
    assert learned.circuit[0] == pytest.approx(learned.rule[0], rel=0.05)
    assert learned.errors[0] == pytest.approx(1 - learned.circuit[0] / learned.rule[0])
    assert found.counters == {"visited": 4, "gated_on": 4, "written": 4, "changed": 4}
    assert found.ruled == found.counters
    # before the pulses nothing moved; the inputs hold the tanks where the model says
    assert np.abs(seen.states[1] - seen.states[0]).max() < 1e-9
    assert seen.phases_rad[1] == pytest.approx(expected(PAIR, curve).phases_rad[1], abs=0.05)
    # and the weight acts on the free tanks: a model without it goes elsewhere
    assert freed.exact
    assert freed.start > 0.98
    assert freed.apart_rad < 0.005 < 0.02 < freed.blind_rad
    turned = judge(PAIR, ((1, 1),), seen, curve).freed[0]
    assert not turned.exact
    assert turned.end < 0.3


def test_tanks_that_drift_apart_leave_their_weight_alone(curve: Curve) -> None:
    apart = replace(
        PAIR, stages=(Stage(60, (0, 0)), Stage(20, (0, 0), learns=True)), detuning=(0.03, -0.03)
    )
    free = run(apart)
    assert free.counters == {"visited": 2, "gated_on": 0, "written": 0, "changed": 0}
    assert expected(apart, curve).counters == free.counters
    assert recalled(free, apart, 1) is None


def test_every_source_of_a_run_is_booked_and_the_books_balance(seen: Run) -> None:
    found = energy(PAIR, seen, 0, 1)
    assert abs(found.balance) < 2e-5
    assert set(found.delivered_j) == {
        "Bcore (tanks)", "Bread (transconductors)", "Bc (detector, cosine)",
        "Bs (detector, sine)", "Bq (buffer of the phase shifter)", "Bwrite (driver)",
        "Vrefp, Vrefn (what inputs show)", "Vu, Vd (switches of inputs)",
        "Bgate, Benable, Vramp, Vclock, Vlearn (without load)",
    }  # fmt: skip
    # the transconductors of a weight against its tanks' phases take energy in
    given = {name for name, joule in found.delivered_j.items() if joule > 0}
    assert set(found.delivered_j) - given == {
        "Bread (transconductors)", "Bgate, Benable, Vramp, Vclock, Vlearn (without load)"
    }  # fmt: skip
    assert found.learning_j > found.device_j > 0
    assert found.per_update_j() == (found.learning_j / 4, found.learning_j / 4)
    # no update, no figure
    assert energy(PAIR, seen, 0, 0).per_update_j() == (None, None)


def test_every_pair_has_its_synapse_and_every_tank_its_input() -> None:
    network = all_to_all(PATTERN, 0, 1)
    _, text = netlist(network, 1e6)

    def count(line: str) -> int:
        return len(re.findall(f"^{line}", text, re.MULTILINE))

    assert count(r"Bc\d_\d ") == count(r"Bs\d_\d ") == count(r"Bgate\d_\d ") == 6
    assert count(r"Bm[mk]\d_\d ") == count(r"Bwrite[mk]\d_\d ") == count(r"Bread[ab]\d_\d ") == 12
    assert count(r"Bq_\d ") == 3  # the last tank is nobody's first
    assert count(r"Sin[ud][pn]\d ") == 16
    # both memristors of a synapse get the same pulse, with opposite signs
    drive = dict(re.findall(r"^Bwrite([mk])0_1 \w+ 0 v=(.*)$", text, re.MULTILINE))
    assert drive["k"] == f"-{drive['m']}"
    # the pattern stands in the switches, and learning in one line; no pulse without it
    assert "Vu3 u3 0 pwl(0 0.0)" in text
    assert "Vlearn learn 0 pwl(0 0.0 0.00058 0.0 0.00058005 1.0 0.00078 1.0 0.00078005 0.0)" in text
    _, silent = netlist(all_to_all(PATTERN, 0, 1, learns=False), 1e6)
    assert "Vlearn learn 0 pwl(0 0.0)" in silent


def test_weights_are_the_difference_of_two_memristors() -> None:
    w = PAIR.weights_rad_per_s(np.array([[0.8, 0.3], [0.3, 0.8], [0.4, 0.4]]))
    span_s = PAIR.synapse.most_s - PAIR.synapse.least_s
    assert w[0] == pytest.approx(PAIR.synapse.read_gain * span_s * 0.5 / 253.3e-12)
    assert w[1] == -w[0]
    assert w[2] == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"detuning": (0.0,)}, "a network of 2 oscillators: needed are 2 detunings, and 2 inputs"),
        ({"stages": (Stage(20, (1,)),)}, "needed are 2 detunings, and 2 inputs in each stage"),
        ({"stages": (Stage(30, (1, 1)),)}, "a stage of 30 periods: needed is a multiple of"),
        ({"stages": (Stage(20, (1, 2)),)}, r"inputs \(1, 2\): needed are \+1, -1, or 0"),
        ({"pairs": ((1, 0),)}, r"pairs = \(\(1, 0\),\): needed are i < j of 2 oscillators"),
        ({"input_ohm": 0.0}, r"input_ohm = 0\.0: needed is a resistor above 0 ohm"),
        ({"synapse": replace(PAIR.synapse, write_v=0.5)}, "or no pulse ever writes"),
        ({"states": ()}, "0 pairs of states: needed is one for each of 1 synapses"),
        ({"states": ((0.5, 1.0),)}, "needed are two starts between 0 and 1, the rails apart"),
    ],
)
def test_what_does_not_fit_is_refused(keys: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(PAIR, **keys)


@pytest.mark.full
def test_four_oscillators_learn_a_pattern_and_recall_it_from_a_wrong_start(curve: Curve) -> None:
    network = all_to_all(PATTERN, 0, 1)
    seen = run(network)
    found = judge(network, (PATTERN,), seen, curve)
    assert np.abs(found.learned[0].errors).max() < 0.05
    before, after = found.freed
    assert before.start < 0.6
    assert not before.exact
    assert after.start < 0.6
    assert after.exact
    assert after.end > 0.99
    assert after.apart_rad < 0.1 < after.blind_rad
    x = np.array(PATTERN)
    shown = np.array([x[i] * x[j] for i, j in network.pairs])
    assert (np.sign(network.weights_rad_per_s(seen.states[-1])) == shown).all()
    travel = np.abs(seen.states[4] - seen.states[3])
    assert travel.min() > 0.2
    assert travel.max() < 0.8
    assert 0.05 < seen.states.min() < seen.states.max() < 0.95
    cue = x * [-1, 1, 1, 1]
    assert list(cue[0] * recalled(seen, network, 4)) == list(cue)
    assert list(recalled(seen, network, 5)) == list(x)
    assert abs(energy(network, seen, 2, 3).balance) < BALANCE_LIMIT


@pytest.mark.full
def test_without_pulses_nothing_is_learned_and_nothing_recalled() -> None:
    network = all_to_all(PATTERN, 0, 1, learns=False)
    seen = run(network)
    assert np.abs(seen.states - seen.states[0]).max() < 1e-9
    assert seen.counters == {"visited": 0, "gated_on": 0, "written": 0, "changed": 0}
    after = recalled(seen, network, 5)
    assert after is None or list(after) != list(PATTERN)


@pytest.mark.full
def test_a_crossbar_of_two_by_two_recalls_both_associations_from_its_inputs(curve: Curve) -> None:
    network = associations(ASSOCIATED, 1)
    seen = run(network)
    found = judge(network, tuple(x + y for x, y in ASSOCIATED), seen, curve)
    for learned in found.learned:
        assert np.abs(learned.errors).max() < 0.05
    first, second = found.learned
    assert 0.2 < first.travel[0] < first.travel[1] < 0.8
    # W = sum of y x^T: two weights grow twice, two come back
    w = np.array(second.before) + second.circuit
    twice = sum(np.outer(x, y).ravel() for x, y in ASSOCIATED)
    assert (np.sign(w)[twice != 0] == np.sign(twice)[twice != 0]).all()
    assert np.abs(w[twice == 0]).max() < 0.2 * np.abs(w[twice != 0]).min()
    assert [freed.exact for freed in found.freed] == [False, False, True, True]
    # inputs are held, so the outputs' signs are no common ones
    for (x, y), end in zip(ASSOCIATED, (10, 12), strict=True):
        assert (np.cos(seen.phases_rad[end]) * np.array(x + y) > 0.9).all()


def _kept(folder: Path) -> None:
    """Write parts as runs would have."""
    folder.mkdir()
    freed = {"learned": False, "start": 0.5, "end": 0.55, "exact": False, "apart_rad": 0.01,
             "blind_rad": 0.2}  # fmt: skip
    counters = {"visited": 8, "gated_on": 8, "written": 8, "changed": 8}
    learned = {"shown": [1, -1], "before": [100.0], "circuit": [-10100.0], "rule": [-10000.0],
               "travel": [0.2, 0.3], "errors": [-0.01]}  # fmt: skip
    spent = {"delivered_j": {"Bc": 1e-9}, "learning_j": 1e-9, "per_changed_j": 1e-11,
             "per_written_j": 5e-12, "changed": 100, "written": 200, "device_j": 1e-10,
             "balance": 1e-6}  # fmt: skip
    for name, case in cases().items():
        after = freed | {"learned": True, "exact": case.recalls, "end": 0.99}
        part = {"title": case.title, "recalls": case.recalls, "pairs": [[0, 1]],
                "learned": [learned], "freed": [freed, after], "states": [0.2, 0.8],
                "counters": counters, "ruled": counters, "energy": spent}  # fmt: skip
        (folder / f"{name}.json").write_text(json.dumps(part))


def test_the_page_is_written_from_kept_runs_and_fails_on_what_is_beyond_its_limit(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder, written = tmp_path / "kept", tmp_path / "page.md"
    _kept(folder)
    words = ["--folder", str(folder), "--page", str(written)]
    assert command.main(words) == 0
    text = written.read_text()
    assert "| four, ++−−, sign 1 turned | +− | 1 | 10.0 to 10.0 | 20 to 30 % | **-1.0 %** |" in text
    assert "| four, ++−−, sign 1 turned | after | 0.50 to 0.990 | yes | 0.010 | 0.200 |" in text
    assert "| 1-2 | +0.10 | -10.10 (-10.00) | -10.00 |" in text
    assert "**1 nJ** the pattern, 10 pJ for each of\n100 changes" in text
    assert "four-1: kept" in capsys.readouterr().err
    path = folder / "four-1.json"
    kept = path.read_text()
    part = json.loads(kept)
    before, after = part["freed"]
    for changed, said in (
        ({"learned": [part["learned"][0] | {"errors": [0.01, -0.06]}]},
         "change of a weight +6.00 % from the rule, allowed is 5 %"),
        ({"ruled": part["ruled"] | {"written": 9}}, "by the rule {'visited': 8"),
        ({"freed": [before, after | {"exact": False}]}, "not recalled, order 0.990"),
        ({"freed": [before, after | {"apart_rad": 0.11}]},
         "0.110 rad from the phase model, allowed is 0.1"),
        ({"freed": [before, after | {"start": 0.9}]}, "order 0.900 at the start: no wrong start"),
        ({"freed": [before | {"exact": True, "end": 0.99}, after]},
         "comes to the pattern without having learned it"),
        ({"states": [0.2, 0.97]}, "states from 0.200 to 0.970, allowed is 0.05 to 0.95"),
        ({"energy": part["energy"] | {"balance": 0.01}}, "balance +1.00 %, allowed is 0.5 %"),
    ):  # fmt: skip
        path.write_text(json.dumps(part | changed))
        assert command.main(words) == 1
        assert f"not within its limit: four-1: {said}" in capsys.readouterr().err.replace(
            "pulses {'visited': 8, 'gated_on': 8, 'written': 8, 'changed': 8}, ", ""
        )


def test_a_run_that_fails_is_named_on_the_page_and_the_others_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(_: object) -> Run:
        raise ToolError("ngspice is missing")

    folder, written = tmp_path / "kept", tmp_path / "page.md"
    _kept(folder)
    (folder / "four-3.json").unlink()
    monkeypatch.setattr(parts, "run", broken)
    assert command.main(["--folder", str(folder), "--page", str(written)]) == 1
    assert "four-3: ngspice is missing" in capsys.readouterr().err
    text = written.read_text()
    assert "four-3 was not made: ngspice is missing" in text
    assert page.shown((1, -1, 1, 1)) in text
    assert not (folder / "four-3.json").exists()
