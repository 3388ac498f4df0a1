"""The page of twin and RTL at size: its form, its sums, and that it stands for today's core."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.numbers import Formats
from drai_hw.sim import exactness
from drai_hw.sim.exactness import LEAST_PAIR_UPDATES, SIZES, STORES, cases
from drai_hw.sim.exactness import __main__ as command
from drai_hw.sim.exactness.page import HEAD, rows_of

PAGE = ("docs", "reference", "exactness.md")


@pytest.fixture
def text(repository: Path) -> str:
    return repository.joinpath(*PAGE).read_text(encoding="utf-8")


def number(cell: str) -> int:
    return int(cell.replace(",", ""))


def test_the_page_has_every_size_with_every_store_and_not_one_mismatch(text: str) -> None:
    rows = rows_of(text)
    assert [(row["N"], row["weights in"]) for row in rows] == [
        (str(case.formats.n), case.memory) for case in cases()
    ]
    assert {(case.formats.n, case.store) for case in cases()} == {
        (n, store) for n in SIZES for store in STORES if n < 2048 or store == "sdram"
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
