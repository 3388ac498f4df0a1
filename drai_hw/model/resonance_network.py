"""The Resonance Network: weights that follow phases, amplitudes that follow weights."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.units import TAU

Floats = NDArray[Any]


class ArticleNetwork:
    """The network of the article that this project began with, frozen as a baseline.

    Its step, in this order, with rates and N x N intermediate results as published::

        phi_i = phi_i + (2 pi f_i + input_i) dt                  mod 2 pi
        w_ij  = 0.99 (w_ij + 0.01 a_i a_j cos(phi_i - phi_j))
        a_i   = tanh(sum_j w_ij cos(phi_i - phi_j))

    Nothing couples the weights back to the phases, so that nothing can synchronise: it is here
    for its cost, not for what it does.

    Parameters
    ----------
    n : int
        Nodes.
    seed : int
        Seed of phases, frequencies (Hz, 1 +- 0.1) and weights.

    References
    ----------
    "The Resonance Network: Learning Without Loss", Entrained AI Research Institute; written anew
    from its formulas.
    """

    LEARNING_RATE = 0.01
    KEPT = 0.99

    def __init__(self, n: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.phases_rad = rng.uniform(0.0, TAU, n)
        self.frequencies_hz = rng.normal(1.0, 0.1, n)
        self.weights = 0.01 * rng.standard_normal((n, n))
        self.amplitudes = np.ones(n)

    def turn(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Advance the phases."""
        advance = TAU * self.frequencies_hz * dt_s + input_rad_per_s * dt_s
        self.phases_rad = (self.phases_rad + advance) % TAU

    def step(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Do one step of phases, weights and amplitudes."""
        self.turn(input_rad_per_s, dt_s)
        alike = np.cos(np.subtract.outer(self.phases_rad, self.phases_rad))
        together = np.outer(self.amplitudes, self.amplitudes)
        self.weights += self.LEARNING_RATE * alike * together
        self.weights *= self.KEPT
        self.amplitudes = np.tanh(np.sum(self.weights * alike, axis=1))
