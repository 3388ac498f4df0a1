"""What every stabiliser has in common."""

from __future__ import annotations

import abc
from typing import ClassVar

import numpy as np

from drai_hw.model.gates.base import Floats, Observed


def row_sums(values: Floats, seen: Observed) -> Floats:
    """Return the sums of each oscillator's values over pairs of active oscillators, (..., N)."""
    return np.where(seen.both_active, values, 0.0).sum(axis=-1)


class Stabiliser(abc.ABC):
    """What keeps learned weights useful; applied after each window, in the order of the file.

    A subclass is a dataclass whose fields are the parameters, all with defaults; `name` is what
    the network file lists in ``learning.stabilisers``. Weights are symmetric with a diagonal of 0,
    and must stay so; saturation and the structural mask follow after the last stabiliser.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def apply(self, weights: Floats, seen: Observed) -> Floats:
        """Return the weights that follow from newly learned ones, shape (..., N, N).

        Parameters
        ----------
        weights : array, shape (..., N, N)
            After learning and decay.
        seen : Observed
            The window; its weights are those before the window.
        """

    def state(self) -> dict[str, Floats]:
        """Return what it remembers between windows, by name; empty for most."""
        return {}

    def restore(self, state: dict[str, Floats]) -> None:
        """Return to a state taken by `state`; nothing to do for those that remember nothing."""
        return
