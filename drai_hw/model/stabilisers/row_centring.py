"""Row centring: what the weights of an oscillator have in common carries no pattern."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser, row_sums


@dataclass
class RowCentring(Stabiliser):
    """Take a share of the mean of both its rows off every weight.

    ``w_ij := w_ij - s (m_i + m_j)/2`` with the means ``m_i = sum_j w_ij / (N - 1)`` before the
    window and ``s = 1 - (1 - share)^T`` for its T learning passes: an offset common to all weights
    fades by the share in each pass, that of one row by half of it. Twin and RTL take random steps
    with this expectation, at most half an LSB in a pass; they count pairs of active oscillators,
    as is done here.

    Parameters
    ----------
    share : float
        Share of the mean that is taken off in a learning pass, above 0 to 1.
    """

    share: float = 0.1
    name = "row-centring"

    def __post_init__(self) -> None:
        if not 0 < self.share <= 1:
            raise SpecError(
                f"stabiliser_parameters.row-centring.share = {self.share:g}: needs above 0 to 1"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights without the share of the means; the diagonal stays 0."""
        n = weights.shape[-1]
        mean = row_sums(seen.weights, seen) / (n - 1)
        taken = 1.0 - (1.0 - self.share) ** seen.passes
        common = (mean[..., :, None] + mean[..., None, :]) / 2
        return np.where(seen.both_active, weights - taken * common, weights)
