"""Our forms of a step, each as a piece of work to time, all from the same weights and phases."""

from __future__ import annotations

import functools
import tracemalloc
from collections.abc import Callable

import numpy as np

from drai_hw.bench import peers
from drai_hw.bench.timing import Work
from drai_hw.model import batch, fused, packed
from drai_hw.model.compiled import kernels
from drai_hw.model.packed import PackedWeights
from drai_hw.model.reference import Reference
from drai_hw.spec import Spec, validate
from drai_hw.units import TAU

Floats = peers.Floats
F32, F64 = "float32", "float64"

RUN_STEPS = 20
REPLICAS = 64
DT = 0.01


def network(n: int) -> Spec:
    """Return a network of N oscillators with the default rule and no noise."""
    return validate(
        {"schema": 1, "network": {"name": "bench", "oscillators": n},
         "task": {"patterns": "random:2"}}, "bench",
    )  # fmt: skip


@functools.lru_cache(maxsize=1)
def weights(n: int) -> Floats:
    """Return the weights that all forms and peers of one size share."""
    return peers.symmetric_weights(n, seed=n)


def phases(n: int, kind: str = F64) -> Floats:
    """Return the phases that all of one size begin with, rad."""
    return np.random.default_rng(n).uniform(0.0, TAU, n).astype(kind)


def reference(n: int) -> Reference:
    """Return the float reference with these weights and phases."""
    model = Reference(network(n))
    model.weights = weights(n).copy()
    model.phases_rad = phases(n)
    return model


def reference_phase(n: int) -> Work:
    """Return a work: a run of the float reference."""
    model = reference(n)
    return lambda: model.run(RUN_STEPS)


def reference_learn(n: int) -> Work:
    """Return a work: a presentation to the float reference, and a step."""
    model = reference(n)
    pattern = np.where(np.arange(n) % 3 == 0, 1, -1)

    def work() -> None:
        model.present(pattern)
        model.run(1)

    return work


def _phase_steps(n: int, kind: str, torque: Callable[[Floats], Floats]) -> Work:
    phi = phases(n, kind)
    step = phi.dtype.type(DT)

    def work() -> None:
        nonlocal phi
        phi = np.mod(phi + step * torque(phi), TAU)

    work()
    return work


def numpy_phase(n: int, kind: str) -> Work:
    """Return a work: a phase step by two products of W with a vector."""
    full = weights(n).astype(kind)
    return _phase_steps(n, kind, lambda phi: batch.torque(full, phi))


def full_phase(n: int, kind: str) -> Work:
    """Return a work: a phase step in one compiled pass over the full matrix."""
    full = fused.aligned(weights(n).astype(kind))
    return _phase_steps(n, kind, lambda phi: fused.torque(full, phi))


def packed_phase(n: int, kind: str) -> Work:
    """Return a work: a phase step in one compiled pass over one weight a pair."""
    half = PackedWeights.from_dense(weights(n).astype(kind))
    return _phase_steps(n, kind, lambda phi: packed.torque(half, phi))


def batch_phase(n: int, kind: str) -> Work:
    """Return a work: the torques of all replicas in one product of matrices."""
    full = weights(n).astype(kind)
    many = np.random.default_rng(n).uniform(0.0, TAU, (REPLICAS, n)).astype(kind)
    return lambda: batch.torque(full, many)


def packed_batch(n: int, kind: str) -> Work:
    """Return a work: the same torques with one weight a pair, in compiled loops."""
    half = PackedWeights.from_dense(weights(n).astype(kind))
    many = np.random.default_rng(n).uniform(0.0, TAU, (REPLICAS, n)).astype(kind)
    packed.torque(half, many)
    return lambda: packed.torque(half, many)


def replica_by_replica(n: int, kind: str) -> Work:
    """Return a work: the same torques, one replica after the other."""
    full = weights(n).astype(kind)
    many = np.random.default_rng(n).uniform(0.0, TAU, (REPLICAS, n)).astype(kind)

    def work() -> None:
        for one in many:
            batch.torque(full, one)

    return work


class OnePassArticle(peers.ArticleNetwork):
    """The article's network with the same equations in one pass over the full matrix.

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
        self._kind = np.dtype(kind).type
        self._turn = kernels("float_kernels").turn
        for name in ("phases_rad", "frequencies_hz", "weights", "amplitudes"):
            setattr(self, name, fused.aligned(getattr(self, name).astype(kind)))
        self._speed = (TAU * self.frequencies_hz).astype(kind)

    def turn(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Advance the phases."""
        self._turn(self.phases_rad, self._speed, input_rad_per_s, self._kind(dt_s), self._kind(TAU))

    def step(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Do one step of phases, weights and amplitudes."""
        self.turn(input_rad_per_s, dt_s)
        _, resonance = self.learn()
        self.amplitudes = np.tanh(resonance, out=resonance)

    def learn(self) -> tuple[Floats, Floats]:
        """Learn once; return torque and resonance."""
        return fused.learn_step(
            self.weights, self.phases_rad, self.amplitudes,
            eta=self.LEARNING_RATE, keep=self.KEPT,
        )  # fmt: skip


class PackedArticle(OnePassArticle):
    """The same with one weight a pair: the article's weights, made symmetric at the start.

    What is not symmetric in the article's random weights only decays: its rule is symmetric.
    """

    def __init__(self, n: int, seed: int = 0, kind: str = F64) -> None:
        super().__init__(n, seed, kind)
        self.half = PackedWeights.from_dense((self.weights + self.weights.T) / 2)
        del self.weights

    def learn(self) -> tuple[Floats, Floats]:
        """Learn once; return torque and resonance."""
        return packed.learn_step(
            self.half, self.phases_rad, self.amplitudes, eta=self.LEARNING_RATE, keep=self.KEPT
        )


def article(n: int, make: Callable[[], peers.ArticleNetwork]) -> Work:
    """Return a work: a step of a form of the article's network, without input."""
    net = make()
    given = np.zeros(n, dtype=net.amplitudes.dtype)
    net.step(given)
    return lambda: net.step(given)


def peak_share(n: int, kind: str) -> float:
    """Return the peak memory of packed weights that learn, as a share of the full matrix.

    All arrays count that are made in between: weights, work space, phases, results.
    """
    steps = PackedWeights(2, kind)
    packed.learn_step(steps, np.zeros(2), np.ones(2), eta=0.1)  # compile outside
    tracemalloc.start()
    try:
        before = tracemalloc.get_traced_memory()[0]
        half = PackedWeights(n, kind)
        phi, amplitudes = phases(n, kind), np.ones(n, dtype=kind)
        for _ in range(2):
            torque, resonance = packed.learn_step(
                half, phi, amplitudes, eta=DT, keep=0.99, limit=1.0
            )
            phi, amplitudes = phi + torque, np.tanh(resonance)
        peak = tracemalloc.get_traced_memory()[1] - before
    finally:
        tracemalloc.stop()
    return peak / (n * n * np.dtype(kind).itemsize)
