"""`python -m drai_hw.spice.learning_network`: run networks that learn and write their page."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import made_all, tell_faults
from drai_hw.spice.learning_network import page
from drai_hw.spice.learning_network.parts import makers

KEPT = Path("build/learning-network")
PAGE = Path("docs/reference/learning-network.md")


def main(arguments: list[str]) -> int:
    """Run the networks that are not kept, write the page; return 1 if one failed or a check did."""
    parser = argparse.ArgumentParser(
        prog="python -m drai_hw.spice.learning_network", description=__doc__
    )
    parser.add_argument("--folder", type=Path, default=KEPT, help="where runs are kept")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--fresh", action="store_true", help="make every run again")
    options = parser.parse_args(arguments)

    parts, failed = made_all(options.folder, makers(), fresh=options.fresh)
    failed |= tell_faults(page.faults(parts))
    write_whole(options.page, page.text(parts))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
