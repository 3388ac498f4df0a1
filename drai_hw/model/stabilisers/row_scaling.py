"""Homeostatic scaling: no oscillator's weights outgrow a budget."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser


@dataclass
class RowScaling(Stabiliser):
    """Scale every weight by ``sqrt(s_i s_j)`` with ``s_i = R_0 / sum_j |w_ij|``.

    Plain scaling of rows would make W asymmetric, since a weight belongs to two rows; with the
    geometric mean of the two factors, one matrix stays one word a pair. Repeated every window,
    the row sums converge to the budget (the symmetric scaling of Sinkhorn and Knopp). Rows
    without weights are left alone.

    Parameters
    ----------
    budget : float
        R_0, wanted sum of |w| of an oscillator, LSB, above 0.
    only_above : float
        1: scale only rows above the budget; 0: shrink and grow.

    References
    ----------
    R. Sinkhorn, P. Knopp, Pacific J. Math. 21 (1967) 343.
    """

    budget: float = 100.0
    only_above: float = 0.0
    name = "row-scaling"

    def __post_init__(self) -> None:
        if not self.budget > 0:
            raise SpecError(
                f"stabiliser_parameters.row-scaling.budget = {self.budget:g}: needs more than 0 LSB"
            )
        if self.only_above not in (0, 1):
            raise SpecError(
                f"stabiliser_parameters.row-scaling.only_above = {self.only_above:g}: needs 0 or 1"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the scaled weights."""
        sums = np.abs(weights).sum(axis=-1)
        factor = np.divide(self.budget, sums, out=np.ones_like(sums), where=sums > 0)
        if self.only_above:
            factor = np.minimum(factor, 1.0)
        root = np.sqrt(factor)
        return weights * root[..., :, None] * root[..., None, :]
