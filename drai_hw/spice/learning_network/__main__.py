"""`python -m drai_hw.spice.learning_network`: run networks that learn and write their page."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.spice.learning_network import page
from drai_hw.spice.learning_network.parts import makers
from drai_hw.spice.ledger.parts import made

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

    def tell(what: str) -> None:
        print(what, file=sys.stderr, flush=True)

    parts, failed = {}, 0
    for name, make in makers().items():
        if options.fresh:
            (options.folder / f"{name}.json").unlink(missing_ok=True)
        begun = time.monotonic()
        try:
            parts[name], now = made(options.folder, name, make)
        except DraiError as error:
            tell(f"{name}: {error}")
            parts[name], failed = {"missing": str(error)}, 1
        else:
            tell(f"{name}: {f'{time.monotonic() - begun:.1f} s' if now else 'kept'}")
    for fault in page.faults(parts):
        tell(f"not within its limit: {fault}")
        failed = 1
    write_whole(options.page, page.text(parts))
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
