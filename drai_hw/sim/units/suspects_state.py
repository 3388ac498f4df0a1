"""Mistakes in phase accumulators and random streams."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from drai_hw.model import prng
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import NeuronRule, PrngRule, StateRule, UnitRule, Values
from drai_hw.sim.units.suspects import Suspect


def _forgets(base: type[StateRule], bit: int) -> Callable[[Formats], UnitRule]:
    """Return a rule whose reset leaves one bit as it is."""

    class Forgets(base):  # type: ignore[misc, valid-type]
        def after_reset(self, state: int | None) -> int | None:
            start: int = self.reset_state()
            return None if state is None else start & ~(1 << bit) | state & 1 << bit

    return Forgets


class _MovesFirst(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "load": v["load"] and not v["en"]})


class _LoadsAndMoves(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        start = v["phi_load"] if v["load"] else state
        return super().next_state(start, {**v, "load": 0})


class _Saturates(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        if v["load"] or not v["en"]:
            return super().next_state(state, v)
        top = (1 << self.formats.accumulator_bits) - 1
        return max(0, min(top, state + v["omega"] + v["delta"]))


class _SumLimited(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        limit = 1 << (self.formats.accumulator_bits - 1)
        total = max(-limit, min(limit - 1, v["omega"] + v["delta"]))
        return super().next_state(state, {**v, "omega": total, "delta": 0})


class _NoDelta(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "delta": 0})


class _DeltaSign(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "delta": -v["delta"]})


class _NoOmega(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "omega": 0})


class _OmegaSign(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "omega": -v["omega"]})


class _CarryIn(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "omega": v["omega"] + 1})


class _NeverRests(NeuronRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "en": 1})


class _LowBits(NeuronRule):
    def observe(self, state: int) -> dict[str, int]:
        return super().observe(state) | {"phi_top": state & ((1 << self.formats.phase_bits) - 1)}


class _TopRounded(NeuronRule):
    def observe(self, state: int) -> dict[str, int]:
        cut = self.formats.accumulator_bits - self.formats.phase_bits
        top = (state + (1 << cut >> 1)) >> cut
        return super().observe(state) | {"phi_top": top & ((1 << self.formats.phase_bits) - 1)}


def neuron_suspects(rule: UnitRule) -> Iterator[Suspect]:
    """Yield the mistakes of a phase accumulator."""
    yield Suspect("load", "en wins over load; the rule loads", _MovesFirst)
    yield Suspect("load", "it loads and moves in one clock; the rule only loads", _LoadsAndMoves)
    yield Suspect("wrap", "the phase stops at its ends; it has to wrap", _Saturates)
    yield Suspect(
        "wrap", "omega + delta saturates; the sum has to wrap with the phase", _SumLimited
    )
    yield Suspect("increment", "delta has no effect", _NoDelta)
    yield Suspect("sign", "delta is subtracted", _DeltaSign)
    yield Suspect("increment", "omega has no effect", _NoOmega)
    yield Suspect("sign", "omega is subtracted", _OmegaSign)
    yield Suspect("increment", "one LSB too much in each step: a carry is left on", _CarryIn)
    yield Suspect("enable", "the phase moves without en", _NeverRests)
    yield Suspect("leading bits", "phi_top is the lowest bits; it is the highest", _LowBits)
    yield Suspect("leading bits", "phi_top is rounded; it is cut", _TopRounded)
    yield Suspect("reset", "rst has no effect", timing={"no_reset": True})
    for bit in range(rule.formats.accumulator_bits):
        words = f"rst forgets bit {bit} of the phase"
        yield Suspect("reset", words, _forgets(NeuronRule, bit))


def _leaps(bits: int) -> Callable[[Formats], UnitRule]:
    class Leaps(PrngRule):
        def next_state(self, state: int, v: Values) -> int:
            if v["load"] or not v["step"]:
                return super().next_state(state, v)
            for _ in range(bits):
                state = prng.leap(state, 1)
            return state

    return Leaps


def _reversed(state: int) -> int:
    return int(f"{state:0{prng.BITS}b}"[::-1], 2)


class _StepsFirst(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "load": v["load"] and not v["step"]})


class _LoadsAndSteps(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        start = v["seed"] if v["load"] else state
        return super().next_state(start, {**v, "load": 0})


class _StepsAlways(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "step": 1})


class _Reversed(PrngRule):
    def observe(self, state: int) -> dict[str, int]:
        return {"bits": _reversed(state)}


class _ReversedSeed(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        return super().next_state(state, {**v, "seed": _reversed(v["seed"])})


class _NewBitsReversed(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        new = super().next_state(state, v)
        if v["load"] or not v["step"]:
            return new
        low = (1 << prng.LEAP) - 1
        return new & ~low | int(f"{new & low:0{prng.LEAP}b}"[::-1], 2)


class _Xnor(PrngRule):
    def next_state(self, state: int, v: Values) -> int:
        new = super().next_state(state, v)
        return new if v["load"] or not v["step"] else new ^ ((1 << prng.LEAP) - 1)


def _without_lag(lag: int) -> Callable[[Formats], UnitRule]:
    class Without(PrngRule):
        def next_state(self, state: int, v: Values) -> int:
            new = super().next_state(state, v)
            if v["load"] or not v["step"]:
                return new
            return new ^ (state >> (lag - prng.LEAP)) & ((1 << prng.LEAP) - 1)

    return Without


def prng_suspects(rule: UnitRule) -> Iterator[Suspect]:
    """Yield the mistakes of a random stream."""
    right = prng.LEAP
    for bits in (right + 1, right - 1, 1, 16, 31):
        words = f"a step shifts {bits} bits; the stream leaps {right}"
        if bits == right + 1:
            words = f"the LFSR is shifted once too often: {bits} bits a step instead of {right}"
        if bits == right - 1:
            words = f"the LFSR is shifted once too little: {bits} bits a step instead of {right}"
        yield Suspect("order of random bits", words, _leaps(bits))
    yield Suspect(
        "order of random bits", "bits are output in reverse; the newest is bit 0", _Reversed
    )
    yield Suspect("order of random bits", "the seed is loaded in reverse", _ReversedSeed)
    yield Suspect("order of random bits", "the new bits of a leap are in reverse", _NewBitsReversed)
    for lag in prng.LAGS:
        words = f"the lag {lag} is missing; b[n] is the XOR of the lags {prng.LAGS}"
        yield Suspect("feedback", words, _without_lag(lag))
    yield Suspect("feedback", "new bits are inverted (XNOR)", _Xnor)
    yield Suspect("load", "step wins over load; the rule loads", _StepsFirst)
    yield Suspect("load", "it loads and steps in one clock; the rule only loads", _LoadsAndSteps)
    yield Suspect("enable", "the stream moves without step", _StepsAlways)
    yield Suspect("reset", "rst has no effect", timing={"no_reset": True})
    for bit in range(prng.BITS):
        yield Suspect("reset", f"rst forgets bit {bit} of the state", _forgets(PrngRule, bit))
