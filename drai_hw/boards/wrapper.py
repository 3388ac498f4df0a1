"""The outermost layer of a bitstream: clock, reset, pins of one board around a design."""

from __future__ import annotations

from typing import Any

from amaranth import (
    ClockDomain,
    ClockSignal,
    Const,
    Elaboratable,
    Instance,
    Module,
    ResetSignal,
    Signal,
)
from amaranth.build import Attrs, Clock, Pins, Resource, Subsignal
from amaranth.lib import io
from amaranth.lib.cdc import FFSynchronizer, ResetSynchronizer

from drai_hw.boards.boardfile import Board, ClockPlan
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.pll import Ecp5Pll, GowinPll, Ice40Pll
from drai_hw.errors import SpecError

# iCE40 memory blocks read zeros for some microseconds after configuration; Amaranth's platform
# waits this long too when no PLL is used.
POWER_ON_S = 15e-6
# What the light shows, first choice first: a run is too short for the eye, a frame's toggle is not.
LIGHTS = ("activity", "busy")


def make_platform(board: Board) -> Any:
    """Return the board's Amaranth platform, with the board's clock as its default clock."""
    platform = board.platform_class()()
    clock = board.clock
    if clock.pin is not None:
        attributes = clock.io_attributes or FAMILIES[board.family].io_attributes
        pin = Pins(clock.pin, dir="i")
        platform.add_resources(
            [Resource("board_clock", 0, pin, Clock(board.oscillator_hz), Attrs(**attributes))]
        )
    platform.default_clk = clock.resource or "board_clock"
    return platform


def check_design(design: Any, clock: ClockPlan) -> None:
    """Refuse a design that cannot be wrapped.

    Raises
    ------
    SpecError
        If the design lacks ``rx`` or ``tx``, or was made for another clock frequency.
    """
    for port in ("rx", "tx"):
        if not hasattr(design, port):
            raise SpecError(
                f"design {type(design).__name__} has no signal {port!r}: a board needs a design "
                "with `rx` and `tx`, such as drai_hw.rtl.top.Top"
            )
    made_for_hz = getattr(design, "clock_hz", None)
    if made_for_hz is not None and abs(made_for_hz - clock.output_hz) > 0.5:
        raise SpecError(
            f"design was made for a clock of {made_for_hz:g} Hz, the board runs at "
            f"{clock.output_hz:g} Hz; make it with clock_hz = board.plan_clock().output_hz"
        )


class BoardTop(Elaboratable):
    """A design on a board: ``rx`` and ``tx`` on the UART pins, a sign of life on a light.

    The domain ``sync`` comes from the platform when the oscillator is the system clock; with a
    PLL it is made here and stays in reset until the PLL has locked and, on iCE40, the memory
    blocks are alive.

    Parameters
    ----------
    design : Elaboratable
        Has 1-bit signals ``rx`` (input) and ``tx`` (output), and may have
        ``activity`` or ``busy`` (output).
    board : Board
        Pins and wires.
    clock : ClockPlan
        From ``board.plan_clock``.
    """

    def __init__(self, design: Any, board: Board, clock: ClockPlan) -> None:
        self.design = design
        self.board = board
        self.clock = clock

    def elaborate(self, platform: Any) -> Module:
        """Connect everything on the given Amaranth platform."""
        m = Module()
        m.submodules.design = self.design
        if self.clock.pll is not None:
            self._pll_domain(m, platform)
        rx, tx = self._uart_ports(platform)
        m.submodules.rx_buffer = rx_buffer = io.Buffer("i", rx)
        m.submodules.tx_buffer = tx_buffer = io.Buffer("o", tx)
        m.d.comb += [self.design.rx.eq(rx_buffer.i), tx_buffer.o.eq(self.design.tx)]
        led = self.board.led
        shown = [getattr(self.design, name) for name in LIGHTS if hasattr(self.design, name)]
        if led is not None and shown:
            port = platform.request(led.resource, led.number, dir="-")
            m.submodules.led_buffer = led_buffer = io.Buffer("o", port)
            m.d.comb += led_buffer.o.eq(shown[0])
        for index, hold in enumerate(self.board.hold):
            platform.add_resources(
                [Resource("hold", index, Pins(hold.pin, dir="o"), Attrs(**hold.io_attributes))]
            )
            port = platform.request("hold", index, dir="-")
            m.submodules[f"hold{index}_buffer"] = buffer = io.Buffer("o", port)
            m.d.comb += buffer.o.eq(hold.level)
        return m

    def _uart_ports(self, platform: Any) -> tuple[Any, Any]:
        uart = self.board.uart
        usual = FAMILIES[self.board.family].io_attributes
        if uart.resource is None:
            platform.add_resources(
                [
                    Resource(
                        "host_uart",
                        0,
                        Subsignal("rx", Pins(uart.rx_pin, dir="i")),
                        Subsignal("tx", Pins(uart.tx_pin, dir="o")),
                        Attrs(**(uart.io_attributes or usual)),
                    )
                ]
            )
            pins = platform.request("host_uart", 0, dir={"rx": "-", "tx": "-"})
        else:
            resource = platform.lookup(uart.resource, uart.number)
            bare = {part.name: "-" for part in resource.ios if isinstance(part, Subsignal)}
            pins = platform.request(uart.resource, uart.number, dir=bare)
        return pins.rx, pins.tx

    def _pll_domain(self, m: Module, platform: Any) -> None:
        """Make domain ``sync`` from the board oscillator through the device's PLL."""
        pll = self.clock.pll
        source = platform.request(platform.default_clk, 0, dir="-")
        fast = Signal(name="pll_clock")
        locked = Signal(name="pll_locked")
        m.domains.sync = ClockDomain()
        m.d.comb += ClockSignal("sync").eq(fast)
        if isinstance(pll, Ecp5Pll | GowinPll):
            m.submodules.clock_buffer = buffer = io.Buffer("i", source)
            make: Any = _ecp5_instance if isinstance(pll, Ecp5Pll) else _gowin_instance
            m.submodules.pll = make(pll, buffer.i, fast, locked)
            release_reset(m, ~locked)
            return
        assert isinstance(pll, Ice40Pll)
        m.submodules.pll = _ice40_instance(pll, source, fast, locked)
        # The counter's domain has no reset: it starts from its configured value, 0, and it is
        # the one thing that must run before the others are let go.
        m.domains.power_on = ClockDomain(reset_less=True, local=True)
        m.d.comb += ClockSignal("power_on").eq(fast)
        delay = int(POWER_ON_S * self.clock.output_hz)
        count = Signal(range(delay + 1))
        steady = Signal()
        m.submodules.lock_sync = FFSynchronizer(locked, steady, o_domain="power_on")
        with m.If(~steady):
            m.d.power_on += count.eq(0)
        with m.Elif(count != delay):
            m.d.power_on += count.eq(count + 1)
        release_reset(m, count != delay)


def release_reset(m: Module, hold: Any) -> None:
    """Reset domain ``sync`` while ``hold`` stands, and some clocks longer.

    The synchronizer's registers lie where ``hold`` comes from, a corner of the chip; two more,
    which may lie anywhere, spread the reset: else it would be the longest path of large designs.

    Parameters
    ----------
    m : Module
        Has the domain ``sync``.
    hold : Value
        1 bit, asynchronous.
    """
    m.domains.settling = ClockDomain(local=True)
    m.d.comb += ClockSignal("settling").eq(ClockSignal("sync"))
    m.submodules.reset_sync = ResetSynchronizer(hold, domain="settling")
    held = Signal(2, init=0b11)
    m.d.settling += held.eq(held << 1)
    m.d.comb += ResetSignal("sync").eq(held[-1])


def _ecp5_instance(pll: Ecp5Pll, source: Any, fast: Signal, locked: Signal) -> Instance:
    return Instance(
        "EHXPLLL",
        a_FREQUENCY_PIN_CLKI=f"{pll.input_hz / 1e6:g}",
        a_FREQUENCY_PIN_CLKOP=f"{pll.output_hz / 1e6:g}",
        a_ICP_CURRENT="12",
        a_LPF_RESISTOR="8",
        a_MFG_ENABLE_FILTEROPAMP="1",
        a_MFG_GMCREF_SEL="2",
        p_PLLRST_ENA="DISABLED",
        p_INTFB_WAKE="DISABLED",
        p_STDBY_ENABLE="DISABLED",
        p_DPHASE_SOURCE="DISABLED",
        p_OUTDIVIDER_MUXA="DIVA",
        p_OUTDIVIDER_MUXB="DIVB",
        p_OUTDIVIDER_MUXC="DIVC",
        p_OUTDIVIDER_MUXD="DIVD",
        p_CLKI_DIV=pll.clki_div,
        p_CLKFB_DIV=pll.clkfb_div,
        p_CLKOP_ENABLE="ENABLED",
        p_CLKOP_DIV=pll.clkop_div,
        p_CLKOP_CPHASE=pll.clkop_div - 1,
        p_CLKOP_FPHASE=0,
        p_FEEDBK_PATH="CLKOP",
        i_RST=Const(0),
        i_STDBY=Const(0),
        i_CLKI=source,
        i_CLKFB=fast,
        i_PHASESEL0=Const(0),
        i_PHASESEL1=Const(0),
        i_PHASEDIR=Const(1),
        i_PHASESTEP=Const(1),
        i_PHASELOADREG=Const(1),
        i_PLLWAKESYNC=Const(0),
        i_ENCLKOP=Const(0),
        o_CLKOP=fast,
        o_LOCK=locked,
    )


def _ice40_instance(pll: Ice40Pll, source: Any, fast: Signal, locked: Signal) -> Instance:
    return Instance(
        "SB_PLL40_PAD",
        p_FEEDBACK_PATH="SIMPLE",
        p_DIVR=Const(pll.divr, 4),
        p_DIVF=Const(pll.divf, 7),
        p_DIVQ=Const(pll.divq, 3),
        p_FILTER_RANGE=Const(pll.filter_range, 3),
        i_PACKAGEPIN=source.io,
        i_RESETB=Const(1),
        i_BYPASS=Const(0),
        o_PLLOUTGLOBAL=fast,
        o_LOCK=locked,
    )


def _gowin_instance(pll: Any, source: Any, fast: Signal, locked: Signal) -> Instance:
    # Every parameter is named: the packer takes absent ones for the vendor's defaults, which differ
    # between its versions.
    return Instance(
        "rPLL",
        p_FCLKIN=f"{pll.input_hz / 1e6:g}",
        p_DEVICE=pll.device,
        p_IDIV_SEL=pll.idiv - 1,
        p_FBDIV_SEL=pll.fbdiv - 1,
        p_ODIV_SEL=pll.odiv,
        p_DYN_IDIV_SEL="false",
        p_DYN_FBDIV_SEL="false",
        p_DYN_ODIV_SEL="false",
        p_DYN_DA_EN="false",
        p_DYN_SDIV_SEL=2,
        p_PSDA_SEL="0000",
        p_DUTYDA_SEL="1000",
        p_CLKFB_SEL="internal",
        p_CLKOUT_BYPASS="false",
        p_CLKOUTP_BYPASS="false",
        p_CLKOUTD_BYPASS="false",
        p_CLKOUTD_SRC="CLKOUT",
        p_CLKOUTD3_SRC="CLKOUT",
        i_CLKIN=source,
        i_CLKFB=Const(0),
        i_RESET=Const(0),
        i_RESET_P=Const(0),
        i_FBDSEL=Const(0, 6),
        i_IDSEL=Const(0, 6),
        i_ODSEL=Const(0, 6),
        i_PSDA=Const(0, 4),
        i_DUTYDA=Const(0, 4),
        i_FDLY=Const(0, 4),
        o_CLKOUT=fast,
        o_LOCK=locked,
    )
