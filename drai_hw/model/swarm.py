"""Decentralised synchronisation: nodes hear their neighbours over links that lose messages."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model import graphs
from drai_hw.units import TAU

DIVISORS = ("received", "degree")
NOT_REACHED = -1


class Swarm:
    """Oscillators on a graph that send their phases over links which lose messages.

    A step of h seconds; b_ij is 1 with probability 1 - p, for each direction of each link anew::

        phi_i = phi_i + h (omega_i + K/m_i sum_j A_ij b_ij sin(phi_j - phi_i))     mod 2 pi

    m_i is, by name,

    ``received``
        the number of messages that came in, ``max(1, sum_j A_ij b_ij)``: the default. A node need
        not know its neighbourhood, and loses torque only where all messages are lost.
    ``degree``
        the number of neighbours: what is lost is torque lost.

    Near synchrony the step is linear and b of one step independent of the phases before it, so
    means over the losses move as without loss, each torque times the mean of ``m b/m_i``: 1 - p for
    ``degree``, and for ``received`` by symmetry ``1 - p^k`` at k neighbours (`kept_torque`).

    With ``h K <= 1`` phases within half a turn stay within their arc, whatever is lost: each step
    moves a node by a share of the way to the nodes that it heard.

    State is in ``phases_rad`` and ``rng``; a run goes on from both bit for bit. Replicas, with
    losses of their own on the same graph, are leading axes.

    Parameters
    ----------
    links : array, shape (N, N)
        A, 0 or 1, symmetric, connected, no link to itself.
    coupling_rad_s : float
        K, above 0.
    loss : float
        p, 0 to below 1.
    divide_by : str
        ``received`` or ``degree``.
    frequencies_rad_s : array, shape (N,), optional
        omega; 0 by default, which is any common frequency in its own frame.
    replicas : sequence of int
        Leading axes.
    seed : int
        Seed of start phases, uniform over the circle, and losses.

    Raises
    ------
    SpecError
        A parameter outside its range.

    References
    ----------
    A. Jadbabaie, N. Motee, M. Barahona, Proc. American Control Conference (2004) 4296, for
    oscillators on a graph; Y. Hatano, M. Mesbahi, IEEE Trans. Autom. Control 50 (2005) 1867, for
    agreement over links that come and go at random.
    """

    def __init__(
        self,
        links: ArrayLike,
        coupling_rad_s: float = 1.0,
        *,
        loss: float = 0.0,
        divide_by: str = "received",
        frequencies_rad_s: ArrayLike | None = None,
        replicas: Sequence[int] = (),
        seed: int = 0,
    ) -> None:
        a = _checked(links)
        n = len(a)
        if not coupling_rad_s > 0:
            raise SpecError(f"coupling_rad_s = {coupling_rad_s!r}: needs more than 0 rad/s")
        _check(loss, divide_by)
        omega = np.zeros(n) if frequencies_rad_s is None else np.asarray(frequencies_rad_s, float)
        if omega.shape != (n,):
            raise SpecError(f"frequencies of shape {omega.shape}: {n} nodes need ({n},) in rad/s")
        self.coupling_rad_s = coupling_rad_s
        self.loss = loss
        self.divide_by = divide_by
        self.frequencies_rad_s = omega
        self.receivers, self.senders = np.nonzero(a)  # one entry a message, sorted by receiver
        self.degrees = graphs.degrees(a)
        self._firsts = np.searchsorted(self.receivers, np.arange(n))
        self.rng = np.random.default_rng(seed)
        self.phases_rad = self.rng.uniform(0.0, TAU, (*replicas, n))

    def step(self, dt_s: float) -> None:
        """Send all phases once, lose some, and turn by what was heard."""
        apart = self.phases_rad[..., self.senders] - self.phases_rad[..., self.receivers]
        pulls = np.sin(apart)
        divisors = self.degrees
        if self.loss:
            heard = self.rng.random(pulls.shape) >= self.loss
            pulls *= heard
            if self.divide_by == "received":
                divisors = np.maximum(1.0, self._summed(heard.astype(np.float64)))
        torque = self.coupling_rad_s * self._summed(pulls) / divisors
        self.phases_rad = np.mod(self.phases_rad + dt_s * (self.frequencies_rad_s + torque), TAU)

    def _summed(self, messages: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.add.reduceat(messages, self._firsts, axis=-1)

    def run(self, steps: int, dt_s: float) -> None:
        """Do ``steps`` steps of ``dt_s`` seconds."""
        for _ in range(steps):
            self.step(dt_s)

    def order(self) -> NDArray[np.float64]:
        """Return r of every replica, 0 (spread) to 1 (synchronous)."""
        return np.abs(np.exp(1j * self.phases_rad).mean(axis=-1))

    def steps_until(self, order: float = 0.99, *, dt_s: float, at_most: int) -> NDArray[np.int64]:
        """Run until every replica has once been above an order, and return after how many steps.

        Parameters
        ----------
        order : float
            r to be exceeded.
        dt_s : float
            Length of a step.
        at_most : int
            Steps after which to stop.

        Returns
        -------
        array of int, shape of the replicas
            Steps, 0 where the start was above already, -1 (`NOT_REACHED`) where ``at_most`` did
            not do. A graph may hold twisted states, from which no step leads out.
        """
        took = np.where(self.order() > order, 0, NOT_REACHED)
        for index in range(1, at_most + 1):
            if np.all(took != NOT_REACHED):
                break
            self.step(dt_s)
            took = np.where((took == NOT_REACHED) & (self.order() > order), index, took)
        return took.astype(np.int64)


def kept_torque(degree: ArrayLike, loss: float, divide_by: str = "received") -> NDArray[np.float64]:
    """Return which share of its torque a node keeps on average: ``1 - p^k``, or ``1 - p``."""
    _check(loss, divide_by)
    k = np.asarray(degree, dtype=np.float64)
    return 1.0 - loss**k if divide_by == "received" else np.full(k.shape, 1.0 - loss)


def slowest_mode(
    links: ArrayLike,
    coupling_rad_s: float = 1.0,
    loss: float = 0.0,
    divide_by: str = "received",
) -> tuple[float, NDArray[np.float64]]:
    """Return the rate (1/s) at which the mean over losses falls near synchrony, and its shape.

    Without loss, K times the algebraic connectivity of the normalised Laplacian; with loss and
    ``degree`` exactly 1 - p of that. A step of h s multiplies the mean by ``1 - h rate``. Averages
    weighted by ``k_i/kept_i`` times the shape see this mode alone (`graphs.slowest_mode`).

    Parameters
    ----------
    links, coupling_rad_s, loss, divide_by
        As of `Swarm`.
    """
    a = _checked(links)
    k = graphs.degrees(a)
    rate, shape = graphs.slowest_mode(a, k / kept_torque(k, loss, divide_by))
    return coupling_rad_s * rate, shape


def _checked(links: ArrayLike) -> NDArray[np.float64]:
    a = np.asarray(links, dtype=np.float64)
    if a.ndim != 2 or a.shape[0] != a.shape[1] or len(a) < 2:
        raise SpecError(f"links of shape {a.shape}: need (N, N) with N at least 2")
    if not np.all((a == 0) | (a == 1)) or np.any(a != a.T) or np.any(np.diagonal(a)):
        raise SpecError("links: need 0 or 1, the same both ways, and 0 on the diagonal")
    if not graphs.is_connected(a):
        raise SpecError(
            f"links: {len(a)} nodes in more than one piece never agree; take a connected graph, "
            f"for instance of graphs.random_connected"
        )
    return a


def _check(loss: float, divide_by: str) -> None:
    if not 0 <= loss < 1:
        raise SpecError(f"loss = {loss!r}: needs a share of messages of 0 to below 1")
    if divide_by not in DIVISORS:
        raise SpecError(f"divide_by = {divide_by!r}: known divisors are {', '.join(DIVISORS)}")
