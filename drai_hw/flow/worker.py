"""The process in which one stage runs: its prints go to a log, its messages to the parent."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import threading
import traceback
from pathlib import Path
from types import FrameType
from typing import Any, TextIO

from drai_hw.errors import DraiError
from drai_hw.files import system_failure
from drai_hw.flow.stages import CheckFailed, Context

LOG_NAME = "stage.log"


def _die_with_parent(job_pipe: TextIO) -> None:
    """End this process and its children when the parent is gone (its end of the pipe closes)."""
    job_pipe.read()
    os.killpg(os.getpgrp(), signal.SIGTERM)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    # Raised in the main thread so that a stage's own clean-up (its children, its files) runs.
    signal.signal(signum, signal.SIG_IGN)
    raise KeyboardInterrupt


def _answer(error: BaseException) -> dict[str, Any]:
    if isinstance(error, CheckFailed):
        return {"kind": "check", "reason": str(error), "result": error.result}
    if isinstance(error, DraiError):
        return {"kind": "input", "reason": str(error)}
    if isinstance(error, Exception) and (reason := system_failure(error)) is not None:
        return {"kind": "input", "reason": reason}
    name = type(error).__name__
    return {"kind": "fault", "reason": f"{name}: {error}" if str(error) else name}


def main() -> int:
    """Run the stage described by the first line of standard input; return the exit status."""
    try:
        signal.signal(signal.SIGTERM, _interrupt)
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides, and says so by SIGTERM
        return _serve()
    except KeyboardInterrupt:  # also one that comes before the stage has begun
        return 130


def _serve() -> int:
    channel = os.fdopen(os.dup(1), "w", buffering=1)
    order = sys.stdin.readline()
    if not order:  # the parent was interrupted before it said what to do
        return 130
    job = json.loads(order)
    workdir = Path(job["workdir"])
    null = os.open(os.devnull, os.O_RDWR)
    job_pipe = os.fdopen(os.dup(0))
    os.dup2(null, 0)
    threading.Thread(target=_die_with_parent, args=(job_pipe,), daemon=True).start()

    lock = threading.Lock()  # some tools tell their progress from a thread of their own

    def send(message: dict[str, Any]) -> None:
        with lock:
            channel.write(json.dumps(message, allow_nan=False) + "\n")

    def progress(fraction: float | None, text: str) -> None:
        send({"fraction": fraction, "text": text})

    try:
        # What the stage and its tools print must neither reach the terminal nor mix with messages.
        os.dup2(null, 1)
        os.dup2(null, 2)
        log = os.open(workdir / LOG_NAME, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
        os.dup2(log, 1)
        os.dup2(log, 2)
        module, _, function = job["function"].partition(":")
        context = Context(
            inputs=job["inputs"],
            results=job["results"],
            folders={name: Path(path) for name, path in job["folders"].items()},
            workdir=workdir,
            fates=tuple(job["fates"]),
            progress=progress,
        )
        result = getattr(importlib.import_module(module), function)(context)
        send({"result": result})
    except Exception as error:
        send({"error": _answer(error)})
        with contextlib.suppress(OSError):  # the log may lie on a full disk
            traceback.print_exc()
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
