"""Page store: phases and flags, and the partial sums, of L oscillators a word."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Cat, Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.replica import lane_groups, later, replicated
from drai_hw.rtl.timing import address_bits, block_memory, page_word

LOGIC_DEPTH = 64
"""Up to this many words synthesis for ECP5 puts a memory into logic."""


class PageStore(wiring.Component):
    """Memories of M words: phase words and partial sums.

    Every write is a whole word, so plain simple-dual-port memory of any family will do. No word
    is read in the clock in which it is written. Many lanes on few pages are served by a memory
    for each group of lanes, with address and enable registers of its own; deep memories are
    blocks and stay in one piece.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and widths.
    registered : bool
        Registers ahead of the memories: a faster clock for few flip-flops.

    Attributes
    ----------
    latency : int
        Clocks from address to word: 2 with registers, else 1. Writes take one clock; ``store``
        and ``save`` come one clock ahead of the words.
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
                "sums": Out(self.sum_bits),
                "save": In(1),
                "save_page": In(address),
                "new_sums": In(self.sum_bits),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the memories."""
        m = Module()
        f = self.formats
        split = replicated(f.lanes) and f.pages <= LOGIC_DEPTH
        groups = lane_groups(f.lanes) if split else [range(f.lanes)]
        for name, bits, read, write, at in (
            ("words", page_word(f).size, self.read_page, self.store, self.store_page),
            ("sums", f.acc_bits, self.read_sum_page, self.save, self.save_page),
        ):
            out = []
            for index, group in enumerate(groups):
                label = f"{name}{index}" if split else name
                memory = block_memory(bits * len(group), f.pages)
                m.submodules[f"{label}_memory"] = memory
                source, sink = memory.read_port(), memory.write_port()
                share = slice(bits * group.start, bits * group.stop)
                address: Any = read
                if self.latency == 2:
                    address = later(m, read, f"{label}_read", replica=split)
                m.d.comb += [
                    source.addr.eq(address),
                    sink.addr.eq(later(m, at, f"{label}_write", replica=split)),
                    sink.en.eq(later(m, write, f"{label}_enable", replica=split)),
                    sink.data.eq(getattr(self, f"new_{name}")[share]),
                ]
                out.append(source.data)
            m.d.comb += getattr(self, name).eq(Cat(out))
        return m
