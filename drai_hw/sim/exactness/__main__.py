"""``python -m drai_hw.sim.exactness``: run all cases and write the page."""

from __future__ import annotations

import argparse
import datetime
import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.sim.exactness import (
    LEAST_PAIR_UPDATES,
    SIZES,
    STORES,
    Case,
    Found,
    cases,
    study,
    total,
)
from drai_hw.sim.exactness.page import page, rows_of, summary, table

PAGE = Path("docs/reference/exactness.md")
EVERY_S = 5.0


def parser() -> argparse.ArgumentParser:
    """Return the reader of the command line."""
    made = argparse.ArgumentParser(
        prog="python -m drai_hw.sim.exactness",
        description="Compare RTL and twin after every step at N = 35 to 1,024, learning, with "
        "every weight store. Interrupted, it goes on where it was when it is started again. Exit "
        "status 1 at a mismatch.",
    )
    made.add_argument("-o", "--output", type=Path, default=PAGE, help="the page (%(default)s)")
    made.add_argument(
        "--folder", type=Path, default=Path("build/exactness"),
        help="compiled cores and finished parts (%(default)s)",
    )  # fmt: skip
    made.add_argument("--n", type=int, choices=SIZES, help="only this size; no page is written")
    made.add_argument("--store", choices=STORES, help="only this store; no page is written")
    made.add_argument("--again", action="store_true", help="do what is already done again")
    made.add_argument(
        "--check", action="store_true",
        help="simulate nothing; exit status 1 unless the page has every case, for the RTL of today",
    )  # fmt: skip
    made.add_argument("--json", action="store_true", help="one JSON object on standard output")
    return made


def main(words: list[str] | None = None) -> int:
    """Run the cases; 1 at a mismatch, or with --check if the page is stale."""
    reader = parser()
    given = reader.parse_args(words)
    some = given.n is not None or given.store is not None
    wanted = [
        case
        for case in cases()
        if given.n in (None, case.formats.n) and given.store in (None, case.store)
    ]
    if given.check:
        try:
            text = given.output.read_text(encoding="utf-8")
        except OSError as error:
            reader.error(f"{given.output}: no page to check ({error.strerror}); run without it")
        return _check(wanted, text, given.json)
    if given.again:
        for case in wanted:
            for path in given.folder.glob(f"{case.name}-*.json"):
                path.unlink()
    found: list[Found] = []
    for case in wanted:
        found.append(study(case, given.folder, _Teller()))
        if found[-1].sum("mismatches"):
            break
        print(f"{case.name}: {summary(found[-1:])}", file=sys.stderr)
    wrong = total(found, "mismatches")
    if not some and not wrong:
        today = datetime.datetime.now(datetime.UTC).date().isoformat()
        write_whole(given.output, page(found, today))
    if given.json:
        print(json.dumps(_result(found), indent=2))
    else:
        print(f"{table(found)}\n{summary(found)}")
    if wrong:
        print(f"{found[-1].case.name}: {found[-1].row()['first_mismatch']}", file=sys.stderr)
    return 1 if wrong else 0


def _result(found: Sequence[Found]) -> dict[str, object]:
    updates = total(found, "pair_updates")
    return {
        "rows": [item.row() for item in found],
        "steps": total(found, "steps"),
        "pair_updates": updates,
        "mismatches": total(found, "mismatches"),
        "enough": updates >= LEAST_PAIR_UPDATES,
    }


def _check(wanted: Sequence[Case], text: str, as_json: bool) -> int:
    """Compare the digests on a page with the RTL of today."""
    shown = {(row["N"], row["weights in"]): row["RTL"] for row in rows_of(text)}
    stale = [
        case.name
        for case in wanted
        if shown.get((str(case.formats.n), case.memory)) != f"`{case.rtl_digest()}`"
    ]
    if as_json:
        print(json.dumps({"cases": len(wanted), "stale": stale}))
    else:
        print(f"{len(wanted) - len(stale)} of {len(wanted)} rows stand for the RTL of today")
    for name in stale:
        print(f"stale: {name}: the RTL is not the one that was compared", file=sys.stderr)
    return 1 if stale else 0


class _Teller:
    """Shows progress on standard error, a line every few seconds."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, text: str) -> None:
        now = time.monotonic()
        if now >= self._next:
            print(text, file=sys.stderr, flush=True)
            self._next = now + EVERY_S


if __name__ == "__main__":
    try:
        status = main()
    except DraiError as error:
        print(error, file=sys.stderr)
        status = 2
    except KeyboardInterrupt:
        print("interrupted; started again it goes on after the last part", file=sys.stderr)
        status = 130
    raise SystemExit(status)
