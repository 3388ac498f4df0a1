"""Runs of ngspice side by side: one that fails, or Ctrl-C, ends all."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from functools import partial
from threading import Event
from typing import TypeVar

from drai_hw.spice.engine import Progress

T = TypeVar("T")


class StoppedError(Exception):
    """Say that another run failed or was interrupted."""


def side_by_side(
    jobs: Sequence[Callable[[Progress], T]],
    *,
    at_once: int | None = None,
    progress: Callable[[float, int], None] | None = None,
) -> list[T]:
    """
    Do all jobs and return what they return, in their order.

    A job runs in a thread, which only waits for an ngspice, a process of its own. When a job raises
    an exception, or the caller is interrupted, the others end at their next word of progress, which
    ngspice's runs give a few times a second: their processes are gone when this returns.

    Parameters
    ----------
    jobs : sequence of callable
        Each is called with what it shall tell its finished fraction to.
    at_once : int, optional
        So many at a time; as there are processors when omitted.
    progress : callable, optional
        Called with the finished fraction of all, and how many are done.

    Raises
    ------
    Exception
        What the first job that failed raised.
    """
    if not jobs:
        return []
    shares = [0.0] * len(jobs)
    stop = Event()

    def told(index: int, share: float) -> None:
        if stop.is_set():
            raise StoppedError
        shares[index] = share
        if progress is not None:
            progress(sum(shares) / len(shares), sum(each >= 1.0 for each in shares))

    with ThreadPoolExecutor(min(len(jobs), at_once or os.cpu_count() or 1)) as pool:
        futures = [pool.submit(job, partial(told, index)) for index, job in enumerate(jobs)]
        try:
            done, _ = wait(futures, return_when=FIRST_EXCEPTION)
            for future in done:
                future.result()
            return [future.result() for future in futures]
        except BaseException:
            stop.set()
            for future in futures:
                future.cancel()
            raise
