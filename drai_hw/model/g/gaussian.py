"""A learning function that rewards only pairs close to in phase."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.g.base import LearningFunction
from drai_hw.units import TAU, wrap_rad


@dataclass(frozen=True)
class Gaussian(LearningFunction):
    """``exp(-psi^2 / (2 s^2)) - b`` with psi wrapped to half a turn either way.

    The defaults make drifting pairs lose weight: b = 0.25 exceeds the mean 0.1995 of the bell.

    Parameters
    ----------
    width_rad : float
        s, width of the bell, above 0.
    offset : float
        b, what is taken from the bell, 0 to 1.
    """

    width_rad: float = 0.5
    offset: float = 0.25
    name = "gaussian"

    def __post_init__(self) -> None:
        if not self.width_rad > 0:
            raise SpecError(f"g_parameters.width_rad = {self.width_rad:g}: needs more than 0 rad")
        if not 0 <= self.offset <= 1:
            raise SpecError(
                f"g_parameters.offset = {self.offset:g}: needs 0 to 1, or |g| could exceed 1"
            )

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""
        return np.exp(-((wrap_rad(psi_rad) / self.width_rad) ** 2) / 2.0) - self.offset

    @property
    def drift_mean(self) -> float:
        """``s sqrt(2 pi) erf(pi / (s sqrt 2)) / (2 pi) - b``."""
        s = self.width_rad
        bell = s * math.sqrt(TAU) * math.erf(math.pi / (s * math.sqrt(2.0))) / TAU
        return bell - self.offset
