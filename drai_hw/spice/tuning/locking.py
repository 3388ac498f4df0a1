"""A pair of tanks with different codes: locked within the closed form's range, or beating."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats, half_bandwidth
from drai_hw.spice.simulate import create, voltages
from drai_hw.spice.tuning.mismatch import closed_form_hz, draw
from drai_hw.spice.tuning.recall import DESIGN
from drai_hw.units import TAU

RHO = 0.1
OFFSETS = (-12, -14, -18, -24, -36)
"""Of the code of one tank of the pair."""
_SKIPPED = 60


@dataclass(frozen=True)
class Beat:
    """
    Hold what a pair did.

    Parameters
    ----------
    offset : int
        Code of one tank less that of the other.
    detuning : float
        Difference of the angular frequencies over the locking range 2 w.
    told_hz, seen_hz : float
        Beat by ``sqrt(d_omega^2 - (2 w)^2)/2 pi``, 0 where locked, and in ngspice.
    """

    offset: int
    detuning: float
    told_hz: float
    seen_hz: float


def beat(offset: int, rho: float = RHO, cycles: int = 1000) -> Beat:
    """
    Run a pair whose codes differ.

    Parameters
    ----------
    offset : int
        Code of the second tank less the middle code of the first.
    rho : float
        Coupling.
    cycles : int
        Length of the run; two beats are needed to tell one.
    """
    circuit = Circuit(rho=rho, points_per_cycle=40, cycles=cycles, damping="trimmed")
    bank = DESIGN.bank(circuit.capacitance_f)
    banks = draw(bank, circuit, 2, 0.0, 0, unit_sigma=0.0).at([bank.middle, bank.middle + offset])
    hz = closed_form_hz(banks, circuit)
    lock_hz = 2.0 * rho * half_bandwidth(circuit) / TAU
    apart_hz = float(hz[1] - hz[0])
    netlist = create([[0, 1], [1, 0]], circuit, start_phases=[0.0, 0.5], banks=banks)
    time_s, p_v, n_v = voltages(netlist)
    at_s, table = phases(time_s, p_v - n_v, circuit.f0_hz)
    psi = (table[:, 1] - table[:, 0])[_SKIPPED:]
    return Beat(
        offset=offset,
        detuning=apart_hz / lock_hz,
        told_hz=math.sqrt(max(0.0, apart_hz**2 - lock_hz**2)),
        seen_hz=_beat_hz(at_s[_SKIPPED:], psi),
    )


def _beat_hz(at_s: Floats, psi: Floats) -> float:
    """Return turns of a phase difference per second, over whole turns; 0 with less than one."""
    turns = np.floor((psi - psi[0]) * np.sign(psi[-1] - psi[0]) / TAU)
    starts = np.flatnonzero(np.diff(turns) > 0)
    if starts.size < 2:
        return 0.0
    crossed = np.interp(
        TAU * np.arange(1, starts.size + 1), np.maximum.accumulate(np.abs(psi - psi[0])), at_s
    )
    return float((starts.size - 1) / (crossed[-1] - crossed[0]))
