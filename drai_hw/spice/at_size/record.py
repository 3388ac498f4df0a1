"""The committed rows of the page: what a run of hours found is not lost with the machine."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.files import write_whole
from drai_hw.spice.at_size.cases import Case, cases
from drai_hw.spice.at_size.judge import Row, digest_of
from drai_hw.spice.at_size.runs import netlist_of

RECORD = Path(__file__).with_name("record.json")


def read(path: Path = RECORD) -> list[Row]:
    """
    Return the rows of a record, none where there is no file.

    Raises
    ------
    ToolError
        It is damaged.
    """
    if not path.exists():
        return []
    try:
        return [_row(entry) for entry in json.loads(path.read_text(encoding="utf-8"))["rows"]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"{path}: not a record of runs at size ({error}); take back the committed one"
        ) from None


def _row(entry: dict[str, Any]) -> Row:
    least, largest = entry["amplitudes"]
    return Row(**{**entry, "case": Case(**entry["case"]), "amplitudes": (least, largest)})


def write(rows: Iterable[Row], path: Path = RECORD) -> None:
    """Write a record, in the order of the cases."""
    text = json.dumps({"rows": [asdict(row) for row in rows]}, indent=1)
    write_whole(path, text + "\n")


def merged(old: Iterable[Row], new: Iterable[Row]) -> list[Row]:
    """Return the rows of known cases; a new one replaces an old one unless it is of a shorter run.

    Parameters
    ----------
    old, new : iterable of Row
        What is recorded, and what was judged just now.
    """
    found = {row.case: row for row in old}
    for row in new:
        before = found.get(row.case)
        if before is None or before.netlist != row.netlist or row.cycles_done >= before.cycles_done:
            found[row.case] = row
    return [found[case] for case in cases() if case in found]


def stale(rows: Iterable[Row]) -> list[str]:
    """Return the names of runs whose netlist is another one today."""
    return [row.case.name for row in rows if digest_of(netlist_of(row.case)) != row.netlist]
