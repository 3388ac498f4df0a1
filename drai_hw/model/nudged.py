"""Nudged (contrastive) learning: two settled states of one network give the gradient of its loss.

The network settles once by itself and once with its outputs pulled a little towards their targets.
What each pair of oscillators sees of the difference is, in the limit of a weak pull, what gradient
descent needs: nothing has to travel backwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import ConvergenceError, SpecError

Floats = NDArray[np.float64]


def contrast(first_rad: ArrayLike, second_rad: ArrayLike) -> Floats:
    """Return the mean over samples of cos(phi_i - phi_j) in the first state less in the second.

    The entry of a pair depends on the phases of that pair alone: the rule is local.

    Parameters
    ----------
    first_rad, second_rad : array, shape (samples, N)
        Two states of every sample, rad.
    """

    def mean(phases: ArrayLike) -> Floats:
        p = np.atleast_2d(np.asarray(phases, dtype=np.float64))
        z = np.concatenate([np.cos(p), np.sin(p)])
        return np.asarray(z.T @ z) / len(p)

    return mean(first_rad) - mean(second_rad)


@dataclass(frozen=True)
class Epoch:
    """One pass of learning.

    Attributes
    ----------
    loss : float
        Mean loss of the free states, before the weights changed.
    right : float
        Share of samples whose outputs all lie nearer to their target than to its opposite.
    """

    loss: float
    right: float


class NudgedNetwork:
    """Oscillators between clamped inputs and outputs that can be nudged.

    Phases follow the negative gradient of an energy, and the loss is another one::

        E = -1/2 sum_ij w_ij cos(phi_i - phi_j)
        L = sum_out (1 - cos(target - phi_out))
        dphi_i/dt = sum_j w_ij sin(phi_j - phi_i) + beta sin(target_i - phi_i) [i an output]

    With phi^beta the state that the nudged network settles to::

        dL/dw_ij = lim (1/beta) (<cos(phi_i - phi_j)>_0 - <cos(phi_i - phi_j)>_beta)

    The estimate at finite beta is off by O(beta); from two nudges of opposite sign by O(beta^2).
    It holds while the nudged state grows out of the free one: a pull so strong that the network
    falls into another state says nothing about the gradient.

    Parameters
    ----------
    weights : array, shape (N, N)
        Symmetric; the diagonal is ignored. Weights of 0 where ``links`` says so stay 0.
    inputs : sequence of int
        Clamped oscillators. Two of them, at 0 and at a quarter turn, give every other one a bias
        of any phase that is learned like the rest.
    outputs : sequence of int
        Oscillators with a target; none of them an input.
    links : array of bool, shape (N, N), optional
        Pairs that may have a weight, symmetric; all by default.

    Raises
    ------
    SpecError
        Shapes or indices that do not fit.

    References
    ----------
    B. Scellier and Y. Bengio, Front. Comput. Neurosci. 11 (2017) 24 (equilibrium propagation);
    A. Laborieux et al., Front. Neurosci. 15 (2021) 633674 (nudges of both signs).
    """

    def __init__(
        self,
        weights: ArrayLike,
        inputs: Sequence[int],
        outputs: Sequence[int],
        links: ArrayLike | None = None,
    ) -> None:
        w = np.array(weights, dtype=np.float64)
        if w.ndim != 2 or not np.array_equal(w, w.T):
            raise SpecError(f"weights of shape {w.shape}: needs N x N, symmetric")
        n = len(w)
        index = np.array([*inputs, *outputs], dtype=np.int64)
        if index.size != len(set(index.tolist())) or np.any((index < 0) | (index >= n)):
            raise SpecError(
                f"inputs {list(inputs)}, outputs {list(outputs)}: needs different numbers from 0 "
                f"to {n - 1}"
            )
        if not len(outputs):
            raise SpecError("outputs []: needs at least one oscillator with a target")
        mask = np.ones((n, n), dtype=bool) if links is None else np.array(links, dtype=bool)
        if mask.shape != w.shape or not np.array_equal(mask, mask.T):
            raise SpecError(f"links of shape {mask.shape}: needs {n} x {n}, symmetric")
        clamped = np.zeros(n, dtype=bool)
        clamped[list(inputs)] = True
        # Clamped phases do not answer, so that a weight between two of them could do nothing.
        self.links = mask & ~np.eye(n, dtype=bool) & ~np.outer(clamped, clamped)
        self.weights = np.where(self.links, w, 0.0)
        self.free = np.flatnonzero(~clamped)
        self.clamped = np.flatnonzero(clamped)
        self.outputs = np.array(outputs, dtype=np.int64)
        self._place = np.searchsorted(self.free, self.outputs)

    def settle(
        self,
        phases_rad: ArrayLike,
        beta: float = 0.0,
        targets_rad: ArrayLike | None = None,
        *,
        tolerance: float = 1e-10,
        steps: int = 20_000,
        must: bool = True,
    ) -> Floats:
        """Return the phases at rest, reached from the given ones.

        Descends by ``1/(R + |beta|)`` times the torque, with R the largest row sum of |w|: half
        of the longest step that can never raise the energy.

        Parameters
        ----------
        phases_rad : array, shape (samples, N)
            Start; inputs stay as they are, rad.
        beta : float
            Strength of the nudge, in units of w; either sign.
        targets_rad : array, shape (samples, outputs), optional
            Phases to pull to, rad; needed if beta is not 0.
        tolerance : float
            Largest torque of any free oscillator at rest, in units of w.
        steps : int
            Most steps.
        must : bool
            Whether it is an error to be left with a larger torque.

        Raises
        ------
        SpecError
            Shapes that do not fit.
        ConvergenceError
            The torque is larger after all steps, and ``must``.
        """
        phases = self._phases(phases_rad)
        targets = None if targets_rad is None else self._targets(targets_rad, len(phases))
        if beta and targets is None:
            raise SpecError(f"beta = {beta!r} without targets_rad: nothing to nudge to")
        among = self.weights[np.ix_(self.free, self.free)]
        to_free = self.weights[np.ix_(self.clamped, self.free)]
        fixed_sine = np.sin(phases[:, self.clamped]) @ to_free
        fixed_cosine = np.cos(phases[:, self.clamped]) @ to_free
        scale = 1.0 / (np.abs(self.weights).sum(axis=1).max() + abs(beta) or 1.0)
        moving = phases[:, self.free]
        for _ in range(steps):
            sine, cosine = np.sin(moving), np.cos(moving)
            torque = cosine * (sine @ among + fixed_sine) - sine * (cosine @ among + fixed_cosine)
            if targets is not None and beta:
                torque[:, self._place] += beta * np.sin(targets - moving[:, self._place])
            largest = float(np.abs(torque).max(initial=0.0))
            if largest <= tolerance:
                break
            moving = moving + scale * torque
        else:
            if must:
                raise ConvergenceError(
                    f"after {steps} steps the largest torque is {largest:.3g}: needs at most "
                    f"{tolerance:.3g}; give more steps or start elsewhere"
                )
        phases[:, self.free] = moving
        return phases

    def loss(self, phases_rad: ArrayLike, targets_rad: ArrayLike) -> float:
        """Return the mean over samples of sum_out (1 - cos(target - phi_out)), 0 to 2 an output."""
        phases = self._phases(phases_rad)
        targets = self._targets(targets_rad, len(phases))
        return float(np.sum(1.0 - np.cos(targets - phases[:, self.outputs])) / len(phases))

    def right(self, phases_rad: ArrayLike, targets_rad: ArrayLike) -> float:
        """Return the share of samples with every output within a quarter turn of its target."""
        phases = self._phases(phases_rad)
        targets = self._targets(targets_rad, len(phases))
        return float(np.all(np.cos(targets - phases[:, self.outputs]) > 0, axis=1).mean())

    def classify(self, phases_rad: ArrayLike) -> NDArray[np.int64]:
        """Return which output is nearest to a quarter turn, for every sample (`class_targets`)."""
        return np.argmax(np.sin(self._phases(phases_rad)[:, self.outputs]), axis=1)

    def descent(
        self,
        free_rad: ArrayLike,
        targets_rad: ArrayLike,
        beta: float,
        *,
        symmetric: bool = True,
        tolerance: float = 1e-10,
        steps: int = 20_000,
        must: bool = True,
    ) -> Floats:
        """Return the contrastive estimate of -dL/dw for every pair, 0 where there is no link.

        Parameters
        ----------
        free_rad : array, shape (samples, N)
            Free states at rest, rad.
        targets_rad : array, shape (samples, outputs)
            Phases to pull to, rad.
        beta : float
            Strength of the nudge, above 0, in units of w.
        symmetric : bool
            Compare +beta with -beta, instead of +beta with the free state.
        tolerance, steps, must
            As of `settle`.

        Raises
        ------
        SpecError
            A beta that is not above 0.
        ConvergenceError
            A nudged state that does not come to rest.
        """
        if not beta > 0:
            raise SpecError(f"beta = {beta!r}: needs more than 0")
        how = {"tolerance": tolerance, "steps": steps, "must": must}
        towards = self.settle(free_rad, beta, targets_rad, **how)  # type: ignore[arg-type]
        if symmetric:
            away = self.settle(free_rad, -beta, targets_rad, **how)  # type: ignore[arg-type]
            return np.where(self.links, contrast(towards, away) / (2.0 * beta), 0.0)
        return np.where(self.links, contrast(towards, free_rad) / beta, 0.0)

    def exact_descent(self, free_rad: ArrayLike, targets_rad: ArrayLike) -> Floats:
        """Return -dL/dw at the free state itself, by the adjoint of the steady state.

        With H the Hessian of E on the free oscillators and H lambda = dL/dphi, the derivative is
        ``-(lambda_i - lambda_j) sin(phi_i - phi_j)``: exact, but it solves a system that knows the
        whole network. For tests, and to see how good an estimate is.

        Parameters
        ----------
        free_rad : array, shape (samples, N)
            Free states at rest, rad.
        targets_rad : array, shape (samples, outputs)
            Targets, rad.
        """
        phases = self._phases(free_rad)
        targets = self._targets(targets_rad, len(phases))
        apart = phases[:, :, np.newaxis] - phases[:, np.newaxis, :]
        pull = self.weights * np.cos(apart)
        hessian = -pull[:, self.free][:, :, self.free]
        diagonal = np.arange(self.free.size)
        hessian[:, diagonal, diagonal] += pull.sum(axis=2)[:, self.free]
        slope = np.zeros((len(phases), self.free.size))
        slope[:, self._place] = np.sin(phases[:, self.outputs] - targets)
        adjoint = np.zeros_like(phases)
        adjoint[:, self.free] = np.linalg.solve(hessian, slope[..., np.newaxis])[..., 0]
        push = (adjoint[:, :, np.newaxis] - adjoint[:, np.newaxis, :]) * np.sin(apart)
        return np.where(self.links, push.mean(axis=0), 0.0)

    def learn(
        self,
        phases_rad: ArrayLike,
        targets_rad: ArrayLike,
        *,
        eta: float,
        beta: float = 0.1,
        tolerance: float = 1e-3,
        steps: int = 500,
    ) -> Epoch:
        """Settle freely, nudge both ways, and change every weight once.

        ``dw_ij = (eta / 2 beta) (<cos>_{+beta} - <cos>_{-beta})``, averaged over the samples. A
        sample still moving after ``steps`` takes part as it is: hardware would not know, either.

        Parameters
        ----------
        phases_rad : array, shape (samples, N)
            Inputs at their phases, the others where they start, rad.
        targets_rad : array, shape (samples, outputs)
            Targets, rad.
        eta : float
            Learning rate, in units of w squared.
        beta : float
            Strength of the nudge, in units of w.
        tolerance, steps
            As of `settle`.
        """
        free = self.settle(phases_rad, tolerance=tolerance, steps=steps, must=False)
        epoch = Epoch(self.loss(free, targets_rad), self.right(free, targets_rad))
        change = self.descent(free, targets_rad, beta, tolerance=tolerance, steps=steps, must=False)
        self.weights = self.weights + eta * change
        return epoch

    def _phases(self, phases_rad: ArrayLike) -> Floats:
        phases = np.atleast_2d(np.array(phases_rad, dtype=np.float64))
        if phases.ndim != 2 or phases.shape[1] != len(self.weights):
            raise SpecError(f"phases of shape {phases.shape}: needs samples x {len(self.weights)}")
        return phases

    def _targets(self, targets_rad: ArrayLike, samples: int) -> Floats:
        targets = np.atleast_2d(np.asarray(targets_rad, dtype=np.float64))
        if targets.shape != (samples, self.outputs.size):
            raise SpecError(
                f"targets of shape {targets.shape}: needs {samples} samples x "
                f"{self.outputs.size} outputs"
            )
        return targets


def class_targets(labels: ArrayLike, classes: int, angle_rad: float = math.pi / 4) -> Floats:
    """Return targets: ``angle_rad`` at the output of the class, its negative at the others.

    An output half a turn from its target feels no nudge at all. Targets a quarter turn apart keep
    outputs that are wrong within reach; opposite ones let learning stall.

    Parameters
    ----------
    labels : array of int, shape (samples,)
        Classes, 0 to ``classes - 1``.
    classes : int
        Number of outputs.
    angle_rad : float
        Half of the angle between the targets, rad.

    Raises
    ------
    SpecError
        A label without an output.
    """
    index = np.asarray(labels)
    if index.size and (index.min() < 0 or index.max() >= classes):
        raise SpecError(f"labels {index.min()} to {index.max()}: needs 0 to {classes - 1}")
    return np.where(index[:, np.newaxis] == np.arange(classes), angle_rad, -angle_rad)


def layered(
    inputs_rad: ArrayLike,
    hidden: int,
    outputs: int,
    *,
    strength: float = 0.5,
    seed: int = 0,
) -> tuple[NudgedNetwork, Floats]:
    """Return a network for given inputs, and the start phases of every sample.

    The inputs are joined by two references, at 0 and at a quarter turn. Hidden and output
    oscillators are linked to all, but outputs not to each other: as most of them have the same
    target, they would learn to agree. They start at 0, from where the weights move them.

    Parameters
    ----------
    inputs_rad : array, shape (samples, inputs)
        Phases of the inputs, rad.
    hidden, outputs : int
        Numbers of further oscillators; hidden may be 0.
    strength : float
        Standard deviation of the first weights, times sqrt(N).
    seed : int
        Seed of the first weights.
    """
    given = np.atleast_2d(np.asarray(inputs_rad, dtype=np.float64))
    samples, count = given.shape
    fixed = count + 2
    n = fixed + hidden + outputs
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.normal(0.0, strength / math.sqrt(n), (n, n)), 1)
    phases = np.zeros((samples, n))
    phases[:, :count] = given
    phases[:, count + 1] = math.pi / 2
    links = np.ones((n, n), dtype=bool)
    links[n - outputs :, n - outputs :] = False
    net = NudgedNetwork(upper + upper.T, range(fixed), range(n - outputs, n), links)
    return net, phases
