"""The twin on sparse weights with replicas: the same integers, a list of edges for the matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model import prng
from drai_hw.model.machine import Settings, check_vector
from drai_hw.model.numbers import Formats, round_shift

_DITHER = np.array([0, 1, -1, 0], dtype=np.int64)  # value of a two-bit draw


class SparseTwin:
    """Phases of many replicas that share sparse symmetric weights, without learning.

    Replica r is a core of these formats with a dither seed of its own: after every step its phases
    are those of `drai_hw.model.twin.Twin`, bit for bit. There are no inputs, clamps or tuning
    words, and all N oscillators are active.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry; lanes and pages matter only for the draws of padding slots.
    edges : array of int, shape (m, 3)
        Rows i, j, w with i != j from 0 to N - 1, each pair at most once.
    seeds : sequence of int
        Seed of the dither stream of each replica, as ``Formats.seed``; their number is R.

    Attributes
    ----------
    shil : int
        Present k_s.
    row_sum : int
        Largest sum of |w| over the edges of one oscillator.

    Raises
    ------
    SpecError
        Weights or indices that do not fit.
    """

    def __init__(self, formats: Formats, edges: ArrayLike, seeds: Sequence[int]) -> None:
        self.formats = formats
        self.replicas = len(seeds)
        self.settings = Settings()
        self.shil = 0
        self._first = [prng.spread_seeds(seed, "dither", 1)[0] for seed in seeds]
        self._i, self._j, self._w = _directed(formats, edges)
        rows = np.zeros(formats.n, dtype=np.int64)
        np.add.at(rows, self._i, np.abs(self._w))
        self.row_sum = int(rows.max())
        self._theta = np.zeros((formats.n, self.replicas), dtype=np.int64)
        self.reseed()

    # -- host side -------------------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers (`SpecError` where a value does not fit)."""
        settings.check(self.formats)
        self.settings = settings

    def reseed(self) -> None:
        """Restart the dither streams."""
        self._streams = np.array(self._first, dtype=np.int64)

    def load_phases(self, theta: ArrayLike) -> None:
        """Set the phase accumulators (LSB), shape (R, N)."""
        top = (1 << self.formats.accumulator_bits) - 1
        values = np.asarray(theta)
        if values.shape != (self.replicas, self.formats.n):
            raise SpecError(
                f"phases of shape {values.shape}: needs {self.replicas} replicas of "
                f"{self.formats.n} oscillators"
            )
        self._put(check_vector(values.ravel(), values.size, 0, top, "phase").reshape(values.shape))

    def read_phases(self) -> NDArray[np.int64]:
        """Return the phase accumulators, shape (R, N)."""
        return self._theta.T.copy()

    def _put(self, theta: NDArray[np.int64]) -> None:
        self._theta = theta.T.copy()

    # -- dynamics --------------------------------------------------------------------------

    def run(self, steps: int, *, resume: bool = False) -> None:
        """Do ``steps`` couple passes; with ``resume`` the SHIL ramp goes on."""
        if not resume:
            self.shil = 0
        self._run(steps)

    def _run(self, steps: int) -> None:
        f, s = self.formats, self.settings
        table = np.array(f.coupling, dtype=np.int64)
        mask = (1 << f.phase_bits) - 1
        rows, begins = np.unique(self._i, return_index=True)
        skip = _Leaps(f.slots)
        for _ in range(steps):
            top = self._theta >> (f.accumulator_bits - f.phase_bits)
            torque = np.zeros_like(self._theta)
            if rows.size:
                pulls = table[(top[self._j] - top[self._i]) & mask] * self._w[:, None]
                torque[rows] = np.add.reduceat(pulls, begins)
            pull = -self.shil * table[(2 * top) & mask]
            x = s.gain * torque + (pull << f.strength_shift)
            delta = np.clip(round_shift(x, f.shift), -f.delta_max, f.delta_max)
            draws, self._streams = skip.draws(self._streams)
            if s.dither:
                delta += _DITHER[draws[: f.n] & 3] << (s.dither - 1)
            self._theta = (self._theta + delta) & ((1 << f.accumulator_bits) - 1)
            self.shil = min(self.shil + s.shil_step, s.shil_max)


class _Leaps:
    """All draws of a step at once: a leap is linear over GF(2), so leaps of leaps are tables.

    Parameters
    ----------
    count : int
        Draws of a step.
    """

    def __init__(self, count: int) -> None:
        self._count = count
        basis = np.int64(1) << np.arange(prng.BITS)
        images, self._tables = prng.leap(basis, prng.LEAP), []
        span = 1
        while True:  # table of 1, 2, 4, ... leaps
            self._tables.append(_byte_tables(images))
            if span > count:
                break
            images, span = _apply(self._tables[-1], images), 2 * span

    def draws(self, streams: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the states before each draw, shape (count, R), and those after the last."""
        out = streams[None, :]
        for table in self._tables:
            out = np.concatenate([out, _apply(table, out)])
        return out[: self._count], out[self._count]


def _byte_tables(images: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the linear map that takes bit b to ``images[b]``, by bytes: shape (4, 256)."""
    tables = np.zeros((4, 256), dtype=np.int64)
    for bit, image in enumerate(images):
        byte, inside = divmod(bit, 8)
        tables[byte] ^= np.where(np.arange(256) >> inside & 1, image, 0)
    return tables


def _apply(tables: NDArray[np.int64], states: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the images of states under a linear map."""
    out = tables[0][states & 255]
    for byte in range(1, 4):
        out = out ^ tables[byte][states >> (8 * byte) & 255]
    return out


def _directed(
    formats: Formats, edges: ArrayLike
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Return i, j, w of every edge in both directions, sorted by i, then j."""
    rows = np.asarray(edges, dtype=np.int64).reshape(-1, 3)
    i, j, w = rows.T
    n, largest = formats.n, int(np.abs(w).max(initial=0))
    if rows.size and (min(i.min(), j.min()) < 0 or max(i.max(), j.max()) >= n or (i == j).any()):
        raise SpecError(f"edges need two different oscillators each, from 0 to {n - 1}")
    if largest > formats.w_max:
        raise SpecError(
            f"weights up to {largest}: weight_bits = {formats.weight_bits} holds "
            f"-{formats.w_max} to {formats.w_max}; weight_bits = "
            f"{largest.bit_length() + 1} would do"
        )
    i, j, w = np.concatenate([i, j]), np.concatenate([j, i]), np.concatenate([w, w])
    order = np.lexsort((j, i))
    i, j, w = i[order], j[order], w[order]
    if np.any((i[1:] == i[:-1]) & (j[1:] == j[:-1])):
        raise SpecError("edges name a pair twice: there is one weight for each unordered pair")
    return i, j, w
