"""Closed forms of the literature, against which the float model is measured."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq, minimize_scalar
from scipy.special import erf, ive

from drai_hw.errors import SpecError
from drai_hw.units import TAU

LARGEST_MEAN_FIELD = 1.0 - 1e-12


def critical_lorentzian(half_width_rad_s: float, step_s: float = 0.0) -> float:
    """Return Kuramoto's critical coupling ``2 gamma`` of a Lorentzian spread.

    Euler steps of length h raise it to ``2 (e^{gamma h} - 1)/h`` in first order, because a step
    turns each frequency by e^{i omega h} exactly but the coupling only linearly.
    """
    if step_s == 0.0:
        return 2.0 * half_width_rad_s
    return 2.0 * math.expm1(half_width_rad_s * step_s) / step_s


def order_lorentzian(
    coupling_rad_s: float, half_width_rad_s: float = 1.0, step_s: float = 0.0
) -> float:
    """Return ``r = sqrt(1 - K_c/K)``, 0 below the critical coupling.

    References
    ----------
    Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), section 5.4.
    """
    ratio = critical_lorentzian(half_width_rad_s, step_s) / coupling_rad_s
    return math.sqrt(max(0.0, 1.0 - ratio))


def order_gaussian(coupling_rad_s: float, deviation_rad_s: float = 1.0) -> float:
    """Return r of a Gaussian spread; 0 below ``K_c = 2/(pi g(0)) = s sqrt(8/pi)``.

    Solves ``r = K r sqrt(pi/8) e^{-a} (I0(a) + I1(a))`` with ``a = (K r)^2/4``, s = 1.

    References
    ----------
    S. H. Strogatz, Physica D 143 (2000) 1, for the integral over locked oscillators.
    """
    k = coupling_rad_s / deviation_rad_s

    def excess(r: float) -> float:
        a = (k * r) ** 2 / 4.0
        return k * math.sqrt(math.pi / 8.0) * (ive(0, a) + ive(1, a)) - 1.0

    return _order(excess)


def order_uniform(coupling_rad_s: float, half_width_rad_s: float = 1.0) -> float:
    """Return r of a uniform spread; 0 below ``K_c = 4 gamma/pi``, where it jumps to pi/4.

    All oscillators are locked; with ``u = K r/gamma >= 1`` the mean of cos gives
    ``r = (sqrt(1 - 1/u^2) + u asin(1/u))/2``.

    References
    ----------
    D. Pazo, Phys. Rev. E 72 (2005) 046211.
    """
    k = coupling_rad_s / half_width_rad_s
    if k < 4.0 / math.pi:
        return 0.0

    def excess(r: float) -> float:
        u = max(k * r, 1.0)
        return 0.5 * (math.sqrt(1.0 - 1.0 / u**2) + u * math.asin(1.0 / u)) - r

    low = 1.0 / k
    return low if excess(low) <= 0 else float(brentq(excess, low, 1.0, xtol=1e-14))


def order_noisy(coupling_rad_s: float, noise_rad2_s: float) -> float:
    """Return r of equal oscillators with phase noise D; 0 below ``K_c = 2 D``.

    Solves ``r = I1(K r/D)/I0(K r/D)``, the mean of a von Mises distribution.
    """
    k = coupling_rad_s / noise_rad2_s
    return _order(lambda r: ive(1, k * r) / ive(0, k * r) / r - 1.0)


def _order(excess: Callable[[float], float]) -> float:
    """Return the root of a falling function of r in (0, 1), or 0 where it starts below 0."""
    smallest = 1e-6
    if excess(smallest) <= 0:
        return 0.0
    return float(brentq(excess, smallest, LARGEST_MEAN_FIELD, xtol=1e-14))


def ott_antonsen(
    time_s: ArrayLike, start: float, coupling_rad_s: float, half_width_rad_s: float = 1.0
) -> NDArray[np.float64]:
    """Return r(t) of a Lorentzian population from a wrapped-Cauchy start.

    ``r' = -gamma r + (K/2) r (1 - r^2)`` is logistic in r^2, hence solved in closed form.

    References
    ----------
    E. Ott, T. M. Antonsen, Chaos 18 (2008) 037113.
    """
    growth = coupling_rad_s - 2.0 * half_width_rad_s
    t = np.asarray(time_s, dtype=np.float64)
    if abs(growth) < 1e-12:
        return start / np.sqrt(1.0 + coupling_rad_s * start**2 * t)
    rest = growth / coupling_rad_s
    return np.sqrt(rest / (1.0 + (rest / start**2 - 1.0) * np.exp(-growth * t)))


def wrapped_cauchy_rad(start: float, shares: ArrayLike) -> NDArray[np.float64]:
    """Return quantiles of the wrapped Cauchy distribution whose order parameter is ``start``."""
    if not 0 < start < 1:
        raise SpecError(f"start = {start!r}: needs an order parameter above 0 and below 1")
    narrow = (1.0 - start) / (1.0 + start)
    half = math.pi * (np.asarray(shares, dtype=np.float64) - 0.5)
    return 2.0 * np.arctan(narrow * np.tan(half))


def spread_out(n: int) -> NDArray[np.float64]:
    """Return n shares in (0, 1), even among themselves and unrelated to their index.

    Multiples of the golden ratio: pairing them with sorted frequencies makes phases and
    frequencies independent to O(log n/n), where random pairing would leave 1/sqrt n.
    """
    return np.mod((np.arange(n) + 0.5) * ((math.sqrt(5.0) - 1.0) / 2.0), 1.0)


def beat_rad_s(detuning_rad_s: float, coupling_rad_s: float) -> float:
    """Return the beat frequency ``sqrt(dw^2 - K^2)`` of a pair that does not lock (Adler 1946)."""
    return math.sqrt(max(0.0, detuning_rad_s**2 - coupling_rad_s**2))


def jitter_cosine(jitter_rad: float) -> float:
    """Return the weight a cosine g teaches a pair under jitter s a node: ``e^{-s^2}``."""
    return math.exp(-(jitter_rad**2))


def jitter_xor(jitter_rad: float, terms: int = 2000) -> float:
    """Return the same for the XOR rule: ``8/pi^2 sum over odd k of e^{-k^2 s^2}/k^2``."""
    odd = 2.0 * np.arange(terms) + 1.0
    return float(8.0 / math.pi**2 * np.sum(np.exp(-((odd * jitter_rad) ** 2)) / odd**2))


def jitter_square(jitter_rad: float, terms: int = 2000) -> float:
    """Return the same for the square: ``4/pi sum_m (-1)^m e^{-(2m+1)^2 s^2}/(2m+1)``, s > 0."""
    m = np.arange(terms)
    odd = 2.0 * m + 1.0
    return float(4.0 / math.pi * np.sum((-1.0) ** m * np.exp(-((odd * jitter_rad) ** 2)) / odd))


def antipodal_speed_rad_s(lag_rad: float, beta_rad: float) -> float:
    """Return the rotation ``sin alpha sin beta`` of an antipodal cluster.

    With all phases at 0 or half a turn, ``k_ij = -sin(phi_i - phi_j + beta)`` and the torque
    multiply two sines of equal sign.

    References
    ----------
    R. Berner, E. Schöll, S. Yanchuk, SIAM J. Appl. Dyn. Syst. 18 (2019), arXiv 1809.00573.
    """
    return math.sin(lag_rad) * math.sin(beta_rad)


def splay_speed_rad_s(lag_rad: float, beta_rad: float) -> float:
    """Return the rotation ``cos(alpha - beta)/2`` of a splay cluster (same reference).

    The mean of ``sin(x + alpha) sin(x + beta)`` over phases whose second moment vanishes.
    """
    return math.cos(lag_rad - beta_rad) / 2.0


def antipodal_rates_hz(rate_hz: float, lag_rad: float, beta_rad: float) -> NDArray[np.complex128]:
    """Return both rates at which a disturbance of an antipodal cluster grows (real part above 0).

    Put into the linearised equations, where all signs cancel, a disturbance of mean 0 obeys
    ``x^2 + (epsilon - cos alpha sin beta) x - epsilon sin(alpha + beta) = 0``; all other rates are
    -epsilon, and 0 for the common rotation. The result is that of the reference above.
    """
    linear = rate_hz - math.cos(lag_rad) * math.sin(beta_rad)
    roots = np.roots([1.0, linear, -rate_hz * math.sin(lag_rad + beta_rad)])
    return np.asarray(roots, dtype=np.complex128)


def splay_rates_hz(rate_hz: float, lag_rad: float, beta_rad: float) -> NDArray[np.complex128]:
    """Return the rates of a splay cluster evenly around the circle, N = 5 or more but not 4 q.

    In modes e^{2 pi i k j/N} the linearised equations fall apart. With ``B = sin(alpha - beta)/2``
    all k but 0 and +-2 have ``-epsilon - B`` and 0: the states of vanishing second moment form a
    family. The second moment itself, k = 2, has the roots of
    ``x^2 + (epsilon - A + B) x - 2 epsilon A = 0`` with ``A = (i/4) e^{i (alpha + beta)}``, and
    k = -2 their conjugates. All other rates are -epsilon.
    """
    a = 0.25j * np.exp(1j * (lag_rad + beta_rad))
    b = math.sin(lag_rad - beta_rad) / 2.0
    moment = np.roots([1.0, rate_hz - a + b, -2.0 * rate_hz * a])
    return np.concatenate([[-rate_hz - b, 0.0], moment, moment.conj()])


def trio_limit() -> float:
    """Return the largest detuning, in units of a, at which frequencies (-w, 0, w) lock by learning.

    The reduced network of three (`drai_hw.model.adaptive.reduced_slopes`) has by symmetry
    ``2 w = a/3 (sin x + sin 2x)``, largest at ``cos x = (sqrt 33 - 1)/8``.
    """
    x = math.acos((math.sqrt(33.0) - 1.0) / 8.0)
    return (math.sin(x) + math.sin(2.0 * x)) / 6.0


def even_phases_rad(n: int) -> NDArray[np.float64]:
    """Return n phases evenly around the circle: the splay state."""
    return TAU * np.arange(n) / n


def shifted_order(
    frequencies_rad_s: ArrayLike, coupling_rad_s: float, pull_error: float = 0.0
) -> float:
    """Return r of a finite symmetric population whose drifting members average to nothing.

    Solves ``r = 1/N sum over locked i of sqrt(1 - ((|omega_i|/K + e)/r)^2)`` for the largest r.
    With e = 0 it is Kuramoto's self-consistency for these frequencies. With e as the largest
    error of the pull, in units of K, +e and -e bound r from below and above.
    """
    load = np.abs(np.asarray(frequencies_rad_s, dtype=np.float64)) / coupling_rad_s + pull_error
    load = np.maximum(load, 0.0)

    def excess(r: float) -> float:
        locked = load[load < r]
        return float(np.sum(np.sqrt(1.0 - (locked / r) ** 2))) / load.size - r

    grid = np.linspace(1.0, 1e-3, 4000)
    above = next((i for i, r in enumerate(grid) if excess(float(r)) > 0), None)
    if above is None:
        return 0.0
    if above == 0:
        return 1.0
    return float(brentq(excess, float(grid[above]), float(grid[above - 1]), xtol=1e-12))


def _sign_load(y: float) -> float:
    root = float(erf(y)) / y - 2.0 / math.sqrt(math.pi) * math.exp(-y * y)
    return 0.5 * max(root, 0.0) ** 2


def sign_capacity() -> float:
    """Return the load M/N up to which signs hold Hebbian patterns: 0.1379.

    In mean-field theory (replica symmetric, no noise) the overlap is ``m = erf y`` at the load
    ``alpha = (erf y/y - 2/sqrt(pi) e^{-y^2})^2 / 2``; its maximum is the capacity.

    References
    ----------
    D. J. Amit, H. Gutfreund, H. Sompolinsky, Phys. Rev. Lett. 55 (1985) 1530.
    """
    best = minimize_scalar(lambda y: -_sign_load(y), bounds=(0.5, 3.0), method="bounded")
    return _sign_load(float(best.x))


def sign_overlap(load: float) -> float:
    """Return the overlap m of a sign network at rest near a pattern, below capacity."""
    best = minimize_scalar(lambda y: -_sign_load(y), bounds=(0.5, 3.0), method="bounded")
    return float(erf(brentq(lambda y: _sign_load(y) - load, float(best.x), 50.0, xtol=1e-13)))


def _phasor_load(x: float) -> float:
    return math.pi / 4.0 * float(ive(1, x)) ** 2


def phasor_capacity() -> float:
    """Return the load up to which phasors hold phase patterns: 0.0377.

    The same theory for complex weights: with ``h = m + sqrt(alpha r) n``, n a complex Gaussian,
    ``m = <Re h/|h|>`` and ``r = (1 - <1/(2|h|)>)^-2``. With ``x = m^2/(2 alpha r)`` all integrals
    are Bessel functions and ``alpha = pi/4 (e^{-x} I1(x))^2``.

    References
    ----------
    J. Cook, J. Phys. A 22 (1989) 2057: the constant 0.038.
    """
    best = minimize_scalar(lambda x: -_phasor_load(x), bounds=(0.2, 10.0), method="bounded")
    return _phasor_load(float(best.x))


def phasor_overlap(load: float) -> float:
    """Return the overlap ``m = sqrt(pi x/2) e^{-x} (I0(x) + I1(x))`` of phasors at rest."""
    best = minimize_scalar(lambda x: -_phasor_load(x), bounds=(0.2, 10.0), method="bounded")
    x = float(brentq(lambda x: _phasor_load(x) - load, float(best.x), 1e4, xtol=1e-12))
    return math.sqrt(math.pi * x / 2.0) * float(ive(0, x) + ive(1, x))
