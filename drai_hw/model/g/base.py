"""What every learning function g has in common."""

from __future__ import annotations

import abc
from dataclasses import fields
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray


class LearningFunction(abc.ABC):
    """A function g of the phase difference, even and of period 2 pi, with values in [-1, 1].

    A subclass is a frozen dataclass whose fields are the parameters, all with defaults; `name` is
    what the network file says in ``learning.g``.
    """

    name: ClassVar[str]

    @abc.abstractmethod
    def __call__(self, psi_rad: ArrayLike) -> NDArray[np.float64]:
        """Return g of phase differences in rad."""

    @property
    @abc.abstractmethod
    def drift_mean(self) -> float:
        """Mean of g over a full turn: the learning rate of a pair that drifts past each other.

        Unconnected pairs fade by g alone only where this is negative.
        """

    @classmethod
    def parameters(cls) -> tuple[str, ...]:
        """Return the names of the parameters."""
        return tuple(field.name for field in fields(cls))  # type: ignore[arg-type]
