"""The page of wrong units: it is of today's units, and judging them again gives the same."""

from __future__ import annotations

from pathlib import Path

import pytest

from drai_hw.formal import wrong_page
from drai_hw.formal.wrong_page import Row, digest, row, rows_of
from drai_hw.formal.wrong_units import PROOF_RULES, WRONG, right
from drai_hw.model.unit_ports import UNITS

CASES = {item.name: (item.unit, item.text()) for item in WRONG} | {
    f"nothing: right {unit}": (unit, right(unit)) for unit in UNITS
}
QUICK = "reset forgets a bit"


@pytest.fixture(scope="module")
def page(repository) -> dict[str, Row]:
    return rows_of((repository / wrong_page.PAGE).read_text(encoding="utf-8"))


def test_the_page_is_of_the_units_as_they_are(page):
    made = {name: (found.unit, found.digest) for name, found in page.items()}
    assert made == {name: (unit, digest(text)) for name, (unit, text) in CASES.items()}, (
        f"run `{wrong_page.COMMAND}`"
    )


def test_every_wrong_unit_is_found_out_by_both_judges_and_every_right_one_passes(page):
    for item in WRONG:
        found = page[item.name]
        assert (found.rule, found.proof[: len(PROOF_RULES[item.name])]) == (
            item.rule, PROOF_RULES[item.name],
        )  # fmt: skip
        assert int(found.clock.replace(",", "")) > 0
        assert 1 <= int(found.shortest) <= 4
    for unit in UNITS:
        assert page[f"nothing: right {unit}"][2:6] == ("none", "", "", "proved")


@pytest.mark.parametrize(
    "name",
    [pytest.param(n, marks=[] if n == QUICK else pytest.mark.full) for n in CASES],
)
def test_judging_again_gives_what_the_page_says(name, page):
    unit, text = CASES[name]
    found = row(unit, name, text)
    assert found._replace(seconds="") == page[name]._replace(seconds="")


def test_a_cell_may_hold_bars():
    line = Row("synapse", "x", "r", "1", "1", "threshold: |d| = u_g is near", "0.1", "`0`").line()
    assert rows_of(line)["x"].proof == "threshold: |d| = u_g is near"


def test_a_judge_that_lets_a_wrong_unit_go_is_told_by_the_exit_status(
    tmp_path, monkeypatch, capsys
):
    def row_of(unit, name, text):
        good = name.startswith("nothing") or name == spared
        return Row(unit, name, "none" if good else "r", "", "", "proved" if good else "r", "", "")

    monkeypatch.setattr(wrong_page, "row", row_of)
    spared = None
    assert wrong_page.main([str(tmp_path / "page.md")]) == 0
    assert len(rows_of(Path(tmp_path / "page.md").read_text())) == len(CASES)
    spared = WRONG[3].name
    assert wrong_page.main([str(tmp_path / "page.md")]) == 1
