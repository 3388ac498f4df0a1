"""Serial transmitter and receiver for 8 data bits, no parity, one stop bit."""

from __future__ import annotations

from amaranth.hdl import Cat, Const, Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.cdc import FFSynchronizer
from amaranth.lib.wiring import In, Out

from drai_hw.errors import SpecError

MIN_DIVISOR = 4
"""Fewest clocks per bit: below this the sampling point is off by more than an eighth of a bit."""

MAX_BAUD_ERROR = 0.02
"""Largest relative error of the bit rate: over ten bits it moves the last sample by 0.2 bit."""


def divisor_for(clock_hz: float, baud: int) -> int:
    """Return the clocks per bit that come nearest to a bit rate.

    Parameters
    ----------
    clock_hz : float
        Clock of the design in hertz, > 0.
    baud : int
        Bits per second, > 0.

    Raises
    ------
    SpecError
        Fewer than `MIN_DIVISOR` clocks per bit, or the nearest divisor misses the bit rate by more
        than `MAX_BAUD_ERROR`.
    """
    if clock_hz <= 0 or baud <= 0:
        raise SpecError(
            f"clock_hz={clock_hz!r} and baud={baud!r} given; both must be above 0 "
            "(hertz, bits per second)"
        )
    divisor = max(1, round(clock_hz / baud))
    if divisor < MIN_DIVISOR:
        raise SpecError(
            f"baud={baud!r} at clock_hz={clock_hz!r} leaves {clock_hz / baud:.2f} clocks per bit; "
            f"at least {MIN_DIVISOR} are needed: choose a baud of {clock_hz / MIN_DIVISOR:.0f} or "
            "less, or a faster clock"
        )
    error = abs(clock_hz / divisor / baud - 1)
    if error > MAX_BAUD_ERROR:
        raise SpecError(
            f"baud={baud!r} at clock_hz={clock_hz!r}: the nearest divisor, {divisor}, gives "
            f"{clock_hz / divisor:.0f} bit/s, off by {error:.1%}; at most {MAX_BAUD_ERROR:.0%} "
            f"is needed: choose baud {clock_hz / divisor:.0f}, or a lower one"
        )
    return divisor


def _check_divisor(divisor: int) -> int:
    if divisor < MIN_DIVISOR:
        raise SpecError(
            f"divisor={divisor!r} clocks per bit given; at least {MIN_DIVISOR} are needed: "
            "use a lower baud or a faster clock"
        )
    return divisor


class UartRx(wiring.Component):
    """Receive bytes from a serial line.

    The line passes two flip-flops, a falling edge starts a byte, and every bit is sampled once in
    its middle. A start bit that is gone by its middle is taken for a spike and ignored. The
    receiver is free again in the middle of the stop bit, so bytes may follow without a pause and
    the sender may be faster by up to 4 %. A line held low (a break) is one error, not a stream.

    `valid` and `error` are pulses of one clock; `data` holds until the next byte starts arriving.
    Latency: two clocks after the middle of the stop bit. Throughput: one byte per 10 bit times.

    Parameters
    ----------
    divisor : int
        Clocks per bit, >= `MIN_DIVISOR`.

    Raises
    ------
    SpecError
        `divisor` is too small.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = _check_divisor(divisor)
        super().__init__(
            {
                "rx": In(1, init=1),
                "data": Out(8),
                "valid": Out(1),
                "error": Out(1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the receiver."""
        m = Module()
        line = Signal(init=1)
        last = Signal(init=1)
        m.submodules.sync = FFSynchronizer(self.rx, line, init=1)

        timer = Signal(range(self.divisor))
        left = Signal(range(11))  # bits still to sample, start and stop included; 0 = idle
        shift = Signal(8, reset_less=True)

        m.d.comb += self.data.eq(shift)
        m.d.sync += [last.eq(line), self.valid.eq(0), self.error.eq(0), timer.eq(timer - 1)]
        with m.If(left == 0):
            # The edge was seen one clock ago at the earliest, hence the "- 2".
            m.d.sync += timer.eq(self.divisor // 2 - 2)
            with m.If(last & ~line):
                m.d.sync += left.eq(10)
        with m.Elif(timer == 0):
            m.d.sync += [timer.eq(self.divisor - 1), left.eq(left - 1)]
            with m.If(left == 10):
                m.d.sync += left.eq(Mux(line, 0, 9))
            with m.Elif(left == 1):
                m.d.sync += [self.valid.eq(line), self.error.eq(~line)]
            with m.Else():
                m.d.sync += shift.eq(Cat(shift[1:], line))
        return m


class UartTx(wiring.Component):
    """Send bytes over a serial line.

    A byte is taken in the clock in which `valid` and `ready` are both high. Latency: the start bit
    begins in the next clock. Throughput: one byte per 10 bit times and one clock.

    Parameters
    ----------
    divisor : int
        Clocks per bit, >= `MIN_DIVISOR`.

    Raises
    ------
    SpecError
        `divisor` is too small.
    """

    def __init__(self, divisor: int) -> None:
        self.divisor = _check_divisor(divisor)
        super().__init__(
            {
                "data": In(8),
                "valid": In(1),
                "ready": Out(1),
                "tx": Out(1, init=1),
            }
        )

    def elaborate(self, platform: object) -> Module:
        """Build the transmitter."""
        m = Module()
        timer = Signal(range(self.divisor))
        left = Signal(range(11))  # bits still to send; 0 = idle
        shift = Signal(9, init=0x1FF)

        m.d.comb += [self.ready.eq(left == 0), self.tx.eq(shift[0])]
        with m.If(self.ready):
            m.d.sync += timer.eq(self.divisor - 1)
            with m.If(self.valid):
                # Ones shifted in behind the data are the stop bit and the idle line.
                m.d.sync += [shift.eq(Cat(Const(0, 1), self.data)), left.eq(10)]
        with m.Else():
            m.d.sync += timer.eq(timer - 1)
            with m.If(timer == 0):
                m.d.sync += [
                    timer.eq(self.divisor - 1),
                    left.eq(left - 1),
                    shift.eq(Cat(shift[1:], Const(1, 1))),
                ]
        return m
