"""Hybrid read-out: an oscillator network turns inputs into phases, a linear classifier reads them.

Whether the network helps is a question to be measured: `compare` answers it beside the same
classifier on the raw inputs and on the input phases, on the same splits.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import optimize, special

from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.model.g.cosine import Cosine
from drai_hw.model.window import window_mean

Floats = NDArray[np.float64]
Features = Callable[[Floats, NDArray[np.bool_]], Floats]


def input_phases(values: ArrayLike, largest: float = 1.0) -> Floats:
    """Return input phases of values: 0 to ``largest`` become 0 to pi rad, whatever the shape."""
    return np.asarray(values, dtype=np.float64) * (math.pi / largest)


def settle(
    psi_rad: ArrayLike,
    weights: ArrayLike,
    *,
    coupling: float,
    strength: float = 1.0,
    steps: int = 50,
    step_s: float = 0.1,
) -> Floats:
    """Return the phases after T Euler steps of all samples at once, started at their inputs.

    Every step is, with R the largest row sum of |w|::

        phi_i += dt ((coupling/R) sum_j w_ij sin(phi_j - phi_i) + strength sin(psi_i - phi_i))

    Parameters
    ----------
    psi_rad : array, shape (samples, N)
        Input phases, rad, which are also the start.
    weights : array, shape (N, N)
        Symmetric lateral weights.
    coupling : float
        Coupling in 1/s at the largest row sum.
    strength : float
        Pull of the inputs, 1/s; 0 lets them set the start alone.
    steps : int
        T.
    step_s : float
        dt, s, above 0.

    Raises
    ------
    SpecError
        Shapes that do not fit.
    """
    psi = np.atleast_2d(np.asarray(psi_rad, dtype=np.float64))
    w = np.asarray(weights, dtype=np.float64)
    if w.shape != (psi.shape[1],) * 2:
        raise SpecError(
            f"weights of shape {w.shape} with inputs of shape {psi.shape}: needs N x N weights "
            "and samples x N inputs"
        )
    if not step_s > 0:
        raise SpecError(f"step_s = {step_s!r}: needs more than 0 s")
    largest = float(np.abs(w).sum(axis=1).max(initial=0.0)) or 1.0
    scaled = w * (coupling / largest)
    phases = psi.copy()
    for _ in range(steps):
        sine, cosine = np.sin(phases), np.cos(phases)
        torque = cosine * (sine @ scaled) - sine * (cosine @ scaled)
        phases = phases + step_s * (torque + strength * np.sin(psi - phases))
    return phases


def features(phases_rad: ArrayLike) -> Floats:
    """Return cosines and sines of phases, (..., N) to (..., 2 N): what a linear reader can use."""
    phases = np.asarray(phases_rad, dtype=np.float64)
    return np.concatenate([np.cos(phases), np.sin(phases)], axis=-1)


def lateral_weights(psi_rad: ArrayLike, *, centred: bool = False) -> Floats:
    """Return what the cosine rule with decay learns from samples shown for long, up to a factor.

    The steady state of ``w += eta <cos(phi_i - phi_j)> - decay w`` is ``(eta/decay) <cos>``, the
    mean over all samples: no label takes part.

    Parameters
    ----------
    psi_rad : array, shape (samples, N)
        Phases of the oscillators while the samples are shown, rad.
    centred : bool
        Subtract the mean weight of all pairs (mean subtraction).
    """
    w = window_mean(Cosine(), psi_rad)
    if centred:
        n = len(w)
        w -= w.sum() / (n * (n - 1))
        np.fill_diagonal(w, 0.0)
    return w


def random_weights(n: int, seed: int) -> Floats:
    """Return random symmetric weights with zero diagonal, the control for learned ones."""
    upper = np.triu(np.random.default_rng(seed).standard_normal((n, n)), 1)
    return np.asarray(upper + upper.T)


@dataclass(frozen=True)
class LogisticRegression:
    """Multinomial logistic regression on standardised features, fitted by `fit`.

    Attributes
    ----------
    classes : array, shape (K,)
        Labels, sorted.
    coefficients : array, shape (K, F)
        One row a class, for standardised features.
    intercepts : array, shape (K,)
        One a class.
    mean, scale : array, shape (F,)
        By which features are standardised.
    """

    classes: NDArray
    coefficients: Floats
    intercepts: Floats
    mean: Floats
    scale: Floats

    def probabilities(self, given: ArrayLike) -> Floats:
        """Return the probability of every class, shape (samples, K)."""
        x = (np.asarray(given, dtype=np.float64) - self.mean) / self.scale
        return np.asarray(special.softmax(x @ self.coefficients.T + self.intercepts, axis=1))

    def predict(self, given: ArrayLike) -> NDArray:
        """Return the most probable label of every sample."""
        return np.asarray(self.classes[np.argmax(self.probabilities(given), axis=1)])

    def accuracy(self, given: ArrayLike, labels: ArrayLike) -> float:
        """Return the share of samples whose label is predicted."""
        return float(np.mean(self.predict(given) == np.asarray(labels)))


def fit(given: ArrayLike, labels: ArrayLike, penalty: float = 1.0) -> LogisticRegression:
    """Fit a multinomial logistic regression.

    Minimises ``-sum_s log p(label_s) + penalty/2 |coefficients|^2`` for features of mean 0 and
    variance 1 (those that never change are left out of the scaling); intercepts are not penalised.

    Parameters
    ----------
    given : array, shape (samples, F)
        Features.
    labels : array, shape (samples,)
        Labels of at least two classes.
    penalty : float
        Above 0: it makes the minimum unique up to a common shift of the intercepts.

    Raises
    ------
    SpecError
        Shapes that do not fit, a single class, or a penalty that is not above 0.
    ConvergenceError
        No minimum found.

    References
    ----------
    C. M. Bishop, Pattern Recognition and Machine Learning (2006), section 4.3.4.
    """
    x = np.asarray(given, dtype=np.float64)
    y = np.asarray(labels)
    if x.ndim != 2 or y.shape != (len(x),):
        raise SpecError(
            f"features of shape {x.shape} with labels of shape {y.shape}: needs samples x F and "
            "one label a sample"
        )
    classes, index = np.unique(y, return_inverse=True)
    if len(classes) < 2 or not penalty > 0:
        raise SpecError(
            f"{len(classes)} class(es), penalty = {penalty!r}: needs two or more, and above 0"
        )
    mean, scale = x.mean(axis=0), x.std(axis=0)
    scale = np.where(scale > 1e-12 * (1.0 + np.abs(mean)), scale, 1.0)
    x = (x - mean) / scale
    wanted = np.eye(len(classes))[index]
    shape = (len(classes), x.shape[1] + 1)

    def loss(flat: Floats) -> tuple[float, Floats]:
        both = flat.reshape(shape)
        scores = x @ both[:, :-1].T + both[:, -1]
        log_p = scores - special.logsumexp(scores, axis=1, keepdims=True)
        error = np.exp(log_p) - wanted
        slope = np.empty(shape)
        slope[:, :-1] = error.T @ x + penalty * both[:, :-1]
        slope[:, -1] = error.sum(axis=0)
        value = -np.sum(log_p * wanted) + penalty / 2 * np.sum(both[:, :-1] ** 2)
        return float(value), slope.ravel()

    found = optimize.minimize(
        loss, np.zeros(shape).ravel(), jac=True, method="L-BFGS-B",
        options={"maxiter": 5000, "maxfun": 10_000, "gtol": 1e-5, "ftol": 1e-12},
    )  # fmt: skip
    if not found.success:
        raise ConvergenceError(f"logistic regression found no minimum: {found.message}")
    both = found.x.reshape(shape)
    return LogisticRegression(classes, both[:, :-1], both[:, -1], mean, scale)


@dataclass(frozen=True)
class Comparison:
    """Accuracies of one kind of features, beside those of the first kind on the same splits.

    Attributes
    ----------
    name : str
        Kind of features.
    accuracies : array, shape (splits,)
        Share of test samples classified correctly.
    gains : array, shape (splits,)
        The same less the accuracy of the first kind on that split.
    """

    name: str
    accuracies: Floats
    gains: Floats

    @property
    def accuracy(self) -> float:
        """Mean over the splits."""
        return float(self.accuracies.mean())

    @property
    def accuracy_se(self) -> float:
        """Standard error of the mean over the splits.

        Splits of one data set share samples: it tells how much a split matters, and is smaller
        than the error that fresh samples would show.
        """
        return _standard_error(self.accuracies)

    @property
    def gain(self) -> float:
        """Mean gain over the first kind."""
        return float(self.gains.mean())

    @property
    def gain_se(self) -> float:
        """Standard error of the mean gain, from the differences split by split."""
        return _standard_error(self.gains)


def compare(
    values: ArrayLike,
    labels: ArrayLike,
    kinds: Mapping[str, Features],
    *,
    training: int,
    seeds: Iterable[int] = range(5),
    penalty: float = 1.0,
) -> list[Comparison]:
    """Return the accuracies of several kinds of features on the same random splits.

    Parameters
    ----------
    values : array, shape (samples, F)
        Inputs.
    labels : array, shape (samples,)
        Their labels.
    kinds : mapping of str to callable
        Each gets all inputs and a mask of the training samples, from which alone it may learn, and
        returns the features of all. The first is what the others are compared with.
    training : int
        Samples to train on; the rest are tested.
    seeds : iterable of int
        One split for each.
    penalty : float
        As of `fit`.

    Raises
    ------
    SpecError
        No sample left to train on or to test.
    """
    x, y = np.asarray(values, dtype=np.float64), np.asarray(labels)
    if not 0 < training < len(x):
        raise SpecError(f"training = {training!r}: needs 1 to {len(x) - 1} of {len(x)} samples")
    table: dict[str, list[float]] = {name: [] for name in kinds}
    for seed in seeds:
        chosen = np.zeros(len(x), dtype=bool)
        chosen[np.random.default_rng(seed).permutation(len(x))[:training]] = True
        for name, make in kinds.items():
            z = make(x, chosen)
            fitted = fit(z[chosen], y[chosen], penalty)
            table[name].append(fitted.accuracy(z[~chosen], y[~chosen]))
    first = np.array(table[next(iter(table))])
    return [Comparison(name, np.array(a), np.array(a) - first) for name, a in table.items()]


def oscillator_kinds(
    *, largest: float, couplings: Iterable[float] = (0.5, 2.0), steps: int = 50, seed: int = 0
) -> dict[str, Features]:
    """Return kinds of features to compare: raw, input phases, learned and random lateral weights.

    Parameters
    ----------
    largest : float
        Largest input value; see `input_phases`.
    couplings : iterable of float
        Couplings in 1/s; the inputs pull with 1/s.
    steps : int
        Steps of 0.1 s.
    seed : int
        Seed of the random weights.
    """

    def settled(how: Callable[[Floats], Floats], coupling: float) -> Features:
        def kind(x: Floats, chosen: NDArray[np.bool_]) -> Floats:
            psi = input_phases(x, largest)
            return features(settle(psi, how(psi[chosen]), coupling=coupling, steps=steps))

        return kind

    kinds: dict[str, Features] = {
        "raw values": lambda x, chosen: x,
        "input phases": lambda x, chosen: features(input_phases(x, largest)),
    }
    weights: dict[str, Callable[[Floats], Floats]] = {
        "learned weights": lateral_weights,
        "learned, mean subtracted": lambda psi: lateral_weights(psi, centred=True),
        "random weights": lambda psi: random_weights(psi.shape[1], seed),
    }
    for name, how in weights.items():
        for coupling in couplings:
            kinds[f"{name}, coupling {coupling:g}/s"] = settled(how, coupling)
    return kinds


def _standard_error(values: Floats) -> float:
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else math.nan
