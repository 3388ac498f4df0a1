"""The bridge never accepts a frame with a wrong checksum."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.compiled import KnownMachine
from drai_hw.formal.design import Design
from drai_hw.formal.exact import Bit, both, either, no
from drai_hw.formal.frame_reference import (
    ANSWERS_RIGHT,
    ANSWERS_WRONG,
    BODY,
    HEADER,
    LOW,
    OP,
    RIGHT,
    SYNC,
    TAG,
    WIDTHS,
    WRONG,
    Reference,
    Seen,
    next_sum,
)
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.modular import Word
from drai_hw.formal.outcome import PROVED, REFUTED, UNKNOWN, Outcome, OutOfTimeError
from drai_hw.formal.reach import Table, View, reached
from drai_hw.formal.solver import Clock, Solver, Terms
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.bridge import Bridge

TOP = "drai_bridge"
METHOD = (
    "an inductive table of all states, found by solver (Bitwuzla): values of small registers, and "
    "the equalities with a reference parser that hold with each"
)
SCOPE = (
    "the bridge of frames, byte by byte behind the receiver; any bytes at any moments, any length "
    "of the time-out, unbounded; frames are those of the bytes that the buffer took; the register "
    "bus acknowledges only what it was asked"
)
SILENCE = "silence"
TIMEOUT_CLOCKS = 64
PORTS = ("rx_data", "rx_valid", "tx_data", "tx_valid", "tx_ready", "addr", "wdata", "we", "re",
         "ack")  # fmt: skip
INNER = ("take", "byte", "read", "written", "keep", "write_port__en", "write_port__data",
         "fetched", "fresh", "read_port__data", "buffer", "left", "write", "fixed", "words",
         "status", "with_data", "acked", "strange_op", "strange_addr", "strange_words",
         "tag_known", "last_tag", "fsm_state")  # fmt: skip


@contextmanager
def own_bridge(formats: Formats) -> Iterator[Design]:
    """Write the bridge and yield it as a design."""
    with TemporaryDirectory(prefix="drai-hw-bridge-") as scratch:
        path = Path(scratch) / f"{TOP}.v"
        bridge = Bridge(timeout_clocks=TIMEOUT_CLOCKS)
        path.write_text(emit.verilog(bridge, name=TOP, command="drai-hw prove"))
        yield Design(formats, [path], TOP)


class Watched:
    """A bridge and its reference, side by side.

    Parameters
    ----------
    design : Design
        The bridge.
    terms : Terms
        What both are calculated with.
    timed : bool
        Let the silence inside a frame be counted; else it may be over at any moment.
    """

    def __init__(self, design: Design, terms: Terms, *, timed: bool, numbers: bool = False) -> None:
        self.terms = terms
        self.system = system = design.system()
        wanted = [*PORTS, *INNER]
        design.require(system, wanted)
        cut = () if timed or SILENCE not in system.names else (SILENCE,)
        self.machine: Machine = (
            KnownMachine(system, wanted, cut) if numbers else Machine(system, terms, wanted, cut)
        )
        self.number = {name: system.meant(system.names[name]) for name in wanted}
        self.sums = [
            n for n in self.machine.states
            if system.nodes[n].sort.bits == WIDTHS["sum"] and not system.nodes[n].sort.address
        ]  # fmt: skip
        self.place = terms.word("place", WIDTHS["place"])

    def word(self, values: Values, name: str) -> Word:
        """Return a signal, or a register by any of its names."""
        number = self.number[name]
        return Word(self.terms, values[number], self.system.nodes[number].sort.bits)

    def first(self) -> tuple[Values, Reference]:
        """Return both after a reset, from any state before it."""
        before = self.machine.evaluate(self.machine.start(reset=False), {"rst": 1}, "r")
        return self.machine.after(before, "r"), Reference.first(self.terms, self.place)

    def any_state(self) -> tuple[Values, Reference]:
        """Return both in a state of which nothing is known."""
        free = {name: self.terms.word(f"its {name}", bits) for name, bits in WIDTHS.items()}
        return self.machine.start(reset=False), Reference(self.terms, free | {"place": self.place})

    def marks(self, values: Values) -> Word:
        """Return the tag that is done, and whether there is one."""
        return self.word(values, "tag_known").join(self.word(values, "last_tag"))

    def seen(self, values: Values) -> Seen:
        """Return what the reference looks at."""

        def bit(name: str) -> Bit:
            return self.word(values, name).value

        def word(name: str) -> Word:
            return self.word(values, name)

        return Seen(
            take=bit("take"), byte=word("byte"), read=word("read"),
            write=bit("write_port__en"), data=word("write_port__data"), written=word("written"),
            rx_valid=bit("rx_valid"), rx_data=word("rx_data"), we=bit("we"), re=bit("re"),
            addr=word("addr"), wdata=word("wdata"), ack=bit("ack"), tx_valid=bit("tx_valid"),
            tx_ready=bit("tx_ready"), tx_data=word("tx_data"), last=self.marks(values),
        )  # fmt: skip

    def fair(self, values: Values) -> Bit:
        """Return whether the register bus acknowledges only what it was asked."""
        asked = either(self.terms, *(self.word(values, name).value for name in ("we", "re")))
        return either(self.terms, asked, no(self.terms, self.word(values, "ack").value))

    def step(
        self, states: Values, reference: Reference, inputs: dict[str, Any], label: str
    ) -> tuple[Values, Values, Reference]:
        """Return the values of a clock, and both in the next one."""
        values = self.machine.evaluate(states, {"rst": 0} | inputs, label)
        then = self.machine.after(values, label)
        return values, then, reference.after(self.seen(values), self.marks(then))

    def view(self, states: Values, r: Reference) -> View:
        """Return what the table of reachable states tells apart, and what may hold there."""
        t = self.terms

        def word(name: str) -> Word:
            return self.word(states, name)

        ok = Word(t, word("status").same(0), 1)
        labels = [word("fsm_state"), r.mode, ok, word("acked"), word("with_data")]
        return View(labels, [*self._sums(states, r), *self._buffer(word, states, r),
                             *self._fields(word, r), *self._course(word, r),
                             *self._answer(word, r), *self._shifted(word, r)])  # fmt: skip

    def _in(self, r: Reference, modes: Iterable[int], facts: Iterable[Bit]) -> list[Bit]:
        """Return facts that matter in some modes only."""
        elsewhere = no(self.terms, r.is_(*modes))
        return [either(self.terms, elsewhere, fact) for fact in facts]

    def _sums(self, states: Values, r: Reference) -> list[Bit]:
        """Return facts of the checksum."""
        t = self.terms
        out: list[Bit] = []
        for number in self.sums:
            kept = Word(t, states[number], WIDTHS["sum"])
            out += self._in(r, range(OP, LOW), [kept.same(r.sum)])
            out += self._in(r, [LOW], [kept.same(next_sum(t, r.sum, r.high))])
            out += self._in(r, [RIGHT, WRONG], [kept.same(0), no(t, kept.same(0))])
        return out

    def _buffer(self, word: Any, states: Values, r: Reference) -> list[Bit]:
        """Return facts of the ring buffer: of its pointers, and of one place, whichever it is."""
        t = self.terms
        read, written, keep = word("read"), word("written"), word("keep")
        buffer, sort = states[self.number["buffer"]], self.system.nodes[self.number["buffer"]].sort

        def at(place: Word) -> Word:
            return Word(t, _read(t, buffer, place, sort), 8)

        def unless(bit: Bit, fact: Bit) -> Bit:
            return either(t, no(t, bit), fact)

        filled, more = written - keep, no(t, read.same(written))
        kept = (r.place - keep).below(filled)
        summed = (r.place - r.start).below(r.at - r.start)
        stored = both(t, r.stored_there.value, at(r.place).same(r.stored))
        seen = both(t, r.stored_there.value, r.seen.same(r.stored))
        return [
            no(t, filled.below(read - keep)),
            unless(kept, stored),
            unless(word("fetched").value, both(t, more, word("read_port__data").same(at(read)))),
            unless(word("fresh").value, both(t, more, word("byte").same(at(read)))),
            written.same(r.arrived),
            *self._in(r, range(SYNC, LOW + 1), [read.same(r.at)]),
            *self._in(r, range(BODY, RIGHT + 1), [
                no(t, filled.below(r.at - keep)), keep.same(r.start),
                Word(t, summed, 1).same(r.seen_there), unless(r.seen_there.value, seen),
            ]),
            *self._in(r, [RIGHT], [read.same(r.start + r.index)]),
        ]  # fmt: skip

    def _fields(self, word: Any, r: Reference) -> list[Bit]:
        """Return facts of what the parser keeps of a frame."""
        t = self.terms
        fixed, acked = r.op[1], word("acked").value
        before = r.addr.cut(5, 0)
        step = Word(t, 0, 6).where(fixed, 1)
        late = before + Word(t, 0, 6).where(fixed, r.done.cut(5, 0))
        strange = {
            "strange_op": no(t, r.op.below(4)),
            "strange_addr": no(t, r.addr.below(64)),
            "strange_words": either(t, r.words.same(0), r.words[7]),
        }
        facts = [
            word("write").same(Word(t, r.writes, 1)), word("fixed").same(Word(t, fixed, 1)),
            word("addr").same(before), word("addr").same(late - step.where(acked, 0)),
            word("words").same(r.words.cut(6, 0)),
            *(word(name).same(Word(t, bit, 1)) for name, bit in strange.items()),
            r.sensible, r.writes, no(t, r.writes),
        ]  # fmt: skip
        modes = [*range(TAG, RIGHT + 1), ANSWERS_RIGHT]
        marks = word("tag_known").join(word("last_tag"))
        return [*self._in(r, modes, facts), marks.same(r.last)]

    def _course(self, word: Any, r: Reference) -> list[Bit]:
        """Return facts of the counts of bytes and words."""
        t, left = self.terms, word("left")
        first = [
            left.same(r.left), (left + r.at - r.start).same(r.payload + 2),
            *(left.same(value) for value in (1, 2)), no(t, left.below(3)),
        ]  # fmt: skip
        done = r.done.join(Word(t, 0, 2))
        again = [
            (r.at - r.start).same(r.payload + 2),
            (left.wide(10) + r.index.wide(10)).same(r.payload.wide(10) + 2),
            r.index.same(done), r.index.same(done + 4),
            r.index.cut(8, 2).same(r.done), r.done.wide(8).below(r.words),
            left.cut(1, 0).same(2), no(t, left.below(3)), no(t, left.same(0)),
        ]  # fmt: skip
        begun = [r.index.same(0), r.done.same(0)]
        return [*self._in(r, range(BODY, LOW + 1), first), *self._in(r, [RIGHT], again),
                *self._in(r, [*range(BODY, RIGHT + 1), ANSWERS_RIGHT], begun)]  # fmt: skip

    def _answer(self, word: Any, r: Reference) -> list[Bit]:
        """Return facts of the counts of an answer."""
        t, left = self.terms, word("left")
        done = r.done.join(Word(t, 0, 2)).wide(10)
        all_ = r.words.cut(6, 0).join(Word(t, 0, 2)).wide(10)
        ahead = left.wide(10) + done
        part = (left.wide(10) + 3).cut(9, 2).join(Word(t, 0, 2))
        sent = [
            *(r.sent.same(value) for value in range(HEADER + 1)),
            r.rest.same(1), r.rest.same(2), r.rest.same(left.wide(10) + 2),
        ]  # fmt: skip
        reads = [
            ahead.same(all_), ahead.same(all_ + 4), (part + done).same(all_ + 4),
            left.same(0), no(t, left.same(0)), r.done.wide(8).below(r.words),
        ]  # fmt: skip
        return [*self._in(r, [ANSWERS_RIGHT, ANSWERS_WRONG], sent),
                *self._in(r, [ANSWERS_RIGHT], reads)]  # fmt: skip

    def _shifted(self, word: Any, r: Reference) -> list[Bit]:
        """Return facts of the word that is gathered: its last bytes are those that were summed."""
        t = self.terms
        facts: list[Bit] = []
        for age in range(4):
            high = 31 - 8 * age
            here = (word("read") - 1 - age).same(r.place)
            byte = word("wdata").cut(high, high - 7)
            facts.append(either(t, no(t, here), byte.same(r.seen)))
        part = r.index.cut(1, 0)
        gathered = both(t, *(
            either(t, no(t, part.same(count)), both(t, *facts[:count])) for count in range(1, 4)
        ))  # fmt: skip
        facts.append(either(t, no(t, r.index.below(r.payload)), gathered))
        return self._in(r, [RIGHT], facts)


def prove(design: Design, clock: Clock) -> Outcome:
    """Prove that what a bridge carries out is a frame whose checksum is right."""
    from drai_hw.formal.frame_play import courses, wrong_course

    found = wrong_course(design, clock)
    if isinstance(found, dict):
        return Outcome(
            REFUTED, METHOD, SCOPE, str(found.pop("rule")), found, {"clocks": found["clock"]}
        )
    terms = Terms()
    solver = Solver(terms, clock)
    watched = Watched(design, terms, timed=False)
    begin = watched.first()
    states, reference = watched.any_state()
    values, after, later = watched.step(states, reference, {}, "n")
    solver.hold(watched.fair(values))
    now = watched.view(states, reference)
    table = Table()
    for view in courses(design, clock):
        table.grow(solver, view)
    reached(solver, watched.view(*begin), now, watched.view(after, later), table)
    facts = {"kinds of states": len(table.rows), "facts": sum(map(len, table.rows.values()))}
    inside = table.inside(solver, now)
    for rule in reference.rules(watched.seen(values)):
        broken = solver.possible(inside, rule.broken)
        if broken is None:
            raise OutOfTimeError(f"{len(table.rows)} kinds of states were found")
        if broken:
            reason = f"not shown: {rule.says}; no course of two frames breaks it"
            return Outcome(UNKNOWN, METHOD, SCOPE, reason, facts=facts)
    return Outcome(PROVED, METHOD, SCOPE, facts=facts)


def _read(terms: Terms, memory: Any, place: Word, sort: Sort) -> Any:
    """Return a word of a memory."""
    if isinstance(memory, list):
        return memory[place.value]
    node = Node("read", Sort(sort.bits))
    return terms.apply(node, [memory, place.value], [sort, Sort(sort.address)])
