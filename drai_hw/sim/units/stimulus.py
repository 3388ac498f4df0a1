"""Inputs for units: corners aimed at each rule, and random ones that crowd around the corners."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator

from drai_hw.model.unit_ports import Port
from drai_hw.model.unit_rules import UnitRule

Values = dict[str, int]
SETTING_BURST = 24  # samples between two changes of a setting


def corner(rng: random.Random, port: Port) -> int:
    """Return a value of a port: a limit or a small number in two of five cases."""
    kind = rng.random()
    if kind < 0.15:
        return port.low
    if kind < 0.3:
        return port.high
    if kind < 0.4:
        return max(port.low, min(port.high, rng.choice([-1, 0, 1])))
    return rng.randint(port.low, port.high)


def random_sample(rule: UnitRule, rng: random.Random) -> Values:
    """Return one sample for which the rule says something."""
    while True:
        values = {port.name: corner(rng, port) for port in rule.inputs}
        _AIM[rule.unit](rule, values, rng)
        if rule.allowed(values):
            return values


def _aim_synapse(rule: UnitRule, v: Values, rng: random.Random) -> None:
    f = rule.formats
    turn, half = 1 << f.phase_bits, 1 << (f.phase_bits - 1)
    aim = rng.random()
    if aim < 0.5:  # ties at the threshold, equal and opposite phases
        distance = rng.choice([v["u_g"], v["u_g"] + 1, 0, half, half - 1, 1])
        v["phi_j"] = (v["phi_i"] + rng.choice([-1, 1]) * distance) % turn
    if rng.random() < 0.6:  # the edges of the resonance window
        gap = rng.choice([0, f.theta_r - 1, f.theta_r, f.theta_r + 1]) * rng.choice([-1, 1])
        low, high = -(1 << (f.frequency_bits - 1)), (1 << (f.frequency_bits - 1)) - 1
        if low <= v["om_i"] - gap <= high:
            v["om_j"] = v["om_i"] - gap
    if rng.random() < 0.75:  # most samples are pairs that learn
        v["en"] = v["act_i"] = v["act_j"] = 1
        v["r_eta"] = int(rng.random() < 0.85)
        v["gate_i"], v["gate_j"] = rng.choice([(0, 0), (0, 0), (0, 1), (1, 0), (1, 1)])
        if f.one_sided and rng.random() < 0.6:
            v["g_plus"] = v["g_minus"] = 1
        if rng.random() < 0.15:
            v["act_i"], v["act_j"] = rng.choice([(0, 0), (0, 1), (1, 0)])
    if rng.random() < 0.25:
        v["w_in"] = rng.choice([f.w_max, -f.w_max, f.w_max - 1, 1 - f.w_max, 1, -1])
    if f.mask and rng.random() < 0.1:
        v["w_in"] = f.no_link
    if rng.random() < 0.4:  # ties of the decay, before and after the update
        v["u_decay"] = max(0, min(f.w_max, abs(v["w_in"]) + rng.choice([-2, -1, 0, 1])))


def _aim_update(rule: UnitRule, v: Values, rng: random.Random) -> None:
    f = rule.formats
    v["acc"] = max(-f.sum_max, min(f.sum_max, v["acc"]))
    if rng.random() < 0.5:
        v["acc"] = rng.randint(-f.sum_max, f.sum_max) >> rng.randint(0, f.acc_bits)
    if rng.random() < 0.5:
        v["strength"] = 0
    if rng.random() < 0.75:
        v["en"] = 1
        v["clamp"] = 0
    if rng.random() < 0.3:
        v["omega"] >>= rng.randint(0, f.accumulator_bits)


def _aim_neuron(rule: UnitRule, v: Values, rng: random.Random) -> None:
    if rng.random() < 0.8:
        v["load"], v["en"] = 0, 1
    if rng.random() < 0.5:
        v["delta"] >>= rng.randint(0, rule.formats.accumulator_bits)


def _aim_prng(rule: UnitRule, v: Values, rng: random.Random) -> None:
    if rng.random() < 0.85:
        v["load"], v["step"] = 0, 1
    v["seed"] = v["seed"] or 1


_AIM: dict[str, Callable[[UnitRule, Values, random.Random], None]] = {
    "synapse": _aim_synapse,
    "update": _aim_update,
    "neuron": _aim_neuron,
    "prng": _aim_prng,
}


def setting_values(rule: UnitRule, rng: random.Random) -> Values:
    """Return new values of all settings: gains that bring ties of rounding among them."""
    f = rule.formats
    values = {port.name: corner(rng, port) for port in rule.inputs if port.setting}
    if "gain" in values:
        kind = rng.random()
        if kind < 0.35 and f.shift - 1 < 16:
            values["gain"] = 1 << (f.shift - 1)
        elif kind < 0.6:
            values["gain"] = rng.randint(0, 1 << rng.randint(1, 16)) & 0xFFFF
        most = f.dither_shift_max + 1
        values["dither"] = rng.choice([0, 1, most, rng.randint(0, most)])
        if rng.random() < 0.4:
            values["shil"] = 0
    return values


def idle(rule: UnitRule) -> Values:
    """Return inputs that ask for nothing."""
    return {port.name: 0 for port in rule.inputs} | {"rst": 0}


def scenarios(
    rule: UnitRule, seed: int, samples: int, drain: int
) -> Iterator[tuple[str, list[Values]]]:
    """Return the parts of a test: name and clocks of each.

    Parameters
    ----------
    rule : UnitRule
        What is asked of the unit.
    seed : int
        Seed; the same one gives the same clocks.
    samples : int
        Samples of the part without gaps, about half of all.
    drain : int
        Clocks after which the last sample of a part has come out.
    """
    rng = random.Random(f"{rule.unit} {seed}")
    rest = [idle(rule)] * drain
    reset = [{**idle(rule), "rst": 1}] * 2
    settings = setting_values(rule, rng)

    def sample() -> Values:
        return {**random_sample(rule, rng), "rst": 0, **settings}

    quiet = {**idle(rule), **settings}
    single: list[Values] = []
    for _ in range(max(8, samples // 50)):
        single += [sample() | _GO[rule.unit], *([quiet] * drain)]
    yield "one at a time", [*reset, *single]

    stream: list[Values] = []
    for number in range(samples):
        if settings and number % SETTING_BURST == 0:
            stream += [quiet] * drain
            settings = setting_values(rule, rng)
            quiet = {**idle(rule), **settings}
            stream += [quiet]
        stream.append(sample())
    yield "one a clock", [*reset, *stream, *([quiet] * drain)]

    gaps: list[Values] = []
    for _ in range(samples // 3):
        gaps += [sample()]
        if rng.random() < 0.5:  # inputs go on moving while nothing is asked
            gaps += [{**sample(), **_STOP[rule.unit]} for _ in range(rng.randint(1, 4))]
    yield "with gaps", [*reset, *gaps, *([quiet] * drain)]

    resets: list[Values] = []
    for _ in range(max(10, samples // 25)):
        resets += [sample() | _GO[rule.unit] for _ in range(rng.randint(1, 2 * drain))]
        hit = [{**sample(), "rst": 1} for _ in range(rng.randint(1, 3))]
        resets += [*hit, *([quiet] * rng.choice([0, 1, drain]))]
    yield "reset in the middle", [*reset, *resets, *([quiet] * drain), *rest]


_GO: dict[str, Values] = {
    "synapse": {"en": 1},
    "update": {"en": 1},
    "neuron": {"en": 1},
    "prng": {"step": 1},
}
_STOP: dict[str, Values] = {
    "synapse": {"en": 0},
    "update": {"en": 0},
    "neuron": {"en": 0, "load": 0},
    "prng": {"step": 0, "load": 0},
}
