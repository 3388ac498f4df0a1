"""The rules of the units as terms, case by case: each case is a rule that can be broken.

`drai_hw.model.unit_rules` says the same in integers; tests compare both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from drai_hw.formal.exact import Bit, Exact, both, either, looked_up, no, op
from drai_hw.formal.solver import Terms
from drai_hw.model import prng
from drai_hw.model.unit_ports import Port
from drai_hw.model.unit_rules import UnitRule

Words = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """A rule: the inputs that it is about, and its name.

    Parameters
    ----------
    name : str
        What the rule says, in a few words.
    about : int or term
        The bit "these inputs".
    """

    name: str
    about: Bit


class UnitTerms:
    """Base: a rule as terms.

    Parameters
    ----------
    terms : Terms
        What it is made of.
    rule : UnitRule
        The rule in integers: formats and ports.
    """

    def __init__(self, terms: Terms, rule: UnitRule) -> None:
        self.terms, self.rule, self.formats = terms, rule, rule.formats
        self._ports: dict[str, Port] = {port.name: port for port in rule.ports}

    def number(self, v: Words, name: str) -> Exact:
        """Return what a port's word means."""
        port = self._ports[name]
        if port.signed:
            return Exact(self.terms, v[name], port.bits)
        return Exact.unsigned(self.terms, v[name], port.bits)

    def allowed(self, v: Words) -> Bit:
        """Return whether the rule says anything about these inputs."""
        return 1

    def outputs(self, v: Words) -> dict[str, Any]:
        """Return the outputs that inputs lead to; of a state machine with ``state`` among them."""
        raise NotImplementedError

    def cases(self, v: Words) -> list[Case]:
        """Return the rules, which together are about all inputs."""
        raise NotImplementedError

    def reset_outputs(self) -> dict[str, Any]:
        """Return the outputs of a state machine after a reset."""
        raise NotImplementedError


class SynapseTerms(UnitTerms):
    """See `drai_hw.model.unit_rules.SynapseRule`."""

    def allowed(self, v: Words) -> Bit:
        """Exclude words that are no weight, and leanings of -2."""
        f, t = self.formats, self.terms
        out: Bit = 1 if f.mask else no(t, self.number(v, "w_in").same(f.no_link))
        if f.centring:
            out = both(t, out, *(self.number(v, name) >= -1 for name in ("lean_i", "lean_j")))
        return out

    def counts(self, v: Words) -> Bit:
        """Return whether there is a pair."""
        f, t = self.formats, self.terms
        linked = no(t, self.number(v, "w_in").same(f.no_link)) if f.mask else 1
        return both(t, v["act_i"], v["act_j"], linked)

    def difference(self, v: Words) -> Exact:
        """Return d, the phase difference, from -2**(P-1) to 2**(P-1) - 1."""
        p = self.formats.phase_bits
        word = op(self.terms, "sub", p, (v["phi_j"], p), (v["phi_i"], p))
        return Exact(self.terms, word, p)

    def near(self, v: Words) -> Bit:
        """Return whether |d| <= u_g."""
        return self.difference(v).size() <= self.number(v, "u_g")

    def resonant(self, v: Words) -> Bit:
        """Return whether the resonance gate is open."""
        if not self.formats.resonance:
            return 1
        return (self.number(v, "om_i") - self.number(v, "om_j")).size() < self.formats.theta_r

    def unheld(self, v: Words) -> Bit:
        """Return whether the margin gate is open."""
        return no(self.terms, both(self.terms, v["gate_i"], v["gate_j"]))

    def moves(self, v: Words) -> Bit:
        """Return whether the update event takes place."""
        side = 1
        if self.formats.one_sided:
            args = (self.near(v), 1), (v["g_plus"], 1), (v["g_minus"], 1)
            side = op(self.terms, "ite", 1, *args)
        return both(self.terms, v["r_eta"], self.unheld(v), self.resonant(v), side)

    def fades(self, v: Words) -> Bit:
        """Return whether an event of decay or of a full row happens."""
        f, t = self.formats, self.terms
        out: Bit = v["r_decay"] if f.decay else 0
        if f.budget:
            out = either(t, out, both(t, v["r_shrink"], either(t, v["over_i"], v["over_j"])))
        return out

    def updated(self, v: Words) -> Exact:
        """Return the weight after the update event."""
        w = self.number(v, "w_in")
        one = Exact.of(self.terms, 1).where(self.near(v), -1)
        return (w + one).within(self.formats.w_max).where(self.moves(v), w)

    def faded(self, v: Words, w: Exact) -> Exact:
        """Return a weight after the step towards 0."""
        if not self.formats.fades:
            return w
        step = both(self.terms, self.fades(v), w.size() > self.number(v, "u_decay"))
        return (w + Exact.of(self.terms, 1).where(w < 0, -1)).where(step, w)

    def lean(self, v: Words) -> Exact:
        """Return what both rows lean to."""
        return self.number(v, "lean_i") + self.number(v, "lean_j")

    def pushed(self, v: Words) -> Bit:
        """Return whether the step of centring takes place."""
        if not self.formats.centring:
            return 0
        return self.number(v, "r_push") < self.lean(v).size()

    def centred(self, v: Words, w: Exact) -> Exact:
        """Return a weight after the step against the means of its rows."""
        if not self.formats.centring:
            return w
        step = Exact.of(self.terms, -1).where(self.lean(v) > 0, 1)
        return (w + step).within(self.formats.w_max).where(self.pushed(v), w)

    def outputs(self, v: Words) -> dict[str, Any]:
        """Return the weight after the steps."""
        after = self.centred(v, self.faded(v, self.updated(v)))
        out = after.where(self.counts(v), self.number(v, "w_in"))
        return {"w_out": out.word(self.formats.weight_bits)}

    def cases(self, v: Words) -> list[Case]:
        """Return the rules: first each at its edge with all else plain, then the rest."""
        f, t = self.formats, self.terms
        counts, near, far = self.counts(v), self.near(v), no(t, self.near(v))
        w, d, u = self.number(v, "w_in"), self.difference(v).size(), self.number(v, "u_g")
        quiet = both(t, no(t, self.fades(v)), no(t, self.pushed(v)))
        event = both(t, counts, v["r_eta"], quiet)
        inside = w.size() < f.w_max
        free = both(t, no(t, either(t, v["gate_i"], v["gate_j"])), self._in_tune(v))
        plain = both(t, event, free, inside)
        clear = both(t, event, inside, near, d > 0, d < u)
        one_held = op(t, "xor", 1, (v["gate_i"], 1), (v["gate_j"], 1))
        half = 1 << (f.phase_bits - 1)
        rules = [
            ("a pair with an inactive oscillator keeps its weight",
             no(t, both(t, v["act_i"], v["act_j"]))),
            ("without an event the weight stays", both(t, counts, no(t, v["r_eta"]), quiet)),
            ("sign of g at equal phases: a step up", both(t, plain, d.same(0), u > 0)),
            ("sign of g at exactly half a turn: a step down", both(t, plain, d.same(half), far)),
            ("threshold: |d| = u_g is near", both(t, plain, d.same(u))),
            ("threshold: |d| = u_g + 1 is far", both(t, plain, d.same(u + 1))),
            ("a step up where |d| < u_g", both(t, plain, near)),
            ("a step down where |d| > u_g", both(t, plain, far)),
            ("saturation at the largest weight", both(t, event, free, w.same(f.w_max), d < u)),
            ("saturation at the smallest weight",
             both(t, event, free, w.same(-f.w_max), d > u + 1)),
            ("margin gate: closed while both are held", both(t, event, v["gate_i"], v["gate_j"])),
            ("margin gate: open while only one is held",
             both(t, clear, self._in_tune(v), one_held)),
        ]  # fmt: skip
        if f.mask:
            rules.append(("a pair without a link stays", w.same(f.no_link)))
        rules += self._gate_rules(v, event, clear)
        rules.append(("updates with all else", event))
        rules += self._fade_rules(v, both(t, counts, no(t, self.pushed(v))), free)
        if f.centring:
            rules.append(("centring: a step against the leaning", both(t, counts, self.pushed(v))))
        return [Case(name, about) for name, about in [*rules, ("all other inputs", 1)]]

    def _in_tune(self, v: Words) -> Bit:
        return self.number(v, "om_i").same(self.number(v, "om_j")) if self.formats.resonance else 1

    def _gate_rules(self, v: Words, event: Bit, clear: Bit) -> list[tuple[str, Bit]]:
        f, t = self.formats, self.terms
        if not f.resonance:
            return []
        gap = (self.number(v, "om_i") - self.number(v, "om_j")).size()
        unheld = no(t, either(t, v["gate_i"], v["gate_j"]))
        return [
            ("resonance gate: closed at a difference of exactly theta_r",
             both(t, event, gap.same(f.theta_r))),
            ("resonance gate: open just below theta_r",
             both(t, clear, unheld, gap.same(f.theta_r - 1))),
            ("resonance gate: closed beyond theta_r", both(t, event, gap > f.theta_r)),
        ]  # fmt: skip

    def _fade_rules(self, v: Words, counts: Bit, free: Bit) -> list[tuple[str, Bit]]:
        f, t = self.formats, self.terms
        if not f.fades:
            return []
        w, d, u = self.number(v, "w_in"), self.difference(v).size(), self.number(v, "u_g")
        fade, still, size = both(t, counts, self.fades(v)), no(t, v["r_eta"]), w.size()
        floor = self.number(v, "u_decay")
        # The update decides whether the weight is above u_decay.
        tells = both(t, fade, free, v["r_eta"], size < f.w_max, d > 0, d < u)
        return [
            ("decay: none where |w| = u_decay", both(t, fade, still, size.same(floor))),
            ("decay: a step towards 0 where |w| > u_decay", both(t, fade, still, size > floor)),
            ("decay: none where |w| < u_decay", both(t, fade, still)),
            ("order: the decay sees the weight after the update",
             both(t, tells, w > 0, w.same(floor))),
            ("decay with all else", fade),
        ]  # fmt: skip


class UpdateTerms(UnitTerms):
    """See `drai_hw.model.unit_rules.UpdateRule`."""

    def allowed(self, v: Words) -> Bit:
        """Limit sum and dither to their largest values."""
        f = self.formats
        small = self.number(v, "acc").size() <= f.sum_max
        return both(self.terms, small, self.number(v, "dither") <= f.dither_shift_max + 1)

    def torque(self, v: Words) -> Exact:
        """Return the torque before shift and rounding."""
        f, t = self.formats, self.terms
        p = f.phase_bits
        index = op(t, "sub", p, (v["psi"], p), (v["phi_top"], p))
        double = op(t, "sll", p, (v["phi_top"], p), (1, p))
        pull = self.number(v, "strength") * looked_up(t, f.coupling, index, p)
        split = self.number(v, "shil") * looked_up(t, f.coupling, double, p)
        coupled = self.number(v, "gain") * self.number(v, "acc")
        return coupled + ((pull - split) << f.strength_shift)

    def rounded(self, v: Words) -> Exact:
        """Return the torque in LSB of the phase, not yet limited."""
        f = self.formats
        return (self.torque(v) + (1 << f.shift >> 1)) >> f.shift

    def kick(self, v: Words) -> Exact:
        """Return the dither."""
        f, t = self.formats, self.terms
        dither = self.number(v, "dither")
        out = Exact.of(t, 0)
        for shift in range(f.dither_shift_max + 1):
            out = Exact.of(t, 1 << shift).where(dither.same(shift + 1), out)
        random = self.number(v, "u_dither")
        return out.where(random.same(1), (-out).where(random.same(2), 0))

    def outputs(self, v: Words) -> dict[str, Any]:
        """Return torque and increment."""
        delta = self.rounded(v).within(self.formats.delta_max)
        moved = self.number(v, "omega") + delta + self.kick(v)
        inc = Exact.of(self.terms, 0).where(v["clamp"], moved)
        return {
            name: value.word(self._ports[name].bits)
            for name, value in (("delta", delta), ("inc", inc))
        }

    def cases(self, v: Words) -> list[Case]:
        """Return the rules, the particular ones first."""
        f, t = self.formats, self.terms
        shil, strength = self.number(v, "shil").same(0), self.number(v, "strength").same(0)
        gain, dither = self.number(v, "gain").same(0), self.number(v, "dither").same(0)
        silent = self.number(v, "omega").same(0)
        rounded = self.rounded(v)
        small = rounded.size() <= f.delta_max
        plain = both(t, silent, dither, no(t, v["clamp"]))
        half = Exact(t, self.torque(v).word(f.shift), f.shift).same(-(1 << f.shift >> 1))
        return [
            Case("clamp: the increment is 0", both(t, v["clamp"], gain, shil, strength)),
            Case("gain 0 and no inputs: no torque", both(t, gain, shil, strength, plain)),
            Case("input term F T[psi - top]", both(t, gain, shil, plain, small)),
            Case("second harmonic - k_s T[2 top]", both(t, gain, strength, plain, small)),
            Case("dither adds or subtracts 2**(dither - 1)", both(t, gain, shil, strength, silent)),
            Case("the tuning word is added", both(t, gain, shil, strength, dither)),
            Case("rounding: half goes up", both(t, shil, strength, plain, small, half)),
            Case("gain times sum, shifted and rounded", both(t, shil, strength, plain, small)),
            Case("saturation of the torque", both(t, plain, no(t, small))),
            Case("all other inputs", 1),
        ]


class NeuronTerms(UnitTerms):
    """See `drai_hw.model.unit_rules.NeuronRule`."""

    def outputs(self, v: Words) -> dict[str, Any]:
        """Return the phase and its leading bits from the inputs and ``phi`` before."""
        f, t = self.formats, self.terms
        a = f.accumulator_bits
        moved = Exact.unsigned(t, v["phi"], a) + self.number(v, "omega") + self.number(v, "delta")
        kept = op(t, "ite", a, (v["en"], 1), (moved.word(a), a), (v["phi"], a))
        return self._seen(op(t, "ite", a, (v["load"], 1), (v["phi_load"], a), (kept, a)))

    def _seen(self, phi: Any) -> dict[str, Any]:
        f = self.formats
        a = f.accumulator_bits
        values = (a - 1, a - f.phase_bits)
        return {"phi": phi, "phi_top": op(self.terms, "slice", f.phase_bits, (phi, a),
                                          values=values)}  # fmt: skip

    def reset_outputs(self) -> dict[str, Any]:
        """Return phase 0."""
        return self._seen(0)

    def cases(self, v: Words) -> list[Case]:
        """Return the rules, the particular ones first."""
        f, t = self.formats, self.terms
        a = f.accumulator_bits
        moved = Exact.unsigned(t, v["phi"], a) + self.number(v, "omega") + self.number(v, "delta")
        wraps = either(t, moved < 0, moved >= 1 << a)
        free = no(t, v["load"])
        return [
            Case("load: takes phi_load and wins over en", v["load"]),
            Case("without en the phase stays", both(t, free, no(t, v["en"]))),
            Case("the phase wraps at a whole turn", both(t, free, v["en"], wraps)),
            Case("the phase moves on by omega + delta", 1),
        ]


class PrngTerms(UnitTerms):
    """See `drai_hw.model.unit_rules.PrngRule`."""

    def allowed(self, v: Words) -> Bit:
        """Exclude the seed 0."""
        return either(self.terms, no(self.terms, v["load"]),
                      no(self.terms, self.number(v, "seed").same(0)))  # fmt: skip

    def outputs(self, v: Words) -> dict[str, Any]:
        """Return the draw from the inputs and ``bits`` before."""
        t, width = self.terms, prng.BITS
        out = v["bits"]
        for _ in range(prng.LEAP):
            new: Any = 0
            for lag in prng.LAGS:
                tap = op(t, "slice", 1, (out, width), values=(lag - 1, lag - 1))
                new = op(t, "xor", 1, (new, 1), (tap, 1))
            low = op(t, "slice", width - 1, (out, width), values=(width - 2, 0))
            out = op(t, "concat", width, (low, width - 1), (new, 1))
        kept = op(t, "ite", width, (v["step"], 1), (out, width), (v["bits"], width))
        return {"bits": op(t, "ite", width, (v["load"], 1), (v["seed"], width), (kept, width))}

    def reset_outputs(self) -> dict[str, Any]:
        """Return the start of the update stream of lane 0."""
        return {"bits": self.formats.eta_seeds[0]}

    def cases(self, v: Words) -> list[Case]:
        """Return the rules, the particular ones first."""
        free = no(self.terms, v["load"])
        return [
            Case("load: takes the seed and wins over step", v["load"]),
            Case("without step the draw stays", both(self.terms, free, no(self.terms, v["step"]))),
            Case(f"a step shifts {prng.LEAP} times", 1),
        ]


TERMS: dict[str, type[UnitTerms]] = {
    "synapse": SynapseTerms,
    "update": UpdateTerms,
    "neuron": NeuronTerms,
    "prng": PrngTerms,
}


def terms_of(terms: Terms, rule: UnitRule) -> UnitTerms:
    """Return a rule as terms."""
    return TERMS[rule.unit](terms, rule)
