"""Cocotb driver of the core's register bus, and a window on its memories."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from cocotb.clock import Clock
from cocotb.triggers import FallingEdge, First, ReadOnly, RisingEdge, Timer
from cocotb.utils import get_sim_time
from numpy.typing import NDArray

from drai_hw.errors import DraiError
from drai_hw.rtl.registers import REGISTERS
from drai_hw.sim.core_ports import misfit
from drai_hw.sim.units.portmap import PortMap

CLOCK_NS = 10
_ACCESS_LIMIT_CLOCKS = 20_000  # an SDRAM rests for 200 us before it takes the first word


class BusError(DraiError):
    """The design under test does not answer as the register bus demands."""


class Bus:
    """One access at a time, strobes held until the acknowledge.

    Parameters
    ----------
    dut : handle
        Top module with the ports of `drai_hw.rtl.core.Core`, or what `connected` made of another.
    connect : PortMap, optional
        How it was connected.

    Raises
    ------
    BusError
        Ports are missing or have another width.
    """

    def __init__(self, dut: Any, connect: PortMap | None = None) -> None:
        constants = connect.constants if connect else {}
        lost = [name for name in constants if getattr(dut, name, None) is None]
        wrong = misfit(dut._name, lambda name: width_of(getattr(dut, name, None)), connect, lost)
        if wrong:
            raise BusError(wrong)
        self._dut = dut
        self._constants = constants
        self.accesses = 0

    async def start(self) -> None:
        """Start the clock and reset the design."""
        dut = self._dut
        for name in ("addr", "wdata", "we", "re"):
            getattr(dut, name).value = 0
        for name, value in self._constants.items():
            getattr(dut, name).value = value
        dut.rst.value = 1
        Clock(dut.clk, CLOCK_NS, unit="ns").start()
        await self.reset()

    async def reset(self) -> None:
        """Reset the design, whatever it is at; a clock later it is at rest."""
        dut = self._dut
        dut.rst.value = 1
        for _ in range(3):
            await RisingEdge(dut.clk)
        dut.rst.value = 0
        await RisingEdge(dut.clk)

    async def write(self, name: str, value: int) -> None:
        """Write a register."""
        self._dut.wdata.value = int(value) & 0xFFFFFFFF
        await self._access(name, self._dut.we)

    async def read(self, name: str) -> int:
        """Read a register; signed ones come sign-extended."""
        value = await self._access(name, self._dut.re)
        return value - (1 << 32) if REGISTERS[name].signed and value >> 31 else value

    async def _access(self, name: str, strobe: Any) -> int:
        dut = self._dut
        self.accesses += 1
        dut.addr.value = REGISTERS[name].address
        strobe.value = 1
        if not await until(dut.ack, 1, _ACCESS_LIMIT_CLOCKS):
            raise BusError(f"register {name}: no acknowledge within {_ACCESS_LIMIT_CLOCKS} clocks")
        value = int(dut.rdata.value)
        await RisingEdge(dut.clk)
        strobe.value = 0
        return value


class _Mapped:
    """A top module under our names of its ports."""

    def __init__(self, dut: Any, connect: PortMap) -> None:
        self._dut, self._connect = dut, connect

    def __getattr__(self, name: str) -> Any:
        handle = getattr(self._dut, self._connect.name(name))
        return _Inverted(handle) if name == "rst" and self._connect.reset_low else handle


class _Inverted:
    """One bit that is driven with the other level."""

    def __init__(self, handle: Any) -> None:
        self._handle = handle

    @property
    def value(self) -> int:
        """The level that is driven, inverted."""
        return 1 - int(self._handle.value)

    @value.setter
    def value(self, level: int) -> None:
        self._handle.value = 1 - level

    def __len__(self) -> int:
        return width_of(self._handle) or 0


def connected(dut: Any, connect: PortMap | None) -> Any:
    """Return a top module under our names of its ports, its reset active high."""
    return _Mapped(dut, connect) if connect else dut


def width_of(handle: Any) -> int | None:
    """Return the bits of a signal, None where there is none."""
    try:
        return None if handle is None else len(handle)
    except TypeError:  # a single bit of some simulators has no length
        return 1


async def until(signal: Any, level: int, limit_clocks: int) -> bool:
    """Wait until a signal goes to a level and stays there; return at the end of that instant.

    What logic makes of registers that change with one edge may go there and back within the
    instant, which no register ever sees: such an edge does not count.

    Parameters
    ----------
    signal : handle
        One bit.
    level : {0, 1}
        Awaited level.
    limit_clocks : int
        Clocks without an edge to it after which False is returned.
    """
    edge = RisingEdge(signal) if level else FallingEdge(signal)
    limit = Timer(limit_clocks * CLOCK_NS, "ns")
    while await First(edge, limit) is not limit:
        await ReadOnly()
        if int(signal.value) == level:
            return True
    return False


def clocks_now() -> int:
    """Return the clocks simulated so far."""
    return round(get_sim_time("ns")) // CLOCK_NS


def find(dut: Any, path: str) -> Any:
    """Return the handle of a signal or memory below the top module, None where there is none."""
    handle = dut
    for part in path.split("."):
        handle = getattr(handle, part, None)
        if handle is None:
            return None
    return handle


class RegisterWindow:
    """Toggle counts of registers, clock by clock.

    Parameters
    ----------
    dut : handle
        Top module.
    paths : list of str
        Registers below it; those that the design lacks are left out.
    """

    def __init__(self, dut: Any, paths: list[str]) -> None:
        self._clk = dut.clk
        self._handles = [handle for path in paths if (handle := find(dut, path)) is not None]
        self.bits = sum(len(handle) for handle in self._handles)
        self.toggles = 0
        self.clocks = 0

    async def count(self) -> None:
        """Count until cancelled."""
        before: list[int] | None = None
        while True:
            await RisingEdge(self._clk)
            await ReadOnly()
            now = [int(handle.value) for handle in self._handles]
            if before is not None:
                self.toggles += sum((a ^ b).bit_count() for a, b in zip(before, now, strict=True))
                self.clocks += 1
            before = now


class MemoryWindow:
    """Hierarchical read of one memory, field by field.

    Parameters
    ----------
    dut : handle
        Top module.
    description : dict
        Entry of ``memories`` in the metadata of `drai_hw.rtl.emit.metadata`.
    """

    def __init__(self, dut: Any, description: dict[str, Any]) -> None:
        handle = find(dut, description["path"])
        if handle is None:
            raise BusError(
                f"the design has no {description['path']}: the bench reads the state there "
                "after every step"
            )
        self._handles = [handle[index] for index in range(description["depth"])]
        self._fields = description["fields"]
        self._words: list[int] = []

    def sample(self) -> None:
        """Take the words as they are now; `columns` reads these."""
        self._words = [int(word.value) for word in self._handles]

    def columns(self, names: Sequence[str], *, signed: bool = False) -> NDArray[np.int64]:
        """Return fields of all words, shape (depth, len(names))."""
        return np.column_stack([self._field(name, signed) for name in names])

    def _field(self, name: str, signed: bool) -> NDArray[np.int64]:
        first, bits = self._fields[name]["first_bit"], self._fields[name]["bits"]
        values = np.array([word >> first & ((1 << bits) - 1) for word in self._words], np.int64)
        if signed:
            values -= (values >> (bits - 1)) << bits
        return values
