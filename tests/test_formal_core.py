"""Proofs of properties of the core, and that each is refuted on a core that lacks it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from drai_hw.cli import verb_prove
from drai_hw.formal import deadlock, page, pairs, sums, weights_range
from drai_hw.formal.design import Design, own_design
from drai_hw.formal.prove import PROPERTIES, property_result
from drai_hw.formal.solver import Clock
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import UNITS

ROOT = Path(__file__).resolve().parent.parent
SMALL = Formats(n=5, lanes=4, pages=2)
ALL = Formats(n=3, lanes=4, pages=1, edge=True, budget=True, centring=True, mask=True,
              resonance=True, decay=True)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    with own_design(SMALL) as design:
        yield design


def with_fault(design, part, pattern, replacement, folder):
    """Return the design with a fault in a part: wherever the pattern is found."""
    text = design.files[0].read_text()
    found = re.search(rf"^module {re.escape(part)} ?\(", text, re.MULTILINE)
    assert found
    begin = found.start()
    end = text.index("endmodule", begin)
    inside, count = re.subn(pattern, replacement, text[begin:end])
    assert count, pattern
    path = folder / "core.v"
    path.write_text(text[:begin] + inside + text[end:])
    return Design(design.formats, [path], design.top)


def full(*values):
    """Return a case that takes its time."""
    return pytest.param(*values, marks=pytest.mark.full)


SEQUENCER = "\\drai_core.sequencer"
LANE = "\\drai_core.lane_1.synapse"


def test_every_pair_meets_once(small):
    outcome = pairs.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert outcome.facts["pairs"] == outcome.facts["visits"] == 10


def test_the_sequencer_cannot_stop(small):
    outcome = deadlock.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert outcome.facts["states"] > 500


def test_weights_stay_in_their_range(small):
    outcome = weights_range.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert "-15 to 15" in outcome.scope


def test_weights_of_a_memory_of_one_word_stay_in_their_range(tmp_path):
    with own_design(Formats(n=2, lanes=2, pages=1)) as design:
        assert weights_range.prove(design, Clock(100)).status == "proved"
        lane = "\\drai_core.lane_0.synapse"
        bad = with_fault(design, lane, "w2 == 4'hf", "1'h0", tmp_path)
        assert weights_range.prove(bad, Clock(100)).status == "refuted"


def test_sums_add_up_to_zero(small):
    outcome = sums.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert outcome.facts == {"sums": 8, "products": 28}  # of all slots, padding included


def test_the_command_line_knows_the_properties():
    assert tuple(PROPERTIES) == verb_prove.PROPERTIES


@pytest.mark.full
@pytest.mark.parametrize("name", PROPERTIES)
@pytest.mark.parametrize("formats", [ALL, Formats(n=35, lanes=8, pages=5)], ids=["all", "letters"])
def test_properties_hold_with_all_features_and_for_letters(name, formats):
    result = property_result(name, formats, None, limit_s=500)
    assert result["status"] == "proved", result


@pytest.mark.parametrize(
    ("find", "replace", "reason"),
    [
        # the last slot of the diagonal twice, the first not at all
        (r"slot <= 2'h2;", "slot <= 2'h3;", "meet 2 times"),
        full(r"slot >= 1'h1;", "slot >= 2'h2;", "meet 0 times"),
        # a step that ends behind its field pass
        full(r"= kind == 1'h1;", "= 1'h0;", "asked for are|two passes issue"),
        # a pass that begins before the last one is in memory
        (r"= slot == 5'h10;", "= slot == 5'h0a;", "work under way"),
    ],
)
def test_a_core_that_visits_pairs_wrongly_is_refuted(small, find, replace, reason, tmp_path):
    outcome = pairs.prove(with_fault(small, SEQUENCER, find, replace, tmp_path), Clock(100))
    assert outcome.status == "refuted"
    assert re.search(reason, outcome.reason), outcome.reason


@pytest.mark.parametrize(
    ("find", "replace", "reason"),
    [
        (r"left - 1'h1;", "left + 1'h1;", "count of steps"),
        (r"= slot == 2'h3;", "= 1'h0;", "follow each other"),
    ],
)
def test_a_sequencer_that_stops_is_refuted(small, find, replace, reason, tmp_path):
    outcome = deadlock.prove(with_fault(small, SEQUENCER, find, replace, tmp_path), Clock(100))
    assert outcome.status == "refuted"
    assert reason in outcome.reason


@pytest.mark.parametrize("register", ["minus_rotating_0", full("merge_ahead_1")])
def test_sums_that_do_not_cancel_are_refuted(small, register, tmp_path):
    bad = with_fault(small, "drai_core", rf"{register} <= [^;]+;", f"{register} <= 1'h0;", tmp_path)
    outcome = sums.prove(bad, Clock(100))
    assert outcome.status == "refuted"
    assert "do not add up" in outcome.reason


@pytest.mark.parametrize("bound", ["w2 == 4'hf", full("w2 == 5'h11")])
def test_a_lane_whose_weights_wrap_is_refuted(small, bound, tmp_path):
    outcome = weights_range.prove(with_fault(small, LANE, bound, "1'h0", tmp_path), Clock(100))
    assert outcome.status == "refuted"
    assert -16 in outcome.counterexample["written"]


@pytest.mark.full
def test_a_link_that_comes_from_nowhere_is_refuted(tmp_path):
    with own_design(Formats(n=3, lanes=4, pages=1, mask=True)) as design:
        assert weights_range.prove(design, Clock(100)).status == "proved"
        bad = with_fault(design, LANE, "w2 == 5'h11", "1'h0", tmp_path)
        assert weights_range.prove(bad, Clock(100)).status == "refuted"


def test_a_run_that_ends_by_another_count_is_not_proven(small, tmp_path):
    design = with_fault(small, SEQUENCER, "= ! left;", "= left == 1'h1;", tmp_path)
    result = property_result("no-deadlock", SMALL, design, limit_s=100)
    assert result["status"] == "unknown"
    assert "more than whether steps are left decides" in result["reason"]


def test_a_limit_that_is_too_short_ends_as_unknown(small):
    result = property_result("pairs-once", SMALL, small, limit_s=1e-6)
    assert result["status"] == "unknown"
    assert "is over: 0 states of the sequencer" in result["reason"]


def test_the_page_of_times_has_every_proof_and_each_is_proved():
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in (ROOT / page.PAGE).read_text().splitlines()
        if line.startswith("| ") and "seconds" not in line
    ]
    proofs = [f"unit {name}" for name in UNITS] + list(PROPERTIES)
    wanted = {(name, proof) for name in page.networks() for proof in proofs}
    assert {(row[0], row[1]) for row in rows} == wanted
    assert {row[2] for row in rows} == {"proved"}


def test_the_page_tells_by_its_exit_status_that_something_is_not_proved(tmp_path, monkeypatch):
    monkeypatch.setattr(page, "networks", lambda: {"small": SMALL})
    monkeypatch.setattr(page, "UNITS", ("prng",))
    monkeypatch.setattr(page, "PROPERTIES", {})
    target = tmp_path / "page.md"
    assert page.main([str(target)]) == 0
    assert "| small | unit prng | proved |" in target.read_text()
    monkeypatch.setattr(page, "LIMIT_S", 1e-9)
    monkeypatch.setattr(page, "UNITS", ("update",))
    assert page.main([str(target)]) == 1
    assert "| small | unit update | unknown |" in target.read_text()
