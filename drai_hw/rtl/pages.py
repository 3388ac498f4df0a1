"""Page store: phases and flags, and the partial sums, of L oscillators a word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import address_bits, block_memory, page_word


class PageStore(wiring.Component):
    """Two memories of M words: phase words and partial sums.

    Every write is a whole word, so plain simple-dual-port memory of any family will do. No word
    is read in the clock in which it is written.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and widths.
    registered : bool
        Registers behind the memories: a faster clock for one flip-flop a bit.

    Attributes
    ----------
    latency : int
        Clocks from address to word: 2 with registers, else 1.
    """

    def __init__(self, formats: Formats, *, registered: bool) -> None:
        self.formats = formats
        self.latency = 2 if registered else 1
        self.word_bits = page_word(formats).size * formats.lanes
        self.sum_bits = formats.acc_bits * formats.lanes
        address = address_bits(formats.pages)
        super().__init__(
            {
                "read_page": In(address),
                "words": Out(self.word_bits),
                "store": In(1),
                "store_page": In(address),
                "new_words": In(self.word_bits),
                "read_sum_page": In(address),
                "clear": In(1),
                "sums": Out(self.sum_bits),
                "save": In(1),
                "save_page": In(address),
                "new_sums": In(self.sum_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build both memories."""
        m = Module()
        depth = self.formats.pages
        m.submodules.words_memory = words = block_memory(self.word_bits, depth)
        m.submodules.sums_memory = sums = block_memory(self.sum_bits, depth)
        source, sink = words.read_port(), words.write_port()
        m.d.comb += [
            source.addr.eq(self.read_page),
            sink.addr.eq(self.store_page),
            sink.data.eq(self.new_words),
            sink.en.eq(self.store),
        ]
        self._deliver(m, self.words, source.data)
        source, sink = sums.read_port(), sums.write_port()
        m.d.comb += [
            source.addr.eq(self.read_sum_page),
            sink.addr.eq(self.save_page),
            sink.data.eq(self.new_sums),
            sink.en.eq(self.save),
        ]
        self._deliver(m, self.sums, Mux(self.clear, 0, source.data))
        return m

    def _deliver(self, m: Module, port: Any, value: Any) -> None:
        if self.latency == 2:
            register = Signal(len(port), name=f"{port.name}_register", reset_less=True)
            m.d.sync += register.eq(value)
            value = register
        m.d.comb += port.eq(value)
