import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from drai_hw.errors import SpecError
from drai_hw.report.stats import Rate


@pytest.mark.parametrize("hits", [0, 1, 5, 27, 30])
def test_the_interval_equals_scipys_wilson_interval(hits):
    expected = stats.binomtest(hits, 30).proportion_ci(0.95, method="wilson")
    rate = Rate(hits, 30)
    assert (rate.low, rate.high) == pytest.approx((expected.low, expected.high), abs=1e-5)


def test_ends_of_the_interval_solve_the_score_equation():
    rate = Rate(7, 20)
    for end in (rate.low, rate.high):
        assert abs(7 / 20 - end) == pytest.approx(1.96 * math.sqrt(end * (1 - end) / 20))


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_interval_holds_the_share_and_stays_within_0_and_1(case):
    rate = Rate(*case)
    assert 0 <= rate.low <= rate.value <= rate.high <= 1
    assert rate.high > rate.low


def test_all_hits_still_leave_room_for_failures():
    rate = Rate(100, 100)
    assert rate.high == 1.0
    assert rate.low == pytest.approx(0.963, abs=1e-4)


def test_rates_agree_while_their_intervals_overlap():
    assert Rate(20, 20).overlaps(Rate(2, 3))
    assert not Rate(20, 20).overlaps(Rate(0, 3))
    assert not Rate(0, 3).overlaps(Rate(20, 20))


def test_a_rate_prints_with_its_interval_and_counts():
    assert str(Rate(18, 20)) == "0.900 [0.699, 0.972] (18/20)"


@pytest.mark.parametrize(("hits", "trials"), [(0, 0), (3, 2), (-1, 5)])
def test_impossible_counts_are_refused(hits, trials):
    with pytest.raises(SpecError, match=f"{hits} hits of {trials} trials: a rate needs"):
        Rate(hits, trials)
