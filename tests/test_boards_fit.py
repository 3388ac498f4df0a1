"""Fit: the estimate against real cores, refusals in clear words, geometries that fit."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from drai_hw.boards.boardfile import load_board
from drai_hw.boards.build import _plan
from drai_hw.boards.fit import (
    Need,
    check_fit,
    choose_geometry,
    estimate,
    largest_n,
    shortages,
)
from drai_hw.boards.memories import blocks
from drai_hw.boards.toolchain import find_tools
from drai_hw.errors import FitError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.rtl.top import Top

LETTERS = Formats(n=35, lanes=8, pages=5)
SMALL = {"phase_bits": 4, "levels": 5}


def _packed(board_name: str, formats: Formats, folder: Path) -> dict[str, int]:
    """Synthesise and pack a core with its bridge; return what nextpnr counts."""
    board = load_board(board_name)
    clock = board.plan_clock()
    top = Top(Core(formats, product=board.options.product), clock.output_hz, board.uart.baud)
    plan = _plan(top, board, clock, "top")
    plan.extract(str(folder))
    tools = find_tools(board.family)
    synthesis, place, _ = json.loads(plan.files["build_top.json"])["commands"]
    subprocess.run(
        [*tools["yosys"].command, *synthesis[1:]], cwd=folder, check=True, stdout=subprocess.DEVNULL
    )
    words = [word for word in place[1:] if word != "--quiet"]
    # A core too large for the device ends with an error, after the counts.
    said = subprocess.run(
        [*tools[place[0]].command, *words, "--pack-only"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.findall(r"Info:\s+(\w+):\s+(\d+)/", said.stdout + said.stderr)
    counts = {name: int(count) for name, count in found}
    names = {
        "ecp5": {"lut": "TRELLIS_COMB", "ebr": "DP16KD", "dsp": "MULT18X18D"},
        "ice40": {"lut": "ICESTORM_LC", "ebr": "ICESTORM_RAM", "dsp": "ICESTORM_DSP"},
    }[board.family]
    return {resource: counts[name] for resource, name in names.items()}


def _compare(board_name: str, formats: Formats, folder: Path) -> None:
    need = estimate(formats, load_board(board_name))
    packed = _packed(board_name, formats, folder)
    assert packed["lut"] <= need.lut <= 1.35 * packed["lut"], (packed, need)
    assert packed["ebr"] <= need.ebr <= packed["ebr"] + 3, (packed, need)
    assert packed["dsp"] <= need.dsp <= packed["dsp"] + 1, (packed, need)


@pytest.mark.parametrize(
    ("board", "formats"),
    [
        ("icebreaker", Formats(n=7, lanes=4, pages=2, **SMALL)),
        ("ulx3s-85f", Formats(n=7, lanes=4, pages=2)),
    ],
)
def test_the_estimate_is_a_close_upper_bound_for_a_packed_core(board, formats, tmp_path) -> None:
    _compare(board, formats, tmp_path)


@pytest.mark.full
@pytest.mark.parametrize("board", ["icebreaker", "ulx3s-85f"])
@pytest.mark.parametrize(
    "formats",
    [
        LETTERS,
        replace(LETTERS, **SMALL),
        replace(LETTERS, resonance=True),
        replace(LETTERS, decay=True),
        replace(LETTERS, weight_bits=8),
        replace(LETTERS, phase_bits=8, table_bits=8),
        Formats(n=64, lanes=16, pages=4),
        Formats(n=200, lanes=8, pages=25),
    ],
)
def test_the_estimate_is_a_close_upper_bound_over_formats(board, formats, tmp_path) -> None:
    _compare(board, formats, tmp_path)


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
    formats = Formats(n=200, lanes=8, pages=25)
    with pytest.raises(FitError) as refusal:
        check_fit(formats, load_board("icebreaker"))
    text = str(refusal.value)
    assert re.search(r"^200 oscillators with 5-bit weights on 8 lanes x 25 pages do not fit", text)
    assert re.search(r"icebreaker \(iCE40UP5K\): needed \(estimate\) \d+ EBR of 30", text)
    assert "weights alone take 100000 bit in 25 EBR of 4096 bit" in text
    assert "known boards that would do: tang-nano-9k, ulx3s-25f, ulx3s-85f" in text
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
