"""Page store: phases and flags, and the partial sums, of L oscillators a word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.timing import address_bits, page_word


class PageStore(wiring.Component):
    """Two memories of M words with registered outputs, each read two clocks after its address.

    Every write is a whole word, so plain simple-dual-port memory of any family will do.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and widths.
    """

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
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
        m = Module()
        depth = self.formats.pages
        m.submodules.words = words = Memory(shape=self.word_bits, depth=depth, init=[])
        m.submodules.sums = sums = Memory(shape=self.sum_bits, depth=depth, init=[])
        word = Signal(self.word_bits, reset_less=True)
        total = Signal(self.sum_bits, reset_less=True)
        source, sink = words.read_port(), words.write_port()
        m.d.comb += [
            source.addr.eq(self.read_page),
            self.words.eq(word),
            sink.addr.eq(self.store_page),
            sink.data.eq(self.new_words),
            sink.en.eq(self.store),
        ]
        m.d.sync += word.eq(source.data)
        source, sink = sums.read_port(), sums.write_port()
        m.d.comb += [
            source.addr.eq(self.read_sum_page),
            self.sums.eq(total),
            sink.addr.eq(self.save_page),
            sink.data.eq(self.new_sums),
            sink.en.eq(self.save),
        ]
        m.d.sync += total.eq(Mux(self.clear, 0, source.data))
        return m
