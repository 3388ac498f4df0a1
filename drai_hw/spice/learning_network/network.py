"""The netlist of a network that learns: tanks, inputs, a synapse of two memristors per pair."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.learning import Synapse, with_elements
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.spice.switch import Switch

SIGNS = (1, -1)
"""Of a synapse's memristors ``m`` and ``k``: in their pulses, and in the weight."""
CLOCK_CYCLE = 6.0
"""Start of the first pulse in a slot of the clock, in periods: stages begin and end between."""


@dataclass(frozen=True)
class Stage:
    """
    Hold one stretch of a run.

    Parameters
    ----------
    cycles : int
        Length in periods, a multiple of the pulses' distance.
    held : tuple of int
        What the inputs show each oscillator: +1, -1, or 0 for an open input.
    learns : bool
        Whether pulses may write.
    """

    cycles: int
    held: tuple[int, ...]
    learns: bool = False


def _synapse() -> Synapse:
    return Synapse(first_cycle=CLOCK_CYCLE, read_gain=0.08)


def _tanks() -> Circuit:
    return Circuit(gain=4.0, points_per_cycle=100)


@dataclass(frozen=True)
class Network:
    """
    Hold a network and what happens to it in one transient.

    Each pair has two memristors that get the same pulses with opposite signs; transconductors
    couple its tanks by the difference of their conductances, so a weight may have either sign. An
    input is a resistor at each side of a tank that switches connect to a pair of reference lines,
    straight for +1 and crossed for -1.

    Parameters
    ----------
    pairs : tuple of (int, int)
        The oscillators of each synapse.
    stages : tuple of Stage
        One after the other.
    states : tuple of (float, float)
        Start of each synapse's memristors, between 0 and 1.
    start_rad : tuple of float
        Start phases.
    detuning : tuple of float
        Relative deviation of each tank's frequency from the reference's.
    synapse : Synapse
        All of them; its clock runs from the start.
    circuit : Circuit
        The tanks.
    input_ohm : float
        Resistor of an input, at each side.
    switch : Switch
        Of the inputs.

    Raises
    ------
    SpecError
        Parts that do not fit each other, a stage that is no multiple of the pulses' distance, or
        pulses below the memristors' threshold.
    """

    pairs: tuple[tuple[int, int], ...]
    stages: tuple[Stage, ...]
    states: tuple[tuple[float, float], ...]
    start_rad: tuple[float, ...]
    detuning: tuple[float, ...]
    synapse: Synapse = field(default_factory=_synapse)
    circuit: Circuit = field(default_factory=_tanks)
    input_ohm: float = 15e3
    switch: Switch = field(default_factory=Switch)

    def __post_init__(self) -> None:
        n = self.n
        self.synapse.check()
        if not self.input_ohm > 0:
            raise SpecError(f"input_ohm = {self.input_ohm!r}: needed is a resistor above 0 ohm")
        if len(self.detuning) != n or any(len(stage.held) != n for stage in self.stages):
            raise SpecError(f"a network of {n} oscillators: needed are {n} detunings, and {n} "
                            "inputs in each stage")  # fmt: skip
        if not self.pairs or any(not 0 <= i < j < n for i, j in self.pairs):
            raise SpecError(f"pairs = {self.pairs!r}: needed are i < j of {n} oscillators")
        if len(self.states) != len(self.pairs):
            raise SpecError(f"{len(self.states)} pairs of states: needed is one for each of "
                            f"{len(self.pairs)} synapses")  # fmt: skip
        wrong = [x for row in self.states for x in row if not 0.0 < x < 1.0]
        if wrong or any(len(row) != len(SIGNS) for row in self.states):
            raise SpecError(f"states = {self.states!r}: needed are two starts between 0 and 1, the "
                            "rails apart, for each synapse")  # fmt: skip
        for stage in self.stages:
            if stage.cycles < 1 or stage.cycles % self.synapse.period_cycles:
                raise SpecError(
                    f"a stage of {stage.cycles} periods: needed is a multiple of the pulses' "
                    f"distance, {self.synapse.period_cycles:g}, or a pulse is cut"
                )
            if any(sign not in (-1, 0, 1) for sign in stage.held):
                raise SpecError(f"inputs {stage.held!r}: needed are +1, -1, or 0 for open ones")

    @property
    def n(self) -> int:
        """Return the number of oscillators."""
        return len(self.start_rad)

    @property
    def ends(self) -> Floats:
        """Return the ends of the stages in periods."""
        return np.cumsum([stage.cycles for stage in self.stages])

    @property
    def tags(self) -> tuple[str, ...]:
        """Return what names of each synapse's nodes end in."""
        return tuple(f"{i}_{j}" for i, j in self.pairs)

    @property
    def settings(self) -> Circuit:
        """Return the tanks with the length of the run."""
        return replace(self.circuit, kind="lc", cycles=int(self.ends[-1]), damping="none")

    def weights_rad_per_s(self, states: Floats) -> Floats:
        """Return w of each synapse at states of shape (P, 2)."""
        return self.synapse.coupling_rad_per_s(np.asarray(states), self.circuit) @ np.array(SIGNS)

    def input_rad_per_s(self) -> float:
        """Return what an input pulls with, ``1/(2 R C)``, its switch included."""
        ohm = self.input_ohm + self.switch.on_ohm
        return 1.0 / (2.0 * ohm * self.circuit.capacitance_f)


def levels(network: Network, values: list[float]) -> str:
    """Return a source's text that has one value in each stage."""
    period_s = 1.0 / network.circuit.f0_hz
    points = [f"0 {values[0]!r}"]
    for end, before, after in zip(network.ends, values, values[1:], strict=False):
        if before != after:
            at_s = float(end) * period_s
            points.append(f"{at_s!r} {before!r} {at_s + period_s / 20.0!r} {after!r}")
    return f"pwl({' '.join(points)})"


def inputs(network: Network, reference_hz: float) -> list[str]:
    """Return the reference lines, and each tank's switches and resistors.

    Parameters
    ----------
    network : Network
        All settings.
    reference_hz : float
        Frequency of the reference: that of a tank in the same solver settings.
    """
    peak_v, switch = 0.5 * network.circuit.amplitude_v, network.switch
    wave = "sin(0 {!r} {!r} 0 0 90)"
    lines = [
        "* reference lines, and inputs that show +1 straight and -1 crossed",
        *switch.cards(),
        f"Vrefp refp 0 {wave.format(peak_v, reference_hz)}",
        f"Vrefn refn 0 {wave.format(-peak_v, reference_hz)}",
    ]
    for i in range(network.n):
        for name, shown in (("u", 1), ("d", -1)):
            on = [switch.control_v * (stage.held[i] == shown) for stage in network.stages]
            lines.append(f"V{name}{i} {name}{i} 0 {levels(network, on)}")
        for side, lineup in (("p", ("refp", "refn")), ("n", ("refn", "refp"))):
            lines.append(f"Rin{side}{i} h{side}{i} {side}{i} {network.input_ohm!r}")
            for name, line in zip("ud", lineup, strict=True):
                lines += switch.lines(f"in{name}{side}{i}", line, f"h{side}{i}", f"{name}{i}")
    return lines


def synapses(network: Network) -> list[str]:
    """Return clock, phase shifters, and the synapses."""
    synapse, circuit = network.synapse, network.circuit
    on = [float(stage.learns) for stage in network.stages]
    lines = [
        *synapse.clock(circuit, "clock"),
        f"Vlearn learn 0 {levels(network, on)}",
        "Benable enable 0 v=v(clock)*v(learn)",
    ]
    for i in sorted({first for first, _ in network.pairs}):
        lines += synapse.shifter(circuit, f"_{i}", i)
    for tag, (i, j), states in zip(network.tags, network.pairs, network.states, strict=True):
        lines += synapse.detectors(circuit, tag, i, j, f"q_{i}")
        for name, sign, state in zip("mk", ("", "-"), states, strict=True):
            lines.append(synapse.driver(tag, f"{name}{tag}", sign))
            lines += synapse.device(f"{name}{tag}", state)
        span_s = synapse.most_s - synapse.least_s
        gm = f"{synapse.read_gain * span_s!r}*(v(xm{tag})-v(xk{tag}))"
        lines += [
            "* BEHAVIOURAL transconductors: the difference of two memristors couples the tanks",
            f"Breada{tag} n{i} p{i} i={gm}*v(p{j},n{j})",
            f"Breadb{tag} n{j} p{j} i={gm}*v(p{i},n{i})",
        ]
    return lines


def saved(network: Network) -> list[str]:
    """Return the vectors that a run writes."""
    n = range(network.n)
    names = [f"v({side}{i})" for i in n for side in ("p", "n", "hp", "hn")]
    names += [f"i(lt{i})" for i in n]
    names += [f"i(v{name}{i})" for i in n for name in "ud"]
    names += [f"v({name}{i})" for i in n for name in "ud"]
    late = sorted({first for first, _ in network.pairs})
    names += [f"v({q}_{i})" for i in late for q in ("q1", "q")]
    names += [f"i(bq_{i})" for i in late]
    for tag in network.tags:
        names += [f"v({node}{tag})" for node in ("c", "s", "gate", "wm", "wk", "xm", "xk")]
        names += [f"i(bwrite{device}{tag})" for device in "mk"]
    return [*names, "v(refp)", "v(refn)", "i(vrefp)", "i(vrefn)", "v(enable)"]


def netlist(network: Network, reference_hz: float) -> tuple[Netlist, str]:
    """
    Return the netlist of the tanks alone, and the text of the whole.

    Parameters
    ----------
    network : Network
        All settings.
    reference_hz : float
        Frequency of the reference lines.
    """
    tanks = create(
        np.zeros((network.n,) * 2), network.settings, start_phases=network.start_rad,
        detuning=network.detuning, name="learning-network",
    )  # fmt: skip
    lines = [*inputs(network, reference_hz), *synapses(network)]
    return tanks, with_elements(tanks, lines, saved(network))
