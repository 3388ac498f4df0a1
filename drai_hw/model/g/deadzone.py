"""A learning function that is linear about its zero and flat at both ends."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.g.base import LearningFunction
from drai_hw.units import wrap_rad


@dataclass(frozen=True)
class DeadZone(LearningFunction):
    """``(t1 - |psi|) / (t1 - t0)`` limited to +-1: small phase errors do not count.

    With t0 = 0 and t1 a quarter turn it is the XOR rule; as t0 nears t1 it becomes the square one.

    Parameters
    ----------
    full_rad : float
        t0, distance up to which g is 1; 0 or more.
    zero_rad : float
        t1, distance at which g changes sign; above t0, at most pi.
    """

    full_rad: float = math.pi / 4
    zero_rad: float = math.pi / 2
    name = "deadzone"

    def __post_init__(self) -> None:
        if not 0 <= self.full_rad < self.zero_rad <= math.pi:
            raise SpecError(
                f"g_parameters.full_rad = {self.full_rad:g}, zero_rad = {self.zero_rad:g}: needs "
                "0 <= full_rad < zero_rad <= pi rad"
            )

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""
        slope = (self.zero_rad - np.abs(wrap_rad(psi_rad))) / (self.zero_rad - self.full_rad)
        return np.clip(slope, -1.0, 1.0)

    @property
    def drift_mean(self) -> float:
        """``2 t1/pi - 1`` while g reaches -1 within half a turn, else more."""
        t0, t1 = self.full_rad, self.zero_rad
        if 2 * t1 - t0 <= math.pi:
            return 2 * t1 / math.pi - 1.0
        ramp = ((t1 - t0) ** 2 - (math.pi - t1) ** 2) / (2 * (t1 - t0))
        return (t0 + ramp) / math.pi
