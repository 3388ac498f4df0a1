"""Reading what nextpnr says: utilisation, clock speed and critical path of one run."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drai_hw.boards.devices import Device
from drai_hw.errors import ToolError

# Names of the countable things in nextpnr's report, per family.
_BELS = {
    "ecp5": {"lut": "TRELLIS_COMB", "ff": "TRELLIS_FF", "ebr": "DP16KD", "dsp": "MULT18X18D"},
    "ice40": {
        "lut": "ICESTORM_LC",
        "ebr": "ICESTORM_RAM",
        "spram": "ICESTORM_SPRAM",
        "dsp": "ICESTORM_DSP",
    },
}
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
    names = _BELS[device.family]
    use: dict[str, Use] = {}
    for resource in RESOURCES:
        if resource in names:
            entry = counted.get(names[resource], {"used": 0, "available": 0})
            use[resource] = Use(int(entry["used"]), int(entry["available"]))
        else:
            use[resource] = Use(0, 0)
    if device.family == "ice40":
        text = log.read_text(encoding="utf-8", errors="replace")
        use["ff"] = Use(ice40_flip_flops(text), use["lut"].available)
    return RunReport(
        use, clocks[slowest]["achieved"] * 1e6, _path(data.get("critical_paths", []), slowest)
    )


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
