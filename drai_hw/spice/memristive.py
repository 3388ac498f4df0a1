"""Memristor pairs as couplings of tanks: states from weights, a write path of switches."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike
from scipy.optimize import brentq

from drai_hw.errors import SpecError
from drai_hw.spice.lc import design_tank
from drai_hw.spice.memristors import Model
from drai_hw.spice.require import require_resistive
from drai_hw.spice.settings import (
    Circuit,
    Floats,
    check_circuit,
    check_weights,
    half_bandwidth,
    scale_weights,
)
from drai_hw.spice.switch import Switch

_PROBE_V = 1e-3


@dataclass(frozen=True)
class Pairs:
    """
    Hold the pairs of memristors that make weights.

    Parameters
    ----------
    model : Model
        The device.
    switch : Switch
        Two of them stand in series with each device while it couples.
    plus_s, minus_s : ndarray, shape (N, N)
        Conductance of each straight and of each crossed branch, switches included; 0: no pair.
    plus_x, minus_x : ndarray, shape (N, N)
        States of their devices.
    wanted, made : ndarray, shape (N, N)
        Couplings that were asked for and that the levels give, in rad/s.
    """

    model: Model
    switch: Switch
    plus_s: Floats
    minus_s: Floats
    plus_x: Floats
    minus_x: Floats
    wanted: Floats
    made: Floats
    error_rms: float = field(init=False)
    error_max: float = field(init=False)

    def __post_init__(self) -> None:
        used = self.wanted != 0
        error = (self.made - self.wanted)[used] / np.abs(self.wanted).max()
        object.__setattr__(self, "error_rms", float(np.sqrt(np.mean(error**2))))
        object.__setattr__(self, "error_max", float(np.abs(error).max()))

    @property
    def seen_s(self) -> Floats:
        """Return the conductance that each tank sees between its sides."""
        return (self.plus_s + self.minus_s).sum(axis=1) / 2.0


def _small_signal_s(model: Model, state: float) -> float:
    return float(model.current_a(_PROBE_V, state)) / _PROBE_V


def state_of(model: Model, conductance_s: float) -> float:
    """
    Return the state at which a device has a small-signal conductance.

    Raises
    ------
    SpecError
        The device does not reach it.
    """
    ends = [_small_signal_s(model, x) for x in (0.0, 1.0)]
    if not min(ends) <= conductance_s <= max(ends):
        raise SpecError(
            f"{model.name}: {conductance_s:.4g} S is out of its range, {min(ends):.4g} to "
            f"{max(ends):.4g} S: change circuit.rho or circuit.capacitance_f, or take another "
            "device"
        )
    return float(brentq(lambda x: _small_signal_s(model, x) - conductance_s, 0.0, 1.0, xtol=1e-15))


def pairs(
    weights: ArrayLike,
    circuit: Circuit,
    model: Model,
    levels: int | None = None,
    switch: Switch | None = None,
) -> Pairs:
    """
    Return the pairs of memristors that make weights: w = (G+ - G-)/(2C).

    The weaker branch of a pair stays at the device's least conductance, the other one gets the
    nearest of the levels, which are evenly spaced up to what the largest weight needs. Conductances
    are those of device and two closed switches in series.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Dimensionless, symmetric.
    circuit : Circuit
        Differential tanks.
    model : Model
        The device.
    levels : int, optional
        States that programming tells apart, at least 2; any state when omitted.
    switch : Switch, optional
        Of the write path.

    Raises
    ------
    SpecError
        Not tanks; no weights; fewer than 2 levels; a voltage across a coupling that is not below
        0.8 of the device's lower threshold; a conductance that the device does not reach.
    """
    check_circuit(circuit)
    matrix = check_weights(weights)
    if circuit.kind != "lc":
        raise SpecError("memristors as couplings of rings: needed is circuit.kind = 'lc'")
    require_resistive(circuit, "memristors stand in for")
    if levels is not None and levels < 2:
        raise SpecError(f"{levels} levels; needed are at least 2")
    # sides of anti-phase tanks are half an amplitude up and half an amplitude down
    model.check_branch(circuit.amplitude_v)
    used = switch or Switch()
    tank = design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )
    wanted, kappa = scale_weights(matrix, circuit.rho, half_bandwidth(circuit))
    if kappa == 0:
        raise SpecError("weights of memristor pairs: all are 0, no pair is needed")
    net_s = 2.0 * tank.capacitance_f * wanted

    def behind(conductance_s: float) -> float:
        """Take the switches off a branch: what the device itself has to have."""
        return 1.0 / (1.0 / conductance_s - 2.0 * used.on_ohm)

    device_s = min(_small_signal_s(model, x) for x in (0.0, 1.0))
    least_s = 1.0 / (1.0 / device_s + 2.0 * used.on_ohm) if device_s > 0 else 0.0
    largest_s = float(np.abs(net_s).max())
    if (least_s + largest_s) * 2.0 * used.on_ohm >= 1.0:
        raise SpecError(
            f"a branch of {least_s + largest_s:.4g} S behind two switches of {used.on_ohm:g} ohm: "
            "needed is a lower on_ohm, circuit.rho or circuit.capacitance_f"
        )
    strong_s = least_s + np.abs(net_s)
    if levels is not None:
        step_s = largest_s / (levels - 1)
        strong_s = least_s + step_s * np.rint(np.abs(net_s) / step_s)

    def state(conductance_s: float) -> float:
        return state_of(model, max(behind(conductance_s), device_s)) if conductance_s > 0 else 0.0

    least_x = state(least_s)
    strong_x = np.vectorize(state, otypes=[float])(strong_s)
    present, positive = matrix != 0, wanted > 0

    def straight(strong: Floats, weak: float) -> Floats:
        return np.where(present, np.where(positive, strong, weak), 0.0)

    def crossed(strong: Floats, weak: float) -> Floats:
        return np.where(present, np.where(positive, weak, strong), 0.0)

    plus_s, minus_s = straight(strong_s, least_s), crossed(strong_s, least_s)
    return Pairs(
        model=model,
        switch=used,
        plus_s=plus_s,
        minus_s=minus_s,
        plus_x=straight(strong_x, least_x),
        minus_x=crossed(strong_x, least_x),
        wanted=wanted,
        made=(plus_s - minus_s) / (2.0 * tank.capacitance_f),
    )


def branch(tag: str, one: str, other: str, state: float, found: Pairs) -> list[str]:
    """
    Return a branch: read switch, device, read switch; a write switch from either end of it.

    The write lines ``wl`` and ``bl`` reach the device through switches that are off while it
    couples; controls are ``cr`` (read) and ``cw`` (write).
    """
    first, second = f"a{tag}", f"b{tag}"
    switch = found.switch
    return [
        *switch.lines(f"r{tag}", one, first, "cr"),
        found.model.instance(f"m{tag}", first, second, x0=state),
        *switch.lines(f"q{tag}", second, other, "cr"),
        *switch.lines(f"w{tag}", first, "wl", "cw"),
        *switch.lines(f"v{tag}", second, "bl", "cw"),
    ]


def coupled(nodes: tuple[str, str, str, str], tag: str, found: Pairs, i: int, j: int, *,
            devices: bool) -> list[str]:  # fmt: skip
    """
    Return the four branches of a pair of tanks, as devices or as resistors of the same size.

    Parameters
    ----------
    nodes : tuple of str
        Sides p and n of the first, then of the second tank; "0" for silent ones.
    tag : str
        Part of all names.
    found : Pairs
        All pairs.
    i, j : int
        Which one.
    devices : bool
        Memristors with their switches, or resistors.
    """
    p, n, q, m = nodes
    lines: list[str] = []
    for kind, ends, conductance_s, state in (
        ("s", ((p, q), (n, m)), found.plus_s[i, j], found.plus_x[i, j]),
        ("c", ((p, m), (n, q)), found.minus_s[i, j], found.minus_x[i, j]),
    ):
        for k, (one, other) in enumerate(ends):
            name = f"{tag}{kind}{k}"
            if conductance_s <= 0:
                continue
            if devices:
                lines += branch(name, one, other, float(state), found)
            else:
                lines.append(f"Rw{name} {one} {other} {1.0 / float(conductance_s)!r}")
    return lines


def supplies(found: Pairs) -> list[str]:
    """Return cards, controls in the read state, and write lines at 0 V."""
    control_v = found.switch.control_v
    return [
        *found.switch.cards(),
        found.model.subcircuit().rstrip("\n"),
        f"Vcr cr 0 {control_v!r}",
        "Vcw cw 0 0",
        "Vwl wl 0 0",
        "Vbl bl 0 0",
    ]
