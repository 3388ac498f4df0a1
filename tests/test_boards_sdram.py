"""Boards with an SDRAM: weights that find no room on the chip go there, if the board says so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from drai_hw import catalog
from drai_hw.boards.board_core import board_core
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.fit import check_fit, choose, external_plan, weight_plan
from drai_hw.boards.record import formats_for, record, with_settings
from drai_hw.boards.speed import records
from drai_hw.boards.stores import describe_store, store_text
from drai_hw.boards.wrapper import make_platform
from drai_hw.errors import FitError, SpecError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.stores import step_clocks
from drai_hw.rtl.top import Top
from tests.test_boards_report import RESULT

LARGE = Formats(n=2048, lanes=24, pages=86)
BOARD = "ulx3s-85f,sdram.resource=sdram,clock.pll_hz=50e6"


def test_weights_go_into_sdram_only_where_the_board_says_so_and_the_chip_is_too_small() -> None:
    with pytest.raises(FitError, match="do not fit ulx3s-85f"):
        check_fit(LARGE, load_board("ulx3s-85f"))
    board = load_board(BOARD)
    plan = weight_plan(LARGE, board)
    assert isinstance(plan, SdramPlan)
    assert (plan.depth, plan.width, plan.beats, plan.clock_hz) == (88752, 120, 8, 50e6)
    assert plan.resource == "sdram"
    assert describe_store(plan, "ecp5")["kind"] == "sdram"
    assert store_text(plan, "ecp5") == "SDRAM: 88752 words of 8 x 16 bit"
    need = check_fit(LARGE, board)
    assert (need.weight_ebr, need.spram) == (8, 0)
    small = Formats(n=35, lanes=8, pages=5)
    assert isinstance(weight_plan(small, board), StorePlan)


def test_the_plan_counts_in_the_clock_that_the_network_asks_for() -> None:
    board = load_board(BOARD)
    plan = external_plan(LARGE, board, 40e6)
    assert plan is not None
    assert plan.clock_hz == 40e6
    store = board_core(LARGE, board, 40e6).weights
    assert store.plan.clock_hz == 40e6


def test_the_network_file_chooses_it_by_its_board() -> None:
    spec, _ = catalog.find("memory")
    wanted = {"network.oscillators": "2048", "board.name": BOARD}
    spec = with_settings(spec, wanted)
    board = load_board(spec.board.name)
    formats = formats_for(spec, board)
    assert formats.lanes * formats.pages >= 2048
    choice = choose(formats, board)
    assert isinstance(choice.plan, SdramPlan)
    clocks = step_clocks(choice.formats, choice.plan)
    assert f"at most {clocks} clocks; weights in SDRAM: " in choice.reason


@pytest.mark.parametrize("board", ["icebreaker", "tang-nano-9k"])
def test_a_board_without_sdram_is_refused(board: str) -> None:
    lacking = load_board(f"{board},sdram.resource=sdram")
    with pytest.raises(SpecError, match=f"{board}.*has no resource 'sdram' for sdram.resource"):
        choose(Formats(n=35, lanes=8, pages=5), lacking)


def test_more_than_the_chip_holds_is_refused() -> None:
    board = load_board(BOARD)
    assert external_plan(Formats(n=16384, lanes=64, pages=256), board) is None


def test_a_record_says_where_the_weights_are_and_what_that_takes_at_most(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "drai_hw.boards.record.build_network", lambda *_, **__: replace(RESULT, clock_hz=50e6)
    )
    found = load_board("ulx3s-85f,sdram.resource=sdram")
    row = record("memory-2048", replace(found, folder=tmp_path), tmp_path / "out")
    plan = weight_plan(LARGE, found, 50e6)
    assert row["sdram"] == {"words": 88752, "beats": 8, "burst_words": 16}
    plain, learning = (step_clocks(LARGE, plan, learn=learn) for learn in (False, True))
    assert 15e-3 < plain / 50e6 < 17.5e-3
    assert 30e-3 < learning / 50e6 < 33e-3
    assert row["clocks_per_learning_step"] == learning
    assert row["steps_per_s"] == round(50e6 / plain, 1)
    assert row["pair_updates_per_s"] == round(50e6 / learning * (2048 * 2047 // 2))
    assert row["presentation_clocks"] > learning + plain
    # Weights on the chip are no SDRAM's, on the same board; and the models take those alone.
    row = record("letters", replace(found, folder=tmp_path), tmp_path / "out")
    assert "sdram" not in row
    monkeypatch.setattr("drai_hw.boards.boardfile.known_boards", lambda: {"ulx3s-85f": tmp_path})
    assert [kept["design"] for kept in records()] == ["letters"]


@pytest.mark.filterwarnings("ignore::amaranth.hdl.UnusedElaboratable")
def test_the_pins_carry_registers_and_an_inverted_clock() -> None:
    from drai_hw.boards.build import plan_build

    board = load_board(BOARD)
    formats = Formats(n=8, lanes=4, pages=2)
    from drai_hw.rtl.core import Core

    plan = SdramPlan(formats.pair_slots, formats.lanes * formats.weight_bits, 50e6)
    top = Top(Core(formats, product="mul", store=plan), 50e6, 115200)
    files = plan_build(top, board, board.plan_clock(), "top").files
    text = files["top.il"]
    text = text.decode() if isinstance(text, bytes) else text
    assert "sdram_model" not in text
    # Commands 3, enable and select 2, masks 2, bank 2, address 13: each in a pin's register.
    assert text.count("cell \\OFS1P3DX ") >= 22
    assert text.count("cell \\ODDRX1F ") == 1
    pins = files["top.lpf"]
    pins = pins.decode() if isinstance(pins, bytes) else pins
    assert pins.count("sdram_0__dq") >= 16
    assert make_platform(board).lookup("sdram", 0).name == "sdram"
