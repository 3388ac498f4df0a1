"""What a compiled design sees of its inputs, and where it is compiled."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drai_hw.rtl.registers import REGISTERS
from drai_hw.sim.cxxrtl import build
from drai_hw.sim.cxxrtl.model import Model

# A sum that takes its own lower half as upper half: no loop, but one evaluation later, as in
# netlists of a synthesis with cells of many bits.
DESIGN = """
module slow(
    input clk, input rst, input [7:0] addr, input [31:0] wdata, input we, input re,
    output [31:0] rdata, output reg ack, output busy, output step_done
);
  wire [79:0] sum;
  assign sum = {sum[39:0], wdata, addr} + {40'd1, 40'd0};
  reg [39:0] seen;
  assign rdata = seen[39:8] ^ {24'd0, seen[7:0]};
  assign busy = 1'b0;
  assign step_done = 1'b0;
  always @(posedge clk) begin
    ack <= (we | re) & ~ack & ~rst;
    if (we & ~ack) seen <= sum[79:40];
    else if (re & ~ack) seen[7:0] <= sum[47:40];
  end
endmodule
"""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "slow.v"
    path.write_text(DESIGN)
    return path


def test_registers_take_what_logic_makes_of_inputs_that_change_with_every_access(
    source: Path, tmp_path: Path
) -> None:
    library = build.compiled(source, "slow", tmp_path / "models")
    with Model(library, "slow") as model:
        for turn, name in enumerate(("STEPS", "GAIN", "SHIL_MAX", "STATUS", "STEPS")):
            written = 0x1234_5678 * (turn + 1) & 0x7FFF_FFFF
            model.write(["INDEX"], np.array([written]))
            assert model.read(name)[0] == written ^ (REGISTERS[name].address + 1), name


def test_models_are_kept_in_a_folder_below_where_one_stands(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    library = build.compiled(Path("slow.v"), "slow", Path("models"))
    assert library.parent == tmp_path / "models"
    with Model(library, "slow") as model:
        assert model.clocks == 3
