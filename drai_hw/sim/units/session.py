"""What is done to a unit: its latency found, the stimulus played, or given clocks again."""

from __future__ import annotations

import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.portmap import MAX_LATENCY
from drai_hw.sim.units.stimulus import Values, idle, random_sample, scenarios

Outputs = dict[str, int | None]

SETTLE_CLOCKS = 4
HOLD_LIMIT_CLOCKS = 1000
DRAIN_CLOCKS = 96


class Player(Protocol):
    """Anything that plays clocks on a module."""

    def play(
        self, cycles: list[Values], hold_limit: int = 0
    ) -> tuple[list[Values], list[Outputs], bool]:
        """Return the clocks given, the outputs before each edge, and whether it got stuck."""


@dataclass
class Part:
    """A part of a test, with what was seen in it."""

    name: str
    cycles: list[Values] = field(default_factory=list)
    trace: list[Outputs] = field(default_factory=list)


@dataclass
class Record:
    """What came of a test.

    Attributes
    ----------
    latency : int
        Latency, declared or found.
    parts : list of Part
        All clocks, in their order.
    trouble : str or None
        Why it ended early: no result came, or no sample was taken.
    timed : bool
        The latency is known, so that clocks can be judged.
    """

    latency: int = 0
    parts: list[Part] = field(default_factory=list)
    trouble: str | None = None
    timed: bool = True

    @property
    def clocks(self) -> int:
        """Clocks simulated."""
        return sum(len(part.trace) for part in self.parts)


def examine(
    player: Player,
    rule: UnitRule,
    *,
    seed: int,
    samples: int,
    latency: int | None = None,
    handshake: bool = False,
) -> Record:
    """Play the whole stimulus of a rule.

    Parameters
    ----------
    player : Player
        The module.
    rule : UnitRule
        What is asked of it.
    seed, samples : int
        See `drai_hw.sim.units.stimulus.scenarios`.
    latency : int, optional
        Declared latency; without it, the one that single samples show.
    handshake : bool
        The module has ``in_ready`` and ``out_ready``.
    """
    record = Record(latency or 0)
    if rule.pipeline and latency is None and not handshake:
        record.parts.append(_discover(player, rule, seed, record))
        if record.trouble:
            return record
    drain = DRAIN_CLOCKS if handshake else max(record.latency, 1) + 2
    for name, cycles in scenarios(rule, seed, samples, min(drain, MAX_LATENCY)):
        wanted = _back_pressure(cycles, seed) if handshake else cycles
        given, seen, stuck = player.play(wanted, HOLD_LIMIT_CLOCKS if handshake else 0)
        record.parts.append(Part(name, given, seen))
        if stuck:
            record.trouble = (
                f"in_ready stayed low for {HOLD_LIMIT_CLOCKS} clocks with a sample at en and "
                "out_ready high in every other clock: the unit takes no more samples"
            )
            break
    return record


def again(
    player: Player, rule: UnitRule, cycles: Sequence[Values], *, latency: int, handshake: bool
) -> Part:
    """Play given clocks after a reset, and as many after them as bring all results.

    What was played before leaves no trace, even if the module's reset forgets something: a
    pipeline is emptied first, a state is loaded.
    """
    ready = {"out_ready": 1} if handshake else {}
    rest = idle(rule) | ready
    tail = DRAIN_CLOCKS if handshake else latency + 2
    known = {"load": 1, "seed": 1} if "load" in rest else {}
    wanted = [
        *[rest | {name: known[name] for name in known if name in rest}] * tail,
        *[rest | {"rst": 1}] * SETTLE_CLOCKS,
        *cycles,
        *[rest | settings_of(rule, cycles)] * tail,
    ]
    given, seen, _ = player.play(wanted, HOLD_LIMIT_CLOCKS if handshake else 0)
    return Part("again", given[tail:], seen[tail:])


def settings_of(rule: UnitRule, cycles: Sequence[Values]) -> Values:
    """Return the settings that stand at the end of some clocks."""
    last = cycles[-1] if cycles else {}
    return {port.name: last[port.name] for port in rule.inputs if port.setting and last}


def _back_pressure(cycles: Iterable[Values], seed: int) -> list[Values]:
    """Add the readiness of who takes the results: always, seldom, at random."""
    rng = random.Random(seed)
    out: list[Values] = []
    ready, left = 1.0, 0
    for cycle in cycles:
        if not left:
            ready, left = rng.choice([1.0, 0.1, 0.5, 0.9]), rng.randint(20, 80)
        left -= 1
        out.append({**cycle, "out_ready": int(rng.random() < ready)})
    rest = {**out[-1], "en": 0, "rst": 0, "out_ready": 1}
    return out + [rest] * DRAIN_CLOCKS


def _discover(player: Player, rule: UnitRule, seed: int, record: Record) -> Part:
    """Send a single sample and count the clocks until valid."""
    rng = random.Random(seed)
    quiet, reset = idle(rule), {**idle(rule), "rst": 1}
    asked = {**random_sample(rule, rng), "en": 1, "rst": 0}
    quiet |= {port.name: asked[port.name] for port in rule.inputs if port.setting}
    before = [*[reset] * SETTLE_CLOCKS, *[quiet] * (MAX_LATENCY + 2)]
    given, seen, _ = player.play([*before, asked, *[quiet] * (MAX_LATENCY + 1)])
    begun = len(before)
    highs = [clock for clock in range(begun, len(seen)) if seen[clock]["valid"]]
    mend = "no latency can be found; mend valid, or declare unit.latency in the port map"
    if any(outputs["valid"] for outputs in seen[SETTLE_CLOCKS + 1 : begun]):
        record.trouble = f"valid is high without an en after a reset: {mend}"
    elif not highs:
        what = "stayed unknown (X)" if seen[-1]["valid"] is None else "did not rise"
        record.trouble = f"valid {what} within {MAX_LATENCY} clocks of an en: {mend}"
    else:
        record.latency = highs[0] - begun
    record.timed = record.trouble is None
    return Part("latency", given, seen)
