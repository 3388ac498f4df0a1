"""The RTL in simulation as a machine, with its twin beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cocotb
import numpy as np
from cocotb.task import resume
from cocotb.triggers import FallingEdge, First, ReadOnly, RisingEdge, Timer
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.machine import Counters, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.schedule import schedule
from drai_hw.rtl.registers import Cfg, Command, State
from drai_hw.rtl.timing import clocks_per_run, clocks_per_step
from drai_hw.sim.bus import CLOCK_NS, Bus, BusError, RegisterWindow, clocks_now
from drai_hw.sim.runner import PROGRESS_FILE
from drai_hw.sim.scoreboard import Scoreboard

_SETTINGS = {
    "GAIN": "gain",
    "SHIL_MAX": "shil_max",
    "SHIL_STEP": "shil_step",
    "ETA": "eta",
    "DITHER": "dither",
    "MARGIN": "margin",
    "GATES": "gates",
}
_COUNTERS = ("visited", "gated_on", "written", "changed")


class RtlMachine:
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
        board: Scoreboard,
        rings: RegisterWindow | None = None,
        total_steps: int = 0,
        check_clocks: bool = True,
    ) -> None:
        self.formats: Formats = board.twin.formats
        self._bus = bus
        self._dut = dut
        self._board = board
        self._twin = board.twin
        self._total = total_steps
        self._check_clocks = check_clocks
        self.steps = 0
        self.run_clocks = 0
        self.pair_evaluations = 0
        self.rings = rings
        self._sampled: set[bool] = set()

    # -- the machine protocol --------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers."""
        self._twin.configure(settings)
        writes = {name: getattr(settings, field) for name, field in _SETTINGS.items()}
        if self.formats.decay:
            writes["DECAY"] = settings.decay
        self._write(list(writes.items()))

    def load_phases(self, theta: ArrayLike) -> None:
        """Set all phase accumulators."""
        self._twin.load_phases(theta)
        self._stream("STATE", np.asarray(theta))

    def load_omega(self, omega: ArrayLike) -> None:
        """Set all tuning words."""
        self._twin.load_omega(omega)
        self._stream("OMEGA", np.asarray(omega))

    def load_inputs(
        self, psi: ArrayLike, strength: ArrayLike, clamp: ArrayLike, active: ArrayLike
    ) -> None:
        """Set input phases, strengths, clamp and activity flags."""
        twin, n = self._twin, self.formats.n
        twin.load_inputs(psi, strength, clamp, active)
        words = (
            twin.strength[:n] << Cfg.STRENGTH
            | twin.psi[:n] << Cfg.PSI
            | twin.clamp[:n].astype(np.int64) << Cfg.CLAMP
            | twin.active[:n].astype(np.int64) << Cfg.ACTIVE
        )
        self._stream("INPUT", words)

    def load_weights(self, weights: ArrayLike) -> None:
        """Set the weight matrix."""
        self._twin.load_weights(weights)
        words = self._twin.weight_words().ravel()
        self._write([("WEIGHT_ADDRESS", 0), *(("WEIGHT", int(value)) for value in words)])

    def reseed(self) -> None:
        """Restart random streams, threshold sweep and counters."""
        self._twin.reseed()
        self._write([("CONTROL", Command.RESEED)])

    def run(
        self,
        steps: int,
        *,
        field: bool = False,
        couple: bool = True,
        learn: bool = False,
        resume: bool = False,
    ) -> None:
        """Do ``steps`` steps and compare the state after each."""
        _in_simulator(self._run)(steps, field, couple, learn, resume)

    def read_phases(self) -> NDArray[np.int64]:
        """Read the phase accumulators over the bus."""
        mask = (1 << self.formats.accumulator_bits) - 1
        got = self._read_back("STATE", self.formats.n) & mask
        return self._checked("read theta", got, self._twin.read_phases())

    def read_margins(self) -> NDArray[np.bool_]:
        """Read the margin bits over the bus."""
        got = self._read_back("STATE", self.formats.n) >> State.MARGIN & 1
        want = self._twin.read_margins().astype(np.int64)
        return self._checked("read margin", got, want).astype(bool)

    def read_weights(self) -> NDArray[np.int64]:
        """Read the weights over the bus."""
        f = self.formats
        got = _in_simulator(self._read)("WEIGHT_ADDRESS", "WEIGHT", f.pair_slots * f.lanes)
        words = got.reshape(f.pair_slots, f.lanes)
        s = schedule(f.lanes, f.pages)
        matrix = np.zeros((f.slots, f.slots), dtype=np.int64)
        matrix[s.i[s.used], s.j[s.used]] = words[s.used]
        matrix[s.j[s.used], s.i[s.used]] = words[s.used]
        return self._checked("read weight", matrix[: f.n, : f.n], self._twin.read_weights())

    def counters(self) -> Counters:
        """Read the event counters over the bus."""
        got = [_in_simulator(self._bus.read)(name.upper()) for name in _COUNTERS]
        want = self._twin.counters()
        for name, value in zip(_COUNTERS, got, strict=True):
            if value != getattr(want, name):
                self._board.note(self.steps, name, 0, getattr(want, name), value)
        self._board.settle()
        return Counters(*got)

    # -- helpers ---------------------------------------------------------------------------

    def _checked(
        self, what: str, got: NDArray[np.int64], want: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        for place in np.argwhere(got != want):
            where = tuple(int(k) for k in place)
            index = where[0] if len(where) == 1 else list(where)
            self._board.note(self.steps, what, index, want[where], got[where])
        self._board.settle()
        return got

    def _stream(self, name: str, values: NDArray[np.int64]) -> None:
        self._write([("INDEX", 0), *((name, value) for value in values)])

    def _read_back(self, name: str, count: int) -> NDArray[np.int64]:
        return _in_simulator(self._read)("INDEX", name, count)

    def _write(self, writes: list[tuple[str, int]]) -> None:
        async def write_all() -> None:
            for name, value in writes:
                await self._bus.write(name, int(value))

        _in_simulator(write_all)()

    async def _read(self, pointer: str, name: str, count: int) -> NDArray[np.int64]:
        await self._bus.write(pointer, 0)
        return np.array([await self._bus.read(name) for _ in range(count)], dtype=np.int64)

    async def _run(self, steps: int, field: bool, couple: bool, learn: bool, resume: bool) -> None:
        bus, dut, twin, f = self._bus, self._dut, self._twin, self.formats
        command = Command.RUN
        for wanted, bit in (
            (field, Command.FIELD),
            (couple, Command.COUPLE),
            (learn, Command.LEARN),
            (resume, Command.RESUME),
        ):
            command |= bit if wanted else Command(0)
        await bus.write("STEPS", steps)
        await bus.write("CONTROL", command)
        begun = clocks_now() - 1  # BUSY rose together with the acknowledge
        limit_clocks = 4 * clocks_per_step(f, field=True) + 4 * clocks_per_run(f, 1)
        active = int(twin.active.sum())
        watch = None
        if self.rings and couple and learn not in self._sampled:
            self._sampled.add(learn)
            watch = cocotb.start_soon(self.rings.count())
        for step in range(steps):
            await self._edge(RisingEdge(dut.step_done), limit_clocks, "STEP_DONE")
            await ReadOnly()
            if watch:
                watch.cancel()
                watch = None
            twin.run(1, field=field, couple=couple, learn=learn, resume=resume or step > 0)
            self.steps += 1
            self.pair_evaluations += active * (active - 1) // 2 * (field + couple)
            self._cover(field, couple, learn, resume)
            self._board.compare(self.steps)
            if self.steps % 16 == 0:
                self.tell()
        await self._edge(FallingEdge(dut.busy), limit_clocks, "the end of BUSY")
        clocks = clocks_now() - begun
        self.run_clocks += clocks
        want = clocks_per_run(f, steps, field=field, couple=couple)
        if self._check_clocks and clocks != want:
            self._board.note(self.steps, "clocks", steps, want, clocks)
        self._board.settle()
        await RisingEdge(dut.clk)

    async def _edge(self, edge: Any, limit_clocks: int, what: str) -> None:
        limit = Timer(limit_clocks * CLOCK_NS, "ns")
        if await First(edge, limit) is limit:
            raise BusError(f"{what} did not come within {limit_clocks} clocks of a run")

    def _cover(self, field: bool, couple: bool, learn: bool, resume: bool) -> None:
        twin, seen = self._twin, self._board.coverage
        s = twin.settings
        events = {
            "field pass": field,
            "couple pass": couple,
            "learning": couple and learn,
            "resumed ramp": resume,
            "SHIL": couple and twin.shil > 0,
            "dither": couple and s.dither > 0,
            "inputs": couple and bool(twin.strength.any()),
            "clamped": bool(twin.clamp.any()),
            "inactive": not twin.active[: self.formats.n].all(),
            "largest weight": bool((twin.weights == self.formats.w_max).any()),
            "smallest weight": bool((twin.weights == -self.formats.w_max).any()),
            "held": bool(twin.margin[: self.formats.n].any()),
            "margin gate": couple and learn and bool(s.gates & 1),
            "resonance gate": couple and learn and bool(s.gates & 2),
            "decay": couple and learn and s.decay > 0,
        }
        for name, happened in events.items():
            seen[name] += bool(happened)

    def tell(self) -> None:
        """Write the progress down for the runner."""
        if self._total:
            Path(PROGRESS_FILE).write_text(f"{self.steps} {self._total}\n", encoding="utf-8")


def _in_simulator(function: Any) -> Any:
    """Make a coroutine function callable from the job's thread."""
    return resume(function)
