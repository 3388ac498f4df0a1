"""Coupling resistors from a series of preferred values, or from a memristor's levels."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.lc import design_tank
from drai_hw.spice.memristors import MODELS, Model
from drai_hw.spice.require import require_resistive
from drai_hw.spice.settings import (
    Circuit,
    Floats,
    check_circuit,
    check_weights,
    half_bandwidth,
    scale_weights,
)

# IEC 60063: E24 has two digits and is no rounded geometric series, E96 is one with three digits
_E24 = (
    10, 11, 12, 13, 15, 16, 18, 20, 22, 24, 27, 30,
    33, 36, 39, 43, 47, 51, 56, 62, 68, 75, 82, 91,
)  # fmt: skip
SERIES: dict[str, tuple[float, ...]] = {
    "E12": tuple(value / 10 for value in _E24[::2]),
    "E24": tuple(value / 10 for value in _E24),
    "E96": tuple(round(10 ** (k / 96), 2) for k in range(96)),
}
"""Preferred values of one decade, 1 to 10."""

_PROBE_V = 1e-3


@dataclass(frozen=True)
class Snapped:
    """
    Hold weights that real parts can make, and what that costs.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        What the parts give, in the unit of the given weights.
    circuit : Circuit
        The settings with the rho at which one unit of weight stays what it was.
    ohm : ndarray, shape (N, N)
        Resistance of each branch of a pair, infinity without one.
    error_rms, error_max : float
        Deviation of the weights of all coupled pairs, over the largest weight.
    """

    weights: Floats
    circuit: Circuit
    ohm: Floats
    error_rms: float
    error_max: float


def preferred(ohm: ArrayLike, series: str) -> Floats:
    """
    Return the nearest resistances of a series, nearest in conductance, which is what a weight is.

    Parameters
    ----------
    ohm : array_like
        Resistances in ohm, > 0.
    series : {"E12", "E24", "E96"}
        IEC 60063.
    """
    if series not in SERIES:
        raise SpecError(f"series {series!r}; needed is one of {', '.join(SERIES)}")
    wanted = np.asarray(ohm, dtype=float)
    if not (np.isfinite(wanted) & (wanted > 0)).all():
        raise SpecError("resistances to snap: needed are finite numbers above 0 ohm")
    decade = 10.0 ** np.floor(np.log10(wanted))
    values = np.array((*SERIES[series], 10.0))
    choices = decade[..., np.newaxis] * values
    nearest = np.abs(1.0 / choices - 1.0 / wanted[..., np.newaxis]).argmin(axis=-1)
    return np.take_along_axis(choices, nearest[..., np.newaxis], axis=-1)[..., 0]


def memristor_levels(model: Model, count: int, **parameters: float) -> Floats:
    """
    Return evenly spaced conductances of a memristor, in siemens, lowest first.

    Small-signal conductances from state to state; a device that conducts nothing is no level,
    since a missing branch does that.

    Parameters
    ----------
    model : Model
        The device.
    count : int
        Levels, at least 2.
    parameters : float
        Changed parameters.
    """
    if count < 2:
        raise SpecError(f"{count} levels; needed are at least 2")
    ends = [float(model.current_a(_PROBE_V, x, **parameters)) / _PROBE_V for x in (0.0, 1.0)]
    low, high = min(ends), max(ends)
    levels = np.linspace(low, high, count)
    return levels[levels > 0]


def snap(weights: ArrayLike, circuit: Circuit, parts: str) -> Snapped:
    """
    Make the branches of coupled tanks of parts that exist, and say what it does to the weights.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Dimensionless, symmetric.
    circuit : Circuit
        Settings of differential tanks (kind "lc").
    parts : str
        ``"E12"``, ``"E24"``, ``"E96"``, or ``"MODEL:COUNT"``: that many levels of a memristor of
        `drai_hw.spice.memristors`, e.g. ``"vteam:32"``.

    Returns
    -------
    Snapped
        Give its weights and circuit to `drai_hw.spice.create`.

    Raises
    ------
    SpecError
        Unknown parts; rings; a memristor whose state the oscillation would change.
    """
    check_circuit(circuit)
    matrix = check_weights(weights)
    if circuit.kind != "lc":
        raise SpecError("parts for couplings of rings: needed is circuit.kind = 'lc'")
    require_resistive(circuit, "parts that exist are chosen for")
    tank = design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )
    coupling, kappa = scale_weights(matrix, circuit.rho, half_bandwidth(circuit))
    if kappa == 0:
        raise SpecError("weights to snap: all are 0, no branch is needed")
    branch_s = 2.0 * tank.capacitance_f * np.abs(coupling)
    used = branch_s > 0
    snapped_s = np.zeros_like(branch_s)
    if parts in SERIES:
        snapped_s[used] = 1.0 / preferred(1.0 / branch_s[used], parts)
    else:
        levels = _levels(parts, circuit.amplitude_v)
        choices = np.array([0.0, *levels])
        snapped_s[used] = choices[np.abs(branch_s[used][:, np.newaxis] - choices).argmin(axis=1)]
    made = np.sign(matrix) * snapped_s / (2.0 * tank.capacitance_f * kappa)
    largest_row = float(np.abs(matrix).sum(axis=1).max())
    rho = circuit.rho * float(np.abs(made).sum(axis=1).max()) / largest_row
    if rho == 0:
        raise SpecError(
            f"parts {parts!r}: every weight is nearer to no branch than to the lowest level; "
            "raise circuit.rho or circuit.capacitance_f, or take a device of higher resistance"
        )
    error = (made - matrix)[used] / np.abs(matrix).max()
    with np.errstate(divide="ignore"):
        ohm = 1.0 / snapped_s
    return Snapped(
        made, replace(circuit, rho=rho), ohm, math.sqrt(float((error**2).mean())),
        float(np.abs(error).max()),
    )  # fmt: skip


def _levels(parts: str, amplitude_v: float) -> Floats:
    name, _, count = parts.partition(":")
    if name not in MODELS or not count.isdecimal():
        raise SpecError(
            f"parts {parts!r}; needed is {', '.join(SERIES)}, or MODEL:COUNT with a model of "
            f"{', '.join(MODELS)}"
        )
    # sides of anti-phase tanks are half an amplitude up and half an amplitude down
    MODELS[name].check_branch(amplitude_v)
    return memristor_levels(MODELS[name], int(count))
