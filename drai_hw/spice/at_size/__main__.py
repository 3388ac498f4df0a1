"""`python -m drai_hw.spice.at_size`: run the cases, as far as time allows, and write the page."""

from __future__ import annotations

import argparse
import datetime
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.spice.at_size import page
from drai_hw.spice.at_size.cases import Case, cases
from drai_hw.spice.at_size.runs import resume

KEPT = Path("build/at-size")
PAGE = Path("docs/reference/circuit-at-size.md")


def _one(case: Case, folder: Path, until_s: float | None) -> tuple[str, int, str]:
    try:
        record = resume(case, folder, until_s=until_s)
    except DraiError as error:
        return case.name, 0, str(error)
    return case.name, 0 if record is None else record.cycles_done, ""


def main(arguments: list[str]) -> int:
    """Run what is not finished, write the page; return 1 if a run failed."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.spice.at_size", description=__doc__)
    parser.add_argument("--folder", type=Path, default=KEPT, help="where runs are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--seconds", type=float, help="begin nothing after so many seconds")
    parser.add_argument("--processes", type=int, default=1, help="runs side by side")
    parser.add_argument("--oscillators", type=int, help="only networks of this size")
    options = parser.parse_args(arguments)
    until_s = None if options.seconds is None else time.monotonic() + options.seconds
    work = partial(_one, folder=options.folder, until_s=until_s)
    failed = 0
    # a thread only waits for an ngspice, which is a process of its own
    with ThreadPoolExecutor(options.processes) as pool:
        wanted = [c for c in cases() if options.oscillators in (None, c.n)]
        for name, done, fault in pool.map(work, wanted):
            print(f"{name}: {done} cycles{': ' + fault if fault else ''}", file=sys.stderr)
            failed += bool(fault)
    found = page.rows(options.folder)
    if found:
        write_whole(options.page, page.text(found, datetime.date.today().isoformat()))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
