"""Tanks whose cores are drawn: a cross-coupled pair of level-1 transistors and a mirrored tail."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np

from drai_hw.spice.devices import LENGTH_M, NMOS_KP_A_PER_V2, THRESHOLD_V, drain_current_a
from drai_hw.spice.lc import Tank, design_tank
from drai_hw.spice.netlist import upper_pairs
from drai_hw.spice.pyspice import digits
from drai_hw.spice.settings import Circuit, Floats, half_bandwidth, scale_weights
from drai_hw.spice.transistors import LEVEL1
from drai_hw.units import TAU

MIRROR = 8
"""Tail current over the current of its reference."""
TAIL_OVERDRIVE_V = 0.25
TAIL_F = 1e-13


@dataclass(frozen=True)
class DrawnTanks:
    """
    Hold what a network of drawn tanks is made of: parts for 27 degrees Celsius and its own supply.

    Parameters
    ----------
    circuit : Circuit
        The tank: frequency, Q, amplitude, capacitance; rho.
    supply_v : float
        VDD that the parts are chosen for.
    pair_m : float
        Width of each transistor of a pair.
    mirror_length_m : float
        Length of the mirror's transistors; their width goes with it.
    winding : float
        Coupling of the two halves of the inductor, 0 to below 1. Without any both sides also swing
        in phase at the same frequency, and unequal sides feed that; with it the sides in phase are
        faster by sqrt((1 + k)/(1 - k)).
    """

    circuit: Circuit = field(default_factory=Circuit)
    supply_v: float = 1.8
    pair_m: float = 8e-6
    mirror_length_m: float = LENGTH_M
    winding: float = 0.0

    @property
    def tank(self) -> Tank:
        """Return the passive parts."""
        some = self.circuit
        return design_tank(
            some.f0_hz, some.q, some.amplitude_v, some.capacitance_f, gain=1.0 + 1e-9
        )

    def half_h(self, inductance_h: float) -> float:
        """Return each half of an inductor that is so large between the sides."""
        return inductance_h / (2.0 * (1.0 + self.winding))

    def frequency_hz(self, side_f: Floats) -> Floats:
        """
        Return the frequency at which the sides of a tank swing against each other.

        The lower of its two modes: with v from VDD, ``C_p v_p'' = -a v_p - k a v_n`` and the same
        for n, ``a = 1/(L_half (1 - k^2))``. Sides that differ by a share d make it lower than
        their capacitors in series by about d^2/8 and, fed by the swing in phase, somewhat more.

        Parameters
        ----------
        side_f : ndarray, shape (N, 2)
            Capacitors of p and n.
        """
        own = 1.0 / (self.half_h(self.tank.inductance_h) * (1.0 - self.winding**2))
        p, n = own / side_f[:, 0], own / side_f[:, 1]
        squared = 0.5 * (p + n - np.sqrt((p - n) ** 2 + 4.0 * self.winding**2 * p * n))
        return np.asarray(np.sqrt(squared) / TAU)

    @property
    def tail_a(self) -> float:
        """Return the tail current whose hard switching gives the amplitude: pi A / 2 R."""
        return math.pi / 2.0 * self.circuit.amplitude_v / self.tank.parallel_ohm

    @property
    def reference_a(self) -> float:
        """Return the current of the mirror's reference."""
        return self.tail_a / MIRROR

    @property
    def reference_m(self) -> float:
        """Return the width of the mirror's reference."""
        gain = 2.0 * self.reference_a / TAIL_OVERDRIVE_V**2
        return gain / NMOS_KP_A_PER_V2 * self.mirror_length_m

    @property
    def reference_ohm(self) -> float:
        """Return the resistor from VDD that sets the reference's current."""
        return (self.supply_v - THRESHOLD_V - TAIL_OVERDRIVE_V) / self.reference_a

    def branches_s(self, weights: Floats) -> Floats:
        """Return the branches' conductances that rho asks for, signed as the weights: 2 C w."""
        coupling, _ = scale_weights(weights, self.circuit.rho, half_bandwidth(self.circuit))
        return 2.0 * self.circuit.capacitance_f * coupling

    def netlist(
        self, branch_s: Floats, start_rad: Floats, cycles: float, *, supply_v: float | None = None,
        temperature_c: float = 27.0, detuning: Floats | None = None,
    ) -> str:  # fmt: skip
        """
        Return the netlist; VDD is the only source.

        Two halves of the inductor lead from VDD to the sides of a tank; its pair draws the tail
        current from a mirror of its own, whose reference is a resistor from VDD.

        Parameters
        ----------
        branch_s : ndarray, shape (N, N)
            Conductance of each of a pair's two branches, negative for crossed ones.
        start_rad : ndarray, shape (N,)
            Start phases.
        cycles : float
            Length of the run in nominal periods.
        supply_v : float, optional
            VDD, when it is not what the parts were chosen for.
        temperature_c : float
            Temperature of the transistors in degrees Celsius.
        detuning : ndarray, shape (N,), optional
            Relative deviation of each tank's frequency, by its capacitors.
        """
        some, tank = self.circuit, self.tank
        at_v = self.supply_v if supply_v is None else supply_v
        step_s = 1.0 / (some.f0_hz * some.points_per_cycle)
        lines = ["tanks with cross-coupled pairs", f".temp {temperature_c:g}", *LEVEL1.cards(),
                 f"Vdd vdd 0 {at_v!r}"]  # fmt: skip
        saved = ["i(vdd)"]
        for i, phase in enumerate(start_rad):
            farad = tank.capacitance_f
            if detuning is not None:
                farad /= (1.0 + float(detuning[i])) ** 2
            lines += self.tank_lines(i, float(phase), (farad, farad), supply_v=at_v)
            saved += [f"{kind}{i})" for kind in ("v(p", "v(n", "v(tail", "v(ref", "i(lp", "i(ln")]
        for i, j in upper_pairs(branch_s):
            ohm = 1.0 / abs(float(branch_s[i, j]))
            ends = ("p", "n") if branch_s[i, j] > 0 else ("n", "p")
            for side, end in zip(("p", "n"), ends, strict=True):
                lines.append(f"Rw{i}_{j}_{side}{end} {side}{i} {end}{j} {ohm!r}")
        return "\n".join([
            *lines, ".options method=trap reltol=1e-6", *(f".save {name}" for name in saved),
            f".tran {step_s!r} {cycles / some.f0_hz!r} 0 {step_s!r} uic", ".end", "",
        ])  # fmt: skip

    def tank_lines(
        self, i: int, phase_rad: float, side_f: tuple[float, float], *,
        supply_v: float | None = None, inductance_h: float | None = None,
        tail_a: float | None = None,
    ) -> list[str]:  # fmt: skip
        """
        Return the elements of a tank.

        Parameters
        ----------
        i : int
            Its number.
        phase_rad : float
            Start phase.
        side_f : tuple of float
            Capacitors of p and n.
        supply_v, inductance_h, tail_a : float, optional
            VDD, the inductor and the tail current, when they are not what they were designed to be.
            The mirror's output is as much wider as the tail current is larger.
        """
        vdd_v = self.supply_v if supply_v is None else supply_v
        henry = self.tank.inductance_h if inductance_h is None else inductance_h
        ampere = self.tail_a if tail_a is None else tail_a
        half_v = 0.5 * self.circuit.amplitude_v * math.cos(phase_rad)
        # the inductor between the sides carries A sin(phase) / omega L beside the tail current
        around_a = self.circuit.amplitude_v * math.sin(phase_rad) / (
            TAU * self.circuit.f0_hz * henry
        )  # fmt: skip
        mirror_m = MIRROR * self.reference_m * ampere / self.tail_a
        pair_m, long_m = self.pair_m, self.mirror_length_m
        values = (
            ("Lp{i} vdd p{i}", self.half_h(henry), 0.5 * ampere - around_a),
            ("Ln{i} vdd n{i}", self.half_h(henry), 0.5 * ampere + around_a),
            ("Cp{i} p{i} 0", side_f[0], vdd_v + half_v),
            ("Cn{i} n{i} 0", side_f[1], vdd_v - half_v),
            ("Rloss{i} p{i} n{i}", self.tank.parallel_ohm, None),
            ("Rref{i} vdd ref{i}", self.reference_ohm, None),
            ("Ctail{i} tail{i} 0", TAIL_F, 1.0),
        )
        transistors = (
            ("Mp{i} p{i} n{i} tail{i} 0", pair_m, LENGTH_M),
            ("Mn{i} n{i} p{i} tail{i} 0", pair_m, LENGTH_M),
            ("Mtail{i} tail{i} ref{i} 0 0", mirror_m, long_m),
            ("Mref{i} ref{i} ref{i} 0 0", self.reference_m, long_m),
        )
        lines = [
            f"{nodes.format(i=i)} {digits(value)!r}"
            + ("" if start is None else f" ic={digits(start)!r}")
            for nodes, value, start in values
        ]
        lines += [
            f"{nodes.format(i=i)} nch w={digits(wide_m)!r} l={digits(length_m)!r}"
            for nodes, wide_m, length_m in transistors
        ]
        if self.winding:  # both currents leave VDD: what turns around the tank adds up
            lines.append(f"K{i} Lp{i} Ln{i} {-self.winding!r}")
        return lines

    def heat_w(
        self, p_v: Floats, n_v: Floats, tail_v: Floats, ref_v: Floats, supply_v: float,
        tail_a: Floats | float | None = None,
    ) -> dict[str, Floats]:  # fmt: skip
        """
        Return the heat by class of element, from node voltages by the square law.

        Parameters
        ----------
        p_v, n_v, tail_v, ref_v : ndarray
            Voltages of a tank's nodes, of the same shape.
        supply_v : float
            VDD.
        tail_a : float or ndarray, optional
            Designed tail currents, of the last axis.
        """
        ratio = MIRROR * (1.0 if tail_a is None else np.asarray(tail_a) / self.tail_a)
        gain = NMOS_KP_A_PER_V2 * self.pair_m / LENGTH_M
        small = NMOS_KP_A_PER_V2 * self.reference_m / self.mirror_length_m

        def heat(gate_v: Floats, drain_v: Floats, source_v: Floats | float) -> Floats:
            across_v = drain_v - source_v
            return drain_current_a(gate_v - source_v, across_v, 1.0) * across_v

        return {
            "tank_loss": (p_v - n_v) ** 2 / self.tank.parallel_ohm,
            "pair_transistors": gain * (heat(n_v, p_v, tail_v) + heat(p_v, n_v, tail_v)),
            "tail_transistors": small * ratio * heat(ref_v, tail_v, 0.0),
            "reference": small * heat(ref_v, ref_v, 0.0)
            + (supply_v - ref_v) ** 2 / self.reference_ohm,
        }
