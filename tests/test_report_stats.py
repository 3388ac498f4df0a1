import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from drai_hw.errors import SpecError
from drai_hw.report.stats import Rate, wilson


@pytest.mark.parametrize("hits", [0, 1, 5, 27, 30])
def test_the_interval_equals_scipys_wilson_interval(hits):
    expected = stats.binomtest(hits, 30).proportion_ci(0.95, method="wilson")
    assert wilson(hits, 30) == pytest.approx((expected.low, expected.high), abs=1e-12)


def test_ends_of_the_interval_solve_the_score_equation():
    for end in wilson(7, 20):
        assert abs(7 / 20 - end) == pytest.approx(1.959963985 * math.sqrt(end * (1 - end) / 20))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(case):
    hits, trials = case
    low, high = wilson(hits, trials)
    assert 0 <= low <= hits / trials <= high <= 1
    assert high > low


def test_all_hits_still_leave_room_for_failures():
    rate = Rate(100, 100)
    assert rate.high == 1.0
    assert rate.low == pytest.approx(0.96301, abs=1e-5)


def test_a_rate_prints_with_its_interval_and_counts():
    assert str(Rate(18, 20)) == "0.900 [0.699, 0.972] (18/20)"


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(hits, trials):
    with pytest.raises(SpecError, match=f"{hits} hits of {trials} trials: a rate needs"):
        Rate(hits, trials)
