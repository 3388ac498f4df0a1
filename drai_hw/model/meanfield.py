"""A population of oscillators that all feel the same mean field: Kuramoto's own model."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError

SPREADS = ("lorentzian", "gaussian", "uniform")


def frequencies(spread: str, n: int, width_rad_s: float = 1.0) -> NDArray[np.float64]:
    """Return n natural frequencies at the midpoint quantiles of a distribution around 0.

    Quantiles instead of draws: the empirical distribution is then within 1/2n everywhere, so a
    finite population shows the mean field without the scatter of a sample.

    Parameters
    ----------
    spread : str
        ``lorentzian`` (width: half-width at half maximum), ``gaussian`` (width: standard
        deviation) or ``uniform`` (width: half the support).
    n : int
        Number of oscillators.
    width_rad_s : float
        Width, rad/s.

    Raises
    ------
    SpecError
        Unknown distribution.
    """
    share = (np.arange(n) + 0.5) / n
    if spread == "lorentzian":
        return width_rad_s * np.tan(math.pi * (share - 0.5))
    if spread == "uniform":
        return width_rad_s * (2.0 * share - 1.0)
    if spread == "gaussian":
        from scipy.special import ndtri

        return width_rad_s * ndtri(share)
    raise SpecError(f"spread = {spread!r}: known distributions are {', '.join(SPREADS)}")


class Population:
    """All-to-all coupled oscillators, O(N) a step through the order parameter.

    Euler steps, as everywhere in the reference model, with noise of intensity D::

        phi_i += h (omega_i + K r sin(Psi - phi_i)) + sqrt(2 D h) xi_i,  r e^{i Psi} = <e^{i phi}>

    Parameters
    ----------
    frequencies_rad_s : array, shape (N,)
        Natural frequencies.
    coupling_rad_s : float
        K.
    noise_rad2_s : float
        D.
    seed : int
        Seed of the noise.

    References
    ----------
    Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), section 5.4.
    """

    def __init__(
        self,
        frequencies_rad_s: ArrayLike,
        coupling_rad_s: float,
        noise_rad2_s: float = 0.0,
        seed: int = 0,
    ) -> None:
        self.frequencies_rad_s = np.asarray(frequencies_rad_s, dtype=np.float64)
        self.coupling_rad_s = coupling_rad_s
        self.noise_rad2_s = noise_rad2_s
        self.phases_rad = np.zeros(self.frequencies_rad_s.size)
        self._rng = np.random.default_rng(seed)

    def order(self) -> complex:
        """Return the complex order parameter, the mean of e^{i phi}."""
        return complex(np.exp(1j * self.phases_rad).mean())

    def run(self, steps: int, step_s: float) -> NDArray[np.float64]:
        """Advance by ``steps`` steps and return r at the start of each."""
        r = np.empty(steps)
        for index in range(steps):
            s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
            x, y = c.mean(), s.mean()
            r[index] = math.hypot(x, y)
            pull = self.coupling_rad_s * (y * c - x * s)
            self.phases_rad = self.phases_rad + step_s * (self.frequencies_rad_s + pull)
            if self.noise_rad2_s:
                sigma = math.sqrt(2.0 * self.noise_rad2_s * step_s)
                self.phases_rad += sigma * self._rng.standard_normal(s.size)
        return r
