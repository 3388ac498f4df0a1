"""Long runs that can be interrupted: their state on disk, complete or absent."""

from __future__ import annotations

import io
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.files import made_whole
from drai_hw.model.machine import Settings

EVERY_S = 10.0  # wall-clock time between two writes of a long run
_REST = "rest.json"  # what is no array: numbers, registers, the state of a random generator


def write(path: Path, state: dict[str, Any]) -> None:
    """Write a machine's snapshot, with anything that JSON can hold beside it.

    Raises
    ------
    SpecError
        When the file cannot be written.
    """
    arrays = {name: value for name, value in state.items() if isinstance(value, np.ndarray)}
    rest = {name: _plain(value) for name, value in state.items() if name not in arrays}
    everything: Any = arrays | {_REST: np.array(json.dumps(rest))}
    whole = made_whole(path, what="checkpoint ", elsewhere="another place")
    with whole as beside, beside.open("wb") as file:
        np.savez(file, **everything)


def read(path: Path) -> dict[str, Any]:
    """Return what `write` wrote.

    Raises
    ------
    SpecError
        A file that is no checkpoint.
    """
    try:
        with np.load(io.BytesIO(path.read_bytes()), allow_pickle=False) as stored:
            state: dict[str, Any] = {name: stored[name] for name in stored.files if name != _REST}
            rest = dict(json.loads(str(stored[_REST])))
        if "settings" in rest:
            rest["settings"] = Settings(**rest["settings"])
    except Exception as error:  # readers of damaged archives raise whatever they trip over
        raise SpecError(
            f"checkpoint {str(path)!r} cannot be read ({type(error).__name__}: {error}): "
            "delete it to start anew"
        ) from None
    return state | rest


def _plain(value: Any) -> Any:
    return asdict(value) if isinstance(value, Settings) else value


class Rounds:
    """Rounds of a long run: counted, told to a progress callable, resumed from a checkpoint.

    Use it as a context and iterate over it; `number` is the round at hand, from 0. When the body
    raises (Ctrl-C included), the state at the end of the last complete round is on disk.

    Parameters
    ----------
    machine : object
        With `snapshot` and `restore`, where there is a checkpoint.
    path : Path or None
        The checkpoint; None runs without.
    limit : int
        Rounds at most.
    progress : callable, optional
        Told the rounds done and the limit.
    """

    def __init__(
        self,
        machine: Any,
        path: Path | None,
        limit: int,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self._machine, self._path, self._limit = machine, path, limit
        self._progress = progress
        self._state: dict[str, Any] | None = None
        self.number = 0
        self._start = 0

    def __enter__(self) -> Rounds:
        if self._path is not None:
            if not hasattr(self._machine, "snapshot"):
                raise SpecError(
                    f"checkpoint {str(self._path)!r}: {type(self._machine).__name__} cannot be "
                    "saved; only the float model and the twin can"
                )
            if self._path.exists():
                self._resume(read(self._path))
        return self

    def _resume(self, state: dict[str, Any]) -> None:
        mark = self._mark()
        if state.pop("network", None) != mark:
            raise SpecError(
                f"checkpoint {str(self._path)!r} is of another network or machine: delete it to "
                "start anew, or name another file"
            )
        self._start = int(state.pop("rounds"))
        self._machine.restore(state)

    def _mark(self) -> str:
        """Return what a checkpoint must be of to be taken up."""
        owner = getattr(self._machine, "spec", None) or getattr(self._machine, "formats", None)
        return f"{type(self._machine).__name__} {owner!r}"

    def __iter__(self) -> Iterator[int]:
        written = time.monotonic()
        for number in range(self._start, self._limit):
            self.number = number
            yield number
            if self._progress:
                self._progress(self.number + 1, self._limit)
            if self._path is not None:
                self._state = self._machine.snapshot() | {"rounds": self.number + 1}
                if time.monotonic() - written > EVERY_S:
                    self._save()
                    written = time.monotonic()

    def _save(self) -> None:
        if self._path is not None and self._state is not None:
            write(self._path, self._state | {"network": self._mark()})

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if kind is not None:
            self._save()
        elif self._path is not None:
            self._path.unlink(missing_ok=True)
