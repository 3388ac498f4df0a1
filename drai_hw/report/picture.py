"""`python -m drai_hw.report.picture REPORT.json OUT.svg`: one build as a picture for a page."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw.files import made_whole
from drai_hw.report.figures import PhaseTrace, continuous
from drai_hw.report.pixels import align

_COLUMNS = (
    ("stored", "stored"),
    ("start", "corrupted"),
    ("float", "float model"),
    ("twin", "twin"),
    ("rtl", "RTL"),
    ("circuit", "circuit"),
)
_INK, _PALE, _WRONG = "#20242a", "#eef0f2", "#b3392f"
_PLUS, _MINUS = "#1f5a92", "#b5562c"


def draw(report: dict[str, Any], rows: int = 3) -> Any:
    """Return a figure: patterns on all machines above, phases against time below.

    Parameters
    ----------
    report : dict
        The contents of a build's ``report.json``.
    rows : int
        Examples drawn.
    """
    from matplotlib.figure import Figure

    examples = [e for e in report["examples"] if "circuit" in e["ends"]][:rows]
    figure: Any = Figure(figsize=(7.6, 0.95 * len(examples) + 2.6), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=(0.95 * len(examples) + 0.3, 2.3))
    grid = upper.subplots(len(examples), len(_COLUMNS), squeeze=False)
    for line, example in zip(grid, examples, strict=True):
        for panel, (key, _) in zip(line, _COLUMNS, strict=True):
            _pattern(panel, example, key, report["shape"])
    for panel, (_, title) in zip(grid[0], _COLUMNS, strict=True):
        panel.set_title(title, fontsize=8.5, color=_INK)
    panels = lower.subplots(1, len(report["phases"]), sharey=True)
    for panel, trace in zip(panels, report["phases"], strict=True):
        _phases(panel, trace)
    panels[0].set_ylabel("phase (degrees)", fontsize=8)
    return figure


def _pattern(panel: Any, example: dict[str, Any], key: str, shape: list[int]) -> None:
    stored = np.array(example["stored"])
    values, _ = align(example[key] if key in example else example["ends"][key], stored)
    image = np.full((*shape, 3), 0.0)
    for index, (value, wanted) in enumerate(zip(values, stored, strict=True)):
        ink = _INK if value > 0 else _PALE
        if value != wanted:
            ink = _WRONG if value > 0 else "#e9c3bf"
        image[divmod(index, shape[1])] = [int(ink[k : k + 2], 16) / 255 for k in (1, 3, 5)]
    panel.imshow(image, interpolation="nearest")
    panel.set_xticks(np.arange(shape[1] + 1) - 0.5, minor=True)
    panel.set_yticks(np.arange(shape[0] + 1) - 0.5, minor=True)
    panel.grid(which="minor", color="white", linewidth=0.8)
    panel.tick_params(which="both", length=0, labelbottom=False, labelleft=False)
    panel.set_frame_on(False)


def _phases(panel: Any, trace: dict[str, Any]) -> None:
    time, sign = np.array(trace["time"]), np.array(trace["sign"])
    phases = np.array(trace["phases_rad"])
    degrees = np.degrees(continuous(PhaseTrace(trace["title"], time, "", phases, sign)))
    keep = np.unique(np.linspace(0, len(time) - 1, 60).round().astype(int))
    for oscillator, lit in enumerate(sign > 0):
        colour = _PLUS if lit else _MINUS
        panel.plot(time[keep], degrees[keep, oscillator], color=colour, linewidth=0.7, alpha=0.8)
    panel.set_title(trace["title"], fontsize=8.5, color=_INK)
    panel.set_xlabel("time (1/κR)", fontsize=8)
    panel.tick_params(labelsize=7)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def main(arguments: list[str]) -> int:
    """Draw the picture of a report."""
    import matplotlib

    source, target = Path(arguments[0]), Path(arguments[1])
    report = json.loads(source.read_text(encoding="utf-8"))
    with (
        matplotlib.rc_context({"svg.hashsalt": "picture", "svg.fonttype": "none"}),
        made_whole(target) as part,
    ):
        draw(report).savefig(part, format="svg", metadata={"Date": None}, facecolor="white")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
