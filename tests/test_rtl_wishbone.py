# amaranth: UnusedElaboratable=no
import itertools
import re

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from drai_hw.errors import SpecError, ToolError
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.top import connect
from drai_hw.rtl.wishbone import Wishbone, WishboneTop
from drai_hw.sim.regfile import RegisterFile
from tests.bus_bench import FORMATS
from tests.bus_rig import simulate

INSTANCE = """
  reg wb_cyc_i = 0, wb_stb_i = 0, wb_we_i = 0;
  reg [11:0] wb_adr_i = 0;
  reg [31:0] wb_dat_i = 0;
  reg [3:0] wb_sel_i = 0;
  wire [31:0] wb_dat_o;
  wire wb_ack_o, wb_err_o, busy, step_done;
  wrapped dut(.wb_clk_i(plain_clk), .wb_rst_i(plain_rst), .wb_cyc_i(wb_cyc_i),
    .wb_stb_i(wb_stb_i), .wb_we_i(wb_we_i), .wb_adr_i(wb_adr_i), .wb_dat_i(wb_dat_i),
    .wb_sel_i(wb_sel_i), .wb_dat_o(wb_dat_o), .wb_ack_o(wb_ack_o), .wb_err_o(wb_err_o),
    .busy(busy), .step_done(step_done));
"""
GAIN = 4 * REGISTERS["GAIN"].address


def bench(folder):
    return simulate(WishboneTop(Core(FORMATS)), "bench_wishbone", INSTANCE, folder)


def test_another_projects_master_finds_the_plain_cores_registers_behind_wishbone(tmp_path):
    assert re.search(r"\d{3} answers, \d+ errors", bench(tmp_path))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("needed_bytes", lambda register: 0),  # byte selects play no part
        ("mergeable", lambda register: True),  # streams are read to be written
    ],
)
def test_a_wrapper_with_other_byte_selects_is_caught(name, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr(f"drai_hw.rtl.access.{name}", wrong)
    with pytest.raises(ToolError, match="Answer"):
        bench(tmp_path)


def play(scenario):
    """Run a scenario against the slave with a register file behind it."""
    m = Module()
    m.submodules.bus = bus = Wishbone()
    m.submodules.core = core = RegisterFile(list(range(1000, 1064)))
    connect(m, bus, core, of_driver="core_")
    ran = []

    async def testbench(ctx):
        await scenario(ctx, bus, core)
        ran.append(True)

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert ran


async def answers(ctx, bus, clocks):
    """Let clocks pass; return the clocks with an answer, and what was read then."""
    found = []
    for clock in range(clocks):
        if ctx.get(bus.ack) or ctx.get(bus.err):
            found.append((clock, ctx.get(bus.dat_r)))
        await ctx.tick()
    return found


def drive(ctx, bus, **values):
    for name, value in values.items():
        ctx.set(getattr(bus, name), value)


@pytest.mark.parametrize(("cyc", "stb"), [(0, 1), (1, 0), (0, 0)])
def test_without_cyc_and_stb_nothing_answers_and_nothing_is_written(cyc, stb):
    async def scenario(ctx, bus, core):
        drive(ctx, bus, cyc=cyc, stb=stb, we=1, adr=GAIN, dat_w=7, sel=15)
        assert await answers(ctx, bus, 60) == []
        assert ctx.get(core.writes) == 0

    play(scenario)


def test_a_strobe_that_stays_up_is_one_transfer_after_the_other():
    async def scenario(ctx, bus, core):
        drive(ctx, bus, cyc=1, stb=1, adr=GAIN, sel=15)
        found = await answers(ctx, bus, 200)
        assert len(found) >= 9
        assert all(word == 1008 for _, word in found)
        clocks = [clock for clock, _ in found]
        assert min(b - a for a, b in itertools.pairwise(clocks)) > 1

    play(scenario)


@pytest.mark.parametrize("held", range(1, 8))
def test_a_master_that_gives_up_gets_no_late_answer(held):
    async def scenario(ctx, bus, core):
        drive(ctx, bus, cyc=1, stb=1, adr=GAIN, sel=15)
        assert await answers(ctx, bus, held) == []
        drive(ctx, bus, stb=0)
        assert await answers(ctx, bus, 1) == []
        # The next transfer may begin while the slave still works at the one given up.
        drive(ctx, bus, stb=1, adr=GAIN + 4)
        found = await answers(ctx, bus, 40)
        assert {word for _, word in found} == {1009}

    play(scenario)


def test_each_byte_select_writes_its_byte_of_a_plain_register():
    async def scenario(ctx, bus, core):
        margin = REGISTERS["MARGIN"].address
        for select in range(16):
            before = ctx.get(core.memory.data[margin])
            word = 0x01010101 * (16 + select)
            drive(ctx, bus, cyc=1, stb=1, we=1, adr=4 * margin, dat_w=word, sel=select)
            while not ctx.get(bus.ack):
                assert not ctx.get(bus.err)
                await ctx.tick()
            drive(ctx, bus, stb=0)
            await ctx.tick()
            mask = sum(0xFF << 8 * k for k in range(4) if select >> k & 1)
            assert ctx.get(core.memory.data[margin]) == before & ~mask | word & mask

    play(scenario)


@pytest.mark.parametrize("address", [0x84, 0x98, 0xFC, 0x100, 0x800 + GAIN, 0xFFC])
@pytest.mark.parametrize("write", [0, 1])
def test_an_address_without_a_register_is_answered_by_err(address, write):
    async def scenario(ctx, bus, core):
        drive(ctx, bus, cyc=1, stb=1, we=write, adr=address, sel=15)
        while not ctx.get(bus.err):
            assert not ctx.get(bus.ack)
            await ctx.tick()
        assert ctx.get(bus.dat_r) == 0
        assert ctx.get(core.writes) == 0

    play(scenario)


def test_a_core_without_a_register_bus_is_refused():
    with pytest.raises(SpecError, match="without the bus ports addr, wdata"):
        WishboneTop(object())
