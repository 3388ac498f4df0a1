"""The fixed-point twin: integer arithmetic only, equal to the RTL bit for bit after every step."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.model import prng
from drai_hw.model.edge import EdgeState, align, square_wave
from drai_hw.model.machine import (
    GATE_MARGIN,
    GATE_RESONANCE,
    Counters,
    Passes,
    Settings,
    check_links,
    check_vector,
    check_weights,
)
from drai_hw.model.numbers import (
    EMA_FRACTION_BITS,
    EMA_SHIFT,
    PROBABILITY_ONE,
    STRENGTH_BITS,
    Formats,
    round_shift,
)
from drai_hw.model.schedule import schedule

_DITHER = np.array([0, 1, -1, 0])  # value of a two-bit draw


class Twin:
    """Integer model of the core (`drai_hw.model.machine.Machine`).

    Sums of a pass are formed from the phases at the start of the step (Jacobi). Nothing wraps but
    the phase: sums fit their width, the phase increment and the weights saturate. Padding
    oscillators are inactive: they feel nothing, exert nothing and never learn, but their slots
    take random draws, as in the core.

    Parameters
    ----------
    formats : Formats
        Number formats and geometry.

    Attributes
    ----------
    theta, ema, margin : arrays, shape (L*M,)
        Phase accumulator, smoothed frequency with fraction, margin bit of every slot.
    weights : array of int64, shape (L*M, L*M)
        Symmetric weight matrix, padding included; 0 where there is no link.
    links : array of bool, shape (L*M, L*M)
        Pairs that are linked.
    over : array of bool, shape (L*M,)
        Flag of the last census: the row sum of |w| reached the budget.
    lean : array of int64, shape (L*M,)
        What the last census of w found, rounded at random: -1, 0 or +1.
    """

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        slots = formats.slots
        self._schedule = schedule(formats.lanes, formats.pages)
        self._table = np.array(formats.coupling)
        self._padding = np.arange(slots) >= formats.n
        self.settings = Settings()
        self.theta = np.zeros(slots, dtype=np.int64)
        self.ema = np.zeros(slots, dtype=np.int64)
        self.margin = self._padding.copy()
        self.omega = np.zeros(slots, dtype=np.int64)
        self.psi = np.zeros(slots, dtype=np.int64)
        self.strength = np.zeros(slots, dtype=np.int64)
        self.clamp = np.zeros(slots, dtype=bool)
        self.active = ~self._padding
        self.over = np.zeros(slots, dtype=bool)
        self.lean = np.zeros(slots, dtype=np.int64)
        self.links = np.ones((slots, slots), dtype=bool)
        self.weights = np.zeros((slots, slots), dtype=np.int64)
        self.shil = 0
        self._slot = EdgeState(0, np.zeros(slots, dtype=np.int64))
        self.reseed()

    # -- host side -------------------------------------------------------------------------

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers (`SpecError` where a value does not fit)."""
        settings.check(self.formats)
        self.settings = settings

    def reseed(self) -> None:
        """Restart the random streams, the threshold sweep and the counters."""
        f = self.formats
        self._eta = np.array(f.eta_seeds)
        self._decay = np.array(f.decay_seeds)
        self._dither = np.array([f.dither_seed])
        self._census = np.array([f.census_seed])
        self.learn_steps = 0
        self._events = np.zeros(4, dtype=np.int64)

    def load_phases(self, theta: ArrayLike) -> None:
        """Set the phase accumulators of all N oscillators (LSB)."""
        top = (1 << self.formats.accumulator_bits) - 1
        self.theta[: self.formats.n] = check_vector(theta, self.formats.n, 0, top, "phase")

    def load_omega(self, omega: ArrayLike) -> None:
        """Set the tuning words of all N oscillators (signed LSB a step)."""
        half = 1 << (self.formats.accumulator_bits - 1)
        self.omega[: self.formats.n] = check_vector(
            omega, self.formats.n, -half, half - 1, "tuning word"
        )

    def load_inputs(
        self, psi: ArrayLike, strength: ArrayLike, clamp: ArrayLike, active: ArrayLike
    ) -> None:
        """Set input phases (P bits), strengths (12 bits), clamp and activity flags."""
        n = self.formats.n
        self.psi[:n] = check_vector(psi, n, 0, (1 << self.formats.phase_bits) - 1, "input phase")
        self.strength[:n] = check_vector(strength, n, 0, (1 << STRENGTH_BITS) - 1, "input strength")
        self.clamp[:n] = check_vector(clamp, n, 0, 1, "clamp").astype(bool)
        self.active[:n] = check_vector(active, n, 0, 1, "active").astype(bool)

    def load_weights(self, weights: ArrayLike) -> None:
        """Set the symmetric N x N weights (LSB); 0 where there is no link."""
        n = self.formats.n
        self.weights[:n, :n] = check_weights(weights, self.formats, self.links[:n, :n])

    def load_links(self, links: ArrayLike) -> None:
        """Set which pairs are linked, N x N, and all weights to 0 (formats with `mask`)."""
        n = self.formats.n
        self.links[:n, :n] = check_links(links, self.formats)
        self.weights = np.zeros_like(self.links, dtype=np.int64)

    def read_phases(self) -> NDArray[np.int64]:
        """Return the N phase accumulators."""
        return self.theta[: self.formats.n].copy()

    def read_margins(self) -> NDArray[np.bool_]:
        """Return the N margin bits."""
        return self.margin[: self.formats.n].copy()

    def read_weights(self) -> NDArray[np.int64]:
        """Return the N x N weights."""
        return self.weights[: self.formats.n, : self.formats.n].copy()

    def counters(self) -> Counters:
        """Return the event counters since the last reseed."""
        return Counters(*(int(count) & 0xFFFFFFFF for count in self._events))

    def weight_words(self) -> NDArray[np.int64]:
        """Return the weights as the core stores them, shape (pair_slots, lanes); idle lanes 0."""
        s = self._schedule
        words = np.where(s.used, self.weights[s.i, s.j], 0)
        if self.formats.mask:
            words[s.used & ~self.links[s.i, s.j]] = self.formats.no_link
        return words

    # -- dynamics --------------------------------------------------------------------------

    @property
    def top(self) -> NDArray[np.int64]:
        """Leading P bits of every phase."""
        return self.theta >> (self.formats.accumulator_bits - self.formats.phase_bits)

    def run(
        self,
        steps: int,
        *,
        field: bool = False,
        couple: bool = True,
        learn: bool = False,
        edge: bool = False,
        census: bool = False,
        resume: bool = False,
    ) -> None:
        """Do ``steps`` steps of some `Passes`.

        With ``edge`` the couple pass is an edge pass, one slot of `drai_hw.model.edge.align`.
        """
        Passes(edge=edge, census=census).check(self.formats)
        if not resume:
            self.shil = 0
            self._slot = EdgeState(0, np.zeros(self.formats.slots, dtype=np.int64))
        for _ in range(steps):
            if field:
                self._field_pass()
            if census:
                self._census_passes()
            if edge:
                self._edge_pass()
            elif couple:
                self._couple_pass(learn)

    @property
    def edge_signs(self) -> NDArray[np.int64]:
        """Last sign other than 0 of every weighted sum of the edge pass; 0 before the first."""
        return self._slot.sign

    def _edge_sums(self, wave: NDArray[np.int64]) -> NDArray[Any]:
        """Return sum_j w_ij s_j over pairs of active oscillators."""
        return np.where(self.active, self.weights @ np.where(self.active, wave, 0), 0)

    def _edge_pass(self) -> None:
        """Move the edges of all oscillators whose weighted sum rises at this slot."""
        bits = self.formats.phase_bits
        top = self.top
        sums = self._edge_sums(square_wave(top, self._slot.slot, bits))
        moved, self._slot = align(top, sums, self._slot, bits, ~self.clamp & self.active)
        aligned = moved << (self.formats.accumulator_bits - bits)
        self.theta = np.where(moved != top, aligned, self.theta)

    def _differences(self) -> NDArray[np.int64]:
        """Return d_ij = (top_j - top_i) mod 2**P."""
        top = self.top
        return (top[None, :] - top[:, None]) & ((1 << self.formats.phase_bits) - 1)

    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        both = self.active[:, None] & self.active[None, :]
        size = 1 << self.formats.phase_bits
        return np.sum(self.weights * self._table[(d + offset) % size], axis=1, where=both)

    def _field_pass(self) -> None:
        """Set the margin bit where the field w C(d) reaches the threshold."""
        held = self._sums(self._differences(), self.formats.quarter) >= self.settings.margin
        self.margin = held | ~self.active

    def _row_sums(self, absolute: bool) -> NDArray[Any]:
        """Return the sums of w, or of |w|, over pairs of active oscillators."""
        values = np.abs(self.weights) if absolute else self.weights
        return np.where(self.active, values @ self.active.astype(np.int64), 0)

    def _census_passes(self) -> None:
        """Flag rows that reached their budget; round the sums of rows to -1, 0 or +1 at random."""
        f, s = self.formats, self.settings
        if f.budget:
            self.over = (self._row_sums(True) >= s.budget) & self.active
        if f.centring:
            draw = prng.draws(self._census, f.slots, prng.LEAP)[:, 0]
            x = s.centre * self._row_sums(False).astype(np.int64)
            x += draw & ((1 << f.centre_shift) - 1)
            self.lean = np.clip(x >> f.centre_shift, -1, 1)

    def _couple_pass(self, learn: bool) -> None:
        d = self._differences()
        torque = self._sums(d, 0)
        if learn:  # weights change from the same phases as the torque; the torque used the old ones
            self._learn(d)
        self._update(torque)
        self.shil = min(self.shil + self.settings.shil_step, self.settings.shil_max)

    def _update(self, torque: NDArray[np.int64]) -> None:
        """Advance all phases by torque, input, SHIL, tuning word and dither."""
        f, s = self.formats, self.settings
        mask = (1 << f.phase_bits) - 1
        top = self.top
        strength = self.strength * self._table[(self.psi - top) & mask]
        strength -= self.shil * self._table[(2 * top) & mask]
        x = s.gain * torque + (strength << f.strength_shift)
        delta = np.clip(round_shift(x, f.shift), -f.delta_max, f.delta_max)
        draw = prng.draws(self._dither, f.slots, prng.LEAP)[:, 0] & 3
        dither = _DITHER[draw] << (s.dither - 1) if s.dither else 0
        increment = np.where(self.clamp, 0, self.omega + delta + dither)
        self.theta = (self.theta + increment) & ((1 << f.accumulator_bits) - 1)
        if f.resonance:
            limit = (1 << (f.frequency_bits - 1)) - 1
            target = np.clip(increment >> f.frequency_shift, -limit, limit) << EMA_FRACTION_BITS
            self.ema += (target - self.ema) >> EMA_SHIFT

    def _learn(self, d: NDArray[np.int64]) -> None:
        """Apply the learning rule to every pair (contract: one stochastic step a pair)."""
        f, s = self.formats, self.settings
        sched = self._schedule
        i, j = sched.i, sched.j
        both = sched.used & self.active[i] & self.active[j] & self.links[i, j]
        gate = both.copy()
        if s.gates & GATE_MARGIN:
            gate &= ~(self.margin[i] & self.margin[j])
        if f.resonance and s.gates & GATE_RESONANCE:
            om = self.ema >> EMA_FRACTION_BITS
            gate &= np.abs(om[i] - om[j]) < f.theta_r
        dist = d[i, j]
        dist = np.minimum(dist, (1 << f.phase_bits) - dist)
        this = f.learning_pass(self.learn_steps)
        step = np.where(dist <= this.threshold, int(this.plus), -int(this.minus))
        happens, states = self._events_of(self._eta, s.eta)
        event = happens & gate & (step != 0)
        old = self.weights[i, j]
        new = np.where(event, np.clip(old + step, -f.w_max, f.w_max), old)
        if f.fades:
            fades, draw = self._events_of(self._decay, s.decay)
            over = self.over[i] | self.over[j]
            fades |= over & ((draw & (PROBABILITY_ONE - 1)) < s.shrink)
            new = new - np.sign(new) * (fades & both & (np.abs(new) > ((draw >> 16) & f.w_max)))
        if f.centring and s.centre:
            lean = self.lean[i] + self.lean[j]
            pushed = both & (((states >> 16) & 3) < np.abs(lean))
            new = np.clip(new - np.sign(lean) * pushed, -f.w_max, f.w_max)
        self.weights[i[sched.used], j[sched.used]] = new[sched.used]
        self.weights[j[sched.used], i[sched.used]] = new[sched.used]
        self.learn_steps += 1
        changed = sched.used & (new != old)
        self._events += [int(x.sum()) for x in (both, gate, event, changed)]

    def _events_of(
        self, stream: NDArray[np.int64], rate: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        """Draw one Bernoulli event a slot and lane; return the events and the raw states."""
        states = prng.draws(stream, self.formats.pair_slots, prng.LEAP)
        return (states & (PROBABILITY_ONE - 1)) < rate, states

    # -- snapshots -------------------------------------------------------------------------

    _STATE = ("theta", "ema", "margin", "omega", "psi", "strength", "clamp", "active", "over",
              "lean", "links", "weights", "_eta", "_decay", "_dither", "_census",
              "_events")  # fmt: skip

    def snapshot(self) -> dict[str, Any]:
        """Return a copy of the whole state, from which `restore` goes on bit-exactly."""
        out: dict[str, Any] = {name: getattr(self, name).copy() for name in self._STATE}
        out |= {"settings": self.settings, "shil": self.shil, "learn_steps": self.learn_steps}
        out |= {"slot": self._slot.slot, "signs": self._slot.sign.copy()}
        return out

    def restore(self, snapshot: dict[str, Any]) -> None:
        """Return to a state taken by `snapshot`."""
        self._slot = EdgeState(snapshot["slot"], snapshot["signs"].copy())
        for name, value in snapshot.items():
            if name in ("slot", "signs"):
                continue
            setattr(self, name, value.copy() if isinstance(value, np.ndarray) else value)
