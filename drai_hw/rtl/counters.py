"""Event counters of the learning passes."""

from __future__ import annotations

from typing import Any

from amaranth.hdl import Module, Mux, Signal
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

from drai_hw.rtl.replica import lane_groups, later, replicated

EVENTS = ("visited", "gated_on", "written", "changed")


class EventCounters(wiring.Component):
    """Add up the lanes' events, 32 bits, wrapping.

    Counts lag the events by two clocks, by five when there are many lanes: these are first added
    up group by group, then groups of groups. ``clear`` wins over counting.

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
            bits: Any = getattr(self, name)
            count = getattr(self, f"{name}_count")
            parts = list(bits)
            if replicated(self._lanes):
                seen = later(m, bits, f"{name}_seen")
                groups = [seen[g.start : g.stop] for g in lane_groups(self._lanes)]
                parts = [
                    later(m, tree_sum(list(group)), f"{name}_{index}")
                    for index, group in enumerate(groups)
                ]
                parts = [
                    later(m, tree_sum(parts[start : start + 3]), f"{name}_{start}_on")
                    for start in range(0, len(parts), 3)
                ]
            share = Signal(range(self._lanes + 1), name=f"{name}_share", reset_less=True)
            m.d.sync += share.eq(tree_sum(parts))
            m.d.sync += count.eq(Mux(self.clear, 0, count + share))
        return m


def tree_sum(parts: list[Any]) -> Any:
    """Add up pairwise, for the shortest carry path."""
    while len(parts) > 1:
        parts = [sum(parts[k + 1 : k + 2], parts[k]) for k in range(0, len(parts), 2)]
    return parts[0]
