"""Tools: found where they are, missing with a remedy, stopped whole, quoted when they fail."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from drai_hw.boards import toolchain
from drai_hw.boards.process import Interrupted, run_tool
from drai_hw.boards.toolchain import FAMILY_TOOLS, find_tool, find_tools, tool_environment
from drai_hw.boards.yosys_shim import translate
from drai_hw.errors import ToolError


def _script(path: Path, body: str) -> Path:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


def test_all_tools_of_each_family_are_found_with_versions() -> None:
    for family, names in FAMILY_TOOLS.items():
        tools = find_tools(family)
        assert tuple(tools) == names
        assert all(tool.version[0].isdigit() for tool in tools.values())


@pytest.mark.parametrize("name", sorted({n for names in FAMILY_TOOLS.values() for n in names}))
def test_a_missing_tool_says_what_is_lost_and_how_to_get_it(name, monkeypatch, tmp_path) -> None:
    monkeypatch.setattr(toolchain, "find_spec", lambda module: None)
    monkeypatch.setattr(toolchain.sysconfig, "get_path", lambda kind: str(tmp_path))
    with pytest.raises(
        ToolError, match=rf"{name} is missing .*; lost without it: .*pip install 'drai_hw\[fpga\]'"
    ):
        find_tool(name, {"PATH": str(tmp_path)})


def test_amaranths_environment_variable_comes_first(tmp_path: Path) -> None:
    mine = _script(tmp_path / "mine", "echo mine 9.8.7")
    tool = find_tool("nextpnr-ice40", {"PATH": "", "NEXTPNR_ICE40": str(mine)})
    assert (tool.command, tool.version) == ((str(mine),), "9.8.7")


def test_an_environment_variable_that_names_no_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="YOSYS='/no/such/yosys' is not a program"):
        find_tool("yosys", {"PATH": "", "YOSYS": "/no/such/yosys"})


def test_the_environment_for_amaranth_starts_the_wheel_yosys(tmp_path: Path) -> None:
    variables = tool_environment(find_tools("ice40"), tmp_path)
    assert variables["AMARANTH_USE_YOSYS"] == "builtin"
    assert {"YOSYS", "NEXTPNR_ICE40", "ICEPACK"} <= set(variables)
    (tmp_path / "v.ys").write_text("log hello-from-yosys\n")
    shown = subprocess.run(
        [variables["YOSYS"], "-l", "v.log", "v.ys"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert "hello-from-yosys" in shown.stdout
    assert "hello-from-yosys" in (tmp_path / "v.log").read_text()


@pytest.mark.parametrize(
    ("arguments", "command"),
    [
        (["-q", "-l", "a.log", "a.ys"], "tee -q -o a.log script a.ys"),
        (["-l", "a.log", "a.ys"], "tee -o a.log script a.ys"),
        (["-q", "a.ys"], "tee -q script a.ys"),
        (["-p", "stat"], "stat"),
    ],
)
def test_the_shim_translates_the_options_of_the_build_scripts(arguments, command) -> None:
    assert translate(arguments) == command


@pytest.mark.parametrize(
    ("arguments", "text"),
    [(["-z", "a.ys"], "option '-z'"), (["-l"], "-l needs a value"), ([], "exactly one script")],
)
def test_the_shim_refuses_what_it_does_not_know(arguments, text) -> None:
    with pytest.raises(SystemExit, match=text):
        translate(arguments)


def test_a_failing_tool_is_quoted_with_its_first_error_line(tmp_path: Path) -> None:
    tool = _script(tmp_path / "t", "echo Info: fine\necho 'ERROR: no more LUTs'\nexit 3")
    with pytest.raises(
        ToolError, match=r"nextpnr ended with status 3; it said: ERROR: no more LUTs"
    ):
        run_tool("nextpnr", [str(tool)], cwd=tmp_path, log=tmp_path / "x.log")


def test_a_failing_tool_without_an_error_line_is_quoted_with_its_last_line(tmp_path: Path) -> None:
    tool = _script(tmp_path / "t", "echo something odd\nexit 1")
    with pytest.raises(ToolError, match="it said: something odd"):
        run_tool("t", [str(tool)], cwd=tmp_path, log=tmp_path / "x.log")


def test_a_silent_death_is_told_with_the_signal(tmp_path: Path) -> None:
    tool = _script(tmp_path / "t", "kill -SEGV $$")
    with pytest.raises(ToolError, match="was killed by signal 11; it said nothing"):
        run_tool("t", [str(tool)], cwd=tmp_path, log=tmp_path / "x.log")


def test_a_program_that_cannot_start_is_a_tool_error(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="t cannot be started"):
        run_tool("t", [str(tmp_path / "absent")], cwd=tmp_path, log=tmp_path / "x.log")


def test_progress_comes_while_the_tool_still_runs(tmp_path: Path) -> None:
    tool = _script(tmp_path / "t", "echo first\nsleep 1\necho second")
    seen: list[tuple[str, float]] = []
    started = time.monotonic()
    run_tool(
        "t",
        [str(tool)],
        cwd=tmp_path,
        log=tmp_path / "x.log",
        interesting=lambda line: line if line == "first" else None,
        progress=lambda text: seen.append((text, time.monotonic() - started)),
    )
    assert [text for text, _ in seen] == ["first"]
    assert seen[0][1] < 0.8


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_cancelled_tool_dies_with_its_children(tmp_path: Path, stubborn: bool) -> None:
    trap = "trap '' TERM INT\n" if stubborn else ""
    tool = _script(tmp_path / "t", f"{trap}sleep 60 &\necho $! > pid\necho $$ > own\nwait\nwait")
    cancel = threading.Event()

    def set_when_running() -> None:
        while not (tmp_path / "own").exists():
            time.sleep(0.02)
        cancel.set()

    threading.Thread(target=set_when_running, daemon=True).start()
    with pytest.raises(Interrupted):
        run_tool("t", [str(tool)], cwd=tmp_path, log=tmp_path / "x.log", cancel=cancel)
    pids = [int((tmp_path / name).read_text()) for name in ("pid", "own")]
    deadline = time.monotonic() + 5
    while any(_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(_alive(pid) for pid in pids)


def test_an_interrupt_from_the_keyboard_ends_the_tool(tmp_path: Path) -> None:
    code = (
        "import sys, threading, _thread\n"
        "from pathlib import Path\n"
        "from drai_hw.boards.process import run_tool\n"
        "threading.Timer(0.5, _thread.interrupt_main).start()\n"
        "w = Path(sys.argv[1])\n"
        "run_tool('t', ['sh', '-c', 'echo $$ > own; exec sleep 60'], cwd=w, log=w / 'x.log')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=dict(os.environ),
    )
    assert "KeyboardInterrupt" in done.stderr
    assert not _alive(int((tmp_path / "own").read_text()))
