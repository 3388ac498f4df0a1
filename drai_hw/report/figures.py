"""Charts of the report: SVG from matplotlib whose colours follow the page, light or dark."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.readout import axis_rad
from drai_hw.units import TAU, wrap_rad

# Colours that matplotlib is told to use and that are replaced by the page's variables afterwards.
_INK = {"#010101": "var(--ink)", "#020202": "var(--muted)", "#030303": "var(--rule)"}
_SERIES = {"#040404": "var(--plus)", "#050505": "var(--minus)"}
_INK_HEX, _MUTED_HEX, _RULE_HEX = _INK
_PLUS_HEX, _MINUS_HEX = _SERIES
_POINTS = 160


@dataclass(frozen=True)
class PhaseTrace:
    """
    Phases of all oscillators against time on one machine.

    Parameters
    ----------
    title:
        Name of the machine.
    time:
        S sample times.
    time_label:
        What the time axis counts, with its unit.
    phases_rad:
        S x N phases in rad; any common rotation is removed.
    sign:
        N values -1/+1: the pattern that the colours show.
    against:
        What phases are drawn against: the final ``axis`` of a binary pattern, or the ``first``
        oscillator.
    """

    title: str
    time: NDArray[np.float64]
    time_label: str
    phases_rad: NDArray[np.float64]
    sign: NDArray[np.int64]
    against: Literal["axis", "first"] = "axis"


def continuous(trace: PhaseTrace) -> NDArray[np.float64]:
    """
    Return the phases against the final axis, without jumps, in rad.

    The last sample lies within [-pi/2, 3pi/2), with the +1 pixels of the pattern around 0; earlier
    samples follow backwards without a step of more than half a turn. Against the first oscillator
    the last sample lies within [-pi, pi).
    """
    phases = np.asarray(trace.phases_rad, dtype=np.float64)
    if trace.against == "first":
        relative = phases - phases[:, :1]
        return _joined(relative, wrap_rad(relative[-1]))
    axis = axis_rad(phases[-1])
    if float(np.cos(phases[-1] - axis) @ trace.sign) < 0:
        axis += math.pi
    # A common rotation says nothing; what stays common in every sample is taken out before.
    mean = np.array([axis_rad(sample) for sample in phases])
    drift = np.unwrap(2 * mean) / 2
    relative = phases - (drift - drift[-1])[:, None] - axis
    return _joined(relative, np.mod(relative[-1] + math.pi / 2, TAU) - math.pi / 2)


def _joined(relative: NDArray[np.float64], last: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return phases that end in ``last`` and have no jumps on the way there."""
    steps = wrap_rad(np.diff(relative, axis=0))
    back = np.vstack([np.zeros_like(last), np.cumsum(steps[::-1], axis=0)])[::-1]
    return last[None, :] - back


def _thin(trace: PhaseTrace) -> PhaseTrace:
    keep = np.unique(np.linspace(0, len(trace.time) - 1, _POINTS).round().astype(int))
    return replace(trace, time=trace.time[keep], phases_rad=trace.phases_rad[keep])


def phases_svg(traces: Sequence[PhaseTrace]) -> str:
    """
    Draw phases against time, one panel per machine.

    Unwrapping needs every sample, so it is done before the traces are thinned for the drawing.

    Parameters
    ----------
    traces:
        One to four machines.
    """
    import matplotlib
    from matplotlib.figure import Figure

    style: dict[Any, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": "phases",
        "font.family": "sans-serif",
        "font.size": 9,
        "axes.linewidth": 0.6,
        "axes.edgecolor": _MUTED_HEX,
        "axes.labelcolor": _INK_HEX,
        "text.color": _INK_HEX,
        "xtick.color": _MUTED_HEX,
        "ytick.color": _MUTED_HEX,
        "path.simplify": True,
        "path.simplify_threshold": 0.3,
    }
    with matplotlib.rc_context(style):
        figure = Figure(figsize=(3.45 * len(traces) + 0.3, 2.9), layout="constrained")
        panels: Any = figure.subplots(1, len(traces), sharey=True, squeeze=False)[0]
        for panel, trace in zip(panels, traces, strict=True):
            _draw(panel, trace)
        against = {"axis": "the final axis", "first": "oscillator 0"}[traces[0].against]
        panels[0].set_ylabel(f"phase against {against} (degrees)")
        stream = io.StringIO()
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None})
    return inline(stream.getvalue(), "phases", "Phases of all oscillators against time")


def _draw(panel: Any, trace: PhaseTrace) -> None:
    degrees = np.degrees(continuous(trace))
    thin = _thin(replace(trace, phases_rad=degrees))
    for oscillator in range(degrees.shape[1]):
        panel.plot(
            thin.time,
            thin.phases_rad[:, oscillator],
            color=_PLUS_HEX if trace.sign[oscillator] > 0 else _MINUS_HEX,
            linewidth=0.8,
            alpha=0.75,
        )
    panel.set_title(trace.title, loc="left", fontsize=9.5, fontweight="bold")
    panel.set_xlabel(trace.time_label)
    # A flipped pixel may come home from either side: the scale follows, up to one turn and a half.
    usual = (-100.0, 280.0) if trace.against == "axis" else (-45.0, 45.0)
    low = max(-270.0, min(usual[0], degrees.min()))
    high = min(450.0, max(usual[1], degrees.max()))
    step = 90 if high - low > 200 else 45
    panel.set_yticks([tick for tick in range(-270, 451, step) if low <= tick <= high])
    panel.set_ylim(low - 10, high + 10)
    panel.grid(axis="y", color=_RULE_HEX, linewidth=0.5)
    panel.margins(x=0.01)
    for side in ("top", "right"):
        panel.spines[side].set_visible(False)


def inline(svg: str, prefix: str, label: str) -> str:
    """
    Make matplotlib's SVG fit to stand inside a page.

    Its XML head goes, its identifiers get a prefix (several figures share one page), its colours
    become the page's variables and its size follows the column.
    """
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>\s*", "", svg, flags=re.DOTALL)
    svg = re.sub(r'\bid="', f'id="{prefix}-', svg)
    svg = re.sub(r'(xlink:href="|url\()#', rf"\g<1>#{prefix}-", svg)
    svg = re.sub(r'<svg ([^>]*?)width="[\d.]+pt" ?', r"<svg \1", svg)
    svg = re.sub(r'<svg ([^>]*?)height="[\d.]+pt" ?', r"<svg \1", svg)
    svg = re.sub(r"font-family: [^;\"]*; ?", "", svg)  # the page sets the font of .chart
    svg = re.sub(r"<style.*?</style>", "", svg, flags=re.DOTALL)  # it would reach the whole page
    svg = svg.replace("<svg ", f'<svg class="chart" role="img" aria-label="{label}" ', 1)
    for colour, variable in (_INK | _SERIES).items():
        svg = svg.replace(colour, variable)
    return svg
