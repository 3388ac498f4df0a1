"""The XOR rule: what one gate and a counter measure of two square waves."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.g.base import LearningFunction
from drai_hw.units import wrap_rad


@dataclass(frozen=True)
class Xor(LearningFunction):
    """``1 - 2|psi|/pi``: exactly the mean agreement of two square waves over a cycle."""

    name = "xor"

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""
        return 1.0 - 2.0 * np.abs(wrap_rad(psi_rad)) / math.pi

    @property
    def drift_mean(self) -> float:
        """0: drifting pairs keep their weight."""
        return 0.0
