"""The core as a slave on a Wishbone B4 bus."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import ClockDomain, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.access import BYTES, CORE_BUS, WINDOW_BITS, BusAccess, Outcome
from drai_hw.rtl.registers import BUS_DATA_BITS
from drai_hw.rtl.top import Core, check_core, connect


class Wishbone(wiring.Component):
    """Slave of Wishbone B4, standard ("classic") cycles, in front of the register bus.

    Each strobe is answered once, by `ack`, or by `err` where the access had no effect: no register
    at the address, the core is running (only STATUS answers then), or byte selects that leave out
    a part of a register that must be written whole. Both are low whenever `cyc` or `stb` is, and a
    master that gives up gets no late answer. Words are 32 bits, bytes can be selected; `adr` is a
    byte address whose lowest two bits are ignored.

    Latency: `ack` stands in the 8th clock of `stb` for a register that the core answers in 4, `err`
    in the 4th where the core need not be asked. Throughput: one access at a time.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "cyc": In(1),
                "stb": In(1),
                "we": In(1),
                "adr": In(WINDOW_BITS),
                "dat_w": In(BUS_DATA_BITS),
                "sel": In(BYTES),
                "dat_r": Out(BUS_DATA_BITS),
                "ack": Out(1),
                "err": Out(1),
                **{f"core_{name}": port for name, port in CORE_BUS.items()},
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the handshake around a `BusAccess`."""
        m = Module()
        m.submodules.access = access = BusAccess()
        connect(m, access, self, of_target="core_")
        strobe = self.cyc & self.stb
        wanted = Signal()  # the master still waits for the access under way
        m.d.comb += [
            access.word.eq(self.adr[2:]),
            access.write.eq(self.we),
            access.data.eq(self.dat_w),
            access.select.eq(self.sel),
            self.dat_r.eq(access.result),
        ]
        with m.FSM(name="cycle"):
            with m.State("REST"):
                m.d.comb += access.start.eq(strobe)
                m.d.sync += wanted.eq(1)
                with m.If(strobe):
                    m.next = "WORK"
            with m.State("WORK"):
                with m.If(~strobe):
                    m.d.sync += wanted.eq(0)
                with m.If(access.done):
                    m.next = "REST"
                    with m.If(wanted & strobe):
                        m.next = "ANSWER"
            with m.State("ANSWER"):
                m.d.comb += [
                    self.ack.eq(strobe & (access.outcome == Outcome.OK)),
                    self.err.eq(strobe & (access.outcome != Outcome.OK)),
                ]
                m.next = "REST"
        return m


class WishboneTop(wiring.Component):
    """Core and Wishbone slave, with the port names of the standard.

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
        super().__init__(
            {
                "wb_clk_i": In(1),
                "wb_rst_i": In(1),
                "wb_cyc_i": In(1),
                "wb_stb_i": In(1),
                "wb_we_i": In(1),
                "wb_adr_i": In(WINDOW_BITS),
                "wb_dat_i": In(BUS_DATA_BITS),
                "wb_sel_i": In(BYTES),
                "wb_dat_o": Out(BUS_DATA_BITS),
                "wb_ack_o": Out(1),
                "wb_err_o": Out(1),
                "busy": Out(1),
                "step_done": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Wire clock, core and slave."""
        m = Module()
        m.domains.sync = sync = ClockDomain()
        m.submodules.core = core = self.core
        m.submodules.bus = bus = Wishbone()
        connect(m, bus, core, of_driver="core_")
        m.d.comb += [
            sync.clk.eq(self.wb_clk_i),
            sync.rst.eq(self.wb_rst_i),
            bus.cyc.eq(self.wb_cyc_i),
            bus.stb.eq(self.wb_stb_i),
            bus.we.eq(self.wb_we_i),
            bus.adr.eq(self.wb_adr_i),
            bus.dat_w.eq(self.wb_dat_i),
            bus.sel.eq(self.wb_sel_i),
            self.wb_dat_o.eq(bus.dat_r),
            self.wb_ack_o.eq(bus.ack),
            self.wb_err_o.eq(bus.err),
            self.busy.eq(core.busy),
            self.step_done.eq(core.step_done),
        ]
        return m
