"""Mistakes in what moves a weight after its update: decay, full rows, centring."""

from __future__ import annotations

from collections.abc import Iterator

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import SynapseRule, Values
from drai_hw.sim.units.suspects import Suspect


class _DecayFirst(SynapseRule):
    def after(self, v: Values, w: int) -> int:
        return self.centred(v, self.updated(v, self.faded(v, w)))


class _DecayOfOld(SynapseRule):
    def after(self, v: Values, w: int) -> int:
        new = self.updated(v, w)
        return self.centred(v, new + self.faded(v, w) - w)


class _DecayByOld(SynapseRule):
    def after(self, v: Values, w: int) -> int:
        new = self.updated(v, w)
        if self.fades(v) and abs(w) > v["u_decay"]:
            new += 1 if new < 0 else -1
        return self.centred(v, new)


class _DecayTie(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return super().faded({**v, "u_decay": max(0, v["u_decay"] - 1)}, w) if w else w


class _DecayTieZero(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        if self.fades(v) and abs(w) >= v["u_decay"]:
            return w - 1 if w > 0 else w + 1
        return w


class _DecayGated(SynapseRule):
    def fades(self, v: Values) -> bool:
        return super().fades(v) and self.unheld(v) and self.resonant(v)


class _DecayAway(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return self.limited(2 * w - super().faded(v, w))


class _DecayDown(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return w - 1 if super().faded(v, w) != w else w


class _DecayConstant(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return super().faded({**v, "u_decay": 0}, w)


class _NoDecay(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return w


class _DecayInsteadOfUpdate(SynapseRule):
    def after(self, v: Values, w: int) -> int:
        return self.centred(v, self.faded(v, w) if self.fades(v) else self.updated(v, w))


class _DrawReversed(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        bits = self.formats.weight_bits - 1
        return super().faded({**v, "u_decay": int(f"{v['u_decay']:0{bits}b}"[::-1], 2)}, w)


class _DrawShifted(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return super().faded({**v, "u_decay": v["u_decay"] << 1 & self.formats.w_max}, w)


class _DrawHalved(SynapseRule):
    def faded(self, v: Values, w: int) -> int:
        return super().faded({**v, "u_decay": v["u_decay"] >> 1}, w)


class _FullBoth(SynapseRule):
    def fades(self, v: Values) -> bool:
        both = v["over_i"] & v["over_j"]
        return super().fades({**v, "over_i": both, "over_j": both})


class _NoFull(SynapseRule):
    def fades(self, v: Values) -> bool:
        return super().fades({**v, "over_i": 0, "over_j": 0})


class _CentreTurned(SynapseRule):
    def centred(self, v: Values, w: int) -> int:
        return self.limited(2 * w - super().centred(v, w))


class _CentreTie(SynapseRule):
    def centred(self, v: Values, w: int) -> int:
        return super().centred({**v, "r_push": max(0, v["r_push"] - 1)}, w)


class _NoCentre(SynapseRule):
    def centred(self, v: Values, w: int) -> int:
        return w


def fading_suspects(f: Formats) -> Iterator[Suspect]:
    """Yield the mistakes that this network's features allow."""
    if f.fades:
        yield Suspect(
            "order", "the decay comes before the update; the rule updates first", _DecayFirst
        )
        yield Suspect("order", "the decay is decided by the weight before the update; the rule "
                      "takes the updated one", _DecayOfOld)  # fmt: skip
        yield Suspect("order", "the decay is decided by the weight before the update; the rule "
                      "takes the updated one", _DecayByOld)  # fmt: skip
        yield Suspect(
            "order", "a decay replaces the update; the rule does both", _DecayInsteadOfUpdate
        )
        yield Suspect("decay", "|w| >= u_decay fades; the rule needs |w| > u_decay", _DecayTie)
        yield Suspect("decay", "|w| >= u_decay fades, 0 too; the rule needs |w| > u_decay",
                      _DecayTieZero)  # fmt: skip
        yield Suspect("decay", "only pairs with open gates fade; the rule fades all active pairs",
                      _DecayGated)  # fmt: skip
        yield Suspect("decay", "the weight moves away from 0", _DecayAway)
        yield Suspect("decay", "negative weights fall; the rule moves them towards 0", _DecayDown)
        yield Suspect(
            "decay", "u_decay is ignored: the loss is constant, not a share", _DecayConstant
        )
        yield Suspect("decay", "the decay has no effect", _NoDecay)
        yield Suspect("order of random bits", "u_decay is read from the other end", _DrawReversed)
        yield Suspect(
            "order of random bits", "u_decay is shifted left once too often", _DrawShifted
        )
        yield Suspect(
            "order of random bits", "u_decay is shifted right once too often", _DrawHalved
        )
    if f.budget:
        yield Suspect("row budget", "both rows must be full; the rule shrinks if one is", _FullBoth)
        yield Suspect("row budget", "over_i and over_j are ignored", _NoFull)
    if f.centring:
        yield Suspect(
            "row centring", "the step goes with the mean; the rule goes against it", _CentreTurned
        )
        yield Suspect("row centring", "r_push <= |lean|; the rule needs <", _CentreTie)
        yield Suspect("row centring", "the centring has no effect", _NoCentre)
