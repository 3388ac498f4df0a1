"""The bench of the simulators: same work on all, a target for the letters core only."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drai_hw import catalog
from drai_hw.bench import rtl
from drai_hw.errors import ToolError
from drai_hw.model import plan
from drai_hw.rtl.registers import Status


@pytest.fixture
def letters_formats() -> Any:
    return plan.formats_of(catalog.find("letters")[0])


def test_the_target_is_asked_of_the_letters_core_only(letters_formats: Any) -> None:
    assert rtl.formats_for(35) == letters_formats
    assert rtl.formats_for(12).n == 12
    row = rtl._to_row("core", 35, {"cxxrtl": 1.0, "icarus": 50.0}, "")
    assert (row.ratio, row.target, row.met) == (50.0, "ratio >= 50", True)
    assert rtl._to_row("core", 35, {"cxxrtl": 1.0, "icarus": 49.9}, "").met is False
    row = rtl._to_row("core", 12, {"cxxrtl": 1.0, "icarus": 2.0}, "")
    assert (row.ratio, row.target, row.met) == (2.0, "", None)
    row = rtl._to_row("core", 35, {"verilator": 1.0, "icarus": 70.0}, "", "verilator")
    assert (row.task, row.ratio, row.target, row.met) == ("core: Verilator", 70.0, "", None)


def test_a_clock_costs_what_the_longer_run_took_beyond_the_shorter(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A start of 7 s and 0.25 s a clock: the start must not show."""
    spent = [0.0]
    monkeypatch.setattr(rtl, "_spent_s", lambda: spent[0])

    def run(length: int) -> int:
        spent[0] += 7 + 0.25 * 3 * length
        return 3 * length

    assert rtl._us_a_clock(run, (10, 50), 3) == pytest.approx(0.25e6)


def test_a_simulator_that_is_missing_leaves_a_row_with_the_reason() -> None:
    def make(simulator: str) -> Any:
        if simulator == "icarus":
            raise ToolError("no iverilog here")
        return lambda length: length

    lengths = dict.fromkeys(("icarus", "verilator", "cxxrtl"), (1, 2))
    for row in rtl._rows("core", 35, 1, lengths, make):
        assert (row.theirs, row.ratio, row.met) == (None, None, None)
        assert row.reason == "no iverilog here"


def test_without_verilator_the_others_are_timed() -> None:
    def make(simulator: str) -> Any:
        if simulator == "verilator":
            raise ToolError("no verilator here")
        return lambda length: length

    lengths = dict.fromkeys(("icarus", "verilator", "cxxrtl"), (1, 2))
    ours, other = rtl._rows("core", 35, 1, lengths, make)
    assert (ours.task, ours.reason) == ("core: CXXRTL", "")
    assert (other.task, other.reason, other.ratio) == ("core: Verilator", "no verilator here", None)


def test_sizes_that_icarus_cannot_carry_are_not_tried() -> None:
    (row,) = rtl.rows(4096, 1)
    assert "at most 256 oscillators" in row.reason


@pytest.mark.full
def test_all_simulators_do_the_work_that_is_timed(tmp_path: Path) -> None:
    """Not the ratio, which depends on the machine: that the run is under way at its end."""
    formats = rtl.formats_for(4)
    commands = [make(formats, tmp_path / make.__name__) for make in (rtl._icarus, rtl._verilator)]
    for command in commands:
        assert rtl._bare(command)(3000) == 3000
    states = [rtl.state_after(command, clocks) for command in commands for clocks in (3000, 2000)]
    assert states[0] == states[2] != states[1] == states[3]
    assert rtl._bare_cxxrtl(formats, tmp_path)(3000) == 3000
    files = list((tmp_path / "cxxrtl").glob("*.so"))
    model = rtl.Model(files[0], rtl.emit.NAME)
    model.write(list(rtl._RUN), rtl.np.array(list(rtl._RUN.values())))
    model.tick(3000)
    assert model.read("STATUS")[0] & Status.BUSY
    model.close()


@pytest.mark.full
def test_rows_come_after_the_states_of_both_were_found_equal(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rows = list(rtl.rows(4, 1))
    assert [row.reason for row in rows] == ["", "", ""]
    assert all(row.ratio == pytest.approx(row.theirs / row.ours) for row in rows)
    real = rtl._compared

    def other(formats: Any, simulator: str, folder: Path, steps: int) -> Any:
        return real(formats, simulator, folder, steps - (simulator == "icarus"))

    monkeypatch.setattr(rtl, "_compared", other)
    with pytest.raises(AssertionError, match="Icarus and CXXRTL differ at N = 4"):
        list(rtl.rows(4, 1))
    monkeypatch.setattr(rtl, "state_after", lambda command, clocks: command)
    with pytest.raises(AssertionError, match="Icarus and Verilator differ at N = 4"):
        list(rtl.rows(4, 1))
