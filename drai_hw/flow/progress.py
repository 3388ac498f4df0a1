"""Progress on standard error: a live table on a terminal, one line per finished stage elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Protocol, TextIO

from drai_hw.flow.stages import Outcome, Stage

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID


class Reporter(Protocol):
    """What the engine tells about its work."""

    def __enter__(self) -> Reporter:
        """Begin."""

    def __exit__(self, *exception: object) -> None:
        """End, leaving the terminal as it was."""

    def started(self, stage: Stage) -> None:
        """Say that a stage has begun to run."""

    def advanced(self, stage: Stage, fraction: float | None, text: str) -> None:
        """Say how far a stage has come."""

    def finished(self, stage: Stage, outcome: Outcome) -> None:
        """Say what became of a stage."""


def line(outcome: Outcome) -> str:
    """Return the one line that tells what became of a stage."""
    time = f"{outcome.seconds:7.1f} s" if outcome.status in ("done", "failed") else " " * 9
    return f"{outcome.name:<8}{outcome.status:<8}{time}  {outcome.reason}".rstrip()


class LineReporter:
    """
    Write one plain line per finished stage: for logs and pipes.

    Parameters
    ----------
    stream:
        Where to; None writes nothing.
    """

    def __init__(self, stream: TextIO | None):
        self._stream = stream

    def __enter__(self) -> LineReporter:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def started(self, stage: Stage) -> None:
        """Say nothing: a log wants results."""

    def advanced(self, stage: Stage, fraction: float | None, text: str) -> None:
        """Say nothing: a log wants results."""

    def finished(self, stage: Stage, outcome: Outcome) -> None:
        """Write the stage's line."""
        if self._stream is not None:
            print(line(outcome), file=self._stream, flush=True)


class LiveReporter:
    """
    Show running stages with a bar each; finished ones scroll up as plain lines.

    Parameters
    ----------
    stream:
        A terminal.
    """

    def __init__(self, stream: TextIO):
        from rich.console import Console
        from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

        self._progress: Progress = Progress(
            SpinnerColumn(),
            TextColumn("{task.description:<7}"),
            BarColumn(bar_width=24),
            TimeElapsedColumn(),
            TextColumn("{task.fields[text]}", style="dim", markup=False),
            console=Console(file=stream),
            transient=True,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> LiveReporter:
        self._progress.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._progress.stop()

    def started(self, stage: Stage) -> None:
        """Open the stage's bar."""
        self._tasks[stage.name] = self._progress.add_task(stage.name, total=None, text="")

    def advanced(self, stage: Stage, fraction: float | None, text: str) -> None:
        """Move the stage's bar."""
        task = self._tasks[stage.name]
        if fraction is None:
            self._progress.update(task, text=text)
        else:
            self._progress.update(task, total=1.0, completed=fraction, text=text)

    def finished(self, stage: Stage, outcome: Outcome) -> None:
        """Replace the stage's bar by its line."""
        if stage.name in self._tasks:
            self._progress.remove_task(self._tasks.pop(stage.name))
        colour = {"done": "green", "cached": "cyan", "failed": "red", "skipped": "yellow"}
        self._progress.console.print(
            line(outcome), style=colour[outcome.status], markup=False, highlight=False
        )


def reporter_for(stream: TextIO | None = None) -> Reporter:
    """Return the live display on a terminal, plain lines elsewhere; default standard error."""
    target = sys.stderr if stream is None else stream
    return LiveReporter(target) if target.isatty() else LineReporter(target)
