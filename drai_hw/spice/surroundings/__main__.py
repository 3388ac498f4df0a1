"""`python -m drai_hw.spice.surroundings`: run noise, supply and load, and write their page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import chosen, made_all, tell, tell_faults
from drai_hw.spice.surroundings import page
from drai_hw.spice.surroundings.parts import makers

KEPT = Path("build/surroundings")
PAGE = Path("docs/reference/surroundings.md")


def main(arguments: list[str]) -> int:
    """Make what is not kept, write record and page; return 1 if a part or a check failed."""
    parser = argparse.ArgumentParser(
        prog="python -m drai_hw.spice.surroundings", description=__doc__
    )
    parser.add_argument("--folder", type=Path, default=KEPT, help="where parts are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--record", type=Path, default=page.RECORD, help="what it is made from")
    parser.add_argument("--fresh", action="store_true", help="make every part again")
    parser.add_argument("--only", nargs="+", metavar="PART", help="only these parts, no page")
    options = parser.parse_args(arguments)
    wanted = chosen(parser, options.only, makers())
    try:
        parts, failed = made_all(options.folder, wanted, fresh=options.fresh)
    except KeyboardInterrupt:
        tell(f"interrupted; finished parts are kept in {options.folder}")
        return 130
    if options.only:
        return failed
    failed |= tell_faults(page.faults(parts))
    page.write(parts, options.record)
    write_whole(options.page, page.text(parts))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
