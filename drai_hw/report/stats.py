"""Intervals for rates: a share of trials is never shown without one."""

from __future__ import annotations

import math
from dataclasses import dataclass

from drai_hw.errors import SpecError

_Z_95 = 1.959963984540054  # 97.5 % quantile of the standard normal distribution


@dataclass(frozen=True)
class Rate:
    """
    A share of trials with its 95 % Wilson interval.

    Parameters
    ----------
    hits, trials:
        Counts, ``0 <= hits <= trials``, ``trials >= 1``.
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
        """Lower end of the interval."""
        return wilson(self.hits, self.trials)[0]

    @property
    def high(self) -> float:
        """Upper end of the interval."""
        return wilson(self.hits, self.trials)[1]

    def __str__(self) -> str:
        return f"{self.value:.3f} [{self.low:.3f}, {self.high:.3f}] ({self.hits}/{self.trials})"


def wilson(hits: int, trials: int, z: float = _Z_95) -> tuple[float, float]:
    """
    Return the Wilson score interval of a binomial share.

    Unlike the textbook interval it stays within 0 and 1 and has a width at 0 and at all hits.

    Parameters
    ----------
    hits, trials:
        Counts, ``0 <= hits <= trials``, ``trials >= 1``.
    z:
        Quantile of the standard normal distribution; default for 95 %.

    References
    ----------
    E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    J. Am. Stat. Assoc. 22 (1927) 209-212.
    """
    share = hits / trials
    scale = 1 + z * z / trials
    centre = (share + z * z / (2 * trials)) / scale
    half = z / scale * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    # Rounding must not exclude the observed share itself at its ends.
    return (0.0 if hits == 0 else centre - half, 1.0 if hits == trials else centre + half)
