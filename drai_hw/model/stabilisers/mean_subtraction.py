"""Mean subtraction: what all weights have in common carries no pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser


@dataclass
class MeanSubtraction(Stabiliser):
    """Take a share of the mean weight off every weight.

    Parameters
    ----------
    share : float
        Share of the mean that is taken off a window, above 0 up to 1.
    by_row : float
        0: one mean of all pairs; 1: ``mu_i + mu_j - mu`` with the means of both rows and of all,
        after which every row's mean is 0 (for a share of 1).
    """

    share: float = 1.0
    by_row: float = 0.0
    name = "mean-subtraction"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SpecError(
                f"stabiliser_parameters.mean-subtraction.share = {self.share:g}: needs above 0 to 1"
            )
        if self.by_row not in (0, 1):
            raise SpecError(
                f"stabiliser_parameters.mean-subtraction.by_row = {self.by_row:g}: needs 0 or 1"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights without the mean; the diagonal stays 0."""
        n = weights.shape[-1]
        rows = weights.sum(axis=-1)
        total = rows.sum(axis=-1)[..., None]
        if self.by_row and n > 2:
            # The solution of w'_ij = w_ij - u_i - u_j with all row sums 0 and no diagonal.
            u = (rows - total / (2 * (n - 1))) / (n - 2)
            common = u[..., :, None] + u[..., None, :]
        else:
            common = (total / (n * (n - 1)))[..., None]
        return np.where(np.eye(n, dtype=bool), 0.0, weights - self.share * common)
