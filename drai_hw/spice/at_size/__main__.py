"""`python -m drai_hw.spice.at_size`: run the cases, as far as time allows, and write the page."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.spice.at_size import page, record
from drai_hw.spice.at_size.cases import EQUATIONS, NGSPICE, Case, cases
from drai_hw.spice.at_size.judge import Row, judge
from drai_hw.spice.at_size.runs import load, resume

KEPT = Path("build/at-size")
PAGE = Path("docs/reference/circuit-at-size.md")
LEAST_CYCLES = 20


def judged(folder: Path, known: Sequence[Row] = ()) -> list[Row]:
    """
    Return the rows of the runs that are kept, in the order of the cases; short ones left out.

    Parameters
    ----------
    folder : Path
        Where runs are kept.
    known : sequence of Row
        Rows that are taken as they are where nothing was added to their runs.
    """
    kept = {case: found for case in cases() if (found := load(folder, case)) is not None}
    before = {row.case: row for row in known}
    rows = []
    for case, run in kept.items():
        if run.cycles_done < LEAST_CYCLES:
            continue
        row = before.get(case)
        if row is None or not row.still_says(run, kept, before):
            row = judge(run, kept)
        rows.append(row)
    return rows


def _one(case: Case, folder: Path, until_s: float | None) -> tuple[str, int, str]:
    try:
        run = resume(case, folder, until_s=until_s)
    except DraiError as error:
        return case.name, 0, str(error)
    return case.name, 0 if run is None else run.cycles_done, ""


def _run(wanted: list[Case], options: argparse.Namespace) -> int:
    until_s = None if options.seconds is None else time.monotonic() + options.seconds
    work = partial(_one, folder=options.folder, until_s=until_s)
    failed = 0
    # a thread only waits for an ngspice, which is a process of its own
    with ThreadPoolExecutor(options.processes) as pool:
        for name, done, fault in pool.map(work, wanted):
            print(f"{name}: {done} periods{': ' + fault if fault else ''}", file=sys.stderr)
            failed += bool(fault)
    return failed


def main(arguments: list[str]) -> int:
    """Run what is not finished, write record and page; return 1 if a run failed or is stale."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.spice.at_size", description=__doc__)
    parser.add_argument("--folder", type=Path, default=KEPT, help="where runs are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--record", type=Path, default=record.RECORD, help="the rows of the page")
    parser.add_argument("--seconds", type=float, help="begin nothing after so many seconds")
    parser.add_argument("--processes", type=int, default=1, help="runs side by side")
    parser.add_argument("--oscillators", type=int, help="only networks of this size")
    parser.add_argument("--way", choices=(EQUATIONS, NGSPICE), help="only runs of this kind")
    parser.add_argument("--check", action="store_true", help="only tell which rows are stale")
    options = parser.parse_args(arguments)
    try:
        recorded = record.read(options.record)
        if options.check:
            stale = record.stale(recorded)
            print(f"{len(recorded) - len(stale)} of {len(recorded)} rows stand for today's code")
            print("".join(f"stale: {name}\n" for name in stale), end="")
            return 1 if stale else 0
        wanted = [
            case for case in cases()
            if options.oscillators in (None, case.n) and options.way in (None, case.way)
        ]  # fmt: skip
        failed = _run(wanted, options)
        rows = record.merged(recorded, judged(options.folder, recorded))
    except DraiError as error:
        print(f"at_size: {error}", file=sys.stderr)
        return 2
    if rows:
        record.write(rows, options.record)
        write_whole(options.page, page.text(rows))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
