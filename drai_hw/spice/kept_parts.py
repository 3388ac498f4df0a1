"""Parts of a page, each a run that is kept as JSON, so that an interruption loses none."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from drai_hw.errors import DraiError
from drai_hw.files import write_whole

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


def chosen(
    parser: argparse.ArgumentParser,
    only: Sequence[str] | None,
    everything: Mapping[str, Callable[[], Part]],
) -> dict[str, Callable[[], Part]]:
    """Return the makers of the parts that were asked for, all without names; refuse others."""
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
