"""Functional coverage: which situations a unit was seen in, and which ones it has to be seen in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import NeuronRule, PrngRule, SynapseRule, UnitRule, UpdateRule
from drai_hw.sim.units.judge import Cycle

Test = Callable[[Cycle], bool]
Goals = dict[str, Test]


def goals(rule: UnitRule) -> Goals:
    """Return the situations by name, each with what tells it from the inputs of a clock."""
    if isinstance(rule, SynapseRule):
        return dict(_synapse(rule))
    if isinstance(rule, UpdateRule):
        return dict(_update(rule))
    if isinstance(rule, NeuronRule):
        return _neuron(rule.formats)
    assert isinstance(rule, PrngRule)
    return _prng()


def measure(rule: UnitRule, cycles: Sequence[Cycle]) -> dict[str, int]:
    """Return how often each situation came up; 0 is a goal that was missed.

    Those about several clocks are counted here: samples back to back, after a gap, resets with
    samples under way.
    """
    found = goals(rule)
    counts = dict.fromkeys(found, 0)
    counts |= {"back to back": 0, "after a gap": 0, "reset while at work": 0}
    go = "step" if rule.unit == "prng" else "en"
    before: Cycle | None = None
    for cycle in cycles:
        if before is not None:
            counts["back to back"] += bool(cycle[go] and before[go] and not before["rst"])
            counts["after a gap"] += bool(cycle[go] and not before[go])
            counts["reset while at work"] += bool(cycle["rst"] and before[go])
        before = cycle
        if cycle["rst"] or not rule.allowed(cycle):
            continue
        for name, test in found.items():
            counts[name] += test(cycle)
    return counts


def _both(one: Test, other: Test) -> Test:
    return lambda v: one(v) and other(v)


def _are(**values: int) -> Test:
    """Return a test of inputs for given values."""
    return lambda v: all(v[name] == value for name, value in values.items())


def _sum_is(total: int, **factors: int) -> Test:
    """Return a test of a weighted sum of inputs."""
    return lambda v: sum(factor * v[name] for name, factor in factors.items()) == total


def _synapse(rule: SynapseRule) -> Iterator[tuple[str, Test]]:
    f = rule.formats
    top, half = f.w_max, 1 << (f.phase_bits - 1)

    def pair(v: Cycle) -> bool:
        return bool(v["en"]) and rule.counts(v)

    def opened(v: Cycle) -> bool:
        return pair(v) and rule.unheld(v) and rule.resonant(v)

    def would_move_if_active(v: Cycle) -> bool:
        linked = rule.counts({**v, "act_i": 1, "act_j": 1})
        return bool(v["en"] and v["r_eta"] and rule.side(v)) and linked and rule.resonant(v)

    def would_move(v: Cycle) -> bool:
        return pair(v) and would_move_if_active(v)

    def moves(v: Cycle) -> int:
        return rule.side(v) if opened(v) and v["r_eta"] else 0

    yield "weight at +max is to rise", lambda v: moves(v) > 0 and v["w_in"] == top
    yield "weight at -max is to fall", lambda v: moves(v) < 0 and v["w_in"] == -top
    yield "weight leaves +max", lambda v: moves(v) < 0 and v["w_in"] == top
    yield "weight leaves -max", lambda v: moves(v) > 0 and v["w_in"] == -top
    yield "weight passes 0", lambda v: moves(v) != 0 and v["w_in"] + moves(v) == 0
    yield "|d| = u_g", lambda v: bool(moves(v)) and rule.distance(v) == v["u_g"]
    yield "|d| = u_g + 1", lambda v: bool(moves(v)) and rule.distance(v) == v["u_g"] + 1
    yield "d = 0", lambda v: bool(moves(v)) and rule.distance(v) == 0
    yield "d = pi", lambda v: bool(moves(v)) and rule.distance(v) == half
    yield "phase wraps from i to j", lambda v: bool(moves(v)) and v["phi_j"] - v["phi_i"] < -half
    yield "phase wraps from j to i", lambda v: bool(moves(v)) and v["phi_j"] - v["phi_i"] > half
    yield "no event", lambda v: opened(v) and not v["r_eta"]
    yield "sample without en", lambda v: not v["en"] and bool(v["r_eta"])
    for i in (0, 1):
        for j in (0, 1):
            yield f"held i = {i}, j = {j}", _both(would_move, _are(gate_i=i, gate_j=j))
            yield f"active i = {i}, j = {j}", _both(would_move_if_active, _are(act_i=i, act_j=j))
    if f.resonance:
        for gap in (f.theta_r - 1, f.theta_r, -f.theta_r, 1 - f.theta_r):
            yield f"om_i - om_j = {gap}", _both(pair, _sum_is(gap, om_i=1, om_j=-1))
        wide = 1 << (f.frequency_bits - 1)
        yield (
            "frequencies too far apart for their bits",
            (lambda v: pair(v) and abs(v["om_i"] - v["om_j"]) >= wide),
        )
    if f.one_sided:
        for name in ("g_plus", "g_minus"):
            yield f"{name} off", _both(opened, _are(**{name: 0}))
    if f.fades:
        yield from _fading(rule, pair, moves).items()
    if f.budget:
        for i in (0, 1):
            for j in (0, 1):
                full = _are(r_shrink=1, over_i=i, over_j=j)
                yield f"full rows i = {i}, j = {j}", _both(pair, full)
    if f.centring:
        for lean in range(-2, 3):
            yield f"lean {lean}", _both(pair, _sum_is(lean, lean_i=1, lean_j=1))
    if f.mask:
        yield "no link", lambda v: bool(v["en"]) and v["w_in"] == f.no_link


def _fading(rule: SynapseRule, pair: Test, moves: Callable[[Cycle], int]) -> Goals:
    def fades(v: Cycle) -> bool:
        return pair(v) and rule.fades(v)

    def crossing(v: Cycle) -> bool:
        before, after = abs(v["w_in"]), abs(rule.updated(v, v["w_in"]))
        return fades(v) and (before > v["u_decay"]) != (after > v["u_decay"])

    def after(v: Cycle) -> int:
        return rule.updated(v, v["w_in"])

    return {
        "|w| = u_decay": lambda v: fades(v) and abs(after(v)) == v["u_decay"],
        "|w| = u_decay + 1": lambda v: fades(v) and abs(after(v)) == v["u_decay"] + 1,
        "positive weight fades": lambda v: fades(v) and after(v) > v["u_decay"],
        "negative weight fades": lambda v: fades(v) and after(v) < -v["u_decay"],
        "weight 0 is to fade": lambda v: fades(v) and after(v) == 0,
        "update decides the decay": crossing,
        "decay with closed gates": lambda v: fades(v) and not rule.unheld(v),
    }


def _update(rule: UpdateRule) -> Iterator[tuple[str, Test]]:
    f = rule.formats
    half = 1 << f.shift >> 1

    def x(v: Cycle) -> int:
        return rule.torque(v) if v["en"] else 0

    def rounded(v: Cycle) -> int:
        return rule.rounded(x(v))

    yield "delta saturates above", lambda v: rounded(v) > f.delta_max
    yield "delta saturates below", lambda v: rounded(v) < -f.delta_max

    def tie(v: Cycle) -> bool:
        return bool(v["en"]) and x(v) % (1 << f.shift) == half and abs(rounded(v)) < f.delta_max

    yield "tie of rounding, positive", lambda v: tie(v) and x(v) > 0
    yield "tie of rounding, negative", lambda v: tie(v) and x(v) < 0
    yield "largest sum", lambda v: bool(v["en"]) and v["acc"] == f.sum_max
    yield "smallest sum", lambda v: bool(v["en"]) and v["acc"] == -f.sum_max
    yield "input pulls", lambda v: bool(v["en"]) and rule.pull(v) != 0
    yield "second harmonic", lambda v: bool(v["en"]) and rule.split(v) != 0

    def dithers(v: Cycle) -> bool:
        return v["dither"] > 0

    for code in range(4):
        yield f"dither code {code}", _both(dithers, _are(en=1, u_dither=code))
    yield (
        "largest dither",
        (lambda v: bool(v["en"]) and v["dither"] == f.dither_shift_max + 1 and rule.kick(v) != 0),
    )
    yield "no dither", lambda v: bool(v["en"]) and v["dither"] == 0
    yield "clamped", lambda v: bool(v["en"] and v["clamp"])
    limit = 1 << (f.accumulator_bits - 1)
    yield (
        "inc needs more bits than the phase",
        (lambda v: bool(v["en"]) and not -limit <= rule.apply(v)["inc"] < limit),
    )


def _neuron(f: Formats) -> Goals:
    half = 1 << (f.accumulator_bits - 1)
    return {
        "load": lambda v: bool(v["load"]) and not v["en"],
        "load with en": lambda v: bool(v["load"] and v["en"]),
        "stays": lambda v: not v["load"] and not v["en"],
        "moves": lambda v: not v["load"] and bool(v["en"]),
        "omega at its limit": lambda v: bool(v["en"]) and v["omega"] in (-half, half - 1),
        "delta at its limit": lambda v: bool(v["en"]) and v["delta"] in (-half, half - 1),
        "omega + delta needs a bit more": lambda v: (
            bool(v["en"]) and not -half <= v["omega"] + v["delta"] < half
        ),
    }


def _prng() -> Goals:
    return {
        "load": lambda v: bool(v["load"]) and not v["step"],
        "load with step": lambda v: bool(v["load"] and v["step"]),
        "stays": lambda v: not v["load"] and not v["step"],
        "steps": lambda v: not v["load"] and bool(v["step"]),
    }
