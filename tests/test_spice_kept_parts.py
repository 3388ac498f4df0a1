"""Commands that make a page of parts: what is kept, refused, told and interrupted."""

from __future__ import annotations

import pytest

from drai_hw.errors import ConvergenceError
from drai_hw.spice.kept_parts import make_page, page_parser


def command(tmp_path, arguments, makers, faults=()):
    """Run a command whose page lists its parts."""
    page = tmp_path / "page.md"
    parser = page_parser("somewhere", "What it does.", tmp_path / "kept", page)
    status = make_page(
        parser, arguments, makers, lambda parts: faults,
        lambda parts, options: options.page.write_text(str(sorted(parts.items()))),
    )  # fmt: skip
    return status, page.read_text() if page.exists() else None


def test_a_page_is_written_from_all_parts_and_kept_ones_are_not_made_again(tmp_path, capsys):
    made = []

    def maker(name):
        return lambda: made.append(name) or {"value": len(made)}

    makers = {"one": maker("one"), "two": maker("two")}
    wanted = "[('one', {'value': 1}), ('two', {'value': 2})]"
    assert command(tmp_path, [], makers) == (0, wanted)
    assert command(tmp_path, [], makers) == (0, wanted)
    assert made == ["one", "two"]
    assert capsys.readouterr().err.splitlines()[2:] == ["one: kept", "two: kept"]
    assert command(tmp_path, ["--fresh"], makers)[0] == 0
    assert made == ["one", "two"] * 2


def test_chosen_parts_write_no_page_and_unknown_ones_are_refused(tmp_path, capsys):
    makers = {"one": lambda: {"value": 1}, "two": lambda: {"value": 2}}
    assert command(tmp_path, ["--only", "two"], makers) == (0, None)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["two.json"]
    with pytest.raises(SystemExit, match="2"):
        command(tmp_path, ["--only", "three"], makers)
    assert "no part 'three'; needed is one of one, two" in capsys.readouterr().err


def test_a_part_or_check_that_fails_is_told_and_ends_with_1(tmp_path, capsys):
    def fails():
        raise ConvergenceError("no solution")

    assert command(tmp_path, [], {"one": fails}) == (1, "[('one', {'missing': 'no solution'})]")
    assert capsys.readouterr().err == "one: no solution\n"
    assert command(tmp_path, [], {"two": lambda: {}}, ["3 % is above 2 %"])[0] == 1
    assert "not within its limit: 3 % is above 2 %" in capsys.readouterr().err


def test_an_interruption_keeps_what_is_finished_and_writes_no_page(tmp_path, capsys):
    def interrupted():
        raise KeyboardInterrupt

    makers = {"one": lambda: {"value": 1}, "two": interrupted}
    assert command(tmp_path, [], makers) == (130, None)
    assert [path.name for path in (tmp_path / "kept").iterdir()] == ["one.json"]
    said = capsys.readouterr().err
    assert said.endswith(f"interrupted; finished parts are kept in {tmp_path / 'kept'}\n")
