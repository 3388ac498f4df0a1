"""`python -m drai_hw.spice.tuning`: run pairs and networks, and write the page of tuning."""

from __future__ import annotations

import argparse
import datetime
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.spice.tuning import page
from drai_hw.spice.tuning.locking import OFFSETS, beat
from drai_hw.spice.tuning.recall import SIGMAS, Trial, row

PAGE = Path("docs/reference/tuning.md")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main(arguments: list[str]) -> int:
    """Run everything and write the page; return 2 on bad input or a missing tool."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.spice.tuning", description=__doc__)
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--seeds", type=int, default=4, help="networks in ngspice per mismatch")
    parser.add_argument("--model-seeds", type=int, default=40, help="in the float model")
    parser.add_argument("--processes", type=int, default=2, help="mismatches side by side")
    options = parser.parse_args(arguments)
    if options.seeds < 0 or options.model_seeds < 1 or options.processes < 1:
        parser.error("needed are --seeds of 0 or more, --model-seeds and --processes of 1 or more")
    try:
        beats = [beat(offset) for offset in OFFSETS]
        work = partial(row, seeds=options.seeds, model_seeds=options.model_seeds, told=_say)
        with ProcessPoolExecutor(options.processes) as pool:
            rows = list(pool.map(work, SIGMAS))
    except DraiError as error:
        _say(f"drai-hw: error: {error}")
        return 2
    cost = Trial(SIGMAS[-1], 0).trimmed()
    write_whole(options.page, page.text(rows, beats, cost, datetime.date.today().isoformat()))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
