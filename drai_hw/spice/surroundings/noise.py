"""Phases that diffuse: white noise currents in ngspice beside the closed form, and recall in it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann

from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.model.readout import is_exact, read_pattern
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.engine import simulate
from drai_hw.spice.extraction.phase_response import only_pairs, phase_response
from drai_hw.spice.lc import design_tank
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import frequency_hz, phases
from drai_hw.spice.ring import chains_of, nodes_of
from drai_hw.spice.settings import Circuit, Floats, half_bandwidth
from drai_hw.spice.simulate import create
from drai_hw.spice.starts import start_phases_of
from drai_hw.units import TAU

KELVIN = 300.0
SLOTS = 40
"""New noise values a period: white beyond the frequency that a tank answers to."""
WINDOW_CYCLES, SETTLE_CYCLES = 20, 30


def thermal_a2_per_hz(ohm: float, kelvin: float = KELVIN) -> float:
    """Return the one-sided density of a resistor's noise current, 4kT/R."""
    return 4.0 * Boltzmann * kelvin / ohm


def source(name: str, plus: str, minus: str, density_a2_per_hz: float, slot_s: float) -> str:
    """
    Return a white noise current of ngspice: a new value each slot, a straight line between.

    Values of standard deviation a each T seconds have the one-sided density 2 a^2 T at low
    frequencies.
    """
    ampere = math.sqrt(density_a2_per_hz / (2.0 * slot_s))
    return f"I{name} {plus} {minus} trnoise({ampere:.9g} {slot_s:.9g} 0 0)"


@dataclass(frozen=True)
class Diffusion:
    """
    Hold how fast a phase diffuses, ``variance = constant t``.

    Parameters
    ----------
    what : str
        The oscillator.
    density_a2_per_hz : float
        One-sided density of each noise current.
    over_thermal : float or None
        That over 4kT/R of a tank's loss at 300 K.
    measured, closed : float
        Constant, rad^2/s, in ngspice and by the closed form.
    error : float
        Standard error of the measured one, relative: root of 2/increments.
    frequency_hz : float
        Of the oscillator.
    """

    what: str
    density_a2_per_hz: float
    over_thermal: float | None
    measured: float
    closed: float
    error: float
    frequency_hz: float

    @property
    def per_cycle_rad(self) -> float:
        """Return the standard deviation that a period adds."""
        return math.sqrt(self.measured / self.frequency_hz)

    def density_dbc_per_hz(self, offset_hz: float) -> float:
        """Return phase noise ``L = constant / (2 pi offset)^2`` in dBc/Hz."""
        return 10.0 * math.log10(self.closed / (TAU * offset_hz) ** 2)


def tank_constant(circuit: Circuit, density_a2_per_hz: float) -> float:
    """
    Return the closed form of a tank: ``S/2 <Z^2> = S/(C A)^2``, rad^2/s.

    A charge q between the sides shifts the phase by ``Z q``, Z = -(2/CA) sin(phase); white noise
    of one-sided density S makes the phase's variance grow by ``S/2 <Z^2>`` a second.

    References
    ----------
    A. Hajimiri and T. H. Lee, IEEE J. Solid-State Circuits 33 (1998) 179; A. Demir, A. Mehrotra
    and J. Roychowdhury, IEEE Trans. Circuits Syst. I 47 (2000) 655.
    """
    return density_a2_per_hz / (circuit.capacitance_f * circuit.amplitude_v) ** 2


def tank_diffusion(
    over_thermal: float, circuit: Circuit | None = None, *, copies: int = 24, cycles: int = 400,
    seed: int = 1,
) -> Diffusion:  # fmt: skip
    """
    Run copies of a tank, each with the noise current of its loss times a factor.

    Parameters
    ----------
    over_thermal : float
        Factor of 4kT/R at 300 K, above 0: at 1 a transient's tolerances are larger.
    circuit : Circuit, optional
        The tank.
    copies, cycles : int
        Tanks, and periods of each.
    seed : int
        Of the noise.

    Raises
    ------
    SpecError
        A factor that is not above 0.
    """
    if not over_thermal > 0:
        raise SpecError(f"over_thermal = {over_thermal!r}: needed is a factor above 0")
    settings = replace(circuit or Circuit(), cycles=cycles)
    tank = design_tank(settings.f0_hz, settings.q, settings.amplitude_v, settings.capacitance_f,
                       gain=settings.gain)  # fmt: skip
    density = over_thermal * thermal_a2_per_hz(tank.parallel_ohm)
    netlist = create(np.zeros((copies, copies)), settings, start_phases=np.zeros(copies),
                     name="noise")  # fmt: skip
    nodes = [netlist.pairs[i] for i in range(copies)]
    measured, error, hz = _diffusion(netlist, [nodes], density, 1.0 / settings.f0_hz, seed)
    return Diffusion("tank", density, over_thermal, measured, tank_constant(settings, density),
                     error, hz)  # fmt: skip


def ring_diffusion(
    density_a2_per_hz: float, circuit: Circuit | None = None, *, copies: int = 12,
    cycles: int = 260, seed: int = 1,
) -> Diffusion:  # fmt: skip
    """
    Run copies of a ring, each node with a noise current of its own, beside ``S/2 sum <Z^2>``.

    Z is the phase response of the first stage (`drai_hw.spice.extraction.phase_response`); that of
    the others is the same at another phase.

    Parameters
    ----------
    density_a2_per_hz : float
        One-sided density of each of the currents to ground, one a node.
    circuit : Circuit, optional
        The ring.
    copies, cycles, seed : int
        As in `tank_diffusion`.
    """
    settings = replace(
        circuit or Circuit(kind="ring", points_per_cycle=80), kind="ring", cycles=cycles
    )
    response = phase_response(replace(settings, points_per_cycle=200))
    turns = np.where(np.arange(response.response_c.size) > 0, 2.0, 1.0)
    squared = float((turns * np.abs(response.response_c) ** 2).sum())
    netlist = create(np.zeros((copies, copies)), settings, start_phases=np.zeros(copies),
                     name="noise")  # fmt: skip
    stages = [
        [(f"{side}{i}_{k}", "0") for i in range(copies)]
        for side in chains_of(settings) for k in range(settings.ring_stages)
    ]  # fmt: skip
    measured, error, hz = _diffusion(
        netlist, stages, density_a2_per_hz, 1.0 / response.frequency_hz, seed
    )
    closed = 0.5 * density_a2_per_hz * squared * nodes_of(settings)
    return Diffusion("ring", density_a2_per_hz, None, measured, closed, error, hz)


def noisy(
    netlist: Netlist, nodes: list[list[tuple[str, str]]], density_a2_per_hz: float,
    period_s: float, seed: int,
) -> str:  # fmt: skip
    """Return a netlist with a noise current between each of some pairs of nodes."""
    slot_s = period_s / SLOTS
    lines = [
        source(f"noise{k}_{i}", plus, minus, density_a2_per_hz, slot_s)
        for k, some in enumerate(nodes) for i, (plus, minus) in enumerate(some)
    ]  # fmt: skip
    return only_pairs(netlist, [*lines, f".option seed={seed}"])


def _signals(netlist: Netlist, text: str) -> tuple[Floats, Floats]:
    waves = simulate(
        text, stop_s=netlist.stop_s * (1 - 1e-6),
        expected_points=3 * netlist.circuit.cycles * SLOTS, vectors=2 * netlist.n, name="noise",
        timeout_s=1800.0,
    )  # fmt: skip
    p_v = waves.select([f"v({p})" for p, _ in netlist.pairs])
    return waves.time_s, p_v - waves.select([f"v({n})" for _, n in netlist.pairs])


def _diffusion(
    netlist: Netlist, nodes: list[list[tuple[str, str]]], density: float, period_s: float,
    seed: int,
) -> tuple[float, float, float]:  # fmt: skip
    time_s, signals = _signals(netlist, noisy(netlist, nodes, density, period_s, seed))
    hz = float(np.mean([frequency_hz(time_s, signal) for signal in signals.T]))
    at_s, table = phases(time_s, signals, hz)
    constant, increments = growth(at_s, table)
    return constant, math.sqrt(2.0 / increments), hz


def growth(at_s: Floats, phases_rad: Floats) -> tuple[float, int]:
    """
    Return the variance of phases that a second adds, and from how many increments.

    Increments over 20 periods, one after the other: longer than an amplitude remembers. What all
    have in common, a frequency, is taken off.

    Parameters
    ----------
    at_s : ndarray, shape (T,)
        Times, a period apart.
    phases_rad : ndarray, shape (T, N)
        Copies in columns.
    """
    kept = phases_rad[SETTLE_CYCLES::WINDOW_CYCLES]
    steps = np.diff(kept, axis=0)
    window_s = float(at_s[WINDOW_CYCLES] - at_s[0])
    return float(np.var(steps, ddof=1) / window_s), int(steps.size)


@dataclass(frozen=True)
class NoisyRecall:
    """
    Hold a recall in noise.

    Parameters
    ----------
    exact, model_exact : bool
        The pattern came back, in ngspice and in the float model with the same noise strength.
    order, model_order : float
        ``|sum x exp(i phi)|/N``, mean of the last fifth.
    """

    exact: bool
    model_exact: bool
    order: float
    model_order: float


def noisy_recall(strength: float, seed: int, *, n: int = 12, flips: int = 2) -> NoisyRecall:
    """
    Recall one pattern by tanks with noise currents.

    Parameters
    ----------
    strength : float
        Diffusion constant over the largest row sum of the couplings, at least 0.
    seed : int
        Of network, start and noise.
    n, flips : int
        Tanks, and signs turned at the start.
    """
    if not strength >= 0:
        raise SpecError(
            f"strength = {strength!r}: needed is a diffusion over coupling of 0 or more"
        )
    case = Case(n, 0.3, seed, points_per_cycle=40, cycles=300)
    pattern = case.pattern()
    start = pattern.copy()
    start[np.random.default_rng([seed, 3]).permutation(n)[:flips]] *= -1
    netlist = create(
        case.weights(), case.circuit, start_phases=start_phases_of(start, 0.1, seed), name="noise"
    )
    constant = strength * case.rho * half_bandwidth(case.circuit)
    density = constant * (case.circuit.capacitance_f * case.circuit.amplitude_v) ** 2
    nodes = [[netlist.pairs[i] for i in range(n)]] if strength else []
    text = noisy(netlist, nodes, density, 1.0 / case.circuit.f0_hz, seed + 1)
    time_s, signals = _signals(netlist, text)
    model = _model(netlist, constant, seed)
    try:
        _, table = phases(time_s, signals, frequency_hz(time_s, signals[:, 0]))
    except ConvergenceError:
        return NoisyRecall(False, _exact(model, pattern), 0.0, _order(model, pattern))
    return NoisyRecall(
        _exact(table, pattern), _exact(model, pattern), _order(table, pattern),
        _order(model, pattern),
    )  # fmt: skip


def _exact(table: Floats, pattern: NDArray[np.int64]) -> bool:
    return bool(is_exact(read_pattern(table[-1]), pattern))


def _order(table: Floats, pattern: NDArray[np.int64]) -> float:
    late = table[-max(1, table.shape[0] // 5) :]
    return float(np.abs((pattern * np.exp(1j * late)).mean(axis=1)).mean())


def _model(netlist: Netlist, constant: float, seed: int, steps_per_cycle: int = 4) -> Floats:
    """Return phases of ``dphi = sum w sin(psi) dt + root(constant) dW``, one row a period."""
    rng = np.random.default_rng([seed, 17])
    step_s = 1.0 / (netlist.circuit.f0_hz * steps_per_cycle)
    phi = netlist.start_phases_rad.copy()
    kept = [phi.copy()]
    for k in range(netlist.circuit.cycles * steps_per_cycle):
        turned = np.exp(1j * phi)
        pull = (np.conj(turned) * (netlist.parts.coupling @ turned)).imag
        phi = phi + step_s * pull + math.sqrt(constant * step_s) * rng.standard_normal(phi.size)
        if (k + 1) % steps_per_cycle == 0:
            kept.append(phi)
    return np.array(kept)
