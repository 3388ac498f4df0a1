"""A learning function between cosine and square, with a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.g.base import LearningFunction


@dataclass(frozen=True)
class Sigmoid(LearningFunction):
    """``2 / (1 + exp(-beta (cos psi - theta))) - 1``.

    Parameters
    ----------
    beta : float
        Steepness, above 0; for large beta and theta = 0 this is the square function.
    theta : float
        Value of the cosine at which g changes sign, -1 to 1.
    """

    beta: float = 4.0
    theta: float = 0.0
    name = "sigmoid"

    def __post_init__(self) -> None:
        if not 0 < self.beta <= 500:
            raise SpecError(f"g_parameters.beta = {self.beta:g}: needs above 0 to 500")
        if not -1 <= self.theta <= 1:
            raise SpecError(f"g_parameters.theta = {self.theta:g}: needs -1 to 1, as a cosine")

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""
        cosine = np.cos(np.asarray(psi_rad, dtype=np.float64))
        return np.tanh(self.beta * (cosine - self.theta) / 2.0)  # the same, without overflow

    @property
    def drift_mean(self) -> float:
        """Mean over a turn by the midpoint rule; 0 for theta = 0, -0.368 for beta 4, theta 0.5.

        There is no closed form; for a smooth periodic function the rule converges exponentially.
        """
        points = 4096
        return float(np.mean(self((np.arange(points) + 0.5) * (2.0 * math.pi / points))))
