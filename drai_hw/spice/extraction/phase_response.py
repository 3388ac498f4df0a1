"""The phase map by phase response: charge kicks in one transient of many uncoupled copies."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from drai_hw.errors import ConvergenceError
from drai_hw.spice.branch import Branch
from drai_hw.spice.engine import Progress, Waves, simulate
from drai_hw.spice.extraction.phasemap import HARMONICS, PhaseMap, harmonics
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.pyspice import digits
from drai_hw.spice.readout import rising_crossings_s
from drai_hw.spice.ring import chains_of, tap_rad
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create, free_running_hz
from drai_hw.units import TAU, wrap_rad

KICKS = 16
KICK_RAD = 0.015
SETTLE_CYCLES = {"lc": 20, "ring": 8}
WAIT_CYCLES = {"lc": 30, "ring": 10}
WATCH_CYCLES = 8
WIDTH_CYCLES = 1.0 / 20.0
"""A kick is a Gaussian exp(-(t/width)^2): smooth, so a fixed step integrates its charge exactly."""
TOLERANCES = {
    "lc": "reltol=1e-8 vntol=1e-10 abstol=1e-16",
    "ring": "reltol=1e-6 vntol=1e-8 trtol=1e6",
}
"""At a tank's usual 1e-6 Newton's iteration ends early, which adds 0.4 % to a kick of 0.015 rad.
A ring's steps are of one length here: its charge comes at the times that the kick was made for.
"""


@dataclass(frozen=True)
class Response:
    """
    Hold the phase response of one node and the waveform there.

    Parameters
    ----------
    theta_rad : ndarray, shape (K,)
        Phase at the middle of each kick.
    response : ndarray, shape (K,)
        Phase shift per charge, rad/C, with the kick's width taken off.
    response_c, wave_c : ndarray of complex
        Fourier coefficients of response (rad/C) and of the node's voltage (V), from 0 up.
    frequency_hz : float
        Measured in this run.
    asymmetry : float
        Largest mean of the shifts by a positive and a negative kick, over the largest shift: what
        is not linear.
    map : PhaseMap
        What follows of it.
    """

    theta_rad: Floats
    response: Floats
    response_c: Floats
    wave_c: Floats
    frequency_hz: float
    asymmetry: float
    map: PhaseMap


def kick_charge_c(circuit: Circuit) -> float:
    """Return the charge that moves a phase by about ``KICK_RAD`` when it moves it most."""
    if circuit.kind == "lc":
        return KICK_RAD * circuit.capacitance_f * circuit.amplitude_v
    # a stage is kicked by a share of C VDD, of which only the edges of its swing feel much
    chains = len(chains_of(circuit))
    return chains * KICK_RAD * circuit.ring_load_f * circuit.ring_vdd_v


def only_pairs(netlist: Netlist, extra: Sequence[str]) -> str:
    """Return the netlist with more elements, saving the read-out nodes only."""
    saved = [f"v({node})" for pair in netlist.pairs for node in pair]
    lines = [".save " + " ".join(saved[k : k + 8]) for k in range(0, len(saved), 8)]
    text = re.sub(r"^\.save .*\n", "", netlist.text, flags=re.MULTILINE)
    text = re.sub(r" reltol=\S+", f" {TOLERANCES[netlist.kind]}", text, count=1)
    return text.replace("\n.options", "\n" + "\n".join([*extra, *lines]) + "\n.options", 1)


def waves_of(
    netlist: Netlist, extra: Sequence[str], timeout_s: float, progress: Progress | None
) -> tuple[Waves, Floats, Floats]:
    """Run a netlist with more elements; return waves and the voltages of sides p and n."""
    circuit = netlist.circuit
    waves = simulate(
        only_pairs(netlist, extra),
        stop_s=netlist.stop_s,
        expected_points=circuit.cycles * circuit.points_per_cycle,
        vectors=2 * netlist.n,
        name=netlist.name,
        timeout_s=timeout_s,
        progress=progress,
    )
    p_v = waves.select([f"v({p})" for p, _ in netlist.pairs])
    n_v = waves.select([f"v({m})" for _, m in netlist.pairs])
    return waves, p_v, n_v


def phase_response(
    circuit: Circuit, *, timeout_s: float = 600.0, progress: Progress | None = None
) -> Response:
    """
    Kick copies of an oscillator at 16 phases with charge of either sign; read their phase shifts.

    All copies are in one netlist and share every time step, so the solver's own shift of the
    frequency is the same in all and drops out. The charge goes into side p alone; side n has the
    same wave and response half a turn (and `tap_rad`) later, so
    ``H/G = 2 <Z(theta) (p(theta + psi) - p(theta))>``; with a capacitor in the branch each
    harmonic of the wave passes with the admittance at its frequency.

    Parameters
    ----------
    circuit : Circuit
        Settings; cycles are chosen here.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    ConvergenceError
        It does not oscillate, or ngspice found no solution.

    References
    ----------
    A. Hajimiri and T. H. Lee, IEEE J. Solid-State Circuits 33 (1998) 179, for the response to
    charge; Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), for the averaging.
    """
    settle = SETTLE_CYCLES[circuit.kind]
    circuit = replace(circuit, cycles=settle + 1 + WAIT_CYCLES[circuit.kind] + WATCH_CYCLES)
    f_hz = free_running_hz(circuit, timeout_s=timeout_s)
    copies = 2 * KICKS + 1
    netlist = create(
        np.zeros((copies, copies)), circuit, start_phases=np.zeros(copies), name="kicks"
    )
    charge_c, width_s = kick_charge_c(circuit), WIDTH_CYCLES / f_hz
    at_s = (settle + np.arange(KICKS) / KICKS) / f_hz
    peak_a = charge_c / (width_s * math.sqrt(math.pi))
    lines = []
    for k in range(KICKS):
        x = f"((time-{digits(at_s[k])!r})/{digits(width_s)!r})"
        for copy, sign in ((2 * k + 1, ""), (2 * k + 2, "-")):
            node = netlist.pairs[copy][0]
            lines.append(f"Bkick{copy} 0 {node} i={sign}{digits(peak_a)!r}*exp(0-{x}*{x})")
    waves, p_v, n_v = waves_of(netlist, lines, timeout_s, progress)
    return _evaluate(
        waves.time_s, p_v, p_v - n_v, at_s, charge_c, width_s, f_hz, netlist.parts.branch,
        math.pi + tap_rad(circuit),
    )  # fmt: skip


def _evaluate(
    time_s: Floats, p_v: Floats, signals: Floats, at_s: Floats, charge_c: float, width_s: float,
    f_hz: float, branch: Branch, follows_rad: float,
) -> Response:  # fmt: skip
    crossings_s = rising_crossings_s(time_s, signals[:, 0])
    if crossings_s.size < WATCH_CYCLES + 2 or crossings_s[-1] < time_s[-1] - 3.0 / f_hz:
        raise ConvergenceError("the free-running oscillator does not oscillate: raise gain or q")
    last_s, period_s = crossings_s[-1], np.diff(crossings_s[-WATCH_CYCLES - 1 :]).mean()
    f_hz = float(1.0 / period_s)
    # the same window for all: what it does to one phase it does to each
    angle = TAU * f_hz * (time_s - last_s)
    share = (time_s - (last_s - WATCH_CYCLES * period_s)) / (WATCH_CYCLES * period_s)
    inside = (share >= 0) & (share <= 1)
    window = np.where(inside, np.sin(math.pi * share) ** 2, 0.0)
    turning = signals * (window * np.exp(-1j * angle))[:, None]
    phasors = np.trapezoid(turning, time_s, axis=0)
    amplitude_v = 2.0 * abs(phasors[0]) / float(np.trapezoid(window, time_s))
    shift = wrap_rad(np.angle(phasors[1:] / phasors[0])).reshape(KICKS, 2)
    response = (shift[:, 0] - shift[:, 1]) / (2.0 * charge_c)
    # phase 0 is the crest of the fundamental between the sides, which the last crossing is not
    theta = TAU * f_hz * (at_s - last_s) + np.angle(phasors[0])
    count = KICKS // 2 - 1
    blunted = harmonics(response, theta, count)
    k = np.arange(count + 1)
    response_c = blunted * np.exp((k * TAU * f_hz * width_s) ** 2 / 4.0)
    one = (time_s >= last_s - WATCH_CYCLES * period_s) & (time_s < last_s)
    wave_theta = TAU * f_hz * (time_s[one] - last_s) + np.angle(phasors[0])
    wave_c = harmonics(p_v[one, 0], wave_theta, 4 * count)[: count + 1]
    return Response(
        theta_rad=np.mod(theta, TAU),
        response=response,
        response_c=response_c,
        wave_c=wave_c,
        frequency_hz=f_hz,
        asymmetry=float(np.abs(shift.mean(axis=1)).max() / np.abs(shift).max()),
        map=_map(response_c, wave_c, f_hz, amplitude_v, branch, follows_rad),
    )


def _map(
    response_c: Floats, wave_c: Floats, f_hz: float, amplitude_v: float, branch: Branch,
    follows_rad: float,
) -> PhaseMap:  # fmt: skip
    through = [branch.admittance(k * TAU * f_hz) for k in range(len(wave_c))]
    h = 2.0 * np.conj(response_c) * wave_c * through  # of exp(i k psi), k >= 0
    sine = tuple(-2.0 * float(c.imag) for c in h[1 : HARMONICS + 1])
    cosine = tuple(2.0 * float(c.real) for c in h[1 : HARMONICS + 1])
    later = np.exp(-1j * follows_rad * np.arange(6))  # of side n, by harmonic
    # both sides are driven alike: of mirror images even harmonics add and odd ones cancel
    shil = abs(response_c[2] * (1.0 + later[2]))
    # between the sides p - n is driven by -g (p - n): harmonics of both make the second
    z, v = (c[:6] * (1.0 - later) for c in (response_c, wave_c))
    pumped = sum(z[k] * v[2 - k] for k in range(3))
    pumped += sum(np.conj(z[k]) * v[k + 2] + z[k + 2] * np.conj(v[k]) for k in range(1, 4))
    return PhaseMap(
        way="phase response",
        frequency_hz=f_hz,
        amplitude_v=amplitude_v,
        sine=sine,
        cosine=(-sum(cosine), *cosine),  # nothing flows between equal waves
        shil_per_ampere=float(shil),
        pump_per_siemens=float(abs(pumped)),
    )
