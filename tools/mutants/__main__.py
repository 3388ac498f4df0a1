"""``python -m tools.mutants``: mutate the learning rules, run their tests, write the page."""

from __future__ import annotations

import argparse
import signal
import sys

from tools.mutants import page, run
from tools.mutants.plan import TARGETS
from tools.mutants.record import Record


def main(arguments: list[str] | None = None) -> int:
    """Run what is not known yet, keep what is, and write record and page."""
    parser = argparse.ArgumentParser(prog="python -m tools.mutants", description=main.__doc__)
    parser.add_argument("sources", nargs="*", help="modules below drai_hw/model; all by default")
    parser.add_argument("--jobs", type=int, default=2, choices=(1, 2), help="processes")
    parser.add_argument("--fresh", action="store_true", help="run all mutants again")
    parser.add_argument("--page", action="store_true", help="only write the page")
    given = parser.parse_args(arguments)
    unknown = set(given.sources) - {target.source for target in TARGETS}
    if unknown:
        parser.error(f"{', '.join(sorted(unknown))}: not a module of tools/mutants/plan.py")
    targets = [t for t in TARGETS if t.source in given.sources or not given.sources]
    if not given.page:
        for number in (signal.SIGINT, signal.SIGTERM):  # the first is ignored in the background
            signal.signal(number, signal.default_int_handler)
        try:
            run.run(targets, given.jobs, fresh=given.fresh)
        except KeyboardInterrupt:
            print("interrupted; the same command goes on from here", file=sys.stderr)
            return 130
    page.write()
    unexplained = page.unexplained(Record.load(), page.reasons())
    for name in unexplained:
        print(name)
    return 1 if unexplained else 0


if __name__ == "__main__":
    sys.exit(main())
