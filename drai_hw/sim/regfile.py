"""A register file with random acknowledge delays: stands in for the core in tests of the bus."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS


class RegisterFile(wiring.Component):
    """Memory of 64 words behind the core's bus.

    Every access is acknowledged after 1 to 8 clocks, by a free-running LFSR. `busy` follows the
    input `hold`, so that a test can play a running core. `writes` counts acknowledged writes.

    Parameters
    ----------
    init : list of int, optional
        Contents at the start, up to 64 words of 32 bits.
    """

    def __init__(self, init: list[int] | None = None) -> None:
        self._init = list(init or [])
        super().__init__(
            {
                "addr": In(BUS_ADDRESS_BITS),
                "wdata": In(BUS_DATA_BITS),
                "we": In(1),
                "re": In(1),
                "rdata": Out(BUS_DATA_BITS),
                "ack": Out(1),
                "busy": Out(1),
                "step_done": Out(1),
                "hold": In(1),
                "writes": Out(16),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build memory and delay."""
        m = Module()
        m.submodules.words = words = self.memory = Memory(
            shape=BUS_DATA_BITS, depth=1 << BUS_ADDRESS_BITS, init=self._init
        )
        write_port, read_port = words.write_port(), words.read_port()
        lfsr = Signal(16, init=0xACE1)
        wait = Signal(3)
        running = Signal()
        strobe = self.we | self.re

        m.d.sync += [
            lfsr.eq(Cat(lfsr[15] ^ lfsr[13] ^ lfsr[12] ^ lfsr[10], lfsr[:-1])),
            self.ack.eq(0),
        ]
        m.d.comb += [
            self.busy.eq(self.hold),
            read_port.addr.eq(self.addr),
            write_port.addr.eq(self.addr),
            write_port.data.eq(self.wdata),
            write_port.en.eq(self.we & self.ack),
            self.rdata.eq(read_port.data),
        ]
        with m.If(running):
            m.d.sync += wait.eq(wait - 1)
            with m.If(wait == 0):
                m.d.sync += [self.ack.eq(1), running.eq(0)]
        with m.Elif(strobe & ~self.ack):
            m.d.sync += [running.eq(1), wait.eq(lfsr[:3])]
        with m.If(write_port.en):
            m.d.sync += self.writes.eq(self.writes + 1)
        return m
