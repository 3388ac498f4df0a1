"""Writes the libraries: `python -m drai_hw.spice.memristors [DIR]`, spice/models by default."""

from __future__ import annotations

import sys
from pathlib import Path

from drai_hw.files import write_whole
from drai_hw.spice.memristors import LIBRARIES, library


def main(words: list[str]) -> None:
    """Write all libraries to a folder."""
    folder = Path(words[0] if words else "spice/models")
    for name, models in LIBRARIES.items():
        write_whole(folder / name, library(models))


if __name__ == "__main__":
    main(sys.argv[1:])
