"""Parts of a page, each a run that is kept as JSON, so that an interruption loses none."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

from drai_hw.errors import DraiError, SpecError
from drai_hw.files import write_whole
from drai_hw.spice.engine import Progress
from drai_hw.spice.side_by_side import side_by_side

Part = dict[str, Any]


def made(folder: Path, name: str, make: Callable[[], Part]) -> tuple[Part, bool]:
    """Return a part, from the folder if it is kept there, and whether it was made now."""
    path = folder / f"{name}.json"
    if path.is_file():
        return dict(json.loads(path.read_text(encoding="utf-8"))), False
    part = make()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps(part, indent=1) + "\n")
    return part, True


def made_all(
    folder: Path, makers: Mapping[str, Callable[[], Part]], *, fresh: bool
) -> tuple[dict[str, Part], int]:
    """
    Return all parts, and 1 if one failed, else 0; each is told of on standard error.

    Parameters
    ----------
    folder : Path
        Where parts are kept.
    makers : mapping of str to callable
        What makes each part.
    fresh : bool
        Make kept parts again.
    """
    parts: dict[str, Part] = {}
    failed = 0
    for name, make in makers.items():
        if fresh:
            (folder / f"{name}.json").unlink(missing_ok=True)
        begun = time.monotonic()
        try:
            parts[name], now = made(folder, name, make)
        except DraiError as error:
            tell(f"{name}: {error}")
            parts[name], failed = {"missing": str(error)}, 1
        else:
            tell(f"{name}: {f'{time.monotonic() - begun:.1f} s' if now else 'kept'}")
    return parts, failed


def made_side_by_side(
    folder: Path,
    work: Sequence[tuple[str, Callable[[Progress], Part]]],
    *,
    processes: int | None = None,
    fresh: bool = False,
    tell: Callable[[int, int, str], None] | None = None,
) -> list[Part]:
    """
    Return parts in the order of the work, made side by side.

    Parameters
    ----------
    folder : Path
        Where parts are kept; what is there is not made again.
    work : sequence of (str, callable)
        Name and maker of each part; a maker may tell its progress, and is ended there when another
        one fails.
    processes : int, optional
        Parts made side by side, at least 1; as many as there are processors when omitted.
    fresh : bool
        Make kept parts again.
    tell : callable, optional
        Called with the finished and all parts, and the name of the last.

    Raises
    ------
    SpecError
        No process.
    """
    if processes is not None and processes < 1:
        raise SpecError(f"processes = {processes!r}: needed is at least 1")
    done, lock = count(1), Lock()

    def one(name: str, make: Callable[[Progress], Part], progress: Progress) -> Part:
        if fresh:
            (folder / f"{name}.json").unlink(missing_ok=True)
        part, _ = made(folder, name, partial(make, progress))
        with lock:
            if tell:
                tell(next(done), len(work), name)
        return part

    return side_by_side([partial(one, *each) for each in work], at_once=processes)


def page_parser(name: str, what: str | None, folder: Path, page: Path) -> argparse.ArgumentParser:
    """
    Return a parser with the options that every command which makes a page of parts has.

    Parameters
    ----------
    name : str
        The module that ``python -m`` runs.
    what : str or None
        Description.
    folder, page : Path
        Where parts are kept and the page is written unless told otherwise.
    """
    parser = argparse.ArgumentParser(prog=f"python -m {name}", description=what)
    parser.add_argument("--folder", type=Path, default=folder, help="where parts are kept")
    parser.add_argument("--page", type=Path, default=page, help="the page to write")
    parser.add_argument("--fresh", action="store_true", help="make every part again")
    parser.add_argument("--only", nargs="+", metavar="PART", help="only these parts, no page")
    return parser


def make_page(
    parser: argparse.ArgumentParser,
    arguments: Sequence[str],
    everything: Mapping[str, Callable[[], Part]],
    faults: Callable[[dict[str, Part]], Iterable[str]],
    write: Callable[[dict[str, Part], argparse.Namespace], None],
) -> int:
    """
    Make what is not kept, check it and write the page.

    Parameters
    ----------
    parser : ArgumentParser
        From `page_parser`, with what the command adds.
    arguments : sequence of str
        Command line.
    everything : mapping of str to callable
        What makes each part.
    faults : callable
        Tells what of all parts is not within its limit.
    write : callable
        Writes page and records from all parts and the options.

    Returns
    -------
    int
        1 if a part or a check failed, 130 when interrupted, else 0.
    """
    options = parser.parse_args(arguments)
    wanted = _chosen(parser, options.only, everything)
    try:
        parts, failed = made_all(options.folder, wanted, fresh=options.fresh)
    except KeyboardInterrupt:
        tell(f"interrupted; finished parts are kept in {options.folder}")
        return 130
    if options.only:
        return failed
    failed |= tell_faults(faults(parts))
    write(parts, options)
    return failed


def _chosen(
    parser: argparse.ArgumentParser,
    only: Sequence[str] | None,
    everything: Mapping[str, Callable[[], Part]],
) -> dict[str, Callable[[], Part]]:
    unknown = sorted(set(only or ()) - set(everything))
    if unknown:
        parser.error(f"no part {unknown[0]!r}; needed is one of {', '.join(everything)}")
    return {name: make for name, make in everything.items() if name in (only or everything)}


def tell_faults(faults: Iterable[str]) -> int:
    """Tell what is not within its limit; return 1 if anything is, else 0."""
    failed = 0
    for fault in faults:
        tell(f"not within its limit: {fault}")
        failed = 1
    return failed


def tell(what: str) -> None:
    """Print a line of progress on standard error."""
    print(what, file=sys.stderr, flush=True)
