"""A step after which a core and the twin differ, and what the units of the core had to do in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.edge import EdgeState
from drai_hw.model.machine import GATE_MARGIN, GATE_RESONANCE, Passes, Settings
from drai_hw.model.numbers import EMA_FRACTION_BITS, PROBABILITY_ONE, Formats
from drai_hw.model.schedule import schedule
from drai_hw.model.twin import Twin
from drai_hw.sim.comparison import state_of

Arrays = Mapping[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Step:
    """What a step began with, and what it was to do.

    Parameters
    ----------
    before : dict
        Snapshot of the twin before the step (`Twin.snapshot`).
    passes : Passes
        Its passes.
    resume : bool
        False for the first step of a run that does not resume another.
    """

    before: dict[str, Any]
    passes: Passes
    resume: bool


@dataclass(frozen=True)
class Failing:
    """The step that ended with a difference, and those of the same run before it.

    Parameters
    ----------
    formats : Formats
        Formats of the network.
    steps : sequence of Step
        Steps of the run up to the failing one, the failing one last; none of them was disturbed by
        the host.
    got : mapping
        What was seen after the last step, by the names of `state_of`.
    """

    formats: Formats
    steps: Sequence[Step]
    got: Arrays

    @cached_property
    def before(self) -> list[dict[str, NDArray[np.int64]]]:
        """What was to be seen before each step: the same for all mistakes that are tried."""
        found = []
        for step in self.steps:
            right = Twin(self.formats)
            right.restore(step.before)
            found.append(seen(right))
        return found

    @property
    def last(self) -> Step:
        """The failing step."""
        return self.steps[-1]


class OpenTwin(Twin):
    """A twin that stops before the couple pass, where the inputs of its units can be looked at."""

    @classmethod
    def at_couple(cls, formats: Formats, step: Step) -> OpenTwin:
        """Return a twin that has done the field pass and the censuses of a step."""
        twin = cls(formats)
        twin.restore(step.before)
        if not step.resume:
            twin.shil = 0
            twin._slot = EdgeState(0, np.zeros(formats.slots, dtype=np.int64))
        if step.passes.field:
            twin._field_pass()
        if step.passes.census:
            twin._census_passes()
        return twin

    def pair_inputs(self) -> dict[str, NDArray[np.int64]]:
        """Return the inputs of the synapse unit for every pair, shape (pair_slots, lanes)."""
        f, s = self.formats, self.settings
        sched = schedule(f.lanes, f.pages)
        i, j = sched.i, sched.j
        this = f.learning_pass(self.learn_steps)
        happens, states = self._events_of(self._eta.copy(), s.eta)
        out: dict[str, NDArray[Any]] = {
            "en": sched.used,
            "phi_i": self.top[i], "phi_j": self.top[j],
            "act_i": self.active[i], "act_j": self.active[j],
            "u_g": np.full(i.shape, this.threshold),
            "r_eta": happens,
            "w_in": self.weight_words(),
        }  # fmt: skip
        for name, k in (("i", i), ("j", j)):
            gated = bool(s.gates & GATE_MARGIN)
            out[f"gate_{name}"] = self.margin[k] & gated
            om = self.ema[k] >> EMA_FRACTION_BITS
            out[f"om_{name}"] = om if s.gates & GATE_RESONANCE else np.zeros_like(om)
        if f.one_sided:
            out["g_plus"] = np.full(i.shape, int(this.plus))
            out["g_minus"] = np.full(i.shape, int(this.minus))
        decays, draw = self._events_of(self._decay.copy(), s.decay)
        out["r_decay"] = decays
        out["u_decay"] = (draw >> 16) & f.w_max
        if f.budget:
            out["over_i"], out["over_j"] = self.over[i], self.over[j]
            out["r_shrink"] = (draw & (PROBABILITY_ONE - 1)) < s.shrink
        if f.centring:
            lean = self.lean if s.centre else np.zeros_like(self.lean)
            out["lean_i"], out["lean_j"] = lean[i], lean[j]
            out["r_push"] = (states >> 16) & 3
        return {name: values.astype(np.int64) for name, values in out.items()}

    def oscillator_inputs(self) -> dict[str, NDArray[np.int64]]:
        """Return the inputs of the update unit for every oscillator, shape (slots,)."""
        from drai_hw.model import prng

        slots, s = self.formats.slots, self.settings
        draw = prng.draws(self._dither.copy(), slots, prng.LEAP)[:, 0] & 3
        out: dict[str, NDArray[Any]] = {
            "en": np.ones(slots), "acc": self._sums(self._differences(), 0), "phi_top": self.top,
            "omega": self.omega, "psi": self.psi, "strength": self.strength, "clamp": self.clamp,
            "u_dither": draw, "gain": np.full(slots, s.gain), "shil": np.full(slots, self.shil),
            "dither": np.full(slots, s.dither),
        }  # fmt: skip
        return {name: values.astype(np.int64) for name, values in out.items()}

    def moved_by(self, increment: NDArray[np.int64]) -> None:
        """Advance all phases, and the smoothed frequencies, by increments from elsewhere."""
        self.settings = Settings()
        self.strength = np.zeros_like(self.strength)
        self.shil = 0
        self.clamp = np.zeros_like(self.clamp)
        self.omega = increment
        self._update(np.zeros(self.formats.slots, dtype=np.int64))


def replayed(failing: Failing, twin: Twin, count: int) -> dict[str, NDArray[np.int64]] | None:
    """Let a twin do the last steps of a run and return what can be seen of it.

    None where it is seen to differ before the last step, which the core did not.

    Parameters
    ----------
    failing : Failing
        The run.
    twin : Twin
        Right or mistaken.
    count : int
        Steps, at least 1.
    """
    steps = failing.steps[-count:]
    twin.restore(steps[0].before)
    for number, (step, before) in enumerate(zip(steps, failing.before[-count:], strict=True)):
        if number:
            here = seen(twin)
            if any(not np.array_equal(here[name], values) for name, values in before.items()):
                return None
        twin.run(1, resume=step.resume, **asdict(step.passes))
    return seen(twin)


def seen(twin: Twin) -> dict[str, NDArray[np.int64]]:
    """Return what a bench sees of a twin."""
    return state_of(twin, twin.weight_words())
