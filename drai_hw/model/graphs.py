"""Structural masks: which oscillators are linked at all, and states that belong to a graph."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components

from drai_hw.errors import SpecError
from drai_hw.units import TAU


def ring(n: int, reach: int = 1) -> NDArray[np.float64]:
    """Return the weights, 0 or 1, of a ring in which each meets ``reach`` neighbours a side.

    Raises
    ------
    SpecError
        A ring too small for its reach.
    """
    if reach < 1 or n < 2 * reach + 1:
        raise SpecError(
            f"ring of {n} with reach {reach}: needs a reach of at least 1 and at least "
            f"{2 * max(reach, 1) + 1} oscillators"
        )
    distance = np.abs(np.arange(n)[:, None] - np.arange(n)[None, :])
    distance = np.minimum(distance, n - distance)
    return ((distance > 0) & (distance <= reach)).astype(np.float64)


def complete(n: int) -> NDArray[np.float64]:
    """Return the links, 0 or 1, of a graph in which each meets all others."""
    if n < 2:
        raise SpecError(f"complete graph of {n}: needs at least 2 oscillators")
    return np.ones((n, n)) - np.eye(n)


def random_connected(
    n: int, probability: float, seed: int = 0, attempts: int = 1000
) -> NDArray[np.float64]:
    """Return the links, 0 or 1, of a random graph that is in one piece.

    Every pair is linked with the same probability; graphs in several pieces are thrown away, so
    that those in one piece keep their relative frequencies.

    Parameters
    ----------
    n : int
        Number of oscillators, at least 2.
    probability : float
        Of a link, above 0 to 1.
    seed : int
        Seed of the draws.
    attempts : int
        Graphs drawn before giving up.

    Raises
    ------
    SpecError
        A parameter outside its range, or no connected graph among those drawn.

    References
    ----------
    E. N. Gilbert, Random graphs, Ann. Math. Statist. 30 (1959) 1141.
    """
    if n < 2 or not 0 < probability <= 1:
        raise SpecError(
            f"random graph of {n} with probability {probability!r}: needs at least 2 oscillators "
            f"and a probability above 0 to 1"
        )
    rng = np.random.default_rng(seed)
    for _ in range(attempts):
        upper = np.triu(rng.random((n, n)) < probability, 1)
        links = (upper | upper.T).astype(np.float64)
        if is_connected(links):
            return links
    raise SpecError(
        f"random graph of {n} with probability {probability:g}: none of {attempts} was connected; "
        f"they mostly are above ln(n)/n = {math.log(n) / n:.3g}"
    )


def is_connected(links: ArrayLike) -> bool:
    """Say whether every oscillator can be reached from every other."""
    return bool(connected_components(np.asarray(links), directed=False)[0] == 1)


def degrees(links: ArrayLike) -> NDArray[np.float64]:
    """Return the number of links of each oscillator."""
    return np.asarray(links, dtype=np.float64).sum(axis=1)


def slowest_mode(
    links: ArrayLike, divisors: ArrayLike | None = None
) -> tuple[float, NDArray[np.float64]]:
    """Return the smallest rate above 0 of a diffusion on a graph, and its shape.

    The modes of ``x_i' = (1/m_i) sum_j A_ij (x_j - x_i)`` fall as e^{-rate t}. With m the degrees
    (the default) the rate is the algebraic connectivity of the normalised Laplacian. Averages
    weighted by ``m_i v_i``, v being the shape, see this mode alone.

    Parameters
    ----------
    links : array, shape (N, N)
        Symmetric, 0 where there is no link.
    divisors : array, shape (N,), optional
        m, above 0.

    Returns
    -------
    rate : float
        Per unit of time; 0 for a graph in several pieces.
    shape : array, shape (N,)
        v, of length 1.

    References
    ----------
    M. Fiedler, Czech. Math. J. 23 (1973) 298; F. R. K. Chung, Spectral Graph Theory (1997),
    chapter 1, for the normalised one.
    """
    a = np.asarray(links, dtype=np.float64)
    m = degrees(a) if divisors is None else np.asarray(divisors, dtype=np.float64)
    root = np.sqrt(m)
    symmetric = (np.diag(degrees(a)) - a) / np.outer(root, root)
    values, vectors = np.linalg.eigh(symmetric)
    shape = vectors[:, 1] / root
    return max(0.0, float(values[1])), shape / np.linalg.norm(shape)


def ring_rate(n: int, reach: int = 1) -> float:
    """Return `slowest_mode` of a ring in closed form.

    Waves ``e^{2 pi i k x/n}`` are its modes, with rates ``1 - (1/R) sum_{q=1..R} cos(2 pi k q/n)``;
    for one neighbour a side the least is ``1 - cos(2 pi/n)``.
    """
    ring(n, reach)  # refuses what is no ring
    k, q = np.arange(1, n)[:, None], np.arange(1, reach + 1)[None, :]
    return float(np.min(1.0 - np.cos(TAU * k * q / n).mean(axis=1)))


def complete_rate(n: int) -> float:
    """Return `slowest_mode` of a complete graph: ``n/(n - 1)``, the rate of all its modes."""
    return n / (n - 1)


def twisted_rad(n: int, turns: int) -> NDArray[np.float64]:
    """Return the q-twisted state of a ring: phases that rise by q turns once around.

    On a ring of nearest neighbours it is stable exactly for ``|q| < n/4``.

    References
    ----------
    D. A. Wiley, S. H. Strogatz, M. Girvan, The size of the sync basin, Chaos 16 (2006) 015103.
    """
    return TAU * turns * np.arange(n) / n


def winding(phases_rad: NDArray[np.float64]) -> int:
    """Return how often the phases turn once around the ring, each step by the shorter way."""
    steps = np.diff(np.append(phases_rad, phases_rad[0]))
    return round(float(np.sum(np.mod(steps + np.pi, TAU) - np.pi) / TAU))
