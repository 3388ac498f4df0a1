"""The core after synthesis: the twin's bits, and a flipped bit of a LUT that is found."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw.cli import run
from drai_hw.errors import SpecError, ToolError
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.sim.cxxrtl.build import compiled, run_pyosys
from drai_hw.sim.cxxrtl.model import Model
from drai_hw.sim.netlist import CELLS, cells_of, run_netlist, synthesise, with_models
from drai_hw.spec import parse
from tests.test_rtl_spram import SMALL

SPEC = parse("""
schema = 1
[network]
name = "netlist"
oscillators = 4
[task]
kind = "recall"
patterns = "random:2"
""")
TINY = Formats(n=4, lanes=2, pages=2, **SMALL)
MIXED = Formats(n=11, lanes=4, pages=3, resonance=True, decay=True)

NEEDED = {
    "ecp5": {"LUT4", "TRELLIS_FF", "TRELLIS_DPR16X4", "CCU2C", "MULT18X18D"},
    "ice40": {"SB_LUT4", "SB_DFF", "SB_CARRY"},
}


@pytest.mark.full
@pytest.mark.parametrize("family", CELLS)
@pytest.mark.parametrize(("formats", "script"), [(TINY, "learn"), (MIXED, "learn")])
def test_the_netlist_learns_as_its_twin_does_after_every_step(
    family: str, formats: Formats, script: str, tmp_path: Path
) -> None:
    result = run_netlist(
        SPEC, family, workdir=tmp_path, steps=64, seed=3, formats=formats, script=script
    )
    assert (result.mismatches, result.steps) == (0, 64)
    assert result.coverage["learning"] == 64
    assert result.counters.changed > 0
    assert result.cells.keys() >= NEEDED[family]
    if formats is MIXED:
        assert result.cells.keys() & {"TRELLIS_DPR16X4", "SB_RAM40_4K"}


@pytest.mark.full
@pytest.mark.parametrize(
    ("family", "lut", "parameter"), [("ecp5", "LUT4", "INIT"), ("ice40", "SB_LUT4", "LUT_INIT")]
)
def test_one_flipped_bit_of_a_lut_is_found(
    family: str, lut: str, parameter: str, tmp_path: Path
) -> None:
    """A LUT on the way of the increments; one of its sixteen bits is another one."""
    netlist = synthesise(TINY, family, tmp_path)
    text = netlist.read_text(encoding="utf-8")
    form = re.compile(
        rf"^  {lut} #\(\n    \.{parameter}\(16'h([0-9a-f]{{4}})\)\n  \) \\update\.theta9",
        re.MULTILINE,
    )
    found = list(form.finditer(text)) or list(
        re.finditer(form.pattern.replace(r"\\update\.theta9", r"\\update\."), text, re.MULTILINE)
    )
    assert found
    place = found[len(found) // 2]
    flipped = f"{int(place[1], 16) ^ 0xFFFF:04x}"
    netlist.write_text(text[: place.start(1)] + flipped + text[place.end(1) :], encoding="utf-8")
    result = run_netlist(
        SPEC, family, workdir=tmp_path, steps=64, seed=3, formats=TINY, netlist=netlist
    )
    assert result.mismatches > 0
    assert result.first_mismatch is not None


PRODUCT = """
module drai_core(
    input clk, input rst, input [7:0] addr, input [31:0] wdata, input we, input re,
    output [31:0] rdata, output reg ack, output busy, output step_done
);
  reg [31:0] held;
  wire signed [17:0] a = held[31:14];
  wire signed [13:0] b = held[13:0];
  wire signed [31:0] product = a * b;
  assign rdata = product;
  assign busy = 1'b0;
  assign step_done = 1'b0;
  always @(posedge clk) begin
    ack <= (we | re) & ~ack & ~rst;
    if (we & ~ack) held <= wdata;
  end
endmodule
"""


def test_the_multiplier_of_an_ecp5_multiplies_signed_numbers(tmp_path: Path) -> None:
    (tmp_path / "product.v").write_text(PRODUCT)
    script = "read_verilog product.v\nsynth_ecp5 -top drai_core\nwrite_verilog -noattr netlist.v\n"
    run_pyosys(script, tmp_path, "synthesis", "no netlist")
    netlist = tmp_path / "netlist.v"
    assert cells_of(netlist.read_text())["MULT18X18D"] == 1
    source = with_models(netlist, "ecp5", tmp_path)
    library = compiled(source, emit.NAME, tmp_path / "models", flags=("-O0",))
    rng = np.random.default_rng(1)
    with Model(library, emit.NAME) as model:
        for a, b in [(-(1 << 17), -(1 << 13)), (-1, 1), *rng.integers(-(1 << 13), 1 << 13, (9, 2))]:
            word = (int(a) & 0x3FFFF) << 14 | int(b) & 0x3FFF
            model.write(["INDEX"], np.array([word]))
            got = int(np.array(model.read("STATUS"), dtype=np.uint32).view(np.int32)[0])
            assert got == (int(a) * int(b) + (1 << 31)) % (1 << 32) - (1 << 31), (a, b)


def test_a_cell_without_a_model_is_named(tmp_path: Path) -> None:
    netlist = tmp_path / "netlist.v"
    netlist.write_text("module drai_core(input clk);\n  DCUA dcu ();\nendmodule\n")
    with pytest.raises(ToolError, match=r"(?s)netlist\.v have no model for ecp5.*DCUA"):
        with_models(netlist, "ecp5", tmp_path)


@pytest.mark.parametrize(
    ("formats", "family", "text"),
    [
        (Formats(n=40, lanes=8, pages=5), "ecp5", "a netlist of 40 oscillators: .* at most 35"),
        (TINY, "gowin", "netlist = 'gowin': known are ecp5, ice40"),
        (Formats(n=4, lanes=2, pages=2, replicas=2), "ice40", "give board.replicas = 1"),
    ],
)
def test_what_cannot_be_simulated_as_a_netlist_is_refused(
    formats: Formats, family: str, text: str, tmp_path: Path
) -> None:
    with pytest.raises(SpecError, match=text):
        run_netlist(SPEC, family, workdir=tmp_path, formats=formats)


def test_options_that_do_not_go_with_a_netlist_are_refused(capfd: Any) -> None:
    for words in (["--waves"], ["--trials", "2"], ["--bench", "b"]):
        assert run(["sim", "pair", "--netlist", "ecp5", *words]) == 2
        assert "--netlist compares steps of --learn or --random" in capfd.readouterr().err
    assert run(["sim", "pair", "--netlist", "ecp5", "--unit", "synapse"]) == 2
    assert "--netlist is of the whole core; leave --unit out" in capfd.readouterr().err


def test_the_verb_refuses_a_network_that_is_too_large(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    assert run(["sim", "memory", "--netlist", "ice40", "-o", "out"]) == 2
    assert "since compiling more takes too long" in capfd.readouterr().err
