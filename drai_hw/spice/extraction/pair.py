"""The phase map by a pair transient: two coupled oscillators relax, and their phases tell H."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np
from scipy.integrate import cumulative_trapezoid

from drai_hw.errors import ConvergenceError
from drai_hw.spice.engine import Progress
from drai_hw.spice.extraction.phase_response import waves_of
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.readout import phases
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.simulate import create
from drai_hw.units import TAU

START_RAD = 2.8
END_RAD = 0.05
SKIP_CYCLES = 12
LEAST_CYCLES = 5
"""Periods of relaxing that a fit needs."""
MAX_CYCLES = 4000
SINES, COSINES = 3, 3
NO_INJECTION = "a pair transient has no injection"


@dataclass(frozen=True)
class Pair:
    """
    Hold a pair transient and what follows of it.

    Parameters
    ----------
    conductance_s : float
        Of each of the two resistors.
    time_s, psi_rad, mean_rad : ndarray, shape (T,)
        One sample a period: phase difference, and mean phase in the free-running frame.
    map : PhaseMap
        Fitted.
    residual_rad : float
        Rms of the fit to the phase difference.
    """

    conductance_s: float
    time_s: Floats
    psi_rad: Floats
    mean_rad: Floats
    map: PhaseMap
    residual_rad: float

    def judge(self, other: PhaseMap) -> Judged:
        """
        Compare the transient with what another phase map says of it.

        ``psi(t) - psi(0)`` is regressed, through 0, on the integral of -2 G times the other map's
        odd part along the measured psi; the mean phase is compared with the integral of its even
        part.
        """
        g = self.conductance_s
        pulls = -2.0 * g * other.odd_per_siemens(self.psi_rad)
        predicted = cumulative_trapezoid(pulls, self.time_s, initial=0.0)
        measured = self.psi_rad - self.psi_rad[0]
        slope = float(predicted @ measured / (predicted @ predicted))
        drift = cumulative_trapezoid(
            g * other.even_per_siemens(self.psi_rad), self.time_s, initial=0.0
        )
        moved = self.mean_rad - self.mean_rad[0]
        return Judged(
            slope=slope,
            correlation=float(np.corrcoef(predicted, measured)[0, 1]),
            psi_rms_rad=float(np.sqrt(np.mean((measured - predicted) ** 2))),
            mean_moved_rad=float(moved[-1]),
            mean_predicted_rad=float(drift[-1]),
        )


@dataclass(frozen=True)
class Judged:
    """
    Hold how well a phase map predicts a pair transient.

    Parameters
    ----------
    slope, correlation : float
        Of the measured phase difference against the predicted one; 1 is perfect.
    psi_rms_rad : float
        Rms difference of the two.
    mean_moved_rad, mean_predicted_rad : float
        How far the mean phase went in the free-running frame, and how far it was predicted to.
    list_error : float or None
        Largest difference of a coefficient of H, b_0 left out, from the predicted one, in units of
        the list; of several pairs only.
    """

    slope: float
    correlation: float
    psi_rms_rad: float
    mean_moved_rad: float
    mean_predicted_rad: float
    list_error: float | None = None


def pair_transient(
    circuit: Circuit,
    guess: PhaseMap,
    *,
    sign: int = 1,
    timeout_s: float = 600.0,
    progress: Progress | None = None,
) -> Pair:
    """
    Let two equal oscillators pull each other from 2.8 rad to 0.05 rad, and fit H.

    Where the weight is negative psi is counted from antiphase, as crossed branches pull there.

    Parameters
    ----------
    circuit : Circuit
        Settings; ``rho`` is the strength of the pair, cycles are chosen here.
    guess : PhaseMap
        Tells how long that takes.
    sign : int
        Of the weight, 1 or -1.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    ConvergenceError
        An oscillator stopped, the pair did not relax, or ngspice found no solution.
    """
    # the third is on its own and keeps the time: same steps, same tolerances
    weights = sign * np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]])
    conductance_s = abs(float(create(weights, circuit, start_phases=[0, 0, 0]).parts.pull_s[0, 1]))
    locked_rad = 0.0 if sign > 0 else math.pi
    f_hz = guess.frequency_hz
    rate_hz = conductance_s * guess.sine[0]
    relaxing_s = math.log(math.tan(START_RAD / 2) / math.tan(END_RAD / 2)) / (2.0 * rate_hz)
    cycles = SKIP_CYCLES + math.ceil(1.1 * relaxing_s * f_hz)
    if cycles > MAX_CYCLES:
        raise ConvergenceError(
            f"a pair at rho {circuit.rho:g} needs {cycles} periods to relax: at most {MAX_CYCLES} "
            "are simulated; raise rho"
        )
    netlist = create(
        weights, replace(circuit, cycles=cycles), start_phases=[0.0, locked_rad + START_RAD, 0.0],
        name="pair",
    )  # fmt: skip
    waves, p_v, n_v = waves_of(netlist, (), timeout_s, progress)
    signals = p_v - n_v
    time_s, table = phases(waves.time_s, signals, f_hz)
    psi, mean = table[:, 1] - table[:, 0] - locked_rad, table[:, :2].mean(axis=1) - table[:, 2]
    # START_RAD is of the first stage's voltages; a ring turns it a little until its swing is full
    psi = psi - TAU * np.round(psi[0] / TAU)
    keep = slice(SKIP_CYCLES, None)
    used = np.abs(psi[keep]) > END_RAD
    if used.all():
        raise ConvergenceError(
            f"the pair went from {psi[SKIP_CYCLES]:.3g} rad to {psi[-1]:.3g} rad in {cycles} "
            f"periods: needed is less than {END_RAD} rad; it does not lock in phase"
        )
    end = int(np.flatnonzero(used)[-1]) + 1 if used.any() else 0
    if end < LEAST_CYCLES:
        most = circuit.rho * relaxing_s * f_hz / (SKIP_CYCLES + LEAST_CYCLES + 1)
        raise ConvergenceError(
            f"a pair at rho {circuit.rho:g} locks within the {SKIP_CYCLES} periods that "
            f"oscillators take to settle: needed is weaker coupling, rho below {most:.2g}"
        )
    f_hz += (table[-1, 2] - table[0, 2]) / (TAU * (time_s[-1] - time_s[0]))
    time_s, psi, mean = (values[keep][:end] for values in (time_s, psi, mean))
    return _fit(conductance_s, f_hz, time_s, psi, mean)


def odd_part(time_s: Floats, psi_rad: Floats, scale: float = 1.0) -> tuple[Floats, float]:
    """
    Fit how a phase difference moved with integrals of ``-2 scale sin(k psi)`` along itself.

    Parameters
    ----------
    time_s, psi_rad : ndarray, shape (T,)
        The phase difference.
    scale : float
        What the factors are counted in: a conductance, or 1.

    Returns
    -------
    ndarray, shape (SINES,)
        Factor of each k from 1.
    float
        Rms of what is left, rad.
    """
    rates = [-2.0 * scale * np.sin(k * psi_rad) for k in range(1, SINES + 1)]
    return _fitted(time_s, rates, psi_rad - psi_rad[0])


def _fitted(time_s: Floats, rates: list[Floats], moved: Floats) -> tuple[Floats, float]:
    """Return factors of the rates whose integral is what was moved, and the rms of the rest."""
    table = np.column_stack([cumulative_trapezoid(r, time_s, initial=0.0) for r in rates])
    factors, *_ = np.linalg.lstsq(table, moved, rcond=None)
    return factors, float(np.sqrt(np.mean((table @ factors - moved) ** 2)))


def _fit(conductance_s: float, f_hz: float, time_s: Floats, psi: Floats, mean: Floats) -> Pair:
    g = conductance_s
    sine, residual = odd_part(time_s, psi, g)
    rates = [g * np.cos(k * psi) for k in range(COSINES + 1)]
    cosine, _ = _fitted(time_s, rates, mean - mean[0])
    found = PhaseMap(
        way="pair transient",
        frequency_hz=f_hz,
        amplitude_v=None,
        sine=tuple(float(a) for a in sine),
        cosine=tuple(float(b) for b in cosine),
        missing={"amplitude_v": "a pair shows coupled amplitudes", "k_s": NO_INJECTION},
    )
    return Pair(g, time_s, psi, mean, found, residual)
