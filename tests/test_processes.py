"""Programs that read a user's design get bounds, and what broke one off is told."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from drai_hw import processes
from drai_hw.errors import DraiError, ToolError
from drai_hw.processes import bounded, how_it_ended, own_temporary_files
from drai_hw.sim import runner, watchdog
from drai_hw.sim.core_ports import CORE_PORTS, misfit
from drai_hw.sim.cxxrtl.build import _run, compiled
from drai_hw.sim.runner import head, tail
from drai_hw.sim.units.simulate import run_limited
from drai_hw.sim.watchdog import ended_when_stuck


def test_a_bounded_program_gets_no_more_memory(monkeypatch):
    monkeypatch.setattr(processes, "MEMORY_BYTES", 1 << 28)
    words = [sys.executable, "-S", "-c", "b'x' * (1 << 29)"]
    assert subprocess.run(words, check=False).returncode == 0
    done = subprocess.run(bounded(words), check=False, capture_output=True, text=True)
    assert done.returncode == 1
    assert "MemoryError" in done.stderr


def test_a_bounded_program_writes_no_longer_file(tmp_path, monkeypatch):
    monkeypatch.setattr(processes, "FILE_BYTES", 1 << 16)
    with (tmp_path / "log").open("wb") as log:
        done = subprocess.run(bounded(["yes"]), stdout=log, check=False)
    assert (tmp_path / "log").stat().st_size == 1 << 16
    assert done.returncode == -signal.SIGXFSZ
    monkeypatch.undo()
    assert how_it_ended(-signal.SIGXFSZ) == (
        "a file of more than 1 GiB: it prints or dumps without end"
    )


def test_words_and_status_of_a_bounded_program_are_its_own():
    words = [sys.executable, "-S", "-c", "import sys; sys.exit(len(sys.argv[1]))", "a b'\n$x\""]
    assert subprocess.run(bounded(words), check=False).returncode == 8
    assert how_it_ended(3) == "status 3"
    assert (
        how_it_ended(-9)
        == "SIGKILL: ended from outside, by a fault of its own, or for want of memory"
    )


LITTERS = ["sh", "-c", 'touch "$TMPDIR/left"; sleep 60']


@pytest.mark.parametrize(
    "run",
    [
        lambda folder: run_limited(LITTERS, folder, folder / "log", 0.3),
        lambda folder: run_limited(LITTERS, folder, folder / "log", 0.3, {"A": "b"}),
        lambda folder: _run(LITTERS, folder, "g++ is slow", 0.3),
    ],
)
def test_a_compiler_that_is_killed_leaves_no_temporary_files(run, tmp_path, monkeypatch):
    for name in ("run", "tmp"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "tmp"))
    with pytest.raises(DraiError, match=r"is not done after|still compiling after"):
        run(tmp_path / "run")
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_a_place_for_temporary_files_programs_run_as_they_are(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with own_temporary_files() as environment:
        assert environment == os.environ


def test_icarus_compiles_with_temporary_files_of_its_own(tmp_path, monkeypatch):
    monkeypatch.delenv("TMPDIR", raising=False)
    with runner._own_temporary_files():
        place = Path(os.environ["TMPDIR"])
        assert place.is_dir()
    assert not place.exists()
    assert "TMPDIR" not in os.environ


@pytest.mark.parametrize(
    ("limit_s", "bound", "text"),
    [
        (0.0, None, r"no step was done for 0 s: a loop without a clock in it\? \(--time-limit S"),
        (600.0, ("MEMORY_BYTES", 1), "it needs more than 0 GiB of memory"),
        (600.0, ("FILE_BYTES", 1), "it prints without end: more than 0 GiB"),
    ],
)
def test_what_gets_nowhere_is_ended(limit_s, bound, text, tmp_path, monkeypatch):
    if bound:
        monkeypatch.setattr(watchdog, *bound)
    (tmp_path / "log").write_text("said\n")
    older = subprocess.Popen(["sleep", "600"])
    try:
        with ended_when_stuck(tmp_path / "progress", tmp_path / "log", limit_s, 0.01) as reasons:
            stuck = subprocess.Popen(["sleep", "600"])
            assert stuck.wait(60) == -signal.SIGKILL
        assert len(reasons) == 1
        assert re.match(text, reasons[0])
        assert older.poll() is None  # it was there before
    finally:
        older.kill()
        older.wait()


def test_what_goes_on_is_left_alone(tmp_path):
    with ended_when_stuck(tmp_path / "progress", tmp_path / "log", 600.0, 0.01) as reasons:
        assert subprocess.run([sys.executable, "-S", "-c", ""], check=False).returncode == 0
    assert reasons == []
    with ended_when_stuck(tmp_path / "progress", tmp_path / "log", None) as reasons:
        assert subprocess.run([sys.executable, "-S", "-c", ""], check=False).returncode == 0
    assert reasons == []


def test_of_an_endless_log_only_the_ends_are_read(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"first\n" + b"x" * 200_000 + b"\nlast\n")
    assert head(log).startswith("first\n")
    assert len(head(log)) == 1 << 16
    assert tail(log).endswith("\nlast")
    assert len(tail(log)) <= 1 << 16
    log.write_text("")
    assert tail(log) == "(log is empty)"
    assert tail(tmp_path / "none") == "(no none)"


def test_ports_of_a_core_that_do_not_fit_are_listed_all_at_once():
    assert misfit("mine", CORE_PORTS.get) == ""
    found = {**CORE_PORTS, "wdata": 8, "ack": None, "step_done": 0, "busy": 2}
    assert misfit("mine", found.get) == (
        "the design mine has port wdata of 8 bits, which needs 32; has no port ack [1 bits]; has "
        "port busy of 2 bits, which needs 1; has no port step_done [1 bits]: the ports of the core "
        "are needed (`drai-hw rtl` writes one that has them)"
    )
    assert misfit("mine", {**CORE_PORTS, "addr": 8}.get) == ""  # whose upper bits stay 0


def test_a_compilation_that_does_not_end_is_ended(tmp_path):
    (tmp_path / "mine.v").write_text("module mine; endmodule\n")
    text = r"yosys does not accept mine\.v with top mine: it is not done after 0 s"
    with pytest.raises(ToolError, match=text):
        compiled(tmp_path / "mine.v", "mine", tmp_path / "cache", limit_s=0.0)
    assert list((tmp_path / "cache").iterdir()) == []


def test_yosys_names_the_file_that_was_given(tmp_path):
    (tmp_path / "mine.v").write_text("module mine(;\nendmodule\n")
    with pytest.raises(ToolError, match=r"with top mine:\nmine\.v:1: ERROR: syntax error"):
        compiled(tmp_path / "mine.v", "mine", tmp_path / "cache")


CORE = """
module mine (input clk, rst, input [5:0] addr, input [31:0] wdata, input we, re,
    output [31:0] rdata, output ack, busy, step_done);
@BODY@
endmodule
"""


@pytest.mark.full
@pytest.mark.parametrize(
    ("body", "text"),
    [
        (
            "wire a = ~(a & we); assign rdata = a; assign ack = a; assign busy = 0;"
            "assign step_done = 0;",
            "does not settle: a loop of logic in it oscillates",
        ),
        ("assign rdata = 0; assign ack = 1; assign busy = 0; assign step_done = 0;", "MAGIC"),
    ],
)
def test_a_compiled_core_with_a_loop_is_told(body, text, tmp_path):
    from drai_hw.sim.cxxrtl.model import Model

    (tmp_path / "mine.v").write_text(CORE.replace("@BODY@", body))
    library = compiled(tmp_path / "mine.v", "mine", tmp_path, flags=("-O0",))
    if text == "MAGIC":  # one without a loop answers
        with Model(library, "mine") as model:
            assert model.read("MAGIC").tolist() == [0]
        return
    with pytest.raises(ToolError, match=text), Model(library, "mine") as model:
        model.write(["GAIN"], np.array([1]))
