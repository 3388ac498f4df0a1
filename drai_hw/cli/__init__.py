"""The command `drai-hw`: one verb per module, imported when it is called."""

from __future__ import annotations

import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from typing import Any

import click

from drai_hw import __version__
from drai_hw.errors import DraiError

EXIT_OK, EXIT_CHECK, EXIT_INPUT, EXIT_INTERRUPTED = 0, 1, 2, 130
TRACEBACK_VARIABLE = "DRAI_HW_TRACEBACK"

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


class _Verbs(click.Group):
    """Group whose commands live in modules of their own and are imported on demand."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of a working day."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a verb."""
        if cmd_name not in VERBS:
            return None
        module = importlib.import_module(f"drai_hw.cli.verb_{cmd_name}")
        command: click.Command = module.command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl(list(VERBS.items()))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb; an unknown one is answered with the nearest known one."""
        name = args[0]
        if name not in VERBS and not name.startswith("-"):
            close = difflib.get_close_matches(name, VERBS, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known verbs: {', '.join(VERBS)}"
            raise click.UsageError(f"no verb {name!r}; {hint}", ctx)
        return super().resolve_command(ctx, args)


@click.group(
    cls=_Verbs,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="SPEC is a catalog name (pair, memory, letters, digits, solve) or the path of a network "
    "file. Exit status: 0 done and agreed, 1 a check failed, 2 bad input, 130 interrupted.",
)
@click.version_option(__version__, prog_name="drai-hw")
def group() -> None:
    """Make one network file into a model, a bit-exact twin, FPGA logic and a circuit."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and end the process with its exit status."""
    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))


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
    try:
        status: Any = group.main(list(arguments), prog_name="drai-hw", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except click.UsageError as error:
        return _usage(error)
    except click.ClickException as error:
        return _fail(error.format_message())
    except DraiError as error:
        _trace()
        return _fail(str(error))
    except (KeyboardInterrupt, click.Abort):
        click.echo("drai-hw: interrupted; finished stages are kept", err=True)
        return EXIT_INTERRUPTED
    except BrokenPipeError:
        # The reader of a pipe went away (`| head`): nobody is left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        return EXIT_CHECK
    except Exception as error:
        _trace()
        _fail(
            f"fault of drai-hw itself, not of your input: {type(error).__name__}: {error} "
            f"(set {TRACEBACK_VARIABLE}=1 to see where, and report it)"
        )
        return EXIT_CHECK


def _usage(error: click.UsageError) -> int:
    hint = ""
    if error.ctx is not None:
        hint = f"\n  see {error.ctx.command_path} --help"
    return _fail(f"{error.format_message()}{hint}")


def _fail(message: str) -> int:
    click.echo(f"drai-hw: error: {message}", err=True)
    return EXIT_INPUT


def _trace() -> None:
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        traceback.print_exc()
