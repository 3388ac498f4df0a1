"""A crossbar of devices between word and bit lines: currents, drops, energy and gradients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.crossbar.grid import Grid
from drai_hw.spice.crossbar.lines import IdealLines, SparseLines
from drai_hw.spice.settings import Floats

Method = Literal["auto", "tiles", "sparse"]

SPARSE_BELOW = 48
"""An array with a shorter side than this is factorised by SuperLU, see decision 0011."""
LEAST_OHM, LARGEST_OHM = 1e-12, 1e12
BLOCK = 64
"""Inputs that are solved for at a time, which bounds the memory."""


def _numbers(values: ArrayLike, what: str) -> Floats:
    try:
        array = np.asarray(values, dtype=float)
    except (TypeError, ValueError) as error:
        raise SpecError(f"{what}: {error}; needed are real numbers") from error
    if not np.isfinite(array).all():
        raise SpecError(
            f"{what}: {int((~np.isfinite(array)).sum())} values are not finite; needed are real "
            "numbers (an open device has conductance 0, a short the conductance of its contact)"
        )
    return array


def _resistance(value: float, what: str) -> float | None:
    """Return the conductance of a segment, None for one without resistance."""
    if value == 0.0:
        return None
    if not LEAST_OHM <= value <= LARGEST_OHM:
        raise SpecError(
            f"{what} = {value:g} ohm: needed is 0, or from {LEAST_OHM:g} to {LARGEST_OHM:g} ohm"
        )
    return 1.0 / value


@dataclass(frozen=True)
class Solution:
    """
    Hold voltages and currents of a crossbar for one or more inputs.

    A leading axis of p inputs is there only if the input had one (``m x p``).

    Parameters
    ----------
    array : Crossbar
        What was solved.
    input_v : ndarray, shape (p, m)
        Voltages at the left ends of the word lines.
    word_v, bit_v : ndarray, shape (p, m, n)
        Voltages of the nodes of word and bit lines.
    residual : float
        Largest current that a node lacks or has too much, as a share of the largest current of a
        device or a line.
    single : bool
        One input vector without an axis of its own.
    """

    array: Crossbar
    input_v: Floats
    word_v: Floats
    bit_v: Floats
    residual: float
    single: bool

    def _shaped(self, values: Floats) -> Floats:
        return values[0] if self.single else values

    @property
    def device_a(self) -> Floats:
        """Return the devices' currents from word to bit line, ``(p,) m x n`` ampere."""
        return self._shaped(self.array.conductance_s * (self.word_v - self.bit_v))

    @property
    def currents_a(self) -> Floats:
        """Return the currents out of the bit lines, ``(p,) n`` ampere."""
        return self.device_a.sum(axis=-2)

    @property
    def source_a(self) -> Floats:
        """Return the currents into the word lines, ``(p,) m`` ampere."""
        return self.device_a.sum(axis=-1)

    @property
    def drop_v(self) -> Floats:
        """Return what the lines take of every device's voltage, ``(p,) m x n`` volt."""
        return self._shaped(self.input_v[..., np.newaxis] - (self.word_v - self.bit_v))

    @property
    def worst_drop_v(self) -> float:
        """Return the largest drop of all devices and inputs, without its sign."""
        return float(np.abs(self.drop_v).max())

    @property
    def worst_drop_at(self) -> tuple[int, int, int]:
        """Return input, row and column of the largest drop, from 0."""
        drop = np.abs(self.input_v[..., np.newaxis] - (self.word_v - self.bit_v))
        place = np.unravel_index(int(drop.argmax()), drop.shape)
        return int(place[0]), int(place[1]), int(place[2])

    @property
    def power_w(self) -> Floats:
        """Return the power that the sources deliver, for each input, watt."""
        delivered = np.asarray((self.input_v * np.atleast_2d(self.source_a)).sum(axis=-1))
        return self._shaped(delivered)

    @property
    def device_power_w(self) -> Floats:
        """Return the heat in the devices, for each input, watt; the rest is in the lines."""
        across = self.word_v - self.bit_v
        return self._shaped((self.array.conductance_s * across**2).sum(axis=(-2, -1)))

    def read_energy_j(self, read_s: float) -> Floats:
        """Return what a read takes from the sources, for each input, joule.

        Parameters
        ----------
        read_s : float
            Length of the read in seconds. Charging the lines' capacitance is not in it.
        """
        return self.power_w * read_s

    def gradient(self, loss_per_a: ArrayLike) -> tuple[Floats, Floats]:
        """
        Return the gradient of a loss with respect to conductances and to voltages.

        One adjoint solve with the same factor: the network is reciprocal, so it is the crossbar
        driven from the ends of its bit lines.

        Parameters
        ----------
        loss_per_a : array_like
            Derivative of the loss by the output currents, shaped like `currents_a`.

        Returns
        -------
        tuple of ndarray
            Per siemens, shape (m, n), summed over inputs; per volt, shaped ``(p,) m``.

        Raises
        ------
        SpecError
            The derivative has another shape than the currents.
        """
        wanted = self.currents_a.shape
        given = _numbers(loss_per_a, "loss_per_a")
        if given.shape != wanted:
            raise SpecError(
                f"loss_per_a has shape {given.shape}; needed is that of the currents, {wanted}"
            )
        ends = np.atleast_2d(given)
        g = self.array.conductance_s
        by_g, by_v = np.zeros(g.shape), np.empty(self.input_v.shape)
        for start in range(0, len(ends), BLOCK):
            part = slice(start, start + BLOCK)
            through = g * ends[part, np.newaxis, :]
            word, bit = self.array.respond(through, -through)
            across = bit + ends[part, np.newaxis, :] - word
            by_g += (across * (self.word_v[part] - self.bit_v[part])).sum(axis=0)
            by_v[part] = (g * across).sum(axis=-1)
        return by_g, self._shaped(by_v)


class Crossbar:
    """
    Factorise a crossbar once; then solve it for any number of inputs.

    Word lines are driven from the left, bit lines are held at 0 V at the bottom; there is a segment
    of wire between neighbouring crossings and one between line end and first crossing (the
    convention of badcrossbar).

    Parameters
    ----------
    conductance_s : array_like, shape (m, n)
        Devices in siemens, 0 or more; 0 is open, a stuck one has the conductance it is stuck at.
    word_ohm : float
        Resistance of a segment of a word line in ohm; 0 is allowed.
    bit_ohm : float, optional
        The same of a bit line, ``word_ohm`` if not given.
    method : {"auto", "tiles", "sparse"}
        How to factorise; ``auto`` takes what is quicker at this size.

    Raises
    ------
    SpecError
        Shape, range or kind of an argument.
    """

    def __init__(
        self,
        conductance_s: ArrayLike,
        word_ohm: float,
        bit_ohm: float | None = None,
        *,
        method: Method = "auto",
    ) -> None:
        g = _numbers(conductance_s, "conductances")
        if g.ndim != 2 or 0 in g.shape:
            raise SpecError(
                f"conductances have shape {g.shape}; needed is m x n, a row for each word line"
            )
        if (g < 0).any():
            i, j = (int(k) for k in np.argwhere(g < 0)[0])
            raise SpecError(
                f"conductance in row {i}, column {j} is {g[i, j]:g} S; needed is 0 (open) or more; "
                "signed weights take two devices each: see map_weights, or --map"
            )
        if g.max() > LARGEST_OHM:
            raise SpecError(
                f"conductance {g.max():g} S; needed is at most {LARGEST_OHM:g} S: are these ohm?"
            )
        self.conductance_s = g
        self.word_ohm = float(word_ohm)
        self.bit_ohm = self.word_ohm if bit_ohm is None else float(bit_ohm)
        self._word_s = _resistance(self.word_ohm, "word-line segment")
        self._bit_s = _resistance(self.bit_ohm, "bit-line segment")
        self._lines: Grid | SparseLines | IdealLines
        if self._word_s is None or self._bit_s is None:
            self.method = "ideal lines"
            self._lines = IdealLines(g, self._word_s, self._bit_s)
        elif method == "sparse" or (method == "auto" and min(g.shape) < SPARSE_BELOW):
            self.method = "sparse"
            self._lines = SparseLines(g, self._word_s, self._bit_s)
        else:
            self.method = "tiles"
            self._lines = Grid(g, self._word_s, self._bit_s)

    def respond(self, word_a: Floats, bit_a: Floats) -> tuple[Floats, Floats]:
        """
        Return the voltages caused by currents into the nodes, all line ends at 0 V.

        Parameters
        ----------
        word_a, bit_a : ndarray, shape (q, m, n)
            Ampere into the nodes of word and bit lines.

        Returns
        -------
        tuple of ndarray, shape (q, m, n)
            Volts.
        """
        return self._lines.solve(word_a, bit_a)

    def solve(self, input_v: ArrayLike) -> Solution:
        """
        Return voltages and currents.

        Solved is for the difference from lines without resistance, which keeps small drops exact.

        Parameters
        ----------
        input_v : array_like, shape (m,) or (m, p)
            Volts at the word lines; a column for each of p inputs.

        Raises
        ------
        SpecError
            The shape is another one.
        """
        m = self.conductance_s.shape[0]
        given = _numbers(input_v, "voltages")
        if given.ndim not in (1, 2) or given.shape[0] != m or given.size == 0:
            raise SpecError(
                f"voltages have shape {given.shape}; needed is {m}, or {m} x p: one for each of "
                f"the {m} word lines (rows of the conductances)"
            )
        inputs = np.atleast_2d(given.T)
        word = np.empty((len(inputs), *self.conductance_s.shape))
        bit = np.empty_like(word)
        residual = 0.0
        for start in range(0, len(inputs), BLOCK):
            part = slice(start, start + BLOCK)
            ideal = self.conductance_s * inputs[part, :, np.newaxis]
            dropped, raised = self.respond(-ideal, ideal)
            residual = max(residual, self._residual(inputs[part], dropped, raised))
            word[part], bit[part] = inputs[part, :, np.newaxis] + dropped, raised
        return Solution(self, inputs, word, bit, residual, given.ndim == 1)

    def _residual(self, inputs: Floats, dropped: Floats, raised: Floats) -> float:
        device = self.conductance_s * (inputs[:, :, np.newaxis] + dropped - raised)
        largest, worst = np.abs(device).max(), 0.0
        if self._word_s is not None:
            wire = -self._word_s * np.diff(dropped, axis=2, prepend=0.0)
            lacking = wire - np.concatenate((wire[:, :, 1:], np.zeros_like(wire[:, :, :1])), 2)
            worst = np.abs(lacking - device).max()
            largest = max(largest, np.abs(wire).max())
        if self._bit_s is not None:
            wire = -self._bit_s * np.diff(raised, axis=1, append=0.0)
            surplus = wire - np.concatenate((np.zeros_like(wire[:, :1]), wire[:, :-1]), 1)
            worst = max(worst, np.abs(surplus - device).max())
            largest = max(largest, np.abs(wire).max())
        return float(worst / largest) if largest > 0 else 0.0

    def effective_s(self) -> Floats:
        """Return the conductances that outputs see, shape (m, n): current = effective.T @ input."""
        m, n = self.conductance_s.shape
        result = np.empty((m, n))
        for start in range(0, m, BLOCK):
            rows = np.arange(start, min(start + BLOCK, m))
            unit = np.zeros((rows.size, m))
            unit[np.arange(rows.size), rows] = 1.0
            ideal = self.conductance_s * unit[:, :, np.newaxis]
            dropped, raised = self.respond(-ideal, ideal)
            device = self.conductance_s * (unit[:, :, np.newaxis] + dropped - raised)
            result[rows] = device.sum(axis=1)
        return result
