"""What a network returns: small named objects that hold arrays and can draw themselves."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.api.data import as_patterns
from drai_hw.errors import SpecError
from drai_hw.model.machine import Counters

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Learned:
    """Outcome of storing patterns.

    Attributes
    ----------
    weights : array, shape (N, N) or (R, N, N)
        Weights, LSB; real numbers of the float model, integers of the twin.
    presentations : int
        Patterns shown in all (to each replica).
    all_held : bool
        The last round opened no gate: every oscillator of every pattern is held.
    counters : Counters
        Pairs visited, gated on, written, changed.
    """

    weights: NDArray[Any] = field(repr=False)
    presentations: int
    all_held: bool
    counters: Counters

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the weight matrix (of the first replica) and return the axes."""
        from drai_hw.api import plots

        return plots.weights(self.weights, ax)


@dataclass(frozen=True)
class Recalled:
    """Outcome of recalls.

    Attributes
    ----------
    patterns : array of int64, shape (K, N)
        What was read at the end; the sign of a whole pattern has no meaning.
    phases_rad : array, shape (K, N)
        Phases at the end, rad.
    trace_rad : array, shape (steps + 1, N)
        Phases of the first start against time.
    """

    patterns: NDArray[np.int64] = field(repr=False)
    phases_rad: NDArray[np.float64] = field(repr=False)
    trace_rad: NDArray[np.float64] = field(repr=False)

    def __repr__(self) -> str:
        count, n = self.patterns.shape
        return f"Recalled({count} patterns of {n}, {len(self.trace_rad) - 1} steps)"

    def overlap(self, targets: ArrayLike) -> NDArray[np.float64]:
        """Return |x y|/N with the target of each start, shape (K,): 1 is the target or its inverse.

        Parameters
        ----------
        targets : array of -1/+1, shape (M, N)
            The stored patterns; K must be a multiple of M, with start k made from ``k % M``, as
            `drai_hw.corrupt` does.
        """
        rows = as_patterns(targets, self.patterns.shape[1])
        count = len(self.patterns)
        if count % len(rows):
            raise SpecError(
                f"targets of shape {rows.shape} for {count} recalls: needs a number of targets "
                f"that divides {count}, in the order of `corrupt`"
            )
        wanted = rows[np.arange(count) % len(rows)]
        return np.abs(np.sum(self.patterns * wanted, axis=1)) / rows.shape[1]

    def exact(self, targets: ArrayLike) -> NDArray[np.bool_]:
        """Return which recalls equal their target up to a global sign, shape (K,)."""
        n = self.patterns.shape[1]
        return np.rint(self.overlap(targets) * n).astype(int) == n

    def exact_rate(self, targets: ArrayLike) -> float:
        """Return the share of exact recalls."""
        return float(self.exact(targets).mean())

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the phases of the first recall against time and return the axes."""
        from drai_hw.api import plots

        return plots.phases(self.trace_rad, ax)


@dataclass(frozen=True)
class Run:
    """Outcome of letting the phases move.

    Attributes
    ----------
    phases_rad : array, shape (N,) or (K, N)
        Phases at the end, rad.
    trace_rad : array, shape (samples, N) or (samples, K, N)
        Phases against time, the start included: ``steps // every + 1`` samples.
    every : int
        Steps from one sample to the next.
    """

    phases_rad: NDArray[np.float64] = field(repr=False)
    trace_rad: NDArray[np.float64] = field(repr=False)
    every: int = 1

    def __repr__(self) -> str:
        count = len(self.trace_rad)
        many = (
            f"{count - 1} steps"
            if self.every == 1
            else f"{count} samples, one in {self.every} steps"
        )
        return f"Run(phases {self.phases_rad.shape}, {many})"

    @property
    def order(self) -> NDArray[np.float64]:
        """Kuramoto's order parameter |mean exp(i phi)| against time, shape (samples, ...)."""
        return np.abs(np.exp(1j * self.trace_rad).mean(axis=-1))

    def plot(self, ax: Axes | None = None) -> Axes:
        """Draw the phases (of the first start) against time and return the axes."""
        from drai_hw.api import plots

        trace = self.trace_rad
        return plots.phases(trace if trace.ndim == 2 else trace[:, 0], ax, self.every)
