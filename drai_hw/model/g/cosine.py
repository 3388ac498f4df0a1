"""The Hebbian learning function."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model.g.base import LearningFunction


@dataclass(frozen=True)
class Cosine(LearningFunction):
    """``cos psi``.

    References
    ----------
    P. Seliger, S. C. Young, L. S. Tsimring, Phys. Rev. E 65 (2002) 041906.
    """

    name = "cosine"

    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""
        return np.cos(np.asarray(psi_rad, dtype=np.float64))

    @property
    def drift_mean(self) -> float:
        """0: drifting pairs keep their weight."""
        return 0.0
