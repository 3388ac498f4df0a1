"""Sparsity by rank: each oscillator keeps its strongest connections."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser


@dataclass
class TopK(Stabiliser):
    """Keep a weight where it is among the k largest in magnitude of either of its oscillators.

    Ties go to the lower index. A pair that is pruned may be learned again in a later window.

    Parameters
    ----------
    k : float
        Connections that an oscillator may claim, a whole number of at least 1.
    """

    k: float = 8
    name = "top-k"

    def __post_init__(self) -> None:
        if self.k < 1 or self.k != int(self.k):
            raise SpecError(
                f"stabiliser_parameters.top-k.k = {self.k:g}: needs a whole number of at least 1"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights without those that neither end claims."""
        k = min(int(self.k), weights.shape[-1])
        order = np.argsort(-np.abs(weights), axis=-1, kind="stable")[..., :k]
        claimed = np.zeros(weights.shape, dtype=bool)
        np.put_along_axis(claimed, order, True, axis=-1)
        return np.where(claimed | np.swapaxes(claimed, -1, -2), weights, 0.0)
