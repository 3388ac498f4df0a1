"""Structural masks: which oscillators are linked at all, and states that belong to a graph."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.units import TAU


def ring(n: int, reach: int = 1) -> NDArray[np.float64]:
    """Return the weights, 0 or 1, of a ring in which each meets ``reach`` neighbours a side.

    Raises
    ------
    SpecError
        A ring too small for its reach.
    """
    if reach < 1 or n < 2 * reach + 1:
        raise SpecError(
            f"ring of {n} with reach {reach}: needs a reach of at least 1 and at least "
            f"{2 * max(reach, 1) + 1} oscillators"
        )
    distance = np.abs(np.arange(n)[:, None] - np.arange(n)[None, :])
    distance = np.minimum(distance, n - distance)
    return ((distance > 0) & (distance <= reach)).astype(np.float64)


def twisted_rad(n: int, turns: int) -> NDArray[np.float64]:
    """Return the q-twisted state of a ring: phases that rise by q turns once around.

    On a ring of nearest neighbours it is stable exactly for ``|q| < n/4``.

    References
    ----------
    D. A. Wiley, S. H. Strogatz, M. Girvan, The size of the sync basin, Chaos 16 (2006) 015103.
    """
    return TAU * turns * np.arange(n) / n


def winding(phases_rad: NDArray[np.float64]) -> int:
    """Return how often the phases turn once around the ring, each step by the shorter way."""
    steps = np.diff(np.append(phases_rad, phases_rad[0]))
    return round(float(np.sum(np.mod(steps + np.pi, TAU) - np.pi) / TAU))
