"""Controller of a single-data-rate SDRAM: bursts within one row, refresh in between."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Any

from amaranth.hdl import C, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

BEAT_BITS = 16
PIN_CLOCKS = 2
"""Clocks from a command to the pins: a register here, and one in the pin."""


class Command(IntEnum):
    """A command as RAS, CAS and WE say it (1: asserted), WE in the lowest bit."""

    NOP = 0b000
    TERMINATE = 0b001
    READ = 0b010
    WRITE = 0b011
    ACTIVATE = 0b100
    PRECHARGE = 0b101
    REFRESH = 0b110
    MODE = 0b111


@dataclass(frozen=True)
class SdramChip:
    """Geometry and timing of a chip with 16 data pins.

    The defaults are the slowest of the 256-Mbit chips found on ULX3S boards.

    Parameters
    ----------
    row_bits, column_bits, bank_bits : int
        Widths of the addresses.
    rcd_ns, rp_ns, ras_ns, rc_ns, rfc_ns : float
        ACTIVATE to access, PRECHARGE to ACTIVATE, ACTIVATE to PRECHARGE, ACTIVATE to ACTIVATE, and
        REFRESH to any command, at least.
    write_recovery_clocks, mode_clocks : int
        Last write to PRECHARGE, and mode setting to ACTIVATE, at least.
    cas_latency : int
        Clocks from READ to its word, as set in the mode register.
    refresh_ns : float
        Mean time between refreshes, at most.
    power_up_us : float
        Rest after power-up, at least.

    References
    ----------
    Winbond W9825G6KH, Micron MT48LC16M16A2, Alliance AS4C32M16SB data sheets.
    """

    row_bits: int = 13
    column_bits: int = 9
    bank_bits: int = 2
    rcd_ns: float = 20.0
    rp_ns: float = 20.0
    ras_ns: float = 48.0
    rc_ns: float = 70.0
    rfc_ns: float = 70.0
    write_recovery_clocks: int = 2
    mode_clocks: int = 2
    cas_latency: int = 2
    refresh_ns: float = 7812.5
    power_up_us: float = 200.0

    @property
    def words(self) -> int:
        """Words of 16 bits."""
        return 1 << (self.row_bits + self.column_bits + self.bank_bits)

    @property
    def mode(self) -> int:
        """Mode register: bursts of one word, sequential, the CAS latency."""
        return self.cas_latency << 4

    def clocks(self, time_ns: float, clock_hz: float) -> int:
        """Return a time in clocks, rounded up."""
        return math.ceil(time_ns * 1e-9 * clock_hz - 1e-9)

    def refresh_interval(self, clock_hz: float) -> int:
        """Return the clocks from one refresh falling due to the next."""
        return int(self.refresh_ns * 1e-9 * clock_hz)

    def burst_clocks(self, beats: int, clock_hz: float, *, write: bool) -> int:
        """Return the clocks from one burst's begin to the next one's, without a refresh."""
        rcd, rp = (max(1, self.clocks(t, clock_hz)) for t in (self.rcd_ns, self.rp_ns))
        ras, rc = self.clocks(self.ras_ns, clock_hz), self.clocks(self.rc_ns, clock_hz)
        last = rcd + beats - 1  # from ACTIVATE to the last access
        closed = max(last + (self.write_recovery_clocks if write else self.cas_latency - 1), ras)
        arrived = 0 if write else last + self.cas_latency + 1 + PIN_CLOCKS
        # The end shows one clock after both, and two more pass until the next ACTIVATE.
        return max(max(closed, arrived) + 3, closed + rp, rc)


INIT_REFRESHES = 8
SLOWEST_INTERVAL = 32
PRECHARGE_ALL = 1 << 10


class SdramController(wiring.Component):
    """Carry out one burst at a time and keep the chip refreshed.

    ``read`` or ``write`` stand with ``bank``, ``row``, ``column`` and ``beats`` until ``done``,
    which comes with the last clock of the burst. A write takes ``write_data`` in every clock in
    which ``write_next`` stands; a read gives one ``read_data`` for every ``read_valid``, the last
    one at the latest with ``done``. Rows are closed after each burst.

    A burst takes `SdramChip.burst_clocks` from its ACTIVATE to the next one's, one word a clock in
    between, and the first word read comes tRCD + ``READ_CLOCKS`` clocks after the ACTIVATE.
    Refreshes are counted, so that one that has to wait for a burst is made up for.

    Parameters
    ----------
    chip : SdramChip
        What it drives.
    clock_hz : float
        Clock of domain ``sync``, from which delays in clocks follow, rounded up.
    most_beats : int
        Longest burst.

    Attributes
    ----------
    READ_CLOCKS : int
        Clocks from issuing READ to its word, pin registers included.
    """

    def __init__(self, chip: SdramChip, clock_hz: float, most_beats: int) -> None:
        self.chip = chip
        self.clock_hz = clock_hz
        self.READ_CLOCKS = chip.cas_latency + 1 + PIN_CLOCKS
        super().__init__(
            {
                "read": In(1),
                "write": In(1),
                "bank": In(chip.bank_bits),
                "row": In(chip.row_bits),
                "column": In(chip.column_bits),
                "beats": In(range(most_beats + 1)),
                "done": Out(1),
                "write_next": Out(1),
                "write_data": In(BEAT_BITS),
                "read_valid": Out(1),
                "read_data": Out(BEAT_BITS),
                "alive": Out(1),
                # Pins, all in registers.
                "command": Out(3),
                "pin_bank": Out(chip.bank_bits),
                "pin_address": Out(chip.row_bits),
                "data_out": Out(BEAT_BITS),
                "data_drive": Out(1),
                "data_in": In(BEAT_BITS),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build timers and state machine."""
        m = Module()
        chip = self.chip
        clocks = partial(chip.clocks, clock_hz=self.clock_hz)
        rcd, rp, rfc = (max(1, clocks(t)) for t in (chip.rcd_ns, chip.rp_ns, chip.rfc_ns))
        ras, rc = clocks(chip.ras_ns), clocks(chip.rc_ns)
        power_up = max(2, clocks(chip.power_up_us * 1000))
        interval = chip.refresh_interval(self.clock_hz)

        wait = Signal(range(max(power_up, rfc, rcd, rp, 8) + 1), init=power_up)
        open_for = Signal(range(rc + 1), init=rc)  # clocks since ACTIVATE, saturating
        left = Signal.like(self.beats)
        column = Signal(chip.column_bits)
        writing = Signal()
        refreshes = Signal(range(INIT_REFRESHES + 1), init=INIT_REFRESHES)
        timer = Signal(range(interval), init=interval - 1)
        owed = Signal(4)

        command, address = Signal(Command), Signal(chip.row_bits)
        bank = Signal(chip.bank_bits)
        m.d.sync += [
            self.command.eq(command),
            self.pin_address.eq(address),
            self.pin_bank.eq(bank),
            self.data_out.eq(self.write_data),
            self.data_drive.eq(self.write_next),
            self.read_data.eq(self.data_in),
        ]
        m.d.comb += bank.eq(self.bank)
        coming = Signal(self.READ_CLOCKS)
        m.d.sync += coming.eq(Cat(command == Command.READ, coming[:-1]))
        m.d.comb += self.read_valid.eq(coming[-1])

        paid = Signal()
        due = timer == 0
        m.d.sync += [
            timer.eq(Mux(due, interval - 1, timer - 1)),
            owed.eq(Mux(self.alive, owed + due - paid, 0)),
        ]
        with m.If(wait != 0):
            m.d.sync += wait.eq(wait - 1)
        with m.If(open_for != rc):
            m.d.sync += open_for.eq(open_for + 1)

        with m.FSM(name="sdram"):
            with m.State("POWER-UP"), m.If(wait == 0):
                m.d.comb += [command.eq(Command.PRECHARGE), address.eq(PRECHARGE_ALL)]
                m.d.sync += wait.eq(rp - 1)
                m.next = "REFRESH"
            with m.State("REFRESH"), m.If(wait == 0):
                m.d.sync += wait.eq(rfc - 1)
                with m.If(refreshes != 0):
                    m.d.comb += command.eq(Command.REFRESH)
                    m.d.sync += refreshes.eq(refreshes - 1)
                with m.Else():
                    m.d.comb += [
                        command.eq(Command.MODE), address.eq(chip.mode), bank.eq(0),
                    ]  # fmt: skip
                    m.d.sync += wait.eq(chip.mode_clocks - 1)
                    m.next = "REST"
            with m.State("REST"):
                m.d.sync += [left.eq(self.beats), column.eq(self.column), writing.eq(self.write)]
                with m.If(wait == 0):
                    m.d.sync += self.alive.eq(1)
                    with m.If(owed != 0):
                        m.d.comb += [command.eq(Command.REFRESH), paid.eq(1)]
                        m.d.sync += wait.eq(rfc - 1)
                    with m.Elif((self.read | self.write) & (open_for >= rc - 1)):
                        m.d.comb += [command.eq(Command.ACTIVATE), address.eq(self.row)]
                        m.d.sync += [wait.eq(rcd - 1), open_for.eq(0)]
                        m.next = "ACCESS"
            with m.State("ACCESS"), m.If(wait == 0):
                m.d.comb += [
                    command.eq(Mux(writing, Command.WRITE, Command.READ)),
                    address.eq(column),  # A10 low: no precharge of its own
                    self.write_next.eq(writing),
                ]
                m.d.sync += [column.eq(column + 1), left.eq(left - 1)]
                with m.If(left == 1):
                    # A row may be closed a clock before the last word comes out.
                    m.d.sync += wait.eq(
                        Mux(writing, chip.write_recovery_clocks - 1, chip.cas_latency - 2)
                    )
                    m.next = "CLOSE"
            with m.State("CLOSE"), m.If((wait == 0) & (open_for >= ras - 1)):
                m.d.comb += [command.eq(Command.PRECHARGE), address.eq(PRECHARGE_ALL)]
                m.d.sync += wait.eq(rp - 1)
                m.next = "LAST"
            with m.State("LAST"), m.If(~coming.any()):
                m.d.comb += self.done.eq(1)
                m.next = "REST"
        return m


def sdram_address(chip: SdramChip, beat: Any) -> tuple[Any, Any, Any]:
    """Split the number of a word of 16 bits into bank, row and column.

    Rows follow each other in turn over the banks.
    """
    wide = Cat(beat, C(0, chip.row_bits + chip.column_bits + chip.bank_bits))
    bank_at = chip.column_bits
    row_at = bank_at + chip.bank_bits
    return wide[bank_at:row_at], wide[row_at : row_at + chip.row_bits], wide[:bank_at]
