"""Ending a simulation of a user's design that gets nowhere, or uses up the machine."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from drai_hw.processes import FILE_BYTES, MEMORY_BYTES, descendants

_POLL_S = 0.25


@contextmanager
def ended_when_stuck(
    progress: Path, log: Path, limit_s: float | None, poll_s: float = _POLL_S
) -> Iterator[list[str]]:
    """Kill what this process starts meanwhile once it is stuck, prints or grows without end.

    Parameters
    ----------
    progress : Path
        File that is rewritten with every step done.
    log : Path
        What the program prints; at most `FILE_BYTES`.
    limit_s : float or None
        Longest time without a step, seconds; None watches nothing.
    poll_s : float
        Time between two looks, seconds.

    Yields
    ------
    list of str
        Why it was ended; empty as long as it was not.
    """
    reasons: list[str] = []
    if limit_s is None:
        yield reasons
        return
    others = set(descendants(os.getpid()))
    over = threading.Event()

    def watch() -> None:
        seen, since = None, time.monotonic()
        while not over.wait(poll_s):
            now = _changed(progress)
            if now != seen:
                seen, since = now, time.monotonic()
            found = [pid for pid in descendants(os.getpid()) if pid not in others]
            if time.monotonic() - since > limit_s:
                reason = (
                    f"no step was done for {limit_s:g} s: a loop without a clock in it? "
                    "(--time-limit S gives it longer)"
                )
            elif log.exists() and log.stat().st_size > FILE_BYTES:
                reason = f"it prints without end: more than {FILE_BYTES >> 30} GiB"
            elif sum(map(_memory_bytes, found)) > MEMORY_BYTES:
                reason = f"it needs more than {MEMORY_BYTES >> 30} GiB of memory"
            else:
                continue
            if found and not reasons:
                reasons.append(reason)
            for pid in found:
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield reasons
    finally:
        over.set()
        thread.join()


def _changed(path: Path) -> int | None:
    with contextlib.suppress(OSError):
        return path.stat().st_mtime_ns
    return None


def _memory_bytes(pid: int) -> int:
    """Return the memory that a process has in use, 0 once it has ended."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0
