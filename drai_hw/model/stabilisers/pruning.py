"""Sparsity by size: connections that stay weak are removed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser


@dataclass
class Pruning(Stabiliser):
    """Set weights below a threshold to 0.

    A threshold above what one window can teach keeps new connections from ever forming.

    Parameters
    ----------
    threshold : float
        Magnitude below which a weight is removed, LSB, above 0.
    """

    threshold: float = 0.5
    name = "pruning"

    def __post_init__(self) -> None:
        if not self.threshold > 0:
            raise SpecError(
                f"stabiliser_parameters.pruning.threshold = {self.threshold:g}: "
                "needs more than 0 LSB"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights that are large enough."""
        return np.where(np.abs(weights) < self.threshold, 0.0, weights)
