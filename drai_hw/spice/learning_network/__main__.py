"""`python -m drai_hw.spice.learning_network`: run networks that learn and write their page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import Part, make_page, page_parser
from drai_hw.spice.learning_network import page
from drai_hw.spice.learning_network.parts import makers

KEPT = Path("build/learning-network")
PAGE = Path("docs/reference/learning-network.md")


def _write(parts: dict[str, Part], options: argparse.Namespace) -> None:
    write_whole(options.page, page.text(parts))


def main(arguments: list[str]) -> int:
    """Run the networks that are not kept, write the page; return 1 if one failed or a check did."""
    parser = page_parser("drai_hw.spice.learning_network", __doc__, KEPT, PAGE)
    return make_page(parser, arguments, makers(), page.faults, _write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
