"""The design that goes onto a board: core, bridge and serial line."""

from __future__ import annotations

from typing import Any, Protocol

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.errors import SpecError
from drai_hw.rtl.bridge import Bridge
from drai_hw.rtl.replica import later
from drai_hw.rtl.uart import UartRx, UartTx, divisor_for

FRAME_TIMEOUT_S = 0.02
"""Silence inside a frame taken for a loss: above the gaps of a USB serial adapter (16 ms)."""

BUS_PORTS = ("addr", "wdata", "we", "re", "rdata", "ack", "busy")


class Core(Protocol):
    """What a top needs of a core: the register bus, and that it is a component."""

    addr: Signal
    wdata: Signal
    we: Signal
    re: Signal
    rdata: Signal
    ack: Signal
    busy: Signal
    step_done: Signal

    def elaborate(self, platform: Any) -> Any:
        """Return the core's logic."""


def check_core(core: Core) -> Core:
    """Return the core, or raise `SpecError` if it lacks a port of the register bus."""
    missing = [name for name in BUS_PORTS if not hasattr(core, name)]
    if missing:
        raise SpecError(
            f"core {core!r} given, without the bus ports {', '.join(missing)}; the register "
            "bus of drai_hw.rtl.registers is needed"
        )
    return core


def connect(
    m: Module, driver: Any, target: Any, *, of_driver: str = "", of_target: str = ""
) -> None:
    """Join register buses: `driver` makes the accesses, `target` answers or hands them outwards.

    Parameters
    ----------
    m : Module
        Where the assignments go.
    driver, target : Component
        Have the ports of `BUS_PORTS`.
    of_driver, of_target : str
        What stands before the ports' names there.
    """
    for name in BUS_PORTS:
        left, right = getattr(driver, of_driver + name), getattr(target, of_target + name)
        m.d.comb += left.eq(right) if name in ("rdata", "ack", "busy") else right.eq(left)


class Top(wiring.Component):
    """Core and serial bridge with four wires to the outside.

    Ports: `rx` and `tx` of the serial line (8N1), `busy` (the core runs) and `activity` (toggles
    with every answered frame), both meant for a LED; `clk` and `rst` (synchronous, active high)
    are those of the domain `sync`.

    Parameters
    ----------
    core : Core
        Component with the register bus of `drai_hw.rtl.registers`.
    clock_hz : float
        Frequency of `clk` in hertz.
    baud : int
        Bits per second of the serial line.
    timeout_s : float
        Least silence inside a frame, in seconds, that the bridge takes for a loss.

    Raises
    ------
    SpecError
        The bit rate cannot be made from the clock, or the core lacks a bus port.
    """

    def __init__(
        self, core: Core, clock_hz: float, baud: int, *, timeout_s: float = FRAME_TIMEOUT_S
    ) -> None:
        self.core = check_core(core)
        self.clock_hz = clock_hz
        self.baud = baud
        self.divisor = divisor_for(clock_hz, baud)
        self.timeout_clocks = max(round(timeout_s * clock_hz), 16 * self.divisor)
        super().__init__(
            {
                "rx": In(1, init=1),
                "tx": Out(1, init=1),
                "busy": Out(1),
                "activity": Out(1),
            }
        )

    def elaborate(self, platform: Any) -> Module:
        """Wire core, bridge and line."""
        m = Module()
        m.submodules.core = core = self.core
        m.submodules.bridge = bridge = Bridge(timeout_clocks=self.timeout_clocks)
        m.submodules.receiver = receiver = UartRx(self.divisor)
        m.submodules.transmitter = transmitter = UartTx(self.divisor)
        connect(m, bridge, core)
        m.d.comb += [
            receiver.rx.eq(self.rx),
            self.tx.eq(transmitter.tx),
            # A byte with a bad stop bit is left out; its frame then fails its checksum. The line's
            # pins may be far from the bridge.
            bridge.rx_data.eq(later(m, receiver.data, "byte")),
            bridge.rx_valid.eq(later(m, receiver.valid, "byte_valid")),
            transmitter.data.eq(bridge.tx_data),
            transmitter.valid.eq(bridge.tx_valid),
            bridge.tx_ready.eq(transmitter.ready),
            self.busy.eq(core.busy),
            self.activity.eq(bridge.activity),
        ]
        return m
