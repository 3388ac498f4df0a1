"""Pseudo-differential rings drawn with a set of transistors: netlists and supply energy."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.engine import Progress, Waves, simulate
from drai_hw.spice.netlist import upper_pairs
from drai_hw.spice.node import node_farad
from drai_hw.spice.readout import align, frequency_hz, read_out
from drai_hw.spice.settings import Floats, check_vector, check_weights, scale_weights
from drai_hw.spice.transistors import CHARGES, LEVEL1, Transistors
from drai_hw.units import TAU

_FREE_CYCLES = 24
_SPARED_CYCLES = 4


@dataclass(frozen=True)
class Rings:
    """
    Hold what a network of drawn rings is made of, and where it works.

    Parameters
    ----------
    transistors : Transistors
        The set.
    stages : int
        Inverters per side, odd, at least 3.
    load_f : float
        Capacitor at each node.
    latch : float
        Width of the inverters between the sides over that of the stages.
    rho : float
        Largest row sum of the couplings' conductance over omega C of a node.
    vdd_v : float, optional
        Supply; that of the set when omitted.
    corner : str
        Corner of the models.
    temperature_c : float
        Temperature in degrees Celsius.
    points_per_cycle : int
        Largest step as a fraction of the period.
    """

    transistors: Transistors = LEVEL1
    stages: int = 5
    load_f: float = 10e-15
    latch: float = 0.3
    rho: float = 0.1
    vdd_v: float | None = None
    corner: str = "typical"
    temperature_c: float = 27.0
    points_per_cycle: int = 60

    @property
    def supply_v(self) -> float:
        """Return the supply voltage."""
        return self.transistors.vdd_v if self.vdd_v is None else self.vdd_v


@dataclass(frozen=True)
class Account:
    """
    Hold where the supply energy of whole periods went; only runs that save all charges have it.

    Parameters
    ----------
    supply_j, channel_j, charges_j, coupling_j, stored_j : float
        From VDD; heat in channels; work on the charges of transistors; heat in the couplings; into
        capacitors.
    """

    supply_j: float
    channel_j: float
    charges_j: float
    coupling_j: float
    stored_j: float

    @property
    def balance(self) -> float:
        """Return (delivered - dissipated - work on charges - stored) / delivered."""
        used = self.channel_j + self.charges_j + self.coupling_j + self.stored_j
        return 1.0 - used / self.supply_j


@dataclass(frozen=True)
class DrawnRun:
    """
    Hold a run of drawn rings.

    Parameters
    ----------
    frequency_hz : float
        Of an uncoupled ring in the same settings.
    phases_rad : ndarray, shape (T, N)
        One sample per period.
    pattern : ndarray, shape (N,)
        Read pattern.
    settled_cycle : int or None
        Period from which it held.
    supply_j, coupling_j, duration_s : float
        Energy from VDD, heat in the couplings, length of the run.
    seconds : float
        Wall-clock time in ngspice.
    account : Account or None
        Where the energy went.
    """

    frequency_hz: float
    phases_rad: Floats
    pattern: NDArray[np.int64]
    settled_cycle: int | None
    supply_j: float
    coupling_j: float
    duration_s: float
    seconds: float
    account: Account | None = field(default=None)

    @property
    def cycles(self) -> float:
        """Return the length of the run in free-running periods."""
        return self.duration_s * self.frequency_hz


def tags(n: int, stages: int) -> list[tuple[str, str, str]]:
    """Return name, gate node and drain node of every inverter of N rings, latches last of each."""
    found = []
    for i in range(n):
        for k in range(stages):
            here, before = f"{i}_{k}", f"{i}_{(k - 1) % stages}"
            found += [(f"{side}{here}", f"{side}{before}", f"{side}{here}") for side in "pn"]
            found += [(f"lp{here}", f"n{here}", f"p{here}"), (f"ln{here}", f"p{here}", f"n{here}")]
    return found


def _loads_f(rings: Rings, n: int, detuning: Floats | None) -> Floats:
    return rings.load_f / (1.0 + (np.zeros(n) if detuning is None else detuning))


def netlist(
    rings: Rings, branch_s: Floats, start_rad: Floats, period_s: float, cycles: float, *,
    detuning: Floats | None = None, account: bool = False, cards: list[str] | None = None,
) -> str:  # fmt: skip
    """
    Return the netlist of N rings.

    Parameters
    ----------
    rings : Rings
        What they are made of.
    branch_s : ndarray, shape (N, N)
        Conductance of each of a pair's two branches, negative for crossed ones.
    start_rad : ndarray, shape (N,)
        Start phases.
    period_s, cycles : float
        Period that the time axis is laid out for, and length of the run in it.
    detuning : ndarray, shape (N,), optional
        Relative deviation of each ring's load from 1/(1 + d) of the nominal.
    account : bool
        Save every node, current and charge for an `Account`.
    cards : list of str, optional
        Model cards in the place of the set's own.
    """
    n, vdd_v, some = len(start_rad), rings.supply_v, rings.transistors
    loads = _loads_f(rings, n, detuning)
    lines = [f"{n} rings of {some.name}", f".temp {rings.temperature_c:g}",
             *(some.cards(rings.corner) if cards is None else cards),
             f"Vdd vdd 0 {vdd_v!r}"]  # fmt: skip
    for i in range(n):
        for k in range(rings.stages):
            # each inverter turns the phase by pi and delays it by pi / stages
            lag = k * (math.pi + math.pi / rings.stages)
            swing_v = 0.45 * vdd_v * math.cos(float(start_rad[i]) - lag)
            for side, sign in (("p", 1), ("n", -1)):
                at_v = 0.5 * vdd_v + sign * swing_v
                lines.append(f"C{side}{i}_{k} {side}{i}_{k} 0 {float(loads[i])!r} ic={at_v!r}")
    for tag, gate, drain in tags(n, rings.stages):
        share = rings.latch if tag[0] == "l" else 1.0
        lines += some.inverter(tag, gate, drain, share=share)
    for i, j in upper_pairs(branch_s):
        ohm = 1.0 / abs(float(branch_s[i, j]))
        ends = ("p", "n") if branch_s[i, j] > 0 else ("n", "p")
        for side, end in zip(("p", "n"), ends, strict=True):
            lines.append(f"Rw{i}_{j}_{side}{end} {side}{i}_0 {end}{j}_0 {ohm!r}")
    last = rings.stages if account else 1
    saved = [f"v({side}{i}_{k})" for i in range(n) for k in range(last) for side in "pn"]
    saved.append("i(vdd)")
    if account:
        for tag, _, _ in tags(n, rings.stages):
            saved += [name for kind in "np" for name in some.saved(kind + tag)]
    step_s = period_s / rings.points_per_cycle
    lines += [".options method=trap reltol=1e-4", *(f".save {name}" for name in saved),
              f".tran {step_s:.6g} {cycles * period_s:.9g} 0 {step_s:.6g} uic",
              ".end", ""]  # fmt: skip
    return "\n".join(lines)


@lru_cache(maxsize=64)
def capacitance_f(rings: Rings) -> float:
    """Return the capacitance of a node at mid-rail: load, stages and latch."""
    volt = np.array([0.5 * rings.supply_v])
    own = node_farad(rings.transistors, 0.0, volt, corner=rings.corner,
                     temperature_c=rings.temperature_c, vdd_v=rings.supply_v)  # fmt: skip
    return rings.load_f + (1.0 + rings.latch) * float(own[0])


@lru_cache(maxsize=64)
def free_running_hz(rings: Rings) -> float:
    """
    Measure one uncoupled ring in the network's settings.

    Parameters
    ----------
    rings : Rings
        Settings.
    """
    some = rings.transistors
    # 2 S C VDD / I with 0.4 mA a micrometre and as much load again as the transistors' own
    period_s = 2.0 * rings.stages * 2.5 * rings.load_f * rings.supply_v / (4e2 * some.nmos_m)
    found = 0.0
    for _ in range(3):
        text = netlist(rings, np.zeros((1, 1)), np.zeros(1), period_s, _FREE_CYCLES)
        waves = _simulate(text, period_s, _FREE_CYCLES, rings, None)
        p_v, n_v = waves.select(["v(p0_0)", "v(n0_0)"]).T
        last, found = found, frequency_hz(waves.time_s, p_v - n_v)
        if abs(last / found - 1.0) < 0.02:
            break
        period_s = 1.0 / found
    return found


def branches_s(rings: Rings, weights: ArrayLike) -> Floats:
    """Return the branches' conductances that rho asks for, signed as the weights."""
    unit_s = TAU * free_running_hz(rings) * capacitance_f(rings)
    return scale_weights(check_weights(weights), rings.rho, unit_s)[0]


def _simulate(text: str, period_s: float, cycles: float, rings: Rings,
              progress: Progress | None) -> Waves:  # fmt: skip
    return simulate(
        text, stop_s=cycles * period_s * (1 - 1e-6),
        expected_points=int(1.4 * cycles * rings.points_per_cycle),
        vectors=text.count(".save "), name="rings", timeout_s=3600.0, progress=progress,
    )  # fmt: skip


def run(
    rings: Rings,
    weights: ArrayLike,
    start_rad: ArrayLike,
    cycles: float,
    *,
    detuning: ArrayLike | None = None,
    account: bool = False,
    progress: Progress | None = None,
) -> DrawnRun:
    """
    Run a network of drawn rings.

    Parameters
    ----------
    rings : Rings
        What it is made of; rho sets the scale of the weights.
    weights : array_like, shape (N, N)
        Symmetric.
    start_rad : array_like, shape (N,)
        Start phases.
    cycles : float
        Free-running periods, at least 6.
    detuning : array_like, shape (N,), optional
        Relative deviations of the loads.
    account : bool
        Account for the last whole periods; saves five vectors a transistor.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    SpecError
        An argument is out of range.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    if cycles < 6:
        raise SpecError(f"cycles = {cycles!r}: needed are at least 6 periods")
    branch = branches_s(rings, weights)
    start = check_vector(start_rad, branch.shape[0], "start_rad", "rad")
    offsets = None if detuning is None else check_vector(detuning, len(start), "detuning", "f/f0")
    f_hz = free_running_hz(rings)
    text = netlist(rings, branch, start, 1.0 / f_hz, cycles, detuning=offsets, account=account)
    waves = _simulate(text, 1.0 / f_hz, cycles, rings, progress)
    n = len(start)
    p_v = waves.select([f"v(p{i}_0)" for i in range(n)])
    n_v = waves.select([f"v(n{i}_0)" for i in range(n)])
    read = read_out(waves.time_s, p_v - n_v, f_hz)
    sides = np.where(np.cos(start) >= 0, 1, -1).astype(np.int64)
    heat_w = _coupling_w(branch, p_v, n_v)
    supply_a = waves.select(["i(vdd)"])[:, 0]
    return DrawnRun(
        frequency_hz=f_hz,
        phases_rad=read.phases_rad,
        pattern=align(read.pattern, sides),
        settled_cycle=read.settled_cycle,
        supply_j=-rings.supply_v * float(np.trapezoid(supply_a, waves.time_s)),
        coupling_j=float(np.trapezoid(heat_w, waves.time_s)),
        duration_s=float(waves.time_s[-1] - waves.time_s[0]),
        seconds=waves.seconds,
        account=_account(rings, waves, branch, offsets, f_hz) if account else None,
    )


def _coupling_w(branch_s: Floats, p_v: Floats, n_v: Floats) -> Floats:
    total = np.zeros(p_v.shape[0])
    for i, j in upper_pairs(branch_s):
        first, second = (p_v, n_v) if branch_s[i, j] > 0 else (n_v, p_v)
        total += abs(branch_s[i, j]) * (
            (p_v[:, i] - first[:, j]) ** 2 + (n_v[:, i] - second[:, j]) ** 2
        )
    return total


def _account(rings: Rings, waves: Waves, branch_s: Floats, detuning: Floats | None,
             f_hz: float) -> Account:  # fmt: skip
    """Account for the last whole periods, after the first few of the start."""
    some, n, vdd_v = rings.transistors, branch_s.shape[0], rings.supply_v
    count = int(waves.time_s[-1] * f_hz) - _SPARED_CYCLES
    keep = waves.time_s >= waves.time_s[-1] - count / f_hz
    t = waves.time_s[keep]

    def at(name: str) -> Floats:
        return waves.select([name])[keep, 0]

    channel_j = charges_j = 0.0
    for tag, gate, drain in tags(n, rings.stages):
        gate_v, drain_v = at(f"v({gate})"), at(f"v({drain})")
        for kind, source_v, across_v in (("n", 0.0, drain_v), ("p", vdd_v, vdd_v - drain_v)):
            current_a = np.abs(at(some.current(kind + tag)))
            channel_j += float(np.trapezoid(current_a * np.abs(across_v), t))
            if some.technology:
                charges_j += work_j(some, at, kind, tag, (gate_v, drain_v, source_v))
    loads = _loads_f(rings, n, detuning)
    stored = [
        0.5 * loads[i] * (at(f"v({side}{i}_{k})")[[0, -1]] ** 2)
        for i in range(n) for k in range(rings.stages) for side in "pn"
    ]  # fmt: skip
    before_j, after_j = np.sum(stored, axis=0)
    p_v = waves.select([f"v(p{i}_0)" for i in range(n)])[keep]
    n_v = waves.select([f"v(n{i}_0)" for i in range(n)])[keep]
    return Account(
        supply_j=-vdd_v * float(np.trapezoid(at("i(vdd)"), t)),
        channel_j=channel_j,
        charges_j=charges_j,
        coupling_j=float(np.trapezoid(_coupling_w(branch_s, p_v, n_v), t)),
        stored_j=float(after_j - before_j),
    )


def work_j(
    some: Transistors, at: Callable[[str], Floats], kind: str, tag: str,
    volts: tuple[Floats, Floats, float],
) -> float:  # fmt: skip
    """
    Return the integral of v dq over the terminals of a BSIM4 transistor.

    Parameters
    ----------
    some : Transistors
        The set.
    at : callable
        Returns a saved vector by name.
    kind, tag : str
        "n" or "p", and the inverter.
    volts : tuple
        Gate, drain, source (and bulk), volt.
    """
    gate_v, drain_v, source_v = volts
    sign = 1.0 if kind == "n" else -1.0  # BSIM4 keeps charges with the type's sign
    total = 0.0
    at_source_v = np.full_like(gate_v, source_v)
    volt = (gate_v, drain_v, at_source_v, at_source_v)
    for name, v in zip(CHARGES, volt, strict=True):
        q = sign * at(some.quantity(kind + tag, name))
        total += float((0.5 * (v[1:] + v[:-1]) * np.diff(q)).sum())
    return total
