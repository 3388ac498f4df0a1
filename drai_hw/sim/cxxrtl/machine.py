"""A compiled model as a machine, with its twin beside it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drai_hw.sim.comparison import Comparison
from drai_hw.sim.cxxrtl.model import Model
from drai_hw.sim.mirror import MirroredMachine


class CxxrtlMachine(MirroredMachine):
    """A compiled model as a machine, with a twin that does the same beside it.

    Parameters
    ----------
    model : Model
        The design.
    board : Comparison
        Its twin follows every call.
    check_clocks : bool
        Whether the clocks of a run must be those of `clocks_per_run`.
    told : callable, optional
        Called with the steps done, every 16 steps.
    """

    def __init__(
        self,
        model: Model,
        board: Comparison,
        check_clocks: bool = True,
        told: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(board, check_clocks)
        self._model = model
        self._told = told

    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        """Do ``steps`` steps of some `Passes` and compare the state after each."""
        step_passes = self._passes(passes)
        model, limit_clocks = self._model, self._limit_clocks
        command = self._command(step_passes, resume)
        if still := steps == 0 or step_passes.count(self.formats) == 0:
            done = self._register("STEPS_DONE")
        model.write(["STEPS", "CONTROL"], np.array([steps, int(command)]))
        begun = model.clocks - 1  # BUSY rose together with the acknowledge
        model.counting(not still and self._first_of_its_kind(step_passes))
        for step in range(0 if still else steps):
            model.until_step_done(limit_clocks)
            model.counting(False)
            self._stepped(step, step_passes, resume)
            if self._told and self.steps % 16 == 0:
                self._told(self.steps)
        model.until_rest(limit_clocks + steps)
        self._ended(steps, model.clocks - begun, step_passes)
        model.tick()
        if still:
            self._still(steps, step_passes, resume, done)

    def _reset(self, clocks: int) -> None:
        self._model.tick(clocks)
        self._model.reset()

    def _write(self, writes: list[tuple[str, int]]) -> None:
        self._model.write([name for name, _ in writes], np.array([value for _, value in writes]))

    def _burst(self, pointer: str, name: str, values: NDArray[np.int64]) -> None:
        self._model.write([pointer], np.zeros(1, dtype=np.int64))
        self._model.write_all(name, values)

    def _read(self, pointer: str, name: str, count: int) -> NDArray[np.int64]:
        self._model.write([pointer], np.zeros(1, dtype=np.int64))
        return self._model.read(name, count)

    def _register(self, name: str) -> int:
        return int(self._model.read(name)[0])
