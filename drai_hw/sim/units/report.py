"""The result of a unit's test: in words for a designer, and as JUnit XML."""

from __future__ import annotations

from collections.abc import Mapping
from xml.etree import ElementTree

from drai_hw.sim.units.failure import Failure
from drai_hw.sim.units.verify import UnitResult

_SHOWN_CLOCKS = 8


def in_words(result: UnitResult) -> str:
    """Return the result as a text of a few lines."""
    goals = len(result.coverage)
    met = goals - len(result.missed)
    head = (
        f"{result.top} as {result.unit}: {result.mismatches} of {result.cycles:,} clocks differ, "
        f"{result.updates:,} results compared, {met} of {goals} situations seen"
    )
    lines = [head + (f", latency {result.latency}" if result.latency is not None else "")]
    if result.missed:
        lines.append(f"  not seen: {', '.join(result.missed)}")
    if result.failure:
        lines += [f"  {line}" for line in failure_in_words(result.failure, result.seed)]
    return "\n".join(lines)


def failure_in_words(failure: Failure, seed: int) -> list[str]:
    """Return what a designer wants to know of a failure, line by line."""
    lines = [f"broken rule  {failure.rule}: {failure.words}"]
    lines += [
        f"or           {other.rule}: {other.words}"
        for other in failure.findings[1:]
        if other.certain
    ]
    lines.append(f"first seen   clock {failure.clock}, in part {failure.part!r}, seed {seed}")
    if failure.wrong:
        lines += [
            f"inputs       {_values(failure.inputs)}",
            f"expected     {_values(failure.expected)}",
            f"got          {_values(failure.got)}",
        ]
    if failure.shortest:
        count = len(failure.shortest)
        lines.append(f"shortest     {count} clock{'s' * (count != 1)} after a reset:")
        lines += [
            f"             {_values(_busy(clock))}" for clock in failure.shortest[:_SHOWN_CLOCKS]
        ]
        if count > _SHOWN_CLOCKS:
            lines.append(f"             ... {count - _SHOWN_CLOCKS} more, all in the waveform")
    if failure.waves:
        lines.append(f"waveform     {failure.waves}")
    return lines


def _busy(clock: Mapping[str, int]) -> dict[str, int]:
    """Return the inputs that are not 0; all zeros is an idle clock."""
    return {name: value for name, value in clock.items() if value}


def _values(values: Mapping[str, int | None]) -> str:
    words = [f"{name}={'X' if value is None else value}" for name, value in values.items()]
    return " ".join(words) or "all inputs 0"


def junit(result: UnitResult) -> str:
    """Return the result as JUnit XML: a test case a part, and one for the coverage."""
    suite = ElementTree.Element("testsuite", name=f"drai-hw sim --unit {result.unit}")
    name = f"{result.unit}.{result.top}"
    total = max(1, result.cycles)
    failed = 0
    for part in result.parts:
        seconds = f"{result.seconds * part.clocks / total:.3f}"
        case = ElementTree.SubElement(
            suite, "testcase", classname=name, name=part.name, time=seconds
        )
        failure = result.failure
        if failure and (part.mismatches or failure.part == part.name):
            failed += 1
            mine = failure.part == part.name
            words = f"{failure.rule}: {failure.words}" if mine else f"as in {failure.part!r}"
            entry = ElementTree.SubElement(case, "failure", message=words, type="mismatch")
            entry.text = "\n".join(failure_in_words(failure, result.seed)) if mine else words
    case = ElementTree.SubElement(suite, "testcase", classname=name, name="coverage", time="0")
    if result.missed and not result.failure:
        failed += 1
        words = f"not seen: {', '.join(result.missed)}"
        ElementTree.SubElement(case, "failure", message=words, type="coverage")
    suite.set("tests", str(len(result.parts) + 1))
    suite.set("failures", str(failed))
    suite.set("errors", "0")
    suite.set("time", f"{result.seconds:.3f}")
    ElementTree.indent(suite)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n' + ElementTree.tostring(suite, "unicode") + "\n"
    )
