"""`python -m drai_hw.report.schematics [--check] [FOLDER]`: the drawings of docs."""

from __future__ import annotations

import sys
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_together
from drai_hw.report.schematics import DRAWINGS

COMMAND = "python -m drai_hw.report.schematics"
FOLDER = Path("docs/explanation/circuit")


def main(arguments: list[str]) -> int:
    """Write all drawings, or with ``--check`` say whether they are fresh.

    Parameters
    ----------
    arguments : list of str
        Optional ``--check``, optional folder.
    """
    names = [argument for argument in arguments if argument != "--check"]
    folder = Path(names[0]) if names else FOLDER
    made = {folder / f"{name}.svg": draw().svg() for name, draw in DRAWINGS.items()}
    if "--check" not in arguments:
        write_together(made)
        return 0
    stale = [
        str(path) for path, text in made.items() if not path.exists() or path.read_text() != text
    ]
    if stale:
        raise DraiError(f"{', '.join(stale)}: not what is drawn today; make again with `{COMMAND}`")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
