"""Fit: the estimate against real cores, refusals in clear words, geometries that fit."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest

from drai_hw.boards.board_core import board_core
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.devices import DEVICES
from drai_hw.boards.fit import (
    Need,
    check_fit,
    choose,
    choose_geometry,
    estimate,
    largest_n,
    shortages,
    weight_plan,
)
from drai_hw.boards.memories import Mapped, blocks, mapped
from drai_hw.boards.packing import pack
from drai_hw.boards.stores import (
    describe_store,
    learning_clocks,
    plan_weights,
    single_port_plan,
    store_text,
)
from drai_hw.errors import FitError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.spram import SpramPlan
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.rtl.top import Top

LETTERS = Formats(n=35, lanes=8, pages=5)
SMALL = {"phase_bits": 4, "levels": 5}


def _compare(board_name: str, formats: Formats, folder: Path) -> None:
    board = load_board(board_name)
    need = estimate(formats, board)
    top = Top(board_core(formats, board), board.plan_clock().output_hz, board.uart.baud)
    packed = pack(top, board, folder)
    for resource in ("lut", "ff"):
        assert getattr(need, resource) == pytest.approx(packed[resource], rel=0.15), (packed, need)
    # A memory near break-even may go the other way.
    assert need.ebr == pytest.approx(packed["ebr"], abs=1)
    assert need.dsp == packed["dsp"]
    assert need.spram == packed.get("spram", 0)


def test_the_prediction_of_a_small_core_is_near_the_packed_one(tmp_path) -> None:
    _compare("icebreaker", Formats(n=7, lanes=4, pages=2), tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f", "tang-nano-9k"])
@pytest.mark.parametrize(
    "formats",
    [
        Formats(n=30, lanes=10, pages=3, weight_bits=6),
        Formats(n=77, lanes=6, pages=13, resonance=True, decay=True),
        Formats(n=100, lanes=10, pages=10, phase_bits=5, table_bits=5),
        Formats(n=200, lanes=8, pages=25, weight_bits=4),
    ],
)
def test_the_prediction_holds_for_cores_it_was_not_fitted_to(board, formats, tmp_path) -> None:
    _compare(board, formats, tmp_path)


def test_a_memory_goes_where_synthesis_puts_it() -> None:
    assert mapped("ecp5", 3, 120).rams == 30  # 16 x 4 each
    assert mapped("ecp5", 96, 16).blocks == 1
    assert mapped("gowin", 128, 1).rams == 8
    assert mapped("ice40", 4, 16).registers == 64
    assert mapped("ice40", 5, 64).blocks == 4
    assert mapped("ice40", 0, 64) == Mapped()


def test_weights_go_to_blocks_or_are_too_few_for_one() -> None:
    device = DEVICES["iCE40UP5K"]
    small = plan_weights(LETTERS, device)
    assert describe_store(small, "ice40") == {
        "kind": "ebr",
        "blocks": 3,
        "banks": 1,
        "shapes": [[256, 16]],
    }
    tiny = plan_weights(Formats(n=2, lanes=2, pages=1), device)
    assert store_text(tiny, "ice40") == "logic: 1 x 10 bit are too few for a block"


def test_a_choice_says_what_and_why_and_what_it_will_cost() -> None:
    board = load_board("ulx3s-85f")
    choice = choose(LETTERS, board).to_json(board.family)
    assert (choice["lanes"], choice["pages"]) == (12, 3)
    assert choice["store"]["kind"] == "ebr"
    assert re.match(
        r"fewest clocks per step of the \d+ geometries that fit, with at most 16 lanes .*: "
        r"\d+ clocks; weights in 2 EBR of 512 x 36 bit$",
        choice["reason"],
    )
    assert set(choice["predicted"]) >= {"lut", "ff", "ebr", "dsp", "fmax_hz"}
    fixed = choose(replace(LETTERS, lanes=6, pages=6), board, fixed=True)
    assert (fixed.formats.lanes, fixed.formats.pages) == (6, 6)
    assert fixed.reason.startswith("lanes and pages as the network file gives them")


def test_a_clock_that_will_not_be_met_is_foretold() -> None:
    board = load_board("icebreaker,clock.pll_hz=60e6")
    assert "board's clock of 60 MHz is faster than the" in choose(LETTERS, board).reason


def test_memory_blocks_follow_the_shapes_of_the_device() -> None:
    assert blocks("ecp5", 512, 36) == 1
    assert blocks("ecp5", 513, 36) == 2
    assert blocks("ecp5", 16384, 1) == 1
    assert blocks("ice40", 256, 16) == 1
    assert blocks("ice40", 2500, 40) == 25  # 5 x 5 blocks of 512 x 8
    assert blocks("ice40", 0, 40) == 0


def test_the_letters_fit_both_boards() -> None:
    for name in ("ulx3s-85f", "icebreaker"):
        need = check_fit(LETTERS, load_board(name))
        assert need.weight_bits == 100 * 8 * 5


def test_a_network_too_large_is_refused_with_need_supply_and_remedy() -> None:
    formats = Formats(n=800, lanes=8, pages=100)
    with pytest.raises(FitError) as refusal:
        check_fit(formats, load_board("icebreaker"))
    text = str(refusal.value)
    assert re.search(r"^800 oscillators with 5-bit weights on 8 lanes x 100 pages do not fit", text)
    assert re.search(r"icebreaker \(iCE40UP5K\): needed \(predicted\) \d+ EBR of 30", text)
    assert re.search(r"weights alone take 1600000 bit, .* has 122880 bit in EBR and 1048576", text)
    assert "known boards that would do: ulx3s-85f" in text
    most = int(re.search(r"Largest network of these formats here: (\d+) oscillators", text)[1])
    assert most == largest_n(formats, load_board("icebreaker"))


def test_a_network_no_board_holds_is_refused_as_such() -> None:
    formats = Formats(n=4000, lanes=64, pages=63)
    with pytest.raises(FitError, match="no known board holds it"):
        check_fit(formats, load_board("ulx3s-85f"))


def test_logic_registers_and_multipliers_are_named_when_short() -> None:
    board = load_board("icebreaker")
    need = Need(lut=5200, ff=6000, ebr=30, dsp=9, weight_bits=1, weight_ebr=1)
    assert shortages(need, board) == [
        "5200 LUT of 5280 (96% of them can be routed)",
        "6000 FF of 5280",
        "9 DSP of 8",
    ]
    assert shortages(replace(need, lut=5000, ff=5000, dsp=8), board) == []


@pytest.mark.parametrize("name", ["ulx3s-85f", "ulx3s-25f", "icebreaker"])
def test_the_largest_network_fits_and_the_next_does_not(name: str) -> None:
    board = load_board(name)
    most = largest_n(LETTERS, board)
    lanes, pages = choose_geometry(most, board)
    check_fit(replace(LETTERS, n=most, lanes=lanes, pages=pages), board)
    with pytest.raises(FitError, match=rf"Largest network of these formats here: {most} osc"):
        choose_geometry(most + 1, board)


@pytest.mark.parametrize("name", ["ulx3s-85f", "icebreaker"])
@pytest.mark.parametrize("n", [2, 3, 7, 35, 64, 77])
def test_a_chosen_geometry_is_even_covers_the_network_and_fits(name: str, n: int) -> None:
    board = load_board(name)
    lanes, pages = choose_geometry(n, board)
    assert lanes % 2 == 0
    assert lanes * pages >= n
    assert lanes * (pages - 1) < n
    assert not shortages(estimate(Formats(n=n, lanes=lanes, pages=pages), board), board)


def test_no_fitting_geometry_within_the_bounds_is_faster_than_the_chosen_one() -> None:
    board = load_board("ulx3s-85f")
    lanes, pages = choose_geometry(35, board)
    chosen = clocks_per_step(Formats(n=35, lanes=lanes, pages=pages))
    for other in range(2, 17, 2):
        formats = Formats(n=35, lanes=other, pages=-(-35 // other))
        if (formats.slots - 35) * 8 <= formats.slots:
            assert clocks_per_step(formats) >= chosen


def test_lanes_given_by_the_user_are_kept() -> None:
    assert choose_geometry(35, load_board("ulx3s-85f"), lanes=8) == (8, 5)
    with pytest.raises(FitError, match="on 36 lanes x 1 pages do not fit icebreaker"):
        choose_geometry(35, load_board("icebreaker"), lanes=36)


@pytest.mark.parametrize(
    ("features", "lut", "ff"),
    [
        ({"edge": True}, 182, 91),
        ({"budget": True}, 666, 609),
        ({"centring": True}, 486, 351),
        ({"edge": True, "mask": True, "budget": True, "centring": True, "decay": True}, 1534, 1088),
    ],
)
def test_the_estimate_of_a_feature_covers_what_synthesis_added(features, lut, ff) -> None:
    """Against `synth_ecp5` of cores of 48 oscillators on 8 lanes, with multipliers."""
    board = load_board("ulx3s-85f")
    plain, full = (
        estimate(Formats(n=48, lanes=8, pages=6, **more), board) for more in ({}, features)
    )
    assert lut <= full.lut - plain.lut <= 2.1 * lut
    assert ff <= full.ff - plain.ff <= 1.5 * ff


def test_weights_go_to_single_port_memory_when_block_memory_is_short() -> None:
    board = load_board("icebreaker")
    small = Formats(n=512, lanes=8, pages=64, phase_bits=4, levels=5)
    need, plan = check_fit(small, board), weight_plan(small, board)
    assert (need.spram, need.weight_ebr) == (3, 0)
    assert plan == SpramPlan(16384, 40)
    assert describe_store(plan, "ice40")["kind"] == "spram"
    assert learning_clocks(small, plan) == clocks_per_step(small, learn=True, slot_clocks=2)
    letters = replace(LETTERS, lanes=8, pages=5)
    assert check_fit(letters, board).spram == 0
    assert weight_plan(letters, board) is None
    # Two banks of two columns; a third column would be two blocks too many.
    wide = Formats(n=720, lanes=8, pages=90, weight_bits=4)
    assert single_port_plan(wide, board.device).blocks == 4
    assert single_port_plan(replace(wide, weight_bits=5), board.device) is None
    assert single_port_plan(small, load_board("ulx3s-85f").device) is None
