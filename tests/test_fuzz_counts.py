"""The page of fuzz counts has a row for every test that counts cases, and only for those."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from tests.conftest import COUNTS_VARIABLE
from tools import fuzz_counts
from tools.fuzz_counts import BEGIN, END, ROWS, collected, table, with_table


def counting(repository: Path) -> set[str]:
    """Return the tests that take ``tally``, themselves or by a fixture ``verdicts``."""
    return {
        f"{path.name}::{node.name}"
        for path in (repository / "tests").glob("test_*.py")
        for node in ast.parse(path.read_text(encoding="utf-8")).body
        if isinstance(node, ast.FunctionDef)
        and node.name.startswith("test_")
        and {"tally", "verdicts"} & {argument.arg for argument in node.args.args}
    }


def test_every_test_that_counts_has_a_row(repository):
    assert counting(repository) == set(ROWS)
    assert COUNTS_VARIABLE == fuzz_counts.COUNTS_VARIABLE


def test_the_page_has_the_rows_and_each_has_cases(repository):
    page = (repository / fuzz_counts.PAGE).read_text(encoding="utf-8")
    made = page.partition(BEGIN)[2].partition(END)[0]
    rows = [line.strip("| ").split(" | ") for line in made.splitlines() if line.startswith("| ")]
    found = {f"{row[4].split('`')[1]}::{row[4].split('`')[3]}": row for row in rows[1:]}
    assert list(found) == list(ROWS)
    for name, row in found.items():
        assert row[0] == ROWS[name]
        assert int(row[1].replace(",", "")) > 0, name


def test_counts_become_a_table_and_nothing_else_of_the_page_changes():
    name = next(iter(ROWS))
    lines = [
        json.dumps({"test": f"tests/{name}[True]", "seconds": 1.5, "counts": {"taken": 3}}),
        json.dumps({"test": f"tests/{name}[x]", "seconds": 2, "counts": {"refused": 1000}}),
    ]
    found = collected(lines)
    assert found == {name: ({"taken": 3, "refused": 1000}, 3.5)}
    frames = {"went through": 5, "refused": 1, "frames": 90}
    every = {other: ({"status 0": 1}, 0.0) for other in ROWS} | found
    every[list(ROWS)[1]] = (frames, 0.0)  # type: ignore[assignment]
    text = table(every)  # type: ignore[arg-type]
    assert "| 1,003 | refused 1,000, taken 3 | 4 |" in text
    assert "| 6 | frames 90, refused 1, went through 5 | 0 |" in text
    assert f"{1003 + 6 + len(ROWS) - 2:,} cases in all." in text
    page = with_table(f"before\n{BEGIN}old\n{END}after\n", "new\n")
    assert page == f"before\n{BEGIN}\nnew\n\n{END}after\n"


def test_without_all_counts_no_table_is_written(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "counts").write_text("")
    assert fuzz_counts.main(["--from", "counts"]) == 1
    assert re.search(r"no table was written; not counted: test_fuzz\.py::", capsys.readouterr().err)
    assert [path.name for path in tmp_path.iterdir()] == ["counts"]
