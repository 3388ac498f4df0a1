"""From Verilog or RTLIL to a transition system, by yosys."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

from drai_hw.errors import SpecError, ToolError
from drai_hw.files import given_bytes, want_of_space
from drai_hw.formal.btor2 import System, parse
from drai_hw.processes import bounded, how_it_ended
from drai_hw.sim.runner import tail
from drai_hw.sim.systemverilog import complaints, slang

YOSYS_LIMIT_S = 300.0
"""Longest time that a design may take to be read."""

LEAST_LIMIT_S = 30.0
"""It may always take so long, however short a proof is to be."""

_READ = {".v": "read_verilog -sv", ".sv": "read_verilog -sv", ".il": "read_rtlil"}
# What is undefined in the source becomes a free value of every clock: a proof holds for all.
_STEPS = (
    "proc -noopt",
    "flatten",
    "opt_expr -mux_undef",
    "opt_clean",
    "wreduce",
    "opt_clean",
    "memory_collect",
    "memory_nordff",
    "async2sync",
    "dffunmap",
    "setundef -undriven -anyseq",
    "opt_clean",
)
_LOG = "said.log"
_SHIM = f"from pyosys import libyosys as y; y.run_pass('tee -q -o {_LOG} script model.ys')"
_TAIL_LINES = 6
_END = "; end of yosys output\n"


def read_system(
    files: Sequence[Path],
    top: str,
    clock: str = "clk",
    parameters: Mapping[str, int] | None = None,
    limit_s: float = YOSYS_LIMIT_S,
) -> System:
    """Return the transition system of a design.

    Parameters
    ----------
    files : sequence of Path
        Verilog (``.v``), SystemVerilog (``.sv``, read by slang), or RTLIL (``.il``).
    top : str
        Top module.
    clock : str
        Port of its clock.
    parameters : mapping of str to int
        Its parameters.
    limit_s : float
        Time for yosys, seconds; taken as `LEAST_LIMIT_S` to `YOSYS_LIMIT_S`.

    Raises
    ------
    SpecError
        A file that is not there or not accepted, another clock, falling edges, the time is over, or
        no space for what yosys writes.
    ToolError
        yosys is missing.
    """
    if find_spec("pyosys") is None:
        raise ToolError("pyosys is not installed: proofs read designs by it; pip install pyosys")
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$.]*", top):
        raise SpecError(f"--top {top!r}: needs the name of a module")
    with tempfile.TemporaryDirectory(prefix="drai-hw-prove-") as scratch:
        folder = Path(scratch)
        script = _reads(files, folder, top, parameters or {})
        script += [f"hierarchy -check -top {_escaped(top)}", *_STEPS]
        script += ["write_btor -i model.info model.btor"]
        (folder / "model.ys").write_text("\n".join(script) + "\n", encoding="utf-8")
        _run(folder, files, top, min(max(limit_s, LEAST_LIMIT_S), YOSYS_LIMIT_S))
        info = (folder / "model.info").read_text(encoding="utf-8")
        text = (folder / "model.btor").read_text(encoding="utf-8")
        # Yosys does not notice a full disk, and of half a design anything could be proven.
        note = want_of_space(folder)
        if note or not text.endswith(_END):
            raise SpecError(f"what yosys wrote of {top} may be cut short: {note or 'run it again'}")
        system = parse(text)
    _check_clock(system, info, top, clock)
    return system


def _reads(
    files: Sequence[Path], folder: Path, top: str, parameters: Mapping[str, int]
) -> list[str]:
    """Copy the files; return the commands that read them."""
    readers = [_reader(path) for path in files]
    names = [_copied(path, folder, k) for k, path in enumerate(files)]
    by_slang = slang(folder, names, top, parameters)
    if by_slang:
        if "read_rtlil" in readers:
            raise SpecError("--dut: SystemVerilog and RTLIL together; give files of one kind")
        return [by_slang]
    set_ = [f"chparam -set {name} {value} {_escaped(top)}" for name, value in parameters.items()]
    return [*(f"{reader} {name}" for reader, name in zip(readers, names, strict=True)), *set_]


def _reader(path: Path) -> str:
    if path.suffix not in _READ:
        raise SpecError(
            f"--dut {str(path)!r}: needs Verilog (.v, .sv) or RTLIL (.il); VHDL goes by "
            "`ghdl synth --out=verilog` first"
        )
    return _READ[path.suffix]


def _escaped(top: str) -> str:
    return f"\\{top}" if "." in top else top


def _copied(path: Path, folder: Path, number: int) -> str:
    name = f"design{number}{path.suffix}"
    (folder / name).write_bytes(given_bytes(path, "file of --dut", "Verilog or RTLIL"))
    return name


def _run(folder: Path, files: Sequence[Path], top: str, limit_s: float) -> None:
    named = " ".join(str(path) for path in files)
    try:
        done = subprocess.run(
            bounded([sys.executable, "-c", _SHIM]),
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=limit_s,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise SpecError(
            f"{named}: yosys is not done with module {top} after {limit_s:g} s; needs a "
            "smaller design, or one without a loop that unrolls without end"
        ) from error
    if done.returncode or not (folder / "model.btor").is_file():
        log = folder / _LOG
        lines = (done.stderr + done.stdout + (tail(log) if log.exists() else "")).splitlines()
        wrong = complaints(lines) or [*lines, f"yosys ended with {how_it_ended(done.returncode)}"]
        for number, path in enumerate(files):
            wrong = [line.replace(f"design{number}{path.suffix}", str(path)) for line in wrong]
        raise SpecError(
            f"yosys does not accept {named} with top {top}; mend this:\n"
            + "\n".join(wrong[-_TAIL_LINES:])
        )


def _check_clock(system: System, info: str, top: str, clock: str) -> None:
    """Refuse what one rising edge of one port does not describe."""
    clocks = set()
    for line in info.splitlines():
        word, _, number = line.partition(" ")
        if word == "negedge":
            raise SpecError(
                f"{top}: registers at a falling edge; needs rising edges of {clock} only"
            )
        if word == "posedge":
            clocks.add(system.inputs.get(system.meant(int(number)), "an inner signal"))
    if clocks - {clock}:
        found = ", ".join(sorted(clocks))
        raise SpecError(
            f"{top}: registers are clocked by {found}; needs one clock, the port {clock}"
        )
