"""Event counters of the learning passes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

EVENTS = ("visited", "gated_on", "written", "changed")


class EventCounters(wiring.Component):
    """Add up the lanes' events, 32 bits, wrapping.

    Counts lag the events by two clocks; ``clear`` wins over counting.

    Parameters
    ----------
    lanes : int
        Event bits a clock.
    """

    def __init__(self, lanes: int) -> None:
        self._lanes = lanes
        ports: dict = {"clear": In(1)}
        for name in EVENTS:
            ports |= {name: In(lanes), f"{name}_count": Out(32)}
        super().__init__(ports)

    def elaborate(self, platform: Any) -> Module:
        """Build population counts and counters."""
        m = Module()
        for name in EVENTS:
            bits = getattr(self, name)
            count = getattr(self, f"{name}_count")
            share = Signal(range(self._lanes + 1), name=f"{name}_share")
            m.d.sync += share.eq(sum(bits[1:], bits[0]))
            m.d.sync += count.eq(count + share)
            with m.If(self.clear):
                m.d.sync += count.eq(0)
        return m
