"""`python -m drai_hw.spice.ledger`: run the parts of the energy ledger write page and figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import chosen, made_all, tell_faults
from drai_hw.spice.ledger import bars, page
from drai_hw.spice.ledger.parts import makers

KEPT = Path("build/energy-ledger")
PAGE = Path("docs/reference/energy-ledger.md")


def main(arguments: list[str]) -> int:
    """Make what is not kept, write page and figures; return 1 if a part or a check failed."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.spice.ledger", description=__doc__)
    parser.add_argument("--folder", type=Path, default=KEPT, help="where parts are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--bars", type=Path, default=bars.RECORD, help="figures of the picture")
    parser.add_argument("--fresh", action="store_true", help="make every part again")
    parser.add_argument("--only", nargs="+", metavar="PART", help="only these parts, no page")
    options = parser.parse_args(arguments)

    wanted = chosen(parser, options.only, makers())
    parts, failed = made_all(options.folder, wanted, fresh=options.fresh)
    if options.only:
        return failed
    failed |= tell_faults(page.faults(parts))
    write_whole(options.page, page.text(parts))
    bars.write(bars.bars(parts, page.PUBLISHED), options.bars)
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
