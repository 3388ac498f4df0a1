"""Start phases of a circuit's recall."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.settings import Floats


def start_phases_of(pattern: ArrayLike, jitter_rad: float, seed: int) -> Floats:
    """
    Return start phases of a pattern: 0 or pi with uniform jitter.

    Without jitter every phase sits on a saddle of the phase model, which no circuit does.

    Parameters
    ----------
    pattern : array_like, shape (N,)
        +1/-1.
    jitter_rad : float
        Half width of the jitter.
    seed : int
        Seed of the jitter.

    Returns
    -------
    ndarray of float
        Radian.

    Raises
    ------
    SpecError
        The pattern holds other values than +1 and -1.
    """
    sides = np.asarray(pattern)
    if sides.ndim != 1 or not np.isin(sides, (-1, 1)).all():
        raise SpecError(
            f"start pattern of shape {sides.shape} with values {np.unique(sides)[:5].tolist()}: "
            "needed is one row of +1 and -1"
        )
    jitter = np.random.default_rng(seed).uniform(-jitter_rad, jitter_rad, sides.size)
    return np.where(sides > 0, 0.0, math.pi) + jitter
