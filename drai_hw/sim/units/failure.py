"""The first difference of a module from its rule, and all that is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from drai_hw.files import write_whole
from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.judge import Expected, Mismatch, Timing, origin, predict
from drai_hw.sim.units.portmap import PortMap, wanted_ports
from drai_hw.sim.units.session import Outputs, Record
from drai_hw.sim.units.shrink import Shrinker
from drai_hw.sim.units.stimulus import Values
from drai_hw.sim.units.suspects import Finding, diagnose
from drai_hw.sim.units.vcd import vcd

WAVES_FILE = "failure.vcd"


@dataclass(frozen=True)
class Failure:
    """The first difference, and what is known of it.

    Attributes
    ----------
    part : str
        Part of the test.
    clock : int
        Clock of the whole test, from 0.
    wrong : Mismatch or None
        The difference; None where the test could not go on.
    inputs : dict of str to int
        Inputs that it is about.
    expected, got : dict
        All outputs of that clock.
    findings : list of Finding
        Mistakes that explain it, the best first.
    words : str
        One sentence.
    shortest : list of dict
        Shortest failing clocks, to be played after a reset; empty where it did not come again.
    waves : Path or None
        Their waveform.
    """

    part: str
    clock: int
    wrong: Mismatch | None
    inputs: dict[str, int]
    expected: dict[str, int]
    got: Outputs
    findings: list[Finding]
    words: str
    shortest: list[Values]
    waves: Path | None

    @property
    def rule(self) -> str:
        """The rule that was broken, "unknown" if no known mistake explains it."""
        return self.findings[0].rule if self.findings else "unknown"

    def record(self) -> dict[str, Any]:
        """Return it as plain data."""
        return {
            "part": self.part,
            "clock": self.clock,
            "port": self.wrong.port if self.wrong else None,
            "inputs": self.inputs,
            "expected": self.expected,
            "got": self.got,
            "rule": self.rule,
            "words": self.words,
            "certain": bool(self.findings and self.findings[0].certain),
            "suspects": [finding.record() for finding in self.findings],
            "shortest": self.shortest,
            "waves": str(self.waves) if self.waves else None,
        }


def failure_of(
    rule: UnitRule,
    record: Record,
    cycles: list[Values],
    trace: list[Outputs],
    expected: Sequence[Expected],
    timing: Timing,
    wrong: list[Mismatch],
    shrinker: Shrinker,
) -> Failure:
    """Describe the first difference, name what explains it, and look for the shortest one."""
    first = wrong[0]
    # Unknown bits are there once only, after power-up; what comes again is better to look at.
    clear = next((item for item in wrong if item.got is not None), first)
    findings = diagnose(rule, cycles, trace, timing, wrong)
    at = origin(cycles, trace, first, timing)
    words = findings[0].told if findings else _unexplained(rule, wrong, record.trouble)
    return Failure(
        part=_part_of(record, first.clock),
        clock=first.clock,
        wrong=first,
        inputs={port.name: cycles[at][port.name] for port in rule.inputs},
        expected=dict(expected[first.clock] or {}),
        got=dict(trace[first.clock]),
        findings=findings,
        words=words,
        shortest=shrinker.shortest(cycles, trace, clear) or [],
        waves=None,
    )


def _unexplained(rule: UnitRule, wrong: Sequence[Mismatch], trouble: str | None) -> str:
    """Describe differences that no known mistake explains."""
    ports = sorted({item.port for item in wrong})
    if all(item.got is None for item in wrong):
        return f"{', '.join(ports)}: unknown bits (X): is a register without reset read?"
    if ports == ["valid"]:
        late = sum(item.expected == 1 for item in wrong)
        return trouble or f"valid: {late} results missing, {len(wrong) - late} without a sample"
    flips = 0
    bits = {port.name: (1 << port.bits) - 1 for port in rule.outputs}
    for item in wrong:
        if item.got is not None and item.port in bits:
            flips |= (item.got ^ item.expected) & bits[item.port]
    return (
        f"no known mistake does this; {', '.join(ports)} differ{'s' * (len(ports) == 1)} in "
        f"{len(wrong)} places, in bits {_bit_list(flips)}"
    )


def _bit_list(mask: int) -> str:
    return ", ".join(str(bit) for bit in range(mask.bit_length()) if mask >> bit & 1) or "none"


def stopped(record: Record, cycles: list[Values]) -> Failure:
    """Describe a test that could not go on."""
    words = record.trouble or ""
    kind = "handshake" if words.startswith("in_ready") else "valid"
    finding = Finding(kind, words, 1, 1, 0)
    last = record.parts[-1]
    return Failure(
        last.name, len(cycles) - 1, None, {}, {}, dict(last.trace[-1]), [finding], words, [], None
    )


def with_waves(
    failure: Failure,
    shrinker: Shrinker,
    rule: UnitRule,
    timing: Timing,
    connect: PortMap,
    top: str,
    folder: Path,
) -> Failure:
    """Write the waveform of the shortest failure."""
    if not failure.shortest:
        return failure
    part = shrinker.play(failure.shortest)
    expected = predict(rule, part.cycles, part.trace, timing)
    ports = [port for port in wanted_ports(rule.unit, rule.formats, connect) if port.name != "clk"]
    path = folder / WAVES_FILE
    write_whole(path, vcd(top, ports, part.cycles, part.trace, expected))
    return replace(failure, waves=path)


def _part_of(record: Record, clock: int) -> str:
    for part in record.parts:
        if clock < len(part.trace):
            return part.name
        clock -= len(part.trace)
    return record.parts[-1].name
