"""The Resonant Recurrent Network (RRN): damped nodes that hear an input and each other's phases."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.sparse.csgraph import connected_components
from scipy.special import expit

from drai_hw.errors import SpecError
from drai_hw.model.resonator import Floats, Resonators

Complex = NDArray[np.complex128]


def _damped(angles_rad: Floats, radius: float) -> Floats:
    return np.sin(angles_rad)


def _undamped(angles_rad: Floats, radius: float) -> Floats:
    return np.sqrt(1.0 + radius**2 - 2.0 * radius * np.cos(angles_rad))


QUADRATURES: dict[str, Callable[[Floats, float], Floats]] = {
    "damped": _damped,
    "undamped": _undamped,
}


class ResonantRecurrentNetwork:
    """Damped nodes that hear an input and each other's phases.

    A sample::

        x_t = 2 r cos(theta) x_{t-1} - r^2 x_{t-2} + W_in u_t + W_res expit(cos phi_{t-1}) + s xi_t

    with the state of a node as a point of the plane, ``z = x + i y = A e^{i phi}``, ::

        y_t = (r x_{t-1} - x_t cos theta)/D

    For ``D = sin theta``, ``damped``, a node that rings freely runs on a spiral: A falls by exactly
    r and phi rises by exactly theta a sample. The published form, ``undamped``, comes from the
    differential equation whose implicit differences are the node: y is ``-(v + beta x)/omega`` with
    the undamped omega, which makes ``D = sqrt(1 + r^2 - 2 r cos theta)``, an ellipse. Only this
    scale differs. (Its phase is counted downwards there; the cosine is the same.)

    The recurrent drive lies between expit(-1) = 0.269 and expit(1) = 0.731 times the weights,
    whatever the state, so that no weights can make the network run away (`bound`).

    State is in ``now``, ``before`` and ``rng``; a run goes on from them bit for bit. Replicas are
    leading axes: many sequences at once.

    Parameters
    ----------
    angles_rad : array, shape (N,)
        theta, above 0 and below pi; `node_angles_rad` gives those of the RRN.
    radius : float
        r, above 0 and below 1.
    input_weights : array, shape (N, U), optional
        W_in; ones for one input channel by default.
    recurrent_weights : array, shape (N, N), optional
        W_res, zero diagonal; none by default.
    noise : float
        s, standard deviation a sample, 0 or more.
    quadrature : str
        ``damped`` or ``undamped``.
    replicas : sequence of int
        Leading axes.
    seed : int
        Seed of the noise.

    Raises
    ------
    SpecError
        A parameter outside its range, weights of a wrong shape.

    References
    ----------
    M. A. Kramer, arXiv 2506.17083, first version (Resonant Reservoir Network): there weights are
    not trained, r = 0.93004, s = 0.00538, W_res from -1 to 0 at density 0.3538 (`reservoir`).
    """

    def __init__(
        self,
        angles_rad: ArrayLike,
        radius: float,
        *,
        input_weights: ArrayLike | None = None,
        recurrent_weights: ArrayLike | None = None,
        noise: float = 0.0,
        quadrature: str = "damped",
        replicas: Sequence[int] = (),
        seed: int = 0,
    ) -> None:
        self.nodes = Resonators(angles_rad, radius)
        if radius == 0:
            raise SpecError("radius = 0: a node without memory has no phase; needs above 0")
        n = self.nodes.angles_rad.size
        if quadrature not in QUADRATURES:
            raise SpecError(
                f"quadrature = {quadrature!r}: known quadratures are {', '.join(QUADRATURES)}"
            )
        if not noise >= 0:
            raise SpecError(f"noise = {noise!r}: needs a standard deviation of 0 or more")
        given = np.ones((n, 1)) if input_weights is None else np.asarray(input_weights, float)
        if given.ndim != 2 or len(given) != n:
            raise SpecError(f"input weights of shape {given.shape}: {n} nodes need ({n}, inputs)")
        self.input_weights = given
        self.recurrent_weights = None
        if recurrent_weights is not None:
            w = np.asarray(recurrent_weights, dtype=np.float64)
            if w.shape != (n, n) or np.any(np.diagonal(w)):
                raise SpecError(
                    f"recurrent weights of shape {w.shape}: {n} nodes need ({n}, {n}) with 0 on "
                    f"the diagonal"
                )
            self.recurrent_weights = w
        self.noise = noise
        self.quadrature = quadrature
        self.now = np.zeros((*replicas, n))
        self.before = np.zeros((*replicas, n))
        self.rng = np.random.default_rng(seed)

    def state(self) -> Complex:
        """Return z = x + i y of every node: its size is the amplitude, its argument the phase.

        A node at rest has amplitude 0 and, by convention, phase 0.
        """
        angles, radius = self.nodes.angles_rad, self.nodes.radius
        scale = QUADRATURES[self.quadrature](angles, radius)
        y = (radius * self.before - self.now * np.cos(angles)) / scale
        return np.asarray(self.now + 1j * y)

    def step(self, sample: ArrayLike) -> Complex:
        """Take one sample, shape (U,) or (..., U), and return `state` after it, (..., N)."""
        u = np.asarray(sample, dtype=np.float64)
        drive = u @ self.input_weights.T
        if self.recurrent_weights is not None:
            drive = drive + expit(np.cos(np.angle(self.state()))) @ self.recurrent_weights.T
        if self.noise:
            drive = drive + self.noise * self.rng.standard_normal(self.now.shape)
        first, second = self.nodes.coefficients()
        self.now, self.before = first * self.now + second * self.before + drive, self.now
        return self.state()

    def run(self, inputs: ArrayLike) -> Complex:
        """Take a sequence, shape (..., steps, U), and return z after each sample.

        Returns
        -------
        array of complex, shape (..., steps, N)
            Real part: x; size: amplitude; argument: phase in rad.

        Raises
        ------
        SpecError
            Another number of channels than W_in has, or of replicas than the state has.
        """
        u = np.asarray(inputs, dtype=np.float64)
        channels = self.input_weights.shape[1]
        replicas = self.now.shape[:-1]
        if u.ndim < 2 or u.shape[-1] != channels or u.shape[:-2] not in ((), replicas):
            raise SpecError(
                f"inputs of shape {u.shape}: need (steps, {channels}) or, for each replica, "
                f"{(*replicas, 'steps', channels)}".replace("'", "")
            )
        out = np.empty((*replicas, u.shape[-2], self.now.shape[-1]), dtype=np.complex128)
        for index in range(u.shape[-2]):
            out[..., index, :] = self.step(u[..., index, :])
        return out

    def bound(self, largest_input: float) -> Floats:
        """Return what no ``|x|`` exceeds from rest, without noise, for ``|u| <= largest_input``.

        The largest drive of each node times `Resonators.largest_gain`.
        """
        drive = np.abs(self.input_weights).sum(axis=1) * largest_input
        if self.recurrent_weights is not None:
            drive = drive + float(expit(1.0)) * np.abs(self.recurrent_weights).sum(axis=1)
        return np.asarray(drive * self.nodes.largest_gain())


def reservoir(
    nodes: int, density: float = 0.3538, spectral_radius: float = 0.4264, seed: int = 0
) -> Floats:
    """Return sparse inhibiting weights as of the RRN: uniform in -1 to 0, then scaled.

    Parameters
    ----------
    nodes : int
        N.
    density : float
        Share of the links that are there, 0 to 1; none to oneself.
    spectral_radius : float
        Largest size of an eigenvalue after scaling; a draw without loops has none above 0 and is
        left as it is.
    seed : int
        Seed of the draw.
    """
    rng = np.random.default_rng(seed)
    weights = np.where(rng.random((nodes, nodes)) < density, rng.uniform(-1, 0, (nodes, nodes)), 0)
    np.fill_diagonal(weights, 0.0)
    # Without loops every node is a component of its own, and all eigenvalues are 0: rounding would
    # show others.
    if connected_components(weights, connection="strong")[0] == nodes:
        return weights
    return weights * (spectral_radius / float(np.abs(np.linalg.eigvals(weights)).max()))


def binned_power(states: ArrayLike, bins: int = 1) -> Floats:
    """Return the mean of A^2 of every node in equal parts of a sequence, a read-out's features.

    Parameters
    ----------
    states : array of complex, shape (..., steps, N)
        What `ResonantRecurrentNetwork.run` returns.
    bins : int
        Parts; it must divide the steps.

    Returns
    -------
    array, shape (..., bins * N)
        Node by node within bin by bin.
    """
    z = np.asarray(states)
    *leading, steps, n = z.shape
    if bins < 1 or steps % bins:
        raise SpecError(f"bins = {bins!r}: needs a divisor of the {steps} steps")
    power = (z.real**2 + z.imag**2).reshape(*leading, bins, steps // bins, n).mean(axis=-2)
    return np.asarray(power.reshape(*leading, bins * n))
