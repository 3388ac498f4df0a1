"""Both engines give the same numbers; what finds no solution is tried again, then told."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import ConvergenceError, SpecError, ToolError
from drai_hw.spice import shared
from drai_hw.spice.engine import simulate
from drai_hw.spice.ladder import LADDER, Rung, climb
from drai_hw.spice.shared import simulate_shared

PAIR = np.array([[0, 1], [1, 0]])


def pair(kind: str) -> spice.Netlist:
    return spice.create(PAIR, spice.Circuit(kind=kind, cycles=30), start_phases=[0.0, 1.0])


@pytest.mark.parametrize("kind", ["lc", "ring"])
def test_both_engines_give_the_same_numbers(kind: str) -> None:
    """The same ngspice release in two forms: the same steps and the same bits."""
    netlist = pair(kind)
    batch = simulate(netlist.text, stop_s=netlist.stop_s, expected_points=1, vectors=1)
    library = simulate_shared(netlist.text, stop_s=netlist.stop_s)
    assert np.array_equal(batch.time_s, library.time_s)
    assert set(batch.columns) == set(library.columns)
    names = sorted(batch.columns)
    assert np.array_equal(batch.select(names), library.select(names))


def test_a_run_in_the_library_is_read_like_any_other() -> None:
    results = [spice.run(pair("lc"), engine=engine) for engine in ("batch", "shared")]
    assert np.array_equal(results[0].phases_rad, results[1].phases_rad)
    assert results[0].energies.headline_j == results[1].energies.headline_j
    assert results[1].summary()["solver"] == "as it is"


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(SpecError, match=r"engine = 'xyce': needed is one of batch, shared"):
        spice.run(pair("lc"), engine="xyce")


def test_a_netlist_that_the_library_rejects_is_an_error_in_its_words() -> None:
    text = pair("lc").text.replace("Rloss0", "Xloss0")
    with pytest.raises(ToolError, match=r"library failed \(exit status 1\)"):
        simulate_shared(text, stop_s=1e-6)


def test_a_library_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ToolError, match=r"ran longer than 0\.01 s and was stopped"):
        simulate_shared(pair("lc").text, stop_s=1e-6, timeout_s=0.01)


def test_a_library_that_crashes_takes_nothing_with_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\necho 'Fatal: out of bounds' >&2\nkill -SEGV $$\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setattr(shared.sys, "executable", str(program))
    with pytest.raises(ToolError, match=r"exit status -11\): 'Fatal: out of bounds'"):
        simulate_shared("title\n.end\n", stop_s=1.0)


def fussy(folder: Path, monkeypatch: pytest.MonkeyPatch, wants: str) -> None:
    """Put a program in ngspice's place that finds no solution unless the netlist has a text."""
    real = shutil.which("ngspice")
    program = folder / "ngspice"
    program.write_text(
        f"#!/bin/sh\nfor last; do :; done\n"
        f'if grep -q -e \'{wants}\' "$last"; then exec {real} "$@"; fi\n'
        "echo 'doAnalyses: TRAN:  Timestep too small; time = 1e-09: trouble' >&2\nexit 1\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def test_a_run_without_solution_is_tried_with_more_iterations_and_then_smaller_steps(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    easy = spice.run(pair("lc"))
    fussy(tmp_path, monkeypatch, ".tran 1.25e-08")  # 80 points a period at 1 MHz
    result = spice.run(pair("lc"))
    assert result.solver == "half the step"
    # the reference ran at half the step, too: its shift by the rule is a quarter, -5e-4
    assert 1 - result.frequency_hz / 1e6 == pytest.approx(
        (1 - easy.frequency_hz / 1e6) / 4, rel=0.1
    )
    assert result.pattern.tolist() == easy.pattern.tolist()


def test_a_run_that_no_rung_helps_is_reported_in_ngspices_words_for_each(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fussy(tmp_path, monkeypatch, "never")
    with pytest.raises(ConvergenceError) as caught:
        spice.run(pair("lc"))
    assert str(caught.value).count("Timestep too small") == len(LADDER)
    for rung in LADDER:
        assert f"{rung.name}: ngspice found no solution" in str(caught.value)


def test_another_error_is_not_tried_again() -> None:
    tried = []

    def attempt(rung: Rung) -> None:
        tried.append(rung)
        raise ToolError("ngspice ran longer than 1 s")

    with pytest.raises(ToolError, match="longer"):
        climb(attempt)
    assert tried == [LADDER[0]]


def test_rungs_change_what_they_name_and_nothing_else() -> None:
    text = pair("lc").text
    assert LADDER[0].apply(text) == text
    changed = LADDER[3].apply(text).splitlines()
    different = [(a, b) for a, b in zip(text.splitlines(), changed, strict=True) if a != b]
    assert [b for _, b in different] == [
        ".options method=trap reltol=1e-6 trtol=1e6 itl4=200 gmin=1e-10",
        ".tran 6.25e-09 3e-05 0 6.25e-09 uic",
    ]
