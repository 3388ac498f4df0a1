"""Rows of event-driven learning: their break-even shares come from the times beside them."""

import pytest

from drai_hw.bench import events, timing
from drai_hw.model.events_choice import break_even


@pytest.fixture(autouse=True)
def _short_rounds(monkeypatch):
    monkeypatch.setattr(timing, "ROUND_S", 0.0)


@pytest.mark.parametrize(
    ("times", "level", "share"),
    [
        ([1, 2, 3], 1.5, 0.05),
        ([1, 2, 4], 3, 0.3),
        ([1, 2, 4], 1, 0.0),
        ([1, 2, 4], 0.5, 0.0),
        ([1, 2, 3], 4, 0.9),
        ([1, 2, 3], 9, 1.0),
        ([1, 3, 2], 5, 1.0),
    ],
)
def test_the_crossing_is_found_between_and_beyond_the_measured_shares(times, level, share):
    assert events.crossing((0.0, 0.1, 0.5), times, level) == pytest.approx(share)


def test_every_way_is_compared_and_the_crossing_agrees_with_the_rows():
    rows = list(events.rows(24, 1))
    times = [row for row in rows if row.unit == events.UNIT]
    # two types, with and without decay, three shares: 3 dense ways compiled, 1 in NumPy
    assert len(times) == 2 * 2 * 3 * (3 + 1)
    assert all(row.ratio == pytest.approx(row.theirs / row.ours) for row in times)
    shares = [row for row in rows if row.unit != events.UNIT]
    assert len(shares) == 2 * 2 * (3 + 1)
    for row in shares:
        assert 0 <= row.ours <= 1
        assert row.reason == ("" if row.ours else "events never pay here")
        plain, decay = "NumPy" in row.task, "decay" in row.task
        assert row.theirs == break_even(24, row.precision, decay=decay, compiled=not plain)
    assert {row.against.split(" (")[0] for row in times} == {
        "dense pass of the same rule",
        "fused.learn_step, all pairs and their sums",
        "packed.learn_step, all pairs and their sums",
    }


def test_the_learners_have_about_the_share_they_are_named_for():
    for share in (0.0, 0.05, 0.2):
        work = events._learner(400, "float64", 0.0, share, "events", False)
        assert work().share == pytest.approx(share, abs=0.02 * share + 1e-6)


def test_without_numba_the_rows_say_so(monkeypatch):
    def missing(name):
        raise events.ToolError("compiled loops need the package numba")

    monkeypatch.setattr("drai_hw.model.events.kernels", missing)
    rows = [row for row in events.rows(16, 1) if row.reason.startswith("compiled loops")]
    assert len(rows) == 4
    assert all(row.ours is None for row in rows)
