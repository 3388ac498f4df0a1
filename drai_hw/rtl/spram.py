"""Weight store in the large single-port memories of iCE40 UltraPlus: one access a clock."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from amaranth.hdl import Array, C, Cat, ClockSignal, Instance, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import Place
from drai_hw.rtl.replica import later
from drai_hw.rtl.store_interface import Piece, check_plan, store_ports
from drai_hw.rtl.timing import address_bits

BLOCK_WORDS = 16384
BLOCK_BITS = 16
UNUSED_WORDS = (np.arange(BLOCK_WORDS) * 40503 + 12345) & 0xFFFF
"""What a block holds in simulation before any write: words that no core should use."""


@dataclass(frozen=True)
class SpramPlan:
    """A weight memory cut into blocks of `BLOCK_WORDS` x `BLOCK_BITS`.

    Parameters
    ----------
    depth, width : int
        Words, and bits a word; at least 1.
    vendor : bool
        See `SpramBlock`.
    """

    depth: int
    width: int
    vendor: bool = False

    def __post_init__(self) -> None:
        if self.depth < 1 or self.width < 1:
            raise ValueError(f"depth = {self.depth}, width = {self.width}: both must be at least 1")

    @property
    def columns(self) -> int:
        """Blocks side by side, for the width of a word."""
        return -(-self.width // BLOCK_BITS)

    @property
    def banks(self) -> int:
        """Blocks one behind the other, for the number of words."""
        return -(-self.depth // BLOCK_WORDS)

    @property
    def blocks(self) -> int:
        """Blocks in all."""
        return self.columns * self.banks

    def places(self) -> list[Place]:
        """Return the memories of the store, ascending by word and bit."""
        inner = "spram.words" if self.vendor else "words"
        return [
            Place(
                f"block_{bank}_{column}.{inner}",
                bank * BLOCK_WORDS,
                min(BLOCK_WORDS, self.depth - bank * BLOCK_WORDS),
                column * BLOCK_BITS,
                min(BLOCK_BITS, self.width - column * BLOCK_BITS),
            )
            for bank in range(self.banks)
            for column in range(self.columns)
        ]


class SpramBlock(wiring.Component):
    """One SB_SPRAM256KA: 16,384 words of 16 bits, one port, no start contents.

    A read presents its word one clock after ``address``. In the clock after a write ``data_out``
    is undefined; without ``select`` it stays what it was.

    Parameters
    ----------
    vendor : bool
        Instantiate the primitive whatever the platform is. Otherwise it is instantiated for a
        platform, and without one, in simulation, a memory of the same behaviour takes its place:
        it starts with words that no core should use, and answers a write with the complement of
        what was written.

    Attributes
    ----------
    data : MemoryData
        Words of the stand-in.
    """

    def __init__(self, *, vendor: bool = False) -> None:
        self.vendor = vendor
        self.data = MemoryData(shape=BLOCK_BITS, depth=BLOCK_WORDS, init=UNUSED_WORDS.tolist())
        super().__init__(
            {
                "address": In(address_bits(BLOCK_WORDS)),
                "select": In(1),
                "write": In(1),
                "data_in": In(BLOCK_BITS),
                "data_out": Out(BLOCK_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Instantiate the primitive or its stand-in."""
        m = Module()
        if self.vendor or platform is not None:
            m.submodules.spram = Instance(
                "SB_SPRAM256KA",
                i_ADDRESS=self.address,
                i_DATAIN=self.data_in,
                i_MASKWREN=C(0b1111, 4),
                i_WREN=self.write,
                i_CHIPSELECT=self.select,
                i_CLOCK=ClockSignal(),
                i_STANDBY=C(0, 1),
                i_SLEEP=C(0, 1),
                i_POWEROFF=C(1, 1),  # active low
                o_DATAOUT=self.data_out,
            )
            return m
        m.submodules.words = memory = Memory(self.data)
        source, sink = memory.read_port(), memory.write_port()
        spoilt = Signal()
        wrong = Signal(BLOCK_BITS)
        with m.If(self.select):
            m.d.sync += [spoilt.eq(self.write), wrong.eq(~self.data_in)]
        m.d.comb += [
            source.addr.eq(self.address),
            source.en.eq(self.select & ~self.write),
            sink.addr.eq(self.address),
            sink.en.eq(self.select & self.write),
            sink.data.eq(self.data_in),
            self.data_out.eq(Mux(spoilt, wrong, source.data)),
        ]
        return m


class SpramStore(wiring.Component):
    """Weight store with one port: it reads in one clock and writes back in the next.

    Stands in for `drai_hw.rtl.weights.WeightStore`, with the same ports. In a learning pass a pair
    may be issued every other clock only: then reads and write-backs, an odd number of clocks
    apart, alternate. All other passes read a word a clock. The word register takes a word in the
    clock after its read and keeps it; what the blocks show after a write is never taken.

    The blocks start with undefined contents: the host writes all words before it uses any.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and weight width; ``L M M / 2`` words of ``L W`` bits.
    plan : SpramPlan
        How they are cut into blocks.
    write_lag : int
        Clocks from the stage at which words arrive to ``write`` for the same word.

    Attributes
    ----------
    READ_LATENCY : int
        Clocks from ``read`` or ``host_fetch`` to ``word``: 2.
    SLOT_CLOCKS : int
        Clocks between pairs of a learning pass: 2.
    blocks : list of list of SpramBlock
        Bank by bank, in each from the lowest bits on.
    pieces : list of Piece
        The same blocks as memories of the simulation, ascending by word and bit.
    """

    READ_LATENCY = 2
    SLOT_CLOCKS = 2

    def __init__(self, formats: Formats, plan: SpramPlan, *, write_lag: int) -> None:
        self.formats = formats
        self.plan = plan
        check_plan(formats, plan.depth, plan.width)
        # Reads and write-backs alternate only if an odd number of clocks lies between them.
        self._even = (self.READ_LATENCY + write_lag) % 2 == 0
        self.blocks = [
            [SpramBlock(vendor=plan.vendor) for _ in range(plan.columns)] for _ in range(plan.banks)
        ]
        flat = (block for bank in self.blocks for block in bank)
        self.pieces = [
            Piece(place, block) for place, block in zip(plan.places(), flat, strict=True)
        ]
        super().__init__(store_ports(formats))

    def elaborate(self, platform: Any) -> Module:
        """Build blocks, address counters and scan chain."""
        m = Module()
        plan = self.plan
        issued = Signal()
        m.d.sync += issued.eq(self.issue & self.ready)
        m.d.comb += self.ready.eq(~(issued & self.learning))

        write, new = self.write, self.new
        if self._even:
            write, new = later(m, write, "write"), later(m, new, "new")
        read_at = Signal(self.host_address.shape(), reset_less=True)
        write_at = Signal(self.host_address.shape(), reset_less=True)
        with m.If(self.start):
            m.d.sync += [read_at.eq(0), write_at.eq(0)]
        with m.Else():
            with m.If(self.read):
                m.d.sync += read_at.eq(read_at + 1)
            with m.If(write):
                m.d.sync += write_at.eq(write_at + 1)
        fetch, put = self.read | self.host_fetch, write | self.host_commit
        load = later(m, fetch, "load")
        address = Signal.like(self.host_address)
        m.d.comb += address.eq(Mux(self.busy, Mux(write, write_at, read_at), self.host_address))

        inside = address_bits(min(plan.depth, BLOCK_WORDS))
        number = address[inside:] if plan.banks > 1 else None
        words = []
        for bank, columns in enumerate(self.blocks):
            here = 1 if number is None else number == bank
            for column, block in enumerate(columns):
                m.submodules[f"block_{bank}_{column}"] = block
                m.d.comb += [
                    block.address.eq(address[:inside]),
                    block.select.eq((fetch | put) & here),
                    block.write.eq(put),
                    block.data_in.eq(new[column * BLOCK_BITS : (column + 1) * BLOCK_BITS]),
                ]
            words.append(Cat(block.data_out for block in columns)[: plan.width])
        come = words[0]
        if number is not None:
            come = Array(words)[later(m, number, "chosen")]
        word = Signal(plan.width, reset_less=True)
        with m.If(load):
            m.d.sync += word.eq(come)
        with m.Elif(self.host_shift):
            m.d.sync += word.eq(Cat(word[self.formats.weight_bits :], self.host_weight))
        m.d.comb += self.word.eq(word)
        return m
