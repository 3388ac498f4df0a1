"""Phases of several starts on their way: in pieces, between which a run can be saved."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import plan
from drai_hw.model.checkpoint import Rounds
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin
from drai_hw.spec import Spec
from drai_hw.units import lsb_to_rad, rad_to_lsb

Floats = NDArray[np.float64]

PIECE = 32
"""Steps between two looks at progress and checkpoint."""


class Walk(Protocol):
    """A run in pieces."""

    spec: tuple[Any, ...]
    """What a checkpoint must be of."""

    pieces: int
    steps: int

    def advance(self, number: int) -> None:
        """Do a piece."""

    def done(self, pieces: int) -> int:
        """Return the steps that so many pieces are."""

    def result(self) -> tuple[Floats, Floats]:
        """Return the last phases (K, N), and the phases against time of the starts looked at."""


def finish(walk: Walk, path: Path | None, tell: Callable[[int, int], None] | None) -> None:
    """Do all pieces that a checkpoint has not done yet."""

    def told(done: int, of: int) -> None:
        if tell:
            tell(walk.done(done), walk.steps)

    with Rounds(walk, path, walk.pieces, told) as rounds:
        for number in rounds:
            walk.advance(number)


def _mark(spec: Spec, begin: Floats, weights: NDArray[Any], *rest: object) -> tuple[Any, ...]:
    digest = hashlib.sha256(begin.tobytes() + np.ascontiguousarray(weights).tobytes())
    return (spec, digest.hexdigest(), *rest)


class _Kept(list[Floats]):
    """A trace that keeps every so many of the phases it is given, of the first starts."""

    def __init__(self, kept: list[Floats], looked_at: int, every: int, before: int) -> None:
        self._kept, self._looked_at, self._every, self._count = kept, looked_at, every, before

    def append(self, phases: Floats) -> None:
        self._count += 1
        if self._count % self._every == 0:
            self._kept.append(phases[: self._looked_at].copy())


class FloatWalk:
    """All starts side by side on the float model.

    Parameters
    ----------
    model : Reference
        The model.
    begin : array, shape (K, N)
        Start phases, rad.
    steps : int
        Steps of each.
    shil : bool
        Apply the ramped second harmonic.
    looked_at : int
        Starts of which the phases against time are kept: the first ones.
    every : int
        Steps from one that is kept to the next.
    """

    def __init__(
        self, model: Reference, begin: Floats, steps: int, *, shil: bool, looked_at: int, every: int
    ) -> None:
        self.spec = _mark(model.spec, begin, model.weights, steps, shil, looked_at, every)
        self.steps, self.pieces = steps, max(1, -(-steps // PIECE))
        self._model, self._shil, self._looked_at, self._every = model, shil, looked_at, every
        self._trace = [begin[:looked_at].copy()]
        model.phases_rad = begin.copy()

    def advance(self, number: int) -> None:
        """Do a piece."""
        before = self.done(number)
        kept = _Kept(self._trace, self._looked_at, self._every, before)
        steps = self.done(number + 1) - before
        self._model.run(steps, shil=self._shil, trace=kept, resume=number > 0)

    def done(self, pieces: int) -> int:
        """Return the steps that so many pieces are."""
        return min(pieces * PIECE, self.steps)

    def snapshot(self) -> dict[str, Any]:
        """Return the state between two pieces."""
        return self._model.snapshot() | {"trace": np.array(self._trace)}

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a state taken by `snapshot`."""
        self._trace = list(state.pop("trace"))
        self._model.restore(state)

    def result(self) -> tuple[Floats, Floats]:
        """Return the last phases and those against time."""
        return self._model.phases_rad.copy(), np.array(self._trace)


class TwinWalk:
    """One start after the other on the twin, whose draws go on from each to the next.

    Parameters
    ----------
    twin : Twin
        The twin.
    spec : Spec
        Its network.
    begin, steps, shil, looked_at, every
        As of `FloatWalk`.
    """

    def __init__(
        self, twin: Twin, spec: Spec, begin: Floats, steps: int, *, shil: bool, looked_at: int,
        every: int,
    ) -> None:  # fmt: skip
        weights = twin.read_weights()
        self.spec = _mark(spec, begin, weights, steps, shil, looked_at, every)
        self._per_start = max(1, -(-steps // PIECE))
        self.steps, self.pieces = steps * len(begin), self._per_start * len(begin)
        self._twin, self._begin, self._looked_at = twin, begin, looked_at
        self._each, self._every = steps, every
        self._bits = spec.formats.accumulator_bits
        self._edge = spec.network.mode == "edge-align"
        self._trace: list[NDArray[np.int64]] = []
        self._ends: list[NDArray[np.int64]] = []
        settings = plan.run_settings(spec, twin.formats, weights)
        twin.configure(settings if shil else replace(settings, shil_max=0, shil_step=0))

    def advance(self, number: int) -> None:
        """Do a piece."""
        start, piece = divmod(number, self._per_start)
        looked_at = start < self._looked_at
        if piece == 0:
            self._twin.load_phases(rad_to_lsb(self._begin[start], self._bits))
            if looked_at:
                self._trace.append(self._twin.read_phases())
        first, last = piece * PIECE, min((piece + 1) * PIECE, self._each)
        at_once = 1 if looked_at else last - first
        for step in range(first, last, max(1, at_once)):
            self._twin.run(at_once, resume=step > 0, edge=self._edge)
            if looked_at and (step + 1) % self._every == 0:
                self._trace.append(self._twin.read_phases())
        if last == self._each:
            self._ends.append(self._twin.read_phases())

    def done(self, pieces: int) -> int:
        """Return the steps that so many pieces are."""
        starts, rest = divmod(pieces, self._per_start)
        return starts * self._each + rest * PIECE

    def snapshot(self) -> dict[str, Any]:
        """Return the state between two pieces."""
        lists = {"trace": np.array(self._trace), "ends": np.array(self._ends)}
        return self._twin.snapshot() | lists

    def restore(self, state: dict[str, Any]) -> None:
        """Return to a state taken by `snapshot`."""
        self._trace, self._ends = list(state.pop("trace")), list(state.pop("ends"))
        self._twin.restore(state)

    def result(self) -> tuple[Floats, Floats]:
        """Return the last phases and those against time."""
        n = self._twin.formats.n
        by_start = np.array(self._trace).reshape(self._looked_at, -1, n)
        return (
            lsb_to_rad(np.array(self._ends), self._bits),
            lsb_to_rad(np.swapaxes(by_start, 0, 1), self._bits),
        )
