"""Damped two-term nodes (AR(2)), the units of the Resonant Reservoir Network."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError


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

    def run(self, inputs: ArrayLike) -> NDArray[np.float64]:
        """Feed samples, shape (steps,) or (steps, N), and return x of every node, (steps, N)."""
        u = np.asarray(inputs, dtype=np.float64)
        u = np.broadcast_to(u[:, None], (len(u), self.now.size)) if u.ndim == 1 else u
        first, second = 2.0 * self.radius * np.cos(self.angles_rad), -(self.radius**2)
        out = np.empty(u.shape)
        for index, sample in enumerate(u):
            self.now, self.before = first * self.now + second * self.before + sample, self.now
            out[index] = self.now
        return out

    def response(self, steps: int) -> NDArray[np.float64]:
        """Return the response to a unit impulse, ``r^t sin((t+1) theta) / sin theta``."""
        t = np.arange(steps)[:, None]
        return self.radius**t * np.sin((t + 1) * self.angles_rad) / np.sin(self.angles_rad)

    def peaks_rad(self) -> NDArray[np.float64]:
        """Return where the spectrum peaks: ``cos w = (1 + r^2)/(2 r) cos theta``, else 0 or pi."""
        if self.radius == 0:
            return np.zeros(self.angles_rad.size)  # the spectrum is flat
        cosine = (1.0 + self.radius**2) / (2.0 * self.radius) * np.cos(self.angles_rad)
        return np.arccos(np.clip(cosine, -1.0, 1.0))

    def power(self, angles_rad: ArrayLike) -> NDArray[np.float64]:
        """Return ``|H|^2`` of every node at signal frequencies in rad a sample, (points, N)."""
        z = np.exp(-1j * np.atleast_1d(np.asarray(angles_rad, dtype=np.float64)))[:, None]
        first = 2.0 * self.radius * np.cos(self.angles_rad)
        return 1.0 / np.abs(1.0 - first * z + self.radius**2 * z * z) ** 2
