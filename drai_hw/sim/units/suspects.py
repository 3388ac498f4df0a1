"""Mistakes that designers make, as rules of their own: the one that explains a trace is named."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.judge import Cycle, Mismatch, Seen, Timing, differences, predict

FIRST_LOOK = 24
"""Mismatches that a suspect has to explain before it is tried on the whole trace."""


@dataclass(frozen=True)
class Suspect:
    """One mistake.

    Parameters
    ----------
    rule : str
        The rule that it breaks, one or two words: saturation, rounding, gate, ...
    words : str
        What the design does, and what the rule says, in a designer's words.
    make : callable, optional
        Makes the mistaken rule from formats.
    timing : mapping
        Deviations in time, fields of `Timing`.
    """

    rule: str
    words: str
    make: Callable[[Formats], UnitRule] | None = None
    timing: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Finding:
    """What a suspect explains.

    Attributes
    ----------
    rule, words : str
        Those of the suspect.
    explained : int
        Mismatches that it explains.
    of : int
        Mismatches there are.
    contradicted : int
        Outputs that it does not explain, and that the right rule may explain.
    """

    rule: str
    words: str
    explained: int
    of: int
    contradicted: int

    @property
    def certain(self) -> bool:
        """The design does exactly this, in every clock that was looked at."""
        return self.explained == self.of and not self.contradicted

    @property
    def told(self) -> str:
        """The words, with what is left unexplained."""
        if self.certain:
            return self.words
        return (
            f"{self.words} (explains {self.explained} of {self.of} differences; there may be a "
            "second mistake)"
        )

    def record(self) -> dict[str, str | int]:
        """Return it as plain data."""
        return {
            "rule": self.rule, "words": self.words, "explained": self.explained, "of": self.of,
        }  # fmt: skip


def suspects_of(rule: UnitRule) -> list[Suspect]:
    """Return all suspects of a unit, the more likely ones first."""
    from drai_hw.sim.units import suspects_state, suspects_synapse, suspects_update

    own: dict[str, Callable[[UnitRule], Iterator[Suspect]]] = {
        "synapse": suspects_synapse.suspects,
        "update": suspects_update.suspects,
        "neuron": suspects_state.neuron_suspects,
        "prng": suspects_state.prng_suspects,
    }
    return [*own[rule.unit](rule), *_stale(rule)]


def _stale(rule: UnitRule) -> Iterator[Suspect]:
    """Yield inputs that are taken a clock too late or too early."""
    control = {"en", "load", "step"}
    for port in rule.inputs:
        if port.name in control or port.setting:
            continue
        for clocks, word in ((1, "before"), (-1, "after")):
            yield Suspect(
                "stale input",
                f"{port.name} is taken from the clock {word} that of the sample: its path has one "
                f"register too {'many' if clocks > 0 else 'few'}",
                timing={"skew": {port.name: clocks}},
            )
    for group in (("phi_i", "phi_j"), ("om_i", "om_j"), ("omega", "delta")):
        if all(any(port.name == name for port in rule.inputs) for name in group):
            for clocks, word in ((1, "before"), (-1, "after")):
                yield Suspect(
                    "stale input",
                    f"{' and '.join(group)} are taken from the clock {word} that of the sample",
                    timing={"skew": dict.fromkeys(group, clocks)},
                )


def reset_suspects(latency: int) -> Iterator[Suspect]:
    """Yield resets that leave something in a pipeline."""
    yield Suspect(
        "reset",
        "rst clears nothing: samples under way come out after the reset, valid with them",
        timing={"no_reset": True},
    )
    for stage in range(latency):
        yield Suspect(
            "reset",
            f"rst forgets one bit: stage {stage + 1} of {latency} of valid is not cleared",
            timing={"leak": stage},
        )


def diagnose(
    rule: UnitRule,
    cycles: Sequence[Cycle],
    trace: Sequence[Seen],
    timing: Timing,
    wrong: Sequence[Mismatch],
    *,
    most: int = 3,
) -> list[Finding]:
    """Return the mistakes that explain what was seen, the best first.

    A suspect that reproduces the whole trace is certain; if there is one, only such are returned.
    Else those are returned that explain a part of the mismatches and contradict nothing that the
    right rule explains.

    Parameters
    ----------
    rule : UnitRule
        The right rule.
    cycles, trace, timing
        What was done, and seen.
    wrong : sequence of Mismatch
        Where the right rule and the trace differ.
    most : int
        Findings at most.
    """
    places = {item.clock for item in wrong}
    found: list[Finding] = []
    pool = suspects_of(rule)
    if rule.pipeline and not timing.handshake:
        pool = [*reset_suspects(timing.latency), *pool]
    for suspect in pool:
        own = suspect.make(rule.formats) if suspect.make else rule
        when = replace(timing, **suspect.timing)  # type: ignore[arg-type]
        if not timing.handshake and not _promising(own, cycles, trace, when, wrong):
            continue
        left = {item.clock for item in differences(predict(own, cycles, trace, when), trace)}
        explained = len(places - left)
        if explained:
            found.append(
                Finding(
                    suspect.rule, suspect.words, explained, len(places), len(left - places)
                )
            )  # fmt: skip
    certain = [item for item in found if item.certain]
    if certain:
        return certain[:most]
    harmless = [item for item in found if not item.contradicted]
    return sorted(harmless, key=lambda item: -item.explained)[:most]


def _promising(
    rule: UnitRule,
    cycles: Sequence[Cycle],
    trace: Sequence[Seen],
    timing: Timing,
    wrong: Sequence[Mismatch],
) -> bool:
    """Return whether a suspect explains one of the first mismatches, by a look at those alone."""
    until = min(len(cycles), wrong[min(len(wrong), FIRST_LOOK) - 1].clock + 1)
    since = 0
    if rule.pipeline:  # what was long before does not matter
        since = max(0, wrong[0].clock - 2 * timing.latency - 8)
        while since and not cycles[since]["rst"]:
            since -= 1
    part = differences(
        predict(rule, cycles[since:until], trace[since:until], timing), trace[since:until]
    )
    left = {item.clock + since for item in part}
    return any(item.clock not in left for item in wrong if item.clock < until)
