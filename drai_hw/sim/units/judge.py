"""What a unit has to show clock by clock, and where a trace differs from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from drai_hw.model.unit_rules import FunctionRule, StateRule, UnitRule

Cycle = Mapping[str, int]
"""Inputs of one clock, ``rst`` among them; with a handshake ``out_ready``, too."""
Seen = Mapping[str, int | None]
"""Outputs just before the edge of one clock; None where a bit is unknown."""
Expected = Mapping[str, int] | None


@dataclass(frozen=True)
class Timing:
    """How samples travel: fixed latency, or handshake; and deviations that a suspect has.

    Parameters
    ----------
    latency : int
        Clocks from input to output; 1 for units with a state.
    handshake : bool
        Order counts, not clocks.
    skew : mapping of str to int
        Clocks by which an input is taken from an earlier clock (negative: later).
    leak : int or None
        Stage of ``valid`` that a reset does not clear.
    no_reset : bool
        A reset clears nothing.
    """

    latency: int
    handshake: bool = False
    skew: Mapping[str, int] = field(default_factory=dict)
    leak: int | None = None
    no_reset: bool = False


def sample_at(cycles: Sequence[Cycle], index: int, skew: Mapping[str, int]) -> Cycle:
    """Return the inputs of a clock, some of them taken from another one."""
    if not skew:
        return cycles[index]
    last = len(cycles) - 1
    moved = {
        name: cycles[min(max(index - clocks, 0), last)][name]
        for name, clocks in skew.items()
        if name in cycles[index]
    }
    return {**cycles[index], **moved}


def predict(
    rule: UnitRule, cycles: Sequence[Cycle], trace: Sequence[Seen], timing: Timing
) -> list[Expected]:
    """Return the outputs that have to be seen in each clock; None where nothing is said."""
    if isinstance(rule, StateRule):
        return _states(rule, cycles, timing)
    assert isinstance(rule, FunctionRule)
    if timing.handshake:
        return _queue(rule, cycles, trace, timing)
    return _pipeline(rule, cycles, timing)


def _states(rule: StateRule, cycles: Sequence[Cycle], timing: Timing) -> list[Expected]:
    out: list[Expected] = []
    state: int | None = None
    for index, cycle in enumerate(cycles):
        out.append(None if state is None else rule.observe(state))
        if cycle["rst"] and not timing.no_reset:
            state = rule.after_reset(state)
        elif state is not None or cycle["load"]:
            values = sample_at(cycles, index, timing.skew)
            state = rule.next_state(state or 0, values) if rule.allowed(values) else None
    return out


def _result(rule: FunctionRule, cycles: Sequence[Cycle], index: int, timing: Timing) -> Cycle:
    """Return the outputs for the sample of a clock, none where the rule says nothing."""
    if not rule.allowed(cycles[index]):
        return {}
    return rule.apply(sample_at(cycles, index, timing.skew))


def _pipeline(rule: FunctionRule, cycles: Sequence[Cycle], timing: Timing) -> list[Expected]:
    out: list[Expected] = []
    stages: list[int | None] = [None] * timing.latency
    known = False
    for index, cycle in enumerate(cycles):
        arriving = index if cycle["en"] else None
        head = stages[-1] if stages else arriving
        if not known or (not stages and cycle["rst"]):
            out.append(None)
        elif head is None:
            out.append({"valid": 0})
        else:
            out.append({"valid": 1, **_result(rule, cycles, head, timing)})
        moved = [arriving, *stages][: timing.latency]
        if cycle["rst"]:
            known = True
            if not timing.no_reset:
                moved = [x if k == timing.leak else None for k, x in enumerate(moved)]
        stages = moved
    return out


def _queue(
    rule: FunctionRule, cycles: Sequence[Cycle], trace: Sequence[Seen], timing: Timing
) -> list[Expected]:
    """Follow samples through a unit with a handshake, in the order in which it took them."""
    out: list[Expected] = []
    waiting: list[int] = []
    known = held = False
    for index, (cycle, seen) in enumerate(zip(cycles, trace, strict=True)):
        expected: dict[str, int] = {}
        if known and not cycle["rst"]:
            if held or not waiting:
                expected["valid"] = int(held)  # offered results stay; none comes from nothing
            if waiting and seen.get("valid") != 0:
                expected["valid"] = 1
                expected.update(_result(rule, cycles, waiting[0], timing))
            if seen.get("in_ready") is None:
                expected["in_ready"] = 1
        out.append(expected if known else None)
        taken = bool(seen.get("valid") and cycle["out_ready"])
        held = bool(known and seen.get("valid") and not taken and not cycle["rst"])
        if taken and waiting:
            waiting.pop(0)
        if cycle["en"] and seen.get("in_ready"):
            waiting.append(index)
        if cycle["rst"]:
            known, held, waiting = True, False, []
    if waiting and out:  # a sequence ends with clocks enough to bring every result
        out[-1] = {**(out[-1] or {}), "valid": 1}
    return out


@dataclass(frozen=True)
class Mismatch:
    """One output in one clock.

    Attributes
    ----------
    clock : int
        Clock of the sequence.
    port : str
        Output.
    expected : int
        What the rule gives.
    got : int or None
        What was seen; None: unknown bits.
    """

    clock: int
    port: str
    expected: int
    got: int | None


def differences(
    expected: Sequence[Expected], trace: Sequence[Seen], *, limit: int | None = None
) -> list[Mismatch]:
    """Return where a trace differs, at most the first ``limit`` places.

    Outputs that the module does not have are not in the trace, and not compared.
    """
    out: list[Mismatch] = []
    for clock, (want, seen) in enumerate(zip(expected, trace, strict=True)):
        if not want:
            continue
        for port, value in want.items():
            if port in seen and seen[port] != value:
                out.append(Mismatch(clock, port, value, seen[port]))
        if limit is not None and len(out) >= limit:
            break
    return out


def origin(cycles: Sequence[Cycle], trace: Sequence[Seen], wrong: Mismatch, timing: Timing) -> int:
    """Return the clock of the inputs that a mismatch is about."""
    if timing.handshake:
        queue: list[int] = []
        for clock in range(wrong.clock):
            if trace[clock].get("valid") and cycles[clock]["out_ready"] and queue:
                queue.pop(0)
            if cycles[clock]["en"] and trace[clock].get("in_ready"):
                queue.append(clock)
            if cycles[clock]["rst"]:
                queue = []
        return queue[0] if queue else wrong.clock
    return max(0, wrong.clock - timing.latency)
