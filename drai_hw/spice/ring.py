"""CMOS ring oscillators (level-1 transistors), pseudo-differential or single-ended."""

from __future__ import annotations

import cmath
import math

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Capacitors
from drai_hw.spice.devices import (
    LENGTH_M,
    NMOS_KP_A_PER_V2,
    NMOS_WIDTH_M,
    PMOS_KP_A_PER_V2,
    PMOS_WIDTH_M,
    THRESHOLD_V,
    stage_current_a,
)
from drai_hw.spice.netlist import Netlist, Parts, commands, header
from drai_hw.spice.parametric import CROSSED, UNIT
from drai_hw.spice.pyspice import Deck
from drai_hw.spice.ring_pull import lag_rad, pull
from drai_hw.spice.settings import Circuit, Floats, branch_of, scale_weights
from drai_hw.units import TAU

DELAY_FACTOR = 0.97
DELAY_FACTOR_ALONE = 0.96
EDGE = 0.53
SOLVER_OPTIONS = "reltol=1e-5"


def nominal_hz(circuit: Circuit) -> float:
    """
    Return the estimate of a ring's frequency that lays out its time axis.

    f = 1 / (2 N t_d), and a stage takes t_d = 0.97 C VDD / I_sat with a latch and 0.96 without: the
    factors are measured in ngspice and hold to 1 % for 3 to 7 stages. Skewed inverters rise to
    their threshold with less current and fall to it from further up; with a third of the p-type's
    width that is 3 % off.

    Parameters
    ----------
    circuit : Circuit
        Settings.

    Returns
    -------
    float
        Hertz. Results use the measured frequency.
    """
    charge_c = circuit.ring_load_f * circuit.ring_vdd_v
    current_a = circuit.ring_width * stage_current_a(circuit.ring_vdd_v)
    delay_s = DELAY_FACTOR_ALONE if single_ended(circuit) else DELAY_FACTOR
    delay_s *= charge_c / current_a
    rising = threshold_v(circuit) / circuit.ring_vdd_v
    delay_s *= rising / circuit.ring_skew + 1.0 - rising
    return 1.0 / (2.0 * circuit.ring_stages * delay_s)


def edge_omega(circuit: Circuit) -> complex:
    """
    Return at which angular frequency, in rad/s, a resistor in series with a load counts in a ring.

    The edge of a node is over in a delay, so a capacitor C behind a resistor R lags it and counts
    as ``C/(1 + r R C)``, as it does for a voltage that grows as ``exp(r t)``: the frequency is
    ``-j r``. ``r = EDGE/t_d`` is measured in ngspice.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    """
    return -1j * EDGE * 2.0 * circuit.ring_stages * nominal_hz(circuit)


def threshold_v(circuit: Circuit) -> float:
    """Return where a stage's inverter has equal voltages at gate and drain: half VDD unskewed."""
    root = math.sqrt(circuit.ring_skew)
    return THRESHOLD_V + (circuit.ring_vdd_v - 2.0 * THRESHOLD_V) * root / (1.0 + root)


def transconductance_s(circuit: Circuit) -> float:
    """Return gm of a stage's inverter with gate and drain at its threshold, both saturated."""
    n_beta = circuit.ring_width * NMOS_KP_A_PER_V2 * NMOS_WIDTH_M / LENGTH_M
    p_beta = circuit.ring_width * circuit.ring_skew * PMOS_KP_A_PER_V2 * PMOS_WIDTH_M / LENGTH_M
    n_over_v = threshold_v(circuit) - THRESHOLD_V
    p_over_v = circuit.ring_vdd_v - THRESHOLD_V - threshold_v(circuit)
    return n_beta * n_over_v + p_beta * p_over_v


def single_ended(circuit: Circuit) -> bool:
    """Return whether the circuit is of rings of one chain."""
    return circuit.kind == "ring" and circuit.ring_topology == "single-ended"


def chains_of(circuit: Circuit) -> tuple[str, ...]:
    """Return the letters of a ring's chains of inverters, by which its nodes are named."""
    return ("p",) if single_ended(circuit) else ("p", "n")


def nodes_of(circuit: Circuit) -> int:
    """Return how many nodes a ring has: as many as inverters in all its chains."""
    return len(chains_of(circuit)) * circuit.ring_stages


def tap_rad(circuit: Circuit) -> float:
    """
    Return by how much more than half a turn side n of an oscillator follows its side p.

    0 where they are mirror images. One chain alone has no antiphase node: n is the second stage,
    which follows the first by half a turn and pi/N, and p - n is read as the oscillator.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    """
    return math.pi / circuit.ring_stages if single_ended(circuit) else 0.0


def crossed_share(circuit: Circuit) -> float:
    """
    Return how strongly crossed branches pull beside straight ones of the same conductance.

    Crossed branches of single-ended rings join the first stage of one to the second of the other,
    both ways: one pulls at ``psi + pi + pi/N``, the other at ``psi - pi - pi/N``, and the sum of
    their first harmonics is ``cos(pi/N)`` of one at half a turn, with the lag of straight ones.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    """
    return math.cos(tap_rad(circuit))


def tap(circuit: Circuit, end: str) -> str:
    """Return the node of a ring's side, given as its letter and number: "p3" or "n3"."""
    return f"p{end[1:]}_1" if single_ended(circuit) and end[0] == "n" else f"{end}_0"


def supply_per_cycle_j(circuit: Circuit) -> float:
    """Return the charging energy of all chains per period: N C VDD^2 of each."""
    return nodes_of(circuit) * circuit.ring_load_f * circuit.ring_vdd_v**2


def charging_w(circuit: Circuit) -> float:
    """Return the power that charges all chains: ``supply_per_cycle_j`` times the frequency."""
    return supply_per_cycle_j(circuit) * nominal_hz(circuit)


def _overload(circuit: Circuit, excess: Floats) -> Floats:
    """
    Return the share by which a ring's capacitors make up for the load of crossed branches.

    Branches that pull less than straight ones load a ring with more, which changes its frequency
    by what a load does, b_0 of the first harmonic.

    Parameters
    ----------
    circuit : Circuit
        Settings.
    excess : ndarray, shape (N,)
        Conductance (or admittance) of each ring's crossed branches beyond that of straight ones
        that pull alike, over omega C.
    """
    lag = lag_rad(circuit)
    turned_rad = lag - branch_of(circuit, 1.0).phase_rad
    found = pull(circuit) / math.cos(lag) * math.sin(turned_rad) * excess
    if np.any(found <= -1.0):
        raise SpecError(
            f"circuit.rho = {circuit.rho:g} with circuit.coupling = {circuit.coupling!r}: negative "
            f"weights load a ring of {circuit.ring_stages} stages with more than its capacitors; "
            "needed is a lower rho, more stages, or circuit.ring_topology = 'pseudo-differential'"
        )
    return np.asarray(found)


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
    Write the netlist of N rings.

    Each is two odd inverter chains, p and n, held in antiphase by weak inverters between equal
    stages, or one chain alone. Couplings are resistors, or what ``circuit.coupling`` says, between
    the first stages of two chains, or the first two of one: p-p and n-n for w > 0, p-n and n-p for
    w < 0, in single-ended rings larger by 1/cos(pi/N) (`crossed_share`), whose load is made up for
    in the capacitors.
    All energy comes from the one source VDD. Detuning scales the stage loads, not the banks.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        Dimensionless, symmetric.
    circuit : Circuit
        Settings; rho is the largest row sum of branch conductance over ``omega C`` of a stage,
        crossed branches of single-ended rings counted by their pull.
    start_phases_rad : ndarray, shape (N,)
        Start phases.
    detuning : ndarray, shape (N,)
        Relative deviation of each ring's frequency, above -0.5.
    name, command : str
        For the header.
    seed : int
        Recorded in the result.
    banks : Capacitors, optional
        Of both sides of every stage, instead of equal ones; `drai_hw.spice.bank.Banks` with tuning
        banks.

    Returns
    -------
    Netlist
        Deterministic: equal arguments give equal bytes.

    References
    ----------
    The sign of a weight by even or odd stages, there with inverters: "Oscillator-Based Ising
    Multiplier", Tiny Tapeout 4 (2023). Chips with one sign take back-to-back inverters between
    equal stages: W. Moy et al., Nature Electronics 5 (2022) 310.
    """
    n, stages, vdd_v = weights.shape[0], circuit.ring_stages, circuit.ring_vdd_v
    width = circuit.ring_width
    f_hz = nominal_hz(circuit)
    unit_s = TAU * f_hz * circuit.ring_load_f
    signed_s, kappa = scale_weights(weights, circuit.rho, unit_s)
    branch = branch_of(circuit, f_hz)
    chains = chains_of(circuit)
    sides = len(chains)
    share = crossed_share(circuit)
    straight_s, crossed_s = np.maximum(signed_s, 0.0), np.maximum(-signed_s, 0.0) / share
    own_f = np.full((n, nodes_of(circuit)), circuit.ring_load_f) if banks is None else banks.fixed_f
    load_f = own_f / (1.0 + detuning)[:, None]
    if share < 1.0:
        excess = (1.0 - share) * crossed_s.sum(axis=1) / unit_s
        load_f *= 1.0 + _overload(circuit, excess)[:, None]
    node_v = np.zeros(load_f.shape)
    # p - n of two taps turns midway between p and the mirror image of n
    ahead_rad = 0.5 * tap_rad(circuit)

    deck = Deck(f"{name}: {n} {circuit.ring_topology} {stages}-stage CMOS rings")
    for model, device, sign, kp in (
        ("nch", "nmos", 1, NMOS_KP_A_PER_V2), ("pch", "pmos", -1, PMOS_KP_A_PER_V2),
    ):  # fmt: skip
        deck.model(model, device, {"level": 1, "vto": sign * THRESHOLD_V, "kp": kp})
    deck.voltage("dd", "vdd", "0", vdd_v)

    def inverter(tag: str, source: str, drain: str, share: float) -> None:
        deck.mosfet(f"n{tag}", (drain, source, "0", "0"), "nch", share * NMOS_WIDTH_M, LENGTH_M)
        p_width_m = share * circuit.ring_skew * PMOS_WIDTH_M
        deck.mosfet(f"p{tag}", (drain, source, "vdd", "vdd"), "pch", p_width_m, LENGTH_M)

    for i in range(n):
        for k in range(stages):
            here, before = f"{i}_{k}", f"{i}_{(k - 1) % stages}"
            # each inverter turns the phase by pi and delays it by pi / stages
            lag = k * (math.pi + math.pi / stages)
            swing = 0.45 * vdd_v * math.cos(float(start_phases_rad[i]) + ahead_rad - lag)
            at = slice(sides * k, sides * (k + 1))
            node_v[i, at] = [0.5 * vdd_v + swing, 0.5 * vdd_v - swing][:sides]
            nodes = [f"{letter}{here}" for letter in chains]
            for node, farad, volt in zip(nodes, load_f[i, at], node_v[i, at], strict=True):
                deck.capacitor(node, node, "0", float(farad), float(volt))
            for letter, node in zip(chains, nodes, strict=True):
                inverter(node, f"{letter}{before}", node, width)
            if sides == 2:
                inverter(f"lp{here}", f"n{here}", f"p{here}", width * circuit.ring_latch)
                inverter(f"ln{here}", f"p{here}", f"n{here}", width * circuit.ring_latch)
    parts = Parts(straight_s, crossed_s, signed_s, kappa, {"load_f": load_f}, branch, banks, share)
    half = 0.45 * vdd_v * np.exp(1j * start_phases_rad)
    turn = cmath.exp(1j * ahead_rad)
    start_v = {f"p{i}": half[i] * turn for i in range(n)}
    start_v |= {f"n{i}": -half[i] / turn for i in range(n)}
    for tag, one, other, siemens in parts.branches():
        ends = (tap(circuit, one), tap(circuit, other))
        branch.add(deck, tag, ends, siemens, start_v[one] - start_v[other])

    latched = f"latch {circuit.ring_latch:g}, " if sides == 2 else ""
    notes = [
        f"{stages} stages a {'side' if sides == 2 else 'ring'}, VDD {vdd_v:g} V, load "
        f"{circuit.ring_load_f:g} F, {latched}rho {circuit.rho:g}, kappa {kappa:.6g} S per unit "
        "weight",
        "Level-1 transistors: made-up set, NOT A TECHNOLOGY; energies are for closed-form checks.",
        "Energy is delivered by VDD alone; no thermal noise in .tran.",
    ]
    notes += [banks.note] if banks else []
    saved = [f"v({s}{i}_{k})" for i in range(n) for k in range(stages) for s in chains]
    saved += ["i(vdd)", *(f"v({middle})" for middle in parts.middles)]
    lines, stop_s = commands(f_hz, circuit.cycles, circuit.points_per_cycle, saved, SOLVER_OPTIONS)
    if banks is not None:
        lines = [*banks.lines(node_v), *lines]
    latch_m = {
        "latch_n_m": width * circuit.ring_latch * NMOS_WIDTH_M,
        "latch_p_m": width * circuit.ring_latch * circuit.ring_skew * PMOS_WIDTH_M,
    }
    units_ohm = {UNIT: 1.0 / kappa} if branch.kind == "resistive" and kappa > 0 else {}
    if units_ohm and share < 1.0 and crossed_s.any():
        units_ohm[CROSSED] = share / kappa
    return Netlist(
        name=name,
        text=deck.text(header(name, command, notes), lines),
        circuit=circuit,
        weights=weights,
        start_phases_rad=start_phases_rad,
        detuning=detuning,
        seed=seed,
        pairs=tuple((tap(circuit, f"p{i}"), tap(circuit, f"n{i}")) for i in range(n)),
        parts=parts,
        behavioural=(),
        nominal_hz=f_hz,
        stop_s=stop_s,
        saved=tuple(saved),
        parameters={
            "vdd_v": vdd_v,
            "load_f": circuit.ring_load_f,
            "stage_n_m": width * NMOS_WIDTH_M,
            "stage_p_m": width * circuit.ring_skew * PMOS_WIDTH_M,
            **(latch_m if sides == 2 else {}),
            "gate_m": LENGTH_M,
            **units_ohm,
        },
        level_v="{vdd_v/2}",
    )
