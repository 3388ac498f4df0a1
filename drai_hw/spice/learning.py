"""A synapse that learns in the circuit: detector, low-pass, resonance gate, pulses, memristor."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.engine import Waves, simulate
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

FloatOrArray = TypeVar("FloatOrArray", float, Floats)
EDGE_V = 0.002
"""Width of the comparators' tanh: a thousandth or so of their range, like a real comparator's."""


@dataclass(frozen=True)
class Synapse:
    """
    Hold the settings of a learning synapse between two tanks; times in periods of the tanks.

    The memristor is a threshold device after VTEAM with a parabolic window; its parameter set is
    hypothetical and takes no part in energy comparisons.

    Parameters
    ----------
    low_pass_cycles : float
        Time constant of the detector's low-pass.
    gate : float
        The gate is open while the detected coherence, cosine and sine together, exceeds this.
    first_cycle, period_cycles, window_cycles : float
        First pulse, distance of pulses, longest pulse.
    write_v : float
        Height of the pulses, either sign.
    threshold_v : float
        Below it the state does not move.
    rate_hz : float
        Speed of the state at twice the threshold, in the middle of its range.
    exponent : float
        Of the excess over the threshold.
    least_s, most_s : float
        Conductance at x = 0 and x = 1.
    read_gain : float
        Share of the memristor's conductance with which a read amplifier couples the tanks; 0: they
        are not coupled.
    """

    low_pass_cycles: float = 20.0
    gate: float = 0.5
    first_cycle: float = 140.0
    period_cycles: float = 20.0
    window_cycles: float = 8.0
    write_v: float = 1.2
    threshold_v: float = 0.6
    rate_hz: float = 4e3
    exponent: float = 3.0
    least_s: float = 1e-6
    most_s: float = 1e-4
    read_gain: float = 0.0

    def check(self) -> None:
        """Raise SpecError if no pulse could write."""
        if self.write_v <= self.threshold_v:
            raise SpecError(
                f"write_v = {self.write_v!r}: needed is more than threshold_v = "
                f"{self.threshold_v!r} V, or no pulse ever writes"
            )

    def coupling_rad_per_s(self, state: FloatOrArray, circuit: Circuit) -> FloatOrArray:
        """Return w of the pair at a state: read conductance between the sides, over C."""
        conductance_s = self.least_s + (self.most_s - self.least_s) * state
        return self.read_gain * conductance_s / circuit.capacitance_f

    def device(self, tag: str, state: float) -> list[str]:
        """Return the memristor from node ``wTAG`` to ground, with its state on node ``xTAG``."""
        v, x = f"v(w{tag})", f"v(x{tag})"
        over = f"{self.rate_hz!r}*pow(abs({v})/{self.threshold_v!r}-1,{self.exponent!r})"
        speed = f"(abs({v})>{self.threshold_v!r} ? sgn({v})*{over} : 0)"
        span_s = self.most_s - self.least_s
        return [
            f"* HYPOTHETICAL-threshold memristor {tag}: VTEAM form (10.1109/TCSII.2015.2433536)",
            f"Bm{tag} w{tag} 0 i={v}*({self.least_s!r}+{span_s!r}*{x})",
            f"Bx{tag} 0 x{tag} i=1e-9*{speed}*4*{x}*(1-{x})",
            f"Cx{tag} x{tag} 0 1e-9 ic={state!r}",
        ]

    def shifter(self, circuit: Circuit, tag: str, tank: int) -> list[str]:
        """Return what delays a tank's voltage by a quarter of a turn, onto node ``qTAG``."""
        shift_s = 10.0 / (TAU * circuit.f0_hz)
        return [
            "* one input a quarter of a turn late",
            f"Bq{tag} q1{tag} 0 v=v(p{tank},n{tank})",
            f"Rq{tag} q1{tag} q{tag} 1e3",
            f"Cq{tag} q{tag} 0 {shift_s * 1e-3!r} ic=0",
        ]

    def detectors(
        self, circuit: Circuit, tag: str, first: int, second: int, late: str
    ) -> list[str]:
        """Return both detectors of a pair of tanks, low-passes and gate; ``late`` is of `first`."""
        tau_s = self.low_pass_cycles / circuit.f0_hz
        scale = 2.0 / circuit.amplitude_v**2
        gain = scale * math.hypot(1.0, 10.0)
        one, other = f"v(p{first},n{first})", f"v(p{second},n{second})"
        c, s = f"v(c{tag})", f"v(s{tag})"
        return [
            f"* phase detector and low-pass: {c} is the cosine of the phase difference",
            f"Bc{tag} 0 c{tag} i=1e-6*{scale!r}*{one}*{other}",
            f"Rc{tag} c{tag} 0 1e6",
            f"Cc{tag} c{tag} 0 {tau_s * 1e-6!r} ic=0",
            f"* detector of the late input: {s}, the sine",
            f"Bs{tag} 0 s{tag} i=1e-6*{gain!r}*v({late})*{other}",
            f"Rs{tag} s{tag} 0 1e6",
            f"Cs{tag} s{tag} 0 {tau_s * 1e-6!r} ic=0",
            "* resonance gate: a pair that drifts has neither",
            f"Bgate{tag} gate{tag} 0 v=0.5*(1+tanh(({c}*{c}+{s}*{s}-{self.gate**2!r})/0.02))",
        ]

    def clock(self, circuit: Circuit, enable: str = "enable") -> list[str]:
        """Return the ramp that pulses are measured by, and the node that is 1 while one may be."""
        period_s = 1.0 / circuit.f0_hz
        first_s, window_s = self.first_cycle * period_s, self.window_cycles * period_s
        edge_s = period_s / 20.0
        pulses = f"{first_s!r} {{}} {edge_s!r} {{}} {self.period_cycles * period_s!r})"
        return [
            "* pulses: as long as the ramp is below the cosine without its sign, which they have",
            "Vramp ramp 0 pulse(0 1 " + pulses.format(repr(window_s), "0"),
            f"V{enable} {enable} 0 pulse(0 1 " + pulses.format(repr(edge_s), repr(window_s)),
        ]

    def driver(self, tag: str, device: str, sign: str = "") -> str:
        """Return what drives node ``wDEVICE``, the memristor of the synapse with this tag."""
        c = f"v(c{tag})"
        on = (
            f"0.25*(1+tanh((abs({c})-v(ramp))/{EDGE_V!r}))*(1+tanh(20*(v(gate{tag})-0.5)))"
            "*v(enable)"
        )
        return f"Bwrite{device} w{device} 0 v={sign}{self.write_v!r}*tanh({c}/{EDGE_V!r})*{on}"

    def elements(self, circuit: Circuit, state: float) -> list[str]:
        """Return all elements of the synapse between tanks 0 and 1."""
        return [
            *self.shifter(circuit, "", 0),
            *self.detectors(circuit, "", 0, 1, "q"),
            *self.clock(circuit),
            self.driver("", "m"),
            *self.device("m", state),
            *self._read(),
        ]

    def _read(self) -> list[str]:
        """Return the read amplifiers, which take the state and never load the write path."""
        if not self.read_gain:
            return []
        read_s = f"{self.read_gain!r}*({self.least_s!r}+{self.most_s - self.least_s!r}*v(xm))"
        return [
            "* BEHAVIOURAL read amplifiers: the memristor's conductance couples the tanks",
            f"Bread0 n0 p0 i={read_s}*(v(p1,n1)-v(p0,n0))",
            f"Bread1 n1 p1 i={read_s}*(v(p0,n0)-v(p1,n1))",
        ]


@dataclass(frozen=True)
class Learning:
    """
    Hold a run of two tanks and their synapse.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Accepted time points.
    state, cosine, gate, write_v : ndarray, shape (T,)
        State of the memristor, detected cosine, gate (0 to 1), voltage on the memristor.
    cycle_s, psi_rad : ndarray, shape (K,)
        Times a period apart, and the phase difference of the tanks there.
    beats : float
        Turns that the phase difference made while pulses came.
    """

    time_s: Floats
    state: Floats
    cosine: Floats
    gate: Floats
    write_v: Floats
    cycle_s: Floats
    psi_rad: Floats
    beats: float

    @property
    def change(self) -> float:
        """Return how far the state went."""
        return float(self.state[-1] - self.state[0])

    def rate_rad_per_s(self, first: int, last: int) -> float:
        """
        Return the coupling that a stretch of periods shows: w of psi' = -2 w sin psi.

        Parameters
        ----------
        first, last : int
            Periods, as an index into ``psi_rad``.
        """
        half = np.log(np.tan(0.5 * self.psi_rad[first:last]))
        return float(-0.5 * np.polyfit(self.cycle_s[first:last], half, 1)[0])


def with_elements(netlist: Netlist, lines: list[str], saved: list[str]) -> str:
    """Return a netlist with more elements that saves the given vectors instead of its own."""
    text = re.sub(r"^\.save .*\n", "", netlist.text, flags=re.MULTILINE)
    added = "\n".join([*lines, ".save " + " ".join(saved)])
    return text.replace("\n.options", f"\n{added}\n.options", 1)


def learn(
    synapse: Synapse,
    psi_rad: float,
    state: float,
    *,
    pulses: int = 15,
    detuning: float = 0.0,
    circuit: Circuit | None = None,
    timeout_s: float = 600.0,
) -> Learning:
    """
    Let two tanks that keep a phase difference teach their synapse, all of it in ngspice.

    Parameters
    ----------
    synapse : Synapse
        Settings.
    psi_rad : float
        Phase difference at the start.
    state : float
        Start of the memristor's state, between 0 and 1.
    pulses : int
        Pulses that come, at least 1.
    detuning : float
        Relative frequency difference of the tanks; not 0, they drift.
    circuit : Circuit, optional
        The tanks.
    timeout_s : float
        Wall-clock limit.

    Raises
    ------
    SpecError
        A start state outside 0 to 1, no pulse, or pulses below the memristor's threshold.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    if not 0.0 < state < 1.0:
        raise SpecError(f"state = {state!r}: needed is a start between 0 and 1, the rails apart")
    if pulses < 1:
        raise SpecError(f"pulses = {pulses!r}: needed is at least 1")
    synapse.check()
    cycles = math.ceil(synapse.first_cycle + pulses * synapse.period_cycles)
    settings = replace(
        circuit or Circuit(), kind="lc", cycles=cycles, points_per_cycle=100, damping="none"
    )
    netlist = create(
        np.zeros((2, 2)), settings, start_phases=[0.0, psi_rad], name="learning",
        detuning=[0.0, detuning],
    )  # fmt: skip
    names = ["v(p0)", "v(n0)", "v(p1)", "v(n1)", "v(xm)", "v(c)", "v(gate)", "v(wm)"]
    waves = simulate(
        with_elements(netlist, synapse.elements(settings, state), names),
        stop_s=netlist.stop_s,
        expected_points=cycles * settings.points_per_cycle,
        vectors=len(names),
        name=netlist.name,
        timeout_s=timeout_s,
    )
    return _read(waves, synapse, settings)


def _read(waves: Waves, synapse: Synapse, circuit: Circuit) -> Learning:
    sides = waves.select(["v(p0)", "v(n0)", "v(p1)", "v(n1)"])
    signals = np.column_stack([sides[:, 0] - sides[:, 1], sides[:, 2] - sides[:, 3]])
    at_s, table = phases(waves.time_s, signals, circuit.f0_hz)
    psi = table[:, 1] - table[:, 0]
    first = int(np.searchsorted(at_s, synapse.first_cycle / circuit.f0_hz))
    state, cosine, gate, write_v = waves.select(["v(xm)", "v(c)", "v(gate)", "v(wm)"]).T
    return Learning(
        waves.time_s,
        state,
        cosine,
        gate,
        write_v,
        cycle_s=at_s,
        psi_rad=psi,
        beats=float(abs(psi[-1] - psi[first]) / TAU),
    )
