"""The binary Hopfield network, the control that shows what the phases add or cost."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def recall(
    weights: ArrayLike, start: ArrayLike, sweeps: int = 50, seed: int = 0
) -> NDArray[np.int64]:
    """Return the pattern to which sign updates, one unit at a time in random order, lead.

    Parameters
    ----------
    weights : array, shape (N, N)
        Symmetric; the diagonal is ignored. A field of exactly 0 leaves a unit as it is.
    start : array of -1/+1, shape (N,)
        First state.
    sweeps : int
        At most so many passes over all units; ends at the first that changes nothing.
    seed : int
        Seed of the order.

    References
    ----------
    J. J. Hopfield, Proc. Natl. Acad. Sci. 79 (1982) 2554.
    """
    w = np.array(weights, dtype=np.float64)
    np.fill_diagonal(w, 0.0)
    x = np.array(start, dtype=np.int64)
    rng = np.random.default_rng(seed)
    for _ in range(sweeps):
        before = x.copy()
        for i in rng.permutation(x.size):
            field = w[i] @ x
            if field:
                x[i] = 1 if field > 0 else -1
        if np.array_equal(x, before):
            break
    return x
