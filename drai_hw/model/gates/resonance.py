"""The gate that lets only oscillators of equal frequency learn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class Resonance(Gate):
    """Open where the smoothed frequencies of a pair differ by less than the width.

    Parameters
    ----------
    width_rad : float
        Half-width of the gate, rad a step, above 0; the network file gives it as
        ``learning.theta_r``, in LSB of the twin's smoothed frequency.
    """

    width_rad: float = 0.1
    name = "resonance"

    def __post_init__(self) -> None:
        if not self.width_rad > 0:
            raise SpecError(
                f"gate_parameters.resonance.width_rad = {self.width_rad:g}: needs more than 0 rad"
            )

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        om = seen.smoothed_rad
        return np.abs(om[..., :, None] - om[..., None, :]) < self.width_rad
