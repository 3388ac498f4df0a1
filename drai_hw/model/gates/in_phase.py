"""The resonance indicator R_in: pairs that stay together."""

from __future__ import annotations

from dataclasses import dataclass

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class InPhase(Gate):
    """Open where the mean cosine of the window reaches a threshold.

    On its own it can only strengthen: balanced binary patterns then grow an offset common to all
    weights, which the stabiliser ``mean-subtraction`` takes away again.

    Parameters
    ----------
    threshold : float
        Least mean of cos(phi_i - phi_j) over the window, -1 to 1.
    """

    threshold: float = 0.5
    name = "in-phase"

    def __post_init__(self) -> None:
        if not -1 <= self.threshold <= 1:
            raise SpecError(
                f"gate_parameters.in-phase.threshold = {self.threshold:g}: needs -1 to 1"
            )

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        return seen.coherence.real >= self.threshold
