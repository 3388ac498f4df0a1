"""Reading what nextpnr says: utilisation, clock speed and critical path of one run."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drai_hw.boards.devices import Device
from drai_hw.boards.families import FAMILIES
from drai_hw.errors import ToolError

RESOURCES = ("lut", "ff", "ebr", "spram", "dsp")


@dataclass(frozen=True)
class Use:
    """How much of one resource a design takes."""

    used: int
    available: int

    @property
    def share(self) -> float:
        """Fraction used; 0 when the device has none."""
        return self.used / self.available if self.available else 0.0


@dataclass(frozen=True)
class PathStep:
    """One hop of the critical path: ``kind`` is nextpnr's word (logic, routing, setup, ...)."""

    kind: str
    delay_s: float
    source: str
    sink: str


@dataclass(frozen=True)
class RunReport:
    """Result of one place-and-route run: resources, slowest clock, its critical path."""

    use: dict[str, Use]
    fmax_hz: float
    critical_path: tuple[PathStep, ...]


def read_report(report: Path, log: Path, device: Device) -> RunReport:
    """Read nextpnr's JSON report, and its log for what the report leaves out.

    fmax is the smallest over all clocks of the design. On iCE40 a flip-flop is a part of a logic
    cell and the report does not count it; the log's packing lines do.

    Raises
    ------
    ToolError
        If the report is missing, not JSON, or lacks a clock: then there is nothing to state.
    """
    try:
        data: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
        clocks: dict[str, dict[str, float]] = data["fmax"]
        counted: dict[str, dict[str, int]] = data["utilization"]
    except (OSError, ValueError, KeyError) as error:
        raise ToolError(f"nextpnr's report {report.name} cannot be read: {error!r}") from None
    if not clocks:
        raise ToolError(f"nextpnr's report {report.name} names no clock: the design has none")
    slowest = min(clocks, key=lambda name: clocks[name]["achieved"])
    parts = FAMILIES[device.family].counted
    use = {resource: _use(counted, parts.get(resource, {})) for resource in RESOURCES}
    if device.family == "ice40":
        text = log.read_text(encoding="utf-8", errors="replace")
        use["ff"] = Use(ice40_flip_flops(text), use["lut"].available)
    return RunReport(
        use, clocks[slowest]["achieved"] * 1e6, _path(data.get("critical_paths", []), slowest)
    )


def _use(counted: dict[str, dict[str, int]], parts: Mapping[str, float]) -> Use:
    """Add up what makes up one resource; the first part's total is the resource's."""
    entries = [counted.get(name, {"used": 0, "available": 0}) for name in parts]
    used = sum(e["used"] * sites for e, sites in zip(entries, parts.values(), strict=True))
    return Use(math.ceil(used), int(entries[0]["available"]) if entries else 0)


def ice40_flip_flops(log: str) -> int:
    """Count flip-flops from the packing lines of nextpnr-ice40's log.

    Raises
    ------
    ToolError
        If the lines are absent.
    """
    found = re.findall(r"(\d+) LCs used as (LUT4 and DFF|DFF only)", log)
    if {kind for _, kind in found} != {"LUT4 and DFF", "DFF only"}:
        raise ToolError(
            "nextpnr-ice40's log has no 'LCs used as DFF' lines; is it another version?"
        )
    return sum(int(count) for count, _ in found)


def _path(paths: list[dict[str, Any]], clock: str) -> tuple[PathStep, ...]:
    """Pick the register-to-register path of one clock."""
    for path in paths:
        if clock in path["from"] and clock in path["to"]:
            return tuple(
                PathStep(
                    str(step["type"]),
                    float(step["delay"]) * 1e-9,
                    f"{step['from']['cell']}.{step['from']['port']}",
                    f"{step['to']['cell']}.{step['to']['port']}",
                )
                for step in path["path"]
            )
    return ()


def path_lines(report: RunReport) -> tuple[str, ...]:
    """Condense the critical path: where it starts and ends, and what takes the time."""
    path = report.critical_path
    if not path:
        return ()
    routing = [step.delay_s for step in path if step.kind == "routing"]
    logic = [step.delay_s for step in path if step.kind != "routing"]
    longest = max(path, key=lambda step: step.delay_s)
    return (
        f"from {path[0].source}",
        f"to {path[-1].sink}",
        f"{sum(logic) * 1e9:.2f} ns in {len(logic)} cells, {sum(routing) * 1e9:.2f} ns in "
        f"{len(routing)} wires",
        f"longest hop {longest.delay_s * 1e9:.2f} ns {longest.kind}: "
        f"{longest.source} to {longest.sink}",
    )


def place_command(planned: Sequence[str], family: str, clock_hz: float) -> list[str]:
    """Turn Amaranth's nextpnr command into one for the tool that is there.

    For Gowin, Amaranth calls a predecessor that is no longer made, whose options had other names,
    and tells it no clock: without one the timing would be judged at nextpnr's 12 MHz.
    """
    words = [FAMILIES[family].place, *planned[1:]]
    if family == "gowin":
        for option in ("family", "cst"):
            at = words.index(f"--{option}")
            words[at : at + 2] = ["--vopt", f"{option}={words[at + 1]}"]
        words += ["--freq", f"{clock_hz / 1e6:.6g}"]
    return words


def progress_text(line: str) -> str | None:
    """Keep the few lines of nextpnr's output that tell how far it is."""
    told = re.match(
        r"Info:\s+((?:Packing|Placing|Routing|Creating|Promoting|Running|Constraining)\b.*"
        r"|at iteration #\d+(?:: temp|, type ALL).*|iter=\d+.*|initial placement.*)",
        line,
    )
    return f"place and route: {told.group(1).rstrip('. ')}" if told else None


def synthesis_text(line: str) -> str | None:
    """Keep the top-level steps of yosys' output."""
    told = re.match(r"\d+\.\d+(?:\.\d+)?\. Executing (\w+) pass \((.*)\)", line)
    return f"synthesis: {told.group(1)} ({told.group(2)})" if told else None
