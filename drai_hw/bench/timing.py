"""How everything is timed: in turns, in processor time, medians; and the rows that come of it."""

from __future__ import annotations

import contextlib
import os
import statistics
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from drai_hw.errors import DraiError

Work = Callable[[], object]
Key = TypeVar("Key", bound=Hashable)

UNIT = "ns per ordered pair and step"
ROUND_S = 0.02
"""Calls are repeated within a round until they take about this long."""

THREAD_VARIABLES = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "BLIS_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "NUMBA_NUM_THREADS", "RAYON_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"),
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Parameters
    ----------
    task : str
        What is done, and by which form of ours.
    n : int
        Oscillators.
    precision : str
        Number format of ours.
    ours, theirs : float or None
        Median times in ``unit``; None where it could not run.
    against : str
        What ours is compared with, its precision included.
    ratio : float or None
        theirs / ours: above 1, ours is faster.
    unit : str
        Unit of ``ours`` and ``theirs``.
    reason : str
        Why the row could not run; empty where it did.
    target : str
        What the project asks of the row; empty where it asks nothing.
    met : bool or None
        Whether the target was met; None without target or figures.
    """

    task: str
    n: int
    precision: str
    ours: float | None
    theirs: float | None
    against: str
    ratio: float | None
    unit: str = UNIT
    reason: str = ""
    target: str = ""
    met: bool | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the row as the command prints it."""
        return asdict(self)


@dataclass(frozen=True, kw_only=True)
class Target:
    """What is asked of a row: each bound that is given.

    Parameters
    ----------
    ratio : float, optional
        Least ratio.
    times : float, optional
        Ours is at most so many times theirs.
    ours : float, optional
        Largest value of ours, in the row's unit.
    """

    ratio: float | None = None
    times: float | None = None
    ours: float | None = None

    def __str__(self) -> str:
        """Return the bounds as a row shows them."""
        bounds = (
            ("ratio >= {:g}", self.ratio), ("ours <= {:g} theirs", self.times),
            ("ours <= {:g}", self.ours),
        )  # fmt: skip
        return ", ".join(text.format(bound) for text, bound in bounds if bound is not None)

    def is_met(self, ours: float | None, theirs: float | None) -> bool | None:
        """Return whether two figures meet all bounds; None while one that counts is missing."""
        if ours is None or (theirs is None and self.ours is None):
            return None
        return not (
            (self.ratio is not None and theirs is not None and theirs < self.ratio * ours)
            or (self.times is not None and theirs is not None and ours > self.times * theirs)
            or (self.ours is not None and ours > self.ours)
        )


def keep_to_one_thread() -> None:
    """Tell numerical libraries that are loaded from now on to use one thread."""
    for variable in THREAD_VARIABLES:
        os.environ[variable] = "1"


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Keep loaded numerical libraries to one thread, as far as threadpoolctl knows them."""
    try:
        from threadpoolctl import threadpool_limits
    except ModuleNotFoundError:  # then the environment variables alone must do
        yield
        return
    with threadpool_limits(limits=1):
        yield


def time_in_turns(
    works: Mapping[Key, Work], rounds: int, clock: Callable[[], float] = time.process_time
) -> dict[Key, float]:
    """Return the median time of a call of each, in seconds of processor time.

    The works take turns, round by round, so that what else the machine does meets all of them
    alike. Processor time, because it leaves out the moments in which others had the core; it
    counts all threads, so that a library that took more of them would gain nothing.

    Parameters
    ----------
    works : mapping of anything to callable
        What to time; each is called once beforehand, to compile and to fill the caches.
    rounds : int
        Number of rounds, >= 1.
    clock : callable
        Returns seconds.
    """
    repeats: dict[Key, int] = {}
    for name, work in works.items():
        work()
        start = clock()
        work()
        repeats[name] = max(1, int(ROUND_S / max(clock() - start, 1e-7)))
    seconds: dict[Key, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = clock()
            for _ in range(repeats[name]):
                work()
            seconds[name].append((clock() - start) / repeats[name])
    return {name: statistics.median(values) for name, values in seconds.items()}


@dataclass(frozen=True)
class Entry:
    """One thing to time.

    Parameters
    ----------
    name : str
        As rows name it, with its version or precision.
    make : callable
        Returns the work, prepared; raises a `DraiError` where it cannot run.
    precision : str
        Number format.
    steps : int
        Steps a call of the work does.
    like_only : bool
        Compare with entries of the same precision only.
    """

    name: str
    make: Callable[[], Work]
    precision: str = ""
    steps: int = 1
    like_only: bool = False


def compare(
    task: str,
    n: int,
    ours: Sequence[Entry],
    theirs: Sequence[Entry],
    rounds: int,
    target: Callable[[Entry, Entry], Target | None] = lambda mine, other: None,
) -> list[Row]:
    """Time all entries in turns and return a row for each of ours against each of theirs.

    ``target`` returns what is asked of one of ours against one of theirs.
    """
    works: dict[Entry, Work] = {}
    reasons: dict[Entry, str] = {}
    for entry in (*ours, *theirs):
        try:
            works[entry] = entry.make()
        except DraiError as error:
            reasons[entry] = str(error)
    with one_thread():
        seconds = time_in_turns(works, rounds)
    per_pair = {entry: value / entry.steps / n**2 * 1e9 for entry, value in seconds.items()}
    rows = []
    for mine in ours:
        for other in theirs:
            if other.like_only and other.precision != mine.precision:
                continue
            a, b = per_pair.get(mine), per_pair.get(other)
            why = "; ".join(reasons[e] for e in (mine, other) if e in reasons)
            asked = target(mine, other)
            rows.append(
                Row(
                    task=f"{task}: {mine.name}",
                    n=n,
                    precision=mine.precision,
                    ours=a,
                    theirs=b,
                    against=f"{other.name} ({other.precision})" if other.precision else other.name,
                    ratio=b / a if a and b else None,
                    reason=why,
                    target=str(asked or ""),
                    met=asked.is_met(a, b) if asked else None,
                )
            )
    return rows
