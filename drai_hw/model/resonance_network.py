"""The Resonance Network: weights that follow phases, amplitudes that follow weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq

from drai_hw.errors import SpecError
from drai_hw.units import TAU

Floats = NDArray[Any]


class ArticleNetwork:
    """The network of the article that this project began with, frozen as a baseline.

    Its step, in this order, with rates and N x N intermediate results as published::

        phi_i = phi_i + (2 pi f_i + input_i) dt                  mod 2 pi
        w_ij  = 0.99 (w_ij + 0.01 a_i a_j cos(phi_i - phi_j))
        a_i   = tanh(sum_j w_ij cos(phi_i - phi_j))

    Nothing couples the weights back to the phases, so that nothing can synchronise: it is here
    for its cost, not for what it does. `ResonanceNetwork` closes the loop.

    Parameters
    ----------
    n : int
        Nodes.
    seed : int
        Seed of phases, frequencies (Hz, 1 +- 0.1) and weights.

    References
    ----------
    "The Resonance Network: Learning Without Loss", Entrained AI Research Institute; written anew
    from its formulas.
    """

    LEARNING_RATE = 0.01
    KEPT = 0.99

    def __init__(self, n: int, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        self.phases_rad = rng.uniform(0.0, TAU, n)
        self.frequencies_hz = rng.normal(1.0, 0.1, n)
        self.weights = 0.01 * rng.standard_normal((n, n))
        self.amplitudes = np.ones(n)

    def turn(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Advance the phases."""
        advance = TAU * self.frequencies_hz * dt_s + input_rad_per_s * dt_s
        self.phases_rad = (self.phases_rad + advance) % TAU

    def step(self, input_rad_per_s: Floats, dt_s: float = 0.01) -> None:
        """Do one step of phases, weights and amplitudes."""
        self.turn(input_rad_per_s, dt_s)
        alike = np.cos(np.subtract.outer(self.phases_rad, self.phases_rad))
        together = np.outer(self.amplitudes, self.amplitudes)
        self.weights += self.LEARNING_RATE * alike * together
        self.weights *= self.KEPT
        self.amplitudes = np.tanh(np.sum(self.weights * alike, axis=1))


class ResonanceNetwork:
    """The article's rule of weights and amplitudes, with a coupling back to the phases.

    A step of h seconds, in this order; phases use weights and amplitudes of the step before::

        phi_i = phi_i + h (omega_i + input_i + kappa sum_j w_ij a_j sin(phi_j - phi_i))  mod 2 pi
        w_ij  = kept (w_ij + rate a_i a_j cos(phi_i - phi_j)),   w_ii = 0
        a_i   = tanh(sum_j w_ij cos(phi_i - phi_j))

    Weights are symmetric at the start and stay so to the last bit. All state is in three arrays,
    which may be read and replaced at any time: a run goes on from them bit for bit. Replicas are
    leading axes of all three.

    Because a weight follows the cosine, two groups half a turn apart hold each other as firmly as
    one group does: from random phases and small weights, ``order(2)`` rises to 1, ``order(1)``
    only where the weights start positive.

    Parameters
    ----------
    frequencies_rad_s : array, shape (N,) or (..., N)
        omega; leading axes are replicas.
    coupling_rad_s : float
        kappa, 0 or more; at 0 the phases run free, as in the article.
    rate : float
        Learning rate a step, 0 or more.
    kept : float
        What a step leaves of a weight, 0 to below 1.
    start_weight : float, optional
        Weight of all pairs at the start; Gaussian of deviation 0.01, as in the article, by default.
    seed : int
        Seed of the start phases, uniform, and weights.

    Raises
    ------
    SpecError
        A parameter outside its range.

    References
    ----------
    As of `ArticleNetwork` for weights and amplitudes. The coupling is that of Y. Kuramoto,
    Chemical Oscillations, Waves, and Turbulence (1984), section 5.4, with amplitudes as sources.
    """

    def __init__(
        self,
        frequencies_rad_s: ArrayLike,
        coupling_rad_s: float,
        *,
        rate: float = ArticleNetwork.LEARNING_RATE,
        kept: float = ArticleNetwork.KEPT,
        start_weight: float | None = None,
        seed: int = 0,
    ) -> None:
        _check(kept, rate)
        if not coupling_rad_s >= 0:
            raise SpecError(f"coupling_rad_s = {coupling_rad_s!r}: needs 0 rad/s or more")
        self.frequencies_rad_s = np.atleast_1d(np.asarray(frequencies_rad_s, dtype=np.float64))
        self.coupling_rad_s = coupling_rad_s
        self.rate = rate
        self.kept = kept
        shape = self.frequencies_rad_s.shape
        rng = np.random.default_rng(seed)
        self.phases_rad = rng.uniform(0.0, TAU, shape)
        if start_weight is None:
            upper = np.triu(0.01 * rng.standard_normal((*shape, shape[-1])), 1)
            self.weights = upper + np.swapaxes(upper, -1, -2)
        else:
            self.weights = np.full((*shape, shape[-1]), float(start_weight))
            self._no_self_links()
        self.amplitudes = np.ones(shape)

    def _no_self_links(self) -> None:
        each = np.arange(self.weights.shape[-1])
        self.weights[..., each, each] = 0.0

    def torque(self) -> Floats:
        """Return ``sum_j w_ij a_j sin(phi_j - phi_i)``, by two products with W."""
        s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
        sources = np.stack([self.amplitudes * s, self.amplitudes * c], axis=-1)
        pulls = self.weights @ sources
        return np.asarray(c * pulls[..., 0] - s * pulls[..., 1])

    def step(self, input_rad_per_s: ArrayLike = 0.0, dt_s: float = 0.01) -> None:
        """Do one step of phases, weights and amplitudes.

        Parameters
        ----------
        input_rad_per_s : array, shape (N,) or (..., N), or float
            Added to the frequencies, as in the article.
        dt_s : float
            Length of the step; ``dt_s kappa`` times the largest row sum of |w a| should stay
            below 1 for the phases to settle instead of jumping.
        """
        if not np.isscalar(input_rad_per_s):
            given = np.shape(input_rad_per_s)
            n = self.phases_rad.shape[-1]
            if given != self.phases_rad.shape and given != (n,):
                raise SpecError(
                    f"input of shape {given}: needs ({n},) or {self.phases_rad.shape} in rad/s"
                )
        speed = self.frequencies_rad_s + np.asarray(input_rad_per_s, dtype=np.float64)
        if self.coupling_rad_s:
            speed = speed + self.coupling_rad_s * self.torque()
        self.phases_rad = np.mod(self.phases_rad + dt_s * speed, TAU)
        s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
        alike = c[..., :, None] * c[..., None, :] + s[..., :, None] * s[..., None, :]
        together = self.amplitudes[..., :, None] * self.amplitudes[..., None, :]
        self.weights = self.kept * (self.weights + self.rate * together * alike)
        self._no_self_links()
        self.amplitudes = np.tanh(np.sum(self.weights * alike, axis=-1))

    def run(self, steps: int, input_rad_per_s: ArrayLike = 0.0, dt_s: float = 0.01) -> None:
        """Do ``steps`` steps with the same input."""
        for _ in range(steps):
            self.step(input_rad_per_s, dt_s)

    def order(self, harmonic: int = 1) -> Floats:
        """Return ``|mean exp(i k phi)|`` of every replica; k = 2 counts anti-phase as in phase."""
        return np.asarray(np.abs(np.exp(1j * harmonic * self.phases_rad).mean(axis=-1)))


def _check(kept: float, rate: float) -> None:
    if not 0 <= kept < 1:
        raise SpecError(f"kept = {kept!r}: a step leaves a share of 0 to below 1 of a weight")
    if not rate >= 0:
        raise SpecError(f"rate = {rate!r}: needs a learning rate of 0 or more")


def resting_gain(
    kept: float = ArticleNetwork.KEPT, rate: float = ArticleNetwork.LEARNING_RATE
) -> float:
    """Return q = ``kept rate/(1 - kept)``: a weight rests at ``q a_i a_j cos(phi_i - phi_j)``.

    0.99 in the article, so that a pair of full amplitude rests at 0.99 of its cosine.
    """
    _check(kept, rate)
    return kept * rate / (1.0 - kept)


def escape_likeness(
    kept: float = ArticleNetwork.KEPT,
    rate: float = ArticleNetwork.LEARNING_RATE,
    amplitude: float = 1.0,
) -> float:
    """Return the likeness G above which amplitudes survive a start from zero weights.

    ``G_i = sum_j cos^2(phi_i - phi_j)`` over all links of a node; let it be the same for all, and
    the phases rest. Then ``w_ij = u cos(phi_i - phi_j)`` with one u, and the rule is a map of it::

        u <- kept (u + rate a^2),   a = tanh(G u),   first u = kept rate a_0^2

    The map rises with u, so u grows for ever after (to the upper resting state) or falls for ever
    after (to 0) as its second step does: it grows exactly if ``tanh^2(G u) > (1 - kept) a_0^2`` at
    the first u, that is, above ::

        G = artanh(a_0 sqrt(1 - kept)) / (kept rate a_0^2)

    The article has 10.14. Random phases give about half a unit per link, and one for its link to
    itself: amplitudes there collapse below about 19 nodes and saturate above.

    Parameters
    ----------
    kept, rate : float
        As of `ResonanceNetwork`; both above 0.
    amplitude : float
        a_0, amplitude of all nodes at the start, above 0 to 1.

    Raises
    ------
    SpecError
        A parameter outside its range.
    """
    _check(kept, rate)
    if not 0 < amplitude <= 1:
        raise SpecError(f"amplitude = {amplitude!r}: needs above 0 to 1")
    if kept == 0 or rate == 0:
        raise SpecError(f"kept = {kept!r}, rate = {rate!r}: nothing is learned; both need above 0")
    return math.atanh(amplitude * math.sqrt(1.0 - kept)) / (kept * rate * amplitude**2)


def fold() -> float:
    """Return the least q G at which amplitudes other than 0 can rest: 1.7165.

    They obey ``a = tanh(q G a^2)``, so ``q G = artanh(a)/a^2``, which is least where
    ``a/(1 - a^2) = 2 artanh(a)``. Below it every start collapses.
    """
    at = _amplitude_of_the_fold()
    return math.atanh(at) / at**2


def _amplitude_of_the_fold() -> float:
    return float(brentq(lambda a: a / (1.0 - a * a) - 2.0 * math.atanh(a), 0.5, 0.99, xtol=1e-15))


def resting_amplitude(gain: float) -> float:
    """Return the upper solution of ``a = tanh(gain a^2)``, 0 below the fold.

    Parameters
    ----------
    gain : float
        q G: `resting_gain` times the likeness.
    """
    if gain < fold():
        return 0.0
    # Written for x = artanh(a), since a itself is 1 to the last bit for large gains.
    low = math.atanh(_amplitude_of_the_fold())

    def excess(x: float) -> float:
        return x - gain * math.tanh(x) ** 2

    return math.tanh(float(brentq(excess, low, gain + 1.0, xtol=1e-14)))
