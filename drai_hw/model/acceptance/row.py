"""What a row of the acceptance table is, and how it is judged."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

MACHINES = ("float", "twin")
HEAVY_SECONDS = 2.0  # rows that take longer wait for the full tests


@dataclass(frozen=True, kw_only=True)
class Row:
    """One published or closed-form value and how to measure it.

    Parameters
    ----------
    id : str
        Number of the result, A1 to A18.
    name : str
        Short name, unique among all rows.
    statement : str
        What is measured.
    machine : {"float", "twin"}
        The model that is run.
    source : str
        Paper, equation or derivation behind ``expected``.
    expected : float
        Closed form or published value.
    tolerance : float
        Largest accepted distance, 0 or more; exact equality at 0.
    reason : str
        Why the tolerance is what it is.
    compute : callable
        Runs the machine and returns the value.
    relation : {"=", "<=", ">="}
        ``=``: within the tolerance on both sides; else a bound, which the value may pass by the
        tolerance at most.
    seconds : float
        About how long it takes on one core; for the choice of tests, not shown.
    """

    id: str
    name: str
    statement: str
    machine: str
    source: str
    expected: float
    tolerance: float
    reason: str
    compute: Callable[[], float]
    relation: str = "="
    seconds: float = 0.1

    @property
    def heavy(self) -> bool:
        """Whether the row is left to the full tests."""
        return self.seconds > HEAVY_SECONDS

    def passes(self, value: float) -> bool:
        """Say whether a measured value fulfils the row; a value that is no number does not."""
        if self.relation == "<=":
            return value <= self.expected + self.tolerance
        if self.relation == ">=":
            return value >= self.expected - self.tolerance
        return abs(value - self.expected) <= self.tolerance

    @property
    def decimals(self) -> int:
        """Decimals of the value on the page: a hundredth of the tolerance, or of a bound."""
        scale = self.tolerance or (abs(self.expected) if self.relation != "=" else 0.0)
        return 0 if scale == 0 else min(10, max(0, 1 - math.floor(math.log10(scale))))

    def shown(self, value: float) -> str:
        """Return a value as the page shows it, rounded so that it is the same on any machine."""
        return f"{value:.{self.decimals}f}" if round(value, self.decimals) else "0"
