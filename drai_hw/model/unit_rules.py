"""What each unit computes, as integer functions: what benches and proofs compare with.

The twin does the same for whole networks at once; tests show that both agree.
"""

from __future__ import annotations

from collections.abc import Mapping

from drai_hw.model import prng
from drai_hw.model.numbers import Formats, round_shift
from drai_hw.model.unit_ports import Port, check_unit, unit_ports

Values = Mapping[str, int]


class UnitRule:
    """Base of the rules: ports, and what inputs there are.

    Parameters
    ----------
    formats : Formats
        Number formats and features.

    Attributes
    ----------
    ports : tuple of Port
        All ports beside ``clk`` and ``rst``.
    inputs, outputs : tuple of Port
        The two kinds of them; outputs without ``valid``.
    pipeline : bool
        A function of the inputs with a latency and ``valid``; else a state machine.
    """

    unit = ""
    pipeline = True

    def __init__(self, formats: Formats) -> None:
        self.formats = formats
        self.ports = unit_ports(self.unit, formats)
        self.inputs: tuple[Port, ...] = tuple(port for port in self.ports if not port.output)
        self.outputs = tuple(port for port in self.ports if port.output and port.name != "valid")

    def allowed(self, v: Values) -> bool:
        """Return whether the rule says anything about these inputs."""
        return True


class FunctionRule(UnitRule):
    """A unit without memory: outputs are a function of the inputs ``latency`` clocks before."""

    def apply(self, v: Values) -> dict[str, int]:
        """Return the outputs for the inputs of one clock with ``en``."""
        raise NotImplementedError


class StateRule(UnitRule):
    """A unit with a state of one number, which changes at the rising edge."""

    pipeline = False

    def reset_state(self) -> int:
        """Return the state after a reset."""
        raise NotImplementedError

    def after_reset(self, state: int | None) -> int | None:
        """Return the state after a rising edge with reset; a right one forgets what was before.

        None is a state that is not known.
        """
        return self.reset_state()

    def next_state(self, state: int, v: Values) -> int:
        """Return the state after a rising edge without reset."""
        raise NotImplementedError

    def observe(self, state: int) -> dict[str, int]:
        """Return the outputs in a state."""
        raise NotImplementedError


class SynapseRule(FunctionRule):
    """The learning rule of one pair with its random bits as inputs.

    In this order: a step up where ``|d| <= u_g``, down elsewhere, if the event happens, the gates
    are open and the pass has this side; a step towards 0 if an event of decay or of a full row
    happens and ``|w| > u_decay``; a step against ``lean_i + lean_j`` if ``r_push`` is below its
    magnitude. Every step stays within +-(2**(W-1) - 1). A pair counts only while both its
    oscillators are active and, with a mask, its word is a weight.
    """

    unit = "synapse"

    def allowed(self, v: Values) -> bool:
        """Return whether the word is a weight, or "no link" where there is a mask."""
        f = self.formats
        lean = all(-1 <= v[name] <= 1 for name in ("lean_i", "lean_j") if name in v)
        return lean and (f.mask or v["w_in"] != f.no_link)

    def apply(self, v: Values) -> dict[str, int]:
        """Return the weight after the step."""
        w = v["w_in"]
        if self.counts(v):
            w = self.after(v, w)
        return {"w_out": w}

    def after(self, v: Values, w: int) -> int:
        """Return the weight of a pair that counts, after update, fading and centring."""
        return self.centred(v, self.faded(v, self.updated(v, w)))

    def counts(self, v: Values) -> bool:
        """Return whether there is a pair: both active, and a link."""
        linked = not (self.formats.mask and v["w_in"] == self.formats.no_link)
        return bool(v["act_i"] and v["act_j"]) and linked

    def distance(self, v: Values) -> int:
        """Return |d|, the distance of the phases on the circle."""
        turn = 1 << self.formats.phase_bits
        d = (v["phi_j"] - v["phi_i"]) % turn
        return min(d, turn - d)

    def near(self, v: Values) -> bool:
        """Return whether the pair counts as in phase."""
        return self.distance(v) <= v["u_g"]

    def side(self, v: Values) -> int:
        """Return the step that this pass has for the pair: +1, -1 or 0."""
        if self.near(v):
            return v.get("g_plus", 1)
        return -v.get("g_minus", 1)

    def unheld(self, v: Values) -> bool:
        """Return whether the margin gate is open."""
        return not (v["gate_i"] and v["gate_j"])

    def resonant(self, v: Values) -> bool:
        """Return whether the resonance gate is open."""
        f = self.formats
        return not f.resonance or abs(v["om_i"] - v["om_j"]) < f.theta_r

    def limited(self, w: int) -> int:
        """Return a weight limited to its range."""
        return max(-self.formats.w_max, min(self.formats.w_max, w))

    def updated(self, v: Values, w: int) -> int:
        """Return the weight after the update event."""
        if v["r_eta"] and self.unheld(v) and self.resonant(v):
            return self.limited(w + self.side(v))
        return w

    def fades(self, v: Values) -> bool:
        """Return whether an event of decay or of a full row happens."""
        f = self.formats
        shrinks = f.budget and v["r_shrink"] and (v["over_i"] or v["over_j"])
        return bool(shrinks or (f.decay and v["r_decay"]))

    def faded(self, v: Values, w: int) -> int:
        """Return the weight after the step towards 0."""
        if self.fades(v) and abs(w) > v["u_decay"]:
            return w - 1 if w > 0 else w + 1
        return w

    def centred(self, v: Values, w: int) -> int:
        """Return the weight after the step against the means of its rows."""
        if not self.formats.centring:
            return w
        lean = v["lean_i"] + v["lean_j"]
        if v["r_push"] < abs(lean):
            return self.limited(w - 1 if lean > 0 else w + 1)
        return w


class UpdateRule(FunctionRule):
    """From the finished sum of an oscillator to the increment of its phase.

    ``delta = saturate(round_shift(K S + ((F T[psi - top] - k_s T[2 top]) << SX), SH))``;
    ``inc = omega + delta + dither``, or 0 while clamped.
    """

    unit = "update"

    def allowed(self, v: Values) -> bool:
        """Return whether sum and dither are within their largest values."""
        f = self.formats
        return abs(v["acc"]) <= f.sum_max and v["dither"] <= f.dither_shift_max + 1

    def apply(self, v: Values) -> dict[str, int]:
        """Return torque and increment."""
        delta = self.saturated(self.rounded(self.torque(v)))
        return {"delta": delta, "inc": self.increment(v, delta)}

    def pull(self, v: Values) -> int:
        """Return the input term F T[psi - top]."""
        return v["strength"] * self.formats.coupling[self._turn(v["psi"] - v["phi_top"])]

    def split(self, v: Values) -> int:
        """Return the second-harmonic term k_s T[2 top]."""
        return v["shil"] * self.formats.coupling[self._turn(2 * v["phi_top"])]

    def torque(self, v: Values) -> int:
        """Return the torque before shift and rounding."""
        external = (self.pull(v) - self.split(v)) << self.formats.strength_shift
        return v["gain"] * v["acc"] + external

    def rounded(self, x: int) -> int:
        """Return the torque in LSB of the phase."""
        return round_shift(x, self.formats.shift)

    def saturated(self, delta: int) -> int:
        """Return the torque limited to half a turn."""
        return max(-self.formats.delta_max, min(self.formats.delta_max, delta))

    def kick(self, v: Values) -> int:
        """Return the dither."""
        sign = (0, 1, -1, 0)[v["u_dither"]]
        return sign << (v["dither"] - 1) if v["dither"] else 0

    def increment(self, v: Values, delta: int) -> int:
        """Return what the phase moves by."""
        return 0 if v["clamp"] else v["omega"] + delta + self.kick(v)

    def _turn(self, index: int) -> int:
        return index & ((1 << self.formats.phase_bits) - 1)


class NeuronRule(StateRule):
    """The phase accumulator: moves on by omega + delta, or takes a phase; only it wraps."""

    unit = "neuron"

    def reset_state(self) -> int:
        """Return phase 0."""
        return 0

    def next_state(self, state: int, v: Values) -> int:
        """Load, else move on, else stay."""
        if v["load"]:
            return v["phi_load"]
        if v["en"]:
            return (state + v["omega"] + v["delta"]) & ((1 << self.formats.accumulator_bits) - 1)
        return state

    def observe(self, state: int) -> dict[str, int]:
        """Return the phase and its leading bits."""
        f = self.formats
        return {"phi": state, "phi_top": state >> (f.accumulator_bits - f.phase_bits)}


class PrngRule(StateRule):
    """A random stream: leaps over a draw of `drai_hw.model.prng.LEAP` bits, or takes a seed.

    After a reset it stands at the start of the update stream of lane 0.
    """

    unit = "prng"

    def allowed(self, v: Values) -> bool:
        """Return False for the seed 0: that state would never be left."""
        return not v["load"] or v["seed"] != 0

    def reset_state(self) -> int:
        """Return the start of the update stream of lane 0."""
        return self.formats.eta_seeds[0]

    def next_state(self, state: int, v: Values) -> int:
        """Load, else leap, else stay."""
        if v["load"]:
            return v["seed"]
        return prng.leap(state, prng.LEAP) if v["step"] else state

    def observe(self, state: int) -> dict[str, int]:
        """Return the draw, which is the state."""
        return {"bits": state}


RULES: dict[str, type[UnitRule]] = {
    rule.unit: rule for rule in (SynapseRule, NeuronRule, UpdateRule, PrngRule)
}


def rule_of(unit: str, formats: Formats) -> UnitRule:
    """Return the rule of a unit in the formats of a network.

    Raises
    ------
    SpecError
        There is no such unit, or this network has none.
    """
    check_unit(unit)
    return RULES[unit](formats)
