"""Child processes that can be stopped whole, with everything they started."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

MEMORY_BYTES = 8 << 30
"""Most memory of a program that reads a user's design; a machine with less gives 3/4 of its own."""

FILE_BYTES = 1 << 30
"""Longest file that such a program may write, its log included."""


def bounded(command: Sequence[str]) -> list[str]:
    """
    Return a command that cannot use up the memory or the disk of the machine.

    It gets at most `MEMORY_BYTES` of memory and `FILE_BYTES` in a file: a design may unroll, or
    print, without end. Where there is no shell to set the limits, the command is returned as it is.

    Parameters
    ----------
    command:
        Program and its words.
    """
    shell = shutil.which("sh")
    if shell is None:
        return list(command)
    physical = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    memory_kib = min(MEMORY_BYTES, 3 * physical // 4) >> 10
    limits = f"ulimit -v {memory_kib} && ulimit -f {FILE_BYTES >> 9}"
    return [shell, "-c", f'{limits} && exec "$@"', "sh", *command]


@contextlib.contextmanager
def own_temporary_files() -> Iterator[dict[str, str]]:
    """
    Give a program a folder for its temporary files, which is removed with all that it holds.

    A compiler that is killed leaves its own behind. Where no folder can be made, it is told
    nothing, and says itself what it can't write.

    Yields
    ------
    dict
        Environment of this process with ``TMPDIR`` set to that folder.
    """
    try:
        made = tempfile.TemporaryDirectory(prefix="drai-hw-", ignore_cleanup_errors=True)
    except OSError:
        yield dict(os.environ)
        return
    with made as folder:
        yield {**os.environ, "TMPDIR": folder}


def how_it_ended(status: int) -> str:
    """
    Return what the exit status of a bounded program says, for messages.

    Parameters
    ----------
    status:
        As of `subprocess.Popen.returncode`: negative for a signal.
    """
    if status >= 0:
        return f"status {status}"
    if status == -signal.SIGXFSZ:
        return f"a file of more than {FILE_BYTES >> 30} GiB: it prints or dumps without end"
    name = signal.Signals(-status).name
    return f"{name}: ended from outside, by a fault of its own, or for want of memory"


def descendants(pid: int) -> list[int]:
    """
    Return the processes that a process started, and theirs, nearest first.

    Tools may start their children in sessions of their own, where a signal to the process group
    does not reach them; the kernel's table of parents still knows them. Where there is no such
    table (no ``/proc``), the list is empty.
    """
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            # The name in brackets may contain blanks; the parent is the second field after it.
            fields = entry.read_text().rpartition(")")[2].split()
            children.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found: list[int] = []
    queue = [pid]
    while queue:
        for child in children.get(queue.pop(0), []):
            found.append(child)
            queue.append(child)
    return found


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.kill(pid, number)


def stop_all(processes: list[subprocess.Popen[str]], grace_s: float = 3.0) -> None:
    """
    Stop processes and everything they started.

    Each is asked first (SIGTERM), so that it can stop its own children and remove its files; what
    is left after the grace period is killed.

    Parameters
    ----------
    processes:
        Running or finished processes.
    grace_s:
        Time to end by themselves, in seconds.
    """
    families = {process.pid: descendants(process.pid) for process in processes}
    for process in processes:
        _signal(process.pid, signal.SIGTERM)
    deadline = time.monotonic() + grace_s
    for process in processes:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(max(0.0, deadline - time.monotonic()))
    for process in processes:
        if process.poll() is None:
            families[process.pid] += descendants(process.pid)
            _signal(process.pid, signal.SIGKILL)
            process.wait()
        for child in families[process.pid]:
            _signal(child, signal.SIGKILL)


def end_descendants(grace_s: float = 3.0) -> None:
    """
    End all descendants of this process: asked first (SIGTERM), killed after the grace period.

    Parameters
    ----------
    grace_s:
        Time to end by themselves, in seconds; as long again is waited for the killed.
    """
    for child in descendants(os.getpid()):
        _signal(child, signal.SIGTERM)
    begun = time.monotonic()
    while (left := _living()) and (waited := time.monotonic() - begun) < 2 * grace_s:
        if waited > grace_s:  # every time anew: one may start another while it is being killed
            for child in left:
                _signal(child, signal.SIGKILL)
        time.sleep(0.02)


def _living() -> list[int]:
    """Return the descendants that have not ended, and take the status of children that have."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return descendants(os.getpid())
