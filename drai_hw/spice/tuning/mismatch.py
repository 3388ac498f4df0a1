"""Capacitors as they were drawn, and the frequencies that oscillators get from them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Bank, Banks, Capacitors
from drai_hw.spice.cross_coupled import drawn
from drai_hw.spice.readout import frequency_hz
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, voltages
from drai_hw.spice.tuning import kinds
from drai_hw.units import TAU

UNIT_SIGMA = 0.01
"""Of the unit capacitor of a bank; one of m units deviates by 1/sqrt(m) of it."""
MOST_SIGMA = 0.2
_MEASURED_CYCLES = 40


def draw(
    bank: Bank, circuit: Circuit, n: int, sigma: float, seed: int, *, unit_sigma: float = UNIT_SIGMA
) -> Banks:
    """
    Draw the capacitors of N oscillators, their banks at the middle code.

    Each side's own capacitor deviates by itself, so that the frequency has the standard deviation
    ``sigma / (2 sqrt 2)`` of tanks, ``sigma / sqrt(2 S)`` of rings of S stages and
    ``sigma / sqrt(S)`` of single-ended ones, times the share of those capacitors in the whole. A
    capacitor of m units deviates by ``unit_sigma / sqrt(m)``.

    Parameters
    ----------
    bank : Bank
        The bank.
    circuit : Circuit
        The oscillators; at the middle code and without mismatch they have its capacitance.
    n : int
        Oscillators.
    sigma, unit_sigma : float
        Relative standard deviations of the sides' own capacitors and of the bank's unit, >= 0.
    seed : int
        Equal seeds give equal draws, scaled by the standard deviations.

    Raises
    ------
    SpecError
        A standard deviation out of range; a bank larger than the side.

    References
    ----------
    M. J. M. Pelgrom et al., IEEE J. Solid-State Circuits 24 (1989) 1433: the deviation falls with
    the root of the area.
    """
    _check(unit_sigma=unit_sigma)
    rng = np.random.default_rng(seed)
    nominal_f = np.full((n, kinds.sides(circuit)), kinds.side_f(circuit))
    shape = (n, kinds.tuned_sides(circuit), bank.bits)
    banks = Banks(
        fixed_f=nominal_f,
        bank=bank,
        deviation=np.zeros(shape),
        codes=np.full(n, bank.middle),
        stage=kinds.stage(circuit),
    )
    omega = kinds.omega_of(circuit)
    nominal_f[:, banks.tuned] = bank.fixed_f(kinds.side_f(circuit), omega)
    fixed_f = _deviated(nominal_f, sigma, rng)
    units = rng.standard_normal(shape) / np.sqrt(2.0 ** np.arange(bank.bits))
    return replace(banks, fixed_f=fixed_f, deviation=unit_sigma * units)


def draw_plain(circuit: Circuit, n: int, sigma: float, seed: int) -> Capacitors:
    """
    Draw the capacitors of N oscillators without banks; arguments as in `draw`.

    Raises
    ------
    SpecError
        The standard deviation is out of range.
    """
    nominal_f = np.full((n, kinds.sides(circuit)), kinds.side_f(circuit))
    return Capacitors(_deviated(nominal_f, sigma, np.random.default_rng(seed)))


def _deviated(nominal_f: Floats, sigma: float, rng: np.random.Generator) -> Floats:
    _check(sigma=sigma)
    return np.asarray(nominal_f * (1.0 + sigma * rng.standard_normal(nominal_f.shape)))


def _check(**sigmas: float) -> None:
    for name, value in sigmas.items():
        if not 0 <= value <= MOST_SIGMA:
            raise SpecError(
                f"{name} = {value!r}: needed is a relative deviation from 0 to {MOST_SIGMA}"
            )


def closed_form_hz(banks: Capacitors, circuit: Circuit, *, solver: bool = False) -> Floats:
    """
    Return the frequency of each oscillator on its own.

    A tank: ``1/(2 pi sqrt(L C))`` with the core's shift; C is that of both sides in series,
    ``C_p C_n/(C_p + C_n)``; the resistance of switches adds to the loss. A ring: the estimate
    `ring.nominal_hz` times the nominal over the mean load of all its nodes, within 0.15 % where one
    stage has a quarter more or less and within 0.03 % where loads deviate by 2 %. A tank with a
    drawn core: the lower mode of `DrawnTanks.frequency_hz`, within 20 ppm.

    Parameters
    ----------
    banks : Capacitors
        The capacitors.
    circuit : Circuit
        The oscillators.
    solver : bool
        Of tanks as the trapezoidal rule of a run shows it: ``(2/h) atan(omega h/2)`` at the step h.
    """
    omega = kinds.omega_of(circuit)
    sides = banks.side_s(omega)
    side_f, side_s = (sides / (1j * omega)).real, sides.real
    if circuit.kind == "ring":
        return np.asarray(kinds.nominal_hz(circuit) * circuit.ring_load_f / side_f.mean(axis=1))
    if circuit.core == "cross-coupled":
        found = TAU * drawn(circuit).frequency_hz(side_f)
    else:
        tank = kinds.tank_of(circuit)
        series_f = side_f.prod(axis=1) / side_f.sum(axis=1)
        excess_s = tank.g1_s - 1.0 / tank.parallel_ohm - side_s.sum(axis=1) / 4.0
        epsilon = excess_s * np.sqrt(tank.inductance_h / series_f)
        found = (1.0 - epsilon**2 / 16.0) / np.sqrt(tank.inductance_h * series_f)
    if solver:
        step_s = 1.0 / (circuit.f0_hz * circuit.points_per_cycle)
        found = 2.0 / step_s * np.arctan(0.5 * step_s * found)
    return np.asarray(found / TAU)


def ngspice_hz(banks: Capacitors, circuit: Circuit, *, timeout_s: float = 600.0) -> Floats:
    """
    Measure the frequency of each oscillator in ngspice, with all couplings open.

    Parameters
    ----------
    banks : Capacitors
        The capacitors.
    circuit : Circuit
        The oscillators; its points per cycle are the run's.
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
