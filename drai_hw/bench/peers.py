"""What the models are compared with: plain N^2 sines, the article's network, packages, memory."""

from __future__ import annotations

import importlib
import importlib.metadata
import math
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import ToolError
from drai_hw.units import TAU

Floats = NDArray[Any]


def naive_torque(weights: Floats, phases_rad: Floats) -> Floats:
    """Return sum_j w_ij sin(phi_j - phi_i) from a matrix of all N^2 differences."""
    apart = phases_rad[np.newaxis, :] - phases_rad[:, np.newaxis]
    return np.asarray((weights * np.sin(apart)).sum(axis=1))


def read_and_write(weights: Floats) -> None:
    """Read and write every weight once: what a step that changes all of them cannot undercut."""
    np.add(weights, weights.dtype.type(0), out=weights)


class ArticleNetwork:
    """The network of the article that this project began with, frozen as a baseline.

    Its step, in this order, with rates and N x N intermediate results as published::

        phi_i = phi_i + (2 pi f_i + input_i) dt                  mod 2 pi
        w_ij  = 0.99 (w_ij + 0.01 a_i a_j cos(phi_i - phi_j))
        a_i   = tanh(sum_j w_ij cos(phi_i - phi_j))

    Nothing couples the weights back to the phases, so that nothing can synchronise: it is here
    for its cost, not for what it does.

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


def package(name: str) -> tuple[ModuleType, str]:
    """Return an installed peer and its version.

    Raises
    ------
    ToolError
        When it is not installed.
    """
    try:
        return importlib.import_module(name), importlib.metadata.version(name)
    except ModuleNotFoundError as error:
        raise ToolError(
            f"the package {name} is not installed (pip install 'drai_hw[bench]')"
        ) from error


def kuramoto_derivative(weights: Floats, phases_rad: Floats) -> Any:
    """Return a work: the derivative of all phases by the package ``kuramoto``."""
    module, _ = package("kuramoto")
    zeros = np.zeros(phases_rad.size)
    model = module.Kuramoto(coupling=1.0, natfreqs=zeros)
    return lambda: model.derivative(phases_rad, 0.0, weights, 1.0)


def oscillatools_force(weights: Floats, phases_rad: Floats) -> Any:
    """Return a work: the coupling force of all phases by the package ``oscillatools``."""
    module, _ = package("oscillatools")
    return lambda: module.networked_kuramoto_force(phases_rad, weights)


def oscillatools_adaptive(weights: Floats, phases_rad: Floats, rate: float) -> Any:
    """Return a work: phase and coupling velocity (Hebbian) by the package ``oscillatools``."""
    module, _ = package("oscillatools")
    zeros = np.zeros(phases_rad.size)

    def plasticity(phases: Floats, coupling: Floats) -> Any:
        return module.hebbian_plasticity_rate(phases, coupling, plasticity_rate=rate)

    def work() -> Any:
        return module.adaptive_vector_field(
            phases_rad, weights, zeros, module.networked_kuramoto_force, plasticity
        )

    return work


def name_of(package_name: str) -> str:
    """Return a peer's name with its version, or without one where it is not installed."""
    try:
        return f"{package_name} {package(package_name)[1]}"
    except ToolError:
        return package_name


def symmetric_weights(n: int, seed: int, largest: float = 15.0) -> Floats:
    """Return symmetric weights with zero diagonal, uniform up to ``largest``, scaled by sqrt N."""
    upper = np.triu(np.random.default_rng(seed).uniform(-largest, largest, (n, n)), 1)
    return (upper + upper.T) / math.sqrt(n)
