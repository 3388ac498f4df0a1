"""`python -m drai_hw.spice.ledger`: run the parts of the energy ledger, write page and figures."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import Part, make_page, page_parser
from drai_hw.spice.ledger import bars, page
from drai_hw.spice.ledger.parts import makers

KEPT = Path("build/energy-ledger")
PAGE = Path("docs/reference/energy-ledger.md")


def _write(parts: dict[str, Part], options: argparse.Namespace) -> None:
    write_whole(options.page, page.text(parts))
    bars.write(bars.bars(parts, page.PUBLISHED), options.bars)


def main(arguments: list[str]) -> int:
    """Make what is not kept, write page and figures; return 1 if a part or a check failed."""
    parser = page_parser("drai_hw.spice.ledger", __doc__, KEPT, PAGE)
    parser.add_argument("--bars", type=Path, default=bars.RECORD, help="figures of the picture")
    return make_page(parser, arguments, makers(), page.faults, _write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
