"""Structural masks: which pairs of oscillators are linked at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.files import given_array

_FORMS = (
    '"ring:K" (K neighbours a side), "grid:W" (rows of W, four neighbours), "random:SHARE" (share '
    "of all pairs, connected), a .npy file of N x N zeros and ones, or pairs"
)


def load_mask(
    source: str | Sequence[tuple[int, int]],
    oscillators: int,
    *,
    seed: int = 0,
    folder: Path | None = None,
) -> NDArray[np.bool_] | None:
    """Return the links that a network file names, shape (N, N), or None for all of them.

    Parameters
    ----------
    source : str or sequence of pairs
        What ``network.mask`` says; empty for all pairs.
    oscillators : int
        N.
    seed : int
        Seed of ``random:``.
    folder : Path, optional
        Where relative paths start.

    Raises
    ------
    SpecError
        An unknown form, a value that does not fit N, a file that is no symmetric mask.
    """
    if not source:
        return None
    if not isinstance(source, str):
        return _links(source, oscillators)
    if source.endswith(".npy"):
        return _read((folder or Path()) / source, oscillators)
    form = re.fullmatch(r"(ring|grid|random):(\d*\.?\d+)", source)
    if not form:
        raise SpecError(f"network.mask = {source!r}: needs {_FORMS}")
    kind, value = form[1], float(form[2])
    if kind == "random":
        return _random(value, oscillators, seed)
    if value != int(value) or not 1 <= value < oscillators:
        raise SpecError(
            f"network.mask = {source!r}: needs a whole number from 1 to {oscillators - 1}"
        )
    return _ring(int(value), oscillators) if kind == "ring" else _grid(int(value), oscillators)


def links_of(mask: NDArray[np.bool_] | None) -> list[list[int]]:
    """Return the pairs i < j of a mask, as a network file lists them."""
    return [] if mask is None else np.argwhere(np.triu(mask, 1)).tolist()


def _links(pairs: Sequence[tuple[int, int]], n: int) -> NDArray[np.bool_]:
    mask = np.zeros((n, n), dtype=bool)
    for i, j in pairs:
        if not (0 <= i < n and 0 <= j < n and i != j):
            raise SpecError(
                f"network.mask has the pair [{i}, {j}]: needs two different oscillators from 0 to "
                f"{n - 1}"
            )
        mask[i, j] = mask[j, i] = True
    return mask


def _ring(reach: int, n: int) -> NDArray[np.bool_]:
    apart = np.abs(np.arange(n)[:, None] - np.arange(n)[None, :])
    apart = np.minimum(apart, n - apart)
    return (apart > 0) & (apart <= reach)


def _grid(width: int, n: int) -> NDArray[np.bool_]:
    row, column = np.divmod(np.arange(n), width)
    apart = np.abs(row[:, None] - row[None, :]) + np.abs(column[:, None] - column[None, :])
    return apart == 1


def _random(share: float, n: int, seed: int) -> NDArray[np.bool_]:
    """Return a random tree, which connects all, and further random links up to the share."""
    if not 0 < share <= 1:
        raise SpecError(f'network.mask = "random:{share:g}": needs a share above 0 to 1')
    rng = np.random.default_rng([seed, 2])
    mask = np.zeros((n, n), dtype=bool)
    order = rng.permutation(n)
    for position in range(1, n):
        mask[order[position], order[rng.integers(position)]] = True
    mask |= mask.T
    i, j = np.triu_indices(n, 1)
    missing = np.flatnonzero(~mask[i, j])
    more = max(0, round(share * i.size) - (n - 1))
    chosen = rng.permutation(missing)[:more]
    mask[i[chosen], j[chosen]] = mask[j[chosen], i[chosen]] = True
    return mask


def _read(path: Path, n: int) -> NDArray[np.bool_]:
    values = given_array(path, "network.mask", f"a .npy array of {n} x {n} zeros and ones")
    if values.shape != (n, n):
        raise SpecError(
            f"network.mask = {str(path)!r}: has shape {values.shape}; needs ({n}, {n}), "
            "one row an oscillator"
        )
    if not np.all((values == 0) | (values == 1)) or np.any(values != values.T):
        raise SpecError(
            f"network.mask = {str(path)!r}: needs zeros and ones that are symmetric, since a link "
            "belongs to both its ends"
        )
    mask = values.astype(bool)
    np.fill_diagonal(mask, False)
    return mask
