"""Counts what replicas cost on a device.

Run as ``python -m drai_hw.boards.replicas``: synthesises and packs cores of 1, 2, 4, ... replicas,
without placing them (about a minute each), and prints the table of docs/reference/core.md.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import replace

from drai_hw.boards.area import predict_area
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.fit import weight_plan
from drai_hw.boards.packing import pack
from drai_hw.boards.stores import plan_weights
from drai_hw.errors import DraiError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.rtl.top import Top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; status 2 when a tool fails or the sizes do not fit each other."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.boards.replicas", description=__doc__)
    parser.add_argument("--board", default="ulx3s-85f", help="a board; default %(default)s")
    parser.add_argument("--lanes", type=int, default=16, help="L; default %(default)s")
    parser.add_argument("--pages", type=int, default=8, help="M; default %(default)s")
    parser.add_argument("replicas", type=int, nargs="*", default=[1, 2, 4], metavar="R")
    given = parser.parse_args(arguments)
    print("| N | R | clocks a step | LUT | predicted | FF | EBR | DSP | LUT a further replica |")
    print("|---|---|---|---|---|---|---|---|---|")
    before: tuple[int, int] | None = None
    try:
        board = load_board(given.board)
        one = Formats(
            n=given.lanes * given.pages, lanes=given.lanes, pages=given.pages,
            accumulator_bits=12, phase_bits=8,
        )  # fmt: skip
        for replicas in given.replicas:
            formats = replace(one, replicas=replicas)
            core = Core(formats, product=board.product, store=weight_plan(formats, board))
            top = Top(core, board.plan_clock().output_hz, 115200)
            with tempfile.TemporaryDirectory() as folder:
                found = pack(top, board, folder)
            plan = plan_weights(formats, board.device)
            said = predict_area(formats, board.family, board.product, plan)
            more = (
                "" if before is None else round((found["lut"] - before[1]) / (replicas - before[0]))
            )
            before = (replicas, found["lut"])
            print(
                f"| {formats.n} | {replicas} | {clocks_per_step(formats)} | {found['lut']} | "
                f"{said.lut} | {found['ff']} | {found['ebr']} | {found['dsp']} | {more} |",
                flush=True,
            )
    except DraiError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
