"""Accesses of a 32-bit system bus, with byte selects and error answers, on the register bus."""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from amaranth.hdl import Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.registers import BUS_ADDRESS_BITS, BUS_DATA_BITS, REGISTERS, Register

BYTES = BUS_DATA_BITS // 8
WINDOW_BITS = 12
"""Bits of a byte address on a system bus: a window of 4 KiB, of which the map is the bottom."""

CORE_BUS = {
    "addr": Out(BUS_ADDRESS_BITS),
    "wdata": Out(BUS_DATA_BITS),
    "we": Out(1),
    "re": Out(1),
    "rdata": In(BUS_DATA_BITS),
    "ack": In(1),
    "busy": In(1),
}
"""The register bus, seen from what drives it."""


class Outcome(IntEnum):
    """How an access ended."""

    OK = 0
    BUSY = 1
    """The core is running; nothing was written, 0 is read, STATUS.ERROR is set."""
    PARTIAL = 2
    """The byte selects leave out a part of a register that cannot be written in parts."""
    UNMAPPED = 3
    """No register is there; nothing was done."""


def needed_bytes(register: Register) -> int:
    """Return the byte selects that a write must have to set a register in one go.

    A read-only register needs none: writing it has no effect anyway.
    """
    if "w" not in register.access:
        return 0
    return (1 << -(-register.width // 8)) - 1


def mergeable(register: Register) -> bool:
    """Return whether a write to some bytes of a register may be made by reading it first."""
    return register.access == "rw" and not register.moves


class BusAccess(wiring.Component):
    """Carry out one access after the other on the register bus.

    A write whose byte selects cover the register's bits is one access of the register bus. One
    that covers a part of them reads the register, puts the selected bytes in and writes it; of
    registers where reading has an effect, or that cannot be read, it is refused. Without any byte
    select nothing is written. The core's refusal while it runs is handed on as `Outcome.BUSY`.

    Latency: from `start` to `done` 3 clocks and those of the core (read: 4, merged write: 9).
    Throughput: one access at a time; `start` is ignored until `done`.

    Ports: `start` with `word` (word address in the window), `write`, `data`, `select` (one bit a
    byte); `done`, for one clock, with `outcome` and `result` (the word that was read), which
    stand until the next `start`; and the register bus.
    """

    def __init__(self) -> None:
        super().__init__(
            {
                "start": In(1),
                "word": In(WINDOW_BITS - 2),
                "write": In(1),
                "data": In(BUS_DATA_BITS),
                "select": In(BYTES),
                "done": Out(1),
                "outcome": Out(Outcome),
                "result": Out(BUS_DATA_BITS),
                **CORE_BUS,
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build the latch, the judgement of the table and the state machine."""
        m = Module()
        beyond = Signal()
        write = Signal()
        select = Signal(BYTES, reset_less=True)
        # What the table says of the register; registered, since it is a wide look-up.
        known, merges = Signal(), Signal()
        needed = Signal(BYTES)
        with m.Switch(self.addr):
            for register in REGISTERS.values():
                with m.Case(register.address):
                    m.d.comb += [
                        known.eq(1),
                        merges.eq(int(mergeable(register))),
                        needed.eq(needed_bytes(register)),
                    ]
        # Of a strobe's first clock: there the core decides whether it is busy.
        first = Signal()
        refused = first & self.busy & (self.addr != REGISTERS["STATUS"].address)
        merged = Cat(
            Mux(select[k], self.wdata.word_select(k, 8), self.rdata.word_select(k, 8))
            for k in range(BYTES)
        )
        m.d.sync += first.eq(0)
        with m.If(refused):
            m.d.sync += self.outcome.eq(Outcome.BUSY)

        with m.FSM(name="access"):
            with m.State("REST"), m.If(self.start):
                m.d.sync += [
                    Cat(self.addr, beyond).eq(
                        Cat(self.word[:BUS_ADDRESS_BITS], self.word[BUS_ADDRESS_BITS:].any())
                    ),
                    write.eq(self.write),
                    self.wdata.eq(self.data),
                    select.eq(self.select),
                    self.outcome.eq(Outcome.OK),
                    self.result.eq(0),
                ]
                m.next = "JUDGE"
            with m.State("JUDGE"):
                m.d.sync += first.eq(1)
                with m.If(beyond | ~known):
                    m.d.sync += self.outcome.eq(Outcome.UNMAPPED)
                    m.next = "DONE"
                with m.Elif(~write):
                    m.next = "READ"
                with m.Elif(select == 0):
                    m.next = "DONE"
                with m.Elif((select & needed) == needed):
                    m.next = "WRITE"
                with m.Elif(merges):
                    m.next = "READ"
                with m.Else():
                    m.d.sync += self.outcome.eq(Outcome.PARTIAL)
                    m.next = "DONE"
            with m.State("READ"):
                m.d.comb += self.re.eq(1)
                with m.If(self.ack):
                    m.d.sync += self.result.eq(Mux(write, 0, self.rdata))
                    m.next = "DONE"
                    with m.If(write):
                        m.d.sync += self.wdata.eq(merged)
                        m.next = "BETWEEN"
            with m.State("BETWEEN"):
                m.d.sync += first.eq(1)
                m.next = "WRITE"
            with m.State("WRITE"):
                m.d.comb += self.we.eq(1)
                with m.If(self.ack):
                    m.next = "DONE"
            with m.State("DONE"):
                m.d.comb += self.done.eq(1)
                m.next = "REST"
        return m
