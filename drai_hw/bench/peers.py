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
from drai_hw.model.resonance_network import ArticleNetwork as ArticleNetwork

Floats = NDArray[Any]


def naive_torque(weights: Floats, phases_rad: Floats) -> Floats:
    """Return sum_j w_ij sin(phi_j - phi_i) from a matrix of all N^2 differences."""
    apart = phases_rad[np.newaxis, :] - phases_rad[:, np.newaxis]
    return np.asarray((weights * np.sin(apart)).sum(axis=1))


def read_and_write(weights: Floats) -> None:
    """Read and write every weight once: what a step that changes all of them cannot undercut."""
    np.add(weights, weights.dtype.type(0), out=weights)


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
