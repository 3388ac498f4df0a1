"""The core as a slave on an SPI bus: the frames of the serial line, byte by byte under SCK."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from drai_hw.errors import SpecError
from drai_hw.rtl.bridge import Bridge
from drai_hw.rtl.top import FRAME_TIMEOUT_S, Core, check_core, connect

FILL = 0x00
"""Byte on MISO while no answer is due; a master clocks as many to fetch one. Opens no frame."""

CLOCKS_PER_SCK = 8
"""Fewest clocks of the design in a period of SCK: MISO follows SCK by up to 4."""


class SpiBytes(wiring.Component):
    """Bytes of an SPI slave: mode 0 (CPOL = CPHA = 0), most significant bit first.

    SCK is sampled by the design's own clock, so no second clock domain exists: its period is at
    least `CLOCKS_PER_SCK` clocks, with both halves at least 4. MISO changes up to 4 clocks behind
    a falling edge of SCK, and the byte that goes out is chosen at the falling edge of CS or of the
    last bit before it; where none is at hand, `FILL` goes out. A byte counts as sent with its
    first bit. CS in the middle of a byte drops the bits that came; `end` says that CS rose.

    Latency: `valid` stands 4 clocks behind the last rising edge. Throughput: a byte in 8 SCK.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "miso_oe": Out(1),
                "data": Out(8),
                "valid": Out(1),
                "end": Out(1),
                "tx_data": In(8),
                "tx_valid": In(1),
                "tx_ready": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build synchronisers and both shift registers."""
        m = Module()
        sck, cs_n, mosi = Signal(), Signal(init=1), Signal()
        m.submodules.sck_sync = FFSynchronizer(self.sck, sck)
        m.submodules.cs_sync = FFSynchronizer(self.cs_n, cs_n, init=1)
        m.submodules.mosi_sync = FFSynchronizer(self.mosi, mosi)
        last_sck, last_cs_n = Signal(), Signal(init=1)
        m.d.sync += [last_sck.eq(sck), last_cs_n.eq(cs_n)]
        rising, falling = Signal(), Signal()
        m.d.comb += [
            rising.eq(~cs_n & sck & ~last_sck),
            falling.eq(~cs_n & ~sck & last_sck),
            self.miso_oe.eq(~cs_n),
        ]

        bit = Signal(3)
        m.d.sync += [self.valid.eq(0), self.end.eq(cs_n & ~last_cs_n)]
        with m.If(cs_n):
            m.d.sync += bit.eq(0)
        with m.Elif(rising):
            m.d.sync += [
                bit.eq(bit + 1),
                self.data.eq(Cat(mosi, self.data[:-1])),
                self.valid.eq(bit == 7),
            ]

        waiting, have, chosen = Signal(8), Signal(), Signal()
        shift = Signal(8)
        m.d.comb += [self.tx_ready.eq(~have), self.miso.eq(shift[7])]
        with m.If(self.tx_valid & self.tx_ready):
            m.d.sync += [waiting.eq(self.tx_data), have.eq(1)]
        with m.If((~cs_n & last_cs_n) | (falling & (bit == 0))):
            m.d.sync += [shift.eq(Mux(have, waiting, FILL)), chosen.eq(have)]
        with m.Elif(falling):
            m.d.sync += shift.eq(Cat(0, shift[:-1]))
        with m.If(rising & (bit == 0)):
            m.d.sync += chosen.eq(0)
            with m.If(chosen):
                m.d.sync += have.eq(0)
        return m


class SpiTop(wiring.Component):
    """Core, frame bridge and SPI slave.

    The frames are those of the serial line (`drai_hw.rtl.frame`). A request is sent under one CS;
    a frame that CS cuts short is dropped with TIMEOUT. Its response comes whenever it is ready, on
    the MISO of any later byte, behind `FILL` bytes and without a gap in itself: the master goes on
    clocking (`FILL` on MOSI does nothing) until it has it.

    Ports: `sck`, `cs_n`, `mosi`, `miso` with `miso_oe` for a shared line; `busy` and `activity` as
    in `drai_hw.rtl.top.Top`.

    Parameters
    ----------
    core : Core
        Component with the register bus of `drai_hw.rtl.registers`.
    clock_hz : float
        Frequency of `clk` in hertz, > 0.
    timeout_s : float
        Least silence inside a frame, in seconds, that the bridge takes for a loss.

    Raises
    ------
    SpecError
        The core lacks a bus port, or the clock is no frequency.
    """

    def __init__(self, core: Core, clock_hz: float, *, timeout_s: float = FRAME_TIMEOUT_S) -> None:
        if clock_hz <= 0:
            raise SpecError(f"clock_hz={clock_hz!r} given; a frequency above 0 Hz is needed")
        self.core = check_core(core)
        self.clock_hz = clock_hz
        self.timeout_clocks = max(round(timeout_s * clock_hz), 16 * CLOCKS_PER_SCK)
        super().__init__(
            {
                "sck": In(1),
                "cs_n": In(1, init=1),
                "mosi": In(1),
                "miso": Out(1),
                "miso_oe": Out(1),
                "busy": Out(1),
                "activity": Out(1),
            }
        )

    @property
    def sck_hz(self) -> float:
        """Fastest SCK in hertz."""
        return self.clock_hz / CLOCKS_PER_SCK

    def elaborate(self, platform: Any) -> Module:
        """Wire core, bridge and pins."""
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.bridge = bridge = Bridge(timeout_clocks=self.timeout_clocks)
        m.submodules.bytes = line = SpiBytes()
        connect(m, bridge, core)
        m.d.comb += [
            line.sck.eq(self.sck),
            line.cs_n.eq(self.cs_n),
            line.mosi.eq(self.mosi),
            self.miso.eq(line.miso),
            self.miso_oe.eq(line.miso_oe),
            bridge.rx_data.eq(line.data),
            bridge.rx_valid.eq(line.valid),
            bridge.rx_end.eq(line.end),
            line.tx_data.eq(bridge.tx_data),
            line.tx_valid.eq(bridge.tx_valid),
            bridge.tx_ready.eq(line.tx_ready),
            self.busy.eq(core.busy),
            self.activity.eq(bridge.activity),
        ]
        return m
