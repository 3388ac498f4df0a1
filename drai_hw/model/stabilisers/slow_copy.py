"""A slow copy of the weights, from which what is familiar is restored."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.gates.base import Floats, Observed
from drai_hw.model.stabilisers.base import Stabiliser


@dataclass
class SlowCopy(Stabiliser):
    """Let a copy follow the weights slowly; where a window is familiar, return to the copy.

    ``s += (w - s) / 2^shift`` after every window; then, if the novelty of the window is at or below
    the threshold, ``w = s`` where s is the larger of the two in magnitude: what decay took is given
    back, what was learned a moment ago is not taken for the copy's ignorance of it. With the gate
    ``surprise``, what is shown again and again without being learned anew does not fade away.

    Parameters
    ----------
    shift : float
        m: the copy's time constant is 2^m windows; a whole number from 0 to 16.
    threshold : float
        Novelty up to which a window counts as familiar, 0 to below 2.
    """

    shift: float = 4
    threshold: float = 0.15
    _copy: Floats | None = field(default=None, init=False, repr=False)
    name = "slow-copy"

    def __post_init__(self) -> None:
        if self.shift != int(self.shift) or not 0 <= self.shift <= 16:
            raise SpecError(
                f"stabiliser_parameters.slow-copy.shift = {self.shift:g}: "
                "needs a whole number from 0 to 16"
            )
        if not 0 <= self.threshold < 2:
            raise SpecError(
                f"stabiliser_parameters.slow-copy.threshold = {self.threshold:g}: "
                "needs 0 to below 2"
            )

    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights, or the copy where nothing was new."""
        slow = seen.weights if self._copy is None else self._copy
        self._copy = slow + (weights - slow) / 2 ** int(self.shift)
        familiar = np.asarray(seen.novelty <= self.threshold)[..., None, None]
        return np.where(familiar & (np.abs(self._copy) > np.abs(weights)), self._copy, weights)

    def state(self) -> dict[str, Floats]:
        """Return the copy, once there is one."""
        return {} if self._copy is None else {"copy": self._copy.copy()}

    def restore(self, state: dict[str, Floats]) -> None:
        """Return to a state taken by `state`."""
        self._copy = state["copy"].copy() if "copy" in state else None
