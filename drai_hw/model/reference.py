"""The float reference model: Kuramoto phases, local learning, in physical units."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model import g as learning_functions
from drai_hw.model.machine import Counters
from drai_hw.model.numbers import EMA_SHIFT
from drai_hw.spec import Spec
from drai_hw.units import TAU, wrap_rad

Coupling = Callable[[NDArray[np.float64]], NDArray[np.float64]]


def _triangle(psi: NDArray[np.float64]) -> NDArray[np.float64]:
    return 2.0 / math.pi * np.arcsin(np.sin(psi))


COUPLINGS: dict[str, Coupling] = {
    "sine": np.sin,
    "triangle": _triangle,
    "square": lambda psi: np.sign(np.sin(psi)),
}


class Reference:
    """Float model of a network.

    Phases move by Euler steps; every right-hand side uses the state at the start of the step.
    With ``h = spec.dynamics.coupling`` and R the largest row sum of |w|::

        phi_i += h * (sum_j w_ij f(phi_j - phi_i) / R + frequency_i - k_s sin 2 phi_i) + noise

    so all rates are in units of ``kappa R``, as in the network file. Weights are real numbers in
    the twin's LSB, limited to its range.

    Parameters
    ----------
    spec : Spec
        The network.
    seed : int, optional
        Seed of the noise; the task's seed by default.

    References
    ----------
    Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), eq. 5.4.1 for the phases;
    the design page of this project for the windowed rule and the margin gate.
    """

    def __init__(self, spec: Spec, seed: int | None = None) -> None:
        self.spec = spec
        n = spec.network.oscillators
        self.w_max = float(2 ** (spec.formats.weight_bits - 1) - 1)
        self.phases_rad = np.zeros(n)
        self.weights = np.full((n, n), float(spec.network.initial_weight))
        np.fill_diagonal(self.weights, 0.0)
        self.held = np.zeros(n, dtype=bool)
        self.active = np.ones(n, dtype=bool)
        self.shil = 0.0
        self.smoothed_rad = np.zeros(n)  # smoothed phase advance a step: the resonance gate's om
        self.counters = Counters()
        self._g = learning_functions.make(spec.learning.g, spec.learning.g_parameters)
        self._f = COUPLINGS[spec.dynamics.coupling_table]
        self._frequencies = np.array(spec.dynamics.frequencies or np.zeros(n))
        self._rng = np.random.default_rng(spec.task.seed if seed is None else seed)

    def row_sum(self) -> float:
        """Return R, the largest row sum of |w|; 1 while there are no weights."""
        return float(np.abs(self.weights).sum(axis=1).max()) or 1.0

    def torque(self) -> NDArray[np.float64]:
        """Return sum_j w_ij f(phi_j - phi_i) for every oscillator."""
        if self._f is np.sin:  # one product with W for sine and cosine each, not N^2 sines
            s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
            return c * (self.weights @ s) - s * (self.weights @ c)
        psi = self.phases_rad[None, :] - self.phases_rad[:, None]
        return np.sum(self.weights * self._f(psi), axis=1)

    def field(self) -> NDArray[np.float64]:
        """Return sum_j w_ij cos(phi_j - phi_i), what holds each oscillator in its place."""
        s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
        return c * (self.weights @ c) + s * (self.weights @ s)

    def energy(self) -> float:
        """Return E = -1/2 sum_ij w_ij cos(phi_i - phi_j), which sine coupling never raises."""
        return -0.5 * float(self.field().sum())

    def run(
        self,
        steps: int,
        *,
        shil: bool = True,
        step_rad: float | None = None,
        trace: list[NDArray[np.float64]] | None = None,
    ) -> None:
        """Advance the phases by ``steps`` steps, the second harmonic ramped from 0.

        Parameters
        ----------
        steps : int
            Number of steps.
        shil : bool
            Apply the ramped second harmonic.
        step_rad : float, optional
            Largest phase advance by coupling in a step, rad; the spec's by default.
        trace : list, optional
            Receives the phases after every step.
        """
        d, k_s = self.spec.dynamics, self.spec.shil
        h = d.coupling if step_rad is None else step_rad
        scale = h / self.row_sum()
        self.shil = 0.0
        for _ in range(steps):
            advance = scale * self.torque() + h * self._frequencies
            if shil:
                advance -= h * self.shil * np.sin(2 * self.phases_rad)
                self.shil = min(self.shil + k_s.strength / k_s.ramp_steps, k_s.strength)
            if d.noise:
                sigma = math.sqrt(2 * d.noise * h)
                advance += sigma * self._rng.standard_normal(advance.size)
            self._advance(advance)
            if trace is not None:
                trace.append(self.phases_rad.copy())

    def _advance(self, advance_rad: NDArray[np.float64]) -> None:
        self.phases_rad = np.mod(self.phases_rad + advance_rad, TAU)
        self.smoothed_rad += (advance_rad - self.smoothed_rad) / 2**EMA_SHIFT

    def present(self, pattern: ArrayLike) -> None:
        """Load a pattern as phases, find which oscillators are held, and learn once.

        The change is the expectation of the twin's stochastic step: ``eta g(psi)`` for each pair
        whose gates are open, saturation, then a share ``decay`` lost. Every pair with open gates
        counts as written: the expectation has no events. The couplings rest meanwhile; each phase
        then moves by its own frequency.
        """
        x = np.asarray(pattern)
        self.phases_rad = np.where(x > 0, 0.0, math.pi)
        rule = self.spec.learning
        self.held = self.field() >= self.spec.margin_lsb
        gate = np.ones_like(self.weights, dtype=bool)
        if "margin" in rule.gates:
            gate = ~(self.held[:, None] & self.held[None, :])
        if "resonance" in rule.gates:
            apart_rad = np.abs(self.smoothed_rad[:, None] - self.smoothed_rad[None, :])
            gate &= apart_rad < rule.theta_r * TAU / 2 ** (self.spec.formats.frequency_bits + 1)
        np.fill_diagonal(gate, False)
        psi = wrap_rad(self.phases_rad[:, None] - self.phases_rad[None, :])
        change = np.where(gate, rule.eta * self._g(psi), 0.0)
        learned = np.clip(self.weights + change, -self.w_max, self.w_max)
        new = learned * (1.0 - rule.decay)
        opened = int(np.count_nonzero(gate)) // 2
        changed = int(np.count_nonzero(new != self.weights)) // 2
        self.counters += Counters(x.size * (x.size - 1) // 2, opened, opened, changed)
        self.weights = new
        self._advance(self.spec.dynamics.coupling * self._frequencies)
