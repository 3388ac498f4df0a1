"""Benches of single designs: readable files that drive emitted Verilog with this kit."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
import tempfile
from pathlib import Path
from string import Template

from drai_hw.errors import DraiError, SpecError
from drai_hw.rtl.emit import NAME
from drai_hw.sim.runner import require_icarus, run_bench
from drai_hw.sim.views import wave_view
from drai_hw.spec import Spec

RTL_VARIABLE = "DRAI_HW_RTL"
GLANCE_VARIABLE = "DRAI_HW_GLANCE"
NETWORK_FILE = "network.json"
RUN_FILE = "run.py"
VIEW_FILE = f"{NAME}.gtkw"
SURFER_FILE = f"{NAME}.sucl"
DUMP_FILE = f"{NAME}.fst"
# What decides a core and its task; circuit and board do not.
_SECTIONS = ("schema", "network", "formats", "dynamics", "learning", "shil", "task")
_BELONGS = (
    "Generated files belong to whoever generated them: use, change and license this one "
    "as you like."
)

_BENCH = Template('''\
"""Bench of the design $name: the RTL does its task, equal to its twin after every step.

Made by: $command
$belongs
"""

import json
import os
from pathlib import Path

import cocotb
from cocotb.task import bridge

from drai_hw.model import tasks
from drai_hw.model.machine import Machine
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.sim.bus import Bus, clocks_now
from drai_hw.sim.jobs import beginning
from drai_hw.sim.machine import RtlMachine
from drai_hw.sim.scoreboard import Scoreboard
from drai_hw.spec import validate

# The folder of the Verilog also tells its formats and the places of its memories.
FACTS = json.loads((Path(os.environ["$rtl_variable"]) / "$core.json").read_text())
SPEC = validate(json.loads(Path(__file__).with_name("$network").read_text()), "$network")
if "$glance_variable" in os.environ:  # one epoch and a few steps, for a dump of waves
    SPEC = beginning(SPEC)


$task

@cocotb.test()
async def ${identifier}_is_equal_to_its_twin_after_every_step(dut) -> None:
    """Do the task on both; the first difference in phases, margin bits or weights ends it."""
    twin = Twin(Formats(**FACTS["formats"]))
    bus = Bus(dut)
    scoreboard = Scoreboard(dut, twin, FACTS["memories"])
    machine = RtlMachine(bus, dut, scoreboard)
    await bus.start()
    # The task is ordinary code that waits for its machine, so it runs in a thread of its own.
    await bridge(do_task)(machine)
    assert scoreboard.compared == machine.steps > 0
    cocotb.log.info(f"{machine.steps} steps compared, {clocks_now()} clocks")
''')

_RECALL = Template('''\
def do_task(machine: Machine) -> None:
    """Store the patterns by learning, then recall corrupted ones: each pattern once."""
    patterns = tasks.patterns_of(SPEC)
    trials = tasks.trials_of(SPEC, patterns, min(SPEC.task.trials, len(patterns.values)))
    tasks.prepare(machine, SPEC)
    learned = tasks.learn(machine, SPEC, patterns.values)
    recalled = tasks.recall(machine, SPEC, trials, patterns.values)
    cocotb.log.info(f"{learned.presentations} presentations, recalled: {recalled.exact}")
''')

_LOCK = Template('''\
def do_task(machine: Machine) -> None:
    """Let the oscillators settle."""
    tasks.prepare(machine, SPEC)
    locked = tasks.lock(machine, SPEC)
    cocotb.log.info(f"offsets {locked.offsets_rad} rad")
''')

_RUN = Template('''\
"""Run $bench.py: exit status 0 if the RTL is equal to its twin, else 1.

Made by: $command
$belongs

python run.py [--waves] [FOLDER of $core.v; default ../../rtl/$name]
"""

import sys
from pathlib import Path

from drai_hw.sim.designs import main

HERE = Path(__file__).resolve().parent

if __name__ == "__main__":
    sys.exit(main(HERE, "$bench", HERE.parents[1] / "rtl" / "$name"))
''')


def texts(spec: Spec, verilog: str, *, command: str) -> dict[str, str]:
    """Return the bench of a design: file name to content, the same bytes every time.

    Parameters
    ----------
    spec : Spec
        The network; patterns from a file must be in it as rows.
    verilog : str
        Its core, as `drai_hw.rtl.emit.verilog` wrote it.
    command : str
        What made the files, for their heads.
    """
    name = spec.network.name
    data = spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    words = {
        "name": name,
        "identifier": re.sub(r"\W", "_", name),
        "bench": bench_module(name),
        "command": command,
        "belongs": _BELONGS,
        "core": NAME,
        "network": NETWORK_FILE,
        "rtl_variable": RTL_VARIABLE,
        "glance_variable": GLANCE_VARIABLE,
    }
    task = (_LOCK if spec.task.kind == "lock" else _RECALL).substitute(words)
    return {
        f"{words['bench']}.py": _BENCH.substitute(words, task=task),
        RUN_FILE: _RUN.substitute(words),
        NETWORK_FILE: json.dumps({key: data[key] for key in _SECTIONS}, indent=2) + "\n",
        VIEW_FILE: wave_view(verilog, dump=DUMP_FILE, command=command),
    }


def bench_module(name: str) -> str:
    """Return the name of the bench's module, an identifier."""
    return "bench_" + re.sub(r"\W", "_", name)


def run(folder: Path, bench: str, rtl: Path, *, workdir: Path, waves: bool = False) -> None:
    """Run the bench in a folder on the Verilog in another.

    Parameters
    ----------
    folder : Path
        Holds the bench; with ``waves`` a dump appears there, once the run is over.
    bench : str
        Its module.
    rtl : Path
        Holds ``drai_core.v`` and ``drai_core.json``.
    workdir : Path
        For the simulator's files and logs.
    waves : bool
        Do only the beginning of the task, and dump all signals.

    Raises
    ------
    ToolError
        Icarus Verilog is missing, or the bench failed: RTL and twin differ.
    """
    dump = workdir / DUMP_FILE
    environment = {RTL_VARIABLE: str(rtl.resolve())}
    if waves:
        environment[GLANCE_VARIABLE] = "1"
    try:
        run_bench(
            [rtl / f"{NAME}.v"],
            NAME,
            bench,
            workdir,
            environment=environment,
            module_folder=folder,
            waves=dump if waves else None,
        )
    finally:
        if waves and dump.exists():  # of a failed run too: it is the one to look at
            os.replace(dump, folder / DUMP_FILE)


def check_ready(rtl: Path) -> None:
    """Raise `DraiError` unless Verilog, metadata and simulator are there."""
    missing = [name for name in (f"{NAME}.v", f"{NAME}.json") if not (rtl / name).is_file()]
    if missing:
        raise SpecError(
            f"folder {str(rtl)!r} has no {' and no '.join(missing)}; `drai-hw rtl SPEC -o "
            f"{rtl}` makes them, or give the folder that has them"
        )
    require_icarus()


def main(folder: Path, bench: str, rtl: Path, arguments: list[str] | None = None) -> int:
    """Run the bench of a folder as its ``run.py`` does; return the exit status.

    0: equal to the twin; 1: the bench failed; 2: it could not be run.

    Parameters
    ----------
    folder : Path
        Holds the bench.
    bench : str
        Its module.
    rtl : Path
        Default folder of the Verilog.
    arguments : list of str, optional
        Command line without the program's name.
    """
    parser = argparse.ArgumentParser(
        description=f"Run {bench}.py: the RTL does its task and is compared with its twin after "
        "every step. Exit status 1 at the first difference."
    )
    parser.add_argument(
        "rtl", nargs="?", type=Path, default=rtl, help=f"folder of {NAME}.v and {NAME}.json"
    )
    parser.add_argument(
        "--waves",
        action="store_true",
        help=f"only one epoch of learning and a few steps, with all signals in {DUMP_FILE} "
        f"beside the bench; then `gtkwave {VIEW_FILE}` there",
    )
    given = parser.parse_args(arguments)
    status = 2
    try:
        check_ready(given.rtl)
        status = 1
        # With a dump inside the folder, so that it can be moved into its place in one step.
        inside = folder if given.waves else None
        with tempfile.TemporaryDirectory(prefix=".run-", dir=inside) as scratch:
            run(folder, bench, given.rtl, workdir=Path(scratch), waves=given.waves)
    except DraiError as error:
        print(f"{bench}: error: {error}", file=sys.stderr)
        return status
    print(f"{bench}: equal to the twin after every step", file=sys.stderr)
    return 0
