"""The verbs as a group of click, and what each way of ending becomes on the command line."""

from __future__ import annotations

import contextlib
import difflib
import importlib
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from drai_hw import __version__, interrupts
from drai_hw.cli import EXIT_CHECK, EXIT_INPUT, EXIT_INTERRUPTED, VERBS
from drai_hw.errors import DraiError, ToolError
from drai_hw.files import system_failure, want_of_space

TRACEBACK_VARIABLE = "DRAI_HW_TRACEBACK"


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


def run_group(arguments: Sequence[str]) -> int:
    """Run a verb and return the exit status, see `drai_hw.cli.run`."""
    try:
        status: Any = group.main(list(arguments), prog_name="drai-hw", standalone_mode=False)
        sys.stdout.flush()
        return int(status or 0)
    except (KeyboardInterrupt, click.Abort):
        return interrupted()
    except click.UsageError as error:
        return _usage(error)
    except Exception as error:
        # Libraries turn an interruption that comes while they load into errors of their own.
        return interrupted() if interrupts.asked() else _failed(error)


def interrupted() -> int:
    """Say that the work was interrupted; return the exit status."""
    _tell(interrupts.MESSAGE)
    return EXIT_INTERRUPTED


def _failed(error: Exception) -> int:
    if isinstance(error, BrokenPipeError):
        # The reader of a pipe went away (`| head`): nobody is left to tell.
        _drop_output()
        return EXIT_CHECK
    _trace()
    if isinstance(error, click.ClickException):
        return _fail(error.format_message())
    if isinstance(error, ToolError) and (note := want_of_space(Path.cwd())):
        return _fail(str(error) if "bytes are free" in str(error) else f"{error}; {note}")
    if isinstance(error, DraiError):
        return _fail(str(error))
    if (reason := system_failure(error)) is not None:
        if isinstance(error, OSError) and error.filename is None:
            _drop_output()
        return _fail(reason)
    if note := want_of_space(Path.cwd()):
        return _fail(f"{type(error).__name__}: {error}; {note}")
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
    _tell(f"drai-hw: error: {message}")
    return EXIT_INPUT


def _tell(message: str) -> None:
    with contextlib.suppress(OSError):  # standard error may be closed or full; the status tells
        click.echo(message, err=True)


def _drop_output() -> None:
    """Give up standard output, which takes no more: Python would try again at its end."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


def _trace() -> None:
    if os.environ.get(TRACEBACK_VARIABLE):
        import traceback

        traceback.print_exc()
