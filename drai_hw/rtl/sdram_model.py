"""Model of an SDRAM chip that checks the timing of every command; for simulation."""

from __future__ import annotations

from enum import IntFlag
from typing import Any

from amaranth.hdl import Array, Cat, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.memory import Memory, MemoryData
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.sdram_controller import BEAT_BITS, INIT_REFRESHES, Command, SdramChip

PICOSECONDS = 1000
REFRESHES_AHEAD = 8
"""Refreshes that may be late at a time; the chip's limit is 8,192 in 64 ms."""


class Violation(IntFlag):
    """What a controller did wrong."""

    POWER_UP = 1 << 0
    MODE = 1 << 1
    CLOSED = 1 << 2
    OPEN = 1 << 3
    RCD = 1 << 4
    RP = 1 << 5
    RAS = 1 << 6
    RC = 1 << 7
    RFC = 1 << 8
    WRITE_RECOVERY = 1 << 9
    REFRESH = 1 << 10
    BUS = 1 << 11
    RANGE = 1 << 12


class SdramModel(wiring.Component):
    """Chip with bursts of one word and CAS latency 2, one rank, pins as `SdramController` has them.

    Times are counted in picoseconds of the given clock, not in a controller's clocks. A violation
    is recorded for good, and from then on every word read is wrong. Words come out between other
    clocks as a pattern that nothing should use. The chip keeps ``depth`` rows of ``width`` bits;
    a command for a word beyond is a violation.

    Parameters
    ----------
    chip : SdramChip
        Geometry and timing.
    clock_hz : float
        Clock of domain ``sync``.
    depth, width : int
        Words of the model, and their bits, ``16 * 2**k``.

    Attributes
    ----------
    data : MemoryData
        The words.
    violations : Signal
        Flags of `Violation`.
    """

    def __init__(self, chip: SdramChip, clock_hz: float, depth: int, width: int) -> None:
        self.chip = chip
        self.clock_hz = clock_hz
        self.data = MemoryData(shape=width, depth=depth, init=[])
        self._beats = width // BEAT_BITS
        super().__init__(
            {
                "command": In(3),
                "bank": In(chip.bank_bits),
                "address": In(chip.row_bits),
                "data_in": In(BEAT_BITS),
                "drive": In(1),
                "data_out": Out(BEAT_BITS),
                "violations": Out(13),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Build banks, timers, checks and memory."""
        m = Module()
        chip = self.chip
        period = round(1e12 / self.clock_hz)
        command = Signal(Command)
        m.d.comb += command.eq(self.command)
        wrong: dict[Violation, Any] = {flag: 0 for flag in Violation}

        def since(event: Any, name: str, limit_ns: float, *, fresh: bool = False) -> Signal:
            """Return picoseconds since an event, saturating above a limit."""
            most = int(limit_ns * PICOSECONDS) + 2 * period
            time = Signal(range(most + period + 1), name=name, init=0 if fresh else most)
            with m.If(event):
                m.d.sync += time.eq(period)
            with m.Elif(time < most):
                m.d.sync += time.eq(time + period)
            return time

        def early(time: Any, least_ns: float) -> Any:
            return time < int(least_ns * PICOSECONDS)

        activate = command == Command.ACTIVATE
        read, write = command == Command.READ, command == Command.WRITE
        refresh, mode = command == Command.REFRESH, command == Command.MODE
        precharge = command == Command.PRECHARGE
        all_banks = self.address[10]

        # The start: rest, precharge, refreshes, mode.
        power_up = since(0, "power_up", chip.power_up_us * 1000, fresh=True)
        started = Signal(range(INIT_REFRESHES + 1))
        set_up = Signal()
        awake = ~early(power_up, chip.power_up_us * 1000)
        wrong[Violation.POWER_UP] = (command != Command.NOP) & ~awake
        with m.If(refresh & (started != INIT_REFRESHES)):
            m.d.sync += started.eq(started + 1)
        with m.If(mode):
            m.d.sync += set_up.eq(1)
        mode_age = Signal(3, init=7)
        m.d.sync += mode_age.eq(Mux(mode, 1, Mux(mode_age == 7, 7, mode_age + 1)))
        wrong[Violation.MODE] = (
            (mode & ((self.address != chip.mode) | (started != INIT_REFRESHES)))
            | (activate & (~set_up | (mode_age < chip.mode_clocks)))
        )  # fmt: skip

        # Banks.
        banks = 1 << chip.bank_bits
        opened = Array(Signal(name=f"open_{b}") for b in range(banks))
        rows = Array(Signal(chip.row_bits, name=f"row_{b}") for b in range(banks))
        for b in range(banks):
            here = self.bank == b
            closing = precharge & (all_banks | here)
            active = since(activate & here, f"active_{b}", chip.rc_ns)
            closed = since(closing, f"closed_{b}", chip.rp_ns)
            written = Signal(3, init=7, name=f"written_{b}")
            m.d.sync += written.eq(Mux(write & here, 1, Mux(written == 7, 7, written + 1)))
            with m.If(activate & here):
                m.d.sync += [opened[b].eq(1), rows[b].eq(self.address)]
            with m.Elif(closing):
                m.d.sync += opened[b].eq(0)
            wrong[Violation.OPEN] |= (activate & here | refresh | mode) & opened[b]
            wrong[Violation.CLOSED] |= (read | write) & here & ~opened[b]
            wrong[Violation.RCD] |= (read | write) & here & early(active, chip.rcd_ns)
            wrong[Violation.RP] |= (activate & here | refresh | mode) & early(closed, chip.rp_ns)
            wrong[Violation.RAS] |= closing & opened[b] & early(active, chip.ras_ns)
            wrong[Violation.RC] |= activate & here & early(active, chip.rc_ns)
            wrong[Violation.WRITE_RECOVERY] |= (
                closing & opened[b] & (written < chip.write_recovery_clocks)
            )

        # Refresh: on average often enough.
        refreshed = since(refresh, "refreshed", chip.rfc_ns)
        wrong[Violation.RFC] = (command != Command.NOP) & early(refreshed, chip.rfc_ns)
        each = int(chip.refresh_ns * PICOSECONDS)
        elapsed = Signal(range(each + period))
        late = Signal(8)
        turn = elapsed + period >= each
        m.d.sync += elapsed.eq(Mux(turn, elapsed + period - each, elapsed + period))
        with m.If(~set_up):
            m.d.sync += late.eq(0)
        with m.Elif(turn & ~refresh):
            m.d.sync += late.eq(Mux(late == 255, 255, late + 1))
        with m.Elif(refresh & ~turn & (late != 0)):
            m.d.sync += late.eq(late - 1)
        wrong[Violation.REFRESH] = set_up & (late > REFRESHES_AHEAD)

        # Words.
        m.submodules.words = memory = Memory(self.data)
        column_bits = chip.column_bits
        place = Cat(self.address[:column_bits], self.bank, rows[self.bank])
        beats = self._beats.bit_length() - 1
        word, beat = place[beats:], place[:beats]
        wrong[Violation.RANGE] = (read | write) & (word >= self.data.depth)
        source, sink = memory.read_port(), memory.write_port(granularity=BEAT_BITS)
        m.d.comb += [
            source.addr.eq(word),
            source.en.eq(read),
            sink.addr.eq(word),
            sink.data.eq(self.data_in.replicate(self._beats)),
            sink.en.eq(Mux(write, 1 << beat, 0) if beats else write),
        ]
        reading, output, floating = Signal(), Signal(), Signal()
        chosen = Signal(max(1, beats))
        out = Signal(BEAT_BITS)
        noise = Signal(BEAT_BITS, init=0x5AA5)
        bad = self.violations.any()
        m.d.sync += [
            reading.eq(read),
            output.eq(reading),
            floating.eq(output),
            chosen.eq(beat),
            noise.eq(Cat(noise[1:], noise[0] ^ noise[2] ^ noise[3] ^ noise[5])),
            out.eq(source.data.word_select(chosen, BEAT_BITS) if beats else source.data),
        ]
        m.d.comb += self.data_out.eq(Mux(output, Mux(bad, ~out, out), noise))
        wrong[Violation.BUS] = self.drive & (output | floating) | (write & ~self.drive)
        for flag, condition in wrong.items():
            with m.If(condition):
                m.d.sync += self.violations[flag.bit_length() - 1].eq(1)
        return m
