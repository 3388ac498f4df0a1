"""The core as a slave on an AXI4-Lite bus."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import ClockDomain, Module, Mux, Signal, Value
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.access import BYTES, CORE_BUS, WINDOW_BITS, BusAccess, Outcome
from drai_hw.rtl.registers import BUS_DATA_BITS
from drai_hw.rtl.top import Core, check_core, connect


class Resp(IntEnum):
    """Responses of AXI4-Lite."""

    OKAY = 0
    SLVERR = 2
    DECERR = 3


PORTS = {
    "awaddr": In(WINDOW_BITS),
    "awprot": In(3),
    "awvalid": In(1),
    "awready": Out(1),
    "wdata": In(BUS_DATA_BITS),
    "wstrb": In(BYTES),
    "wvalid": In(1),
    "wready": Out(1),
    "bresp": Out(2),
    "bvalid": Out(1),
    "bready": In(1),
    "araddr": In(WINDOW_BITS),
    "arprot": In(3),
    "arvalid": In(1),
    "arready": Out(1),
    "rdata": Out(BUS_DATA_BITS),
    "rresp": Out(2),
    "rvalid": Out(1),
    "rready": In(1),
}
"""The five channels, by the names of the standard, as the slave sees them."""


def response(outcome: Any) -> Value:
    """Return the response for an outcome: DECERR where no register is, SLVERR for refusals."""
    return Mux(
        outcome == Outcome.OK,
        Resp.OKAY,
        Mux(outcome == Outcome.UNMAPPED, Resp.DECERR, Resp.SLVERR),
    )


class Axi4Lite(wiring.Component):
    """Slave of AXI4-Lite in front of the register bus.

    Every channel has a register of its own: an address and its data may come in any order and any
    distance, `ready` never waits for another channel, and a response stands until it is taken. All
    outputs come from registers, none from an input of the same clock. Reads and writes that wait
    together take turns. SLVERR says that the access had no effect (the core is running, or strobes
    leave out a part of a register that must be written whole), DECERR that no register is there.
    `awprot` and `arprot` are ignored; so are the lowest two bits of an address.

    Latency: the response stands 8 clocks behind the later of address and data, when the core
    answers in 4. Throughput: one access at a time.
    """

    def __init__(self) -> None:
        # The channel `wdata` and the register bus' share a name: the latter is `core_*` here.
        super().__init__(PORTS | {f"core_{name}": port for name, port in CORE_BUS.items()})

    def elaborate(self, platform: Any) -> Module:
        """Build the channels around a `BusAccess`."""
        m = Module()
        m.submodules.access = access = BusAccess()
        connect(m, access, self, of_target="core_")
        have_aw, have_w, have_ar = Signal(), Signal(), Signal()
        write_word, read_word = Signal(WINDOW_BITS - 2), Signal(WINDOW_BITS - 2)
        data, strobes = Signal(BUS_DATA_BITS), Signal(BYTES)
        writing = Signal()  # the access under way, then: the last one
        m.d.comb += [
            self.awready.eq(~have_aw),
            self.wready.eq(~have_w),
            self.arready.eq(~have_ar),
            access.data.eq(data),
            access.select.eq(strobes),
        ]
        with m.If(self.awvalid & self.awready):
            m.d.sync += [have_aw.eq(1), write_word.eq(self.awaddr[2:])]
        with m.If(self.wvalid & self.wready):
            m.d.sync += [have_w.eq(1), data.eq(self.wdata), strobes.eq(self.wstrb)]
        with m.If(self.arvalid & self.arready):
            m.d.sync += [have_ar.eq(1), read_word.eq(self.araddr[2:])]
        with m.If(self.bready):
            m.d.sync += self.bvalid.eq(0)
        with m.If(self.rready):
            m.d.sync += self.rvalid.eq(0)

        can_write = have_aw & have_w & ~self.bvalid
        can_read = have_ar & ~self.rvalid
        take_write = Signal()
        m.d.comb += [
            take_write.eq(can_write & (~can_read | ~writing)),
            access.write.eq(take_write),
            access.word.eq(Mux(take_write, write_word, read_word)),
        ]
        with m.FSM(name="turn"):
            with m.State("REST"):
                m.d.comb += access.start.eq(can_write | can_read)
                with m.If(access.start):
                    m.d.sync += writing.eq(take_write)
                    m.next = "WORK"
            with m.State("WORK"), m.If(access.done):
                m.next = "REST"
                with m.If(writing):
                    m.d.sync += [
                        have_aw.eq(0),
                        have_w.eq(0),
                        self.bvalid.eq(1),
                        self.bresp.eq(response(access.outcome)),
                    ]
                with m.Else():
                    m.d.sync += [
                        have_ar.eq(0),
                        self.rvalid.eq(1),
                        self.rresp.eq(response(access.outcome)),
                        self.rdata.eq(access.result),
                    ]
        return m


class Axi4LiteTop(wiring.Component):
    """Core and AXI4-Lite slave, with the port names that FPGA tools group into one interface.

    Parameters
    ----------
    core : Core
        Component with the register bus of `drai_hw.rtl.registers`.

    Raises
    ------
    SpecError
        The core lacks a bus port.
    """

    def __init__(self, core: Core) -> None:
        self.core = check_core(core)
        ports: dict[str, Any] = {"s_axi_aclk": In(1), "s_axi_aresetn": In(1)}
        ports |= {f"s_axi_{name}": port for name, port in PORTS.items()}
        super().__init__(ports | {"busy": Out(1), "step_done": Out(1)})

    def elaborate(self, platform: Any) -> Module:
        """Wire clock, core and slave."""
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.submodules.core = core = self.core
        m.submodules.bus = bus = Axi4Lite()
        connect(m, bus, core, of_driver="core_")
        m.d.comb += [sync.clk.eq(self.s_axi_aclk), sync.rst.eq(~self.s_axi_aresetn)]
        for name, port in PORTS.items():
            outer, inner = getattr(self, f"s_axi_{name}"), getattr(bus, name)
            m.d.comb += inner.eq(outer) if port.flow is wiring.Flow.In else outer.eq(inner)
        m.d.comb += [self.busy.eq(core.busy), self.step_done.eq(core.step_done)]
        return m
