"""Simulating a wrapper's emitted Verilog beside a plain core, for the benches `bench_*.py`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.sim.runner import run_bench
from tests.bus_bench import FORMATS

_TOP = """`timescale 1ns/1ps
module bench;
  reg plain_clk = 0, plain_rst = 1, plain_we = 0, plain_re = 0;
  reg [5:0] plain_addr = 0;
  reg [31:0] plain_wdata = 0;
  wire [31:0] plain_rdata;
  wire plain_ack, plain_busy, plain_step_done;
  plain_core plain(.clk(plain_clk), .rst(plain_rst), .we(plain_we), .re(plain_re),
    .addr(plain_addr), .wdata(plain_wdata), .rdata(plain_rdata), .ack(plain_ack),
    .busy(plain_busy), .step_done(plain_step_done));
{wrapper}
endmodule
"""


def simulate(
    wrapped: Any, bench: str, wrapper: str, folder: Path, alter: Callable[[str], str] = str
) -> str:
    """Run a bench on a wrapper's Verilog (changed by `alter`) and a plain core; return its log."""
    folder.mkdir(parents=True, exist_ok=True)
    sources = {
        "plain.v": emit.verilog(Core(FORMATS), name="plain_core", command="a test"),
        "wrapped.v": alter(emit.verilog(wrapped, name="wrapped", command="a test")),
        "bench.v": _TOP.format(wrapper=wrapper),
    }
    for name, text in sources.items():
        (folder / name).write_text(text)
    run_bench([folder / name for name in sources], "bench", f"tests.{bench}", folder / "run")
    return (folder / "run" / "bench.log").read_text()
