"""The float reference model: phases that pull on each other, and connections that learn locally."""

from __future__ import annotations

import math
from dataclasses import astuple
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model import edge
from drai_hw.model.coupling import FourierCoupling, coupling_of
from drai_hw.model.gates.base import Observed
from drai_hw.model.machine import Counters
from drai_hw.model.numbers import EMA_SHIFT
from drai_hw.model.plan import window_of
from drai_hw.model.rule import Rule
from drai_hw.spec import Spec
from drai_hw.spec.mask import load_mask
from drai_hw.units import TAU


def weighted(weights: NDArray[Any], values: NDArray[Any]) -> NDArray[Any]:
    """Return sum_j w_ij x_j, for one W shared by all replicas or one W each."""
    if weights.ndim == 2:
        return values @ weights.T
    return np.asarray((weights @ values[..., None])[..., 0])


class Reference:
    """Float model of a network, of one copy or of many replicas at once.

    Phases move by Euler steps; every right-hand side uses the state at the start of the step.
    With ``h = spec.dynamics.coupling``, U the largest row sum of |w| or the margin
    (``spec.dynamics.unit``) and f the coupling function, by name or as a Fourier list
    (`drai_hw.model.coupling`)::

        phi_i += h (sum_j w_ij a_j f(phi_j - phi_i) / U + F_i f(psi_i - phi_i)
                    + frequency_i - k_s sin 2 phi_i) + noise

    so all rates are in units of ``kappa U``, as in the network file. Clamped oscillators keep
    their phase; inactive ones (amplitude 0) feel and exert no coupling. Weights are real numbers
    in the twin's LSB, limited to its range. With ``network.mode = "edge-align"`` a step is one slot
    of `drai_hw.model.edge.align` instead.

    Parameters
    ----------
    spec : Spec
        The network.
    seed : int, optional
        Seed of the noise; the task's seed by default.
    replicas : int, optional
        R copies that run, and learn, side by side: phases of shape (R, N), weights (R, N, N). A
        single W of shape (N, N) may be assigned to share it among replicas that do not learn.
    folder : Path, optional
        Where a relative path of ``network.mask`` starts.

    Attributes
    ----------
    phases_rad : array, shape (N,) or (R, N)
        Phases, rad; arrays of starts may be assigned, shape (any, N), when W is shared.
    weights : array, shape (N, N) or (R, N, N)
        Weights, LSB.
    amplitudes, input_strength, input_phase_rad : array, shape (N,)
        a_j in [-1, 1], F_i in units of kappa U, psi_i in rad.
    clamp : array of bool, shape (N,)
        Oscillators that keep their phase.
    mask : array of bool, shape (N, N), or None
        Links that exist.

    References
    ----------
    Y. Kuramoto, Chemical Oscillations, Waves, and Turbulence (1984), eq. 5.4.1 for the phases;
    the design page of this project for the windowed rule and the margin gate.
    """

    def __init__(
        self,
        spec: Spec,
        seed: int | None = None,
        *,
        replicas: int | None = None,
        folder: Path | None = None,
    ) -> None:
        self.spec = spec
        n = spec.network.oscillators
        copies = () if replicas is None else (replicas,)
        self.mask = load_mask(spec.network.mask, n, seed=spec.task.seed, folder=folder)
        self.rule = Rule(spec, self.mask)
        links = ~np.eye(n, dtype=bool) if self.mask is None else self.mask
        self.phases_rad = np.zeros((*copies, n))
        self.weights = np.zeros((*copies, n, n))
        self.weights[..., links] = spec.network.initial_weight
        self.held = np.zeros((*copies, n), dtype=bool)
        self.amplitudes = np.ones(n)
        self.input_strength = np.zeros(n)
        self.input_phase_rad = np.zeros(n)
        self.clamp = np.zeros(n, dtype=bool)
        self.shil = 0.0
        self.smoothed_rad = np.zeros((*copies, n))  # phase advance a step, of the resonance gate
        self.counters = Counters()
        self._f = coupling_of(spec.dynamics)
        self._frequencies = np.array(spec.dynamics.frequencies or np.zeros(n))
        self._rng = np.random.default_rng(spec.task.seed if seed is None else seed)
        self._edge = edge.EdgeState(0, np.zeros(n, dtype=np.int64))

    # -- what the weights do -----------------------------------------------------------------

    def row_sum(self) -> NDArray[np.float64]:
        """Return R, the largest row sum of |w|, of each W; 1 while there are no weights."""
        largest = np.abs(self.weights).sum(axis=-1).max(axis=-1)
        return np.asarray(np.where(largest > 0, largest, 1.0))

    def unit_lsb(self) -> NDArray[np.float64]:
        """Return U, the field that rates refer to (`dynamics.unit`), of each W."""
        if self.spec.dynamics.unit == "margin":
            return np.minimum(self.spec.margin_lsb, self.row_sum())
        return self.row_sum()

    def _coupled(self, values: NDArray[np.float64], absolute: bool = False) -> NDArray[np.float64]:
        weights = np.abs(self.weights) if absolute else self.weights
        sums = weighted(weights, values * self.amplitudes)
        return np.where(self.amplitudes == 0, 0.0, sums)

    def torque(self) -> NDArray[np.float64]:
        """Return sum_j w_ij a_j f(phi_j - phi_i) for every oscillator."""
        if self._f is np.sin:  # one product with W for sine and cosine each, not N^2 sines
            s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
            return c * self._coupled(s) - s * self._coupled(c)
        if isinstance(self._f, FourierCoupling):
            return self._f.torque(self.phases_rad, self._coupled)
        psi = self.phases_rad[..., None, :] - self.phases_rad[..., :, None]
        sums = np.sum(self.weights * self.amplitudes * self._f(psi), axis=-1)
        return np.where(self.amplitudes == 0, 0.0, sums)

    def field(self) -> NDArray[np.float64]:
        """Return sum_j w_ij a_j cos(phi_j - phi_i), what holds each oscillator in its place."""
        s, c = np.sin(self.phases_rad), np.cos(self.phases_rad)
        return c * self._coupled(c) + s * self._coupled(s)

    def energy(self) -> NDArray[np.float64]:
        """Return E = -1/2 sum_ij w_ij a_i a_j cos(phi_i - phi_j), which sine coupling never raises.

        That needs equal frequencies, no noise, no SHIL, amplitudes of 0 or 1 and steps of less
        than 1 rad by the largest row sum (`dynamics.coupling` in that unit).
        """
        return -0.5 * np.asarray((self.amplitudes * self.field()).sum(axis=-1))

    # -- phases ------------------------------------------------------------------------------

    def run(
        self,
        steps: int,
        *,
        shil: bool = True,
        step_rad: float | None = None,
        trace: list[NDArray[np.float64]] | None = None,
        coupling: float = 1.0,
        resume: bool = False,
    ) -> None:
        """Advance the phases by ``steps`` steps, the second harmonic ramped from 0.

        Parameters
        ----------
        steps : int
            Number of steps.
        shil : bool
            Apply the ramped second harmonic.
        step_rad : float, optional
            Phase advance by a field of U in a step, rad; the spec's by default.
        trace : list, optional
            Receives the phases after every step.
        coupling : float
            Share of the coupling that is in force, 0 to 1; 0 lets inputs and frequencies act alone.
        resume : bool
            Go on with the ramp, and with the slots of a turn, where the last run ended.
        """
        self._check()
        if not resume:
            self.shil = 0.0
            self._edge = edge.EdgeState(0, np.zeros(self.phases_rad.shape, dtype=np.int64))
        if self.spec.network.mode == "edge-align":
            self._run_edges(steps, trace)
            return
        d, k_s = self.spec.dynamics, self.spec.shil
        h = d.coupling if step_rad is None else step_rad
        scale = coupling * h / self.unit_lsb()[..., None]
        driven = bool(self.input_strength.any())
        for _ in range(steps):
            advance = scale * self.torque() if coupling else np.zeros_like(self.phases_rad)
            advance += h * self._frequencies
            if driven:
                pull = self._f(self.input_phase_rad - self.phases_rad)
                advance += h * self.input_strength * pull
            if shil:
                advance -= h * self.shil * np.sin(2 * self.phases_rad)
                self.shil = min(self.shil + k_s.strength / k_s.ramp_steps, k_s.strength)
            if d.noise:
                sigma = math.sqrt(2 * d.noise * h)
                advance += sigma * self._rng.standard_normal(advance.shape)
            self._advance(advance)
            if trace is not None:
                trace.append(self.phases_rad.copy())

    def _advance(self, advance_rad: NDArray[np.float64]) -> None:
        moved = np.where(self.clamp, 0.0, advance_rad)
        self.phases_rad = np.mod(self.phases_rad + moved, TAU)
        if self.smoothed_rad.shape != moved.shape:
            self.smoothed_rad = np.zeros_like(moved)
        self.smoothed_rad += (moved - self.smoothed_rad) / 2**EMA_SHIFT

    def _run_edges(self, steps: int, trace: list[NDArray[np.float64]] | None) -> None:
        bits = self.spec.formats.phase_bits
        free = ~self.clamp & (self.amplitudes != 0)
        lsb_rad = TAU / 2**bits
        for _ in range(steps):
            # An aligned phase lies on the grid only to rounding; it must not fall below its slot.
            slots = np.floor(np.mod(self.phases_rad, TAU) / lsb_rad + 1e-9)
            top = slots.astype(np.int64) % 2**bits
            wave = edge.square_wave(top, self._edge.slot, bits)
            moved, self._edge = edge.align(
                top, self._coupled(wave.astype(float)), self._edge, bits, free
            )
            self.phases_rad = np.where(moved != top, moved * lsb_rad, self.phases_rad)
            if trace is not None:
                trace.append(self.phases_rad.copy())

    def _check(self) -> None:
        n = self.spec.network.oscillators
        if self.phases_rad.shape[-1:] != (n,) or self.weights.shape[-2:] != (n, n):
            raise SpecError(
                f"phases of shape {self.phases_rad.shape} with weights of shape "
                f"{self.weights.shape}: this network needs (..., {n}) and (..., {n}, {n})"
            )
        if self.weights.ndim > 2 and self.weights.shape[:-2] != self.phases_rad.shape[:-1]:
            raise SpecError(
                f"phases of shape {self.phases_rad.shape} with weights of shape "
                f"{self.weights.shape}: needs one W for each replica, or one for all"
            )

    # -- learning ----------------------------------------------------------------------------

    def present(self, pattern: ArrayLike) -> None:
        """Load patterns as phases, find which oscillators are held, and learn once.

        The change is the expectation of the twin's stochastic step: ``eta g(psi)`` for each pair
        whose gates are open, saturation, then a share ``decay`` lost, then the stabilisers. The
        couplings rest meanwhile; each phase then moves by its own frequency.

        Parameters
        ----------
        pattern : array of -1/+1, shape (N,) or (R, N)
            One pattern for all, or one for each replica.
        """
        x = np.asarray(pattern)
        self.phases_rad = np.broadcast_to(
            np.where(x > 0, 0.0, math.pi), (*self.weights.shape[:-2], x.shape[-1])
        ).copy()
        self._check()
        self._find_held()
        self._learn(self.phases_rad[..., None, :])
        self._advance(np.broadcast_to(self._drift(), self.phases_rad.shape))

    def drive(self, phases_rad: ArrayLike) -> None:
        """Show inputs for a while, and learn from the window that follows.

        The inputs pull with ``learning.input_strength`` for ``learning.settle_steps`` steps, then
        for the window of ``learning.window`` steps from which the pairs learn; noise stays on, and
        the couplings act with their share ``learning.recurrence``. The phases start where they are.

        Parameters
        ----------
        phases_rad : array, shape (N,)
            Phases of the inputs, rad: 0 and pi for a binary pattern.
        """
        rule = self.spec.learning
        kept = self.input_phase_rad, self.input_strength
        self.input_phase_rad = np.asarray(phases_rad, dtype=np.float64)
        self.input_strength = np.full(self.clamp.shape, rule.input_strength)
        seen: list[NDArray[np.float64]] = []
        self.run(rule.settle_steps, shil=False, coupling=rule.recurrence)
        self._find_held()
        self.run(window_of(self.spec), shil=False, coupling=rule.recurrence, trace=seen)
        self.input_phase_rad, self.input_strength = kept
        self._learn(np.stack(seen, axis=-2))

    def _drift(self) -> NDArray[np.float64]:
        return self.spec.dynamics.coupling * self._frequencies

    def _find_held(self) -> None:
        self.held = (self.field() >= self.spec.margin_lsb) | (self.amplitudes == 0)

    def _learn(self, window_rad: NDArray[np.float64]) -> None:
        if self.weights.ndim != window_rad.ndim:
            raise SpecError(
                f"phases of shape {self.phases_rad.shape} cannot learn into weights of shape "
                f"{self.weights.shape}: needs a W for each replica (Reference(spec, replicas=...))"
            )
        if self.smoothed_rad.shape != self.phases_rad.shape:
            self.smoothed_rad = np.zeros_like(self.phases_rad)
        seen = Observed(window_rad, self.weights, self.held, self.smoothed_rad, self.amplitudes)
        self.weights, events = self.rule.apply(seen)
        self.counters += events

    # -- snapshots ---------------------------------------------------------------------------

    _STATE = ("phases_rad", "weights", "held", "amplitudes", "input_strength", "input_phase_rad",
              "clamp", "smoothed_rad")  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the whole state, from which `restore` goes on with the same bits."""
        out: dict[str, Any] = {name: getattr(self, name).copy() for name in self._STATE}
        out |= {f"rule.{name}": value for name, value in self.rule.state().items()}
        out |= {"shil": self.shil, "counters": astuple(self.counters)}
        out |= {"noise": self._rng.bit_generator.state}
        return out | {"slot": self._edge.slot, "sign": self._edge.sign.copy()}

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Return to a state taken by `snapshot`."""
        for name in self._STATE:
            setattr(self, name, np.array(snapshot[name]))
        self.rule.restore(
            {k.removeprefix("rule."): v for k, v in snapshot.items() if k.startswith("rule.")}
        )
        self.shil = float(snapshot["shil"])
        self.counters = Counters(*snapshot["counters"])
        self._rng.bit_generator.state = snapshot["noise"]
        self._edge = edge.EdgeState(int(snapshot["slot"]), np.array(snapshot["sign"]))
