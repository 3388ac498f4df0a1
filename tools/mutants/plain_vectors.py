"""`drai_hw.model.vector_integers` in NumPy: the loops of the twin run with it as plain Python.

Its operations are machine instructions and cannot be called from Python; a mutant of the loops that
use them would have to be compiled anew, which takes longer than its tests. Put in the place of the
module before the loops are imported; the twin's bits come out, or the unchanged tests would fail.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np

WIDTH, TABLE = 32, 64


def load(array: Any, index: int) -> Any:
    """Return 32 elements, in 16 bits at least."""
    return array[index : index + WIDTH].astype(np.int32 if array.itemsize == 4 else np.int16)


def store(array: Any, index: int, vector: Any) -> None:
    """Write 32 elements, cut to the array's bits."""
    array[index : index + WIDTH] = vector.astype(array.dtype)


def shorts(number: int) -> Any:
    """Return 32 equal elements of 16 bits."""
    return np.full(WIDTH, number).astype(np.int16)


def words(number: int) -> Any:
    """Return 32 equal elements of 32 bits."""
    return np.full(WIDTH, number).astype(np.int32)


add, sub, mul = np.add, np.subtract, np.multiply
both, either, differ, left = np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.left_shift
below, at_most, unequal = np.less, np.less_equal, np.not_equal
choose, count = np.where, np.count_nonzero


def right(vector: Any, bits: Any) -> Any:
    """Shift words, filling with zeros."""
    return (vector.view(np.uint32) >> bits.view(np.uint32)).view(np.int32)


def longer(vector: Any) -> Any:
    """Return 16-bit elements in 32 bits."""
    return vector.astype(np.int32)


def leave(array: Any, index: int, vector: Any) -> None:
    """Add the first element to one of an array."""
    array[index : index + 1] += vector[:1]


def follow(vector: Any) -> Any:
    """Return the elements from the second on, and a 0."""
    return np.append(vector[1:], np.zeros(1, vector.dtype))


def look_up(table: Any, low: Any, high: Any, which: Any) -> Any:
    """Return entries of a table of 64."""
    return np.append(low, high)[which & (TABLE - 1)]


def pick(table: Any, which: Any) -> Any:
    """Return entries of a table of any size."""
    return table[which]


def install() -> None:
    """Put this module in the place of the real one."""
    sys.modules["drai_hw.model.vector_integers"] = sys.modules[__name__]


def pytest_configure() -> None:
    """Do so for a run of pytest with ``-p tools.mutants.plain_vectors``."""
    install()
