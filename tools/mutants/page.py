"""The page of results: scores, and every survivor with the reason why it may live."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping

from drai_hw.files import write_whole
from tools.mutants.lines import MACHINE_CODE
from tools.mutants.plan import ROOT, TARGETS, Target
from tools.mutants.record import Record

PAGE = ROOT / "docs" / "reference" / "mutation.md"
LINES = ROOT / "tools" / "mutants" / "lines.json"
WHY: dict[str, str] = {}
REASONS = ROOT / "tools" / "mutants" / "reasons.toml"
HEAD = """# Mutation and coverage

A mutant is the code with one small change: another sign, constant, comparison, logical or
arithmetic operator, one of a pair of calls (`min`, `max`; `sin`, `cos`; ...), a statement left out.
A mutant is killed when a test fails; one that lives shows what no test looks at. Made by
`make mutants` (`python -m tools.mutants`), which runs what has changed since; `--fresh` runs
everything. Each mutant meets the tests of its module that reach its lines, as coverage.py
saw them, quickest first, until one fails, in a process of its own with limits of time and memory.
Loops that numba compiles run as plain Python meanwhile. Why this is own code:
[decision {decision}](../decisions/{decision_file}).

"""


def reasons() -> dict[str, dict[str, str]]:
    """Return the reason of each survivor by source and name."""
    found: dict[str, dict[str, str]] = {}
    for group in tomllib.loads(REASONS.read_text(encoding="utf-8")).get("survivors", []):
        for name in group["names"]:
            found.setdefault(group["source"], {})[name] = " ".join(group["reason"].split())
    return found


def uncovered() -> list[str]:
    """Return the part about lines, from what ``make coverage`` found."""
    if not LINES.exists():
        return []
    files = json.loads(LINES.read_text(encoding="utf-8"))
    statements = sum(data["statements"] for data in files.values())
    missing = sum(len(data["missing"]) for data in files.values())
    machine_code = ", ".join(f"`{name}`" for name in MACHINE_CODE)
    part = [
        "",
        "## Coverage",
        "",
        f"{statements - missing} of {statements} statements of `drai_hw/model` are run by its quick"
        f" tests, {_share(statements, missing)} (`make coverage`; loops that numba compiles ran"
        f" once more as plain Python). Not counted: {machine_code}, which exist as machine code"
        " only. Not run:",
    ]
    for name, data in files.items():
        if data["missing"]:
            part += ["", f"`{name}`" + (f": {WHY[name]}" if name in WHY else ""), ""]
            part += [f"- `{line}`" for line in data["missing"]]
    return part


def survivors(record: Record) -> list[tuple[str, str]]:
    """Return source and name of every recorded survivor."""
    return [
        (target.source, name)
        for target in TARGETS
        for entry in record.sources.get(target.source, {}).values()
        for name in entry["alive"]
    ]


def unexplained(record: Record, known: Mapping[str, Mapping[str, str]]) -> list[str]:
    """Return survivors without a reason, and reasons without a survivor."""
    alive = survivors(record)
    bare = [f"no reason: {s}: {name}" for s, name in alive if name not in known.get(s, {})]
    left = [
        f"no such survivor: {source}: {name}"
        for source, names in known.items()
        for name in names
        if (source, name) not in alive
    ]
    return bare + left


def text(record: Record, known: Mapping[str, Mapping[str, str]]) -> str:
    """Return the page."""
    rows, total = [], [0, 0]
    for target in TARGETS:
        entries = record.sources.get(target.source, {}).values()
        count = sum(entry["mutants"] for entry in entries)
        alive = sum(len(entry["alive"]) for entry in entries)
        total = [total[0] + count, total[1] + alive]
        if count:
            rows.append(_row(f"`{target.source}`", count, alive, ", ".join(target.tests)))
    head = HEAD.format(decision="0007", decision_file="0007-mutation-testing.md")
    lines = [
        f"{total[0]} mutants, {total[0] - total[1]} killed: {_share(*total)}. The others are listed"
        " below, each with the reason why no test should fail.",
        "",
        "| module of `drai_hw/model` | mutants | killed | alive | score | tests |",
        "|---|---|---|---|---|---|",
        *rows,
        _row("all", *total, ""),
        "",
        *(_note(target) for target in TARGETS if target.functions != ".*" or target.deselected),
        "",
        "## Survivors",
    ]
    for target in TARGETS:
        alive_here = [name for source, name in survivors(record) if source == target.source]
        by_reason: dict[str, list[str]] = {}
        for name in alive_here:
            reason = known.get(target.source, {}).get(name, "**no reason yet**")
            by_reason.setdefault(reason, []).append(name)
        if by_reason:
            lines += ["", f"### {target.source}"]
        for reason, names in by_reason.items():
            lines += ["", f"{reason}", "", *(f"- `{name}`" for name in names)]
    return head + "\n".join([*lines, *uncovered()]) + "\n"


def _row(name: str, count: int, alive: int, tests: str) -> str:
    score = _share(count, alive)
    return f"| {name} | {count} | {count - alive} | {alive} | {score} | {tests} |"


def _share(count: int, alive: int) -> str:
    return f"{100 * (count - alive) / max(count, 1):.1f} %"


def _note(target: Target) -> str:
    said = []
    if target.functions != ".*":
        said.append(f"only the functions `{target.functions}` are mutated")
    if target.deselected:
        said.append(f"tests named `{target.deselected}` take too long to be run for each mutant")
    return f"Of `{target.source}` {'; '.join(said)}.  "


def write() -> None:
    """Write the page, whole or not at all."""
    write_whole(PAGE, text(Record.load(), reasons()))
