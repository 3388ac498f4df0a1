"""Weight store: one word of L weights a slot, read ahead and written behind in the same pass."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import address_bits, block_memory


class WeightStore(wiring.Component):
    """Dual-port block memory with sequential addresses in both directions.

    A pass reads word after word (``read``, stage 0; ``word`` valid two clocks later) and, while
    learning, writes them back in the same order (``write`` beside ``new``). The distance between
    the two is fixed and shorter than a pass, so no word is read before it is written back.
    At rest the output register is the host's scan chain: no further memory port.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and weight width; the memory has ``L M M / 2`` words of ``L W`` bits.
    """

    READ_LATENCY = 2

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        width = formats.lanes * formats.weight_bits
        self.memory = block_memory(width, formats.pair_slots)
        super().__init__(
            {
                "busy": In(1),
                "start": In(1),
                "read": In(1),
                "word": Out(width),
                "write": In(1),
                "new": In(width),
                # Host, at rest: address, take a word out, move the chain, put a word in.
                "host_address": In(address_bits(formats.pair_slots)),
                "host_fetch": In(1),
                "host_shift": In(1),
                "host_weight": In(formats.weight_bits),
                "host_commit": In(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build memory, address counters and scan chain."""
        m = Module()
        m.submodules.weights_memory = memory = self.memory
        source, sink = memory.read_port(), memory.write_port()
        read_at = Signal(source.addr.shape(), reset_less=True)
        write_at = Signal(source.addr.shape(), reset_less=True)
        with m.If(self.start):
            m.d.sync += [read_at.eq(0), write_at.eq(0)]
        with m.Else():
            with m.If(self.read):
                # Wraps, so that what follows a pass is read from a word that exists: simulators
                # would take the product of nothing with an unknown weight for unknown.
                last = self.formats.pair_slots - 1
                m.d.sync += read_at.eq(Mux(read_at == last, 0, read_at + 1))
            with m.If(self.write):
                m.d.sync += write_at.eq(write_at + 1)
        word = Signal(source.data.shape(), reset_less=True)
        with m.If(self.busy | self.host_fetch):
            m.d.sync += word.eq(source.data)
        with m.Elif(self.host_shift):
            chain = word[self.formats.weight_bits :]
            m.d.sync += word.eq((self.host_weight << len(chain)) | chain)
        m.d.comb += [
            source.addr.eq(Mux(self.busy, read_at, self.host_address)),
            self.word.eq(word),
            sink.addr.eq(Mux(self.busy, write_at, self.host_address)),
            sink.data.eq(self.new),
            sink.en.eq(self.write | self.host_commit),
        ]
        return m
