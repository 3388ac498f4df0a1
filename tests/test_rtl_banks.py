"""Plans that cut a memory into blocks: whole, without overlap, and as small as they say."""

from __future__ import annotations

import itertools

import pytest

from drai_hw.boards.families import FAMILIES
from drai_hw.boards.memories import blocks
from drai_hw.rtl.banks import MOST_BANKS, StorePlan, plain_store, plan_store

ECP5 = FAMILIES["ecp5"].shapes


def _covers(plan: StorePlan) -> None:
    first = 0
    for bank in plan.banks:
        assert bank.first == first
        # The select compares the upper address bits only.
        assert bank.first % (1 << (bank.words - 1).bit_length()) == 0
        assert sum(bank.slices) == plan.width
        first += bank.words
    assert first == plan.depth


@pytest.mark.parametrize("limit", [None, 10, 208])
@pytest.mark.parametrize("width", [1, 20, 36, 320, 448])
@pytest.mark.parametrize("depth", [1, 100, 512, 513, 2304, 8192, 6912, 12289, 40000])
def test_every_word_and_bit_has_its_place(depth: int, width: int, limit: int | None) -> None:
    plan = plan_store(depth, width, ECP5, limit)
    _covers(plan)
    for bank in plan.banks:
        assert any(
            bank.words <= tile_depth and max(bank.slices) <= tile_width
            for tile_depth, tile_width in ECP5
        )


def test_banks_are_few_while_blocks_suffice_and_more_when_they_run_short() -> None:
    # 1,024 oscillators on 64 lanes, 5 bits: 8192 words of 320 bits.
    roomy = plan_store(8192, 320, ECP5, 208)
    assert (len(roomy.banks), roomy.blocks) == (1, 160)
    tight = plan_store(8192, 320, ECP5, 150)
    assert (len(tight.banks), tight.blocks) == (4, 144)
    assert plan_store(8192, 320, ECP5, 10).blocks == 144  # too small: the smallest there is


def test_no_plan_is_smaller_by_search_over_all_banks_of_a_short_memory() -> None:
    shapes = ((8, 9), (16, 4), (32, 2))
    for depth, width in itertools.product((5, 16, 24, 40, 50), (3, 9, 13)):
        best = min(
            sum(-(-width // shape[1]) for shape in banks)
            for count in range(1, 8)
            for banks in itertools.combinations_with_replacement(shapes, count)
            if sum(shape[0] for shape in banks) >= depth
        )
        assert plan_store(depth, width, shapes, 0).blocks == best


def test_mixed_banks_take_no_more_blocks_than_one_shape_throughout() -> None:
    for depth, width in itertools.product((64, 600, 6912, 8192), (40, 320, 480)):
        assert plan_store(depth, width, ECP5, 0).blocks <= blocks("ecp5", depth, width)


def test_memories_deeper_than_the_most_banks_are_still_cut() -> None:
    plan = plan_store(MOST_BANKS * 16 + 1, 3, ((16, 2),))
    _covers(plan)
    assert len(plan.banks) == MOST_BANKS + 1


def test_a_plain_plan_is_one_piece_and_nothing_is_refused_without_words() -> None:
    assert plain_store(100, 40).banks[0].slices == (40,)
    with pytest.raises(ValueError, match="depth = 0, width = 40: both must be at least 1"):
        plan_store(0, 40, ECP5)
