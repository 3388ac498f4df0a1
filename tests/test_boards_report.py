"""The record of builds: rows in the agreed form, replaced whole, ordered, checked when read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drai_hw.boards.boardfile import known_boards
from drai_hw.boards.build import BoardResult
from drai_hw.boards.nextpnr import Use
from drai_hw.boards.report import features, read_rows, report_row, write_row
from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats

LETTERS = Formats(n=35, lanes=8, pages=5)
RESULT = BoardResult(
    bitstream=Path("somewhere/top.bin"),
    board="icebreaker",
    device="iCE40UP5K",
    use={
        "lut": Use(4000, 5280),
        "ff": Use(2000, 5280),
        "ebr": Use(20, 30),
        "spram": Use(0, 4),
        "dsp": Use(3, 8),
    },
    memory_bits_used=11136,
    fmax_hz=20e6,
    fmax_by_seed_hz={1: 20e6, 2: 21e6},
    clock_hz=12e6,
    timing_met=True,
    clocks_per_step=245,
    steps_per_s=12e6 / 245,
    pnr_seeds=(1, 2),
    critical_path=("from a", "to b"),
    tools={"yosys": "0.70"},
    seconds=12.5,
)
AGREED = "design n formats features device lut ff ebr spram dsp fmax_hz clock_hz clocks_per_step"


def test_a_row_has_the_agreed_keys_and_no_run_dependent_ones() -> None:
    row = report_row("letters", LETTERS, RESULT)
    assert set(AGREED.split()) | {"pnr_seeds", "tools", "memory_bits_used"} <= set(row)
    assert not {"seconds", "bitstream"} & set(row)
    assert row["lut"] == {"used": 4000, "available": 5280}
    assert row["formats"]["lanes"] == 8
    assert row["n"] == 35
    assert json.loads(json.dumps(row)) == row


def test_features_name_what_is_compiled_in() -> None:
    assert features(LETTERS) == ["couple", "field", "learn", "margin"]
    more = Formats(n=35, lanes=8, pages=5, resonance=True, decay=True)
    assert {"resonance", "decay"} <= set(features(more))


def test_rows_are_replaced_by_design_and_kept_in_order(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    letters = report_row("letters", LETTERS, RESULT)
    pair = report_row("pair", Formats(n=2, lanes=2, pages=1), RESULT)
    write_row(file, letters)
    write_row(file, pair)
    first = file.read_bytes()
    rows = write_row(file, letters | {"fmax_hz": 21e6})
    assert [row["design"] for row in rows] == ["pair", "letters"]
    assert read_rows(file)[1]["fmax_hz"] == 21e6
    write_row(file, letters)
    assert file.read_bytes() == first
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.json"]


def test_an_absent_report_has_no_rows(tmp_path: Path) -> None:
    assert read_rows(tmp_path / "report.json") == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[", "cannot be read as JSON"),
        ("{}", "a list of rows is needed"),
        ('[{"design": "letters"}]', "row 'letters' lacks n, formats,"),
    ],
)
def test_a_damaged_report_is_refused(text: str, message: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    file.write_text(text)
    with pytest.raises(SpecError, match=message):
        read_rows(file)


def test_the_committed_reports_can_be_read_and_name_their_boards_device() -> None:
    from drai_hw.boards.boardfile import load_board

    for name, folder in known_boards().items():
        for row in read_rows(folder / "report.json"):
            assert row["device"] == load_board(name).device.name
            assert row["fmax_hz"] >= row["clock_hz"]
