"""The command `drai-hw`: one verb per module, imported when it is called."""

from __future__ import annotations

import sys

from drai_hw import interrupts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

# `python -m drai_hw.cli` imports this package before anything of it runs.
if sys.argv[:1] == ["-m"]:
    interrupts.install()

EXIT_OK, EXIT_CHECK, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, interrupts.STATUS

VERBS = {
    "build": "The whole chain: model, twin, RTL, simulation, bitstream, SPICE, report.",
    "model": "Run the task on the float model and on the fixed-point twin.",
    "recall": "Store the rows of a pattern file by learning, recall corrupted copies.",
    "solve": "Look for the largest cut of a graph, or the lowest energy of its spins.",
    "rtl": "Write the core as Verilog.",
    "sim": "Simulate the core and compare it with the twin after every step.",
    "prove": "Prove that a unit follows its rule, or a property of the core.",
    "board": "Make a bitstream and read its area and speed.",
    "spice": "Write the learned network as a circuit; with --run, simulate it.",
    "extract": "Find the phase model of the circuit, three ways side by side.",
    "crossbar": "Solve a crossbar of devices with the resistance of its lines.",
    "lint": "Say why ngspice won't take a netlist of another simulator, and mend it.",
    "bench": "Time model and twin against peers and the machine's limit.",
    "doctor": "List every tool: found, version, source, what is lost without it.",
    "new": "Write a commented network file to start from.",
}
"""Verbs with the line that `drai-hw --help` shows, so that help needs none of their modules."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status."""
    interrupts.install()
    from drai_hw.cli.group import interrupted

    status = EXIT_INTERRUPTED
    try:
        interrupts.working()
        try:
            status = run(sys.argv[1:] if arguments is None else arguments)
        finally:
            interrupts.over()
    except KeyboardInterrupt:  # between two lines of ours
        interrupts.over()
        status = interrupted()
    if interrupts.asked():
        interrupts.stop_children()
        # Python remembers an interruption inside code that a library made from text, and would
        # end by SIGINT, not by the status; the next such code makes it forget.
        exec("")
    sys.exit(status)


def run(arguments: Sequence[str]) -> int:
    """
    Run the command line and return its exit status.

    Parameters
    ----------
    arguments:
        Words after the command's name.

    Returns
    -------
    int
        0 done and agreed; 1 a check failed; 2 bad input; 130 interrupted.
    """
    from drai_hw.cli.group import run_group

    return run_group(arguments)
