"""The same task by back-propagation: an auto-encoder trained until it is as exact, counted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from drai_hw.spec import corrupt

MULTIPLY_J, ADD_J = 3.7e-12, 0.9e-12
"""FP32 at 45 nm and 0.9 V: M. Horowitz, ISSCC 2014, 10."""
SOURCE = "M. Horowitz, ISSCC 2014, 10: FP32 multiplication 3.7 pJ, addition 0.9 pJ, 45 nm, 0.9 V"
_RATE = 0.1
_MOST_ROUNDS = 4000


@dataclass(frozen=True)
class Trained:
    """
    Hold a trained auto-encoder and the operations it took, arithmetic only.

    Parameters
    ----------
    hidden : int
        Units of its one hidden layer.
    samples : int
        Corrupted patterns shown in training.
    exact_rate : float
        Of recalls from the starts of the task.
    train_multiplications, train_additions : int
        Of all training, without the tests for the end of it.
    recall_multiplications, recall_additions : int
        Of one recall.
    """

    hidden: int
    samples: int
    exact_rate: float
    train_multiplications: int
    train_additions: int
    recall_multiplications: int
    recall_additions: int

    @property
    def train_j(self) -> float:
        """Return the arithmetic energy of training."""
        return self.train_multiplications * MULTIPLY_J + self.train_additions * ADD_J

    @property
    def recall_j(self) -> float:
        """Return the arithmetic energy of a recall."""
        return self.recall_multiplications * MULTIPLY_J + self.recall_additions * ADD_J


def trained(
    patterns: NDArray[np.int64], starts: NDArray[np.int64], target: NDArray[np.int64], *,
    wanted: float, flips: float, hidden: int | None = None, seed: int = 1,
) -> Trained:  # fmt: skip
    """
    Train until the starts of the task are recalled as often as wanted.

    One hidden layer of tanh, tanh outputs, squared error, plain gradient descent a sample at a
    time; starts are corrupted copies that the test does not have. A sample of an N-H-N network
    costs 2NH multiplications forward, NH for the hidden errors and 2NH + 2NH for gradients and
    steps, as many additions, and a few for each unit; tanh itself is not counted.

    Parameters
    ----------
    patterns : ndarray, shape (M, N)
        What to store.
    starts, target : ndarray, shapes (T, N) and (T,)
        The task's starts, and the pattern each came from.
    wanted : float
        Rate of exact recalls at which training stops.
    flips : float
        Share of pixels that are flipped in training.
    hidden : int, optional
        Hidden units; M when omitted, the least that tells M patterns apart by one unit each.
    seed : int
        Of weights and corruptions.
    """
    m, n = patterns.shape
    units = m if hidden is None else hidden
    rng = np.random.default_rng(seed)
    first = rng.standard_normal((units, n)) / np.sqrt(n)
    second = rng.standard_normal((n, units)) / np.sqrt(units)
    shown, rate = 0, 0.0
    for _ in range(_MOST_ROUNDS):
        for pattern in patterns:
            x = corrupt(pattern, flips, rng).astype(float)
            h = np.tanh(first @ x)
            y = np.tanh(second @ h)
            outer = (y - pattern) * (1.0 - y * y)
            inner = (second.T @ outer) * (1.0 - h * h)
            second -= _RATE * np.outer(outer, h)
            first -= _RATE * np.outer(inner, x)
            shown += 1
        read = np.sign(np.tanh(starts @ first.T) @ second.T)
        rate = float((read == patterns[target]).all(axis=1).mean())
        if rate >= wanted:
            break
    forward = 2 * n * units
    multiplications = forward + n * units + 2 * forward + 2 * (n + units)
    additions = forward + n * units + forward + 2 * n + units
    return Trained(
        hidden=units,
        samples=shown,
        exact_rate=rate,
        train_multiplications=shown * multiplications,
        train_additions=shown * additions,
        recall_multiplications=forward,
        recall_additions=forward,
    )
