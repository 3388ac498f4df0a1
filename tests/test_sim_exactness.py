"""Twin against RTL at size: a wrong core is told by its pair, and nothing done is lost."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from drai_hw.boards.families import FAMILIES
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.sim import exactness
from drai_hw.sim.exactness import SIZES, STORES, Case, Found, Part, cases
from drai_hw.sim.exactness import __main__ as command
from drai_hw.sim.exactness.page import line, page, rows_of

# The page's own shape, with 4 lanes so that it is compiled in seconds.
QUICK = Case(
    store="banks", formats=Formats(n=128, lanes=4, pages=32, decay=True, resonance=True),
    steps=40, parts=3, shapes=((512, 8),), limit=0,
)  # fmt: skip


def test_blocks_are_those_of_the_devices() -> None:
    assert FAMILIES["ecp5"].shapes == exactness.ECP5
    assert FAMILIES["ice40"].shapes == exactness.ICE40


def test_there_is_a_case_for_every_size_and_store_with_updates_enough() -> None:
    assert {(case.formats.n, case.store) for case in cases()} == {
        (n, store) for n in SIZES for store in STORES if n < 2048 or store == "sdram"
    }
    pairs = sum(c.steps * c.parts * c.formats.n * (c.formats.n - 1) // 2 for c in cases())
    assert pairs * 0.95 >= 10**9
    assert sum(case.store == "banks" and "1 bank" in case.memory for case in cases()) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("exactness")


def run(folder: Path, *words: str) -> int:
    return command.main(["--folder", str(folder), "-o", str(folder / "page.md"), *words])


def test_a_comparison_that_differs_by_less_than_a_step_is_told_by_step_and_pair(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Lane 2 alone compares |d| < u where all others compare |d| <= u: only learning differs."""
    real = emit.rtlil

    def mutated(*words: Any, **named: Any) -> str:
        whole = real(*words, **named)
        start = whole.index("module \\drai_core.lane_2.synapse")
        return whole[:start] + whole[start:].replace("cell $le ", "cell $lt ", 1)

    monkeypatch.setattr(emit, "rtlil", mutated)
    monkeypatch.setattr(command, "cases", lambda: [QUICK])
    assert run(folder, "--json") == 1
    told = capsys.readouterr()
    row = json.loads(told.out)["rows"][0]
    first = row["first_mismatch"]
    assert row["mismatches"] > 0
    assert first["what"] == "weight"
    assert first["step"] == row["steps"] <= QUICK.steps
    i, j = first["index"]
    assert i % 4 == 2
    assert 0 <= j < 128
    assert f"'index': [{i}, {j}]" in told.err
    assert not (folder / "page.md").exists()


def test_an_interrupted_run_goes_on_where_it_was(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    done: list[int | str] = []

    def counted(case: Case, part: int, *others: Any) -> Part:
        if done == [0, 1]:
            done.append("interrupted")
            raise KeyboardInterrupt
        done.append(part)
        return Part(
            steps=40, pair_updates=9, changed=1, mismatches=0, seconds=1.0, first_mismatch=None,
            digest=f"part {part}",
        )  # fmt: skip

    tiny = dataclasses.replace(
        QUICK, store="spram", formats=Formats(n=11, lanes=4, pages=3, phase_bits=4, levels=5)
    )
    monkeypatch.setattr(exactness, "run_part", counted)
    monkeypatch.setattr(command, "cases", lambda: [tiny])
    with pytest.raises(KeyboardInterrupt):
        run(folder)
    assert not (folder / "page.md").exists()
    assert run(folder) == 0
    assert done == [0, 1, "interrupted", 2]
    assert "spram-11: In all 27 pair updates in 120 steps" in capsys.readouterr().err
    rows = rows_of((folder / "page.md").read_text(encoding="utf-8"))
    assert [(row["N"], row["steps"], row["mismatches"]) for row in rows] == [("11", "120", "0")]
    assert run(folder, "--check") == 0
    assert run(folder) == 0
    assert len(done) == 4, "all was done"
    assert run(folder, "--again", "--store", "spram") == 0
    assert done[4:] == [0, 1, 2]


def test_what_was_done_for_another_core_or_other_code_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def part(case: Case, number: int, *others: Any) -> Part:
        done.append(number)
        return Part(
            steps=1, pair_updates=1, changed=1, mismatches=0, seconds=1.0, first_mismatch=None,
            digest="d",
        )  # fmt: skip

    monkeypatch.setattr(exactness, "run_part", part)
    monkeypatch.setattr(Case, "rtl_digest", lambda case: "one core")
    exactness.study(QUICK, tmp_path)
    exactness.study(QUICK, tmp_path)
    assert len(done) == 3
    monkeypatch.setattr(exactness, "sources", lambda: "other code")
    exactness.study(QUICK, tmp_path)
    assert len(done) == 6
    monkeypatch.setattr(Case, "rtl_digest", lambda case: "another core")
    exactness.study(QUICK, tmp_path)
    assert len(done) == 9


def test_a_page_for_another_core_is_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    small = dataclasses.replace(
        QUICK, store="plain", formats=Formats(n=4, lanes=4, pages=1), shapes=(), limit=None
    )
    done = Part(
        steps=5, pair_updates=30, changed=3, mismatches=0, seconds=2.0, first_mismatch=None,
        digest="d",
    )  # fmt: skip
    found = Found(case=small, rtl=small.rtl_digest(), parts=[done])
    assert "| 30 | 3 | 0 | 2 | 15 |" in line(found.row())
    path = tmp_path / "page.md"
    path.write_text(page([found], "2026-01-31"), encoding="utf-8")
    monkeypatch.setattr(command, "cases", lambda: [small])
    assert command.main(["--check", "-o", str(path)]) == 0
    path.write_text(path.read_text().replace(found.rtl, "0" * 16), encoding="utf-8")
    assert command.main(["--check", "-o", str(path)]) == 1
    assert "stale: plain-4: the RTL is not the one that was compared" in capsys.readouterr().err


def test_a_check_without_a_page_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        command.main(["--check", "-o", str(tmp_path / "no.md")])
    assert ended.value.code == 2
    assert "no page to check" in capsys.readouterr().err
