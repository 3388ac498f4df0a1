"""Event-driven learning against dense passes, and the share of resonant pairs where they cross."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Hashable, Iterator

import numpy as np

from drai_hw.bench import peers
from drai_hw.bench.timing import UNIT, Row, Work, one_thread, time_in_turns
from drai_hw.errors import ToolError
from drai_hw.model import fused, packed
from drai_hw.model.events import EventLearning
from drai_hw.model.events_choice import break_even
from drai_hw.units import TAU

SIZES = (256, 1024, 4096)
SHARES = (0.0, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
SHOWN = (0.01, 0.05, 0.2)
DRAWS = 8
"""Phases change from step to step, so that no step finds the words it needs in the cache."""

TYPES = ("float64", "float32")


def _learner(n: int, kind: str, decay: float, share: float, method: str, compiled: bool) -> Work:
    """Return a work: one learning step with about ``share`` of all pairs in resonance."""
    net = EventLearning(
        n, eta=0.01, theta_rad=math.pi * share, decay=decay, limit=1.0, dtype=kind,
        method=method, compiled=compiled,
    )  # fmt: skip
    draws = itertools.cycle(np.random.default_rng(n).uniform(0.0, TAU, (DRAWS, n)))
    net.load(np.clip(peers.symmetric_weights(n, seed=n), -1, 1))
    return lambda: net.learn(next(draws))


def _fused(n: int, kind: str, decay: float) -> Work:
    weights = fused.aligned(peers.symmetric_weights(n, seed=n).astype(kind))
    draws = itertools.cycle(np.random.default_rng(n).uniform(0.0, TAU, (DRAWS, n)).astype(kind))
    ones = np.ones(n, dtype=kind)
    return lambda: fused.learn_step(
        weights, next(draws), ones, eta=0.01, keep=1.0 - decay, limit=1.0
    )


def _packed(n: int, kind: str, decay: float) -> Work:
    weights = packed.PackedWeights.from_dense(peers.symmetric_weights(n, seed=n).astype(kind))
    draws = itertools.cycle(np.random.default_rng(n).uniform(0.0, TAU, (DRAWS, n)).astype(kind))
    ones = np.ones(n, dtype=kind)
    return lambda: packed.learn_step(
        weights, next(draws), ones, eta=0.01, keep=1.0 - decay, limit=1.0, diagonal=False
    )


def crossing(shares: tuple[float, ...], times: list[float], level: float) -> float:
    """Return the share at which a rising piecewise linear time first exceeds ``level``.

    0 if it does from the start, 1 if it never does (within the line of the last two points).
    """
    if times[0] >= level:
        return 0.0
    points = list(zip(shares, times, strict=True))
    for (s, t), (s_next, t_next) in itertools.pairwise(points):
        if t < level <= t_next:
            return s + (s_next - s) * (level - t) / (t_next - t)
    (s, t), (s_next, t_next) = points[-2:]
    slope = (t_next - t) / (s_next - s)
    return min(1.0, s_next + (level - t_next) / slope) if slope > 0 else 1.0


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: compiled, then plain; without and with decay."""
    for compiled, kind, decay in itertools.product((True, False), TYPES, (0.0, 0.01)):
        yield from _rows(n, rounds, kind, decay, compiled)


def _rows(n: int, rounds: int, kind: str, decay: float, compiled: bool) -> Iterator[Row]:
    how = f"{'compiled' if compiled else 'NumPy'}{', decay' if decay else ''}"
    makers: dict[Hashable, Callable[[], Work]] = {
        share: lambda share=share: _learner(n, kind, decay, share, "events", compiled)  # type: ignore[misc]
        for share in SHARES
    }
    same = "dense pass of the same rule"
    makers[same] = lambda: _learner(n, kind, decay, SHOWN[0], "dense", compiled)
    if compiled:
        makers["fused.learn_step, all pairs and their sums"] = lambda: _fused(n, kind, decay)
        makers["packed.learn_step, all pairs and their sums"] = lambda: _packed(n, kind, decay)
    try:
        works = {key: make() for key, make in makers.items()}
    except ToolError as error:
        yield Row(
            task=f"event-driven learning: {how}", n=n, precision=kind, ours=None, theirs=None,
            against=same, ratio=None, reason=str(error),
        )  # fmt: skip
        return
    with one_thread():
        seconds = time_in_turns(works, rounds)
    per_pair = {key: value / n**2 * 1e9 for key, value in seconds.items()}
    dense = [key for key in makers if isinstance(key, str)]
    for share, name in itertools.product(SHOWN, dense):
        yield Row(
            task=f"learning with {share:.0%} of pairs in resonance: events, {how}", n=n,
            precision=kind, ours=per_pair[share], theirs=per_pair[name],
            against=f"{name} ({kind})", ratio=per_pair[name] / per_pair[share], unit=UNIT,
        )  # fmt: skip
    times = [per_pair[share] for share in SHARES]
    table = break_even(n, kind, decay=bool(decay), compiled=compiled)
    for name in dense:
        measured = crossing(SHARES, times, per_pair[name])
        yield Row(
            task=f"break-even share (ours) and that of choose(): events, {how}", n=n,
            precision=kind, ours=measured, theirs=table, against=f"{name} ({kind})",
            ratio=table / measured if measured else None, unit="share of pairs in resonance",
            reason="" if measured else "events never pay here",
        )  # fmt: skip
