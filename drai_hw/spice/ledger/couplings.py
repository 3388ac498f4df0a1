"""Heat in the resistors of one coupling per period, beside G A^2 (1 - cos psi)/2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.integrate import cumulative_trapezoid

from drai_hw.spice.energy import BALANCE_LIMIT, tank_ledger
from drai_hw.spice.engine import simulate
from drai_hw.spice.readout import phases, rising_crossings_s
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, free_running_hz
from drai_hw.units import wrap_rad

_SKIPPED = 12


@dataclass(frozen=True)
class Couplings:
    """
    Hold the heat of a relaxing pair, one entry a period.

    Parameters
    ----------
    branch_s : float
        Conductance of each of the two branches.
    psi_rad, heat_j, closed_j : ndarray, shape (T,)
        Phase difference, heat of the period, and (G/2f) ((A_1 - A_2)^2 + 2 A_1 A_2 (1 - cos psi)).
    balance : float
        Of the whole run.
    """

    branch_s: float
    psi_rad: Floats
    heat_j: Floats
    closed_j: Floats
    balance: float

    @property
    def worst(self) -> float:
        """Return the largest difference of the two over the largest heat."""
        return float(np.abs(self.heat_j - self.closed_j).max() / self.heat_j.max())

    @property
    def balanced(self) -> bool:
        """Return whether the run's balance holds to 0.5 %."""
        return abs(self.balance) <= BALANCE_LIMIT

    def at(self, psi_rad: float) -> tuple[float, float]:
        """Return heat and closed form where the phase difference is nearest to a value."""
        k = int(np.abs(self.psi_rad - psi_rad).argmin())
        return float(self.heat_j[k]), float(self.closed_j[k])


def couplings(rho: float = 0.05, cycles: int = 250) -> Couplings:
    """
    Let a pair of tanks relax from antiphase and integrate the heat of its coupling by periods.

    Parameters
    ----------
    rho : float
        Strength of the pair.
    cycles : int
        Periods.
    """
    circuit = Circuit(rho=rho, cycles=cycles, points_per_cycle=100, damping="trimmed")
    netlist = create(np.array([[0.0, 1.0], [1.0, 0.0]]), circuit, start_phases=[0.0, 2.9])
    waves = simulate(netlist.text, stop_s=netlist.stop_s, expected_points=cycles * 100, vectors=6)
    p_v, n_v = (waves.select([f"v({s}{i})" for i in range(2)]) for s in "pn")
    f_hz = free_running_hz(circuit)
    branch_s = float(netlist.parts.straight_s[0, 1])
    signal = p_v - n_v
    power_w = branch_s * ((p_v[:, 0] - p_v[:, 1]) ** 2 + (n_v[:, 0] - n_v[:, 1]) ** 2)
    grid, table = phases(waves.time_s, signal, f_hz)
    ends = rising_crossings_s(waves.time_s, signal[:, 0])[_SKIPPED:]
    stored = cumulative_trapezoid(power_w, waves.time_s, initial=0.0)
    heat_j = np.diff(np.interp(ends, waves.time_s, stored))
    middle_s = 0.5 * (ends[1:] + ends[:-1])
    psi = np.interp(middle_s, grid, table[:, 1] - table[:, 0])
    amplitude_v = _amplitudes_v(waves.time_s, signal, ends)
    first, second = amplitude_v.T
    square = (first - second) ** 2 + 2.0 * first * second * (1.0 - np.cos(psi))
    inductor_a = waves.select(["i(lt0)", "i(lt1)"])
    return Couplings(
        branch_s=branch_s,
        psi_rad=np.abs(wrap_rad(psi)),
        heat_j=heat_j,
        closed_j=branch_s * square * np.diff(ends) / 4.0,
        balance=tank_ledger(netlist, waves.time_s, p_v, n_v, inductor_a, f_hz).balance,
    )


def _amplitudes_v(time_s: Floats, signal: Floats, ends: Floats) -> Floats:
    """Return sqrt(2) times the rms of each column between the given times."""
    total = cumulative_trapezoid(signal**2, time_s, axis=0, initial=0.0)
    columns = [np.interp(ends, time_s, column) for column in total.T]
    return np.sqrt(2.0 * np.diff(np.column_stack(columns), axis=0) / np.diff(ends)[:, None])
