"""What a simulated machine is made to do: the network's own task, or random stimulus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model import tasks
from drai_hw.model.machine import Machine, Settings, each_replica
from drai_hw.model.numbers import GAIN_BITS, PROBABILITY_ONE, STRENGTH_BITS, Formats
from drai_hw.model.twin import Twin
from drai_hw.sim.directed import Interruptible, directed_runs
from drai_hw.spec import Spec

if TYPE_CHECKING:
    from drai_hw.sim.core_failure.shrink import Attempt

SCRIPTS = ("task", "random", "learn", "runs")
GLANCE_STEPS = 8
EPISODE_STEPS = 64


@dataclass(frozen=True)
class Job:
    """A script and its data, the same for every machine.

    Parameters
    ----------
    spec : Spec
        The network.
    script : {"task", "random", "learn", "runs"}
        Learning and recall (or locking) as the network file asks; or random settings, weights,
        phases and inputs, changed every few steps, with every compiled-in feature used; or
        learning in every step from weights loaded once, for large cores; or the runs that
        `drai_hw.sim.directed` directs, on a random state.
    patterns : array of int64, shape (K, N), optional
        Patterns of a recall task.
    trials : Trials, optional
        Corrupted starts of a recall task.
    steps : int
        Steps of "random" and "learn"; of "runs", those of its longest run, without a pass.
    seed : int
        Their seed.
    attempt : Attempt, optional
        What is loaded after a reset, and the run that follows, instead of a script.
    """

    spec: Spec
    script: str
    patterns: NDArray[np.int64] | None = None
    trials: tasks.Trials | None = None
    steps: int = 0
    seed: int = 1
    attempt: Attempt | None = None

    def run(self, machine: Machine) -> dict[str, Any]:
        """Carry the job out; return ``learned`` and ``recalled``, or ``locked``."""
        if self.attempt is not None:
            self.attempt.play(machine)
            return {}
        if self.script == "random":
            random_stimulus(machine, self.steps, self.seed)
            return {}
        if self.script == "runs":
            if not isinstance(machine, Interruptible):
                raise SpecError(
                    f"script 'runs' on a {type(machine).__name__}: needs a machine that can be "
                    "reset in mid-run, a simulated one"
                )
            settings = random_state(machine, np.random.default_rng(self.seed))
            directed_runs(machine, settings, self.steps)
            return {}
        if self.script == "learn":
            learning_stimulus(machine, self.steps, self.seed)
            return {}
        tasks.prepare(machine, self.spec)
        if self.patterns is None or self.trials is None:
            return {"locked": tasks.lock(machine, self.spec)}
        learned = tasks.learn(machine, self.spec, self.patterns)
        recalled = tasks.recall(machine, self.spec, self.trials, self.patterns)
        return {"learned": learned, "recalled": recalled}


def beginning(spec: Spec, *, steps: int = GLANCE_STEPS) -> Spec:
    """Return the network with a task cut short for a look at its signals.

    Parameters
    ----------
    spec : Spec
        The network.
    steps : int
        Steps of the one recall, or of locking; learning is one epoch.
    """
    learning = spec.learning.model_copy(update={"presentations": 1})
    task = spec.task.model_copy(update={"trials": 1, "steps": min(steps, spec.task.steps)})
    return spec.model_copy(update={"learning": learning, "task": task})


class CountingTwin(Twin):
    """A twin that counts its steps."""

    def __init__(self, formats: Formats) -> None:
        super().__init__(formats)
        self.steps = 0

    def run(self, steps: int, **passes: bool) -> None:
        """Count and run."""
        self.steps += steps
        super().run(steps, **passes)


def random_settings(formats: Formats, rng: np.random.Generator) -> Settings:
    """Draw register values; extremes come up far more often than in a uniform draw."""

    def draw(high: int, low: int = 0) -> int:
        kind = rng.random()
        if kind < 0.1:
            return low
        if kind < 0.2:
            return high
        if kind < 0.6 and low == 0:
            return int(2 ** rng.uniform(0, np.log2(high + 1))) if high else 0
        return int(rng.integers(low, high + 1))

    return Settings(
        gain=draw((1 << GAIN_BITS) - 1),
        shil_max=draw((1 << STRENGTH_BITS) - 1),
        shil_step=draw((1 << STRENGTH_BITS) - 1),
        eta=draw(PROBABILITY_ONE),
        decay=draw(PROBABILITY_ONE) if formats.decay else 0,
        dither=draw(formats.dither_shift_max + 1),
        margin=int(rng.normal(0, formats.sum_max / 8)) % formats.sum_max,
        gates=int(rng.integers(0, 4 if formats.resonance else 2)),
        budget=draw(formats.row_max) if formats.budget else 0,
        shrink=draw(PROBABILITY_ONE) if formats.budget else 0,
        centre=draw((1 << GAIN_BITS) - 1) if formats.centring else 0,
    )


def random_links(formats: Formats, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Draw which pairs are linked: all, half of them, or few."""
    links = np.triu(rng.random((formats.n, formats.n)) < rng.choice([1.0, 0.5, 0.1]), 1)
    return np.asarray(links | links.T)


def random_weights(machine: Machine, limit: int, rng: np.random.Generator) -> None:
    """Load random weights up to a limit, between random links where there is a mask."""
    n = machine.formats.n
    upper = np.triu(rng.integers(-limit, limit + 1, (n, n)), 1)
    weights = upper + upper.T
    if machine.formats.mask:
        links = random_links(machine.formats, rng)
        machine.load_links(links)
        weights *= links
    machine.load_weights(weights)


def young_passes(formats: Formats, rng: np.random.Generator) -> dict[str, bool]:
    """Draw edge passes and censuses where they are compiled in."""
    passes = {}
    if formats.edge:
        passes["edge"] = bool(rng.random() < 0.3)
    if formats.census_passes:
        passes["census"] = bool(rng.random() < 0.5)
    return passes


def random_state(machine: Machine, rng: np.random.Generator) -> Settings:
    """Give a machine random settings, state, inputs and weights; return the settings."""
    f = machine.formats
    n, half = f.n, 1 << (f.accumulator_bits - 1)
    settings = random_settings(f, rng)
    machine.configure(settings)
    for _ in each_replica(machine):
        machine.load_phases(rng.integers(0, 2 * half, n))
        spread = half if rng.random() < 0.3 else max(1, half >> 8)
        machine.load_omega(rng.integers(-spread, spread, n))
        machine.load_inputs(
            rng.integers(0, 1 << f.phase_bits, n),
            rng.integers(0, 1 << STRENGTH_BITS, n) * (rng.random(n) < 0.5),
            rng.random(n) < 0.15,
            rng.random(n) < 0.9,
        )
    random_weights(machine, f.w_max if rng.random() < 0.7 else 0, rng)
    return settings


def random_stimulus(machine: Machine, steps: int, seed: int) -> None:
    """Drive a machine with random settings and states for a number of steps.

    An episode changes everything; within it runs of random length and kind follow each other, so
    that learning meets states that coupling made.
    """
    rng = np.random.default_rng(seed)
    f = machine.formats
    left = steps
    machine.reseed()
    while left > 0:
        random_state(machine, rng)
        if rng.random() < 0.1:
            machine.reseed()
        for _ in range(int(rng.integers(1, 4))):
            length = min(left, int(rng.integers(1, 9)))
            if length <= 0:
                break
            kind = int(rng.integers(0, 5))  # couple alone, with learning, field, both, field alone
            machine.run(
                length,
                field=kind >= 2,
                couple=kind != 4,
                learn=kind in (1, 3) and f.learns,
                resume=bool(rng.random() < 0.3),
                **young_passes(f, rng),
            )
            left -= length
        if rng.random() < 0.2:
            for _ in each_replica(machine):
                machine.read_phases()
                machine.read_margins()
            machine.counters()
    machine.read_weights()
    for _ in each_replica(machine):
        machine.read_phases()
    machine.counters()


def learning_stimulus(machine: Machine, steps: int, seed: int) -> None:
    """Let a machine learn in every step for a number of steps.

    Weights are loaded once, random, and read once, at the end: over the bus of a large core either
    takes as long as a hundred steps. Every `EPISODE_STEPS` steps come new phases, inputs and
    settings, whose probabilities are such that weights go on changing; half of the runs have a
    field pass, so that the margin gate has something to hold.
    """
    rng = np.random.default_rng(seed)
    f = machine.formats
    n = f.n
    machine.reseed()
    random_weights(machine, f.w_max, rng)
    for begun in range(0, steps, EPISODE_STEPS):
        machine.configure(
            Settings(
                gain=int(rng.integers(0, 1 << GAIN_BITS)),
                shil_max=int(rng.integers(0, 1 << STRENGTH_BITS)),
                shil_step=int(rng.integers(0, 64)),
                eta=int(rng.integers(PROBABILITY_ONE // 16, PROBABILITY_ONE + 1)),
                decay=int(rng.integers(0, PROBABILITY_ONE // 4)) if f.decay else 0,
                dither=int(rng.integers(0, f.dither_shift_max + 2)),
                margin=int(rng.integers(0, max(1, f.sum_max // 32))),
                gates=int(rng.integers(0, 4 if f.resonance else 2)),
                budget=int(rng.integers(0, f.row_max)) if f.budget else 0,
                shrink=int(rng.integers(0, PROBABILITY_ONE // 4)) if f.budget else 0,
                centre=int(rng.integers(0, 1 << GAIN_BITS)) if f.centring else 0,
            )
        )
        machine.load_phases(rng.integers(0, 1 << f.accumulator_bits, n))
        machine.load_omega(rng.integers(-64, 65, n))
        machine.load_inputs(
            rng.integers(0, 1 << f.phase_bits, n),
            rng.integers(0, 1 << STRENGTH_BITS, n) * (rng.random(n) < 0.25),
            rng.random(n) < 0.05,
            rng.random(n) < 0.98,
        )
        length = min(EPISODE_STEPS, steps - begun)
        for part in (length // 2, length - length // 2):
            if part:
                field = bool(rng.integers(0, 2))
                machine.run(part, field=field, learn=True, census=f.census_passes > 0)
    machine.read_weights()
    machine.read_phases()
    machine.counters()
