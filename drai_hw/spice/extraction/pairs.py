"""The phase map by several pairs side by side, for couplings that do not lock in phase."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import cumulative_trapezoid

from drai_hw.errors import ConvergenceError
from drai_hw.spice.engine import Progress
from drai_hw.spice.extraction.pair import (
    COSINES,
    MAX_CYCLES,
    NO_INJECTION,
    SINES,
    SKIP_CYCLES,
    Judged,
)
from drai_hw.spice.extraction.phase_response import waves_of
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

PAIRS = 8
MOVED_RAD = 0.5
LEAST_CYCLES = 12


@dataclass(frozen=True)
class Pairs:
    """
    Hold a transient of several pairs and what follows of it.

    Parameters
    ----------
    conductance_s : float
        Size of the admittance of each branch.
    time_s : ndarray, shape (T,)
        One sample a period.
    psi_rad, moved_rad : ndarray, shape (T, 2 P)
        Of each oscillator: how far its partner is ahead, and how far it went itself in the frame
        of one on its own.
    map : PhaseMap
        Fitted.
    residual_rad : float
        Rms of the fit.
    """

    conductance_s: float
    time_s: Floats
    psi_rad: Floats
    moved_rad: Floats
    map: PhaseMap
    residual_rad: float

    def _list_error(self, other: PhaseMap) -> float:
        """Return the largest difference of a coefficient from the other map's."""
        mine, theirs = (
            np.array([*_first(m.sine, SINES), *_first(m.cosine[1:], COSINES)])
            for m in (self.map, other)
        )
        return float(np.abs(mine - theirs).max() / other.unit_per_siemens)

    def judge(self, other: PhaseMap) -> Judged:
        """
        Compare the transient with what another phase map says of it.

        All movements are regressed, through 0, on the integrals of the other map's H along the
        measured phase differences.
        """
        rates = self.conductance_s * other.pull_per_siemens(self.psi_rad)
        predicted = cumulative_trapezoid(rates, self.time_s, axis=0, initial=0.0)
        flat, seen = predicted.ravel(), self.moved_rad.ravel()
        return Judged(
            slope=float(flat @ seen / (flat @ flat)),
            correlation=float(np.corrcoef(flat, seen)[0, 1]),
            psi_rms_rad=float(np.sqrt(np.mean((flat - seen) ** 2))),
            mean_moved_rad=float(self.moved_rad[-1].mean()),
            mean_predicted_rad=float(predicted[-1].mean()),
            list_error=self._list_error(other),
        )


def _first(values: tuple[float, ...], count: int) -> list[float]:
    return [*values[:count], *[0.0] * (count - len(values))]


def pairs_transient(
    circuit: Circuit,
    guess: PhaseMap,
    *,
    sign: int = 1,
    timeout_s: float = 600.0,
    progress: Progress | None = None,
) -> Pairs:
    """
    Let eight pairs, at phase differences spread over half a turn, pull each other, and fit H.

    A pair whose lag is near 90 degrees keeps its phase difference and moves as a whole, so one pair
    shows H at one place only. Each oscillator of a pair shows another: they see opposite
    differences.

    Parameters
    ----------
    circuit : Circuit
        Settings; ``rho`` is the strength of each pair, cycles are chosen here.
    guess : PhaseMap
        Tells how long they need to move by about ``MOVED_RAD``.
    sign : int
        Of the weights; where it is -1 psi is counted from antiphase.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    ConvergenceError
        An oscillator stopped, the coupling is too weak to show, or ngspice found no solution.
    """
    n = 2 * PAIRS + 1  # the last is on its own and keeps the time
    weights, start = np.zeros((n, n)), np.zeros(n)
    locked_rad = 0.0 if sign > 0 else math.pi
    for k in range(PAIRS):
        weights[2 * k, 2 * k + 1] = weights[2 * k + 1, 2 * k] = sign
        start[2 * k + 1] = locked_rad + (k + 0.5) * math.pi / PAIRS
    siemens = abs(float(create(weights, circuit, start_phases=start).parts.pull_s[0, 1]))
    rate_hz = siemens * guess.first_per_siemens / TAU
    watched = math.ceil(MOVED_RAD / TAU * guess.frequency_hz / rate_hz)
    cycles = SKIP_CYCLES + max(watched, LEAST_CYCLES)
    if cycles > MAX_CYCLES:
        raise ConvergenceError(
            f"pairs at rho {circuit.rho:g} need {cycles} periods to move: at most {MAX_CYCLES} are "
            "simulated; raise rho"
        )
    netlist = create(weights, replace(circuit, cycles=cycles), start_phases=start, name="pairs")
    waves, p_v, n_v = waves_of(netlist, (), timeout_s, progress)
    time_s, table = phases(waves.time_s, p_v - n_v, guess.frequency_hz)
    f_hz = guess.frequency_hz + (table[-1, -1] - table[0, -1]) / (TAU * (time_s[-1] - time_s[0]))
    time_s, table = time_s[SKIP_CYCLES:], table[SKIP_CYCLES:]
    own = table[:, :-1] - table[:, -1:]
    partner = own.reshape(len(own), PAIRS, 2)[:, :, ::-1].reshape(len(own), 2 * PAIRS)
    return _fit(siemens, float(f_hz), time_s, partner - own - locked_rad, own - own[0])


def _fit(siemens: float, f_hz: float, time_s: Floats, psi: Floats, moved: Floats) -> Pairs:
    rates = [np.sin(k * psi) for k in range(1, SINES + 1)]
    rates += [np.cos(k * psi) for k in range(COSINES + 1)]
    table = np.column_stack(
        [cumulative_trapezoid(siemens * r, time_s, axis=0, initial=0.0).ravel() for r in rates]
    )
    factors, *_ = np.linalg.lstsq(table, moved.ravel(), rcond=None)
    residual = float(np.sqrt(np.mean((table @ factors - moved.ravel()) ** 2)))
    found = PhaseMap(
        way="pair transient",
        frequency_hz=f_hz,
        amplitude_v=None,
        sine=tuple(float(a) for a in factors[:SINES]),
        cosine=tuple(float(b) for b in factors[SINES:]),
        missing={"amplitude_v": "a pair shows coupled amplitudes", "k_s": NO_INJECTION},
    )
    return Pairs(siemens, time_s, psi, moved, found, residual)
