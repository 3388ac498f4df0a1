"""The resonance indicator R_lock: pairs that keep any constant offset."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class Lock(Gate):
    """Open where |mean exp(i (phi_i - phi_j))| over the window reaches a threshold.

    A pair in anti-phase is as locked as one in phase; only drift and jitter close the gate. Over
    one step every pair is locked.

    Parameters
    ----------
    threshold : float
        Least coherence, 0 to 1.
    """

    threshold: float = 0.9
    name = "lock"

    def __post_init__(self) -> None:
        if not 0 <= self.threshold <= 1:
            raise SpecError(f"gate_parameters.lock.threshold = {self.threshold:g}: needs 0 to 1")

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        # A locked pair's coherence is 1 only to rounding; a threshold of 1 must still let it pass.
        return np.asarray(np.abs(seen.coherence) >= self.threshold - 1e-12)
