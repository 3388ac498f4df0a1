"""Traces of simulated ports as WaveJSON, the text form of timing diagrams that WaveDrom draws."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

Sample = Mapping[str, int]
_LONGEST_CALM = 8  # columns without any change that are shown before a gap stands for the rest


@dataclass(frozen=True)
class Row:
    """One line of a diagram.

    Parameters
    ----------
    name : str
        Signal, and label.
    bits : int
        1 draws a level, more draw boxes with the value in hexadecimal.
    when : callable, optional
        Says of a column whether the value means anything there; hatched where not.
    text : callable, optional
        Text of a box instead of the hexadecimal value.
    """

    name: str
    bits: int = 1
    when: Callable[[Sample], bool] | None = None
    text: Callable[[int], str] | None = None


@dataclass
class Trace:
    """Columns of a diagram, in the order of time.

    Parameters
    ----------
    title : str
        Head of the diagram.
    rows : tuple of Row
        From top to bottom.
    clock : str or None
        Label of the clock's row, one period a column; None draws none.
    """

    title: str
    rows: tuple[Row, ...]
    clock: str | None = "clk"
    columns: list[dict[str, int]] = field(default_factory=list)

    def add(self, sample: Sample) -> None:
        """Append a column."""
        self.columns.append({row.name: int(sample[row.name]) for row in self.rows})

    def wavejson(self) -> dict[str, Any]:
        """Return the diagram; stretches in which nothing changes are cut to a gap."""
        kept = self._without_calm()
        signals: list[dict[str, Any]] = []
        if self.clock:
            wave = "".join("|" if at is None else "p" if not at else "." for at in kept)
            signals.append({"name": self.clock, "wave": wave})
        signals += [self._row(row, kept) for row in self.rows]
        return {
            "head": {"text": self.title},
            "signal": signals,
            "config": {"hscale": 1},
        }

    def _without_calm(self) -> list[int | None]:
        """Return the columns to draw, None for a gap."""
        kept: list[int | None] = []
        start = 0
        for k in range(1, len(self.columns) + 1):
            if k < len(self.columns) and self.columns[k] == self.columns[start]:
                continue
            calm = k - start
            kept.append(start)
            if calm > _LONGEST_CALM:
                kept.append(None)
                kept.append(k - 1)
            else:
                kept += range(start + 1, k)
            start = k
        return kept

    def _row(self, row: Row, kept: list[int | None]) -> dict[str, Any]:
        wave, data = "", []
        before: str | None = None
        for at in kept:
            if at is None:
                wave += "|"
                continue
            column = self.columns[at]
            if row.when is not None and not row.when(column):
                now = "x"
            elif row.bits == 1:
                now = str(column[row.name])
            else:
                value = column[row.name]
                now = row.text(value) if row.text else f"{value:0{-(-row.bits // 4)}x}"
            if now == before:
                wave += "."
                continue
            before = now
            if now == "x" or row.bits == 1:
                wave += now
            else:
                wave += "="
                data.append(now)
        return {"name": row.name, "wave": wave} | ({"data": data} if data else {})


def lines(diagram: Mapping[str, Any]) -> str:
    """Write a diagram with one signal a line."""
    signals = ",\n    ".join(json.dumps(signal) for signal in diagram["signal"])
    return (
        "{\n"
        f'  "head": {json.dumps(diagram["head"])},\n'
        f'  "signal": [\n    {signals}\n  ],\n'
        f'  "config": {json.dumps(diagram["config"])}\n'
        "}\n"
    )
