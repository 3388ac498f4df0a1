"""Benches on Icarus Verilog that do not come to their end."""

from __future__ import annotations

from pathlib import Path

import pytest

from drai_hw.errors import ToolError
from drai_hw.sim.runner import run_bench

BENCH = """
import os, signal, cocotb

@cocotb.test()
async def ends(dut):
    {body}
"""


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "print('so far', flush=True); os.kill(os.getpid(), signal.SIGKILL)",
            "ended before the bench did: it was killed, or",
        ),
        (
            "assert not 'a word of its own'",
            "the bench on Icarus Verilog failed:\n.*word of its own",
        ),
    ],
)
def test_a_simulator_that_is_killed_is_told_from_a_bench_that_fails(
    body: str, message: str, tmp_path: Path
) -> None:
    (tmp_path / "top.v").write_text("module top(input a); endmodule\n")
    (tmp_path / "killed_bench.py").write_text(BENCH.format(body=body))
    with pytest.raises(ToolError, match=f"(?s){message}"):
        run_bench(
            [tmp_path / "top.v"], "top", "killed_bench", tmp_path / "w", module_folder=tmp_path
        )
