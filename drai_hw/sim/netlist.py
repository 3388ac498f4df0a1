"""The core after synthesis: a netlist of a device's cells, simulated beside the twin."""

from __future__ import annotations

import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.model import plan
from drai_hw.model.machine import Counters
from drai_hw.model.numbers import Formats
from drai_hw.sim.comparison import MEMORIES, Comparison
from drai_hw.sim.cxxrtl.build import compiled, run_pyosys
from drai_hw.sim.cxxrtl.machine import CxxrtlMachine
from drai_hw.sim.cxxrtl.model import Model
from drai_hw.sim.jobs import Job
from drai_hw.sim.outcome import carry_out
from drai_hw.spec import Spec

LARGEST_N = 35
"""Oscillators up to which a netlist is simulated: its compilation takes a minute at 7."""

FLAGS = ("-O0",)
"""What a netlist is compiled with: better code of so many small cells costs minutes."""


@dataclass(frozen=True)
class Cells:
    """How synthesis makes cells of a family, and where their models are.

    Parameters
    ----------
    synth : str
        Pass of yosys.
    product : str
        Multipliers of the lanes, as `drai_hw.rtl.core.Core` takes it.
    read : str
        Arguments of ``read_verilog`` for the vendor's cells, as yosys brings them.
    models : tuple of Path
        Models of ours for cells of which yosys has only the ports.
    """

    synth: str
    product: str
    read: str
    models: tuple[Path, ...] = ()


CELLS: Mapping[str, Cells] = {
    # Block memory (DP16KD) has ports only; LUT memory (TRELLIS_DPR16X4) takes its place.
    "ecp5": Cells(
        "synth_ecp5 -nobram",
        "mul",
        "-D NO_INCLUDES +/ecp5/cells_sim.v",
        (Path(__file__).with_name("mult18x18d.v"),),
    ),
    "ice40": Cells("synth_ice40 -dsp", "logic", "+/ice40/cells_sim.v"),
}

_CELL = re.compile(r"^  ([A-Z][A-Z0-9_]+) (?:#\(|\S+ +\()", re.MULTILINE)


@dataclass(frozen=True)
class NetlistResult:
    """Outcome of the comparison of a netlist.

    Attributes
    ----------
    cells : dict of str to int
        Cells of the netlist by their kind.
    cycles, steps, pair_updates : int
        Clocks simulated, steps done and compared, pair evaluations of all passes.
    mismatches : int
        Values that differed; the simulation ends with the first step that has one.
    first_mismatch : dict or None
        As in `drai_hw.sim.core.SimResult`.
    counters : Counters
        Events of learning.
    coverage : dict of str to int
        Steps in which each feature was at work.
    seconds, run_seconds : float
        Wall time: all of it, and of the simulation alone.
    """

    cells: Mapping[str, int]
    cycles: int
    steps: int
    pair_updates: int
    mismatches: int
    first_mismatch: Mapping[str, Any] | None
    counters: Counters
    coverage: Mapping[str, int]
    seconds: float
    run_seconds: float


class _BusOnly(Comparison):
    """A comparison that looks into no memory: synthesis keeps none of their names."""

    def __init__(self, formats: Formats) -> None:
        from drai_hw.sim.cxxrtl.bench import twin_of

        nothing: dict[str, Any] = dict.fromkeys(MEMORIES)
        super().__init__(twin_of(formats), nothing)

    def compare(self, step: int) -> None:
        """Count the step; `NetlistMachine` compares what it reads."""
        self.compared += 1
        self.settle()


class NetlistMachine(CxxrtlMachine):
    """A compiled netlist: after every step all that the bus shows is read and compared.

    That is phases, margin bits, weights and event counters. Smoothed frequencies are not on the
    bus; they show in the weights, by the gate of resonance.
    """

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do ``steps`` runs of one step each; read and compare after each."""
        for step in range(steps):
            super().run(1, resume=resume or step > 0, **passes)
            self.read_phases()
            self.read_margins()
            self.read_weights()
            self.counters()


def synthesise(formats: Formats, family: str, folder: Path) -> Path:
    """Write the core as a netlist of a family's cells, ``netlist.v``.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.
    family : str
        One of `CELLS`.
    folder : Path
        Where it is written, with the script and the log.

    Raises
    ------
    SpecError
        Unknown family, replicas, or more than `LARGEST_N` oscillators.
    ToolError
        Yosys is missing or fails.
    """
    from drai_hw.rtl import emit
    from drai_hw.rtl.core import Core

    if family not in CELLS:
        raise SpecError(f"netlist = {family!r}: known are {', '.join(CELLS)}")
    if formats.n > LARGEST_N:
        raise SpecError(
            f"a netlist of {formats.n} oscillators: the simulation takes at most {LARGEST_N}, "
            "since compiling more takes too long; give a smaller network, or simulate the core "
            "with --simulator cxxrtl"
        )
    if formats.replicas > 1:
        raise SpecError(
            f"a netlist of {formats.replicas} replicas: the simulation takes one; give "
            "board.replicas = 1"
        )
    cells = CELLS[family]
    emit.write({"core.il": emit.rtlil(Core(formats, product=cells.product))}, folder)
    script = (
        f"read_rtlil core.il\n{cells.synth} -top {emit.NAME}\nwrite_verilog -noattr netlist.v\n"
    )
    run_pyosys(script, folder, "synthesis", f"yosys does not make a netlist for {family}")
    return folder / "netlist.v"


def with_models(netlist: Path, family: str, folder: Path) -> Path:
    """Put the models of a family's cells into a netlist; return Verilog without cells."""
    from drai_hw.rtl import emit

    cells = CELLS[family]
    reads = [f"read_verilog {netlist.resolve()}", f"read_verilog -defer {cells.read}"]
    reads += [f"read_verilog -defer {path.resolve()}" for path in cells.models]
    script = "\n".join(
        [
            *reads,
            f"hierarchy -check -top {emit.NAME}",
            "proc\nflatten -noscopeinfo\nopt_expr\nopt_clean",
            "write_verilog -noattr simulated.v\n",
        ]
    )
    run_pyosys(script, folder, "models", f"cells of {netlist.name} have no model for {family}")
    return folder / "simulated.v"


def cells_of(netlist: str) -> dict[str, int]:
    """Count the cells of a netlist by their kind."""
    return dict(sorted(Counter(_CELL.findall(netlist)).items()))


def run_netlist(
    spec: Spec,
    family: str,
    *,
    workdir: str | Path,
    steps: int = 64,
    seed: int = 1,
    script: str = "learn",
    formats: Formats | None = None,
    netlist: Path | None = None,
    cache: Path | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> NetlistResult:
    """Simulate the core after synthesis on CXXRTL, and compare it with the twin after every step.

    Parameters
    ----------
    spec : Spec
        The network.
    family : {"ecp5", "ice40"}
        Whose cells.
    workdir : path
        For the netlist, scripts and logs.
    steps : int
        Length, at least 1.
    seed : int
        Seed of the script.
    script : {"learn", "random"}
        See `drai_hw.sim.jobs.Job`.
    formats : Formats, optional
        Number formats and geometry instead of the network file's.
    netlist : Path, optional
        Netlist to be tested instead of the one that is made here.
    cache : Path, optional
        Folder of compiled models; ``cxxrtl`` in the working folder by default.
    progress : callable, optional
        Called with steps done and steps in all.

    Raises
    ------
    SpecError, ToolError
        As `synthesise`, or the compiler is missing or fails.
    """
    from drai_hw.rtl import emit

    started = time.monotonic()
    folder = Path(workdir)
    folder.mkdir(parents=True, exist_ok=True)
    formats = formats or plan.formats_of(spec)
    made = netlist or synthesise(formats, family, folder)
    source = with_models(made, family, folder)
    library = compiled(source, emit.NAME, cache or folder / "cxxrtl", flags=FLAGS)

    def tell(done: int) -> None:
        if progress:
            progress(done, steps)

    with Model(library, emit.NAME) as model:
        board = _BusOnly(formats)
        machine = NetlistMachine(model, board, True, tell)
        carry_out(Job(spec, script, steps=steps, seed=seed), machine)
        tell(machine.steps)
        return NetlistResult(
            cells=cells_of(made.read_text(encoding="utf-8")),
            cycles=model.clocks,
            steps=machine.steps,
            pair_updates=machine.pair_evaluations,
            mismatches=board.count,
            first_mismatch=board.mismatches[0] if board.mismatches else None,
            counters=board.twin.counters(),
            coverage=dict(board.coverage),
            seconds=round(time.monotonic() - started, 3),
            run_seconds=round(time.monotonic() - machine.begun, 3),
        )
