"""Capacitors as they were drawn, and the frequencies that tanks get from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Bank, Banks
from drai_hw.spice.lc import design_tank
from drai_hw.spice.readout import frequency_hz
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, voltages
from drai_hw.units import TAU

UNIT_SIGMA = 0.01
"""Of the unit capacitor of a bank; one of m units deviates by 1/sqrt(m) of it."""
_MEASURED_CYCLES = 40


def draw(
    bank: Bank, circuit: Circuit, n: int, sigma: float, seed: int, *, unit_sigma: float = UNIT_SIGMA
) -> Banks:
    """
    Draw the capacitors of N tanks, their banks at the middle code.

    Each side's own capacitor deviates by itself, so that a tank's frequency has the standard
    deviation ``sigma / (2 sqrt 2)`` times the share of those capacitors in the whole. A capacitor
    of m units deviates by ``unit_sigma / sqrt(m)``.

    Parameters
    ----------
    bank : Bank
        The bank.
    circuit : Circuit
        The tanks; at the middle code and without mismatch they have its capacitance.
    n : int
        Tanks.
    sigma, unit_sigma : float
        Relative standard deviations of the tanks' own capacitors and of the bank's unit, >= 0.
    seed : int
        Equal seeds give equal draws, scaled by the standard deviations.

    Raises
    ------
    SpecError
        A standard deviation out of range; a bank larger than the tank.

    References
    ----------
    M. J. M. Pelgrom et al., IEEE J. Solid-State Circuits 24 (1989) 1433: the deviation falls with
    the root of the area.
    """
    for name, value in (("sigma", sigma), ("unit_sigma", unit_sigma)):
        if not 0 <= value <= 0.2:
            raise SpecError(f"{name} = {value!r}: needed is a relative deviation from 0 to 0.2")
    rng = np.random.default_rng(seed)
    fixed_f = bank.fixed_f(circuit.capacitance_f, TAU * circuit.f0_hz)
    own = rng.standard_normal((n, 2))
    units = rng.standard_normal((n, 2, bank.bits)) / np.sqrt(2.0 ** np.arange(bank.bits))
    return Banks(
        bank=bank,
        fixed_f=fixed_f * (1.0 + sigma * own),
        deviation=unit_sigma * units,
        codes=np.full(n, bank.middle),
    )


def closed_form_hz(banks: Banks, circuit: Circuit, *, solver: bool = False) -> Floats:
    """
    Return the frequency of each tank on its own: ``1/(2 pi sqrt(L C))`` with the core's shift.

    C is that of both sides in series, ``C_p C_n/(C_p + C_n)``; the resistance of switches adds to
    the loss.

    Parameters
    ----------
    banks : Banks
        The capacitors.
    circuit : Circuit
        The tanks.
    solver : bool
        As the trapezoidal rule of a run shows it: ``(2/h) atan(omega h/2)`` at the step h.
    """
    tank = design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )
    omega = TAU * circuit.f0_hz
    sides = banks.side_s(omega)
    side_f, side_s = sides.imag / omega, sides.real
    series_f = side_f.prod(axis=1) / side_f.sum(axis=1)
    excess_s = tank.g1_s - 1.0 / tank.parallel_ohm - side_s.sum(axis=1) / 4.0
    epsilon = excess_s * np.sqrt(tank.inductance_h / series_f)
    found = (1.0 - epsilon**2 / 16.0) / np.sqrt(tank.inductance_h * series_f)
    if solver:
        step_s = 1.0 / (circuit.f0_hz * circuit.points_per_cycle)
        found = 2.0 / step_s * np.arctan(0.5 * step_s * found)
    return np.asarray(found / TAU)


def ngspice_hz(banks: Banks, circuit: Circuit, *, timeout_s: float = 600.0) -> Floats:
    """
    Measure the frequency of each tank in ngspice, with all couplings open.

    Parameters
    ----------
    banks : Banks
        The capacitors.
    circuit : Circuit
        The tanks; its points per cycle are the run's.
    timeout_s : float
        Wall-clock limit.

    Raises
    ------
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    settings = replace(circuit, cycles=_MEASURED_CYCLES, damping="none")
    netlist = create(
        np.zeros((banks.n, banks.n)), settings, start_phases=np.zeros(banks.n), banks=banks,
        name="free",
    )  # fmt: skip
    time_s, p_v, n_v = voltages(netlist, timeout_s=timeout_s)
    return np.array([frequency_hz(time_s, v) for v in (p_v - n_v).T])
