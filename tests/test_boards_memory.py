"""What synthesis is told about memories is true: no word is used that was read while written."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.back import rtlil, verilog
from amaranth.lib.memory import Memory

from drai_hw.boards.build import COLLISION_RULE
from drai_hw.boards.host.device import Device
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl.core import Core
from drai_hw.sim.simulated import SimulatedLink


def _with_unknown_collisions(folder: Path, design: Any, name: str, ports: Any = None) -> str:
    """Write a design as Verilog in which a word read in the clock of its write is unknown."""
    from pyosys import libyosys

    (folder / "c.il").write_text(rtlil.convert(design, name=name, ports=ports, emit_src=False))
    yosys = libyosys.Design()
    for command in (
        f"read_rtlil {folder}/c.il",
        COLLISION_RULE,
        "proc -nomux -norom",
        "memory_collect",
        f"write_verilog -norename -noattr {folder}/c.v",
    ):
        libyosys.run_pass(f"tee -q -a {folder}/c.log {command}", yosys)
    return (folder / "c.v").read_text()


class Collision(Elaboratable):
    """Reads word 0 of a memory always, and writes it on request."""

    def __init__(self) -> None:
        self.write = Signal()
        self.out = Signal(4)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        m.submodules.memory = memory = Memory(shape=4, depth=4, init=[5])
        source, sink = memory.read_port(), memory.write_port()
        m.d.comb += [sink.en.eq(self.write), sink.data.eq(9), self.out.eq(source.data)]
        return m


def test_a_word_read_while_written_comes_out_unknown(tmp_path: Path) -> None:
    design = Collision()
    text = _with_unknown_collisions(tmp_path, design, "c", [design.write, design.out])
    (tmp_path / "t.sv").write_text(
        text.replace("always @*", "always_comb")
        + "module t; reg clk = 0, w = 0; wire [3:0] o; c dut(.clk(clk), .rst(1'b0), .write(w), "
        ".out(o)); initial begin #1 clk = 1; #1 $display(o); w = 1; clk = 0; #1 clk = 1; #1 "
        "$display(o); w = 0; clk = 0; #1 clk = 1; #1 $display(o); end endmodule\n"
    )
    subprocess.run(["iverilog", "-g2012", "-o", "t", "t.sv"], cwd=tmp_path, check=True)
    shown = subprocess.run(["vvp", "t"], cwd=tmp_path, check=True, capture_output=True, text=True)
    assert shown.stdout.split() == ["5", "x", "9"]


def _script(machine: Any) -> list[Any]:
    """Use everything that touches a memory: loads, runs with learning, resumed runs, reads."""
    formats = machine.formats
    n = formats.n
    rng = np.random.default_rng(5)
    weights = np.triu(rng.integers(-formats.w_max, formats.w_max + 1, (n, n)), 1)
    gates = 3 if formats.resonance else 1
    decay = 9000 if formats.decay else 0
    machine.configure(
        Settings(
            gain=400, shil_max=90, shil_step=9, eta=30000, decay=decay, dither=3, margin=60,
            gates=gates,
        )
    )  # fmt: skip
    machine.load_phases(rng.integers(0, 1 << formats.accumulator_bits, n))
    machine.load_omega(rng.integers(-300, 300, n))
    machine.load_weights(weights + weights.T)
    clamp, active = np.arange(n) == 1, np.arange(n) != 2
    machine.load_inputs(np.arange(n) % 16, np.full(n, 50), clamp, active)
    machine.reseed()
    machine.run(2, field=True, couple=True, learn=True)
    seen = [machine.read_phases(), machine.read_weights()]
    machine.run(2, field=False, couple=True, learn=True, resume=True)
    machine.run(1, field=True, couple=False)
    counters = machine.counters()
    seen += [machine.read_phases(), machine.read_margins(), machine.read_weights()]
    return [*seen, [counters.visited, counters.gated_on, counters.written, counters.changed]]


def _check(formats: Formats, product: str, folder: Path, monkeypatch) -> None:
    def convert(design: Any, *, name: str, **_: Any) -> str:
        text = _with_unknown_collisions(folder, design, name)
        assert len(re.findall(r"<= \d+'hx+;", text)) >= 2 * 6  # each memory has its unknowns
        return text

    monkeypatch.setattr(verilog, "convert", convert)
    with SimulatedLink.of_core(Core(formats, product=product)) as link:
        for ours, theirs in zip(
            _script(Device(link, formats)), _script(Twin(formats)), strict=True
        ):
            assert np.array_equal(ours, theirs)


def test_core_and_bridge_never_use_a_word_read_while_written(tmp_path, monkeypatch) -> None:
    _check(Formats(n=7, lanes=4, pages=2), "logic", tmp_path, monkeypatch)


@pytest.mark.full
@pytest.mark.parametrize(
    ("formats", "product"),
    [
        (Formats(n=2, lanes=2, pages=1), "mul"),
        (Formats(n=4, lanes=4, pages=1), "logic"),
        (Formats(n=12, lanes=4, pages=3), "mul"),
        (Formats(n=16, lanes=8, pages=2), "logic"),
        (Formats(n=10, lanes=4, pages=3, resonance=True, decay=True), "logic"),
        (Formats(n=35, lanes=8, pages=5), "mul"),
    ],
)
def test_no_geometry_uses_a_word_read_while_written(formats, product, tmp_path, monkeypatch):
    _check(formats, product, tmp_path, monkeypatch)
