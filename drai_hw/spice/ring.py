"""Pseudo-differential CMOS ring oscillators (level-1 transistors) coupled by resistors."""

from __future__ import annotations

import math

import numpy as np

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
from drai_hw.spice.parametric import UNIT
from drai_hw.spice.pyspice import Deck
from drai_hw.spice.settings import Circuit, Floats, branch_of, scale_weights
from drai_hw.units import TAU

DELAY_FACTOR = 0.97
PULL = 0.159
"""a_1 C of five stages and their latch, by ``drai-hw extract``: w = PULL G / C."""
EDGE = 0.53
LAG_RAD = math.radians(9.31)
"""The lag of five stages and their latch with resistors, by ``drai-hw extract``."""
SOLVER_OPTIONS = "reltol=1e-5"


def nominal_hz(circuit: Circuit) -> float:
    """
    Return the estimate of a ring's frequency that lays out its time axis.

    f = 1 / (2 N t_d), and a stage takes t_d = 0.97 C VDD / I_sat: the factor is measured in ngspice
    and holds to 1 % for 3 to 7 stages; the latch between the sides changes it by 1 %. Skewed
    inverters rise to their threshold with less current and fall to it from further up; with a
    third of the p-type's width that is 3 % off.

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
    delay_s = DELAY_FACTOR * charge_c / current_a
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


def supply_per_cycle_j(circuit: Circuit) -> float:
    """Return the charging energy of both sides per period: 2 N C VDD^2."""
    return 2.0 * circuit.ring_stages * circuit.ring_load_f * circuit.ring_vdd_v**2


def charging_w(circuit: Circuit) -> float:
    """Return the power that charges both sides: ``supply_per_cycle_j`` at the nominal frequency."""
    return supply_per_cycle_j(circuit) * nominal_hz(circuit)


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
    Write the netlist of N pseudo-differential rings.

    Each ring is two odd inverter chains, p and n, held in antiphase by weak inverters between
    equal stages; an odd ring alone has no antiphase node and could not carry a negative weight.
    Couplings are resistors, or what ``circuit.coupling`` says, between the first stages: p-p and
    n-n for w > 0, p-n and n-p for w < 0.
    All energy comes from the one source VDD. Detuning scales the stage loads, not the banks.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        Dimensionless, symmetric.
    circuit : Circuit
        Settings; rho is the largest row sum of branch conductance over ``omega C`` of a stage.
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
    """
    n, stages, vdd_v = weights.shape[0], circuit.ring_stages, circuit.ring_vdd_v
    width = circuit.ring_width
    f_hz = nominal_hz(circuit)
    signed_s, kappa = scale_weights(weights, circuit.rho, TAU * f_hz * circuit.ring_load_f)
    branch = branch_of(circuit, f_hz)
    own_f = np.full((n, 2 * stages), circuit.ring_load_f) if banks is None else banks.fixed_f
    load_f = own_f / (1.0 + detuning)[:, None]
    node_v = np.zeros((n, 2 * stages))

    deck = Deck(f"{name}: {n} pseudo-differential {stages}-stage CMOS rings")
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
            swing = 0.45 * vdd_v * math.cos(float(start_phases_rad[i]) - lag)
            sides_v = node_v[i, 2 * k : 2 * k + 2] = 0.5 * vdd_v + swing, 0.5 * vdd_v - swing
            for side, (letter, volt) in enumerate(zip("pn", sides_v, strict=True)):
                farad = float(load_f[i, 2 * k + side])
                deck.capacitor(f"{letter}{here}", f"{letter}{here}", "0", farad, volt)
            inverter(f"p{here}", f"p{before}", f"p{here}", width)
            inverter(f"n{here}", f"n{before}", f"n{here}", width)
            inverter(f"lp{here}", f"n{here}", f"p{here}", width * circuit.ring_latch)
            inverter(f"ln{here}", f"p{here}", f"n{here}", width * circuit.ring_latch)
    straight_s, crossed_s = np.maximum(signed_s, 0.0), np.maximum(-signed_s, 0.0)
    parts = Parts(straight_s, crossed_s, signed_s, kappa, {"load_f": load_f}, branch, banks)
    half = 0.45 * vdd_v * np.exp(1j * start_phases_rad)
    start_v = {f"p{i}": half[i] for i in range(n)} | {f"n{i}": -half[i] for i in range(n)}
    for tag, one, other, siemens in parts.branches():
        ends = (f"{one}_0", f"{other}_0")
        branch.add(deck, tag, ends, siemens, start_v[one] - start_v[other])

    notes = [
        f"{stages} stages a side, VDD {vdd_v:g} V, load {circuit.ring_load_f:g} F, latch "
        f"{circuit.ring_latch:g}, rho {circuit.rho:g}, kappa {kappa:.6g} S per unit weight",
        "Level-1 transistors: made-up set, NOT A TECHNOLOGY; energies are for closed-form checks.",
        "Energy is delivered by VDD alone; no thermal noise in .tran.",
    ]
    notes += [banks.note] if banks else []
    saved = [f"v({s}{i}_{k})" for i in range(n) for k in range(stages) for s in ("p", "n")]
    saved += ["i(vdd)", *(f"v({middle})" for middle in parts.middles)]
    lines, stop_s = commands(f_hz, circuit.cycles, circuit.points_per_cycle, saved, SOLVER_OPTIONS)
    if banks is not None:
        lines = [*banks.lines(node_v), *lines]
    return Netlist(
        name=name,
        text=deck.text(header(name, command, notes), lines),
        circuit=circuit,
        weights=weights,
        start_phases_rad=start_phases_rad,
        detuning=detuning,
        seed=seed,
        pairs=tuple((f"p{i}_0", f"n{i}_0") for i in range(n)),
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
            "latch_n_m": width * circuit.ring_latch * NMOS_WIDTH_M,
            "latch_p_m": width * circuit.ring_latch * circuit.ring_skew * PMOS_WIDTH_M,
            "gate_m": LENGTH_M,
            **({UNIT: 1.0 / kappa} if branch.kind == "resistive" and kappa > 0 else {}),
        },
        level_v="{vdd_v/2}",
    )
