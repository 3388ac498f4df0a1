"""A network of tanks as differential equations, integrated without ngspice: a second opinion."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from scipy.integrate import solve_ivp

from drai_hw.spice import lc
from drai_hw.spice.extraction.amplitude import differential
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import numbered_crossings_s
from drai_hw.spice.require import require_resistive
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU

ACCURACY = 1e-8
CHUNK_CYCLES = 20


def waveforms(netlist: Netlist, *, start_v: float | None = None) -> tuple[Floats, Floats]:
    """
    Return the voltages between the sides of all tanks, from the circuit's own equations.

    Nothing is averaged: C/2 dv/dt = -i + g v - g3 v^3 + sum_j s_ij G_ij v_j / 2, L di/dt = v, from
    the start values of the netlist. The common mode of equal sides stays 0 and is left out. The
    method is of order 8 with a relative tolerance of 1e-8 a step, which at N = 64 takes a
    seventieth of ngspice's time and has none of the trapezoidal rule's shift of the frequency.

    Parameters
    ----------
    netlist : Netlist
        Of tanks without banks; its ``stop_s`` and points a period say what is returned.
    start_v : float, optional
        Amplitude of all tanks at the start; that of the settings when omitted.

    Returns
    -------
    time_s : ndarray, shape (T,)
        Equally spaced, points_per_cycle of them in a nominal period.
    voltage_v : ndarray, shape (T, N)
        v(p) - v(n).

    Raises
    ------
    SpecError
        The netlist is not one of tanks, has banks, unequal sides or couplings with capacitors.
    """
    values = differential(netlist)
    circuit, parts, n = netlist.circuit, netlist.parts, netlist.n
    require_resistive(circuit, "these equations have")
    half_f = 0.5 * values["capacitance_f"]
    pull = 0.5 * (parts.straight_s - parts.crossed_s) / half_f[:, None]
    net, cubic = values["net_s"] / half_f, values["g3_s_per_v2"] / half_f
    inverse = 1.0 / values["inductance_h"]
    charge = 1.0 / half_f

    def rate(_: float, state: Floats) -> Floats:
        v, current = state[:n], state[n:]
        return np.concatenate(
            [(net - cubic * v * v) * v + pull @ v - charge * current, inverse * v]
        )

    phases = netlist.start_phases_rad
    amplitude_v = circuit.amplitude_v if start_v is None else start_v
    reactance = TAU * circuit.f0_hz * (1.0 + netlist.detuning) * values["inductance_h"]
    state = np.concatenate([amplitude_v * np.cos(phases), amplitude_v * np.sin(phases) / reactance])
    # the tolerance of a current is that of a voltage over the tank's impedance
    atol = ACCURACY * np.concatenate([np.ones(n), 1.0 / reactance]) * circuit.amplitude_v
    step_s = 1.0 / (netlist.nominal_hz * circuit.points_per_cycle)
    steps = round(netlist.stop_s / step_s)
    chunk = CHUNK_CYCLES * circuit.points_per_cycle
    voltage_v = np.empty((steps + 1, n))
    voltage_v[0] = state[:n]
    for first in range(0, steps, chunk):
        last = min(first + chunk, steps)
        at_s = step_s * np.arange(first, last + 1)
        found = solve_ivp(
            rate, (at_s[0], at_s[-1]), state,
            method="DOP853", t_eval=at_s, rtol=ACCURACY, atol=atol,
        )  # fmt: skip
        voltage_v[first + 1 : last + 1] = found.y[:n, 1:].T
        state = found.y[:, -1]
    return np.arange(steps + 1, dtype=np.float64) * step_s, voltage_v


def crossings_s(netlist: Netlist) -> Floats:
    """
    Return oscillator and time of every rising zero crossing, by the circuit's equations.

    Parameters
    ----------
    netlist : Netlist
        As for `waveforms`.

    Returns
    -------
    ndarray, shape (K, 2)
    """
    return numbered_crossings_s(*waveforms(netlist))


def free_running_hz(circuit: Circuit, cycles: int = 200) -> float:
    """
    Return the frequency of one uncoupled tank, by the circuit's equations.

    Parameters
    ----------
    circuit : Circuit
        Settings, of kind ``lc``.
    cycles : int
        Periods to integrate; the first half settles.
    """
    alone = lc.build(
        np.zeros((1, 1)), replace(circuit, cycles=cycles), np.zeros(1), np.zeros(1),
        name="free", command="free_running_hz", seed=0,
    )  # fmt: skip
    at_s = crossings_s(alone)[:, 1]
    late = at_s[at_s.size // 2 :]
    return float((late.size - 1) / (late[-1] - late[0]))
