"""Weight store in external SDRAM: words are fetched ahead and written behind in bursts."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.model.numbers import Formats
from drai_hw.rtl.sdram_controller import BEAT_BITS, SdramController, sdram_address
from drai_hw.rtl.sdram_model import SdramModel
from drai_hw.rtl.sdram_pins import connect_pins
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.store_interface import Piece, check_plan, store_ports
from drai_hw.rtl.timing import block_memory


class SdramStore(wiring.Component):
    """Weight store whose words come late now and then.

    Stands in for `drai_hw.rtl.weights.WeightStore`. A pass is read in bursts into a queue, from
    which the lanes take a word a slot; ``ready`` falls when it is empty. What they give back goes
    through a second queue and is written in bursts. ``settled`` says that nothing is under way:
    the sequencer ends a pass only then, so words are in memory before anybody reads them again.

    A pass takes about one clock for each 16 bits read or written, and a tenth more for opening
    rows and for refreshes. The chip starts with undefined contents: the host writes all words
    before it uses any; each of its accesses is a burst of one word.

    On a platform the store drives the pins itself. The chip's clock is the core's, inverted, and
    what it sends is taken at the falling edge of the core's: up to 50 MHz that leaves half a clock
    for pads and board either way. Without a platform a `SdramModel` answers.

    Parameters
    ----------
    formats : Formats
        Lanes, pages and weight width; ``L M M / 2`` words of ``L W`` bits.
    plan : SdramPlan
        Memory and clock.

    Attributes
    ----------
    READ_LATENCY : int
        Clocks from ``read`` to ``word``: 2.
    """

    READ_LATENCY = 2

    def __init__(self, formats: Formats, plan: SdramPlan) -> None:
        self.formats = formats
        self.plan = plan
        check_plan(formats, plan.depth, plan.width)
        most = plan.burst * plan.beats
        words = -(-plan.depth // plan.burst) * plan.burst
        self.chip = SdramModel(plan.chip, plan.clock_hz, words, plan.beats * BEAT_BITS)
        self.pieces = [Piece(place, self.chip) for place in plan.places()]
        self.controller = SdramController(plan.chip, plan.clock_hz, most)
        super().__init__(
            store_ports(formats, pair=In(1), fetching=In(1), settled=Out(1), host_wait=Out(1))
        )

    def elaborate(self, platform: Any) -> Module:
        """Build queues, counters and the host's access around the controller."""
        m = Module()
        m.submodules.controller = self.controller
        if platform is None:
            self._chip(m)
        else:
            connect_pins(m, platform, self.plan.resource, self.controller)
        reading, writing = Signal(), Signal()
        hosting = self._host(m)
        begin_read, begin_write = self._bursts(m, reading, writing, hosting)
        self._incoming(m, begin_read)
        self._outgoing(m, writing, begin_write)
        return m

    def _chip(self, m: Module) -> None:
        """Join controller and model as pins with a register each would."""
        memory, chip = self.controller, self.chip
        m.submodules.chip = chip
        m.d.sync += [
            chip.command.eq(memory.command),
            chip.bank.eq(memory.pin_bank),
            chip.address.eq(memory.pin_address),
            chip.data_in.eq(memory.data_out),
            chip.drive.eq(memory.data_drive),
        ]
        m.d.comb += memory.data_in.eq(chip.data_out)

    def _host(self, m: Module) -> Any:
        """Keep what the host asked for until it is done."""
        self._host_read, self._host_write = Signal(), Signal()
        self._host_at = Signal.like(self.host_address)
        with m.If(self.controller.done):
            m.d.sync += [self._host_read.eq(0), self._host_write.eq(0)]
        with m.If(self.host_fetch):
            m.d.sync += self._host_read.eq(1)
        with m.If(self.host_commit):
            m.d.sync += self._host_write.eq(1)
        with m.If(self.host_fetch | self.host_commit):
            m.d.sync += self._host_at.eq(self.host_address)
        hosting = self._host_read | self._host_write
        m.d.comb += self.host_wait.eq(hosting)
        return hosting

    def _bursts(
        self, m: Module, reading: Signal, writing: Signal, hosting: Any
    ) -> tuple[Signal, Signal]:
        """Choose burst after burst: the host's, else what is to be written, else what is read."""
        plan, memory = self.plan, self.controller
        burst, slots = plan.burst, plan.queue_words
        # Words asked for, and words gone out. Both move on by whole bursts and may pass the end:
        # what lies behind it belongs to nobody.
        asked, gone, given = (Signal(plan.count_bits, name=n) for n in ("asked", "gone", "given"))
        held = Signal(range(slots + 1))  # asked for and not yet taken
        back = Signal(range(slots + 1))  # to be written, and not yet in a burst
        self._reserved = reserved = Signal(range(slots + 1))  # promised and not yet written
        promise = self.issue & self.pair
        all_given = given == plan.depth
        wants_read = self.fetching & (asked < plan.depth) & (held <= slots - burst)
        wants_write = (back >= burst) | (all_given & (back != 0))

        at, size = Signal(plan.count_bits), Signal.like(memory.beats)
        bank, row, column = sdram_address(plan.chip, Cat(C(0, _log2(plan.beats)), at))
        m.d.comb += [
            memory.read.eq(reading),
            memory.write.eq(writing),
            memory.bank.eq(bank),
            memory.row.eq(row),
            memory.column.eq(column),
            memory.beats.eq(size),
            self.settled.eq(~(reading | writing | (back != 0))),
        ]
        begin_read, begin_write = Signal(), Signal()
        with m.If(memory.done):
            m.d.sync += [reading.eq(0), writing.eq(0)]
        with m.Elif(~(reading | writing)):
            m.d.sync += size.eq(Mux(hosting, plan.beats, burst * plan.beats))
            with m.If(hosting):
                m.d.sync += [
                    at.eq(self._host_at),
                    reading.eq(self._host_read),
                    writing.eq(self._host_write),
                ]
            with m.Elif(wants_write):
                m.d.comb += begin_write.eq(1)
                m.d.sync += [at.eq(gone), writing.eq(1), gone.eq(gone + burst)]
            with m.Elif(wants_read):
                m.d.comb += begin_read.eq(1)
                m.d.sync += [at.eq(asked), reading.eq(1), asked.eq(asked + burst)]

        written = memory.done & writing
        leaving = Mux(back < burst, back, burst)
        m.d.sync += [
            held.eq(held + Mux(begin_read, burst, 0) - self.read),
            back.eq(back + self.write - Mux(begin_write, leaving, 0)),
            given.eq(given + self.write),
            reserved.eq(
                reserved
                + (promise & self.learning)
                - Mux(written, Mux(reserved < burst, reserved, burst), 0)
            ),
        ]
        with m.If(self.start):
            m.d.sync += [s.eq(0) for s in (asked, gone, given, held, back, reserved)]
        return begin_read, begin_write

    def _incoming(self, m: Module, begin_read: Signal) -> None:
        """Put beats together to words, and queue them for the lanes or give them to the host."""
        plan, memory = self.plan, self.controller
        beat = Signal(range(max(2, plan.beats)))
        shift = Signal(plan.beats * BEAT_BITS, reset_less=True)
        arrived, last = Signal(), beat == plan.beats - 1
        m.d.sync += arrived.eq(memory.read_valid & last)
        with m.If(memory.read_valid):
            m.d.sync += shift.eq(Cat(shift, memory.read_data)[BEAT_BITS:])
            m.d.sync += beat.eq(Mux(last, 0, beat + 1))
        m.submodules.ahead = ahead = block_memory(plan.width, plan.queue_words)
        into, outof = ahead.write_port(), ahead.read_port()
        into_at, outof_at = (Signal(range(plan.queue_words), name=n) for n in ("into", "outof"))
        m.d.comb += [
            into.addr.eq(into_at),
            into.data.eq(shift[: plan.width]),
            into.en.eq(arrived & ~self._host_read),
            outof.addr.eq(outof_at),
            outof.en.eq(self.read),
        ]
        taken = Signal()
        word = Signal(plan.width, reset_less=True)
        m.d.sync += [
            taken.eq(self.read),
            into_at.eq(into_at + into.en),
            outof_at.eq(outof_at + self.read),
        ]
        with m.If(taken):
            m.d.sync += word.eq(outof.data)
        with m.Elif(arrived & self._host_read):
            m.d.sync += word.eq(shift)
        with m.Elif(self.host_shift):
            m.d.sync += word.eq(Cat(word[self.formats.weight_bits :], self.host_weight))
        m.d.comb += self.word.eq(word)

        here = Signal(range(plan.queue_words + 1))  # come, and not yet promised to a slot
        promised = Signal(plan.count_bits)
        promise = self.issue & self.pair
        room = ~self.learning | (self._reserved != plan.queue_words)
        m.d.comb += self.ready.eq(((here != 0) & room) | (promised == plan.depth))
        m.d.sync += [promised.eq(promised + promise), here.eq(here + into.en - promise)]
        with m.If(self.start):
            m.d.sync += [s.eq(0) for s in (into_at, outof_at, here, promised)]

    def _outgoing(self, m: Module, writing: Signal, begin_write: Signal) -> None:
        """Queue the words that the lanes give back, and cut them into beats."""
        plan, memory = self.plan, self.controller
        m.submodules.behind = behind = block_memory(plan.width, plan.queue_words)
        put, get = behind.write_port(), behind.read_port()
        put_at, get_at = (Signal(range(plan.queue_words), name=n) for n in ("put_at", "get_at"))
        m.d.comb += [put.addr.eq(put_at), put.data.eq(self.new), put.en.eq(self.write)]
        m.d.sync += put_at.eq(put_at + self.write)
        out = Signal(plan.beats * BEAT_BITS, reset_less=True)
        sent = Signal(range(max(2, plan.beats)))
        left = Signal(range(plan.burst + 1))  # words of the burst that are still in the queue
        primed, wanted = Signal(init=1), Signal()
        load = wanted & (left != 0)
        # The word behind the one in `out` stands at the queue's output.
        m.d.comb += [
            memory.write_data.eq(out[:BEAT_BITS]),
            get.addr.eq((get_at + load)[: len(get_at)]),
        ]
        m.d.sync += get_at.eq(get.addr)
        with m.If(writing & ~primed):
            m.d.comb += wanted.eq(1)
            m.d.sync += primed.eq(1)
        with m.Elif(memory.write_next):
            m.d.sync += out.eq(out >> BEAT_BITS)
            m.d.sync += sent.eq(Mux(sent == plan.beats - 1, 0, sent + 1))
            m.d.comb += wanted.eq(sent == plan.beats - 1)
        with m.If(load):
            m.d.sync += [out.eq(get.data), left.eq(left - 1)]
        with m.If(begin_write):
            m.d.sync += [primed.eq(0), left.eq(plan.burst)]
        with m.If(self.host_commit):
            m.d.sync += out.eq(self.new)
        with m.If(self.start):
            m.d.sync += [put_at.eq(0), get_at.eq(0)]


def _log2(power: int) -> int:
    return power.bit_length() - 1
