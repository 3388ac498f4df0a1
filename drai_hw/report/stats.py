"""Rates with their intervals: a share of trials is never shown without one."""

from __future__ import annotations

from dataclasses import dataclass

from drai_hw.errors import SpecError
from drai_hw.model.readout import wilson_interval


@dataclass(frozen=True)
class Rate:
    """
    A share of trials with its 95 % Wilson interval.

    Parameters
    ----------
    hits, trials:
        Counts, ``0 <= hits <= trials``, ``trials >= 1``.

    Raises
    ------
    SpecError
        When the counts are no share.
    """

    hits: int
    trials: int

    def __post_init__(self) -> None:
        if self.trials < 1 or not 0 <= self.hits <= self.trials:
            raise SpecError(
                f"{self.hits} hits of {self.trials} trials: a rate needs at least one trial and "
                "0 to as many hits as trials"
            )

    @property
    def value(self) -> float:
        """Observed share, 0 to 1."""
        return self.hits / self.trials

    @property
    def low(self) -> float:
        """Lower end of the interval; rounding never excludes the observed share."""
        return min(self.value, wilson_interval(self.hits, self.trials)[0])

    @property
    def high(self) -> float:
        """Upper end of the interval; rounding never excludes the observed share."""
        return max(self.value, wilson_interval(self.hits, self.trials)[1])

    def overlaps(self, other: Rate) -> bool:
        """Say whether the intervals of two rates overlap: the data do not tell them apart."""
        return self.low <= other.high and other.low <= self.high

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] ({self.hits}/{self.trials})"
