"""Build catalog designs for a board and put the figures into its committed ``report.json``.

Run as ``python -m drai_hw.boards.record letters pair --board icebreaker``, or for one of another
size ``python -m drai_hw.boards.record memory --set network.oscillators=128 --board tang-nano-9k``.
"""

from __future__ import annotations

import argparse
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from drai_hw import catalog
from drai_hw.boards.board_core import board_core
from drai_hw.boards.boardfile import Board, load_board
from drai_hw.boards.build import BoardResult, build
from drai_hw.boards.fit import check_fit, choose_geometry, weight_plan
from drai_hw.boards.process import Progress
from drai_hw.boards.report import report_row, write_row
from drai_hw.errors import DraiError, FitError, SpecError
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.rtl.stores import step_clocks
from drai_hw.rtl.top import Top
from drai_hw.spec import Spec, validate


def formats_for(spec: Spec, board: Board) -> Formats:
    """Return the formats of a network on a board: its own geometry, else one chosen to fit.

    Raises
    ------
    FitError
        If the board cannot hold it.
    """
    formats = plan.formats_of(spec)
    if spec.board.pages is None:
        chosen = choose_geometry(formats.n, board, formats, lanes=spec.board.lanes)
        formats = formats.with_geometry(*chosen)
    check_fit(formats, board)
    return formats


def with_settings(spec: Spec, settings: Mapping[str, str]) -> Spec:
    """Return a network with some keys replaced, validated anew.

    Raises
    ------
    SpecError
        If a key does not name a section and an entry, or the result is not acceptable.
    """
    data = spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    for key, text in settings.items():
        section, dot, name = key.partition(".")
        if not (dot and name):
            raise SpecError(f"setting {key!r}: SECTION.KEY=VALUE is needed, as in the network file")
        try:
            value = tomllib.loads(f"value = {text}")["value"]
        except tomllib.TOMLDecodeError:
            value = text
        data.setdefault(section, {})[name] = value
    return validate(data, "--set")


def build_network(
    formats: Formats,
    board: Board,
    outdir: str | Path,
    *,
    baud: int,
    pnr_seeds: Sequence[int],
    clock_hz: float | None = None,
    progress: Progress | None = None,
) -> BoardResult:
    """Build core, bridge and board layer of one network; see `drai_hw.boards.build.build`."""
    top = Top(board_core(formats, board, clock_hz), board.plan_clock(clock_hz).output_hz, baud)
    return build(
        top,
        board,
        outdir,
        pnr_seeds=pnr_seeds,
        clock_hz=clock_hz,
        clocks_per_step=step_clocks(formats, weight_plan(formats, board, clock_hz)),
        progress=progress,
    )


def record(
    design: str,
    board: Board,
    outdir: str | Path,
    *,
    pnr_seeds: Sequence[int] = (1, 2, 3),
    settings: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Build a catalog design and write its row into the board's report.

    Parameters
    ----------
    design : str
        Catalog name, or path of a network file.
    board : Board
        With a folder.
    outdir : str or Path
        For the build's files.
    pnr_seeds : sequence of int
        Seeds of place and route.
    settings : mapping, optional
        Keys of the network file, dotted, with texts in place of what it says. The row then carries
        them, and its design's name ends with the number of oscillators.
    progress : callable, optional
        As in `drai_hw.boards.build.build`.

    Raises
    ------
    SpecError
        If the board is a bare platform class, without a folder.
    FitError
        If it does not fit, or is too slow for its clock: only builds that meet it are recorded.
    """
    if board.folder is None:
        raise SpecError(
            f"board {board.name!r} has no folder for a report; give one with board.toml"
        )
    spec, _ = catalog.find(design)
    made_of: dict[str, Any] = {}
    if settings:
        spec = with_settings(spec, settings)
        made_of = {"network": {"design": design, **settings}}
        design = f"{design}-{spec.network.oscillators}"
    formats = formats_for(spec, board)
    result = build_network(
        formats,
        board,
        outdir,
        baud=spec.board.baud,
        pnr_seeds=pnr_seeds,
        clock_hz=spec.board.clock_hz,
        progress=progress,
    )
    if not result.timing_met:
        raise FitError(
            f"{design} on {board.name}: reaches {result.fmax_hz / 1e6:.1f} MHz, the clock is "
            f"{result.clock_hz / 1e6:.1f} MHz; lower board.clock_hz in the network file, "
            "or clock.pll_hz in the board file"
        )
    store = weight_plan(formats, board, spec.board.clock_hz)
    row = report_row(design, formats, result, store) | made_of
    write_row(board.folder / "report.json", row)
    return row


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; status 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.boards.record", description=__doc__)
    parser.add_argument("designs", nargs="+", help="catalog names")
    parser.add_argument("--board", default="ulx3s-85f", help="board name or folder")
    parser.add_argument("--pnr-seed", type=int, action="append", help="repeat for several")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="a key of the network file, e.g. network.oscillators=128; repeat for several",
    )
    parser.add_argument("-o", "--out", default="build/boards", help="folder for the builds")
    given = parser.parse_args(arguments)
    seeds = tuple(given.pnr_seed or (1, 2, 3))
    try:
        board = load_board(given.board)
        for design in given.designs:
            settings = dict(text.partition("=")[::2] for text in given.set)
            folder = Path(given.out) / board.name / "-".join([design, *settings.values()])
            row = record(design, board, folder, pnr_seeds=seeds, settings=settings)
            print(
                f"{row['design']} on {board.name}: {row['lut']['used']} LUT, "
                f"{row['ff']['used']} FF, {row['ebr']['used']} EBR, {row['dsp']['used']} DSP, "
                f"{row['fmax_hz'] / 1e6:.1f} MHz",
                file=sys.stderr,
            )
    except DraiError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
