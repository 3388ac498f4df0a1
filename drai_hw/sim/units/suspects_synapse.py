"""Mistakes in the learning rule of a pair."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import SynapseRule, UnitRule, Values
from drai_hw.sim.units.suspects import Suspect
from drai_hw.sim.units.suspects_fading import fading_suspects


class _Strict(SynapseRule):
    def near(self, v: Values) -> bool:
        return self.distance(v) < v["u_g"]


class _Turned(SynapseRule):
    def side(self, v: Values) -> int:
        return -v.get("g_minus", 1) if self.near(v) else v.get("g_plus", 1)

    def near(self, v: Values) -> bool:
        return self.distance(v) <= v["u_g"]


class _Unfolded(SynapseRule):
    def distance(self, v: Values) -> int:
        return (v["phi_j"] - v["phi_i"]) % (1 << self.formats.phase_bits)


class _NoWrap(SynapseRule):
    def distance(self, v: Values) -> int:
        return abs(v["phi_j"] - v["phi_i"])


class _HalfTurn(SynapseRule):
    def near(self, v: Values) -> bool:
        half = 1 << (self.formats.phase_bits - 1)
        return super().near(v) or self.distance(v) == half


class _Complement(SynapseRule):
    def distance(self, v: Values) -> int:
        turn = 1 << self.formats.phase_bits
        d = (v["phi_j"] - v["phi_i"]) % turn
        return d if d < turn // 2 else turn - 1 - d


class _Wraps(SynapseRule):
    def limited(self, w: int) -> int:
        turn = 1 << self.formats.weight_bits
        return (w + turn // 2) % turn - turn // 2


class _WrapsAbove(SynapseRule):
    def limited(self, w: int) -> int:
        return -w if w == self.formats.w_max + 1 else super().limited(w)


class _Asymmetric(SynapseRule):
    def limited(self, w: int) -> int:
        return max(-self.formats.w_max - 1, min(self.formats.w_max, w))


class _EarlyTop(SynapseRule):
    def limited(self, w: int) -> int:
        top = self.formats.w_max - 1
        return max(-top, min(top, w))


class _TwoSteps(SynapseRule):
    def side(self, v: Values) -> int:
        return 2 * super().side(v)


class _NeverLearns(SynapseRule):
    def updated(self, v: Values, w: int) -> int:
        return w


class _AlwaysEvent(SynapseRule):
    def updated(self, v: Values, w: int) -> int:
        return super().updated({**v, "r_eta": 1}, w)


class _Exchanged(SynapseRule):
    def after(self, v: Values, w: int) -> int:
        return super().after({**v, "r_eta": v["r_decay"], "r_decay": v["r_eta"]}, w)


class _BothHeld(SynapseRule):
    def unheld(self, v: Values) -> bool:
        return not (v["gate_i"] or v["gate_j"])


class _NoMargin(SynapseRule):
    def unheld(self, v: Values) -> bool:
        return True


class _MarginTurned(SynapseRule):
    def unheld(self, v: Values) -> bool:
        return bool(v["gate_i"] and v["gate_j"])


class _MarginI(SynapseRule):
    def unheld(self, v: Values) -> bool:
        return not v["gate_i"]


class _MarginJ(SynapseRule):
    def unheld(self, v: Values) -> bool:
        return not v["gate_j"]


class _GateClosedTie(SynapseRule):
    def resonant(self, v: Values) -> bool:
        return abs(v["om_i"] - v["om_j"]) <= self.formats.theta_r


class _GateNarrow(SynapseRule):
    def resonant(self, v: Values) -> bool:
        return abs(v["om_i"] - v["om_j"]) < self.formats.theta_r - 1


class _GateWraps(SynapseRule):
    def resonant(self, v: Values) -> bool:
        turn = 1 << self.formats.frequency_bits
        gap = (v["om_i"] - v["om_j"] + turn // 2) % turn - turn // 2
        return abs(gap) < self.formats.theta_r


class _GateOneSided(SynapseRule):
    def resonant(self, v: Values) -> bool:
        return v["om_i"] - v["om_j"] < self.formats.theta_r


class _NoResonance(SynapseRule):
    def resonant(self, v: Values) -> bool:
        return True


class _ActI(SynapseRule):
    def counts(self, v: Values) -> bool:
        return super().counts({**v, "act_j": 1})


class _ActJ(SynapseRule):
    def counts(self, v: Values) -> bool:
        return super().counts({**v, "act_i": 1})


class _ActEither(SynapseRule):
    def counts(self, v: Values) -> bool:
        either = v["act_i"] | v["act_j"]
        return super().counts({**v, "act_i": either, "act_j": either})


class _NoAct(SynapseRule):
    def counts(self, v: Values) -> bool:
        return super().counts({**v, "act_i": 1, "act_j": 1})


class _LinkLearns(SynapseRule):
    def counts(self, v: Values) -> bool:
        return bool(v["act_i"] and v["act_j"])


def _with(**features: bool) -> Callable[[Formats], UnitRule]:
    return lambda f: SynapseRule(replace(f, **features))  # type: ignore[arg-type]


def _features(f: Formats) -> Iterator[Suspect]:
    """Yield what a design has and this network has not."""
    lacks = {"resonance": not f.resonance, "decay": not f.decay}
    words = {
        "resonance": "a resonance gate, which learning.gates of this network does not list",
        "decay": "a decay, which this network does not have (learning.decay = 0)",
    }
    absent = [name for name, lacking in lacks.items() if lacking]
    for names in [absent[:1], absent[1:], absent] if len(absent) == 2 else [absent]:
        if names:
            what = " and ".join(words[name] for name in names)
            made = _with(**dict.fromkeys(names, True))
            yield Suspect("feature", f"the design has {what}", made)


def suspects(rule: UnitRule) -> Iterator[Suspect]:
    """Yield the mistakes that this network's features allow."""
    f = rule.formats
    yield from _features(f)
    yield Suspect("threshold", "near is |d| < u_g; the rule counts |d| = u_g as near (<=)", _Strict)
    yield Suspect(
        "sign of g", "near pairs go down and far ones up; g is the other way round", _Turned
    )
    yield Suspect("distance", "d is not folded: pairs with d above pi count as far; |d| is the way "
                  "round the circle", _Unfolded)  # fmt: skip
    yield Suspect("distance", "phi_j - phi_i is not taken modulo 2^P: pairs on both sides of the "
                  "phase's wrap count as far apart", _NoWrap)  # fmt: skip
    yield Suspect("distance", "exactly pi has the wrong sign: -d overflows there and counts as "
                  "near; pi is the largest distance", _HalfTurn)  # fmt: skip
    yield Suspect("distance", "-d is made by inverting bits without adding 1: |d| is one too small "
                  "on one side", _Complement)  # fmt: skip
    yield Suspect("saturation", "the weight wraps at the end of its range; it has to stay at "
                  f"+-{f.w_max}", _Wraps)  # fmt: skip
    yield Suspect("saturation", f"the weight wraps above {f.w_max}; it has to stay there",
                  _WrapsAbove)  # fmt: skip
    yield Suspect("saturation", f"the weight falls to {-f.w_max - 1}; its range is symmetric, "
                  f"+-{f.w_max}", _Asymmetric)  # fmt: skip
    yield Suspect("saturation", f"the weight stops at +-{f.w_max - 1}, one step before its limit",
                  _EarlyTop)  # fmt: skip
    yield Suspect("step", "an update is two steps; the rule takes one", _TwoSteps)
    yield Suspect("step", "updates have no effect", _NeverLearns)
    yield Suspect("random event", "r_eta is ignored: every pair is updated", _AlwaysEvent)
    yield Suspect("margin gate", "a pair learns only while neither is held; the rule needs one of "
                  "them not held", _BothHeld)  # fmt: skip
    yield Suspect("margin gate", "gate_i and gate_j are ignored", _NoMargin)
    yield Suspect("margin gate", "the gate is the other way round: held pairs learn", _MarginTurned)
    yield Suspect("margin gate", "only gate_i counts", _MarginI)
    yield Suspect("margin gate", "only gate_j counts", _MarginJ)
    yield Suspect("activity", "act_j is ignored", _ActI)
    yield Suspect("activity", "act_i is ignored", _ActJ)
    yield Suspect("activity", "one active oscillator is enough; the rule needs both", _ActEither)
    yield Suspect("activity", "act_i and act_j are ignored", _NoAct)
    if f.resonance:
        yield Suspect("resonance gate", "the window is closed by <=; a difference of theta_R is "
                      "outside (<)", _GateClosedTie)  # fmt: skip
        yield Suspect("resonance gate", "the window is one too narrow", _GateNarrow)
        yield Suspect("resonance gate", "om_i - om_j wraps: it needs OB + 1 bits", _GateWraps)
        yield Suspect("resonance gate", "the difference is compared without its magnitude",
                      _GateOneSided)  # fmt: skip
        yield Suspect("resonance gate", "om_i and om_j are ignored", _NoResonance)
    if f.decay:
        yield Suspect("random event", "r_eta and r_decay are exchanged", _Exchanged)
    yield from fading_suspects(f)
    if f.mask:
        yield Suspect("mask", "a pair without a link learns", _LinkLearns)
