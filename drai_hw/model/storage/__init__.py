"""How many patterns a network stores and recalls, beside the controls: Hebb and Hopfield.

Four ways to store and recall the same patterns, from the same corrupted starts, in the same bits:

- *learned, oscillators*: the core's own rule stores, the phases of the twin recall;
- *learned, Hopfield*: the same weights, recalled by sign updates (J. J. Hopfield, 1982);
- *Hebb, oscillators* and *Hebb, Hopfield*: the weights are the sum of x_i x_j over the patterns,
  formed once and cut to the range.

``python -m drai_hw.model.storage`` runs the cases of `cases` and writes the page of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from drai_hw import catalog
from drai_hw.model import hopfield, plan, tasks
from drai_hw.model.compiled import fastest
from drai_hw.model.readout import is_exact, wilson_interval
from drai_hw.spec import Spec, validate

WAYS = ("learned, oscillators", "learned, Hopfield", "Hebb, oscillators", "Hebb, Hopfield")
Progress = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Case:
    """Patterns to store, and how they are corrupted.

    Parameters
    ----------
    patterns : str
        As in ``task.patterns``.
    n : int
        Oscillators.
    flips : float
        Share of flipped pixels.
    seeds : tuple of int
        Seeds of patterns (where they are random), corruption, and the core's random streams.
    trials : int
        Recalls for each seed.
    rounds : int
        At most so many presentations of each pattern.
    margin : float, optional
        Field in LSB for each oscillator at which one counts as held; the network file's default.
    heavy : bool
        Takes minutes.
    """

    patterns: str
    n: int
    flips: float
    seeds: tuple[int, ...] = (0, 1, 2)
    trials: int = 52
    rounds: int = 400
    margin: float | None = None
    heavy: bool = False

    def spec(self, seed: int) -> Spec:
        """Return the network of a seed: the catalog's ``memory`` at this size."""
        data = catalog.find("memory")[0].model_dump(by_alias=True, mode="json", exclude_none=True)
        data["network"] |= {"oscillators": self.n}
        data["learning"] |= {"presentations": self.rounds}
        if self.margin is not None:
            data["learning"] |= {"margin": self.margin * self.n}
        data["task"] |= {
            "patterns": self.patterns, "flips": self.flips, "trials": self.trials, "seed": seed
        }  # fmt: skip
        return validate(data, self.patterns)


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of a case.

    Attributes
    ----------
    case : Case
        What was asked.
    stored : int
        Number of patterns.
    hits : dict of str to tuple of int
        Exact recalls up to a global sign, by way, of each seed.
    presentations : tuple of int
        Presentations of each pattern, of each seed.
    held : bool
        For every seed, every oscillator of every pattern reached the margin.
    """

    case: Case
    stored: int
    hits: dict[str, tuple[int, ...]]
    presentations: tuple[int, ...]
    held: bool

    def rate(self, way: str) -> float:
        """Return the share of exact recalls over all seeds."""
        return sum(self.hits[way]) / (len(self.hits[way]) * self.case.trials)

    def interval(self, way: str) -> tuple[float, float]:
        """Return Wilson's 95 % interval of the share."""
        return wilson_interval(sum(self.hits[way]), len(self.hits[way]) * self.case.trials)


def hebb(patterns: NDArray[np.int64], w_max: int) -> NDArray[np.int64]:
    """Return the one-shot weights sum_m x_i x_j in W bits.

    Weights of random patterns have the standard deviation sqrt(M); beyond w_max = 2 sqrt(M) the
    sum is scaled so that two of them fill the range, and what is left outside is cut.
    """
    sums = patterns.T @ patterns
    scale = min(1.0, w_max / (2.0 * np.sqrt(len(patterns))))
    weights = np.clip(np.floor(scale * sums + 0.5).astype(np.int64), -w_max, w_max)
    np.fill_diagonal(weights, 0)
    return weights


def study(case: Case, progress: Progress | None = None) -> Outcome:
    """Run a case, all four ways from the same starts."""
    hits: dict[str, list[int]] = {way: [] for way in WAYS}
    presentations, held, stored = [], True, 0
    for seed in case.seeds:
        spec = case.spec(seed)
        formats = replace(plan.formats_of(spec), seed=seed + 1)
        twin = fastest(formats)
        tasks.prepare(twin, spec)
        patterns = tasks.patterns_of(spec).values
        stored = len(patterns)
        learned = tasks.learn(twin, spec, patterns)
        presentations.append(learned.presentations // stored)
        held &= learned.all_held
        trials = tasks.trials_of(spec, tasks.patterns_of(spec))
        for name, weights in (
            ("learned", learned.weights),
            ("Hebb", hebb(patterns, formats.w_max)),
        ):
            twin.load_weights(weights)
            recalled = tasks.recall(twin, spec, trials, patterns)
            hits[f"{name}, oscillators"].append(int(recalled.exact.sum()))
            signs = [
                is_exact(hopfield.recall(weights, start, seed=seed), patterns[k])
                for start, k in zip(trials.starts, trials.target, strict=True)
            ]
            hits[f"{name}, Hopfield"].append(sum(signs))
        if progress:
            rates = ", ".join(f"{way} {hits[way][-1]}/{case.trials}" for way in WAYS)
            progress(f"{case.patterns}, N = {case.n}, seed {seed}: {rates}")
    return Outcome(
        case=case, stored=stored, hits={way: tuple(h) for way, h in hits.items()},
        presentations=tuple(presentations), held=held,
    )  # fmt: skip


LOADS = (0.1, 0.125, 0.15, 0.175, 0.2)
"""Shares of N = 1,024 that the page studies."""


def cases() -> list[Case]:
    """Return the cases of the page: 22 x 22 random patterns and letters, then loads at 1,024.

    Higher loads need a lower margin: one that the weights cannot reach keeps the gates open, and
    learning goes on until saturated weights forget.
    """
    small = [
        Case(patterns="random:48", n=484, flips=0.25),
        Case(patterns="glyphs:A-Z", n=484, flips=0.1),
        Case(patterns="glyphs:A-Z", n=484, flips=0.25),
    ]
    large = [
        Case(patterns=f"random:{round(1024 * load)}", n=1024, flips=0.25, seeds=(0,), trials=60,
             rounds=60, margin=0.3, heavy=True)
        for load in LOADS
    ]  # fmt: skip
    return small + large
