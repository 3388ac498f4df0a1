"""The coarsest learning function: in phase or not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.g.base import LearningFunction


@dataclass(frozen=True)
class Square(LearningFunction):
    """Sign of ``cos psi``: +1 within a quarter turn, else -1."""

    name = "square"

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad; exactly a quarter turn counts as -1."""
        return np.where(np.cos(np.asarray(psi_rad, dtype=np.float64)) > 1e-12, 1.0, -1.0)

    @property
    def drift_mean(self) -> float:
        """0: drifting pairs keep their weight."""
        return 0.0
