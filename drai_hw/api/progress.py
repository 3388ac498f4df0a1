"""Progress of a long run, on standard error or told to a callable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

Progress = Callable[[int, int], None]


class shown:  # noqa: N801 - used like a function
    """A progress callable for the time of a run."""

    def __init__(self, progress: Progress | bool, text: str) -> None:
        self._wanted, self._text = progress, text
        self._bar: Any = None

    def __enter__(self) -> Progress | None:
        if callable(self._wanted):
            return self._wanted
        if not self._wanted:
            return None
        from rich.console import Console
        from rich.progress import Progress as Bar

        self._bar = Bar(console=Console(stderr=True), transient=True)
        self._bar.start()
        task = self._bar.add_task(self._text.partition("{")[0], total=None)
        return lambda done, of: self._bar.update(
            task, description=self._text.format(done=done, of=of)
        )

    def __exit__(self, *error: object) -> None:
        if self._bar is not None:
            self._bar.stop()
