"""A simulated design as a machine: the host's side of it, with a twin that does the same."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping
from dataclasses import asdict

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.machine import Counters, Passes, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.rtl.registers import Cfg, Command, State, command_of, setting_registers
from drai_hw.rtl.stores import Plan, run_bounds
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.sim.comparison import Comparison
from drai_hw.sim.core_failure.step import Step

_PASSES = Command.FIELD | Command.COUPLE | Command.LEARN | Command.EDGE | Command.CENSUS
_BUSY, _ERROR = 1, 2  # bits of STATUS
_REFUSED_CLOCKS = 16
"""More than the bus needs for an access that is refused."""

_COUNTERS = ("visited", "gated_on", "written", "changed")


class MirroredMachine:
    """A design behind the register bus, followed by a twin and compared with it.

    A simulator adds `run` and the bus accesses `_write`, `_read` and `_register`.

    Parameters
    ----------
    board : Comparison
        Its twin follows every call.
    check_clocks : bool
        Whether the clocks of a run must lie within those of `run_bounds`.

    Attributes
    ----------
    store : StorePlan, SpramPlan or SdramPlan, optional
        The weight store, whose clocks are expected; none at first.
    history : deque of Step or None
        Steps of the present run, the last ones; None (the first value): they are not kept.
    """

    def __init__(self, board: Comparison, check_clocks: bool = True) -> None:
        self.formats: Formats = board.twin.formats
        self.board = board
        self.replica = 0
        self._check_clocks = check_clocks
        self.store: Plan | None = None
        self.history: deque[Step] | None = None
        self.steps = 0
        self.run_clocks = 0
        self.pair_evaluations = 0
        self.begun = time.monotonic()
        self._sampled: set[bool] = set()

    @property
    def _twin(self) -> Twin:
        """The twin of the replica that is selected."""
        return self.board.twins[self.replica]

    # -- what a simulator adds ---------------------------------------------------------------

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do ``steps`` steps of some `Passes` and compare the state after each."""
        raise NotImplementedError

    def _write(self, writes: list[tuple[str, int]]) -> None:
        """Write registers one after the other."""
        raise NotImplementedError

    def _burst(self, pointer: str, name: str, values: NDArray[np.int64]) -> None:
        """Set a pointer register to 0 and write a register once for every value."""
        self._write([(pointer, 0), *((name, int(value)) for value in values)])

    def _read(self, pointer: str, name: str, count: int) -> NDArray[np.int64]:
        """Set a pointer register to 0 and read a register ``count`` times."""
        raise NotImplementedError

    def _register(self, name: str) -> int:
        """Read one register."""
        raise NotImplementedError

    def _reset(self, clocks: int) -> None:
        """Let clocks pass and reset the design."""
        raise NotImplementedError

    # -- the machine protocol --------------------------------------------------------------

    def select(self, replica: int) -> None:
        """Choose the replica whose phases, tuning words and inputs are loaded and read."""
        self.replica = replica
        if self.formats.replicas > 1:
            self._write([("REPLICA", replica)])

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers."""
        for twin in self.board.twins:
            twin.configure(settings)
        names = setting_registers(self.formats)
        self._write([(name, getattr(settings, field)) for name, field in names.items()])

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
        for twin in self.board.twins:
            twin.load_weights(weights)
        self._burst("WEIGHT_ADDRESS", "WEIGHT", self._twin.weight_words().ravel())

    def load_links(self, links: ArrayLike) -> None:
        """Set which pairs are linked, and all weights to 0."""
        for twin in self.board.twins:
            twin.load_links(links)
        self._burst("WEIGHT_ADDRESS", "WEIGHT", self._twin.weight_words().ravel())

    def reseed(self) -> None:
        """Restart random streams, threshold sweep and counters."""
        for twin in self.board.twins:
            twin.reseed()
        self._write([("CONTROL", Command.RESEED)])

    def read_phases(self) -> NDArray[np.int64]:
        """Read the phase accumulators over the bus."""
        mask = (1 << self.formats.accumulator_bits) - 1
        got = self._read("INDEX", "STATE", self.formats.n) & mask
        return self._checked("read theta", got, self._twin.read_phases())

    def read_margins(self) -> NDArray[np.bool_]:
        """Read the margin bits over the bus."""
        got = self._read("INDEX", "STATE", self.formats.n) >> State.MARGIN & 1
        want = self._twin.read_margins().astype(np.int64)
        return self._checked("read margin", got, want).astype(bool)

    def read_weights(self) -> NDArray[np.int64]:
        """Read the weights over the bus."""
        f = self.formats
        got = self._read("WEIGHT_ADDRESS", "WEIGHT", f.pair_slots * f.lanes)
        words = got.reshape(f.pair_slots, f.lanes)
        if f.mask:  # which links are missing is compared after every step
            words = np.where(words == f.no_link, 0, words)
        s = schedule(f.lanes, f.pages)
        matrix = np.zeros((f.slots, f.slots), dtype=np.int64)
        matrix[s.i[s.used], s.j[s.used]] = words[s.used]
        matrix[s.j[s.used], s.i[s.used]] = words[s.used]
        return self._checked("read weight", matrix[: f.n, : f.n], self._twin.read_weights())

    def counters(self) -> Counters:
        """Read the event counters over the bus."""
        got = [self._register(name.upper()) for name in _COUNTERS]
        want = self._twin.counters()
        for name, value in zip(_COUNTERS, got, strict=True):
            if value != getattr(want, name):
                self.board.note(self.steps, name, 0, getattr(want, name), value)
        self.board.settle()
        return Counters(*got)

    # -- helpers of a run ------------------------------------------------------------------

    def _passes(self, passes: Mapping[str, bool]) -> Passes:
        """Return the passes of a step; refuse those that are not compiled in."""
        found = Passes(**passes)
        found.check(self.formats)
        return found

    @staticmethod
    def _command(passes: Passes, resume: bool) -> Command:
        return Command.RUN | Command.RESUME * resume | command_of(passes)

    @property
    def _limit_clocks(self) -> int:
        """Clocks after which a step that has not ended never will."""
        f = self.formats
        _, slowest = run_bounds(f, self.store, 1, field=True, learn=True)
        return 16 * clocks_per_step(f) + 4 * slowest

    def _first_of_its_kind(self, passes: Passes) -> bool:
        """Say whether this is the first step with coupling that learns, or that does not."""
        if not passes.coupled or passes.learn in self._sampled:
            return False
        self._sampled.add(passes.learn)
        return True

    def _stepped(self, step: int, passes: Passes, resume: bool) -> None:
        """Let the twin do the step that the design has done (0 is a run's first), and compare."""
        self.steps += 1
        if self.history is not None:
            if step == 0:
                self.history.clear()
            before = self.board.twin.snapshot()
            self.history.append(Step(before, passes, resume or step > 0))
        for twin in self.board.twins:
            twin.run(1, resume=resume or step > 0, **asdict(passes))
            active = int(twin.active.sum())
            self.pair_evaluations += active * (active - 1) // 2 * passes.count(self.formats)
        self.board.expect()
        self._cover(passes, resume)
        self.board.compare(self.steps)

    def _still(self, steps: int, passes: Passes, resume: bool, done: int) -> None:
        """Compare after a run that changed nothing: without a step, or of steps without a pass.

        ``done`` is what STEPS_DONE was before it.
        """
        for twin in self.board.twins:
            twin.run(0, resume=resume, **asdict(passes))
        got, want = self._register("STEPS_DONE"), (done + steps) % (1 << 32)
        if got != want:
            self.board.note(self.steps, "steps done", steps, want, got)
        self.board.expect()
        self.board.compare(self.steps)

    def restart(self) -> None:
        """Reset the design: streams, sweep and counters begin anew, the rest of the state stays."""
        self._reset(1)
        for twin in self.board.twins:
            twin.reseed()

    def interrupt(self, clocks: int, **passes: bool) -> None:
        """Reset the design in a run, so early that no pass but the refresh has changed anything.

        Streams, sweep and counters begin anew, settings are cleared, the rest of the state stays.

        Parameters
        ----------
        clocks : int
            Clocks from the run's beginning.
        passes : bool
            Those of `Passes`; without learning.
        """
        command = self._command(self._passes(passes), True)
        self._write([("STEPS", 1), ("CONTROL", command)])
        self._reset(clocks)
        for twin in self.board.twins:
            twin.reseed()
        status = self._register("STATUS")
        if status:
            self.board.note(self.steps, "status after a reset", clocks, 0, status)
        self.board.expect()
        self.board.compare(self.steps)

    def interfere(self, **passes: bool) -> None:
        """Do a step while the host asks for all that it was not asked for, which is refused.

        Parameters
        ----------
        passes : bool
            Those of `Passes`.
        """
        wanted = self._passes(passes)
        command = self._command(wanted, False)
        self._write([("STEPS", 1), ("CONTROL", command)])
        shortest, _ = run_bounds(self.formats, self.store, 1, **asdict(wanted))
        other = [("STEPS", 1 << 16), ("CONTROL", _PASSES & ~command | Command.RUN)]
        self._write(other * (shortest // (2 * _REFUSED_CLOCKS)))
        for _ in range(self._limit_clocks):
            status = self._register("STATUS")
            if not status & _BUSY:
                break
        self._stepped(0, wanted, False)
        if status != _ERROR:
            self.board.note(self.steps, "status after refused accesses", 0, _ERROR, status)
        self._write([("CONTROL", Command.CLEAR_ERROR)])
        self.board.settle()

    def _ended(self, steps: int, clocks: int, passes: Passes) -> None:
        """Count the clocks of a run, and check them."""
        self.run_clocks += clocks
        least, most = run_bounds(self.formats, self.store, steps, **asdict(passes))
        if self._check_clocks and not least <= clocks <= most:
            want = least if clocks < least else most
            self.board.note(self.steps, "clocks", steps, want, clocks)
        self.board.settle()

    def _checked(
        self, what: str, got: NDArray[np.int64], want: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        for place in np.argwhere(got != want):
            where = tuple(int(k) for k in place)
            index = where[0] if len(where) == 1 else list(where)
            self.board.note(self.steps, what, index, want[where], got[where])
        self.board.settle()
        return got

    def _stream(self, name: str, values: NDArray[np.int64]) -> None:
        self._burst("INDEX", name, values)

    def _cover(self, passes: Passes, resume: bool) -> None:
        twin, seen, words = self._twin, self.board.coverage, self.board.weights
        s, f = twin.settings, self.formats
        couple, learn = passes.coupled, passes.learn
        events = {
            "field pass": passes.field,
            "couple pass": couple,
            "learning": couple and learn,
            "resumed ramp": resume,
            "SHIL": couple and twin.shil > 0,
            "dither": couple and s.dither > 0,
            "inputs": couple and bool(twin.strength.any()),
            "clamped": bool(twin.clamp.any()),
            "inactive": not twin.active[: self.formats.n].all(),
            "largest weight": bool((words == f.w_max).any()),
            "smallest weight": bool((words == -f.w_max).any()),
            "held": bool(twin.margin[: f.n].any()),
            "margin gate": couple and learn and bool(s.gates & 1),
            "resonance gate": couple and learn and bool(s.gates & 2),
            "decay": couple and learn and s.decay > 0,
        }
        if f.edge:
            events["edge pass"] = passes.edge
        if f.census_passes:
            events["census"] = passes.census
        if f.budget:
            events["over budget"] = couple and learn and s.shrink > 0 and bool(twin.over.any())
        if f.centring:
            events["centring"] = couple and learn and s.centre > 0 and bool(twin.lean.any())
        if f.mask:
            events["missing link"] = not twin.links.all()
        for name, happened in events.items():
            seen[name] += bool(happened)
