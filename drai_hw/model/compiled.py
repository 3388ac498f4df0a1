"""The twin in machine code: the same integers after every step, sooner."""

from __future__ import annotations

import importlib
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import ToolError
from drai_hw.model.machine import GATE_MARGIN, GATE_RESONANCE, check_weights
from drai_hw.model.numbers import EMA_FRACTION_BITS, Formats
from drai_hw.model.twin import Twin


def kernels(name: str = "kernels") -> ModuleType:
    """Return a module of compiled loops.

    Parameters
    ----------
    name : str
        Its name in this package.

    Raises
    ------
    ToolError
        Without numba, which the extra ``fast`` brings.
    """
    try:
        return importlib.import_module(f"drai_hw.model.{name}")
    except ModuleNotFoundError as error:
        if str(error.name).split(".")[0] not in ("numba", "llvmlite"):  # which numba brings
            raise
        raise ToolError(
            "compiled loops need the package numba, which is not installed: pip install "
            "'drai_hw[fast]'; without it drai_hw.model.twin.Twin gives CompiledTwin's bits"
        ) from error


class CompiledTwin(Twin):
    """`Twin` with compiled passes: equal to it bit for bit, snapshots and counters included.

    The weights live as the core stores them, one byte a pair in the order of the half-ring, so that
    the random draws of a slot meet its weights in one sweep. Sums of a pass are 32 bits wide while
    the largest possible sum fits, else 64; everything behind them is 64 bits. Nothing is parallel:
    one thread. The first run in a process waits for the compiler, or loads what it kept on disk.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry; few lanes leave the vector units empty, 16 or more fill them.

    Raises
    ------
    ToolError
        Without numba.
    """

    def __init__(self, formats: Formats) -> None:
        self._kernels = kernels()
        super().__init__(formats)
        wide = formats.sum_max > np.iinfo(np.int32).max
        self._sum: NDArray[Any] = np.zeros(formats.slots, dtype=np.int64 if wide else np.int32)
        room = self._kernels.TABLE
        self._odd = np.resize(self._table.astype(np.int16), max(room, self._table.size))
        self._even = np.roll(self._odd, -formats.quarter)

    @property
    def weights(self) -> NDArray[np.int64]:
        """A copy of the symmetric weight matrix, padding included; assign to change it."""
        s, f = self._schedule, self.formats
        out = np.zeros((f.slots, f.slots), dtype=np.int64)
        values = self.weight_words()[s.used]
        if f.mask:
            values = np.where(values == f.no_link, 0, values)
        out[s.i[s.used], s.j[s.used]] = values
        out[s.j[s.used], s.i[s.used]] = values
        return out

    @weights.setter
    def weights(self, weights: NDArray[np.int64]) -> None:
        s = self._schedule
        values = np.where(s.used, weights[s.i, s.j], 0)
        if self.formats.mask:
            values[s.used & ~self.links[s.i, s.j]] = self.formats.no_link
        self._words = np.zeros(values.size + self._kernels.WIDTH, dtype=np.int8)
        self._words[: values.size] = values.ravel()

    def load_weights(self, weights: ArrayLike) -> None:
        """Set the symmetric N x N weights (LSB)."""
        n, slots = self.formats.n, self.formats.slots
        padded = np.zeros((slots, slots), dtype=np.int64)
        padded[:n, :n] = check_weights(weights, self.formats, self.links[:n, :n])
        self.weights = padded

    def weight_words(self) -> NDArray[np.int64]:
        """Return the weights as the core stores them, shape (pair_slots, lanes); idle lanes 0."""
        slots, lanes = self.formats.pair_slots, self.formats.lanes
        return self._words[: slots * lanes].reshape(slots, lanes).astype(np.int64)

    def _field_pass(self) -> None:
        self._sweep(self._even, 1, learn=False)
        self.margin = (self._sum >= self.settings.margin) | ~self.active

    def _row_sums(self, absolute: bool) -> NDArray[Any]:
        return self._summed(self.active.astype(np.int8), absolute)

    def _edge_sums(self, wave: NDArray[np.int64]) -> NDArray[Any]:
        return self._summed(np.where(self.active, wave, 0).astype(np.int8), False)

    def _summed(self, wave: NDArray[np.int8], absolute: bool) -> NDArray[Any]:
        f = self.formats
        none = f.no_link if f.mask else 0
        kernels("census_kernels").row_sums(self._sum, self._words, wave, f.lanes, absolute, none)
        return np.where(self.active, self._sum, 0)

    def _couple_pass(self, learn: bool) -> None:
        f, s = self.formats, self.settings
        self._sweep(self._odd, -1, learn=learn)
        self.learn_steps += learn
        self._kernels.advance(
            self.theta, self.ema, self._sum, self.omega, self.psi, self.strength, self.clamp,
            self._table, self._dither, s.gain, self.shil, s.dither, f.shift, f.strength_shift,
            f.delta_max, f.accumulator_bits, f.phase_bits, f.resonance, f.frequency_bits,
        )  # fmt: skip
        self.shil = min(self.shil + s.shil_step, s.shil_max)

    def _sweep(self, table: NDArray[np.int16], sign: int, *, learn: bool) -> None:
        f, s = self.formats, self.settings
        held = self.margin if s.gates & GATE_MARGIN else np.zeros(f.slots, dtype=bool)
        resonance = f.resonance and s.gates & GATE_RESONANCE
        eta, decay = (self._in_vectors(stream) for stream in (self._eta, self._decay))
        self._kernels.sweep(
            self._sum, self._words, self.top.astype(np.int16), -self.active.astype(np.int16),
            -held.astype(np.int16), (self.ema >> EMA_FRACTION_BITS).astype(np.int32), table,
            1 << f.phase_bits, f.lanes, sign, learn, *f.learning_pass(self.learn_steps), s.eta,
            s.decay, f.fades, f.theta_r if resonance else 0, f.w_max, f.table_amplitude, eta, decay,
            self._events, -self.over.astype(np.int16), s.shrink, f.budget,
            self.lean.astype(np.int16), bool(f.centring and s.centre), f.no_link if f.mask else 0,
        )  # fmt: skip
        self._eta[:], self._decay[:] = eta[: f.lanes], decay[: f.lanes]

    def _in_vectors(self, stream: NDArray[np.int64]) -> NDArray[np.int32]:
        """Return the states of a stream with those of idle lanes, which stay 0."""
        width = self._kernels.WIDTH
        out = np.zeros(-(-stream.size // width) * width, dtype=np.int32)
        out[: stream.size] = stream
        return out


COMPILED_FROM = 128  # oscillators from which loading the compiled loops pays within one recall


def fastest(formats: Formats) -> Twin:
    """Return the twin that is done first: compiled for large networks where numba is installed.

    Both give the same bits.
    """
    if formats.n < COMPILED_FROM:
        return Twin(formats)
    try:
        return CompiledTwin(formats)
    except ToolError:
        return Twin(formats)
