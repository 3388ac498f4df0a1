"""Start-up: the margin of the loop, how fast oscillations grow from noise, and runs of it."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice import ring
from drai_hw.spice.engine import simulate
from drai_hw.spice.lc import design_tank
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.pyspice import digits
from drai_hw.spice.require import require_behavioural
from drai_hw.spice.settings import (
    Circuit,
    CircuitLike,
    Floats,
    branch_of,
    check_circuit,
    settings_of,
)
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

BOLTZMANN_J_PER_K = 1.380649e-23
REACHED = 0.9
NOISE_SAMPLES = 8
"""Samples of a noise current in a period; between them it is a straight line."""


@dataclass(frozen=True)
class Startup:
    """
    Hold how an oscillator starts.

    Parameters
    ----------
    loop_gain : float
        What the core gives over what it has to overcome; above 1 it starts, infinite without loss.
    rate_per_s : float
        Growth rate of a small oscillation: exp(rate t). Negative: it dies.
    frequency_hz : float
        Of the small oscillation.
    rival_rate_per_s : float
        Growth rate of what must not win: in rings both sides alike, in one chain alone the mode of
        three turns; 0 in tanks, which have none.
    amplitude_v : float
        Where it ends, uncoupled: peak between the sides. Rings: half of rail to rail at each node.
    """

    loop_gain: float
    rate_per_s: float
    frequency_hz: float
    rival_rate_per_s: float
    amplitude_v: float

    @property
    def margin(self) -> float:
        """Return the loop gain over 1, less 1: how much of it may be missing."""
        return self.loop_gain - 1.0

    def envelope_v(self, time_s: Floats, start_v: float) -> Floats:
        """
        Return the amplitude of a tank against time, limited by its cubic core.

        Parameters
        ----------
        time_s : ndarray
            From the start.
        start_v : float
            Amplitude at the start, above 0.

        References
        ----------
        van der Pol oscillator, averaged: a' = rate a (1 - a^2/A^2).
        """
        ratio = (self.amplitude_v / start_v) ** 2 - 1.0
        grown = np.exp(-2.0 * self.rate_per_s * np.asarray(time_s))
        return np.asarray(self.amplitude_v / np.sqrt(1.0 + ratio * grown))

    def time_s(self, start_v: float, reached: float = REACHED) -> float:
        """
        Return how long a tank takes to a share of its amplitude, the inverse of ``envelope_v``.

        Parameters
        ----------
        start_v : float
            Amplitude at the start, above 0.
        reached : float
            Share, between start_v / amplitude and 1.

        Raises
        ------
        SpecError
            It does not start, or the share is not between.
        """
        if self.rate_per_s <= 0:
            raise SpecError(
                f"loop gain {self.loop_gain:.3g}: needed is above 1, or the oscillation dies; "
                "raise gain, lower rho, or set damping = 'trimmed'"
            )
        if not 0 < start_v / self.amplitude_v < reached < 1:
            raise SpecError(
                f"from {start_v!r} V to {reached!r} of {self.amplitude_v:g} V: needed is a start "
                "above 0 and below the share, and a share below 1"
            )
        ends = [(1.0 / share**2) - 1.0 for share in (start_v / self.amplitude_v, reached)]
        return math.log(ends[0] / ends[1]) / (2.0 * self.rate_per_s)


def startup(circuit: CircuitLike, *, coupled: bool = True) -> Startup:
    """
    Return how an oscillator starts, by closed form.

    Tanks: the core's g1 against loss and couplings, ``rate = (g1 - 1/R - sum G/2)/C``: with both
    sides' C as C/2 that is (g - 1/R)/(2 C/2). Rings: stages of transconductance gm and latches of
    r gm on C give ``rate = (gm (cos(pi/N) + r) - sum G)/C`` in antiphase, and in phase, which must
    not win, r with the other sign. One chain alone has r = 0, and cos(3 pi/N) for what must not
    win.

    Parameters
    ----------
    circuit : CircuitLike
        Settings.
    coupled : bool
        Whether all neighbours of the most loaded oscillator are still silent, and its couplings a
        load of ``rho``; False: an oscillator on its own.

    Raises
    ------
    SpecError
        Settings out of range.
    """
    settings = settings_of(circuit)
    check_circuit(settings)
    if settings.kind == "ring":
        return _ring(settings, coupled)
    require_behavioural(settings, "start-up is told of")
    tank = design_tank(
        settings.f0_hz, settings.q, settings.amplitude_v, settings.capacitance_f,
        gain=settings.gain,
    )  # fmt: skip
    loss_s = 1.0 / tank.parallel_ohm
    load_s = settings.rho * loss_s * branch_of(settings, 1.0).damping if coupled else 0.0
    core_s = tank.g1_s + (0.0 if settings.damping == "none" else load_s)
    rate = (core_s - loss_s - load_s) / tank.capacitance_f
    return Startup(
        loop_gain=core_s / (loss_s + load_s),
        rate_per_s=rate,
        frequency_hz=math.sqrt((TAU * tank.resonance_hz) ** 2 - rate**2) / TAU,
        rival_rate_per_s=0.0,
        amplitude_v=tank.amplitude_v,
    )


def _ring(circuit: Circuit, coupled: bool) -> Startup:
    stage_s, load_f = ring.transconductance_s(circuit), circuit.ring_load_f
    omega = TAU * ring.nominal_hz(circuit)
    load_s = circuit.rho * omega * load_f * branch_of(circuit, 1.0).damping if coupled else 0.0
    edge = math.pi / circuit.ring_stages
    alone = ring.single_ended(circuit)
    given_s = stage_s * (math.cos(edge) + (0.0 if alone else circuit.ring_latch))
    rival_s = stage_s * (math.cos(3.0 * edge) if alone else math.cos(edge) - circuit.ring_latch)
    return Startup(
        loop_gain=given_s / load_s if load_s else math.inf,
        rate_per_s=(given_s - load_s) / load_f,
        frequency_hz=stage_s * math.sin(edge) / load_f / TAU,
        rival_rate_per_s=(rival_s - load_s) / load_f,
        amplitude_v=circuit.ring_vdd_v * math.cos(0.5 * ring.tap_rad(circuit)),
    )


def gain_to_start(circuit: CircuitLike, cycles: float, start_v: float) -> float:
    """
    Return the gain with which an uncoupled tank reaches 0.9 of its amplitude in so many periods.

    The inverse of `Startup.time_s`: ``gain = 1 + Q ln(...)/(2 pi cycles)``.

    Parameters
    ----------
    circuit : CircuitLike
        Settings of tanks; ``gain`` is not used.
    cycles : float
        Nominal periods, above 0.
    start_v : float
        Amplitude at the start, V, above 0.

    Raises
    ------
    SpecError
        Not tanks, or a value is out of range.
    """
    settings = settings_of(circuit)
    _require_tank(settings)
    if not (math.isfinite(cycles) and cycles > 0):
        raise SpecError(f"cycles = {cycles!r}: needed is a number above 0 periods")
    one = startup(replace(settings, gain=2.0), coupled=False)
    # at gain 2 the excess is 1; the shift of the frequency by the gain is of second order
    return 1.0 + one.time_s(start_v) * settings.f0_hz / cycles


def thermal_start_v(
    circuit: CircuitLike, *, temperature_k: float = 300.0, noise_factor: float = 1.0
) -> float:
    """
    Return the rms amplitude from which an uncoupled tank seems to have started in thermal noise.

    The noise that comes in while the oscillation grows counts less and less, and in the end it is
    as if it had started at once with ``sqrt(4 k T F / (C (gain - 1)))``. The amplitude is
    Rayleigh distributed: ln of its square is on average Euler's 0.577 below that of its mean
    square, with a deviation of pi/sqrt(6).

    Parameters
    ----------
    circuit : CircuitLike
        Settings of tanks.
    temperature_k : float
        Temperature, above 0.
    noise_factor : float
        Noise over that of the loss resistor alone, at least 1.

    Raises
    ------
    SpecError
        Not tanks, or a value is out of range.
    """
    settings = settings_of(circuit)
    _require_tank(settings)
    if not (temperature_k > 0 and noise_factor >= 1):
        raise SpecError(
            f"temperature_k = {temperature_k!r}, noise_factor = {noise_factor!r}: needed are a "
            "temperature above 0 K and a factor of at least 1"
        )
    energy_j = 4.0 * BOLTZMANN_J_PER_K * temperature_k * noise_factor
    return math.sqrt(energy_j / (settings.capacitance_f * (settings.gain - 1.0)))


def from_noise(circuit: CircuitLike, copies: int, *, temperature_k: float = 300.0) -> Netlist:
    """
    Return uncoupled tanks without charge, the thermal noise of each one's loss its only start.

    Parameters
    ----------
    circuit : CircuitLike
        Settings of tanks.
    copies : int
        Tanks; ngspice draws another noise for each, and others in each run.
    temperature_k : float
        Temperature, above 0.
    """
    settings = settings_of(circuit)
    _require_tank(settings)
    netlist = quiet(
        create(np.zeros((copies, copies)), settings, start_phases=np.zeros(copies)), 0.0
    )
    tank = design_tank(
        settings.f0_hz, settings.q, settings.amplitude_v, settings.capacitance_f,
        gain=settings.gain,
    )  # fmt: skip
    step_s = 1.0 / (NOISE_SAMPLES * settings.f0_hz)
    # samples joined by lines pass sinc(f step)^4 of their power
    passed = float(np.sinc(1.0 / NOISE_SAMPLES)) ** 2
    density = math.sqrt(2.0 * BOLTZMANN_J_PER_K * temperature_k / tank.parallel_ohm)
    rms_a = density / (math.sqrt(step_s) * passed)
    lines = [
        f"Inoise{i} p{i} n{i} dc 0 trnoise({digits(rms_a)!r} {digits(step_s)!r} 0 0)"
        for i in range(copies)
    ]
    text = netlist.text.replace("\n.options", "\n" + "\n".join(lines) + "\n.options", 1)
    return replace(netlist, text=text)


def quiet(netlist: Netlist, share: float, *, noise_v: float = 0.0, seed: int = 0) -> Netlist:
    """
    Return a netlist whose oscillators start small.

    Parameters
    ----------
    netlist : Netlist
        As made by `create`.
    share : float
        Share of the usual deviation from rest that every capacitor and inductor starts with.
    noise_v : float
        Rms of a random voltage on top of it at each capacitor.
    seed : int
        Of these.
    """
    middle_v = rest_v = 0.0
    if netlist.kind == "ring":
        middle_v, rest_v = 0.5 * netlist.circuit.ring_vdd_v, ring.threshold_v(netlist.circuit)
    rng = np.random.default_rng(seed)

    def smaller(match: re.Match[str]) -> str:
        value = share * float(match[3])
        if match[1] == "C":
            value = rest_v + share * (float(match[3]) - middle_v) + noise_v * float(rng.normal())
        return f"{match[1]}{match[2]}ic={digits(value)!r}"

    text = re.sub(r"^([CL])(.* )ic=(\S+)$", smaller, netlist.text, flags=re.MULTILINE)
    return replace(netlist, text=text)


def grown_v(netlist: Netlist, *, timeout_s: float = 600.0) -> tuple[Floats, Floats]:
    """
    Run a netlist and return times and the amplitude of each oscillator against them.

    Tanks: from voltage and inductor current. Rings: from all stages, which are evenly apart in
    phase, sqrt(2/N) of the root of their squares; of one chain from their distance to the
    threshold.

    Parameters
    ----------
    netlist : Netlist
        As made by `create`, `quiet` or `from_noise`.
    timeout_s : float
        Wall-clock limit.

    Returns
    -------
    tuple of ndarray, shapes (T,) and (T, N)
        Seconds; volts, peak between the sides.
    """
    waves = simulate(
        netlist.text, stop_s=netlist.stop_s, vectors=len(netlist.saved), timeout_s=timeout_s,
        expected_points=netlist.circuit.cycles * netlist.circuit.points_per_cycle,
    )  # fmt: skip
    n = netlist.n
    if netlist.kind == "lc":
        sides = (waves.select([f"v({s}{i})" for i in range(n)]) for s in "pn")
        current_a = waves.select([f"i(lt{i})" for i in range(n)])
        reactance = TAU * netlist.circuit.f0_hz * netlist.parts.values["inductance_h"]
        return waves.time_s, np.hypot(np.subtract(*sides), reactance * current_a)
    stages = netlist.circuit.ring_stages
    chains_v = [
        waves.select([f"v({s}{i}_{k})" for i in range(n) for k in range(stages)])
        for s in ring.chains_of(netlist.circuit)
    ]
    if len(chains_v) == 2:
        apart_v = chains_v[0] - chains_v[1]
    else:
        taps = 2.0 * math.cos(0.5 * ring.tap_rad(netlist.circuit))
        apart_v = taps * (chains_v[0] - ring.threshold_v(netlist.circuit))
    squared = (apart_v**2).reshape(-1, n, stages).sum(axis=2)
    return waves.time_s, np.sqrt(2.0 / stages * squared)


def _require_tank(circuit: Circuit) -> None:
    check_circuit(circuit)
    if circuit.kind != "lc":
        raise SpecError(
            f"circuit.kind = {circuit.kind!r}: start-up from thermal noise is of tanks, needed is "
            "'lc'; of rings there is the growth rate, startup(circuit)"
        )
    require_behavioural(circuit, "start-up is told of")
