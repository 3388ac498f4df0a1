"""The RTL in a cocotb simulation as a machine, with its twin beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.task import resume
from cocotb.triggers import RisingEdge
from numpy.typing import NDArray

from drai_hw.model.machine import Passes
from drai_hw.sim.bus import Bus, BusError, RegisterWindow, clocks_now, until
from drai_hw.sim.comparison import Comparison
from drai_hw.sim.mirror import MirroredMachine
from drai_hw.sim.runner import PROGRESS_FILE


class RtlMachine(MirroredMachine):
    """The RTL as a machine, with a twin that does the same beside it.

    Its methods are called from the job's thread; each hands over to the simulator until done.

    Parameters
    ----------
    bus : Bus
        Driver.
    dut : handle
        Top module.
    board : Scoreboard
        Comparison; its twin follows every call.
    rings : RegisterWindow, optional
        Counts toggles in the first step that learns and the first that does not.
    total_steps : int, optional
        Steps of the whole job; with it the progress is written down for the runner.
    check_clocks : bool
        Whether the clocks of a run must be those of `clocks_per_run`.
    """

    def __init__(
        self,
        bus: Bus,
        dut: Any,
        board: Comparison,
        rings: RegisterWindow | None = None,
        total_steps: int = 0,
        check_clocks: bool = True,
    ) -> None:
        super().__init__(board, check_clocks)
        self._bus = bus
        self._dut = dut
        self._total = total_steps
        self.rings = rings

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do ``steps`` steps of some `Passes` and compare the state after each."""
        wanted = self._passes(passes)
        before = _in_simulator(self._run)(steps, wanted, resume)
        if before is not None:
            self._still(steps, wanted, resume, before)

    def _reset(self, clocks: int) -> None:
        async def reset() -> None:
            for _ in range(clocks):
                await RisingEdge(self._dut.clk)
            await self._bus.reset()

        _in_simulator(reset)()

    def _write(self, writes: list[tuple[str, int]]) -> None:
        async def write_all() -> None:
            for name, value in writes:
                await self._bus.write(name, int(value))

        _in_simulator(write_all)()

    def _read(self, pointer: str, name: str, count: int) -> NDArray[np.int64]:
        async def read_all() -> list[int]:
            await self._bus.write(pointer, 0)
            return [await self._bus.read(name) for _ in range(count)]

        return np.array(_in_simulator(read_all)(), dtype=np.int64)

    def _register(self, name: str) -> int:
        value: int = _in_simulator(self._bus.read)(name)
        return value

    async def _run(self, steps: int, passes: Passes, resume: bool) -> int | None:
        """Return what STEPS_DONE was before a run that changes nothing, else None."""
        bus, dut, limit_clocks = self._bus, self._dut, self._limit_clocks
        if still := steps == 0 or passes.count(self.formats) == 0:
            done = await bus.read("STEPS_DONE")
        await bus.write("STEPS", steps)
        await bus.write("CONTROL", self._command(passes, resume))
        begun = clocks_now() - 1  # BUSY rose together with the acknowledge
        watch = None
        if not still and self.rings and self._first_of_its_kind(passes):
            watch = cocotb.start_soon(self.rings.count())
        for step in range(0 if still else steps):
            await self._until(dut.step_done, 1, limit_clocks, "STEP_DONE")
            if watch:
                watch.cancel()
                watch = None
            self._stepped(step, passes, resume)
            if self.steps % 16 == 0:
                self.tell()
        await self._until(dut.busy, 0, limit_clocks + steps, "the end of BUSY")
        self._ended(steps, clocks_now() - begun, passes)
        await RisingEdge(dut.clk)
        return done if still else None

    async def _until(self, signal: Any, level: int, limit_clocks: int, what: str) -> None:
        if not await until(signal, level, limit_clocks):
            raise BusError(f"{what} did not come within {limit_clocks} clocks of a run")

    def tell(self) -> None:
        """Write the progress down for the runner."""
        if self._total:
            Path(PROGRESS_FILE).write_text(f"{self.steps} {self._total}\n", encoding="utf-8")


def _in_simulator(function: Any) -> Any:
    """Make a coroutine function callable from the job's thread."""
    return resume(function)
