"""The record of builds: rows in the agreed form, replaced whole, ordered, checked when read."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from drai_hw import catalog
from drai_hw.boards.boardfile import known_boards, load_board
from drai_hw.boards.build import BoardResult
from drai_hw.boards.fit import check_fit, weight_plan
from drai_hw.boards.nextpnr import Use
from drai_hw.boards.record import formats_for, main, record
from drai_hw.boards.report import features, read_rows, report_row, write_row
from drai_hw.errors import FitError, SpecError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.sdram_plan import SdramPlan

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


def test_a_row_says_what_the_core_does_in_a_second_at_its_clock() -> None:
    formats = Formats(n=1024, lanes=64, pages=16)
    row = report_row("memory-1024", formats, replace(RESULT, clock_hz=80e6))
    # 120 blocks of 65 clocks, 16 rows of 142, 7 to drain, one between steps; refresh 1,208 more.
    step = 120 * 65 + 16 * 142 + 7 + 1
    assert row["steps_per_s"] == round(80e6 / step, 1)
    assert row["pair_updates_per_s"] == round(80e6 / step * 1024 * 1023 / 2)
    assert row["presentation_clocks"] == 2 * (step - 1) + 1 + 16 * 75 + 7 + 1
    assert row["presentation_s"] == pytest.approx(row["presentation_clocks"] / 80e6, rel=1e-3)


def test_the_named_sizes_fit_their_boards() -> None:
    for name, n, clock_hz in (
        ("memory-2048", 2048, 50e6), ("memory-1024", 1024, 80e6), ("memory-512", 512, 80e6),
    ):  # fmt: skip
        spec, _ = catalog.find(name)
        board = load_board(spec.board.name)
        formats = formats_for(spec, board)
        need = check_fit(formats, board)
        assert formats.n == n
        store = weight_plan(formats, board, clock_hz)
        if isinstance(store, SdramPlan):  # two queues of half a kilobyte and more, no weights
            assert 0 < need.weight_ebr < 10
        else:
            assert need.weight_ebr == store.blocks
        assert board.plan_clock(spec.board.clock_hz).output_hz == clock_hz


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


@pytest.mark.full
@pytest.mark.parametrize("name", ["icebreaker", "ulx3s-85f"])
@pytest.mark.parametrize("design", ["pair", "letters"])
def test_the_committed_row_comes_out_again(name: str, design: str, tmp_path: Path) -> None:
    board = load_board(name)
    assert board.folder is not None
    (committed,) = (r for r in read_rows(board.folder / "report.json") if r["design"] == design)
    elsewhere = replace(board, folder=tmp_path)
    seeds = tuple(committed["pnr_seeds"])
    assert record(design, elsewhere, tmp_path / "out", pnr_seeds=seeds) == committed


def test_a_board_without_a_folder_cannot_keep_a_record(tmp_path: Path) -> None:
    board = replace(load_board("icebreaker"), folder=None)
    with pytest.raises(SpecError, match="has no folder for a report"):
        record("pair", board, tmp_path)


def test_a_network_that_does_not_fit_is_refused_before_it_is_built(tmp_path: Path) -> None:
    network = tmp_path / "network.toml"
    text, changed = re.subn(r"oscillators = \d+", "oscillators = 900", catalog.text("memory"))
    assert changed == 1
    network.write_text(text)
    elsewhere = replace(load_board("icebreaker"), folder=tmp_path)
    with pytest.raises(FitError, match=r"900 oscillators .* do not fit icebreaker"):
        record(str(network), elsewhere, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_row_of_another_size_is_named_by_it_and_says_how_to_make_it(tmp_path, monkeypatch):
    seen: dict = {}

    def fake(formats, board, outdir, **options):
        seen["n"], seen["lanes"] = formats.n, formats.lanes
        return RESULT

    monkeypatch.setattr("drai_hw.boards.record.build_network", fake)
    board = replace(load_board("icebreaker"), folder=tmp_path)
    settings = {"network.oscillators": "20", "board.lanes": "4"}
    row = record("memory", board, tmp_path / "out", settings=settings)
    assert seen == {"n": 20, "lanes": 4}
    assert row["design"] == "memory-20"
    assert row["network"] == {"design": "memory", **settings}
    assert read_rows(tmp_path / "report.json") == [row]
    with pytest.raises(SpecError, match=r"setting 'oscillators': SECTION\.KEY=VALUE is needed"):
        record("memory", board, tmp_path / "out", settings={"oscillators": "20"})
    with pytest.raises(SpecError, match=r"network\.oscilators"):
        record("memory", board, tmp_path / "out", settings={"network.oscilators": "20"})


def test_a_mistake_on_the_command_line_of_the_record_ends_with_status_2(capsys) -> None:
    assert main(["pair", "--board", "icebraker"]) == 2
    assert "did you mean 'icebreaker'" in capsys.readouterr().err


def test_the_committed_reports_can_be_read_and_name_their_boards_device() -> None:
    for name, folder in known_boards().items():
        for row in read_rows(folder / "report.json"):
            assert row["device"] == load_board(name).device.name
            assert row["fmax_hz"] >= row["clock_hz"]
