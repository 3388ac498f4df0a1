"""A ring's supply energy per period, beside S C VDD Vswing with C from a small-signal run."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.spice.drawn import work_j
from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.node import node_farad
from drai_hw.spice.point import operating_point
from drai_hw.spice.readout import rising_crossings_s
from drai_hw.spice.settings import Floats
from drai_hw.spice.transistors import Transistors

BIASES = 41
_PERIODS = 10


@dataclass(frozen=True)
class RingCycle:
    """
    Hold what one period of a ring takes from the supply, joule for all stages unless said.

    Parameters
    ----------
    transistors : Transistors
        The set.
    stages : int
        Inverters.
    frequency_hz : float
        Of the ring.
    supply_j : float
        From VDD per period.
    swing_v : float
        Peak to peak of a node.
    capacitance_f : float
        Of a node at mid-rail, from a small-signal run: its neighbours move against it, as they do
        in the ring.
    charge_c : float
        That run's capacitance integrated over the swing within the rails: where a node goes beyond
        them, by the Miller kick of its own driver's gate, it gets that charge back.
    short_circuit_j : float
        Current that both transistors of a stage conduct at once, leakage left out.
    returned_j : float
        Charge of that kick, which the conducting transistor takes back into its rail, times VDD.
    leakage_j : float
        Standing current of both states of a stage, half a period each.
    channel_j, charges_j : float
        Heat in the channels; work on the terminals' charges over the period, which is 0 for charges
        with an energy of state and less than 0 for a channel charge split between drain and source.
    """

    transistors: Transistors
    stages: int
    frequency_hz: float
    supply_j: float
    swing_v: float
    capacitance_f: float
    charge_c: float
    short_circuit_j: float
    returned_j: float
    leakage_j: float
    channel_j: float
    charges_j: float

    @property
    def closed_j(self) -> float:
        """Return S C VDD Vswing with the capacitance at mid-rail."""
        return self.stages * self.capacitance_f * self.transistors.vdd_v * self.swing_v

    @property
    def curved_j(self) -> float:
        """Return what C(V) adds: the charge of the swing less C Vswing, times S VDD."""
        return self.stages * self.transistors.vdd_v * self.charge_c - self.closed_j

    @property
    def split_j(self) -> dict[str, float]:
        """Return the parts of supply energy less S C VDD Vswing, and the rest they leave."""
        parts = {
            "C(V)": self.curved_j,
            "short circuit": self.short_circuit_j,
            "leakage": self.leakage_j,
            "returned": -self.returned_j,
        }
        return {**parts, "rest": self.supply_j - self.closed_j - sum(parts.values())}

    @property
    def balance(self) -> float:
        """Return (delivered - heat - work on charges) / delivered over whole periods."""
        return 1.0 - (self.channel_j + self.charges_j) / self.supply_j


def deck(transistors: Transistors, stages: int, load_f: float, corner: str, temperature_c: float,
         period_s: float, points: int) -> str:  # fmt: skip
    """Return the netlist of a single-ended ring that runs for a few periods."""
    vdd_v = transistors.vdd_v
    lines = ["a ring", f".temp {temperature_c:g}", *transistors.cards(corner),
             f"Vdd vdd 0 {vdd_v!r}"]  # fmt: skip
    for k in range(stages):
        lines += transistors.inverter(f"{k}", f"n{(k - 1) % stages}", f"n{k}")
        lines.append(f"C{k} n{k} 0 {load_f!r} ic={vdd_v * (k % 2)!r}")
    saved = ["i(vdd)", *(f"v(n{k})" for k in range(stages))]
    for k in range(stages):
        saved += [name for kind in "np" for name in transistors.saved(f"{kind}{k}")]
    step_s = period_s / points
    lines += [
        ".options method=trap reltol=1e-5",
        *(f".save {name}" for name in saved),
        f".tran {step_s:.6g} {(_PERIODS + 6) * period_s:.6g} 0 {step_s:.6g} uic",
        ".end",
        "",
    ]
    return "\n".join(lines)


def leakage_a(transistors: Transistors, corner: str, temperature_c: float) -> float:
    """Return the mean standing current of an inverter's two states, from an operating point."""
    lines = ["standing currents", f".temp {temperature_c:g}", *transistors.cards(corner)]
    for k, gate_v in enumerate((0.0, transistors.vdd_v)):
        inverter = [line.replace(" vdd vdd ", f" vdd{k} vdd{k} ")
                    for line in transistors.inverter(f"{k}", f"g{k}", f"o{k}")]  # fmt: skip
        lines += [f"Vdd{k} vdd{k} 0 {transistors.vdd_v!r}", f"Vg{k} g{k} 0 {gate_v!r}", *inverter,
                  f".save i(vdd{k})"]  # fmt: skip
    # currents below the default abstol and gmin are the question here
    lines += [".options gmin=1e-18 abstol=1e-18", ".op", ".end", ""]
    found = operating_point("\n".join(lines))
    return -0.5 * (found["i(vdd0)"] + found["i(vdd1)"])


def ring_cycle(
    transistors: Transistors,
    *,
    stages: int = 5,
    load_f: float = 10e-15,
    corner: str = "typical",
    temperature_c: float = 27.0,
    points: int = 400,
) -> RingCycle:
    """
    Run a single-ended ring and account for a period of it.

    Parameters
    ----------
    transistors : Transistors
        The set.
    stages : int
        Inverters, odd.
    load_f : float
        Capacitor at each node.
    corner : str
        Corner of the models.
    temperature_c : float
        Temperature.
    points : int
        Steps per period.

    Raises
    ------
    ConvergenceError
        It does not oscillate.
    ToolError
        ngspice, or the models, are missing.
    """
    vdd_v = transistors.vdd_v
    volt = np.linspace(0.0, vdd_v, BIASES)
    farad = node_farad(transistors, load_f, volt, corner=corner, temperature_c=temperature_c)
    period_s = _period_guess_s(transistors, stages, float(farad.mean()))
    for _ in range(2):  # the first run tells the period that the second is laid out for
        text = deck(transistors, stages, load_f, corner, temperature_c, period_s, points)
        waves = simulate(text, stop_s=(_PERIODS + 6) * period_s * 0.999,
                         expected_points=(_PERIODS + 6) * points, vectors=1,
                         name="ring")  # fmt: skip
        crossings = rising_crossings_s(waves.time_s, waves.select(["v(n0)"])[:, 0] - 0.5 * vdd_v)
        if crossings.size < 3:
            raise ConvergenceError(f"a ring of {stages} stages of {transistors.name} stands still")
        period_s = float(crossings[-1] - crossings[-2])
    return _account(transistors, stages, waves, crossings, volt, farad,
                    leakage_a(transistors, corner, temperature_c))  # fmt: skip


def _period_guess_s(transistors: Transistors, stages: int, farad: float) -> float:
    """Return 2 S C VDD / I with 0.4 mA for a micrometre of n-type transistor, a rough start."""
    ampere = 4e2 * transistors.nmos_m
    return 2.0 * stages * farad * transistors.vdd_v / ampere


def _account(transistors: Transistors, stages: int, waves: Waves, crossings: Floats, volt: Floats,
             farad: Floats, leak_a: float) -> RingCycle:  # fmt: skip
    vdd_v = transistors.vdd_v
    count = min(_PERIODS, crossings.size - 2)
    first_s, last_s = crossings[-1 - count], crossings[-1]
    period_s = (last_s - first_s) / count
    # whole periods: the two ends are interpolated, so that nothing is stored in between
    inside = waves.time_s[(waves.time_s > first_s) & (waves.time_s < last_s)]
    t = np.concatenate([[first_s], inside, [last_s]])

    def at(name: str) -> Floats:
        return np.interp(t, waves.time_s, waves.select([name])[:, 0])

    def per_period(values: Floats) -> float:
        return float(np.trapezoid(values, t)) / count

    node = [at(f"v(n{k})") for k in range(stages)]
    swing_v = float(np.mean([v.max() - v.min() for v in node]))
    low_v = max(0.0, float(np.mean([v.min() for v in node])))
    high_v = min(vdd_v, float(np.mean([v.max() for v in node])))
    channel_j = charges_j = both_c = back_c = 0.0
    for k in range(stages):
        down = np.abs(at(transistors.current(f"n{k}"))) * np.sign(node[k])
        up = np.abs(at(transistors.current(f"p{k}"))) * np.sign(vdd_v - node[k])
        channel_j += per_period(down * node[k] + up * (vdd_v - node[k]))
        least = np.minimum(up, down)
        both_c += per_period(np.maximum(least, 0.0))
        back_c += per_period(np.maximum(-least, 0.0))
        if transistors.technology:
            for kind, source_v in (("n", 0.0), ("p", vdd_v)):
                volts = (node[k - 1], node[k], source_v)
                charges_j += work_j(transistors, at, kind, f"{k}", volts) / count
    grid = np.linspace(low_v, high_v, 400)
    leakage_j = stages * vdd_v * leak_a * period_s
    return RingCycle(
        transistors=transistors,
        stages=stages,
        frequency_hz=1.0 / period_s,
        supply_j=-vdd_v * per_period(at("i(vdd)")),
        swing_v=swing_v,
        capacitance_f=float(np.interp(0.5 * vdd_v, volt, farad)),
        charge_c=float(np.trapezoid(np.interp(grid, volt, farad), grid)),
        short_circuit_j=vdd_v * both_c - leakage_j,
        returned_j=vdd_v * back_c,
        leakage_j=leakage_j,
        channel_j=channel_j,
        charges_j=charges_j,
    )
