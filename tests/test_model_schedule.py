"""The half-ring visits every unordered pair exactly once."""

import pytest

from drai_hw.model.schedule import schedule


@pytest.mark.parametrize(
    ("lanes", "pages"), [(2, 1), (2, 3), (4, 1), (4, 2), (8, 5), (8, 8), (12, 3), (64, 2)]
)
def test_every_unordered_pair_is_visited_once(lanes, pages):
    s = schedule(lanes, pages)
    pairs = [
        frozenset(pair) for pair in zip(s.i[s.used].tolist(), s.j[s.used].tolist(), strict=True)
    ]
    slots = lanes * pages
    assert len(pairs) == len(set(pairs)) == slots * (slots - 1) // 2
    assert all(len(pair) == 2 for pair in pairs)


@pytest.mark.parametrize(("lanes", "pages"), [(2, 1), (4, 2), (8, 5)])
def test_number_of_slots_is_the_depth_of_the_weight_memory(lanes, pages):
    assert schedule(lanes, pages).i.shape == (lanes * pages * pages // 2, lanes)


def test_only_the_last_diagonal_slot_idles_half_the_lanes():
    s = schedule(4, 2)
    idle = (~s.used).sum(axis=1)
    assert sorted(idle.tolist())[-2:] == [2, 2]
    assert idle.sum() == 4
