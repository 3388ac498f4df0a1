"""Damped two-term nodes (AR(2)) and sets of frequencies for them, by name."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.units import TAU

Floats = NDArray[np.float64]

GOLDEN_RATIO = (1.0 + math.sqrt(5.0)) / 2.0
FrequencySet = Callable[[int, float, float, np.random.Generator], NDArray[Any]]

# Each takes the number of nodes, the lowest and the highest frequency in Hz, and a generator.
FREQUENCY_SETS: dict[str, FrequencySet] = {
    "golden": lambda n, low, high, rng: low * GOLDEN_RATIO ** np.arange(n),
    "linear": lambda n, low, high, rng: np.linspace(low, high, n),
    "octave": lambda n, low, high, rng: low * 2.0 ** np.arange(n),
    "random": lambda n, low, high, rng: np.sort(rng.uniform(low, high, n)),
}


def frequencies_hz(
    name: str, nodes: int, lowest_hz: float, highest_hz: float, seed: int = 0
) -> Floats:
    """Return the frequencies of a set by its name, rising.

    ``golden`` and ``octave`` rise from the lowest by factors of 1.618 and 2, whatever the highest
    is; ``linear`` fills the range evenly, both ends included; ``random`` draws from it, uniformly.

    Parameters
    ----------
    name : str
        A key of `FREQUENCY_SETS`; a function put there is a set of one's own.
    nodes : int
        How many, at least 1.
    lowest_hz, highest_hz : float
        Range, above 0.
    seed : int
        Seed of ``random``.

    Raises
    ------
    SpecError
        Unknown name, no range, or a set that leaves the range.

    References
    ----------
    M. A. Kramer, Golden rhythms as a theoretical framework for cross-frequency organization,
    arXiv 2111.09953, for ``golden``.
    """
    if name not in FREQUENCY_SETS:
        raise SpecError(f"frequencies {name!r}: known sets are {', '.join(FREQUENCY_SETS)}")
    if nodes < 1 or not 0 < lowest_hz <= highest_hz:
        raise SpecError(
            f"{nodes} nodes from {lowest_hz:g} to {highest_hz:g} Hz: needs at least 1 node and a "
            f"range above 0 Hz that rises"
        )
    found = FREQUENCY_SETS[name](nodes, lowest_hz, highest_hz, np.random.default_rng(seed))
    fitting = int(np.count_nonzero(found <= highest_hz * (1.0 + 1e-12)))
    if fitting < nodes:
        raise SpecError(
            f"frequencies {name!r}: {fitting} of {nodes} nodes fit between {lowest_hz:g} and "
            f"{highest_hz:g} Hz; take fewer, or start lower"
        )
    return found


def node_angles_rad(frequencies: ArrayLike, sample_hz: float) -> Floats:
    """Return ``2 pi f/f_sample`` of frequencies in Hz, refused from a quarter of the rate up.

    Below a quarter the first coefficient ``2 r cos theta`` is above 0, which the RRN asks of its
    nodes; `Resonators` itself takes angles up to pi.

    Raises
    ------
    SpecError
        A frequency that is not above 0 and below a quarter of the sampling rate.
    """
    f = np.atleast_1d(np.asarray(frequencies, dtype=np.float64))
    wrong = f[~((f > 0) & (f < sample_hz / 4.0))]
    if wrong.size:
        raise SpecError(
            f"frequency = {wrong[0]:g} Hz: a node needs above 0 and below a quarter of the "
            f"sampling rate, {sample_hz / 4.0:g} Hz"
        )
    return TAU * f / sample_hz


class Resonators:
    """Independent nodes that ring at their own frequency.

    The equation::

        x_t = 2 r cos(theta) x_{t-1} - r^2 x_{t-2} + u_t

    Parameters
    ----------
    angles_rad : array, shape (N,)
        theta = 2 pi f / f_sample, above 0 and below pi.
    radius : float
        r, pole radius, 0 to below 1: the ringing falls by r a sample.

    References
    ----------
    M. A. Kramer, arXiv 2506.17083 (Resonant Reservoir Network), for the node; G. E. P. Box, G. M.
    Jenkins, Time Series Analysis (1970), for the response and spectrum of an AR(2) process.
    """

    def __init__(self, angles_rad: ArrayLike, radius: float) -> None:
        self.angles_rad = np.atleast_1d(np.asarray(angles_rad, dtype=np.float64))
        if not 0 <= radius < 1:
            raise SpecError(f"radius = {radius!r}: a node is damped for 0 to below 1")
        if np.any(self.angles_rad <= 0) or np.any(self.angles_rad >= math.pi):
            worst = self.angles_rad[(self.angles_rad <= 0) | (self.angles_rad >= math.pi)][0]
            raise SpecError(f"angle = {worst:g} rad: needs above 0 and below pi rad a sample")
        self.radius = radius
        self.now = np.zeros(self.angles_rad.size)
        self.before = np.zeros(self.angles_rad.size)

    def run(self, inputs: ArrayLike) -> Floats:
        """Feed samples, shape (steps,) or (steps, N), and return x of every node, (steps, N)."""
        u = np.asarray(inputs, dtype=np.float64)
        u = np.broadcast_to(u[:, None], (len(u), self.now.size)) if u.ndim == 1 else u
        first, second = self.coefficients()
        out = np.empty(u.shape)
        for index, sample in enumerate(u):
            self.now, self.before = first * self.now + second * self.before + sample, self.now
            out[index] = self.now
        return out

    def coefficients(self) -> tuple[Floats, float]:
        """Return ``2 r cos theta`` of every node and ``-r^2``.

        The poles are ``r e^{+-i theta}``: a node rings down for r below 1, and only then.
        """
        return 2.0 * self.radius * np.cos(self.angles_rad), -(self.radius**2)

    def largest_gain(self) -> Floats:
        """Return the largest output by inputs of at most 1: the sum of the absolute response.

        Reached by the input that has the sign of the response, backwards. At most
        ``1/((1 - r) sin theta)``.
        """
        # Beyond this many samples what is left is below 1e-17 of 1/((1 - r) sin theta).
        steps = 1 + (math.ceil(-17.0 / math.log10(self.radius)) if self.radius > 0 else 0)
        return np.asarray(np.abs(self.response(steps)).sum(axis=0))

    def response(self, steps: int) -> Floats:
        """Return the response to a unit impulse, ``r^t sin((t+1) theta) / sin theta``."""
        t = np.arange(steps)[:, None]
        return self.radius**t * np.sin((t + 1) * self.angles_rad) / np.sin(self.angles_rad)

    def peaks_rad(self) -> Floats:
        """Return where the spectrum peaks: ``cos w = (1 + r^2)/(2 r) cos theta``, else 0 or pi."""
        if self.radius == 0:
            return np.zeros(self.angles_rad.size)  # the spectrum is flat
        cosine = (1.0 + self.radius**2) / (2.0 * self.radius) * np.cos(self.angles_rad)
        return np.arccos(np.clip(cosine, -1.0, 1.0))

    def power(self, angles_rad: ArrayLike) -> Floats:
        """Return ``|H|^2`` of every node at signal frequencies in rad a sample, (points, N)."""
        z = np.exp(-1j * np.atleast_1d(np.asarray(angles_rad, dtype=np.float64)))[:, None]
        first = 2.0 * self.radius * np.cos(self.angles_rad)
        return 1.0 / np.abs(1.0 - first * z + self.radius**2 * z * z) ** 2
