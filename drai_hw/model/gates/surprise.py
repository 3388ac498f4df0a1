"""The gate that learns only what the memory does not expect."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class Surprise(Gate):
    """Open for all pairs of a window whose novelty exceeds a threshold, closed for all others.

    Parameters
    ----------
    threshold : float
        Novelty (0: as expected, 1: unknown, 2: the opposite) above which the window is learned.
    """

    threshold: float = 0.15
    name = "surprise"

    def __post_init__(self) -> None:
        if not 0 <= self.threshold < 2:
            raise SpecError(
                f"gate_parameters.surprise.threshold = {self.threshold:g}: needs 0 to below 2"
            )

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        return np.asarray(seen.novelty > self.threshold)[..., None, None]
