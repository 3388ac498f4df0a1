"""Patterns and corrupted copies of them, as plain arrays."""

from __future__ import annotations

import operator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw import spec as network
from drai_hw.errors import SpecError


def patterns(source: str, oscillators: int, *, seed: int = 0) -> NDArray[np.int64]:
    """Return named patterns of -1/+1.

    Parameters
    ----------
    source : str
        ``"letters:ACXTH"`` (5 x 7 pixels), ``"digits:0,1"`` (8 x 8), ``"random:5"``, or the path of
        a .npy or text file.
    oscillators : int
        N, pixels of each pattern.
    seed : int
        Seed of ``random:``.

    Returns
    -------
    array of int64, shape (M, N)

    Raises
    ------
    SpecError
        Unknown letters, wrong sizes, unreadable files.
    """
    return network.load_patterns(source, oscillators, seed=seed, folder=Path()).values


def corrupt(
    values: ArrayLike, flips: float, *, copies: int = 1, seed: int = 0
) -> NDArray[np.int64]:
    """Return copies of patterns in which a share of the pixels is flipped.

    Parameters
    ----------
    values : array of -1/+1, shape (M, N) or (N,)
        Patterns.
    flips : float
        Share of pixels, 0 to 1; ``floor(flips N + 0.5)`` distinct ones are flipped in each copy.
    copies : int
        Copies of each pattern.
    seed : int
        Seed of the choice of pixels.

    Returns
    -------
    array of int64, shape (copies M, N)
        All patterns in turn, then all again: row k comes from pattern ``k % M``.

    Raises
    ------
    SpecError
        A share outside 0 to 1, less than one copy, values other than -1/+1.
    """
    rows = as_patterns(values)
    if isinstance(flips, str) or not 0 <= flips <= 1:
        raise SpecError(f"flips = {flips!r}: needs a share from 0 to 1 of the pixels")
    copies = whole(copies, "copies", at_least=1)
    rng = np.random.default_rng(whole(seed, "seed"))
    return np.array([network.corrupt(row, flips, rng) for _ in range(copies) for row in rows])


def whole(value: Any, name: str, *, at_least: int = 0) -> int:
    """Return a whole number, NumPy's included; a `SpecError` names any other value."""
    try:
        number = operator.index(value)
    except TypeError:
        number = at_least - 1
    if isinstance(value, bool) or number < at_least:
        raise SpecError(f"{name} = {value!r}: needs a whole number of at least {at_least}")
    return number


def as_patterns(values: ArrayLike, oscillators: int | None = None) -> NDArray[np.int64]:
    """Return values as rows of -1/+1, checked; shape and values are named where they do not fit."""
    rows = np.atleast_2d(np.asarray(values))
    network.check_values(rows, f"of shape {np.shape(values)}")
    if oscillators is not None and rows.shape[1] != oscillators:
        raise SpecError(
            f"patterns of shape {np.shape(values)}: this network has {oscillators} oscillators; "
            f"needs shape (any, {oscillators})"
        )
    return rows.astype(np.int64)
