"""What the page of spread is made of, and the committed record of what was measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.files import write_whole
from drai_hw.spice.spread.circuits import STATISTICAL, Corner
from drai_hw.spice.spread.runs import Group, Values

RECORD = Path(__file__).with_name("record.json")
SUPPLIES, TEMPERATURES_C = (0.9, 1.0, 1.1), (-40.0, 27.0, 85.0, 125.0)
SCALES = (0.0, 2.0, 4.0, 8.0)
LEVEL1, GF180MCU, TANK = "ring-level1", "ring-gf180mcu", "tank"
_DIGITS = 6


def groups() -> list[Group]:
    """Return what is measured for the page, in its order."""
    many = [
        Group(LEVEL1, count=40),
        Group(TANK, count=40),
        Group(GF180MCU, Corner(process=STATISTICAL), count=12),
    ]
    corners = [
        Group(circuit, Corner(supply, temperature_c, **process), count=count)
        for circuit, count, process in (
            (LEVEL1, 3, {}),
            (TANK, 3, {}),
            (GF180MCU, 3, {"process": STATISTICAL}),
        )
        for temperature_c in TEMPERATURES_C
        for supply in SUPPLIES
    ]
    processes = [
        Group(GF180MCU, Corner(process=name), count=2) for name in ("ff", "ss", "fs", "sf")
    ]
    scales = [
        Group(circuit, scale=scale, count=6, what="recall")
        for circuit in (LEVEL1, TANK)
        for scale in SCALES
    ]
    return [*many, *corners, *processes, *scales]


def write(found: Sequence[tuple[Group, Sequence[Values]]], path: Path = RECORD) -> None:
    """Write a record: a line for each die, numbers to six digits."""
    entries = []
    for group, results in found:
        dies = ",\n".join("   " + json.dumps(_short(each)) for each in results)
        entries.append(f' {{"group": {json.dumps(asdict(group))},\n  "dies": [\n{dies}]}}')
    write_whole(path, "[\n" + ",\n".join(entries) + "\n]\n")


def _short(values: Values) -> Values:
    return {
        name: float(f"{value:.{_DIGITS}g}") if isinstance(value, float) else value
        for name, value in values.items()
    }


def read(path: Path = RECORD) -> list[tuple[Group, list[dict[str, Any]]]]:
    """
    Return groups and what was measured on their dies.

    Raises
    ------
    ToolError
        There is no record, or it is damaged.
    """
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        return [
            (Group(**{**e["group"], "corner": Corner(**e["group"]["corner"])}), e["dies"])
            for e in entries
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ToolError(
            f"{path}: no record of spread ({error}); make it by python -m drai_hw.spice.spread"
        ) from None
