"""Twin and RTL at size: the page stands for today's core, and a wrong core is told by its pair."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.sim import exactness
from drai_hw.sim.exactness import LEAST_PAIR_UPDATES, SIZES, STORES, Case, Found, Part, cases
from drai_hw.sim.exactness import __main__ as command
from drai_hw.sim.exactness.page import HEAD, line, page, rows_of

PAGE = ("docs", "reference", "exactness.md")
# The page's own shape, with 4 lanes so that it is compiled in seconds.
QUICK = Case(
    store="banks", formats=Formats(n=128, lanes=4, pages=32, decay=True, resonance=True),
    steps=40, parts=3, shapes=((512, 8),), limit=0,
)  # fmt: skip


@pytest.fixture
def text(repository: Path) -> str:
    return repository.joinpath(*PAGE).read_text(encoding="utf-8")


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


# -- the page --------------------------------------------------------------------------------


def test_the_page_has_every_size_with_every_store_and_not_one_mismatch(text: str) -> None:
    rows = rows_of(text)
    assert [(row["N"], row["weights in"]) for row in rows] == [
        (str(case.formats.n), case.memory) for case in cases()
    ]
    assert {(case.formats.n, case.store) for case in cases()} == {
        (n, store) for n in SIZES for store in STORES
    }
    assert [number(row["steps"]) for row in rows] == [c.steps * c.parts for c in cases()]
    assert {row["mismatches"] for row in rows} == {"0"}
    assert all(number(row["weights changed"]) > 0 for row in rows)


def test_the_page_sums_up_to_a_thousand_million_pair_updates_in_its_own_words(text: str) -> None:
    rows = rows_of(text)
    updates, steps = (sum(number(row[key]) for row in rows) for key in ("pair updates", "steps"))
    assert updates >= LEAST_PAIR_UPDATES == 10**9
    assert f"In all {updates:,} pair updates in {steps:,} steps, 0 mismatches" in text
    for row in rows:  # no more than all pairs of a step, and most of them
        n = int(row["N"])
        share = number(row["pair updates"]) / (number(row["steps"]) * n * (n - 1) / 2)
        assert 0.9 < share <= 1
    date = re.search(r"on (\d{4}-\d\d-\d\d);", text)
    assert date
    assert text.startswith(HEAD.format(date=date[1]))


@pytest.mark.full
def test_the_page_stands_for_the_rtl_of_today(
    repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(repository)
    assert command.main(["--check"]) == 0


class HashingTwin(CompiledTwin):
    """Goes step by step and keeps the digest that a comparison makes of the RTL's states."""

    def __init__(self, formats: Formats) -> None:
        super().__init__(formats)
        self.sha = hashlib.sha256()

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        for step in range(steps):
            super().run(1, resume=resume or step > 0, **passes)
            for values in (self.theta, self.margin, self.weight_words(), self.ema):
                self.sha.update(np.ascontiguousarray(values, dtype=np.int64).data)


@pytest.mark.parametrize("store", STORES)
def test_the_twin_of_today_goes_through_the_states_of_the_page(text: str, store: str) -> None:
    """So must the RTL of today, which tests compare with the twin; its text is for --check."""
    case = next(c for c in cases() if (c.formats.n, c.store) == (35, store))
    digests = []
    for part in range(case.parts):
        twin = HashingTwin(case.formats)
        exactness.job_of(case, part).run(twin)
        digests.append(twin.sha.hexdigest())
    row = next(r for r in rows_of(text) if r["weights in"] == case.memory and r["N"] == "35")
    assert row["states"] == f"`{exactness.digest_of(''.join(digests))}`"


# -- the command -----------------------------------------------------------------------------


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
    real, done = exactness.run_part, []

    def counted(case: Case, part: int, *others: Any) -> Part:
        if len(done) == 2 and part == 2:
            done.append("interrupted")
            raise KeyboardInterrupt
        done.append(part)
        return real(case, part, *others)

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
    assert "step " in capsys.readouterr().err
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
