"""Settings of a circuit and the checks that every circuit kind shares."""

from __future__ import annotations

import math
import warnings
from dataclasses import dataclass, fields
from typing import Literal, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.branch import BRANCHES, Branch
from drai_hw.spice.ring_settings import check_ring
from drai_hw.units import TAU

Floats = NDArray[np.float64]
CORES = ("behavioural", "cross-coupled")
DAMPING_MODES = ("none", "trimmed", "ideal")
RHO_WARNING = 0.5
# 35 tanks, three letters, 4 pixels flipped: 9 of 9 recalled at 2, 6 of 9 at 3, 3 of 9 at 4
RHO_LIMIT = 2.0
MIN_POINTS_PER_CYCLE = 20


class CircuitLike(Protocol):
    """What the circuit makers need; the network file's circuit section has this shape."""

    @property
    def kind(self) -> str:
        """Return "lc" or "ring"."""

    @property
    def rho(self) -> float:
        """Return the coupling strength."""

    @property
    def f0_hz(self) -> float:
        """Return the nominal tank frequency in hertz."""

    @property
    def q(self) -> float:
        """Return the quality factor of the bare tank."""

    @property
    def capacitance_f(self) -> float:
        """Return the capacitance from each side to ground in farad."""

    @property
    def amplitude_v(self) -> float:
        """Return the peak voltage between the sides in volt."""

    @property
    def damping(self) -> str:
        """Return the damping mode."""

    @property
    def cycles(self) -> int:
        """Return the length of a run in periods."""

    @property
    def points_per_cycle(self) -> int:
        """Return the time steps per period."""

    @property
    def jitter_rad(self) -> float:
        """Return the half width of the start jitter in radian."""


@dataclass(frozen=True)
class Circuit:
    """
    Hold the settings of a circuit; the defaults are the reference working point.

    Parameters
    ----------
    kind : {"lc", "ring"}
        Differential coupled LC tanks, or CMOS rings.
    rho : float
        Coupling strength, 0 < rho <= 2: the largest row sum of ``|w_circuit|`` in units of the
        tank's half bandwidth ``omega0 / 2Q``; in rings the largest row sum of conductance in
        units of ``omega0 C`` of a stage. With capacitors in the couplings, of the admittance's
        size in the place of the conductance.
    f0_hz : float
        Nominal tank frequency in hertz (rings oscillate at what their stages give).
    q : float
        Quality factor of the bare tank.
    capacitance_f : float
        Tank capacitance from each side to ground, farad.
    amplitude_v : float
        Peak of the uncoupled tank's voltage between its two sides, volt.
    gain : float
        Small-signal negative conductance of the core times the tank's loss resistance, > 1.
    core : {"behavioural", "cross-coupled"}
        A cubic conductance, or a pair of level-1 transistors that VDD feeds; tanks only.
    core_vdd_v : float
        Supply of cross-coupled cores, volt.
    damping : {"none", "trimmed", "ideal"}
        What is done about the damping that coupling resistors add (see ``lc``).
    coupling : {"resistive", "capacitive", "series-rc", "parallel-rc"}
        What each branch of a coupling is made of (`drai_hw.spice.branch`).
    coupling_rad : float
        Phase of a branch's admittance at the nominal frequency where it has both a resistor and a
        capacitor, between 0 and pi/2; 0 otherwise.
    branch_parasitic_f : float
        Capacitance of the wires at either end of a coupling branch, farad; tanks only
        (`drai_hw.spice.wiring`).
    cycles : int
        Length of a run in nominal periods.
    points_per_cycle : int
        Largest time step as a fraction of the nominal period, at least 20.
    jitter_rad : float
        Half width of the uniform jitter of a start pattern's phases, radian.
    ring_topology : {"pseudo-differential", "single-ended"}
        Two chains of inverters in antiphase, or one.
    ring_stages : int
        Inverters of a chain, odd, at least 3.
    ring_vdd_v, ring_load_f : float
        Ring supply in volt, above 0.9; load of each inverter in farad.
    ring_latch : float
        Width of the latch inverters between two chains relative to the stage inverters, at
        most 2.
    ring_width : float
        Width of the stage transistors relative to the device set's: power is proportional to it.
    ring_skew : float
        Width of all p-type transistors on top of that; 1 makes both edges alike, less makes the
        rising one slower and gives the response to charge a second harmonic.
    """

    kind: Literal["lc", "ring"] = "lc"
    rho: float = 0.3
    f0_hz: float = 1e6
    q: float = 15.9
    capacitance_f: float = 253.3e-12
    amplitude_v: float = 1.0
    gain: float = 2.0
    core: Literal["behavioural", "cross-coupled"] = "behavioural"
    core_vdd_v: float = 1.8
    damping: Literal["none", "trimmed", "ideal"] = "none"
    coupling: Literal["resistive", "capacitive", "series-rc", "parallel-rc"] = "resistive"
    coupling_rad: float = 0.0
    branch_parasitic_f: float = 0.0
    cycles: int = 300
    points_per_cycle: int = 40
    jitter_rad: float = 0.1
    ring_topology: Literal["pseudo-differential", "single-ended"] = "pseudo-differential"
    ring_stages: int = 5
    ring_vdd_v: float = 1.8
    ring_load_f: float = 10e-15
    ring_latch: float = 0.3
    ring_width: float = 1.0
    ring_skew: float = 1.0


def settings_of(circuit: CircuitLike) -> Circuit:
    """
    Return frozen settings with defaults for what the given object does not have.

    Parameters
    ----------
    circuit : CircuitLike
        Any object with at least the keys of ``CircuitLike``.

    Returns
    -------
    Circuit
        A copy.
    """
    names = [key.name for key in fields(Circuit) if hasattr(circuit, key.name)]
    return Circuit(**{name: getattr(circuit, name) for name in names})


def check_circuit(circuit: Circuit) -> None:
    """
    Refuse settings that no circuit can be built from.

    Parameters
    ----------
    circuit : Circuit
        The settings.

    Raises
    ------
    SpecError
        A value is out of its range; the message names the key, the value and the range.
    """
    if circuit.kind not in ("lc", "ring"):
        raise SpecError(f"circuit.kind = {circuit.kind!r}: needed is 'lc' or 'ring'")
    if circuit.core not in CORES or (circuit.core != CORES[0] and circuit.kind != "lc"):
        raise SpecError(
            f"circuit.core = {circuit.core!r} with circuit.kind = {circuit.kind!r}: needed is one "
            f"of {', '.join(CORES)}; rings have transistors and take the first"
        )
    if circuit.damping not in DAMPING_MODES:
        raise SpecError(
            f"circuit.damping = {circuit.damping!r}: needed is one of {', '.join(DAMPING_MODES)}"
        )
    _check_coupling(circuit)
    if not 0 <= circuit.branch_parasitic_f < math.inf or (
        circuit.branch_parasitic_f and circuit.kind != "lc"
    ):
        raise SpecError(
            f"circuit.branch_parasitic_f = {circuit.branch_parasitic_f!r}: needed is 0 F or more, "
            f"and with circuit.kind = {circuit.kind!r} "
            + (
                "a finite value"
                if circuit.kind == "lc"
                else "0 F: the load of a ring is ring_load_f"
            )
        )
    for key, unit in (
        ("rho", ""), ("f0_hz", " Hz"), ("q", ""), ("capacitance_f", " F"), ("amplitude_v", " V"),
        ("core_vdd_v", " V"),
    ):  # fmt: skip
        value = getattr(circuit, key)
        if not (math.isfinite(value) and value > 0):
            raise SpecError(f"circuit.{key} = {value!r}: needed is a number above 0{unit}")
    if circuit.rho > RHO_LIMIT:
        raise SpecError(
            f"circuit.rho = {circuit.rho!r}: needed is at most {RHO_LIMIT} (measured: beyond it "
            "amplitudes collapse and recalls fail); 0.3 is the reference"
        )
    if circuit.rho > RHO_WARNING:
        warnings.warn(
            f"circuit.rho = {circuit.rho!r} is above {RHO_WARNING}: amplitudes differ by more than "
            "a few per cent and the circuit leaves the phase model",
            UserWarning,
            stacklevel=3,
        )
    if circuit.gain <= 1:
        raise SpecError(
            f"circuit.gain = {circuit.gain!r}: needed is above 1, or the tank's loss wins and "
            "nothing oscillates; 2 is the reference"
        )
    if circuit.cycles < 3:
        raise SpecError(f"circuit.cycles = {circuit.cycles!r}: needed are at least 3 periods")
    if circuit.points_per_cycle < MIN_POINTS_PER_CYCLE:
        raise SpecError(
            f"circuit.points_per_cycle = {circuit.points_per_cycle!r}: needed are at least "
            f"{MIN_POINTS_PER_CYCLE} points a period; 40 is the reference"
        )
    if not 0 <= circuit.jitter_rad <= math.pi:
        raise SpecError(
            f"circuit.jitter_rad = {circuit.jitter_rad!r}: needed is 0 to pi rad; 0.1 is the "
            "reference (exactly 0 and pi is a saddle of the phase model)"
        )
    check_ring(circuit)


def _check_coupling(circuit: Circuit) -> None:
    if circuit.coupling not in BRANCHES:
        raise SpecError(
            f"circuit.coupling = {circuit.coupling!r}: needed is one of {', '.join(BRANCHES)}"
        )
    both = circuit.coupling.endswith("-rc")
    if both and not 0 < circuit.coupling_rad < math.pi / 2:
        raise SpecError(
            f"circuit.coupling_rad = {circuit.coupling_rad!r}: a coupling of kind "
            f"{circuit.coupling!r} needs a phase between 0 and pi/2 rad; 0 is 'resistive', pi/2 "
            "'capacitive'"
        )
    if not both and circuit.coupling_rad != 0:
        raise SpecError(
            f"circuit.coupling_rad = {circuit.coupling_rad!r}: a coupling of kind "
            f"{circuit.coupling!r} has no phase to choose: needed is 0 rad, or circuit.coupling = "
            "'series-rc' or 'parallel-rc'"
        )


def branch_of(circuit: Circuit, nominal_hz: float) -> Branch:
    """
    Return what the circuit's couplings are made of.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    nominal_hz : float
        Frequency at which the admittance has its size and phase.
    """
    phase_rad = math.pi / 2 if circuit.coupling == "capacitive" else circuit.coupling_rad
    return Branch(circuit.coupling, phase_rad, TAU * nominal_hz)


def check_weights(weights: ArrayLike) -> Floats:
    """
    Return the weight matrix as floats after checking its shape and symmetry.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Dimensionless couplings, symmetric, zero diagonal.

    Returns
    -------
    ndarray of float
        A copy.

    Raises
    ------
    SpecError
        The matrix is not square, not finite, not symmetric, or couples an oscillator to itself.
    """
    matrix = np.array(weights, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or matrix.shape[0] < 1:
        raise SpecError(f"weights of shape {matrix.shape}: needed is a square N x N matrix")
    if not np.isfinite(matrix).all():
        raise SpecError("weights contain a value that is not finite: give finite numbers")
    if not np.array_equal(matrix, matrix.T):
        i, j = (int(k) for k in np.argwhere(matrix != matrix.T)[0])
        raise SpecError(
            f"weights are not symmetric: w[{i},{j}] = {matrix[i, j]:g}, w[{j},{i}] = "
            f"{matrix[j, i]:g}; one pair of resistors makes one weight for both directions"
        )
    if np.any(np.diag(matrix) != 0):
        i = int(np.flatnonzero(np.diag(matrix))[0])
        raise SpecError(
            f"w[{i},{i}] = {matrix[i, i]:g}: an oscillator is not coupled to itself, give 0"
        )
    return matrix


def check_vector(values: ArrayLike, n: int, name: str, unit: str) -> Floats:
    """
    Return one finite number per oscillator.

    Parameters
    ----------
    values : array_like, shape (N,)
        The numbers.
    n : int
        Oscillators.
    name, unit : str
        What the numbers are, for the message.

    Returns
    -------
    ndarray of float
        A copy.

    Raises
    ------
    SpecError
        The shape is wrong or a value is not finite.
    """
    vector = np.array(values, dtype=np.float64)
    if vector.shape != (n,) or not np.isfinite(vector).all():
        raise SpecError(
            f"{name} of shape {vector.shape}: needed are {n} finite numbers in {unit}, one per "
            "oscillator"
        )
    return vector


def half_bandwidth(circuit: Circuit) -> float:
    """Return ``omega0 / 2Q`` of the bare tank in rad/s, the unit of ``rho``."""
    return TAU * circuit.f0_hz / (2.0 * circuit.q)


def scale_weights(weights: Floats, rho: float, unit: float) -> tuple[Floats, float]:
    """
    Scale dimensionless weights so that the largest row sum is ``rho`` units.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        Dimensionless couplings.
    rho : float
        Target of ``max_i sum_j |w_ij|`` in units of ``unit``.
    unit : float
        For tanks the half bandwidth in rad/s, for rings ``omega0 C`` in siemens.

    Returns
    -------
    tuple of (ndarray, float)
        ``kappa W`` and ``kappa``, both in ``unit``; kappa is 0 for all-zero weights.
    """
    largest = float(np.abs(weights).sum(axis=1).max())
    kappa = rho * unit / largest if largest > 0 else 0.0
    return kappa * weights, kappa
