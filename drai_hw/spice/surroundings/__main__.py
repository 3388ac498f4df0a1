"""`python -m drai_hw.spice.surroundings`: run noise, supply and load, and write their page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import Part, make_page, page_parser
from drai_hw.spice.surroundings import page
from drai_hw.spice.surroundings.parts import makers

KEPT = Path("build/surroundings")
PAGE = Path("docs/reference/surroundings.md")


def _write(parts: dict[str, Part], options: argparse.Namespace) -> None:
    page.write(parts, options.record)
    write_whole(options.page, page.text(parts))


def main(arguments: list[str]) -> int:
    """Make what is not kept, write record and page; return 1 if a part or a check failed."""
    parser = page_parser("drai_hw.spice.surroundings", __doc__, KEPT, PAGE)
    parser.add_argument("--record", type=Path, default=page.RECORD, help="what it is made from")
    return make_page(parser, arguments, makers(), page.faults, _write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
