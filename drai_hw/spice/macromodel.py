"""Networks as phase macromodels: an oscillator is a phase, a coupling one element, in ngspice."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.model.coupling import FourierCoupling
from drai_hw.spice.engine import Progress, simulate
from drai_hw.spice.extraction.predict import trajectory
from drai_hw.spice.netlist import header
from drai_hw.spice.pyspice import digits
from drai_hw.spice.settings import Floats, check_vector, check_weights
from drai_hw.units import TAU

LONGEST_STEP = 0.5
"""In units of 1/(kappa R); ngspice's own error control takes shorter ones where phases turn."""
SOLVER_OPTIONS = "method=trap reltol=1e-5 trtol=1"
RATE = "rate_rad_per_s"
"""Parameter of the file: kappa R."""
FLOAT_STEP_RAD = 0.01


@dataclass(frozen=True)
class Macromodel:
    """
    Hold a network of phase macromodels, ready for ``ngspice -b``.

    Parameters
    ----------
    name, text : str
        Design name, netlist.
    weights : ndarray, shape (N, N)
        In units of the largest row sum.
    coupling : FourierCoupling
        H in units of kappa R.
    rate_rad_per_s : float
        kappa R.
    detuning : ndarray, shape (N,)
        In units of kappa R.
    start_phases_rad : ndarray, shape (N,)
        Start phases.
    stop_s : float
        End of the run.
    """

    name: str
    text: str
    weights: Floats
    coupling: FourierCoupling
    rate_rad_per_s: float
    detuning: Floats
    start_phases_rad: Floats
    stop_s: float

    @property
    def n(self) -> int:
        """Return the number of oscillators."""
        return int(self.weights.shape[0])

    @property
    def duration(self) -> float:
        """Return the length of the run in units of 1/(kappa R)."""
        return self.stop_s * self.rate_rad_per_s


@dataclass(frozen=True)
class MacroRun:
    """
    Hold a run of phase macromodels.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        The solver's points.
    phases_rad : ndarray, shape (T, N)
        In the frame of the free-running frequency, unwrapped.
    seconds : float
        Wall-clock time in ngspice.
    """

    time_s: Floats
    phases_rad: Floats
    seconds: float


def create(
    weights: ArrayLike,
    coupling: FourierCoupling,
    *,
    rate_rad_per_s: float,
    duration: float,
    start_phases: ArrayLike | None = None,
    detuning: ArrayLike | None = None,
    seed: int = 0,
    name: str = "network",
    command: str = "drai_hw.spice.macromodel",
    notes: Sequence[str] = (),
) -> Macromodel:
    """
    Write the netlist of a network of phase macromodels.

    The voltage of node ph<i> is the phase in radian, on a capacitor of 1 F: a current of 1 A moves
    it by 1 rad/s. Every directed coupling is one behavioural source between two phases::

        i = sum_k |w_ij| A_k sin(k (phi_j - phi_i) + delta_k [+ k pi if w_ij < 0])

    with ``A_k sin(k psi + delta_k) = a_k sin(k psi) + b_k cos(k psi)``, and a source Iown<i> has
    detuning and load (b_0). The matrix is then that of N phases and no more. Nodes for sines,
    cosines and their sums would make the sources fewer and the run slower: ngspice's pivoting
    leaves a dense block of 2N of them.

    Parameters
    ----------
    weights : array_like, shape (N, N)
        Dimensionless, symmetric, zero diagonal; not all 0.
    coupling : FourierCoupling
        H in units of kappa R, as extracted.
    rate_rad_per_s : float
        kappa R: how fast a full row sum turns a phase, above 0.
    duration : float
        Length of the run in units of 1/(kappa R), above 0.
    start_phases : array_like, shape (N,), optional
        Radian; drawn uniformly from ``seed`` when omitted.
    detuning : array_like, shape (N,), optional
        In units of kappa R.
    seed : int
        Seed of the drawn start phases.
    name, command : str
        For the header.
    notes : sequence of str
        Further lines of the header.

    Raises
    ------
    SpecError
        An argument is out of range.
    """
    matrix = check_weights(weights)
    n = matrix.shape[0]
    if not matrix.any():
        raise SpecError("weights are all 0: a network of phase macromodels needs couplings")
    for what, value, unit in (
        ("rate_rad_per_s", rate_rad_per_s, " rad/s"), ("duration", duration, " / (kappa R)"),
    ):  # fmt: skip
        if not (math.isfinite(value) and value > 0):
            raise SpecError(f"{what} = {value!r}: needed is a number above 0{unit}")
    matrix = matrix / np.abs(matrix).sum(axis=1).max()
    if start_phases is None:
        start = np.array(np.random.default_rng(seed).uniform(0.0, TAU, n))
    else:
        start = check_vector(start_phases, n, "start_phases", "rad")
    offsets = np.zeros(n) if detuning is None else check_vector(detuning, n, "detuning", "kappa R")
    (_, load), *terms = coupling.terms()
    own = offsets + load * np.abs(matrix).sum(axis=1)
    harmonics = [
        (k, math.hypot(a, b), math.atan2(b, a)) for k, (a, b) in enumerate(terms, 1) if a or b
    ]
    lines = [f"{name}: {n} phase macromodels"]
    lines += [f"* {line}" for line in header(name, command, [
        "V(ph<i>) is a phase in rad, 1 F: ampere are rad/s. BEHAVIOURAL throughout: no energies.",
        *notes,
    ])]  # fmt: skip
    lines.append(f".param {RATE}={digits(rate_rad_per_s)!r}")
    for i in range(n):
        lines.append(f"C{i} ph{i} 0 1 ic={digits(start[i])!r}")
        if own[i]:
            lines.append(f"Iown{i} 0 ph{i} {{{RATE}*{digits(own[i])!r}}}")
        for j in np.flatnonzero(matrix[i]):
            size = abs(matrix[i, j])
            turn = 0.0 if matrix[i, j] > 0 else math.pi
            pull = "+".join(
                f"{digits(size * a)!r}*sin({k}*v(ph{j},ph{i})+{digits(delta + k * turn)!r})"
                for k, a, delta in harmonics
            )
            lines.append(f"Bw{i}_{j} 0 ph{i} i={{{RATE}*({pull})}}")
    stop_s, step_s = duration / rate_rad_per_s, LONGEST_STEP / rate_rad_per_s
    # no .save: every node is a phase, and Xyce ends at one; the package is Xyce's as well
    lines += [f".options timeint {SOLVER_OPTIONS}"]
    lines.append(f".tran {step_s:.12g} {stop_s:.12g} 0 {step_s:.12g} uic")
    lines += [f".meas tran phase{i}_rad find v(ph{i}) at={stop_s:.9g}" for i in range(n)]
    lines += [".end", ""]
    return Macromodel(
        name, "\n".join(lines), matrix, coupling, rate_rad_per_s, offsets, start, stop_s
    )


def run(
    model: Macromodel,
    *,
    workdir: Path | None = None,
    timeout_s: float = 3600.0,
    progress: Progress | None = None,
) -> MacroRun:
    """
    Run a network of phase macromodels in ngspice.

    Parameters
    ----------
    model : Macromodel
        As made by `create`.
    workdir : Path, optional
        Folder that keeps the netlist and ngspice's log.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction.

    Raises
    ------
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    waves = simulate(
        model.text, stop_s=model.stop_s, expected_points=int(6 * model.duration) + 20,
        vectors=model.n, workdir=workdir, name=model.name, timeout_s=timeout_s, progress=progress,
    )  # fmt: skip
    phases = waves.select([f"v(ph{i})" for i in range(model.n)])
    return MacroRun(waves.time_s, phases, waves.seconds)


def float_phases(model: Macromodel, time_s: Floats, *, step_rad: float = FLOAT_STEP_RAD) -> Floats:
    """
    Return the phases of the float model with the same H, weights, detuning and start.

    Euler steps of two sizes, extrapolated to none: what is left is of second order in the step.

    Parameters
    ----------
    model : Macromodel
        The network.
    time_s : ndarray, shape (T,)
        Increasing times from the start of the run.
    step_rad : float
        Larger of the two steps: phase advance by a full row sum.
    """
    coarse, fine = (
        trajectory(
            model.coupling, model.weights, model.start_phases_rad, time_s * model.rate_rad_per_s,
            detuning=model.detuning, step_rad=step,
        )
        for step in (step_rad, 0.5 * step_rad)
    )  # fmt: skip
    return 2.0 * fine - coarse
