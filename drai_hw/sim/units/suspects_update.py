"""Mistakes in the arithmetic of the phase increment."""

from __future__ import annotations

from collections.abc import Iterator

from drai_hw.model.unit_rules import UnitRule, UpdateRule, Values
from drai_hw.sim.units.suspects import Suspect


class _Truncates(UpdateRule):
    def rounded(self, x: int) -> int:
        return x >> self.formats.shift


class _HalfAway(UpdateRule):
    def rounded(self, x: int) -> int:
        size = (abs(x) + (1 << self.formats.shift >> 1)) >> self.formats.shift
        return size if x >= 0 else -size


class _TowardsZero(UpdateRule):
    def rounded(self, x: int) -> int:
        size = abs(x) >> self.formats.shift
        return size if x >= 0 else -size


class _HalfDown(UpdateRule):
    def rounded(self, x: int) -> int:
        return (x + (1 << self.formats.shift >> 1) - 1) >> self.formats.shift


class _HalfEven(UpdateRule):
    def rounded(self, x: int) -> int:
        shift = self.formats.shift
        up = super().rounded(x)
        tie = x % (1 << shift) == 1 << shift >> 1
        return up - (up & 1) if tie else up


class _RoundsUp(UpdateRule):
    def rounded(self, x: int) -> int:
        return (x + (1 << self.formats.shift)) >> self.formats.shift


class _ShiftMore(UpdateRule):
    def rounded(self, x: int) -> int:
        shift = self.formats.shift + 1
        return (x + (1 << shift >> 1)) >> shift


class _ShiftLess(UpdateRule):
    def rounded(self, x: int) -> int:
        shift = self.formats.shift - 1
        return (x + (1 << shift >> 1)) >> shift


class _Wraps(UpdateRule):
    def saturated(self, delta: int) -> int:
        turn = 1 << self.formats.accumulator_bits
        return (delta + turn // 2) % turn - turn // 2


class _Asymmetric(UpdateRule):
    def saturated(self, delta: int) -> int:
        return max(-self.formats.delta_max - 1, min(self.formats.delta_max, delta))


class _SumSign(UpdateRule):
    def torque(self, v: Values) -> int:
        return super().torque({**v, "acc": -v["acc"]})


class _GainSigned(UpdateRule):
    def torque(self, v: Values) -> int:
        gain = v["gain"] - (v["gain"] >> 15 << 16)
        return super().torque({**v, "gain": gain})


class _PullSign(UpdateRule):
    def pull(self, v: Values) -> int:
        return -super().pull(v)


class _NoPull(UpdateRule):
    def pull(self, v: Values) -> int:
        return 0


class _PullFixed(UpdateRule):
    def pull(self, v: Values) -> int:
        return super().pull({**v, "phi_top": 0})


class _SplitSign(UpdateRule):
    def split(self, v: Values) -> int:
        return -super().split(v)


class _NoSplit(UpdateRule):
    def split(self, v: Values) -> int:
        return 0


class _FirstHarmonic(UpdateRule):
    def split(self, v: Values) -> int:
        return v["shil"] * self.formats.coupling[v["phi_top"]]


class _ExternalUnshifted(UpdateRule):
    def torque(self, v: Values) -> int:
        return v["gain"] * v["acc"] + self.pull(v) - self.split(v)


class _ExternalMore(UpdateRule):
    def torque(self, v: Values) -> int:
        external = (self.pull(v) - self.split(v)) << (self.formats.strength_shift + 1)
        return v["gain"] * v["acc"] + external


class _DitherSign(UpdateRule):
    def kick(self, v: Values) -> int:
        return -super().kick(v)


class _DitherDouble(UpdateRule):
    def kick(self, v: Values) -> int:
        return 2 * super().kick(v)


class _DitherThree(UpdateRule):
    def kick(self, v: Values) -> int:
        return super().kick({**v, "u_dither": 2 if v["u_dither"] == 3 else v["u_dither"]})


class _DitherCodes(UpdateRule):
    def kick(self, v: Values) -> int:
        code = v["u_dither"]
        return super().kick({**v, "u_dither": (code & 1) << 1 | code >> 1})


class _NoDither(UpdateRule):
    def kick(self, v: Values) -> int:
        return 0


class _DitherOfNone(UpdateRule):
    def kick(self, v: Values) -> int:
        return (0, 1, -1, 0)[v["u_dither"]] << v["dither"]


class _NoClamp(UpdateRule):
    def increment(self, v: Values, delta: int) -> int:
        return super().increment({**v, "clamp": 0}, delta)


class _ClampTorqueOnly(UpdateRule):
    def increment(self, v: Values, delta: int) -> int:
        return super().increment({**v, "clamp": 0}, 0 if v["clamp"] else delta)


class _NoOmega(UpdateRule):
    def increment(self, v: Values, delta: int) -> int:
        return super().increment({**v, "omega": 0}, delta)


class _IncrementWraps(UpdateRule):
    def increment(self, v: Values, delta: int) -> int:
        turn = 1 << self.formats.accumulator_bits
        return (super().increment(v, delta) + turn // 2) % turn - turn // 2


class _IncrementLimited(UpdateRule):
    def increment(self, v: Values, delta: int) -> int:
        return self.saturated(super().increment(v, delta))


def suspects(rule: UnitRule) -> Iterator[Suspect]:
    """Yield the mistakes of an update unit."""
    f = rule.formats
    yield Suspect("rounding", "the shift truncates; the rule adds half an LSB first", _Truncates)
    yield Suspect("rounding", "halves are rounded away from 0; the rule rounds them up", _HalfAway)
    yield Suspect("rounding", "the shift cuts towards 0; the rule rounds half up", _TowardsZero)
    yield Suspect("rounding", "halves are rounded down; the rule rounds them up", _HalfDown)
    yield Suspect("rounding", "halves are rounded to even; the rule rounds them up", _HalfEven)
    yield Suspect(
        "rounding", "a whole LSB is added before the shift; the rule adds half", _RoundsUp
    )
    yield Suspect("shift", f"shifted by {f.shift + 1}; SH is {f.shift}", _ShiftMore)
    yield Suspect("shift", f"shifted by {f.shift - 1}; SH is {f.shift}", _ShiftLess)
    yield Suspect("saturation", f"delta wraps; it has to stay at +-{f.delta_max}", _Wraps)
    yield Suspect("saturation", f"delta falls to {-f.delta_max - 1}; its range is symmetric, "
                  f"+-{f.delta_max}", _Asymmetric)  # fmt: skip
    yield Suspect("sign", "the sum counts with the wrong sign", _SumSign)
    yield Suspect("sign", "gain is read as a signed number", _GainSigned)
    yield Suspect("input term", "F T[psi - top] has the wrong sign", _PullSign)
    yield Suspect("input term", "F T[psi - top] is missing", _NoPull)
    yield Suspect("input term", "T[psi] instead of T[psi - top]", _PullFixed)
    yield Suspect(
        "second harmonic", "k_s T[2 top] has the wrong sign: it is subtracted", _SplitSign
    )
    yield Suspect("second harmonic", "k_s T[2 top] is missing", _NoSplit)
    yield Suspect("second harmonic", "T[top] instead of T[2 top]", _FirstHarmonic)
    yield Suspect("shift", "input and second harmonic are not shifted left by "
                  f"SX = {f.strength_shift}", _ExternalUnshifted)  # fmt: skip
    yield Suspect(
        "shift", "input and second harmonic are shifted left once too often", _ExternalMore
    )
    yield Suspect("dither", "its sign is the other way round", _DitherSign)
    yield Suspect("dither", "it is twice as large: register value s + 1 means 2^s", _DitherDouble)
    yield Suspect("dither", "code 3 subtracts; it is 0 like code 0", _DitherThree)
    yield Suspect("order of random bits", "the two bits of u_dither are exchanged", _DitherCodes)
    yield Suspect("dither", "it has no effect", _NoDither)
    yield Suspect("dither", "register value s means 2^s, 0 included; the rule has s + 1, and 0 for "
                  "none", _DitherOfNone)  # fmt: skip
    yield Suspect("clamp", "it is ignored", _NoClamp)
    yield Suspect(
        "clamp", "it stops the torque only; tuning word and dither go on", _ClampTorqueOnly
    )
    yield Suspect("tuning word", "omega has no effect", _NoOmega)
    yield Suspect("saturation", "inc wraps at A bits; it has A + 2", _IncrementWraps)
    yield Suspect("saturation", "inc saturates; only delta does", _IncrementLimited)
