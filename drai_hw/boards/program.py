"""Loading a bitstream into a board with openFPGALoader."""

from __future__ import annotations

import shlex
import threading
from collections.abc import Sequence
from pathlib import Path

from drai_hw.boards.boardfile import Board
from drai_hw.boards.process import Progress, run_tool
from drai_hw.boards.toolchain import find_tool
from drai_hw.errors import SpecError


def program_command(
    board: Board,
    bitstream: str | Path,
    *,
    flash: bool = False,
    command: Sequence[str] = ("openFPGALoader",),
) -> tuple[str, ...]:
    """Return the words of the command that loads a bitstream.

    Parameters
    ----------
    board : Board
        Its ``programmer`` is openFPGALoader's name for the board.
    bitstream : str or Path
        File from `build`.
    flash : bool
        Into the flash memory, so that it is there after power-up, instead of straight into the
        device.
    command : sequence of str
        Words that start openFPGALoader.

    Raises
    ------
    SpecError
        If the board file names no programmer.
    """
    if board.programmer is None:
        raise SpecError(
            f"board {board.name!r} names no programmer; set `programmer` in its board.toml to a "
            "name from `openFPGALoader --list-boards`"
        )
    where = ("-f",) if flash else ()
    return (*command, "-b", board.programmer, *where, str(bitstream))


def command_text(words: Sequence[str]) -> str:
    """Write a command as one line that can be pasted into a shell."""
    return shlex.join(words)


def program(
    board: Board,
    bitstream: str | Path,
    *,
    flash: bool = False,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
) -> tuple[str, ...]:
    """Load a bitstream into the board that is plugged in; return the command used.

    Raises
    ------
    ToolError
        If openFPGALoader is missing or fails; quotes its own error line.
    SpecError
        If the bitstream does not exist or the board file names no programmer.
    """
    file = Path(bitstream)
    if not file.is_file():
        raise SpecError(f"bitstream {str(file)!r} does not exist; build it first")
    words = program_command(board, file, flash=flash)  # refuses before any tool is looked for
    tool = find_tool("openFPGALoader")
    words = program_command(board, file, flash=flash, command=tool.command)
    if progress is not None:
        progress(f"programming: {command_text(words)}")
    run_tool(
        "openFPGALoader",
        words,
        cwd=Path.cwd(),
        log=file.with_suffix(".program.log"),
        interesting=lambda line: f"programming: {line.strip()}" if line.strip() else None,
        progress=progress,
        cancel=cancel,
    )
    return words
