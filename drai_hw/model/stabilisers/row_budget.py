"""Row budget: the weights of an oscillator that has too much of them shrink a little."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser, row_sums


@dataclass
class RowBudget(Stabiliser):
    """Shrink every weight of an oscillator whose sum of |w| was above a budget.

    ``w := w (1 - share)^T`` for a window of T learning passes, for pairs of which either oscillator
    exceeded the budget before the window: the expectation of what twin and RTL do at random, as
    long as no oscillator passes the budget within the window. Sums count pairs of active
    oscillators.

    Parameters
    ----------
    budget : float
        Largest sum of |w| of an oscillator that is left alone, LSB, above 0.
    share : float
        Share of a weight that is lost in a learning pass, above 0 to 1.
    """

    budget: float = 100.0
    share: float = 0.02
    name = "row-budget"

    def __post_init__(self) -> None:
        if not self.budget > 0:
            raise SpecError(
                f"stabiliser_parameters.row-budget.budget = {self.budget:g}: needs more than 0 LSB"
            )
        if not 0 < self.share <= 1:
            raise SpecError(
                f"stabiliser_parameters.row-budget.share = {self.share:g}: needs above 0 to 1"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights after the shrinking."""
        over = row_sums(np.abs(seen.weights), seen) > self.budget
        shrinks = (over[..., :, None] | over[..., None, :]) & seen.both_active
        return np.where(shrinks, weights * (1.0 - self.share) ** seen.passes, weights)
