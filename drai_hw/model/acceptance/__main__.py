"""``python -m drai_hw.model.acceptance``: run all rows and write the page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.model.acceptance import table
from drai_hw.model.acceptance.row import Row


def main(words: list[str] | None = None) -> int:
    """Run the rows; return 0 if all are met (and, with --check, the page is up to date)."""
    parser = argparse.ArgumentParser(
        prog="python -m drai_hw.model.acceptance", description="Run the acceptance table."
    )
    parser.add_argument("-o", "--output", type=Path, default=Path("docs/reference/acceptance.md"))
    parser.add_argument("--check", action="store_true", help="compare with the page, write nothing")
    parser.add_argument("--only", metavar="A1", help="rows of one number; they are shown, not kept")
    given = parser.parse_args(words)
    rows = [row for row in table.rows() if given.only in (None, row.id)]
    if not rows:
        parser.error(f"--only {given.only}: rows have the numbers A1 to A18")
    old = ""
    if given.check and not given.only:
        try:
            old = given.output.read_text(encoding="utf-8")
        except OSError as error:
            parser.error(
                f"{given.output}: no page to check ({error.strerror}); run without --check"
            )
    done = 0

    def progress(row: Row, value: float) -> None:
        nonlocal done
        done += 1
        verdict = "met" if row.passes(value) else "NOT MET"
        bound = f"{row.relation} {row.expected:.6g}, tolerance {row.tolerance:.2g}"
        print(
            f"[{done}/{len(rows)}] {row.id} {row.name}: {row.shown(value)} {bound}: {verdict}",
            file=sys.stderr,
        )

    values = table.measure(rows, progress)
    failed = sum(not row.passes(value) for row, value in zip(rows, values, strict=True))
    stale: list[str] = []
    if given.check and not given.only:
        stale = table.differences(rows, values, old)
        for text in stale:
            print(f"stale: {text}", file=sys.stderr)
    elif not given.only:
        write_whole(given.output, table.page(rows, values))
    print(f"{len(rows) - failed} of {len(rows)} rows met")
    return 1 if failed or stale else 0


if __name__ == "__main__":
    try:
        status = main()
    except DraiError as error:
        print(error, file=sys.stderr)
        status = 2
    raise SystemExit(status)
