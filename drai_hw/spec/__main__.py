"""`python -m drai_hw.spec [--check] [PAGE]`: write the reference page of the network file."""

from __future__ import annotations

import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spec.template import reference

PAGE = Path("docs/reference/network-file.md")


def main(arguments: list[str]) -> int:
    """Write the page; with ``--check`` return 1 if it is not what the schema says."""
    paths = [Path(argument) for argument in arguments if argument != "--check"]
    page = paths[0] if paths else PAGE
    if "--check" in arguments:
        return 0 if page.exists() and page.read_text(encoding="utf-8") == reference() else 1
    write_whole(page, reference())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
