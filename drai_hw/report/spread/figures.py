"""Histograms of many dies, curves against temperature, recall against mismatch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from drai_hw.model.readout import wilson_interval
from drai_hw.report.drawing import BLUE, GREY, RED, drawn_png, drawn_svg
from drai_hw.spice.spread.runs import Group, Values
from drai_hw.spice.spread.summary import Spread

Found = Sequence[tuple[Group, Sequence[Values]]]

SHOWN = {
    "frequency_hz": "frequency",
    "energy_per_cycle_j": "energy a cycle",
    "lag_rad": "lag",
    "energy_per_recall_j": "energy a recall",
}
"""Quantities of the pictures, and their titles."""
SHOWN_OF_DIES = {
    "frequency_hz": "frequency",
    "frequency_spread": "spread of a die",
    "settled_s": "settled after",
    "energy_per_recall_j": "energy a recall",
}
"""The same of `drai-hw spice --dies`."""
_SCALES = ((1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"),
           (1e-12, "p"), (1e-15, "f"))  # fmt: skip
_UNITS = {"frequency_hz": "Hz", "lag_rad": "rad", "settled_s": "s", "frequency_spread": "%"}


def values_of(results: Sequence[Values], name: str) -> list[float]:
    """Return a quantity of the dies that have it."""
    return [float(each[name]) for each in results if name in each]


def scaled(name: str, largest: float) -> tuple[float, str]:
    """Return what an axis of a quantity counts in, and its unit."""
    unit = _UNITS.get(name, "J")
    if unit in ("rad", "%"):
        return (1.0 if unit == "rad" else 0.01), unit
    factor, prefix = next((row for row in _SCALES if abs(largest) >= row[0]), (1.0, ""))
    return factor, prefix + unit


def histograms(found: Found, form: str = "svg") -> str | bytes:
    """
    Return histograms: a row for each group, a column for each quantity.

    The line is the mean, the band reaches from the 5th to the 95th percentile.
    """
    return _histograms([(group.circuit, results) for group, results in found], SHOWN, form)


def dies(found: Mapping[str, Any], form: str = "svg") -> str | bytes:
    """Return histograms of what `drai-hw spice --dies` found: a row before tuning, one after."""
    states = [state for state in ("untrimmed", "trimmed") if state in found]
    rows = [(state, [die[state] for die in found["each"]]) for state in states]
    return _histograms(rows, SHOWN_OF_DIES, form)


def _histograms(
    rows: Sequence[tuple[str, Sequence[Values]]], shown: Mapping[str, str], form: str
) -> str | bytes:
    def paint(figure: Any) -> None:
        panels = figure.subplots(len(rows), len(shown), squeeze=False)
        for row, (label, results) in zip(panels, rows, strict=True):
            for panel, (name, title) in zip(row, shown.items(), strict=True):
                _histogram(panel, values_of(results, name), name)
                panel.set_title(title, fontsize=8)
            row[0].set_ylabel(f"{label}\ndies", fontsize=8)

    size = (9.2, 2.0 * len(rows) + 0.2)
    return _drawn(size, "histograms", paint, form)


def _histogram(panel: Any, values: list[float], name: str) -> None:
    if not values:
        panel.text(0.5, 0.5, "none", ha="center", transform=panel.transAxes)
        return
    spread = Spread.of(values)
    factor, unit = scaled(name, max(abs(value) for value in values))
    table = np.array(values) / factor
    count = max(4, min(24, round(2.0 * len(values) ** 0.5)))
    panel.axvspan(spread.p5 / factor, spread.p95 / factor, color="#e3e8ee", linewidth=0)
    panel.hist(table, bins=count, color=BLUE)
    panel.axvline(spread.mean / factor, color=RED, linewidth=1.0)
    panel.set_xlabel(unit, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.locator_params(axis="x", nbins=4)
    panel.locator_params(axis="y", integer=True)
    panel.ticklabel_format(axis="x", useOffset=False)


def corners(found: Found, form: str = "svg") -> str | bytes:
    """Return means against temperature, a curve for each supply, bars of a standard deviation."""
    circuits = list(dict.fromkeys(group.circuit for group, _ in found))
    supplies = sorted({group.corner.supply for group, _ in found})
    colours = dict(zip(supplies, (BLUE, GREY, RED), strict=False))

    def paint(figure: Any) -> None:
        panels = figure.subplots(len(circuits), len(SHOWN), squeeze=False)
        for row, circuit in zip(panels, circuits, strict=True):
            for panel, (name, title) in zip(row, SHOWN.items(), strict=True):
                some = [(g.corner, values_of(r, name)) for g, r in found if g.circuit == circuit]
                _curves(panel, [(at, values) for at, values in some if values], name, colours)
                panel.set_title(title, fontsize=8)
            row[0].set_ylabel(circuit, fontsize=8)
        handles, labels = panels[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(supplies),
                      frameon=False, fontsize=8)  # fmt: skip

    return _drawn((9.2, 2.1 * len(circuits) + 0.4), "corners", paint, form)


def _curves(panel: Any, some: list[tuple[Any, list[float]]], name: str,
            colours: Mapping[float, str]) -> None:  # fmt: skip
    largest = max((abs(value) for _, values in some for value in values), default=1.0)
    factor, unit = scaled(name, largest)
    for supply, colour in colours.items():
        rows = sorted((at.temperature_c, Spread.of(v)) for at, v in some if at.supply == supply)
        panel.errorbar(
            [celsius for celsius, _ in rows], [each.mean / factor for _, each in rows],
            yerr=[each.deviation / factor for _, each in rows], color=colour, linewidth=0.9,
            marker="o", markersize=2.5, capsize=2, label=f"{supply:g} VDD",
        )  # fmt: skip
    panel.set_xlabel("°C", fontsize=8)
    panel.set_ylabel(unit, fontsize=8)
    panel.tick_params(labelsize=7)
    panel.ticklabel_format(axis="y", useOffset=False)


def recalls(found: Found, form: str = "svg") -> str | bytes:
    """Return the share of exact recalls against the scale of mismatch, with Wilson's interval."""
    circuits = list(dict.fromkeys(group.circuit for group, _ in found))

    def paint(figure: Any) -> None:
        panel = figure.subplots()
        for circuit, colour, aside in zip(circuits, (BLUE, RED, GREY), (0, 0.06, 0.12),
                                          strict=False):  # fmt: skip
            rows = []
            for group, results in found:
                if group.circuit == circuit:
                    hits, dies = sum(bool(each["exact"]) for each in results), len(results)
                    rows.append((group.scale + aside, hits / dies, *wilson_interval(hits, dies)))
            x, share, low, high = np.array(sorted(rows)).T
            panel.errorbar(
                x, share, yerr=np.maximum([share - low, high - share], 0.0), color=colour,
                marker="o", markersize=3, linewidth=0.9, capsize=2, label=circuit,
            )  # fmt: skip
        panel.set(xlabel="mismatch", ylabel="exact recalls", ylim=(-0.05, 1.05))
        panel.legend(frameon=False, fontsize=8)

    return _drawn((5.0, 2.8), "recalls", paint, form)


def _drawn(size: tuple[float, float], salt: str, paint: Any, form: str) -> str | bytes:
    return drawn_png(size, paint) if form == "png" else drawn_svg(size, salt, paint)
