"""Injection at twice the frequency: skewed rings lock to it in two phases half a turn apart."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy.integrate import cumulative_trapezoid

from drai_hw.errors import SpecError
from drai_hw.spice.engine import Progress
from drai_hw.spice.extraction.phase_response import SETTLE_CYCLES, waves_of
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.pyspice import digits
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats, check_vector
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

LEAST_SHARE = 0.01
"""K_s per ampere over w per siemens and volt of the fundamental; balanced oscillators have less."""


@dataclass(frozen=True)
class Injected:
    """
    Hold oscillators on their own under a current at about twice their frequency.

    Parameters
    ----------
    k_s_rad_per_s : float
        Predicted.
    time_s : ndarray, shape (T,)
        One sample a period.
    phases_rad : ndarray, shape (T, N)
        Each in the frame of half the frequency that is injected into it.
    offset_rad_per_s : ndarray, shape (N,)
        Half the injected frequency less that of an oscillator on its own.
    """

    k_s_rad_per_s: float
    time_s: Floats
    phases_rad: Floats
    offset_rad_per_s: Floats

    def fitted(self) -> tuple[float, float]:
        """
        Return K_s and the phase that it pulls to, between 0 and pi, as the movements show them.

        All movements are regressed on the integrals of a constant, sin 2 phi and cos 2 phi along
        them, less the offsets.
        """
        moved = self.phases_rad - self.phases_rad[0]
        moved = moved + self.offset_rad_per_s * (self.time_s - self.time_s[0])[:, None]
        rates = [np.ones_like(moved), np.sin(2 * self.phases_rad), np.cos(2 * self.phases_rad)]
        table = np.column_stack(
            [cumulative_trapezoid(r, self.time_s, axis=0, initial=0.0).ravel() for r in rates]
        )
        (_, sine, cosine), *_ = np.linalg.lstsq(table, moved.ravel(), rcond=None)
        # -K sin(2 phi - 2 phi_0) = -K cos(2 phi_0) sin 2 phi + K sin(2 phi_0) cos 2 phi
        return math.hypot(sine, cosine), float(0.5 * math.atan2(cosine, -sine) % math.pi)

    def slips_rad_per_s(self) -> Floats:
        """
        Return how fast each phase turns, over its whole half turns in the second half of the run.

        0 where there is none: it locks, or slips too slowly to be seen.
        """
        half = len(self.time_s) // 2
        time_s, moved = self.time_s[half:], self.phases_rad[half:] - self.phases_rad[half]
        found = np.zeros(moved.shape[1])
        for i, phi in enumerate(moved.T):
            turns = int(abs(phi[-1]) / math.pi)
            if turns:
                travelled = np.maximum.accumulate(np.sign(phi[-1]) * phi)
                at_s = np.interp(turns * math.pi, travelled, time_s)
                found[i] = np.sign(phi[-1]) * turns * math.pi / (at_s - time_s[0])
        return found


def beat_rad_per_s(offset_rad_per_s: ArrayLike, k_s_rad_per_s: float) -> Floats:
    """
    Return how fast a phase turns in the frame of half the injected frequency.

    Parameters
    ----------
    offset_rad_per_s : array_like
        Half the injected frequency less the free-running one.
    k_s_rad_per_s : float
        K_s: half of the locking range. Within it the phase stands.

    References
    ----------
    R. Adler, Proc. IRE 34 (1946) 351, for sin 2 phi.
    """
    offset = np.asarray(offset_rad_per_s, dtype=np.float64)
    beyond = np.maximum(offset**2 - k_s_rad_per_s**2, 0.0)
    return np.asarray(-np.sign(offset) * np.sqrt(beyond))


def current_for(found: PhaseMap, k_s_rad_per_s: float) -> float:
    """
    Return the peak current into both sides that gives K_s, the inverse of ``K_s = s I``.

    Parameters
    ----------
    found : PhaseMap
        By phase response.
    k_s_rad_per_s : float
        Wanted, above 0: half of the locking range, and half the rate of settling.

    Raises
    ------
    SpecError
        The oscillator has no second harmonic to speak of, or K_s is not above 0.
    """
    if not (math.isfinite(k_s_rad_per_s) and k_s_rad_per_s > 0):
        raise SpecError(f"K_s = {k_s_rad_per_s!r}: needed is a number above 0 rad/s")
    return k_s_rad_per_s / _per_ampere(found)


def _per_ampere(found: PhaseMap) -> float:
    per_ampere, swing_v = found.shil_per_ampere, found.amplitude_v
    if per_ampere is None or swing_v is None:
        raise SpecError(
            f"a phase map by {found.way} has no response to a current: give one by phase response"
        )
    if per_ampere * swing_v < LEAST_SHARE * found.first_per_siemens:
        raise SpecError(
            f"K_s = {per_ampere:.3g} rad/s per A: a balanced oscillator does not lock to a current "
            "at twice its frequency; needed is a skewed ring, circuit.ring_skew of 0.6 for "
            "instance, or a pumped conductance"
        )
    return per_ampere


def inject(
    circuit: Circuit,
    found: PhaseMap,
    current_a: float,
    start_phases: ArrayLike,
    *,
    offsets: ArrayLike | None = None,
    cycles: int = 150,
    timeout_s: float = 1800.0,
    progress: Progress | None = None,
) -> Injected:
    """
    Run uncoupled oscillators with a current at about twice their frequency into both sides.

    Parameters
    ----------
    circuit : Circuit
        Settings; as many points a period as the map was extracted with.
    found : PhaseMap
        By phase response: frequency and K_s per ampere.
    current_a : float
        Peak of the current into each side.
    start_phases : array_like, shape (N,)
        Start phases.
    offsets : array_like, shape (N,), optional
        Half of each injected frequency less the free-running one, in units of K_s.
    cycles : int
        Length of the run.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    SpecError
        No second harmonic, or an argument out of range.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    k_s = current_a * _per_ampere(found)
    start = np.append(np.asarray(start_phases, dtype=np.float64), 0.0)
    n = start.size - 1
    shift = np.zeros(n) if offsets is None else check_vector(offsets, n, "offsets", "K_s")
    netlist = create(
        np.zeros((n + 1, n + 1)), replace(circuit, cycles=cycles), start_phases=start, name="shil"
    )  # the last one is on its own and keeps the time
    offset = shift * k_s
    lines = []
    for i in range(n):
        twice_hz = 2.0 * (found.frequency_hz + offset[i] / TAU)
        for side, node in zip("pn", netlist.pairs[i], strict=True):
            wave = f"sin(0 {digits(current_a)!r} {digits(twice_hz)!r})"
            lines.append(f"Ishil{i}{side} 0 {node} dc 0 {wave}")
    waves, p_v, n_v = waves_of(netlist, lines, timeout_s, progress)
    time_s, table = phases(waves.time_s, p_v - n_v, found.frequency_hz)
    keep = slice(SETTLE_CYCLES[circuit.kind], None)
    time_s, table = time_s[keep], table[keep]
    drift = (table[-1, -1] - table[0, -1]) / (time_s[-1] - time_s[0])
    # the current stands still in the frame of its own half frequency, from time 0 on
    turned = table[:, :-1] - np.outer(time_s, offset)
    return Injected(k_s, time_s, turned, offset - drift)
