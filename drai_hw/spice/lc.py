"""Differential coupled LC van der Pol tanks: design equations both ways, and the netlist."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.bank import Capacitors
from drai_hw.spice.netlist import Behavioural, Netlist, Parts, commands, header
from drai_hw.spice.parametric import UNIT
from drai_hw.spice.pyspice import Deck, digits
from drai_hw.spice.settings import Circuit, Floats, branch_of, half_bandwidth, scale_weights
from drai_hw.spice.wiring import require_left, wiring_of
from drai_hw.units import TAU

BLEED_RATIO = 1000.0
# At ngspice's own reltol (1e-3) Newton stops early and each step gains energy: 1.2 % in amplitude,
# 2.5 % in the balance at 40 points a period. The large trtol leaves the step to points_per_cycle.
SOLVER_OPTIONS = "reltol=1e-6 trtol=1e6"


@dataclass(frozen=True)
class Tank:
    """
    Hold the components of one differential tank.

    The inductor, the loss resistor and the behavioural core sit between the sides p and n; a
    capacitor and a bleed resistor go from each side to ground. Between the sides the two
    capacitors act as C/2 and the two bleeds as twice one.

    Parameters
    ----------
    capacitance_f : float
        From each side to ground.
    inductance_h, loss_ohm : float
        Between the sides.
    bleed_ohm : float
        From each side to ground; it only keeps the common mode from floating.
    g1_s, g3_s_per_v2 : float
        Core current from p to n is ``-g1 v + g3 v^3`` with v between the sides.
    """

    capacitance_f: float
    inductance_h: float
    loss_ohm: float
    bleed_ohm: float
    g1_s: float
    g3_s_per_v2: float

    @property
    def parallel_ohm(self) -> float:
        """Return loss and bleed together, as seen between the sides."""
        return 1.0 / (1.0 / self.loss_ohm + 0.5 / self.bleed_ohm)

    @property
    def q(self) -> float:
        """Return the quality factor R sqrt(C/2L)."""
        return self.parallel_ohm * math.sqrt(self.capacitance_f / (2.0 * self.inductance_h))

    @property
    def resonance_hz(self) -> float:
        """Return the resonance 1/(2 pi sqrt(L C/2)) without the core's shift."""
        return 1.0 / (TAU * math.sqrt(self.inductance_h * self.capacitance_f / 2.0))

    @property
    def f0_hz(self) -> float:
        """
        Return the oscillation frequency with the second-order shift of the van der Pol core.

        References
        ----------
        van der Pol oscillator, Lindstedt-Poincare: omega = omega0 (1 - eps^2/16).
        """
        epsilon = (self.g1_s - 1.0 / self.parallel_ohm) * math.sqrt(
            2.0 * self.inductance_h / self.capacitance_f
        )
        return self.resonance_hz * (1.0 - epsilon**2 / 16.0)

    @property
    def amplitude_v(self) -> float:
        """Return the uncoupled peak voltage between the sides, 0 when the loss wins."""
        excess = self.g1_s - 1.0 / self.parallel_ohm
        return math.sqrt(4.0 * excess / (3.0 * self.g3_s_per_v2)) if excess > 0 else 0.0

    @property
    def loss_w(self) -> float:
        """Return the power lost in the tank at its amplitude: A^2 / 2R."""
        return self.amplitude_v**2 / (2.0 * self.parallel_ohm)

    @property
    def loss_per_cycle_j(self) -> float:
        """Return the tank loss per period: 2 pi times the stored energy C A^2/4 over Q."""
        return TAU * self.capacitance_f * self.amplitude_v**2 / (4.0 * self.q)


def design_tank(
    f0_hz: float, q: float, amplitude_v: float, capacitance_f: float, *, gain: float = 2.0
) -> Tank:
    """
    Return the components of a tank that has the given behaviour.

    The inverse of the properties of ``Tank``: the inductor is chosen for the oscillation frequency
    including the core's shift, the loss resistor so that it makes Q together with the bleed.

    Parameters
    ----------
    f0_hz : float
        Oscillation frequency in hertz, > 0.
    q : float
        Quality factor, > 0.
    amplitude_v : float
        Peak voltage between the sides, > 0.
    capacitance_f : float
        Capacitance from each side to ground, > 0.
    gain : float
        ``g1 R``, > 1.

    Returns
    -------
    Tank
        Component values.

    Raises
    ------
    SpecError
        The core is so strong for this Q that the weakly nonlinear equations don't hold.
    """
    shift = ((gain - 1.0) / q) ** 2 / 16.0
    if shift > 0.01:
        raise SpecError(
            f"gain {gain!r} at Q {q!r} shifts the frequency by {100 * shift:.2g} %: needed is "
            "(gain - 1)/Q below 0.4, or the tank is no sine oscillator; lower gain or raise q"
        )
    omega = TAU * f0_hz / (1.0 - shift)
    inductance_h = 2.0 / (omega**2 * capacitance_f)
    parallel_ohm = q * math.sqrt(2.0 * inductance_h / capacitance_f)
    bleed_ohm = BLEED_RATIO * parallel_ohm
    g1_s = gain / parallel_ohm
    return Tank(
        capacitance_f=capacitance_f,
        inductance_h=inductance_h,
        loss_ohm=1.0 / (1.0 / parallel_ohm - 0.5 / bleed_ohm),
        bleed_ohm=bleed_ohm,
        g1_s=g1_s,
        g3_s_per_v2=4.0 * (g1_s - 1.0 / parallel_ohm) / (3.0 * amplitude_v**2),
    )


def coupling_ohm(w_rad_per_s: float, capacitance_f: float) -> float:
    """
    Return the branch resistor of a pair: R = 1 / (2 C |w|).

    Parameters
    ----------
    w_rad_per_s : float
        Coupling, not 0.
    capacitance_f : float
        From each side to ground.

    Returns
    -------
    float
        Resistance of each of the pair's two branches in ohm.
    """
    return 1.0 / (2.0 * capacitance_f * abs(w_rad_per_s))


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
    Write the netlist of N differential tanks.

    A positive weight is a branch p-p and one n-n, a negative one p-n and n-p; a branch is a
    resistor or what ``circuit.coupling`` says. Resistors damp the tank whatever the sign of the
    weight; ``circuit.damping`` says what is done about it:
    ``none`` nothing; ``trimmed`` each core's g1 is raised by the coupling conductance that its
    tank sees, so that the amplitudes stay equal; ``ideal`` a separate linear negative conductance
    per tank cancels it and is marked ideal. Detuning goes into the inductors, so that the
    couplings stay exact.

    Parameters
    ----------
    weights : ndarray, shape (N, N)
        Dimensionless, symmetric.
    circuit : Circuit
        Settings.
    start_phases_rad : ndarray, shape (N,)
        Start phases at full amplitude.
    detuning : ndarray, shape (N,)
        Relative deviation of each tank's frequency, above -0.5.
    name, command : str
        For the header.
    seed : int
        Recorded in the result.
    banks : Capacitors, optional
        Of both sides, instead of equal ones; `drai_hw.spice.bank.Banks` with tuning banks.

    Returns
    -------
    Netlist
        Deterministic: equal arguments give equal bytes.
    """
    tank = design_tank(
        circuit.f0_hz, circuit.q, circuit.amplitude_v, circuit.capacitance_f, gain=circuit.gain
    )
    n = weights.shape[0]
    coupling, kappa = scale_weights(weights, circuit.rho, half_bandwidth(circuit))
    branch_s = 2.0 * tank.capacitance_f * np.abs(coupling)
    straight_s = np.where(coupling > 0, branch_s, 0.0)
    crossed_s = np.where(coupling < 0, branch_s, 0.0)
    branch = branch_of(circuit, circuit.f0_hz)
    seen_s = branch.damping * branch_s.sum(axis=1) / 2.0  # two in series between the sides
    g1_s = np.full(n, tank.g1_s) + (seen_s if circuit.damping == "trimmed" else 0.0)
    ideal_s = seen_s if circuit.damping == "ideal" else np.zeros(n)
    inductance_h = tank.inductance_h / (1.0 + detuning) ** 2
    nominal_f = np.full((n, 2), tank.capacitance_f)
    wires = wiring_of(weights, circuit)
    fixed_f = (nominal_f if banks is None else banks.fixed_f) - wires.mean_f
    require_left(fixed_f, circuit)
    omega = TAU * circuit.f0_hz
    sides_s = 1j * omega * nominal_f if banks is None else banks.side_s(omega)
    sides_s = sides_s + 1j * omega * (wires.side_f - wires.mean_f)[:, None]
    half_v = 0.5 * circuit.amplitude_v * np.cos(start_phases_rad)

    deck = Deck(f"{name}: {n} differential coupled LC tanks")
    marked: list[Behavioural] = []
    for i in range(n):
        p, m, phase = f"p{i}", f"n{i}", float(start_phases_rad[i])
        omega_l = TAU * circuit.f0_hz * (1.0 + float(detuning[i])) * float(inductance_h[i])
        deck.capacitor(f"p{i}", p, "0", float(fixed_f[i, 0]), float(half_v[i]))
        deck.capacitor(f"n{i}", m, "0", float(fixed_f[i, 1]), -float(half_v[i]))
        if wires.side_f[i] > 0:
            deck.capacitor(f"wp{i}", p, "0", float(wires.side_f[i]), float(half_v[i]))
            deck.capacitor(f"wn{i}", m, "0", float(wires.side_f[i]), -float(half_v[i]))
        deck.inductor(
            f"t{i}", p, m, float(inductance_h[i]), circuit.amplitude_v * math.sin(phase) / omega_l
        )
        deck.resistor(f"loss{i}", p, m, tank.loss_ohm)
        deck.resistor(f"bp{i}", p, "0", tank.bleed_ohm)
        deck.resistor(f"bn{i}", m, "0", tank.bleed_ohm)
        v = f"v({p},{m})"
        core = f"{digits(tank.g3_s_per_v2)!r}*{v}*{v}*{v}-{digits(g1_s[i])!r}*{v}"
        deck.current(f"core{i}", p, m, core)
        marked.append(Behavioural(f"Bcore{i}", "cubic negative conductance of the tank", False, i))
        if ideal_s[i] > 0:
            deck.current(f"undamp{i}", p, m, f"-{digits(ideal_s[i])!r}*{v}")
            marked.append(Behavioural(f"Bundamp{i}", "cancels the coupling's damping", True, i))
    values = {
        "capacitance_f": sides_s.imag / omega,
        "bank_s": sides_s.real,
        "inductance_h": inductance_h,
        "loss_ohm": np.full(n, tank.loss_ohm),
        "bleed_ohm": np.full(n, tank.bleed_ohm),
        "g1_s": g1_s,
        "g3_s_per_v2": np.full(n, tank.g3_s_per_v2),
        "ideal_s": ideal_s,
    }
    parts = Parts(straight_s, crossed_s, coupling, kappa, values, branch, banks)
    resistive = branch.kind == "resistive" and kappa > 0
    half = 0.5 * circuit.amplitude_v * np.exp(1j * start_phases_rad)
    start_v = {f"p{i}": half[i] for i in range(n)} | {f"n{i}": -half[i] for i in range(n)}
    for tag, one, other, siemens in parts.branches():
        branch.add(deck, tag, (one, other), siemens, start_v[one] - start_v[other])

    notes = [
        f"f0 {circuit.f0_hz:g} Hz, Q {circuit.q:g}, rho {circuit.rho:g}, "
        f"kappa {kappa:.6g} rad/s per unit weight, damping {circuit.damping}",
        "BEHAVIOURAL elements (every B source): Bcore* stand for transistor cores;"
        " Bundamp*, if any, are ideal.",
        "Energy from this netlist is tank loss, a lower bound; no thermal noise in .tran.",
    ]
    notes += [banks.note] if banks else []
    saved = [f"v({side}{i})" for i in range(n) for side in ("p", "n")]
    saved += [f"i(lt{i})" for i in range(n)]
    saved += [f"v({middle})" for middle in parts.middles]
    lines, stop_s = commands(
        circuit.f0_hz, circuit.cycles, circuit.points_per_cycle, saved, SOLVER_OPTIONS
    )
    if banks is not None:
        lines = [*banks.lines(np.column_stack([half_v, -half_v])), *lines]
    return Netlist(
        name=name,
        text=deck.text(header(name, command, notes), lines),
        circuit=circuit,
        weights=weights,
        start_phases_rad=start_phases_rad,
        detuning=detuning,
        seed=seed,
        pairs=tuple((f"p{i}", f"n{i}") for i in range(n)),
        parts=parts,
        behavioural=tuple(marked),
        nominal_hz=circuit.f0_hz,
        stop_s=stop_s,
        saved=tuple(saved),
        parameters={
            "side_f": tank.capacitance_f,
            "tank_h": tank.inductance_h,
            "loss_ohm": tank.loss_ohm,
            "bleed_ohm": tank.bleed_ohm,
            "g1_s": tank.g1_s,
            "g3_s_per_v2": tank.g3_s_per_v2,
            **({UNIT: 1.0 / (2.0 * tank.capacitance_f * kappa)} if resistive else {}),
        },
    )
