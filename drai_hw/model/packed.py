"""Symmetric weights stored once a pair: half the memory and half the traffic for the same step.

`drai_hw.model.fused` reads w_ij for i and again for j. Here a weight that is in a register serves
both: the torques of a row and of a column, and one learning step for the pair.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.compiled import kernels
from drai_hw.model.fused import LINE_BYTES, aligned_empty

Floats = NDArray[Any]

BLOCK = 16
"""Rows of a panel; as `drai_hw.model.packed_kernels` has it, which needs numba to be loaded."""

_APART = 3 * BLOCK
"""Elements between two rows of the work space: or all would compete for the same cache lines."""


class PackedWeights:
    """A symmetric N x N matrix in panels of 16 rows, each from its square on the diagonal on.

    N is rounded up to a multiple of 16 with zeros. Panel k holds the rows 16 k to 16 k + 15, whole
    from column 16 k to the last, row after row, each row at the start of a cache line. Only the
    squares on the diagonal hold both halves, which stay equal bit by bit. In all that is
    ``n (n + 16) / 2`` numbers for the rounded n, against N^2.

    An object also holds the work space of its steps, 8 (n + 48) numbers; two threads must not use
    one object at a time.

    Parameters
    ----------
    n : int
        Number of oscillators, >= 2. All weights are 0; see `from_dense`.
    dtype : {float32, float64}
        Type of the weights and of all arithmetic.

    Raises
    ------
    SpecError
        For another size or type.
    """

    def __init__(self, n: int, dtype: DTypeLike = np.float32) -> None:
        self.dtype = np.dtype(dtype)
        if self.dtype not in (np.dtype(np.float32), np.dtype(np.float64)):
            raise SpecError(f"packed weights of type {self.dtype}: needs float32 or float64")
        if n < 2:
            raise SpecError(f"packed weights of {n!r} oscillators: needs 2 or more")
        self.n = n
        self._size = -(-n // BLOCK) * BLOCK
        self.data: Floats = aligned_empty((self._size * (self._size + BLOCK) // 2,), self.dtype)
        self.data[:] = 0
        self.work: Floats = aligned_empty((8, self._size + _APART), self.dtype)
        self.work[:] = 0
        # of `learn_step`, without and with a diagonal: see the loops
        self._settings: Floats = np.ones((2, BLOCK * BLOCK + 4), dtype=self.dtype)
        self._settings[0, : -4 : BLOCK + 1] = 0

    @property
    def nbytes(self) -> int:
        """Bytes of the weights, padding included, the work space not."""
        return int(self.data.nbytes)

    def panels(self) -> Iterator[tuple[int, Floats]]:
        """Yield the first row (and column) of every panel, and the panel as a matrix."""
        start = 0
        for first in range(0, self._size, BLOCK):
            length = self._size - first
            yield first, self.data[start : start + BLOCK * length].reshape(BLOCK, length)
            start += BLOCK * length

    @classmethod
    def from_dense(cls, weights: Floats) -> PackedWeights:
        """Return the packed form of a symmetric matrix.

        Parameters
        ----------
        weights : array of float32 or float64, shape (N, N)
            Symmetric in every bit.

        Raises
        ------
        SpecError
            For another shape or type, or a pair with two different weights, which is named.
        """
        if weights.ndim != 2 or weights.shape[0] != weights.shape[1]:
            raise SpecError(f"weights of shape {weights.shape}: needs N x N")
        packed = cls(weights.shape[0], weights.dtype)
        for first, panel in packed.panels():
            part = weights[first : first + BLOCK, first:]
            mirrored = weights[first:, first : first + BLOCK].T
            if not np.array_equal(part, mirrored, equal_nan=True):
                i, j = np.argwhere(part != mirrored)[0]
                raise SpecError(
                    f"weights[{first + i}, {first + j}] = {part[i, j]!r} but "
                    f"weights[{first + j}, {first + i}] = {mirrored[i, j]!r}: needs one weight a "
                    "pair, a symmetric matrix"
                )
            panel[: part.shape[0], : part.shape[1]] = part
        return packed

    def to_dense(self) -> Floats:
        """Return the full matrix, shape (N, N)."""
        out = np.empty((self.n, self.n), dtype=self.dtype)
        for first, panel in self.panels():
            part = panel[: self.n - first, : self.n - first]
            out[first : first + BLOCK, first:] = part
            out[first:, first : first + BLOCK] = part.T
        return out

    def _vector(self, values: Floats, name: str) -> Floats:
        if values.shape != (self.n,):
            raise SpecError(f"{name} of shape {values.shape}: needs {(self.n,)}")
        return np.ascontiguousarray(values, dtype=self.dtype)

    def _waves(self, phases_rad: Floats, loops: ModuleType) -> None:
        """Fill sine and cosine where the phases are too large for the loops to do it."""
        np.sin(phases_rad, out=self.work[loops.SINE, : self.n])
        np.cos(phases_rad, out=self.work[loops.COSINE, : self.n])


@functools.cache
def _loops() -> ModuleType:
    """Return the compiled loops; kept, because asking for a module takes as long as 1000 pairs."""
    return kernels("packed_kernels")


def _sums(packed: PackedWeights, phases_rad: Floats, which: str) -> Floats:
    if phases_rad.ndim > 1:
        return _replicas(packed, phases_rad, which)
    loops = _loops()
    phases = packed._vector(phases_rad, "phases")
    if not loops.sums(packed.work, packed.data, phases, False):
        packed._waves(phases, loops)
        loops.sums(packed.work, packed.data, phases, True)
    return np.array(packed.work[getattr(loops, which), : packed.n])


def _replicas(packed: PackedWeights, phases_rad: Floats, which: str) -> Floats:
    """Return the sums of many replicas: in groups of as many as a vector has elements."""
    n, size = packed.n, packed._size
    if phases_rad.shape[-1] != n:
        raise SpecError(f"phases of shape {phases_rad.shape}: needs {(n,)} or (..., {n})")
    loops = kernels("replica_kernels")
    flat = phases_rad.reshape(-1, n)
    lanes = LINE_BYTES // packed.dtype.itemsize
    groups = -(-len(flat) // lanes)
    work = aligned_empty((4, groups, size, lanes), packed.dtype)
    sine, cosine = work[:2].reshape(2, -1)
    work[0] = 0  # idle lanes and rows, of which the weights are 0
    work[2:] = 0
    for g in range(groups):
        part = flat[g * lanes : (g + 1) * lanes].T
        work[0, g, :n, : part.shape[1]] = part
    if groups and not loops.waves(sine, cosine):
        for g in range(groups):
            part = flat[g * lanes : (g + 1) * lanes].astype(packed.dtype, copy=False).T
            work[0, g, :n, : part.shape[1]] = np.sin(part)
            work[1, g, :n, : part.shape[1]] = np.cos(part)
    if groups:
        loops.sums(sine, cosine, *work[2:].reshape(2, -1), packed.data, size)
    result = work[2 if which == "TORQUE" else 3, :, :n]
    out = np.empty(flat.shape, dtype=packed.dtype)
    for g in range(groups):
        part = out[g * lanes : (g + 1) * lanes]
        part[...] = result[g].T[: len(part)]
    return out.reshape(phases_rad.shape)


def torque(packed: PackedWeights, phases_rad: Floats) -> Floats:
    """Return sum_j w_ij sin(phi_j - phi_i) for every oscillator; every weight is read once.

    Replicas under the same weights share the vectors of the processor, 16 (float32) or 8 a time,
    and the weights they are multiplied by; a number of them that fills no vector wastes the rest.

    Parameters
    ----------
    packed : PackedWeights
        W; its type is that of the arithmetic.
    phases_rad : array, shape (N,) or (..., N)
        Phases, rad; leading axes are replicas.

    Returns
    -------
    array, shape (N,) or (..., N)

    Raises
    ------
    SpecError
        For a shape that does not fit.
    ToolError
        Without numba.
    """
    return _sums(packed, phases_rad, "TORQUE")


def field(packed: PackedWeights, phases_rad: Floats) -> Floats:
    """Return sum_j w_ij cos(phi_j - phi_i), what holds each oscillator in its place.

    Parameters and errors as of `torque`. A weight on the diagonal counts: cos 0 = 1.
    """
    return _sums(packed, phases_rad, "RESONANCE")


def learn_step(
    packed: PackedWeights,
    phases_rad: Floats,
    amplitudes: Floats,
    *,
    eta: float,
    keep: float = 1.0,
    limit: float = np.inf,
    held: NDArray[np.bool_] | None = None,
    diagonal: bool = True,
) -> tuple[Floats, Floats]:
    """Learn once in place and return what the new weights do to every oscillator.

    The step of `fused.learn_step`. For all pairs, with d = phi_i - phi_j and g_ij = 0 where both
    oscillators are held, else 1::

        w_ij := clip(keep (w_ij + eta g_ij a_i a_j cos d), -limit, limit)
        torque_i = sum_j w_ij sin(phi_j - phi_i)
        resonance_i = sum_j w_ij cos d

    To saturate first and to decay then, as the float reference does, give ``keep * limit`` for the
    limit: that is the same.

    Parameters
    ----------
    packed : PackedWeights
        W; changed in place.
    phases_rad, amplitudes : array, shape (N,)
        Phases, rad, and amplitudes.
    eta : float
        Learning rate a step, in units of w; below 0 it unlearns.
    keep : float
        Share of a weight that is left after the decay of a step, 0 to 1.
    limit : float
        Largest magnitude of a weight, > 0.
    held : array of bool, shape (N,), optional
        The margin gate: a pair of which both are held does not learn (it decays all the same).
    diagonal : bool
        Let w_ii learn like any weight, as in the article's network and in `fused.learn_step`.
        False: all w_ii are 0 after the step, as everywhere else in this project, where no
        oscillator has a weight to itself.

    Returns
    -------
    torque, resonance : arrays, shape (N,)

    Raises
    ------
    SpecError
        Shapes or values that do not fit.
    ToolError
        Without numba.
    """
    if not 0 <= keep <= 1 or not limit > 0:
        raise SpecError(f"keep = {keep}, limit = {limit}: needs keep from 0 to 1 and limit > 0")
    loops = _loops()
    phases = packed._vector(phases_rad, "phases")
    a = packed._vector(amplitudes, "amplitudes")
    if held is not None and (held.shape != (packed.n,) or held.dtype != np.bool_):
        raise SpecError(
            f"held of shape {held.shape} and type {held.dtype}: needs bool, {(packed.n,)}"
        )
    settings = packed._settings[int(diagonal)]
    # The root on both sides of the product gives w_ij and w_ji the same bits.
    settings[-4:] = abs(keep * eta) ** 0.5, (1.0 if eta >= 0 else -1.0), keep, limit
    if not loops.learn(packed.work, packed.data, phases, False, a, held, settings):
        packed._waves(phases, loops)
        loops.learn(packed.work, packed.data, phases, True, a, held, settings)
    n = packed.n
    return np.array(packed.work[loops.TORQUE, :n]), np.array(packed.work[loops.RESONANCE, :n])
