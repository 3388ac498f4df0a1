"""From a long failing run of a core to the simplest state from which a step or two still fail."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import DraiError
from drai_hw.model.machine import Passes, Settings
from drai_hw.sim.comparison import DisagreementError
from drai_hw.sim.core_failure.step import Step

if TYPE_CHECKING:
    from drai_hw.sim.mirror import MirroredMachine

MAX_PLAYS = 120
LIMIT_S = 60.0
"""Longest time that is spent on it: loading a large core takes a minute."""

_FEW = 6


@dataclass(frozen=True)
class Attempt:
    """What a core is loaded with after a reset, and the run that follows.

    Parameters
    ----------
    settings : Settings
        Registers.
    steps : int
        Steps of the run.
    passes : Passes
        Their passes.
    theta, omega, psi, strength : arrays of int64, shape (N,)
        Phases, tuning words, input phases and strengths.
    clamp, active : arrays of bool, shape (N,)
        Flags.
    links, weights : arrays, shape (N, N)
        Links and weights.
    """

    settings: Settings
    steps: int
    passes: Passes
    theta: NDArray[np.int64]
    omega: NDArray[np.int64]
    psi: NDArray[np.int64]
    strength: NDArray[np.int64]
    clamp: NDArray[np.bool_]
    active: NDArray[np.bool_]
    links: NDArray[np.bool_]
    weights: NDArray[np.int64]

    @classmethod
    def of(cls, step: Step, count: int, n: int) -> Attempt:
        """Return the state before a step, and ``count`` steps like it."""
        b = step.before
        vectors = ("theta", "omega", "psi", "strength", "clamp", "active")
        return cls(
            settings=b["settings"], steps=count, passes=step.passes,
            **{name: b[name][:n].copy() for name in vectors},
            links=b["links"][:n, :n].copy(), weights=b["weights"][:n, :n].copy(),
        )  # fmt: skip

    def load(self, machine: MirroredMachine) -> None:
        """Reset a machine and load it."""
        machine.restart()
        machine.configure(self.settings)
        machine.load_omega(self.omega)
        machine.load_inputs(self.psi, self.strength, self.clamp, self.active)
        machine.load_phases(self.theta)
        if machine.formats.mask:
            machine.load_links(self.links)
        machine.load_weights(self.weights)
        machine.board.adopt()

    def play(self, machine: Any) -> None:
        """Reset a machine, load it, and do the run."""
        self.load(machine)
        machine.run(self.steps, **asdict(self.passes))

    @classmethod
    def of_record(cls, given: Mapping[str, Any], n: int) -> Attempt:
        """Return the attempt that `record` told of."""

        def vector(name: str) -> NDArray[np.int64]:
            out = np.zeros(n, dtype=np.int64)
            for k, value in given[name].items():
                out[int(k)] = value
            return out

        flags = {name: np.zeros(n, dtype=bool) for name in ("active", "clamped")}
        for name, values in flags.items():
            values[given[name]] = True
        links, weights = ~np.eye(n, dtype=bool), np.zeros((n, n), dtype=np.int64)
        for i, j in given["unlinked"]:
            links[i, j] = links[j, i] = False
        for i, j, w in given["weights"]:
            weights[i, j] = weights[j, i] = w
        settings = {"gates": 0} | given["settings"]
        return cls(
            settings=Settings(**settings), steps=given["steps"],
            passes=Passes(**({"couple": False} | dict.fromkeys(given["passes"], True))),
            theta=vector("phases"), omega=vector("tuning_words"), psi=vector("input_phases"),
            strength=vector("input_strengths"), clamp=flags["clamped"], active=flags["active"],
            links=links, weights=weights,
        )  # fmt: skip

    def record(self) -> dict[str, Any]:
        """Return what is not 0 as plain data, oscillators and pairs by their numbers."""
        some = np.flatnonzero(self.active)

        def by_number(values: NDArray[Any]) -> dict[str, int]:
            return {str(k): int(values[k]) for k in some if values[k]}

        pairs = np.argwhere(np.triu(self.weights, 1))
        passes = asdict(self.passes)
        return {
            "steps": self.steps,
            "passes": [name for name, there in passes.items() if there],
            "settings": {name: x for name, x in asdict(self.settings).items() if x},
            "active": [int(k) for k in some],
            "phases": by_number(self.theta),
            "tuning_words": by_number(self.omega),
            "input_phases": by_number(np.where(self.strength > 0, self.psi, 0)),
            "input_strengths": by_number(self.strength),
            "clamped": [int(k) for k in some if self.clamp[k]],
            "unlinked": [
                [int(i), int(j)] for i in some for j in some if i < j and not self.links[i, j]
            ],
            "weights": [[int(i), int(j), int(self.weights[i, j])] for i, j in pairs],
        }


Change = Callable[[Attempt], Attempt | None]
"""Makes an attempt simpler; None where it is as simple already."""


class CoreShrinker:
    """Tries shorter and simpler runs on the core itself.

    Parameters
    ----------
    machine : MirroredMachine
        The core, whose ``history`` is kept; what it counts goes on.
    limit_s : float
        Longest time, seconds.
    """

    def __init__(self, machine: MirroredMachine, limit_s: float = LIMIT_S) -> None:
        self._machine = machine
        self._until = time.monotonic() + limit_s
        self._plays = 0

    def shortest(self, steps: Sequence[Step], named: Sequence[int]) -> Attempt | None:
        """Return the simplest attempt that was found to fail; None where the failure stays away.

        Afterwards the machine has carried that attempt out.

        Parameters
        ----------
        steps : sequence of Step
            Those of the run up to the failing one.
        named : sequence of int
            Oscillators that the first difference is about.
        """
        found = None
        count = 1
        while found is None:
            attempt = Attempt.of(steps[-count], count, self._machine.formats.n)
            if self._fails(attempt):
                found = attempt
            elif count == len(steps):
                return None
            count = min(2 * count, len(steps))
        found = self._simpler(found, _changes(named))
        found = self._fewer_active(found)
        found = self._simpler(found, _last_changes(found))
        return found if self._fails(found, last=True) else None

    def _fails(self, attempt: Attempt, *, last: bool = False) -> bool:
        """Return whether the core differs from the twin in an attempt."""
        if not last and (self._plays >= MAX_PLAYS or time.monotonic() > self._until):
            return False
        self._plays += 1
        self._machine.board.forget()
        try:
            attempt.play(self._machine)
        except DisagreementError:
            return True
        except DraiError:  # it does not even answer: another failure than the one that is looked at
            return False
        return False

    def _simpler(self, attempt: Attempt, changes: Iterable[Change]) -> Attempt:
        for change in changes:
            candidate = change(attempt)
            if candidate is not None and self._fails(candidate):
                attempt = candidate
        return attempt

    def _fewer_active(self, attempt: Attempt) -> Attempt:
        """Switch oscillators off, large groups first."""
        some = [int(k) for k in np.flatnonzero(attempt.active)]
        size = max(1, len(some) // 2)
        while len(some) > 1:
            place = 0
            while place < len(some):
                left = some[:place] + some[place + size :]
                candidate = _only(attempt, left)
                if left and self._fails(candidate):
                    attempt, some = candidate, left
                else:
                    place += size
            if size == 1:
                break
            size //= 2
        return attempt


def _only(attempt: Attempt, some: Sequence[int]) -> Attempt:
    """Return an attempt in which only some oscillators take part; the others are all 0."""
    there = np.zeros_like(attempt.active)
    there[[k for k in some if k < len(there)]] = True  # not a padding oscillator
    there &= attempt.active
    cleared: dict[str, Any] = {
        name: np.where(there, getattr(attempt, name), 0)
        for name in ("theta", "omega", "psi", "strength")
    }
    cleared["weights"] = np.where(there[:, None] & there[None, :], attempt.weights, 0)
    return replace(attempt, active=there, clamp=attempt.clamp & there, **cleared)


def _without_pass(attempt: Attempt, name: str) -> Attempt | None:
    if not getattr(attempt.passes, name):
        return None
    return replace(attempt, passes=replace(attempt.passes, **{name: False}))


def _without_setting(attempt: Attempt, name: str) -> Attempt | None:
    if not getattr(attempt.settings, name):
        return None
    return replace(attempt, settings=replace(attempt.settings, **{name: 0}))


def _zeroed(attempt: Attempt, name: str, where: Any = slice(None)) -> Attempt | None:
    values = getattr(attempt, name).copy()
    if not values[where].any():
        return None
    values[where] = 0
    return replace(attempt, **{name: values})


def _changes(named: Sequence[int]) -> Iterator[Change]:
    """Yield what makes an attempt simpler: each is kept where it still fails."""
    yield partial(_only, some=named)
    for name in ("field", "census", "learn", "couple"):
        yield partial(_without_pass, name=name)
    for entry in fields(Settings):
        yield partial(_without_setting, name=entry.name)
    for name in ("strength", "omega", "clamp"):
        yield partial(_zeroed, name=name)


def _last_changes(attempt: Attempt) -> Iterator[Change]:
    """Yield changes of single weights, phases and tuning words, where few are left."""
    yield partial(_zeroed, name="weights")
    i, j = np.nonzero(np.triu(attempt.weights, 1))
    if len(i) <= 2 * _FEW:
        for a, b in zip(i, j, strict=True):
            yield partial(_zeroed, name="weights", where=([a, b], [b, a]))
    for name in ("theta", "omega", "strength"):
        where = np.flatnonzero(getattr(attempt, name))
        if len(where) <= _FEW:
            for k in where:
                yield partial(_zeroed, name=name, where=k)
