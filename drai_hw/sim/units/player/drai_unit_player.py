"""Cocotb module that moves the pins of a unit as it is told through a pipe.

It stands alone and imports nothing of the package: the simulator then starts in half the time.
"""

from __future__ import annotations

from typing import Any

import cocotb
from cocotb.triggers import Timer
from drai_player_pipes import pipes, play, receive, send  # type: ignore[import-not-found]

HALF_NS = 5


def widths(dut: Any, names: list[str]) -> dict[str, int | None]:
    """Return the width of each name in the module, None where it has none."""
    out: dict[str, int | None] = {}
    for name in names:
        handle = getattr(dut, name, None)
        try:
            out[name] = None if handle is None else len(handle)
        except TypeError:
            out[name] = 1
    return out


class Pins:
    """The ports of the module."""

    def __init__(self, dut: Any, order: dict[str, Any]) -> None:
        self.clk = getattr(dut, order["clk"])
        self._inputs = {
            ours: (getattr(dut, theirs), mask, flip)
            for ours, (theirs, mask, flip) in order["inputs"].items()
        }
        self._outputs = [
            (ours, getattr(dut, theirs), signed)
            for ours, (theirs, signed) in order["outputs"].items()
        ]
        self._given: dict[str, int] = {}
        for name, value in order["constants"].items():
            handle = getattr(dut, name)
            handle.value = value & ((1 << len(handle)) - 1)
        self.clk.value = 0

    def give(self, values: dict[str, int]) -> None:
        """Drive the inputs that change."""
        for name, (handle, mask, flip) in self._inputs.items():
            value = values.get(name, 0) & mask ^ flip
            if self._given.get(name) != value:
                self._given[name] = value
                handle.value = value

    def take(self) -> dict[str, int | None]:
        """Return the outputs; None where a bit is unknown."""
        out: dict[str, int | None] = {}
        for name, handle, signed in self._outputs:
            value = handle.value
            if not value.is_resolvable:
                out[name] = None
            elif len(handle) == 1:
                out[name] = int(value)
            else:
                out[name] = value.to_signed() if signed else value.to_unsigned()
        return out

    async def clock(self, values: dict[str, int]) -> dict[str, int | None]:
        """Let a clock pass; return the outputs just before its rising edge."""
        half = Timer(HALF_NS, "ns")
        self.give(values)
        await half
        seen = self.take()  # long after the inputs, before the edge: no race with the registers
        self.clk.value = 1
        await half
        self.clk.value = 0
        return seen


@cocotb.test()
async def unit(dut: Any) -> None:
    """Do what comes through the pipe until it ends."""
    source, sink = pipes()
    pins = None
    while (message := receive(source)) is not None:
        what, order = message
        if what == "widths":
            send(sink, widths(dut, order))
        elif what == "connect":
            pins = Pins(dut, order)
            await Timer(1, "ns")
            send(sink, True)
        else:
            assert pins is not None
            send(sink, await play(pins, *order))
