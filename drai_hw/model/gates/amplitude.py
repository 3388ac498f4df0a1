"""The gate that makes learning sparse: only oscillators that oscillate take part."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class Amplitude(Gate):
    """Open where both amplitudes reach a threshold.

    With a share f of all oscillators active, f squared of all pairs learn.

    Parameters
    ----------
    threshold : float
        Least magnitude of an amplitude, above 0 up to 1.
    """

    threshold: float = 0.5
    name = "amplitude"

    def __post_init__(self) -> None:
        if not 0 < self.threshold <= 1:
            raise SpecError(
                f"gate_parameters.amplitude.threshold = {self.threshold:g}: needs above 0 to 1"
            )

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        strong = np.abs(seen.amplitudes) >= self.threshold
        return np.asarray(strong[..., :, None] & strong[..., None, :])
