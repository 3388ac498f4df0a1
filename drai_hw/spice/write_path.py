"""A write path of switches beside coupled tanks: kicks of phases, a pulse, the weight after it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from scipy.integrate import solve_ivp
from scipy.optimize import brentq

from drai_hw.errors import SpecError
from drai_hw.spice.engine import simulate
from drai_hw.spice.extraction.pair import odd_part
from drai_hw.spice.learning import with_elements
from drai_hw.spice.memristive import branch, pairs
from drai_hw.spice.memristors import Model
from drai_hw.spice.readout import phases, rising_crossings_s
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.spice.switch import Switch
from drai_hw.units import TAU

_STARTS = 8
_EDGE_CYCLE = 30
_FITTED_CYCLES = 20
_EDGE_S = 1e-9


@dataclass(frozen=True)
class Kick:
    """
    Hold what a charge on side p of a tank does to its phase, ``sine sin(phi) + cosine cos(phi)``.

    Parameters
    ----------
    told_rad : float
        Closed form of ``sine``: ``-Q/(C A)``.
    sine_rad, cosine_rad : float
        Measured at eight phases.
    rest_rad : float
        Largest deviation of a measured kick from the two.
    """

    told_rad: float
    sine_rad: float
    cosine_rad: float
    rest_rad: float


def kick(
    switch: Switch, circuit: Circuit, volt: float, cause: Literal["leakage", "injection"]
) -> Kick:
    """
    Measure the phase kick that an open switch at one side of a tank gives.

    Leakage: the far end steps by ``volt``; the divider of ``C_off`` and the tank leaves
    ``Q = C_off volt``. Injection: the control steps by ``volt`` and stays below its threshold;
    ``Q = C_overlap volt``. The charge moves ``v = A cos(phi)`` by Q/C, and so the phase by
    ``-(Q/CA) sin(phi)``; the core's lag, eps/4 of it, is the cosine. Eight tanks at eight phases
    get the edge and eight more do not: a kick is the difference.

    Parameters
    ----------
    switch : Switch
        The switch.
    circuit : Circuit
        The tanks.
    volt : float
        Step.
    cause : {"leakage", "injection"}
        What steps.
    """
    if cause == "injection" and not abs(volt) < 0.5 * switch.control_v:
        raise SpecError(
            f"a control step of {volt:g} V: needed is less than half of control_v = "
            f"{switch.control_v:g} V, beyond which the switch closes"
        )
    edge_s = _EDGE_CYCLE / circuit.f0_hz
    settings = replace(circuit, cycles=2 * _EDGE_CYCLE, points_per_cycle=100, damping="none")
    start = np.tile(TAU * np.arange(_STARTS) / _STARTS, 2)
    netlist = create(np.zeros((2 * _STARTS,) * 2), settings, start_phases=start, name="kick")
    step = f"pwl(0 0 {edge_s!r} 0 {edge_s + _EDGE_S!r} {volt!r})"
    lines = [*switch.cards(), f"Vstep step 0 {step}", "Vrest rest 0 0"]
    for i in range(2 * _STARTS):
        moved = "step" if i < _STARTS else "rest"
        far, control = (moved, "rest") if cause == "leakage" else ("rest", moved)
        lines += switch.lines(f"k{i}", f"p{i}", far, control)
    saved = [f"v({side}{i})" for i in range(2 * _STARTS) for side in "pn"]
    waves = simulate(
        with_elements(netlist, lines, saved), stop_s=netlist.stop_s,
        expected_points=100 * settings.cycles, vectors=len(saved), name="kick",
    )  # fmt: skip
    sides = waves.select(saved)
    at = [rising_crossings_s(waves.time_s, v) for v in (sides[:, 0::2] - sides[:, 1::2]).T]
    found = np.array([
        _jump(at[i], at[i + _STARTS], edge_s, circuit.f0_hz) for i in range(_STARTS)
    ])  # fmt: skip
    phi, moved_rad = found.T
    table = np.column_stack([np.sin(phi), np.cos(phi)])
    (sine, cosine), *_ = np.linalg.lstsq(table, moved_rad, rcond=None)
    charge_c = volt * (switch.off_f if cause == "leakage" else switch.overlap_f)
    return Kick(
        told_rad=-charge_c / (circuit.capacitance_f * circuit.amplitude_v),
        sine_rad=float(sine),
        cosine_rad=float(cosine),
        rest_rad=float(np.abs(moved_rad - table @ np.array([sine, cosine])).max()),
    )


def _jump(hit_s: Floats, free_s: Floats, edge_s: float, f0_hz: float) -> tuple[float, float]:
    """Return the phase at the edge and how far it jumped, from the crossings of two tanks."""
    count = min(hit_s.size, free_s.size)
    hit_s, free_s = hit_s[:count], free_s[:count]
    apart = -TAU * f0_hz * (hit_s - free_s)
    since = (free_s - edge_s) * f0_hz
    before = (since > -_FITTED_CYCLES) & (since < 0)
    after = (since > 1) & (since < _FITTED_CYCLES)
    ends = [np.polyval(np.polyfit(since[k], apart[k], 1), 0.0) for k in (before, after)]
    last_s = free_s[free_s < edge_s]
    own_hz = 1.0 / np.diff(last_s[-10:]).mean()
    return -TAU / 4 + TAU * own_hz * (edge_s - last_s[-1]), float(ends[1] - ends[0])


def programmed(model: Model, state: float, volt: float, width_s: float, switch: Switch) -> float:
    """
    Return the state after an ideal pulse on a device between two closed switches.

    ``dx/dt`` at the voltage v that the switches leave, ``volt = v + 2 R_on i(v, x)``.

    Parameters
    ----------
    model : Model
        The device.
    state : float
        Before the pulse, 0 to 1.
    volt, width_s : float
        The pulse.
    switch : Switch
        The switches.
    """

    def rate(_: float, x: Floats) -> list[float]:
        def excess(v: float) -> float:
            return v + 2.0 * switch.on_ohm * float(model.current_a(v, x[0])) - volt

        v = brentq(excess, min(0.0, volt), max(0.0, volt), xtol=1e-12) if volt else 0.0
        return [float(model.rate_per_s(v, x[0]))]

    found = solve_ivp(rate, (0.0, width_s), [state], rtol=1e-8, atol=1e-10, max_step=width_s / 50)
    return float(found.y[0, -1])


@dataclass(frozen=True)
class Written:
    """
    Hold a pair of tanks whose coupling was written through the switches, and then read.

    Parameters
    ----------
    state, told_state : float
        Of the device after the pulse, in ngspice and by `programmed`.
    silent_rad : float
        Largest move of the phase difference until the read switches close.
    kept : float
        Largest change of the state while it couples.
    coupling, told_coupling : float
        w of the pair in rad/s, by its transient and by ``G/2C`` of device and read switches.
    """

    state: float
    told_state: float
    silent_rad: float
    kept: float
    coupling: float
    told_coupling: float


def write_and_read(
    model: Model,
    circuit: Circuit,
    state: float,
    volt: float,
    width_s: float,
    *,
    switch: Switch | None = None,
    psi_rad: float = 2.0,
    cycles: int = 300,
) -> Written:
    """
    Write two devices while their read switches are open, close these, and see the tanks lock.

    Parameters
    ----------
    model : Model
        The device; two of them make the straight branches of a pair.
    circuit : Circuit
        The tanks.
    state : float
        Of the devices before.
    volt, width_s : float
        The pulse on the write lines.
    switch : Switch, optional
        All switches.
    psi_rad : float
        Phase difference of the tanks.
    cycles : int
        Length of the run; the read switches close after 40 periods.

    Raises
    ------
    SpecError
        The oscillation would move the device's state.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    used = switch or Switch()
    model.check_branch(circuit.amplitude_v)
    found = pairs([[0, 1], [1, 0]], circuit, model, switch=used)
    period_s = 1.0 / circuit.f0_hz
    opens_s, pulse_s, shuts_s, read_s = (k * period_s for k in (10, 12, 20, 40))
    high = used.control_v
    lines = [
        *used.cards(), model.subcircuit().rstrip("\n"),
        f"Vcw cw 0 pwl(0 0 {opens_s!r} 0 {opens_s + _EDGE_S!r} {high!r} {shuts_s!r} {high!r} "
        f"{shuts_s + _EDGE_S!r} 0)",
        f"Vcr cr 0 pwl(0 0 {read_s!r} 0 {read_s + _EDGE_S!r} {high!r})",
        f"Vwl wl 0 pwl(0 0 {pulse_s!r} 0 {pulse_s + _EDGE_S!r} {volt!r} {pulse_s + width_s!r} "
        f"{volt!r} {pulse_s + width_s + _EDGE_S!r} 0)",
        "Vbl bl 0 0",
        *branch("0", "p0", "p1", state, found),
        *branch("1", "n0", "n1", state, found),
    ]  # fmt: skip
    saved = [f"v({side}{i})" for i in range(2) for side in "pn"] + ["v(xm0.x)"]
    settings = replace(circuit, cycles=cycles, points_per_cycle=100, damping="none")
    netlist = create(np.zeros((2, 2)), settings, start_phases=[0.0, psi_rad], name="write")
    waves = simulate(
        with_elements(netlist, lines, saved), stop_s=netlist.stop_s,
        expected_points=100 * cycles, vectors=5, name="write", timeout_s=600.0,
    )  # fmt: skip
    sides, x = waves.select(saved[:4]), waves.select(saved[4:])[:, 0]
    at_s, table = phases(waves.time_s, sides[:, 0::2] - sides[:, 1::2], circuit.f0_hz)
    psi = table[:, 1] - table[:, 0]
    before, after = at_s < read_s - period_s, at_s > read_s + 5.0 * period_s
    settled = x[waves.time_s > shuts_s]
    factors, _ = odd_part(at_s[after], psi[after])
    end = float(settled[0])
    device_s = float(model.current_a(1e-3, end)) / 1e-3
    return Written(
        state=end,
        told_state=programmed(model, state, volt, width_s, used),
        silent_rad=float(np.abs(psi[before] - psi[0]).max()),
        kept=float(np.abs(settled - end).max()),
        coupling=float(factors[0]),
        told_coupling=1.0 / (1.0 / device_s + 2.0 * used.on_ohm) / (2.0 * circuit.capacitance_f),
    )
