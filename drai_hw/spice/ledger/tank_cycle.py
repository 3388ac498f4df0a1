"""A tank with a cross-coupled pair and a mirrored tail current: supply energy and closed form."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.spice.devices import LENGTH_M, NMOS_KP_A_PER_V2
from drai_hw.spice.drawn_tanks import TAIL_F, DrawnTanks
from drai_hw.spice.engine import simulate
from drai_hw.spice.readout import rising_crossings_s
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU

_CYCLES, _KEPT = 80, 30


@dataclass(frozen=True)
class TankCycle:
    """
    Hold a cross-coupled tank beside its closed form.

    Parameters
    ----------
    supply_v, tail_a : float
        Supply, and the tail current that the closed form asks for.
    q : float
        Of the tank, for the bound by thermal noise.
    frequency_hz, closed_hz : float
        Measured, and 1/(2 pi sqrt(L C/2)).
    amplitude_v, closed_amplitude_v : float
        Peak between the sides, measured and by the pair's describing function.
    supply_j, closed_j : float
        From VDD per period, measured and VDD (I_tail + I_reference)/f.
    heat_j : dict of str to float
        Per period, by class of element.
    stored_j : float
        Change of the stored energy per period.
    """

    supply_v: float
    tail_a: float
    q: float
    frequency_hz: float
    closed_hz: float
    amplitude_v: float
    closed_amplitude_v: float
    supply_j: float
    closed_j: float
    heat_j: dict[str, float]
    stored_j: float

    @property
    def balance(self) -> float:
        """Return (delivered - dissipated - stored) / delivered."""
        return 1.0 - (sum(self.heat_j.values()) + self.stored_j) / self.supply_j


def steered_a(volt: Floats, tail_a: float, gain_a_per_v2: float) -> Floats:
    """
    Return half the difference of the pair's currents at a voltage between its gates.

    Square law with a constant tail current; beyond sqrt(2 I/beta) one side has all of it.
    """
    limit_v = math.sqrt(2.0 * tail_a / gain_a_per_v2)
    v = np.clip(volt, -limit_v, limit_v)
    return 0.25 * gain_a_per_v2 * v * np.sqrt(4.0 * tail_a / gain_a_per_v2 - v * v)


def amplitude_v(tail_a: float, gain_a_per_v2: float, parallel_ohm: float) -> float:
    """
    Return the amplitude at which the pair's fundamental makes up for the loss.

    Hard switching gives 2 I R / pi; the finite overdrive takes a little off.

    Parameters
    ----------
    tail_a, gain_a_per_v2, parallel_ohm : float
        Tail current, KP W/L of each transistor, loss between the sides.
    """
    theta = (np.arange(2000) + 0.5) * TAU / 2000
    found = 2.0 / math.pi * tail_a * parallel_ohm
    for _ in range(200):
        wave = steered_a(found * np.cos(theta), tail_a, gain_a_per_v2)
        found = 0.5 * found + 0.5 * parallel_ohm * 2.0 * float(np.mean(wave * np.cos(theta)))
    return found


def tank_cycle(
    circuit: Circuit | None = None, *, supply_v: float = 1.8, pair_m: float = 8e-6,
    points: int = 200,
) -> TankCycle:  # fmt: skip
    """
    Run one tank with a drawn core: level-1 transistors, VDD the only source.

    Two halves of the inductor lead from VDD to the sides; the cross-coupled pair draws its tail
    current from a mirror whose reference is a resistor from VDD.

    Parameters
    ----------
    circuit : Circuit, optional
        The tank: frequency, Q, amplitude, capacitance.
    supply_v : float
        VDD.
    pair_m : float
        Width of each transistor of the pair.
    points : int
        Steps per period.

    Raises
    ------
    ConvergenceError
        The core does not start or keep the tank.
    """
    settings = replace(circuit or Circuit(), points_per_cycle=points)
    drawn = DrawnTanks(settings, supply_v, pair_m)
    tank, tail_a, reference_a = drawn.tank, drawn.tail_a, drawn.reference_a
    beta = NMOS_KP_A_PER_V2 * pair_m / LENGTH_M
    text = drawn.netlist(np.zeros((1, 1)), np.zeros(1), _CYCLES)
    waves = simulate(text, stop_s=_CYCLES / settings.f0_hz, expected_points=_CYCLES * points,
                     vectors=7, name="tank")  # fmt: skip
    names = ["v(p0)", "v(n0)", "v(tail0)", "v(ref0)", "i(vdd)", "i(lp0)", "i(ln0)"]
    crossings = rising_crossings_s(waves.time_s, np.diff(waves.select(["v(n0)", "v(p0)"]))[:, 0])
    if crossings.size < _KEPT + 2:
        raise ConvergenceError("the cross-coupled tank stopped: raise the tail current or q")
    first_s, last_s = crossings[-1 - _KEPT], crossings[-1]
    keep = (waves.time_s > first_s) & (waves.time_s < last_s)
    t = np.concatenate([[first_s], waves.time_s[keep], [last_s]])
    p, n, tail, ref, supply, lp, ln = (
        np.interp(t, waves.time_s, column) for column in waves.select(names).T
    )

    def per_period(values: Floats) -> float:
        return float(np.trapezoid(values, t)) / _KEPT

    heat = drawn.heat_w(p, n, tail, ref, supply_v)
    stored = 0.5 * (
        tank.capacitance_f * (p * p + n * n) + 0.5 * tank.inductance_h * (lp * lp + ln * ln)
        + TAIL_F * tail * tail
    )  # fmt: skip
    measured_hz = _KEPT / (last_s - first_s)
    mean_square = per_period((p - n) ** 2) * measured_hz
    return TankCycle(
        supply_v=supply_v,
        tail_a=tail_a,
        q=tank.q,
        frequency_hz=float(measured_hz),
        closed_hz=tank.resonance_hz,
        amplitude_v=math.sqrt(2.0 * mean_square),
        closed_amplitude_v=amplitude_v(tail_a, beta, tank.parallel_ohm),
        supply_j=-supply_v * per_period(supply),
        closed_j=supply_v * (tail_a + reference_a) / float(measured_hz),
        heat_j={
            "tank loss": per_period(heat["tank_loss"]),
            "pair": per_period(heat["pair_transistors"]),
            "tail": per_period(heat["tail_transistors"]),
            "reference": per_period(heat["reference"]),
        },
        stored_j=float(stored[-1] - stored[0]) / _KEPT,
    )
