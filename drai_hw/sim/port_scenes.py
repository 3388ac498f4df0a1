"""Short simulations of the core's register bus and system buses, traced for timing diagrams."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

from amaranth.sim import Simulator

from drai_hw.model.numbers import Formats
from drai_hw.rtl.axi4lite import PORTS, Axi4Lite
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS, Command
from drai_hw.rtl.top import connect
from drai_hw.rtl.wishbone import Wishbone
from drai_hw.sim.wavejson import Row, Sample, Trace

FORMATS = Formats(n=4, lanes=4, pages=1)
AT = {name: register.address for name, register in REGISTERS.items()}


def _short(value: int) -> str:
    return f"{value:x}"


class Scene:
    """A design in the Amaranth simulator with a trace of some of its signals.

    Parameters
    ----------
    ctx : SimulatorContext
        Of the testbench.
    ports : mapping
        Signals by the names that the rows have.
    trace : Trace
        Where columns go, one a clock, while `on`.
    """

    def __init__(self, ctx: Any, ports: Mapping[str, Any], trace: Trace) -> None:
        self.ctx, self.ports, self.trace = ctx, ports, trace
        self.on = True

    def set(self, **values: int) -> None:
        """Set inputs."""
        for name, value in values.items():
            self.ctx.set(self.ports[name], value)

    def get(self, name: str) -> int:
        """Return a signal's value."""
        return int(self.ctx.get(self.ports[name]))

    def sample(self) -> None:
        """Append a column."""
        self.trace.add({row.name: self.get(row.name) for row in self.trace.rows})

    async def clock(self, count: int = 1) -> None:
        """Let clocks pass."""
        for _ in range(count):
            if self.on:
                self.sample()
            await self.ctx.tick()

    async def until(self, *names: str) -> None:
        """Let clocks pass until one of the signals is high."""
        while not any(self.get(name) for name in names):
            await self.clock()


def play(design: Any, bench: Callable[[Any], Awaitable[None]]) -> None:
    """Simulate a design with a clock and a testbench, until the testbench has ended."""
    done = []

    async def testbench(ctx: Any) -> None:
        await bench(ctx)
        done.append(True)

    simulator = Simulator(design)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    simulator.run()
    assert done


def _bus_rows(more: Iterable[str] = ()) -> tuple[Row, ...]:
    def strobe(sample: Sample) -> bool:
        return bool(sample["we"] or sample["re"])

    return (
        Row("addr", 6, strobe),
        Row("we"),
        Row("wdata", 32, lambda sample: bool(sample["we"]), _short),
        Row("re"),
        Row("ack"),
        Row("rdata", 32, lambda s: bool(s["re"] and s["ack"]), _short),
        *(Row(name) for name in more),
    )


async def _access(scene: Scene, name: str, word: int | None = None) -> None:
    """Make one access on the register bus, and leave a clock behind it."""
    strobe = {"re": 1} if word is None else {"we": 1, "wdata": word}
    scene.set(addr=AT[name], **strobe)
    await scene.until("ack")
    await scene.clock()
    scene.set(we=0, re=0)
    await scene.clock()


def _core() -> tuple[Core, dict[str, Any]]:
    core = Core(FORMATS)
    names = ("addr", "wdata", "we", "re", "rdata", "ack", "busy", "step_done")
    return core, {name: getattr(core, name) for name in names}


def register_bus() -> Trace:
    """Return a write and a read on the register bus."""
    core, ports = _core()
    trace = Trace("Register bus: write GAIN, read GAIN", _bus_rows())

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, ports, trace)
        await scene.clock()
        await _access(scene, "GAIN", 0x12C)
        await _access(scene, "GAIN")

    play(core, bench)
    return trace


def run() -> Trace:
    """Return a run of two steps, with an access that the busy core refuses."""
    core, ports = _core()
    trace = Trace(
        "A run of two steps: STATUS answers, a read of GAIN is refused and reads 0",
        _bus_rows(("busy", "step_done")),
    )

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, ports, trace)
        scene.on = False
        await _access(scene, "GAIN", 0x12C)
        await _access(scene, "STEPS", 2)
        scene.on = True
        await scene.clock()
        await _access(scene, "CONTROL", int(Command.COUPLE | Command.RUN))
        await _access(scene, "STATUS")
        await _access(scene, "GAIN")
        while scene.get("busy"):
            await scene.clock()
        await scene.clock(2)

    play(core, bench)
    return trace


def wishbone() -> Trace:
    """Return a write, a read and an access without a register on Wishbone."""
    core, _ = _core()
    bus = Wishbone()

    def strobe(sample: Sample) -> bool:
        return bool(sample["wb_stb_i"])

    def read(sample: Sample) -> bool:
        return bool(sample["wb_ack_o"] and not sample["wb_we_i"])

    trace = Trace(
        "Wishbone: write MARGIN, read it, and an address without a register",
        (
            Row("wb_cyc_i"),
            Row("wb_stb_i"),
            Row("wb_we_i", 1, strobe),
            Row("wb_adr_i", 12, strobe),
            Row("wb_sel_i", 4, strobe),
            Row("wb_dat_i", 32, lambda s: bool(s["wb_stb_i"] and s["wb_we_i"]), _short),
            Row("wb_ack_o"),
            Row("wb_err_o"),
            Row("wb_dat_o", 32, read, _short),
        ),
        "wb_clk_i",
    )
    ports = {f"wb_{name}_i": getattr(bus, name) for name in ("cyc", "stb", "we", "adr", "sel")} | {
        "wb_dat_i": bus.dat_w,
        "wb_dat_o": bus.dat_r,
        "wb_ack_o": bus.ack,
        "wb_err_o": bus.err,
    }

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, ports, trace)
        await scene.clock()
        margin = 4 * AT["MARGIN"]
        for address, write, word in ((margin, 1, 0x12C), (margin, 0, 0), (0x100, 0, 0)):
            scene.set(wb_cyc_i=1, wb_stb_i=1, wb_we_i=write, wb_adr_i=address)
            scene.set(wb_dat_i=word, wb_sel_i=15)
            await scene.until("wb_ack_o", "wb_err_o")
            await scene.clock()
            scene.set(wb_cyc_i=0, wb_stb_i=0)
            await scene.clock()

    play(_joined(core, bus), bench)
    return trace


def _joined(core: Core, bus: Any) -> Any:
    from amaranth.hdl import Module

    m = Module()
    m.submodules.core = core
    m.submodules.bus = bus
    connect(m, bus, core, of_driver="core_")
    return m


def axi4lite() -> Trace:
    """Return a write whose data come before the address, and a read whose master is late."""
    core, _ = _core()
    bus = Axi4Lite()

    def row(channel: str, name: str, bits: int) -> Row:
        valid = f"{channel}valid"
        return Row(channel + name, bits, lambda s: bool(s[valid]), _short if bits == 32 else None)

    trace = Trace(
        "AXI4-Lite: data before the address, a response and a word that wait for the master",
        (
            Row("awvalid"),
            Row("awready"),
            row("aw", "addr", 12),
            Row("wvalid"),
            Row("wready"),
            row("w", "data", 32),
            row("w", "strb", 4),
            Row("bvalid"),
            Row("bready"),
            row("b", "resp", 2),
            Row("arvalid"),
            Row("arready"),
            row("ar", "addr", 12),
            Row("rvalid"),
            Row("rready"),
            row("r", "data", 32),
            row("r", "resp", 2),
        ),
        "aclk",
    )
    ports = {name: getattr(bus, name) for name in PORTS}

    async def bench(ctx: Any) -> None:
        scene = Scene(ctx, ports, trace)
        margin = 4 * AT["MARGIN"]
        await scene.clock()
        scene.set(wvalid=1, wdata=0x12C, wstrb=15)
        await scene.clock()
        scene.set(wvalid=0)
        await scene.clock()
        scene.set(awvalid=1, awaddr=margin)
        await scene.clock()
        scene.set(awvalid=0, arvalid=1, araddr=margin)
        await scene.clock()
        scene.set(arvalid=0)
        await scene.until("bvalid")
        await scene.clock(2)
        scene.set(bready=1)
        await scene.clock()
        scene.set(bready=0)
        await scene.until("rvalid")
        await scene.clock(2)
        scene.set(rready=1)
        await scene.clock()
        scene.set(rready=0)
        await scene.clock()

    play(_joined(core, bus), bench)
    return trace
