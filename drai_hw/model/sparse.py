"""The twin on sparse weights with replicas: the same integers, a list of edges for the matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError, ToolError
from drai_hw.model import prng
from drai_hw.model.compiled import kernels
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
        self._start = np.searchsorted(self._i, np.arange(formats.n + 1))
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


class CompiledSparseTwin(SparseTwin):
    """`SparseTwin` in vector instructions, 64 replicas at a time: the same bits.

    Raises
    ------
    ToolError
        Without numba, on a processor without byte look-ups (AVX-512 VBMI), or for formats whose
        sums or phases do not fit its registers; the text says which.
    """

    def __init__(self, formats: Formats, edges: ArrayLike, seeds: Sequence[int]) -> None:
        module = kernels("replica_vectors")
        if formats.phase_bits > 8:
            raise ToolError(
                f"compiled replicas with phase_bits = {formats.phase_bits}: at most 8; "
                "drai_hw.model.sparse.SparseTwin gives the same bits"
            )
        if not module.HAS_BYTE_LOOK_UP:
            raise ToolError(
                "compiled replicas need a processor with AVX-512 VBMI; "
                "drai_hw.model.sparse.SparseTwin gives the same bits without"
            )
        self._kernels = kernels("sparse_kernels")
        self._lanes = module.REPLICAS
        super().__init__(formats, edges, seeds)
        lines = -(-self.replicas // self._lanes)
        self._groups = np.zeros((lines, formats.n * self._lanes), dtype=np.int32)
        self._tops = np.zeros((2, formats.n * self._lanes), dtype=np.int8)
        size = max(64, 1 << formats.phase_bits)
        self._bytes = np.resize(np.array(formats.coupling, dtype=np.int8), size)
        largest = int(np.abs(self._w).max(initial=1)) * formats.table_amplitude
        self._burst = max(1, np.iinfo(np.int16).max // max(largest, 1))
        self._places = self._j * self._lanes

    def reseed(self) -> None:
        """Restart the dither streams."""
        super().reseed()
        spare = -self.replicas % self._lanes  # replicas that nobody reads fill the last vector
        padded = np.append(self._streams, np.full(spare, self._streams[0]))
        self._lines = padded.astype(np.int32).reshape(-1, self._lanes)

    def read_phases(self) -> NDArray[np.int64]:
        """Return the phase accumulators, shape (R, N)."""
        cube = self._groups.reshape(-1, self.formats.n, self._lanes).transpose(0, 2, 1)
        flat: NDArray[np.int64] = cube.reshape(-1, self.formats.n)[: self.replicas].astype(np.int64)
        return flat

    def _put(self, theta: NDArray[np.int64]) -> None:
        padded = np.zeros((self._lines.size, self.formats.n), dtype=np.int32)
        padded[: self.replicas] = theta
        cube = padded.reshape(-1, self._lanes, self.formats.n).transpose(0, 2, 1)
        self._groups = np.ascontiguousarray(cube).reshape(len(self._lines), -1)

    def fits(self, settings: Settings) -> bool:
        """Say whether no intermediate value of a step leaves 32 bits."""
        f = self.formats
        pull = settings.gain * self.row_sum * f.table_amplitude
        pull += (settings.shil_max * f.table_amplitude) << f.strength_shift
        return pull + (1 << f.shift) < 1 << 31

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers (`SpecError` where a value does not fit)."""
        super().configure(settings)
        if not self.fits(settings):
            raise ToolError(
                f"compiled replicas with gain = {settings.gain} and shil_max = "
                f"{settings.shil_max}: 32 bits do not hold a torque of rows up to {self.row_sum}; "
                "drai_hw.model.sparse.SparseTwin gives the same bits"
            )

    def _run(self, steps: int) -> None:
        f, s = self.formats, self.settings
        self.shil = self._kernels.run(
            self._groups, self._tops, self._lines, self._start, self._places,
            self._w, self._bytes, steps, s.gain, self.shil, s.shil_step,
            s.shil_max, s.dither, f.shift, f.strength_shift, f.delta_max, f.accumulator_bits,
            f.phase_bits, self._burst, f.slots - f.n,
        )  # fmt: skip


def fastest(
    formats: Formats, edges: ArrayLike, seeds: Sequence[int], settings: Sequence[Settings] = ()
) -> SparseTwin:
    """Return the sparse twin that is done first and takes all the settings.

    All give the same bits.
    """
    try:
        twin = CompiledSparseTwin(formats, edges, seeds)
        for one in settings:
            twin.configure(one)
    except ToolError:
        return SparseTwin(formats, edges, seeds)
    return twin
