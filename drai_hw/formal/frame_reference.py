"""What a bridge of frames may do, told by the bytes that it takes: the reference of its proof."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drai_hw.formal.exact import Bit, both, either, no
from drai_hw.formal.modular import Word
from drai_hw.formal.solver import Terms
from drai_hw.rtl.frame import FRAME, Op, Status
from drai_hw.rtl.registers import BUS_ADDRESS_BITS

(HUNT, SYNC, OP, TAG, ADDR, WORDS, BODY, HIGH, LOW, RIGHT, WRONG, ANSWERS_RIGHT, ANSWERS_WRONG) = (
    range(13)
)
HEADER = FRAME.response_header

WIDTHS = {
    "mode": 4,  # what the next byte is, or how the frame ended
    "sum": 16,  # checksum of the bytes so far, without its own two
    "high": 8,  # first byte of the checksum that was sent
    "left": 9,  # bytes to come behind the header
    "op": 8, "addr": 8, "words": 8,
    "at": 9,  # place of the next byte in the buffer
    "start": 9,  # place of the first byte of the payload
    "index": 9,  # bytes taken once more, behind the checksum
    "done": 7,  # accesses of the register bus that were acknowledged
    "sent": 3, "rest": 10,  # bytes of the answer: of its header, and to come
    "place": 9,  # any one place of the buffer, the same for ever
    "stored": 8, "stored_there": 1,  # the last byte that arrived there
    "seen": 8, "seen_there": 1,  # the byte of this frame that was summed from there
    "arrived": 9,  # where the next byte that arrives goes
    "last": 9,  # tag of the last frame that was carried out, and whether there is one
}  # fmt: skip
"""The reference's state: names and widths."""


def next_sum(terms: Terms, sum_: Word, byte: Word) -> Word:
    """Return a checksum with one more byte, bit by bit."""
    polynomial = FRAME.crc.algorithm.polynomial
    out = sum_ ^ byte.join(Word(terms, 0, 8))
    for _ in range(8):
        shifted = out.cut(14, 0).join(Word(terms, 0, 1))
        out = (shifted ^ polynomial).where(out[15], shifted)
    return out


@dataclass(frozen=True)
class Seen:
    """What a design shows in one clock.

    Parameters
    ----------
    take, byte, read
        The parser takes a byte, which, and from which place of the buffer.
    write, data, written
        A byte is put into the buffer, which, and where.
    rx_valid, rx_data
        A byte arrives.
    we, re, addr, wdata, ack
        The register bus.
    tx_valid, tx_ready, tx_data
        The answer.
    last
        `last_tag`, and above it `tag_known`.
    """

    take: Bit
    byte: Word
    read: Word
    write: Bit
    data: Word
    written: Word
    rx_valid: Bit
    rx_data: Word
    we: Bit
    re: Bit
    addr: Word
    wdata: Word
    ack: Bit
    tx_valid: Bit
    tx_ready: Bit
    tx_data: Word
    last: Word


@dataclass(frozen=True)
class Rule:
    """Something that must hold in every clock.

    Parameters
    ----------
    says : str
        Its sentence.
    broken : bit
        Whether it does not hold.
    signal : str
        Signal that shows it.
    right : Word
        What that ought to be.
    """

    says: str
    broken: Bit
    signal: str
    right: Word


class Reference:
    """The state of the reference in one clock.

    Parameters
    ----------
    terms : Terms
        What it is calculated with.
    state : dict of str to int or term
        Its words, by the names of `WIDTHS`.
    """

    def __init__(self, terms: Terms, state: dict[str, Any]) -> None:
        self.terms, self.state = terms, state

    @classmethod
    def first(cls, terms: Terms, place: Any) -> Reference:
        """Return the reference after a reset."""
        return cls(terms, dict.fromkeys(WIDTHS, 0) | {"place": place})

    def __getattr__(self, name: str) -> Word:
        """Return a word of the state."""
        return Word(self.terms, self.state[name], WIDTHS[name])

    def is_(self, *modes: int) -> Bit:
        """Return whether the mode is one of some."""
        return either(self.terms, *(self.mode.same(mode) for mode in modes))

    @property
    def writes(self) -> Bit:
        """Whether the request is a write."""
        return self.op[0]

    @property
    def payload(self) -> Word:
        """Bytes of the payload."""
        full = self.words.cut(6, 0).join(Word(self.terms, 0, 2))
        return full.where(self.writes, 0)

    @property
    def sensible(self) -> Bit:
        """Whether operation, address and length mean something."""
        t, known = self.terms, int(Op.WRITE | Op.FIXED)
        return both(
            t,
            self.op.below(known + 1),
            self.addr.below(1 << BUS_ADDRESS_BITS),
            no(t, self.words.same(0)),
            self.words.below(FRAME.max_words + 1),
        )

    @property
    def address(self) -> Word:
        """Address of the next access."""
        base, done = self.addr.cut(5, 0), self.done.cut(5, 0)
        return base + Word(self.terms, 0, 6).where(self.op[1], done)

    def rules(self, seen: Seen) -> list[Rule]:
        """Return what must hold in this clock."""
        t = self.terms
        reading = self.is_(*range(SYNC, LOW + 1))
        in_frame = no(t, self.is_(RIGHT, WRONG))
        more = self.done.wide(8).below(self.words)
        allowed = both(t, self.sensible, more)
        may_write = both(t, self.is_(RIGHT), self.writes, allowed)
        may_read = both(t, self.is_(ANSWERS_RIGHT), no(t, self.writes), allowed)
        here = seen.read.same(self.place)
        again = both(t, seen.take, self.is_(RIGHT), self.index.below(self.payload))
        status = both(t, seen.tx_valid, self.sent.same(3))
        zero, one = Word(t, 0, 1), Word(t, 1, 1)
        bad = Word(t, int(Status.BAD_CRC), 8)
        done = self.start + self.done.join(Word(t, 0, 2))
        out = [
            Rule("nothing is written but by a frame whose checksum is right, as often as it says",
                 both(t, seen.we, no(t, may_write)), "we", zero),
            Rule("nothing is read but by a frame whose checksum is right, as often as it says",
                 both(t, seen.re, no(t, may_read)), "re", zero),
            Rule("no frame with a wrong checksum is answered with OK",
                 both(t, status, seen.tx_data.same(0), self.is_(ANSWERS_WRONG)), "tx_data", bad),
            Rule("the bus gets the address of the frame",
                 both(t, either(t, seen.we, seen.re), no(t, seen.addr.same(self.address))),
                 "addr", self.address),
            Rule("every answer follows a frame",
                 both(t, seen.tx_valid, self.is_(HUNT, SYNC)), "tx_valid", zero),
            Rule("the parser takes the byte that arrived",
                 both(t, seen.take, here, either(t, in_frame, again),
                      no(t, both(t, self.stored_there.value, seen.byte.same(self.stored)))),
                 "byte", self.stored),
            Rule("the bytes of a frame are taken in turn",
                 both(t, seen.take, reading, no(t, seen.read.same(self.at))), "read", self.at),
            Rule("a write takes its words from where they were summed",
                 both(t, again, no(t, seen.read.same(self.start + self.index))),
                 "read", self.start + self.index),
            Rule("what was summed stays until it is carried out",
                 both(t, again, here, no(t, seen.byte.same(self.seen))), "byte", self.seen),
            Rule("only bytes that arrived are stored",
                 both(t, seen.write, no(t, both(t, seen.rx_valid, seen.data.same(seen.rx_data)))),
                 "write_port__en", zero),
            Rule("bytes are stored in turn",
                 no(t, seen.written.same(self.arrived)), "written", self.arrived),
            Rule("only a frame with a right checksum marks its tag as done",
                 no(t, seen.last.same(self.last)), "tag_known", one.where(self.last[8], zero)),
        ]  # fmt: skip
        for lane in range(4):
            byte = seen.wdata.cut(8 * lane + 7, 8 * lane)
            word = Word(t, seen.wdata.value, 32)
            parts = [word.cut(8 * k + 7, 8 * k) if k != lane else self.seen for k in range(4)]
            right = parts[3].join(parts[2]).join(parts[1]).join(parts[0])
            wrong = both(t, seen.we, (done + lane).same(self.place), no(t, byte.same(self.seen)))
            out.append(Rule("the words that are written are those that were summed", wrong,
                            "wdata", right))  # fmt: skip
        return out

    def after(self, seen: Seen, last: Word) -> Reference:
        """Return the reference of the next clock.

        Parameters
        ----------
        seen : Seen
            What the design does in this one.
        last : Word
            `Seen.last` of the next clock.
        """
        out = self._taking(seen)
        t = self.terms
        fresh = no(t, self.is_(ANSWERS_RIGHT, ANSWERS_WRONG))
        begins = both(t, seen.tx_valid, fresh)
        end = Word(t, ANSWERS_RIGHT, 4).where(self.is_(RIGHT), ANSWERS_WRONG)
        mode = end.where(begins, out["mode"])
        sends = both(t, seen.tx_valid, seen.tx_ready)
        # The last byte of the header says how many words follow; behind them is the checksum.
        head = Word(t, 0, 3).where(begins, self.sent)
        in_head = head.below(HEADER)
        counted = (head + 1).where(both(t, sends, in_head), head)
        told = seen.tx_data.join(Word(t, 0, 2)) + 2
        rest = told.where(head.same(HEADER - 1), self.rest - 1)
        rest = rest.where(sends, self.rest)
        over = both(t, sends, no(t, in_head), self.rest.same(1))
        acked = both(t, either(t, seen.we, seen.re), seen.ack)
        done = (self.done + 1).where(acked, out["done"])
        here = both(t, seen.write, self.arrived.same(self.place))
        marks = self.is_(RIGHT)
        return replace_state(self, {
            **out,
            "mode": Word(t, HUNT, 4).where(over, mode),
            "sent": counted,
            "rest": rest,
            "done": done,
            "stored": seen.rx_data.where(here, self.stored),
            "stored_there": Word(t, 1, 1).where(here, self.stored_there),
            "arrived": self.arrived + Word(t, seen.write, 1).wide(9),
            "last": last.where(marks, self.last),
        })  # fmt: skip

    def _taking(self, seen: Seen) -> dict[str, Word]:
        """Return what a taken byte changes."""
        t, byte, take = self.terms, seen.byte, seen.take
        first, second = FRAME.request_sync
        opened = Word(t, SYNC, 4).where(byte.same(first), HUNT)
        mode = opened.where(self.is_(HUNT, ANSWERS_RIGHT, ANSWERS_WRONG), self.mode)
        mode = Word(t, OP, 4).where(byte.same(second), opened).where(self.is_(SYNC), mode)
        mode = (self.mode + 1).where(self.is_(OP, TAG, ADDR, HIGH), mode)
        long = byte.cut(6, 0).join(Word(t, 0, 2)).where(self.writes, 0)
        ends = either(t, both(t, self.is_(WORDS), long.same(0)),
                      both(t, self.is_(BODY), self.left.same(3)))  # fmt: skip
        after = Word(t, HIGH, 4).where(ends, BODY)
        mode = after.where(self.is_(WORDS, BODY), mode)
        good = self.sum.same(self.high.join(byte))
        mode = Word(t, RIGHT, 4).where(good, WRONG).where(self.is_(LOW), mode)
        summed = self.is_(OP, TAG, ADDR, WORDS, BODY)
        sum_ = next_sum(t, self.sum, byte).where(summed, self.sum)
        sum_ = Word(t, FRAME.crc.algorithm.initial_crc, 16).where(self.is_(SYNC), sum_)
        opens = both(t, take, self.is_(WORDS))
        left = (long + 2).where(self.is_(WORDS), self.left - 1)
        in_frame = no(t, self.is_(RIGHT, WRONG))
        behind = self.is_(BODY, HIGH, LOW)
        here = both(t, take, behind, seen.read.same(self.place))
        there = Word(t, 1, 1).where(here, self.seen_there)
        words = {
            "mode": mode,
            "sum": sum_,
            "high": byte.where(self.is_(HIGH), self.high),
            "left": left.where(self.is_(WORDS, BODY, HIGH, LOW), self.left),
            "op": byte.where(self.is_(OP), self.op),
            "addr": byte.where(self.is_(ADDR), self.addr),
            "words": byte.where(self.is_(WORDS), self.words),
            "at": (seen.read + 1).where(in_frame, self.at),
            "start": (seen.read + 1).where(self.is_(WORDS), self.start),
            "index": (self.index + 1).where(self.is_(RIGHT), self.index),
            "done": self.done,
        }
        out = {name: word.where(take, getattr(self, name)) for name, word in words.items()}
        out["index"] = Word(t, 0, 9).where(opens, out["index"])
        out["done"] = Word(t, 0, 7).where(opens, out["done"])
        out["seen"] = byte.where(here, self.seen)
        out["seen_there"] = Word(t, 0, 1).where(opens, there)
        return out


def replace_state(reference: Reference, words: dict[str, Word]) -> Reference:
    """Return a reference with some words replaced."""
    values = {name: word.value for name, word in words.items()}
    return Reference(reference.terms, reference.state | values)
