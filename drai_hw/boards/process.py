"""Running one tool: its output to a log, its progress to a callback, its life under control."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from drai_hw.errors import ToolError

Progress = Callable[[str], None]


class Interrupted(KeyboardInterrupt):
    """The caller's cancel event was set while a tool ran."""


def run_tool(
    name: str,
    command: Sequence[str],
    *,
    cwd: Path,
    log: Path,
    interesting: Callable[[str], str | None] = lambda line: None,
    progress: Progress | None = None,
    cancel: threading.Event | None = None,
    environment: Mapping[str, str] | None = None,
) -> float:
    """Run a tool to its end and return the seconds it took.

    The tool gets a process group of its own. Whatever leaves this function early (Ctrl-C, a set
    cancel event, an exception in ``progress``) ends the whole group first, politely, and after two
    seconds by force.

    Parameters
    ----------
    name : str
        Tool's name in messages.
    command : sequence of str
        Words that start it.
    cwd, log : Path
        Working directory, and the file that takes standard output and standard error together.
    interesting : callable
        Gives the progress text of an output line, or None for lines not worth showing.
    progress : callable, optional
        Called with each progress text, from the calling thread.
    cancel : threading.Event, optional
        When set, the tool is ended and `Interrupted` raised.
    environment : mapping, optional
        Environment of the tool; the process's own by default.

    Raises
    ------
    ToolError
        If the tool cannot start or ends with a status other than 0; quotes its own error line.
    Interrupted
        If ``cancel`` was set.
    """
    started = time.monotonic()
    offset = 0
    with log.open("wb") as sink:
        try:
            child = subprocess.Popen(
                list(command),
                cwd=cwd,
                stdin=subprocess.DEVNULL,
                stdout=sink,
                stderr=subprocess.STDOUT,
                env=dict(os.environ if environment is None else environment),
                start_new_session=True,
            )
        except OSError as error:
            raise ToolError(f"{name} cannot be started ({error.strerror}): {command[0]}") from None
        try:
            while True:
                try:
                    status: int | None = child.wait(timeout=0.1)
                except subprocess.TimeoutExpired:
                    status = None
                offset = _report(log, offset, interesting, progress)
                if status is not None:
                    break
                if cancel is not None and cancel.is_set():
                    raise Interrupted(f"{name} was cancelled")
        except BaseException:
            _end_group(child)
            raise
    if status != 0:
        raise ToolError(failure_text(name, status, log))
    return time.monotonic() - started


def failure_text(name: str, status: int, log: Path) -> str:
    """Say that a tool failed, with the error line from its log and the log's name."""
    lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
    errors = [line.strip() for line in lines if line.lstrip().lower().startswith("error")]
    said = errors[0] if errors else next((x.strip() for x in reversed(lines) if x.strip()), "")
    ended = f"was killed by signal {-status}" if status < 0 else f"ended with status {status}"
    quote = f"; it said: {said}" if said else "; it said nothing"
    return f"{name} {ended}{quote} (log: {log.name})"


def _report(
    log: Path,
    offset: int,
    interesting: Callable[[str], str | None],
    progress: Progress | None,
) -> int:
    """Pass on the complete lines written since ``offset``; return the new offset."""
    if progress is None:
        return offset
    with log.open("rb") as source:
        source.seek(offset)
        fresh = source.read()
    whole = fresh.rfind(b"\n") + 1
    for line in fresh[:whole].decode("utf-8", errors="replace").splitlines():
        text = interesting(line)
        if text:
            progress(text)
    return offset + whole


def _end_group(child: subprocess.Popen[bytes]) -> None:
    """End a child and everything it started."""
    # SIGTERM, because a caller that ignores SIGINT hands that down to its children.
    for number, patience_s in ((signal.SIGTERM, 2.0), (signal.SIGKILL, 10.0)):
        # Ended before the signal, or still alive after it: the group is asked again, harder.
        with contextlib.suppress(ProcessLookupError, subprocess.TimeoutExpired):
            os.killpg(child.pid, number)
            child.wait(timeout=patience_s)
    child.wait()
