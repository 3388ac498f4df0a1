"""Coupled tanks with drawn cores: cross-coupled pairs of level-1 transistors fed by VDD."""

from __future__ import annotations

import math

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Capacitors
from drai_hw.spice.drawn_tanks import MIRROR, TAIL_F, TAIL_OVERDRIVE_V, DrawnTanks
from drai_hw.spice.energy import Ledger, coupling_j, integral
from drai_hw.spice.engine import Waves
from drai_hw.spice.lc import SOLVER_OPTIONS
from drai_hw.spice.netlist import Netlist, Parts, commands, header
from drai_hw.spice.parametric import UNIT
from drai_hw.spice.require import require_resistive
from drai_hw.spice.settings import Circuit, Floats, half_bandwidth, scale_weights
from drai_hw.spice.transistors import LEVEL1
from drai_hw.spice.wiring import require_left, wiring_of
from drai_hw.units import TAU

METHOD = "supply energy from VDD, cores and their bias drawn (level-1: not a technology)"
WINDING = 0.7
"""Coupling of the halves of a symmetric inductor with a centre tap."""
_PAIR_M, _PAIR_A = 8e-6, math.pi / 2.0 / 20e3
"""Width of a pair's transistor for the tail current of 1 V across 20 kohm."""


def drawn(circuit: Circuit) -> DrawnTanks:
    """
    Return the parts that a circuit's tanks have.

    The pair is steered by the same share of the amplitude in every tank: its width goes with the
    tail current over the square of the amplitude.

    Raises
    ------
    SpecError
        The supply leaves the tail no voltage at the amplitude, or coupling and damping are not what
        drawn cores have.
    """
    require_resistive(circuit, "tanks with cross-coupled pairs have")
    if circuit.damping == "ideal":
        raise SpecError(
            "circuit.damping = 'ideal': an ideal element has no drawn core; needed is 'none' or "
            "'trimmed' (tail currents raised), or circuit.core = 'behavioural'"
        )
    least_v = 0.5 * circuit.amplitude_v + TAIL_OVERDRIVE_V
    if circuit.core_vdd_v <= max(least_v, 1.0):
        raise SpecError(
            f"circuit.core_vdd_v = {circuit.core_vdd_v!r}: needed is above 1 V for the mirror and "
            f"above {least_v:g} V, half of circuit.amplitude_v and {TAIL_OVERDRIVE_V} V for its "
            "tail"
        )
    plain = DrawnTanks(circuit, circuit.core_vdd_v)
    pair_m = _PAIR_M * plain.tail_a / _PAIR_A / circuit.amplitude_v**2
    return DrawnTanks(circuit, circuit.core_vdd_v, pair_m, winding=WINDING)


def build(
    weights: Floats,
    circuit: Circuit,
    start_phases_rad: Floats,
    detuning: Floats,
    *,
    name: str,
    command: str,
    seed: int,
    banks: Capacitors | None = None,
) -> Netlist:
    """
    Write the netlist of N tanks with cross-coupled pairs.

    As `drai_hw.spice.lc.build`, with a core of transistors in the place of each behavioural one:
    two halves of the inductor, wound together, lead from VDD to the sides, the pair draws its tail
    current from a mirror of its own. ``trimmed`` raises each tail current by what the couplings of
    its tank take at full amplitude. No bleed resistor: the inductor holds the sides at VDD.

    Parameters
    ----------
    weights, circuit, start_phases_rad, detuning, name, command, seed, banks
        As of `drai_hw.spice.lc.build`.

    Raises
    ------
    SpecError
        As of `drawn`; wires or banks are more than the capacitance.
    """
    tanks = drawn(circuit)
    tank, vdd_v, n = tanks.tank, circuit.core_vdd_v, weights.shape[0]
    _, kappa = scale_weights(weights, circuit.rho, half_bandwidth(circuit))
    branch_s = tanks.branches_s(weights)
    seen_s = np.abs(branch_s).sum(axis=1) / 2.0  # two in series between the sides
    extra = seen_s * tank.parallel_ohm if circuit.damping == "trimmed" else np.zeros(n)
    tail_a = tanks.tail_a * (1.0 + extra)
    wires = wiring_of(weights, circuit)
    own_f = np.full((n, 2), tank.capacitance_f) if banks is None else banks.fixed_f
    side_f = own_f + (wires.side_f - wires.mean_f)[:, None]
    require_left(side_f, circuit)
    inductance_h = tank.inductance_h / (1.0 + detuning) ** 2
    omega = TAU * circuit.f0_hz
    sides_s = 1j * omega * own_f if banks is None else banks.side_s(omega)
    sides_s = sides_s + 1j * omega * (wires.side_f - wires.mean_f)[:, None]

    lines = [f".title {name}: {n} coupled LC tanks with cross-coupled pairs"]
    notes = [
        f"f0 {circuit.f0_hz:g} Hz, Q {circuit.q:g}, rho {circuit.rho:g}, "
        f"kappa {kappa:.6g} rad/s per unit weight, damping {circuit.damping}, VDD {vdd_v:g} V",
        "Level-1 transistors: made-up set, NOT A TECHNOLOGY.",
        "Energy is delivered by VDD alone; no thermal noise in .tran.",
        *([banks.note] if banks else []),
    ]
    lines += [f"* {line}" for line in header(name, command, notes)]
    lines += [*LEVEL1.cards(), f"Vdd vdd 0 {vdd_v!r}"]
    for i in range(n):
        lines += tanks.tank_lines(
            i, float(start_phases_rad[i]), (float(side_f[i, 0]), float(side_f[i, 1])),
            inductance_h=float(inductance_h[i]), tail_a=float(tail_a[i]),
        )  # fmt: skip
    values = {
        "capacitance_f": np.asarray(sides_s.imag / omega),
        "bank_s": np.asarray(sides_s.real),
        "inductance_h": np.asarray(inductance_h),
        "tail_a": np.asarray(tail_a),
    }
    straight_s, crossed_s = np.maximum(branch_s, 0.0), np.maximum(-branch_s, 0.0)
    coupling = branch_s / (2.0 * tank.capacitance_f)
    parts = Parts(straight_s, crossed_s, coupling, kappa, values, banks=banks)
    for tag, one, other, siemens in parts.branches():
        lines.append(f"R{tag} {one} {other} {1.0 / siemens:.12g}")
    if banks is not None:
        half_v = 0.5 * circuit.amplitude_v * np.cos(start_phases_rad)
        lines += banks.lines(vdd_v + np.column_stack([half_v, -half_v]))
    kinds = ("v(p", "v(n", "v(tail", "v(ref", "i(lp", "i(ln")
    saved = ["i(vdd)", *(f"{kind}{i})" for kind in kinds for i in range(n))]
    orders, stop_s = commands(
        circuit.f0_hz, circuit.cycles, circuit.points_per_cycle, saved, SOLVER_OPTIONS
    )
    return Netlist(
        name=name,
        text="\n".join([*lines, *orders, ".end", ""]),
        circuit=circuit,
        weights=weights,
        start_phases_rad=start_phases_rad,
        detuning=detuning,
        seed=seed,
        pairs=tuple((f"p{i}", f"n{i}") for i in range(n)),
        parts=parts,
        behavioural=(),
        nominal_hz=circuit.f0_hz,
        stop_s=stop_s,
        saved=tuple(saved),
        parameters={
            "vdd_v": vdd_v,
            "side_f": tank.capacitance_f,
            "half_h": tanks.half_h(tank.inductance_h),
            "loss_ohm": tank.parallel_ohm,
            "reference_ohm": tanks.reference_ohm,
            "pair_m": tanks.pair_m,
            "tail_m": MIRROR * tanks.reference_m,
            "reference_m": tanks.reference_m,
            "gate_m": tanks.mirror_length_m,
            **({UNIT: 1.0 / (2.0 * tank.capacitance_f * kappa)} if kappa > 0 else {}),
        },
        level_v="{vdd_v}",
    )


def ledger(netlist: Netlist, waves: Waves, frequency_hz: float) -> Ledger:
    """
    Account for a run of tanks with cross-coupled pairs.

    What VDD delivered is integrated from the solver's own supply current; the heat in the
    transistors is computed from the node voltages by the square law, so the balance compares two
    independent ways.

    Parameters
    ----------
    netlist : Netlist
        As made by `build`.
    waves : Waves
        Of its run.
    frequency_hz : float
        Measured free-running frequency, for the energy per period.

    Returns
    -------
    Ledger
        Headline: what VDD delivered.
    """
    time_s, vdd_v, values = waves.time_s, netlist.circuit.core_vdd_v, netlist.parts.values

    def all_of(kind: str) -> Floats:
        return waves.select([f"{kind}{i})" for i in range(netlist.n)])

    p_v, n_v, tail_v = all_of("v(p"), all_of("v(n"), all_of("v(tail")
    currents_a = all_of("i(lp"), all_of("i(ln")
    tanks = drawn(netlist.circuit)
    half_h = np.asarray([tanks.half_h(float(henry)) for henry in values["inductance_h"]])
    heat = tanks.heat_w(p_v, n_v, tail_v, all_of("v(ref"), vdd_v, tail_a=values["tail_a"])
    dissipated = {name: float(integral(watt, time_s).sum()) for name, watt in heat.items()}
    # capacitors of a bank keep VDD off its switches
    sides_v2s = integral((np.stack([p_v, n_v], axis=2) - vdd_v) ** 2, time_s)
    bank_j = float((values["bank_s"] * sides_v2s).sum())
    coupling_heat_j, coupling_stored_j = coupling_j(netlist, time_s, p_v, n_v)

    def stored_j(k: int) -> float:
        squared = np.column_stack([p_v[k], n_v[k]]) ** 2
        electric = (0.5 * values["capacitance_f"] * squared).sum()
        one_a, other_a = currents_a[0][k], currents_a[1][k]
        squares = 0.5 * (one_a**2 + other_a**2) - tanks.winding * one_a * other_a
        return float(electric + (half_h * squares + 0.5 * TAIL_F * tail_v[k] ** 2).sum())

    delivered_j = -vdd_v * float(integral(waves.select(["i(vdd)"])[:, 0], time_s))
    return Ledger(
        delivered_j={"Vdd": delivered_j},
        dissipated_j={
            **dissipated,
            **({"tuning_bank": bank_j} if bank_j else {}),
            "coupling": coupling_heat_j,
        },
        stored_change_j=stored_j(-1) - stored_j(0) + coupling_stored_j,
        headline_j=delivered_j,
        method=METHOD,
        duration_s=float(time_s[-1] - time_s[0]),
        n=netlist.n,
        frequency_hz=frequency_hz,
    )
