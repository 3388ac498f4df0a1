"""Weight store: one word of L weights a slot, read ahead and written behind in the same pass."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Array, Cat, Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan, plain_store
from drai_hw.rtl.replica import later, replicated
from drai_hw.rtl.store_interface import Piece, check_plan, store_ports
from drai_hw.rtl.timing import block_memory

GROUP_LANES = 4
"""Lanes whose blocks and word registers share copies of address, enable and select."""


class WeightStore(wiring.Component):
    """Dual-port block memory with sequential addresses in both directions.

    A pass reads word after word (``read``; ``word`` valid `READ_LATENCY` clocks later, until the
    next one comes) and, while learning, writes them back in the same order (``write`` beside
    ``new``). The distance between the two is fixed and shorter than a pass, so no word is read
    before it is written back. Words are read only on ``read`` and ``host_fetch``. At rest the
    output register is the host's scan chain: no further memory port.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and weight width; the memory has ``L M M / 2`` words of ``L W`` bits.
    plan : StorePlan, optional
        How the memory is cut into blocks; then it has registers before and behind every block
        and ahead of the multiplexer between banks. Without one, synthesis cuts it.

    Attributes
    ----------
    READ_LATENCY : int
        Clocks from ``read`` or ``host_fetch`` to ``word``: 2, with a plan 4.
    SLOT_CLOCKS : int
        Clocks between pairs of a learning pass: 1.
    pieces : list of Piece
        The memories, ascending by word and bit.
    """

    SLOT_CLOCKS = 1

    def __init__(self, formats: Formats, plan: StorePlan | None = None) -> None:
        self.formats = formats
        width = formats.lanes * formats.weight_bits
        self.plan = plan or plain_store(formats.pair_slots, width)
        check_plan(formats, self.plan.depth, self.plan.width)
        self.registered = plan is not None
        self.READ_LATENCY = 4 if self.registered else 2
        self.pieces = [
            Piece(place, block_memory(place.bits, place.words)) for place in self.plan.places()
        ]
        super().__init__(store_ports(formats, ready=Out(1, init=1)))  # a slot never waits

    def elaborate(self, platform: Any) -> Module:
        """Build memories, address counters and scan chain."""
        m = Module()
        group_bits = GROUP_LANES * self.formats.weight_bits
        self._copies = self.registered and replicated(self.formats.lanes)
        groups = range(0, self.plan.width, group_bits) if self._copies else range(1)
        read_at = Signal(self.host_address.shape(), reset_less=True)
        write_at = Signal(self.host_address.shape(), reset_less=True)
        started = later(m, self.start, "started")
        # At rest the counters follow the host, so that no multiplexer stands behind them.
        with m.If(~self.busy):
            m.d.sync += [read_at.eq(self.host_address), write_at.eq(self.host_address)]
        with m.Elif(started):
            m.d.sync += [read_at.eq(0), write_at.eq(0)]
        with m.Else():
            with m.If(self.read):
                m.d.sync += read_at.eq(read_at + 1)
            with m.If(self.write):
                m.d.sync += write_at.eq(write_at + 1)
        fetch, put = self.read | self.host_fetch, self.write | self.host_commit
        new = self._stage(m, self.new, "new_stage")
        reading = [self._port(m, f"read{g}", read_at, fetch) for g, _ in enumerate(groups)]
        writing = [self._port(m, f"write{g}", write_at, put) for g, _ in enumerate(groups)]

        words: dict[int, list[Any]] = {bank.first: [] for bank in self.plan.banks}
        for number, piece in enumerate(self.pieces):
            place, memory = piece.place, piece.memory
            m.submodules[place.path] = memory
            group = place.first_bit // group_bits if self._copies else 0
            at = list(words).index(place.first_word)
            out, into = memory.read_port(), memory.write_port()
            m.d.comb += [
                out.addr.eq(reading[group][0]),
                out.en.eq(reading[group][1][at]),
                into.addr.eq(writing[group][0]),
                into.en.eq(writing[group][1][at]),
                into.data.eq(new[place.first_bit : place.first_bit + place.bits]),
            ]
            words[place.first_word].append(self._stage(m, out.data, f"out{number}"))
        banks = [Cat(parts) for parts in words.values()]

        # What was asked for comes out READ_LATENCY - 1 clocks later; the select comes with it.
        number = Signal(range(len(banks)), name="bank")
        for index, bank in enumerate(self.plan.banks[1:], 1):
            with m.If(read_at >= bank.first):
                m.d.comb += number.eq(index)
        fetched: Any = fetch
        chosen: Any = number
        for clock in range(self.READ_LATENCY - 2):
            fetched = later(m, fetched, f"fetched{clock}")
            chosen = later(m, chosen, f"chosen{clock}") if len(banks) > 1 else chosen
        word = Signal(self.plan.width, reset_less=True)
        chain = Cat(word[self.formats.weight_bits :], later(m, self.host_weight, "entering"))
        for group, start in enumerate(groups):
            size = group_bits if self._copies else self.plan.width
            bits = slice(start, start + size)
            load = later(m, fetched, f"load{group}", replica=self._copies)
            shift = later(m, self.host_shift, f"shift{group}", replica=self._copies)
            come: Any = banks[0][bits]
            if len(banks) > 1:
                select = later(m, chosen, f"select{group}", replica=self._copies)
                come = Array(bank[bits] for bank in banks)[select]
            with m.If(load):
                m.d.sync += word[bits].eq(come)
            with m.Elif(shift):
                m.d.sync += word[bits].eq(chain[bits])
        m.d.comb += self.word.eq(word)
        return m

    def _stage(self, m: Module, value: Any, name: str) -> Any:
        return later(m, value, name) if self.registered else value

    def _port(self, m: Module, name: str, address: Any, enable: Any) -> tuple[Any, list[Any]]:
        """Return address and an enable for each bank, registered with a plan."""
        banks = self.plan.banks
        enables = []
        for bank in banks:
            bits = (bank.words - 1).bit_length()
            here = address[bits:] == bank.first >> bits if len(banks) > 1 else 1
            enables.append(enable & here)
        if not self.registered:
            return address, enables
        copies = self._copies
        return later(m, address, f"{name}_address", replica=copies), [
            later(m, e, f"{name}_enable{index}", replica=copies) for index, e in enumerate(enables)
        ]
