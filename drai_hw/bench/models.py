"""The float models against plain NumPy, the article's network, packages and the memory's speed."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drai_hw.bench import peers
from drai_hw.bench.timing import Entry, Row, Work, compare
from drai_hw.model import fused
from drai_hw.model.reference import Reference
from drai_hw.spec import Spec, validate

SIZES = (256, 1024, 4096)
RUN_STEPS = 20
F32, F64 = "float32", "float64"


def network(n: int) -> Spec:
    """Return a network of N oscillators with the default rule and no noise."""
    return validate(
        {"schema": 1, "network": {"name": "bench", "oscillators": n},
         "task": {"patterns": "random:2"}}, "bench",
    )  # fmt: skip


def _reference(n: int) -> Reference:
    model = Reference(network(n))
    model.weights = peers.symmetric_weights(n, seed=n)
    model.phases_rad = np.random.default_rng(n).uniform(0.0, 2 * np.pi, n)
    return model


def _reference_phase(n: int) -> Work:
    model = _reference(n)
    return lambda: model.run(RUN_STEPS)


def _reference_learn(n: int) -> Work:
    model = _reference(n)
    pattern = np.where(np.arange(n) % 3 == 0, 1, -1)

    def work() -> None:
        model.present(pattern)
        model.run(1)

    return work


def _compiled_phase(n: int, kind: str) -> Work:
    weights = fused.aligned(peers.symmetric_weights(n, seed=n).astype(kind))
    phases = np.random.default_rng(n).uniform(0.0, 2 * np.pi, n).astype(kind)
    fused.torque(weights, phases)

    def work() -> None:
        nonlocal phases
        phases = np.mod(phases + phases.dtype.type(0.01) * fused.torque(weights, phases), 2 * np.pi)

    return work


class OnePassArticle(peers.ArticleNetwork):
    """The article's network with the same equations in one pass over the weights.

    Parameters
    ----------
    n : int
        Nodes.
    seed : int
        As of `peers.ArticleNetwork`.
    kind : {"float32", "float64"}
        Type of all numbers.
    """

    def __init__(self, n: int, seed: int = 0, kind: str = F64) -> None:
        super().__init__(n, seed)
        for name in ("phases_rad", "frequencies_hz", "weights", "amplitudes"):
            setattr(self, name, fused.aligned(getattr(self, name).astype(kind)))

    def step(self, input_rad_per_s: peers.Floats, dt_s: float = 0.01) -> None:
        """Do one step of phases, weights and amplitudes."""
        self.turn(input_rad_per_s, dt_s)
        _, resonance = fused.learn_step(
            self.weights, self.phases_rad, self.amplitudes,
            eta=self.LEARNING_RATE, keep=self.KEPT,
        )  # fmt: skip
        self.amplitudes = np.tanh(resonance)


def _article(n: int) -> Work:
    return _steps_of(peers.ArticleNetwork(n, n))


def _one_pass_article(n: int, kind: str) -> Work:
    return _steps_of(OnePassArticle(n, n, kind))


def _steps_of(net: peers.ArticleNetwork) -> Work:
    given = np.zeros(net.amplitudes.size, dtype=net.weights.dtype)
    net.step(given)
    return lambda: net.step(given)


def _naive(n: int, kind: str) -> Work:
    weights = peers.symmetric_weights(n, seed=n).astype(kind)
    phases = np.random.default_rng(n).uniform(0.0, 2 * np.pi, n).astype(kind)
    return lambda: peers.naive_torque(weights, phases)


def _pass(n: int, kind: str) -> Work:
    weights = fused.aligned(peers.symmetric_weights(n, seed=n).astype(kind))
    return lambda: peers.read_and_write(weights)


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: phases alone, then phases and learning."""
    weights = peers.symmetric_weights(n, seed=n)
    phases = np.random.default_rng(n).uniform(0.0, 2 * np.pi, n)
    limit = "one pass that reads and writes W"
    limits = [Entry(limit, lambda k=k: _pass(n, k), k, like_only=True) for k in (F64, F32)]  # type: ignore[misc]
    ours = [
        Entry("Reference", lambda: _reference_phase(n), F64, RUN_STEPS),
        *(Entry("compiled", lambda k=k: _compiled_phase(n, k), k) for k in (F64, F32)),  # type: ignore[misc]
    ]
    theirs = [
        *(Entry("N^2 sines in NumPy", lambda k=k: _naive(n, k), k) for k in (F64, F32)),  # type: ignore[misc]
        Entry(peers.name_of("kuramoto"), lambda: peers.kuramoto_derivative(weights, phases), F64),
        Entry(
            peers.name_of("oscillatools"), lambda: peers.oscillatools_force(weights, phases), F64
        ),
        *limits,
    ]
    yield from compare("phase step", n, ours, theirs, rounds)
    ours = [
        Entry("Reference", lambda: _reference_learn(n), F64),
        *(Entry("compiled", lambda k=k: _one_pass_article(n, k), k)  # type: ignore[misc]
          for k in (F64, F32)),
    ]  # fmt: skip
    theirs = [
        Entry("the article's network", lambda: _article(n), F64),
        Entry(
            f"{peers.name_of('oscillatools')}, adaptive",
            lambda: peers.oscillatools_adaptive(weights, phases, 0.01),
            F64,
        ),
        *limits,
    ]
    yield from compare("phase and learning step", n, ours, theirs, rounds)
