"""Proofs of properties of the core, and that each is refuted on a core that lacks it."""

from __future__ import annotations

import re

import pytest

from drai_hw.formal import deadlock, pairs
from drai_hw.formal.design import Design, own_design
from drai_hw.formal.prove import property_result
from drai_hw.formal.solver import Clock
from drai_hw.model.numbers import Formats

SMALL = Formats(n=5, lanes=4, pages=2)
ALL = Formats(n=3, lanes=4, pages=1, edge=True, budget=True, centring=True, mask=True,
              resonance=True, decay=True)  # fmt: skip


@pytest.fixture(scope="module")
def small():
    with own_design(SMALL) as design:
        yield design


def with_fault(design, find, replace, folder):
    """Return the design with one place changed."""
    text = design.files[0].read_text()
    assert text.count(find) == 1, text.count(find)
    path = folder / "core.v"
    path.write_text(text.replace(find, replace))
    return Design(design.formats, [path], design.top)


def test_every_pair_meets_once(small):
    outcome = pairs.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert outcome.facts["pairs"] == outcome.facts["visits"] == 10


def test_the_sequencer_cannot_stop(small):
    outcome = deadlock.prove(small, Clock(100))
    assert outcome.status == "proved", outcome
    assert outcome.facts["states"] > 500


@pytest.mark.full
@pytest.mark.parametrize("name", ["pairs-once", "no-deadlock"])
@pytest.mark.parametrize("formats", [ALL, Formats(n=35, lanes=8, pages=5)], ids=["all", "letters"])
def test_properties_hold_with_all_features_and_for_letters(name, formats):
    result = property_result(name, formats, None, limit_s=500)
    assert result["status"] == "proved", result


@pytest.mark.parametrize(
    ("find", "replace", "reason"),
    [
        # the lower half of the last slot of the diagonal twice, or never
        ("assign \\$5  = slot <= 2'h2;", "assign \\$5  = slot <= 2'h3;", "meet 2 times"),
        ("assign \\$4  = slot >= 1'h1;", "assign \\$4  = slot >= 2'h2;", "meet 0 times"),
        # a step without its field pass
        ("assign \\$46  = kind == 1'h1;", "assign \\$46  = kind == 2'h2;", "two passes issue"),
        # a pass that begins before the last one is in memory
        (
            "assign \\$44  = slot == 5'h10;",
            "assign \\$44  = slot == 5'h0a;",
            "never|work under way",
        ),
    ],
)
def test_a_core_that_visits_pairs_wrongly_is_refuted(small, find, replace, reason, tmp_path):
    outcome = pairs.prove(with_fault(small, find, replace, tmp_path), Clock(100))
    assert outcome.status == "refuted"
    assert re.search(reason, outcome.reason), outcome.reason


@pytest.mark.parametrize(
    ("find", "replace", "reason"),
    [
        ("assign \\$48  = left - 1'h1;", "assign \\$48  = left + 1'h1;", "count of steps"),
        ("assign \\$30  = slot == 2'h3;", "assign \\$30  = 1'h0;", "follow each other"),
    ],
)
def test_a_sequencer_that_stops_is_refuted(small, find, replace, reason, tmp_path):
    outcome = deadlock.prove(with_fault(small, find, replace, tmp_path), Clock(100))
    assert outcome.status == "refuted"
    assert reason in outcome.reason


def test_a_run_that_ends_by_another_count_is_not_proven(small, tmp_path):
    design = with_fault(small, "\\$49  = ! left;", "\\$49  = left == 1'h1;", tmp_path)
    result = property_result("no-deadlock", SMALL, design, limit_s=100)
    assert result["status"] == "unknown"
    assert "more than whether steps are left decides" in result["reason"]


def test_a_limit_that_is_too_short_ends_as_unknown(small):
    result = property_result("pairs-once", SMALL, small, limit_s=1e-6)
    assert result["status"] == "unknown"
    assert "is over: 0 states of the sequencer" in result["reason"]
