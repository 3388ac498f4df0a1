"""The jobs a network file asks for, as scripts that any machine can carry out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import plan
from drai_hw.model.checkpoint import Rounds
from drai_hw.model.machine import Counters, Machine
from drai_hw.model.readout import is_exact, overlap, read_pattern, start_phases_rad, wilson_interval
from drai_hw.model.reference import Reference
from drai_hw.spec import Patterns, Spec, corrupt, load_patterns
from drai_hw.spec.mask import load_mask
from drai_hw.units import lsb_to_rad, rad_to_lsb, wrap_rad

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Trials:
    """Corrupted starts, the same for every machine.

    Attributes
    ----------
    target : array of int64, shape (trials,)
        Index of the pattern that each start came from.
    starts : array of int64, shape (trials, N)
        Corrupted patterns.
    phases_rad : array of float64, shape (trials, N)
        Start phases, jitter included.
    """

    target: NDArray[np.int64]
    starts: NDArray[np.int64]
    phases_rad: NDArray[np.float64]


@dataclass(frozen=True)
class Learned:
    """Outcome of storing patterns.

    Attributes
    ----------
    weights : array, shape (N, N)
        Weights in LSB.
    presentations : int
        Patterns shown in all.
    all_held : bool
        Every oscillator of every pattern reached the margin.
    counters : Counters
        Events of learning.
    """

    weights: NDArray
    presentations: int
    all_held: bool
    counters: Counters


@dataclass(frozen=True)
class Recalled:
    """Outcome of recalls.

    Attributes
    ----------
    patterns : array of int64, shape (trials, N)
        What was read at the end.
    phases_rad : array of float64, shape (trials, N)
        Final phases.
    exact : array of bool, shape (trials,)
        Equal to the stored pattern up to a global sign.
    overlap : float
        Mean |overlap| with the stored pattern.
    trace_rad : array, shape (steps + 1, N)
        Phases of the first trial against time.
    """

    patterns: NDArray[np.int64]
    phases_rad: NDArray[np.float64]
    exact: NDArray[np.bool_]
    overlap: float
    trace_rad: NDArray[np.float64] = field(repr=False)

    @property
    def exact_rate(self) -> float:
        """Share of exact recalls."""
        return float(self.exact.mean())

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's 95 % interval of the share."""
        return wilson_interval(int(self.exact.sum()), self.exact.size)


def patterns_of(spec: Spec, folder: Path | None = None) -> Patterns:
    """Return the patterns of a recall task."""
    return load_patterns(
        spec.task.patterns,
        spec.network.oscillators,
        width=spec.task.width,
        seed=spec.task.seed,
        folder=folder,
    )


def trials_of(spec: Spec, patterns: Patterns, count: int | None = None) -> Trials:
    """Return the corrupted starts: patterns in turn, flips and jitter from the task's seed."""
    rng = np.random.default_rng([spec.task.seed, 1])
    count = count or spec.task.trials
    target = np.arange(count) % len(patterns.values)
    starts = np.array([corrupt(patterns.values[k], spec.task.flips, rng) for k in target])
    phases = [start_phases_rad(start, spec.task.jitter_rad, rng) for start in starts]
    return Trials(target, starts, np.array(phases))


# -- the float model -------------------------------------------------------------------------


def learn_float(
    model: Reference,
    patterns: NDArray[np.int64],
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Learned:
    """Store patterns in the float model by the rule of its network file.

    All patterns are shown in turn until a round opens no gate, or the limit is reached. See
    `learn` for the checkpoint.
    """
    limit = model.spec.learning.presentations
    shown, done = 0, False
    drives = model.spec.learning.rule == "window"
    with Rounds(model, checkpoint, limit, progress) as rounds:
        for _ in rounds:
            before = model.counters
            for pattern in patterns:
                if drives:
                    model.phases_rad = np.full_like(model.phases_rad, np.pi / 2)
                    model.drive(np.where(pattern > 0, 0.0, np.pi))
                else:
                    model.present(pattern)
            shown = (rounds.number + 1) * len(patterns)
            done = (model.counters - before).gated_on == 0
            if done:
                break
    return Learned(model.weights.copy(), shown, done, model.counters)


def recall_float(model: Reference, trials: Trials, targets: NDArray[np.int64]) -> Recalled:
    """Run all trials on the float model, side by side."""
    model.phases_rad = trials.phases_rad.copy()
    seen: list[NDArray[np.float64]] = []
    model.run(model.spec.task.steps, trace=First(seen))
    trace = np.array([trials.phases_rad[0], *seen])
    return _judge(model.phases_rad, trials, targets, trace)


# -- integer machines: twin, simulated RTL, board --------------------------------------------


def prepare(machine: Machine, spec: Spec, folder: Path | None = None) -> None:
    """Bring a machine to the state in which every job starts.

    Parameters
    ----------
    machine : Machine
        Twin, simulated core or board.
    spec : Spec
        The network.
    folder : Path, optional
        Where a relative path of ``network.mask`` starts.
    """
    machine.reseed()
    machine.load_omega(plan.tuning_words(spec))
    machine.load_inputs(*plan.no_inputs(spec))
    net = spec.network
    links = load_mask(net.mask, net.oscillators, seed=spec.task.seed, folder=folder)
    if links is not None:
        machine.load_links(links)
    machine.load_weights(plan.initial_weights(spec, links))


def learn(
    machine: Machine,
    spec: Spec,
    patterns: NDArray[np.int64],
    progress: Progress | None = None,
    checkpoint: Path | None = None,
) -> Learned:
    """Store patterns on an integer machine by its own local rule.

    A presentation loads the pattern as phases and runs one step with field and couple pass,
    learning on, and between the two a census where a stabiliser needs one. With
    ``learning.rule = "window"`` the pattern is given as inputs instead: the phases settle from a
    quarter turn, where both pulls are largest (at the opposite of its input an oscillator would
    rest), then every step of the window learns. All patterns are shown in turn until a round opens
    no gate, or the limit is reached.

    Parameters
    ----------
    machine : Machine
        Twin, simulated core or board.
    spec : Spec
        The network.
    patterns : array of -1/+1, shape (M, N)
        What to store.
    progress : callable, optional
        Told the rounds done and their limit.
    checkpoint : Path, optional
        File that keeps the state of a long run (only of a machine with `snapshot`): written every
        few seconds and when the run is interrupted, taken up by the next call with the same
        network, removed at the end.
    """
    rule = spec.learning
    machine.configure(plan.learn_settings(spec, machine.formats))
    phases = [plan.phases_of(spec, np.where(p > 0, 0.0, np.pi)) for p in patterns]
    shown, done = 0, False
    passes = {"field": True, "learn": True}
    if machine.formats.census_passes:
        passes["census"] = True
    if rule.rule == "window":
        middle = plan.phases_of(spec, np.full(patterns.shape[1], np.pi / 2))
        drives = [plan.inputs_of(spec, machine.formats, p) for p in patterns]
    with Rounds(machine, checkpoint, rule.presentations, progress) as rounds:
        for _ in rounds:
            before = machine.counters()
            for number, theta in enumerate(phases):
                if rule.rule == "window":
                    machine.load_phases(middle)
                    machine.load_inputs(*drives[number])
                    machine.run(rule.settle_steps)
                    machine.run(plan.window_of(spec), resume=True, **passes)
                else:
                    machine.load_phases(theta)
                    machine.run(1, **passes)
            shown = (rounds.number + 1) * len(phases)
            done = (machine.counters() - before).gated_on == 0
            if done:
                break
    if rule.rule == "window":
        machine.load_inputs(*plan.no_inputs(spec))
    return Learned(machine.read_weights(), shown, done, machine.counters())


def recall(
    machine: Machine,
    spec: Spec,
    trials: Trials,
    targets: NDArray[np.int64],
    *,
    coupled: bool = True,
    progress: Progress | None = None,
) -> Recalled:
    """Run every trial on an integer machine with the weights it holds.

    The first trial is stepped one by one, so that its phases can be drawn against time; stepping
    and running at one go give the same bits.
    """
    formats = machine.formats
    weights = machine.read_weights()
    machine.configure(plan.run_settings(spec, formats, weights, coupled=coupled))
    bits = formats.accumulator_bits
    mode = _mode(spec)
    trace = []
    ends = []
    for number, phases in enumerate(trials.phases_rad):
        machine.load_phases(rad_to_lsb(phases, bits))
        if number == 0:
            trace.append(machine.read_phases())
            for step in range(spec.task.steps):
                machine.run(1, resume=step > 0, **mode)
                trace.append(machine.read_phases())
        else:
            machine.run(spec.task.steps, **mode)
        ends.append(machine.read_phases())
        if progress:
            progress(number + 1, len(trials.phases_rad))
    return _judge(lsb_to_rad(ends, bits), trials, targets, lsb_to_rad(trace, bits))


def _mode(spec: Spec) -> dict[str, bool]:
    """Return what a run is told about the mode; machines without edge passes are told nothing."""
    return {"edge": True} if spec.network.mode == "edge-align" else {}


class First(list[NDArray[np.float64]]):
    """A trace that keeps only the first replica of what it is given."""

    def __init__(self, kept: list[NDArray[np.float64]]) -> None:
        self._kept = kept

    def append(self, phases: NDArray[np.float64]) -> None:
        """Keep the phases of the first replica."""
        self._kept.append(phases[0].copy())


def _judge(
    ends_rad: NDArray[np.float64],
    trials: Trials,
    targets: NDArray[np.int64],
    trace_rad: NDArray[np.float64],
) -> Recalled:
    read = np.array([read_pattern(phases) for phases in ends_rad])
    wanted = targets[trials.target]
    exact = np.array([is_exact(x, y) for x, y in zip(read, wanted, strict=True)])
    mean = float(np.mean([overlap(x, y) for x, y in zip(read, wanted, strict=True)]))
    return Recalled(read, ends_rad, exact, mean, trace_rad)


def same_end(first: Recalled, second: Recalled) -> float:
    """Return the share of trials in which two machines end in the same pattern."""
    same = [is_exact(x, y) for x, y in zip(first.patterns, second.patterns, strict=True)]
    return float(np.mean(same))


# -- locking ---------------------------------------------------------------------------------


@dataclass(frozen=True)
class Locked:
    """Outcome of a lock task.

    Attributes
    ----------
    offsets_rad : array of float64, shape (N,)
        Phase of each oscillator relative to the first, at the end.
    drift_rad : float
        Largest change of an offset over the last tenth of the run; near 0 when locked.
    trace_rad : array, shape (steps + 1, N)
        Phases against time.
    """

    offsets_rad: NDArray[np.float64]
    drift_rad: float
    trace_rad: NDArray[np.float64] = field(repr=False)


def lock_start_rad(spec: Spec) -> NDArray[np.float64]:
    """Return start phases of a lock task: spread over 2 rad, so that locking is seen to happen."""
    return np.linspace(0.0, 2.0, spec.network.oscillators)


def lock_float(model: Reference) -> Locked:
    """Let the float model settle."""
    model.phases_rad = lock_start_rad(model.spec)
    trace = [model.phases_rad.copy()]
    model.run(model.spec.task.steps, trace=trace)
    return _locked(np.array(trace))


def lock(machine: Machine, spec: Spec, progress: Progress | None = None) -> Locked:
    """Let an integer machine settle from the weights it holds."""
    formats = machine.formats
    machine.configure(plan.run_settings(spec, formats, machine.read_weights()))
    machine.load_phases(rad_to_lsb(lock_start_rad(spec), formats.accumulator_bits))
    trace: list[NDArray[np.int64]] = [machine.read_phases()]
    for step in range(spec.task.steps):
        machine.run(1, resume=step > 0, **_mode(spec))
        trace.append(machine.read_phases())
        if progress:
            progress(step + 1, spec.task.steps)
    return _locked(lsb_to_rad(trace, formats.accumulator_bits))


def _locked(trace_rad: NDArray[np.float64]) -> Locked:
    offsets = wrap_rad(trace_rad - trace_rad[:, :1])
    tail = offsets[-max(2, len(offsets) // 10) :]
    drift = np.abs(wrap_rad(tail - tail[-1])).max()
    return Locked(tail.mean(axis=0), float(drift), trace_rad)


def pair_offset_rad(detuning: Sequence[float]) -> float:
    """Return the closed-form offset of a locked pair, asin(detuning difference / 2).

    Two oscillators of weight w pull each other with kappa w each; in units of kappa R = kappa w
    the difference obeys psi' = delta - 2 sin psi (Adler), locked while |delta| <= 2.
    """
    return float(np.arcsin((detuning[1] - detuning[0]) / 2.0))
