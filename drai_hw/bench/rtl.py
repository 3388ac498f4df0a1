"""The core in its simulators: time a clock, after a check that their results are the same."""

from __future__ import annotations

import os
import re
import resource
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path

import numpy as np

from drai_hw import catalog
from drai_hw.bench.timing import Row, Target
from drai_hw.errors import DraiError, ToolError
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS, Command
from drai_hw.sim import SimResult, run_core
from drai_hw.sim.cxxrtl.build import compiled
from drai_hw.sim.cxxrtl.model import Model
from drai_hw.sim.runner import require_icarus
from drai_hw.sim.units import verilator
from drai_hw.spec import parse

SIZES = (35,)
LARGEST_N = 256
"""Above it Icarus alone would take minutes a round."""
UNIT = "us a clock"
ASKED = Target(ratio=50)
"""Of CXXRTL against Icarus on the core of `letters` (35 oscillators)."""

BARE_CLOCKS = {
    "icarus": (2_000, 22_000), "verilator": (20_000, 1_020_000), "cxxrtl": (20_000, 320_000),
}  # fmt: skip
NAMES = {"verilator": "Verilator", "cxxrtl": "CXXRTL"}
SAME_CLOCKS = 5_000
"""Clocks after which the states of Icarus and Verilator are compared."""

BENCH_STEPS = {"icarus": (4, 36), "cxxrtl": (36, 1_500)}
"""Two lengths of each run: their difference leaves the start of the simulator out."""

_RUN = {"STEPS": 1 << 20, "GAIN": 300, "ETA": 30_000, "GATES": 0, "DITHER": 4}
_RUN |= {"CONTROL": int(Command.RUN | Command.FIELD | Command.COUPLE | Command.LEARN)}
_WRITES = "\n".join(f"    write({REGISTERS[k].address}, {v});" for k, v in _RUN.items())
_TESTBENCH = f"""`timescale 1ns/1ps
module bench;
  reg clk = 0, rst = 1, we = 0, re = 0;
  reg [5:0] addr = 0;
  reg [31:0] wdata = 0;
  wire [31:0] rdata;
  wire ack, busy, step_done;
  integer clocks;
  {emit.NAME} core(.clk(clk), .rst(rst), .addr(addr), .wdata(wdata), .we(we), .re(re),
    .rdata(rdata), .ack(ack), .busy(busy), .step_done(step_done));
  always #5 clk = ~clk;
  task write(input [5:0] a, input [31:0] d);
    begin
      addr = a; wdata = d; we = 1;
      @(posedge ack); @(posedge clk); #1 we = 0; @(posedge clk); #1;
    end
  endtask
  initial begin
    if (!$value$plusargs("clocks=%d", clocks)) clocks = 0;
    #31 rst = 0; @(posedge clk); #1;
{_WRITES}
    repeat (clocks) @(posedge clk);
    if (!busy) $fatal(1, "the run ended");
    if ($test$plusargs("state")) begin
      for (clocks = 0; clocks < @PHASES@; clocks = clocks + 1) $display("%h", core.@PHASE@[clocks]);
      for (clocks = 0; clocks < @WORDS@; clocks = clocks + 1) $display("%h", core.@WORD@[clocks]);
    end
    $finish(0);
  end
endmodule
"""


def _spent_s() -> float:
    """Return the processor time of this process and of the children it has waited for."""
    both = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(used.ru_utime + used.ru_stime for used in both)


def _us_a_clock(run: Callable[[int], int], lengths: tuple[int, int], rounds: int) -> float:
    """Return the median time of a clock; ``run(length)`` returns the clocks it simulated."""
    run(lengths[0])  # what is compiled once, and files that the system has not read yet
    found = []
    for _ in range(rounds):
        spent, clocks = [], []
        for length in lengths:
            begun = _spent_s()
            clocks.append(run(length))
            spent.append(_spent_s() - begun)
        found.append((spent[1] - spent[0]) / (clocks[1] - clocks[0]) * 1e6)
    return statistics.median(found)


def formats_for(n: int) -> Formats:
    """Return formats of N oscillators; at 35 those of `letters`."""
    spec, _ = catalog.find("letters")
    if n == spec.network.oscillators:
        return plan.formats_of(spec)
    lanes, pages = plan.default_geometry(n)
    return Formats(n=n, lanes=lanes, pages=pages)


def _testbench(formats: Formats, folder: Path) -> list[str]:
    """Write the core and a run of it in Verilog: learning, nothing looked at; return the files.

    With ``+clocks=N`` the run goes so far, with ``+state`` phases and weights are printed then.
    """
    memories = emit.metadata(formats)["memories"]
    text = _TESTBENCH
    for name, depth, path in (("theta", "@PHASES@", "@PHASE@"), ("weights", "@WORDS@", "@WORD@")):
        text = text.replace(depth, str(memories[name]["depth"]))
        text = text.replace(path, memories[name]["path"])
    core = emit.verilog(Core(formats), command="drai-hw bench")
    return [str(path) for path in emit.write({"core.v": core, "bench.v": text}, folder).values()]


def _icarus(formats: Formats, folder: Path) -> list[str]:
    """Return the command of that run on Icarus."""
    require_icarus()
    program = str(folder / "bench.vvp")
    subprocess.run(["iverilog", "-g2005", "-o", program, *_testbench(formats, folder)], check=True)
    return ["vvp", "-n", program]


def _verilator(formats: Formats, folder: Path) -> list[str]:
    """Return the command of that run on Verilator, compiled for speed."""
    name, extra = verilator.program()
    command = [
        name, "--binary", "--timing", "--top-module", "bench", "-Wno-fatal", "-Wno-WIDTH", "-O3",
        "-CFLAGS", "-O3 -std=gnu++20 -fcoroutines", "-Mdir", str(folder / "verilated"),
        "-o", "bench", *_testbench(formats, folder),
    ]  # fmt: skip
    done = subprocess.run(
        command, env=os.environ | extra, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr + done.stdout).splitlines()
        wrong = [line for line in said if "error" in line.lower()] or said
        raise ToolError(f"verilator does not compile the core: {' '.join(wrong[:2])}")
    return [str(folder / "verilated" / "bench")]


def _bare(command: list[str]) -> Callable[[int], int]:
    """Return a run of the core alone by a command."""

    def run(clocks: int) -> int:
        subprocess.run([*command, f"+clocks={clocks}"], check=True, stdout=subprocess.DEVNULL)
        return clocks

    return run


def state_after(command: list[str], clocks: int) -> list[str]:
    """Return phases and weights after so many clocks of a run, one hexadecimal word each."""
    given = [*command, f"+clocks={clocks}", "+state"]
    text = subprocess.run(given, check=True, capture_output=True, text=True).stdout
    return re.findall(r"^[0-9a-f]+$", text, re.MULTILINE)


def _bare_cxxrtl(formats: Formats, folder: Path) -> Callable[[int], int]:
    """Return the same run of the compiled core."""
    files = emit.write({"core.il": emit.rtlil(Core(formats))}, folder)
    model = Model(compiled(files["core.il"], emit.NAME, folder / "cxxrtl"), emit.NAME)
    model.write(list(_RUN), np.array(list(_RUN.values())))

    def run(clocks: int) -> int:
        model.tick(clocks)
        return clocks

    return run


def _compared(formats: Formats, simulator: str, folder: Path, steps: int) -> SimResult:
    """Run the core with learning, compared with the twin after every step."""
    spec = parse(
        f'schema = 1\n[network]\nname = "bench"\noscillators = {formats.n}\n[task]\nkind = "lock"\n'
    )
    result = run_core(
        spec, workdir=folder / simulator, cache=folder / "cxxrtl", formats=formats, steps=steps,
        script="learn", simulator=simulator,
    )  # fmt: skip
    if result.mismatches:
        raise AssertionError(f"twin and core in {simulator} differ: {result.first_mismatch}")
    return result


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: the core alone, and with its bench; Verilator only alone.

    Raises
    ------
    AssertionError
        When a simulator's core differs from the twin, or the two simulators from each other.
    """
    if n > LARGEST_N:
        why = f"at most {LARGEST_N} oscillators: Icarus would take minutes a round"
        yield _to_row("core alone, learning", n, {}, why)
        return
    formats = formats_for(n)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        commands: dict[str, list[str]] = {}

        def alone(simulator: str) -> Callable[[int], int]:
            if simulator == "cxxrtl":
                return _bare_cxxrtl(formats, folder)
            make = _icarus if simulator == "icarus" else _verilator
            commands[simulator] = make(formats, folder)
            return _bare(commands[simulator])

        yield from _rows("core alone, learning", n, rounds, BARE_CLOCKS, alone)
        if len(commands) == 2:
            one, other = (state_after(command, SAME_CLOCKS) for command in commands.values())
            if one != other or not one:
                raise AssertionError(f"the states of Icarus and Verilator differ at N = {n}")

        def with_bench(simulator: str) -> Callable[[int], int]:
            return lambda steps: _compared(formats, simulator, folder, steps).cycles

        (row,) = _rows(
            "core compared with its twin after every step", n, rounds, BENCH_STEPS, with_bench
        )
        if not row.reason:
            steps = BENCH_STEPS["icarus"][1]
            run = partial(_compared, formats, folder=folder, steps=steps)
            if run("icarus").digest != run("cxxrtl").digest:
                raise AssertionError(f"the states of Icarus and CXXRTL differ at N = {n}")
        yield row


def _rows(
    task: str,
    n: int,
    rounds: int,
    lengths: dict[str, tuple[int, int]],
    make: Callable[[str], Callable[[int], int]],
) -> Iterator[Row]:
    """Yield the time a clock of each simulator beside that of Icarus, CXXRTL first."""
    figures: dict[str, float] = {}
    reasons = {}
    for simulator in reversed(lengths):
        try:
            figures[simulator] = _us_a_clock(make(simulator), lengths[simulator], rounds)
        except DraiError as error:
            reasons[simulator] = str(error)
    for simulator in reversed(lengths):
        if simulator != "icarus":
            why = [text for name, text in reasons.items() if name in (simulator, "icarus")]
            yield _to_row(task, n, figures, "; ".join(why), simulator)


def _to_row(
    task: str, n: int, figures: Mapping[str, float], reason: str, simulator: str = "cxxrtl"
) -> Row:
    ours, theirs = figures.get(simulator), figures.get("icarus")
    asked = ASKED if n == SIZES[0] and simulator == "cxxrtl" else None
    return Row(
        task=f"{task}: {NAMES[simulator]}",
        n=n,
        precision="integer",
        ours=ours,
        theirs=theirs,
        against="Icarus Verilog",
        ratio=theirs / ours if ours and theirs else None,
        unit=UNIT,
        reason=reason,
        target=str(asked or ""),
        met=asked.is_met(ours, theirs) if asked else None,
    )
