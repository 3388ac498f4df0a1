"""``python -m drai_hw.model.storage``: run all cases and write the page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.model.storage import cases, study
from drai_hw.model.storage.page import outcomes_of, page


def main(words: list[str] | None = None) -> int:
    """Run the cases; with --check compare with the page (status 1: it is stale)."""
    parser = argparse.ArgumentParser(
        prog="python -m drai_hw.model.storage",
        description="Store and recall at size, beside Hebb and Hopfield.",
    )
    parser.add_argument(
        "-o", "--output", type=Path, default=Path("docs/reference/learning-at-size.md")
    )
    parser.add_argument("--check", action="store_true", help="compare with the page, write nothing")
    parser.add_argument("--quick", action="store_true", help="only cases of up to a minute")
    given = parser.parse_args(words)
    wanted = [case for case in cases() if not (given.quick and case.heavy)]
    if given.quick and not given.check:
        parser.error("--quick: a page needs all cases; it goes with --check")
    found = [study(case, lambda text: print(text, file=sys.stderr)) for case in wanted]
    if not given.check:
        write_whole(given.output, page(found))
        return 0
    try:
        shown = outcomes_of(given.output.read_text(encoding="utf-8"))
    except OSError as error:
        parser.error(f"{given.output}: no page to check ({error.strerror}); run without --check")
    made = outcomes_of(page(found))
    stale = [line for line in made if line not in shown]
    for line in stale:
        print(f"stale: the page lacks {line}", file=sys.stderr)
    print(f"{len(made) - len(stale)} of {len(made)} rows are as on the page")
    return 1 if stale else 0


if __name__ == "__main__":
    try:
        status = main()
    except DraiError as error:
        print(error, file=sys.stderr)
        status = 2
    raise SystemExit(status)
