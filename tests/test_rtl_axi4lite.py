# amaranth: UnusedElaboratable=no
import random
import re

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from drai_hw.errors import ToolError
from drai_hw.rtl.axi4lite import PORTS, Axi4Lite, Axi4LiteTop, Resp
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.top import connect
from drai_hw.sim.regfile import RegisterFile
from tests.bus_bench import FORMATS
from tests.bus_rig import simulate

MARGIN = REGISTERS["MARGIN"].address
OKAY, SLVERR, DECERR = (response.value for response in Resp)


def instance() -> str:
    lines, links = [], []
    for name, port in PORTS.items():
        width = port.shape if isinstance(port.shape, int) else len(port.shape)
        bits = f"[{width - 1}:0] " if width > 1 else ""
        kind, start = ("reg", " = 0") if port.flow.name == "In" else ("wire", "")
        lines.append(f"  {kind} {bits}s_axi_{name}{start};")
        links.append(f".s_axi_{name}(s_axi_{name})")
    lines.append("  wire busy, step_done;")
    lines.append(
        "  wrapped dut(.s_axi_aclk(plain_clk), .s_axi_aresetn(~plain_rst), .busy(busy), "
        f".step_done(step_done), {', '.join(links)});"
    )
    return "\n".join(lines)


def bench(folder):
    return simulate(Axi4LiteTop(Core(FORMATS)), "bench_axi4lite", instance(), folder)


def test_another_projects_master_finds_the_plain_cores_registers_behind_axi4_lite(tmp_path):
    assert re.search(r"\d{3} accesses, \d+ errors, stalled clocks", bench(tmp_path))


def test_a_wrapper_that_never_says_error_is_caught(tmp_path, monkeypatch):
    monkeypatch.setattr("drai_hw.rtl.axi4lite.response", lambda outcome: OKAY)
    with pytest.raises(ToolError, match="error=False"):
        bench(tmp_path)


def play(scenario):
    """Run a scenario against the slave with a register file behind it."""
    m = Module()
    m.submodules.bus = bus = Axi4Lite()
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


async def send(ctx, bus, channel, **payload):
    """Hold a channel valid until it is taken."""
    for name, value in payload.items():
        ctx.set(getattr(bus, name), value)
    valid, ready = getattr(bus, f"{channel}valid"), getattr(bus, f"{channel}ready")
    ctx.set(valid, 1)
    *_, taken = await ctx.tick().sample(ready)
    while not taken:
        *_, taken = await ctx.tick().sample(ready)
    ctx.set(valid, 0)


async def receive(ctx, bus, channel, *names, delay=0):
    """Wait for a response, leave it waiting, and take it."""
    valid, ready = getattr(bus, f"{channel}valid"), getattr(bus, f"{channel}ready")
    while not ctx.get(valid):
        await ctx.tick()
    for _ in range(delay):
        await ctx.tick()
        assert ctx.get(valid)
    ctx.set(ready, 1)
    *_, good, values = await ctx.tick().sample(valid, getattr(bus, names[0]))
    assert good
    ctx.set(ready, 0)
    return values


@pytest.mark.parametrize("order", ["aw w", "w aw"])
@pytest.mark.parametrize("gap", [0, 1, 30])
def test_address_and_data_come_in_any_order_and_every_strobe_pattern_writes_its_bytes(order, gap):
    rng = random.Random(gap)

    async def scenario(ctx, bus, core):
        for strobes in range(16):
            before = ctx.get(core.memory.data[MARGIN])
            word = rng.getrandbits(32)
            payload = {
                "aw": {"awaddr": 4 * MARGIN + rng.randrange(4)},
                "w": {"wdata": word, "wstrb": strobes},
            }
            for channel in order.split():
                assert not ctx.get(bus.bvalid)
                await send(ctx, bus, channel, **payload[channel])
                for _ in range(gap):
                    await ctx.tick()
            assert await receive(ctx, bus, "b", "bresp", delay=strobes % 3) == OKAY
            mask = sum(0xFF << 8 * k for k in range(4) if strobes >> k & 1)
            assert ctx.get(core.memory.data[MARGIN]) == before & ~mask | word & mask

    play(scenario)


def test_a_write_response_that_nobody_takes_stops_no_read():
    async def scenario(ctx, bus, core):
        await send(ctx, bus, "aw", awaddr=4 * MARGIN)
        await send(ctx, bus, "w", wdata=5, wstrb=15)
        while not ctx.get(bus.bvalid):
            await ctx.tick()
        # A second write is taken in, and waits for the first one's response.
        await send(ctx, bus, "aw", awaddr=4 * MARGIN)
        await send(ctx, bus, "w", wdata=6, wstrb=15)
        for _ in range(5):
            await send(ctx, bus, "ar", araddr=4 * MARGIN)
            assert await receive(ctx, bus, "r", "rdata", delay=3) == 5
        assert ctx.get(bus.bvalid)
        assert await receive(ctx, bus, "b", "bresp") == OKAY
        assert await receive(ctx, bus, "b", "bresp") == OKAY
        assert ctx.get(core.memory.data[MARGIN]) == 6

    play(scenario)


def test_reads_and_writes_that_wait_together_take_turns():
    async def scenario(ctx, bus, core):
        for name, value in {"awaddr": 4 * MARGIN, "wstrb": 15, "araddr": 4 * MARGIN}.items():
            ctx.set(getattr(bus, name), value)
        for name in ("awvalid", "wvalid", "arvalid", "bready", "rready"):
            ctx.set(getattr(bus, name), 1)
        seen = []
        for _ in range(400):
            *_, b, r = await ctx.tick().sample(bus.bvalid, bus.rvalid)
            seen += "b" * b + "r" * r
        assert len(seen) > 20
        assert "bb" not in "".join(seen)
        assert "rr" not in "".join(seen)

    play(scenario)


@pytest.mark.parametrize("address", [0x84, 0xFC, 0x100, 0x800 + 4 * MARGIN, 0xFFF])
def test_an_address_without_a_register_is_a_decode_error(address):
    async def scenario(ctx, bus, core):
        await send(ctx, bus, "ar", araddr=address)
        assert await receive(ctx, bus, "r", "rresp") == DECERR
        assert ctx.get(bus.rdata) == 0
        await send(ctx, bus, "aw", awaddr=address)
        await send(ctx, bus, "w", wdata=5, wstrb=15)
        assert await receive(ctx, bus, "b", "bresp") == DECERR
        assert ctx.get(core.writes) == 0

    play(scenario)


@pytest.mark.parametrize("name", ["STATE", "OMEGA", "INPUT"])
def test_half_a_word_of_a_stream_is_a_slave_error_and_moves_nothing(name):
    async def scenario(ctx, bus, core):
        await send(ctx, bus, "aw", awaddr=4 * REGISTERS[name].address)
        await send(ctx, bus, "w", wdata=5, wstrb=0b0011)
        assert await receive(ctx, bus, "b", "bresp") == SLVERR
        assert ctx.get(core.writes) == 0

    play(scenario)


def test_nothing_is_valid_after_reset():
    async def scenario(ctx, bus, core):
        for _ in range(20):
            assert not ctx.get(bus.bvalid)
            assert not ctx.get(bus.rvalid)
            await ctx.tick()

    play(scenario)
