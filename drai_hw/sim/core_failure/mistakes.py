"""Mistakes that designers make in a whole core, as twins: the one that explains a step is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import prng
from drai_hw.model.numbers import PROBABILITY_ONE, Formats
from drai_hw.model.twin import Twin

PROBABILITY_BITS = PROBABILITY_ONE.bit_length() - 1

Make = Callable[[Formats], Twin]


class _LearnsFirst(Twin):
    def _couple_pass(self, learn: bool) -> None:
        if learn:
            self._learn(self._differences())
        super()._couple_pass(False)


class _LearnsLate(Twin):
    def _couple_pass(self, learn: bool) -> None:
        super()._couple_pass(False)
        if learn:
            self._learn(self._differences())


class _TorqueTurned(Twin):
    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        return super()._sums(d, offset) * (-1 if offset == 0 else 1)


class _TorqueQuarter(Twin):
    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        return super()._sums(d, self.formats.quarter)


class _FieldSine(Twin):
    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        return super()._sums(d, 0)


class _InactivePull(Twin):
    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        size = 1 << self.formats.phase_bits
        terms = self.weights * self._table[(d + offset) % size]
        return np.asarray(np.where(self.active, np.sum(terms, axis=1), 0))


class _InactiveFeel(Twin):
    def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
        size = 1 << self.formats.phase_bits
        terms = self.weights * self._table[(d + offset) % size]
        return np.asarray(np.sum(terms, axis=1, where=self.active[None, :]))


class _FieldOpen(Twin):
    def _field_pass(self) -> None:
        sums = self._sums(self._differences(), self.formats.quarter)
        self.margin = (sums > self.settings.margin) | ~self.active


class _FieldTurned(Twin):
    def _field_pass(self) -> None:
        super()._field_pass()
        self.margin = ~self.margin | ~self.active


class _FieldForgets(Twin):
    def _field_pass(self) -> None:
        self.margin = self._sums(self._differences(), self.formats.quarter) >= self.settings.margin


class _FieldLate(Twin):
    def run(self, steps: int, **passes: bool) -> None:
        field = passes.pop("field", False)
        super().run(steps, **passes)
        if field:
            self._field_pass()


class _RampEarly(Twin):
    def _update(self, torque: NDArray[np.int64]) -> None:
        before, s = self.shil, self.settings
        self.shil = min(before + s.shil_step, s.shil_max)
        super()._update(torque)
        self.shil = before


class _RampGoesOn(Twin):
    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        super().run(steps, resume=True, **passes)


class _RampAgain(Twin):
    def run(self, steps: int, *, resume: bool = False, **passes: bool) -> None:
        super().run(steps, resume=False, **passes)


class _RampUnlimited(Twin):
    def _couple_pass(self, learn: bool) -> None:
        before = self.shil
        super()._couple_pass(learn)
        self.shil = (before + self.settings.shil_step) & 0xFFF


class _RampStands(Twin):
    def _couple_pass(self, learn: bool) -> None:
        before = self.shil
        super()._couple_pass(learn)
        self.shil = before


class _SweepStands(Twin):
    def _learn(self, d: NDArray[np.int64]) -> None:
        self.learn_steps = 0
        super()._learn(d)


class _SweepAhead(Twin):
    ahead = 1

    def _learn(self, d: NDArray[np.int64]) -> None:
        self.learn_steps += self.ahead
        super()._learn(d)
        self.learn_steps -= self.ahead


class _SweepBehind(_SweepAhead):
    ahead = -1


class _GateLate(Twin):
    def _couple_pass(self, learn: bool) -> None:
        d = self._differences()
        super()._couple_pass(False)
        if learn:
            self._learn(d)


class _EventTie(Twin):
    def _events_of(
        self, stream: NDArray[np.int64], rate: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        _, states = super()._events_of(stream, rate)
        return (states & (PROBABILITY_ONE - 1)) <= rate, states


class _EventHigh(Twin):
    def _events_of(
        self, stream: NDArray[np.int64], rate: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        _, states = super()._events_of(stream, rate)
        return (states >> (prng.BITS - PROBABILITY_BITS)) < rate, states


class _EventReversed(Twin):
    def _events_of(
        self, stream: NDArray[np.int64], rate: int
    ) -> tuple[NDArray[np.bool_], NDArray[np.int64]]:
        _, states = super()._events_of(stream, rate)
        bits = [(states >> k & 1) << (PROBABILITY_BITS - 1 - k) for k in range(PROBABILITY_BITS)]
        return np.sum(bits, axis=0) < rate, states


def _in_lanes(lanes: Sequence[int], local: int, rotating: int) -> Make:
    """Return a twin in some lanes of which a pair's torque counts so many times at either end."""

    class InLanes(Twin):
        def _sums(self, d: NDArray[np.int64], offset: int) -> NDArray[np.int64]:
            right = super()._sums(d, offset)
            if offset:
                return right
            s, size = self._schedule, 1 << self.formats.phase_bits
            used = s.used[:, lanes]
            i, j = s.i[:, lanes][used], s.j[:, lanes][used]
            both = self.active[i] & self.active[j]
            pull = np.where(both, self.weights[i, j] * self._table[d[i, j] % size], 0)
            np.add.at(right, i, (local - 1) * pull)
            np.add.at(right, j, (1 - rotating) * pull)  # the table is odd
            return right

    return InLanes


_STREAMS = {"_eta": "update events", "_decay": "decay events", "_dither": "dither"}


def _shifted(stream: str, shifts: int) -> Make:
    """Return a twin whose stream stands some shifts before or after its place."""

    class Shifted(Twin):
        def reseed(self) -> None:
            super().reseed()
            self._shift()

        def restore(self, snapshot: dict[str, Any]) -> None:
            super().restore(snapshot)
            self._shift()

        def _shift(self) -> None:
            states = [prng.jump(int(x), shifts % prng.PERIOD) for x in getattr(self, stream)]
            setattr(self, stream, np.array(states))

    return Shifted


def _streams(formats: Formats) -> Iterator[tuple[str, str, Make]]:
    for stream, what in _STREAMS.items():
        if stream == "_decay" and not formats.fades:
            continue
        a_pass = prng.LEAP * (formats.slots if stream == "_dither" else formats.pair_slots)
        for shifts, words in (
            (prng.LEAP, "a draw too far: it is drawn once too often"),
            (-prng.LEAP, "a draw behind: it is drawn once too seldom"),
            (1, "a shift too far: the LFSR is shifted once too often"),
            (-1, "a shift behind: the LFSR is shifted once too seldom"),
            (a_pass, "a pass too far: it is drawn in a pass that does not need it"),
            (-a_pass, "a pass behind: a pass did not draw, or the start value is not loaded again"),
        ):
            yield "random stream", f"the stream of the {what} is {words}", _shifted(stream, shifts)


def mistaken_twins(formats: Formats) -> Iterator[tuple[str, str, Make]]:
    """Yield the broken rule, words and the twin of each mistake that a network allows."""
    yield (
        "order",
        "the torque uses the weights after learning; the rule uses those before",
        _LearnsFirst,
    )
    yield (
        "order",
        "learning sees the phases after the step; the rule takes those before",
        _LearnsLate,
    )
    yield (
        "torque",
        "the torque has the wrong sign: phases are repelled by positive weights",
        _TorqueTurned,
    )
    yield (
        "torque",
        "the couple pass reads the table a quarter turn off: cosine, not sine",
        _TorqueQuarter,
    )
    yield "activity", "inactive oscillators pull at active ones", _InactivePull
    yield "activity", "inactive oscillators feel active ones", _InactiveFeel
    yield (
        "field pass",
        "held is field > margin; the rule counts field = margin as held (>=)",
        _FieldOpen,
    )
    yield "field pass", "the margin bits are the other way round", _FieldTurned
    yield "field pass", "the margin bit of inactive oscillators is not 1", _FieldForgets
    yield (
        "field pass",
        "the field pass reads the table without the quarter turn: sine, not cosine",
        _FieldSine,
    )
    yield "order", "the field pass comes behind the couple pass; the rule has it before", _FieldLate
    yield (
        "SHIL ramp",
        "the ramp grows before it is used; the first step of a run has none",
        _RampEarly,
    )
    yield "SHIL ramp", "a run without RESUME does not begin the ramp at 0", _RampGoesOn
    yield "SHIL ramp", "the ramp begins anew in every step, or in spite of RESUME", _RampAgain
    yield "SHIL ramp", "the ramp does not stop at SHIL_MAX", _RampUnlimited
    yield "SHIL ramp", "the ramp does not grow", _RampStands
    if formats.learns:
        yield (
            "threshold sweep",
            "the threshold stands still at that of the first pass",
            _SweepStands,
        )
        yield "threshold sweep", "the threshold is that of the next pass", _SweepAhead
        yield "threshold sweep", "the threshold is that of the pass before", _SweepBehind
    if formats.resonance:
        yield "resonance gate", "the gate compares the frequencies after the step", _GateLate
    yield (
        "random event",
        "an event happens where draw = probability, too; the rule says draw < probability",
        _EventTie,
    )
    yield (
        "random event",
        "an event compares the upper bits of a draw; the rule takes the lower",
        _EventHigh,
    )
    yield "random event", "an event compares the bits of a draw in reversed order", _EventReversed
    every = range(formats.lanes)
    for local, rotating, what in (
        (1, -1, "is added at the rotating oscillator; it has to be subtracted there"),
        (-1, 1, "is subtracted at the local oscillator; it has to be added there"),
        (0, 1, "is missing at the local oscillator"),
        (1, 0, "is missing at the rotating oscillator"),
    ):
        words = f"the torque of a pair {what}"
        yield "torque", words, _in_lanes(every, local, rotating)
        for lane in every:
            yield "torque", f"in lane {lane} {words}", _in_lanes([lane], local, rotating)
    yield from _streams(formats)
