"""Mean, standard deviation, percentiles and count of what was measured on many dies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.readout import wilson_interval
from drai_hw.units import si

QUANTITIES = {
    "frequency_hz": "Hz",
    "detuning": "",
    "amplitude_v": "V",
    "energy_per_cycle_j": "J",
    "lag_rad": "rad",
    "pull": "",
    "energy_per_recall_j": "J",
    "frequency_spread": "",
    "settled_s": "s",
}
"""Numbers of a die, with their units."""


@dataclass(frozen=True)
class Spread:
    """
    Hold the distribution of a quantity.

    Parameters
    ----------
    count : int
        Values.
    mean, deviation : float
        Mean and standard deviation (of a sample: n - 1; 0 for one value).
    p5, p50, p95 : float
        Percentiles, interpolated.
    """

    count: int
    mean: float
    deviation: float
    p5: float
    p50: float
    p95: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """
        Return the distribution of some values.

        Raises
        ------
        SpecError
            There is none.
        """
        if not values:
            raise SpecError("no value: a distribution needs at least one")
        table = np.asarray(values, dtype=np.float64)
        p5, p50, p95 = (float(p) for p in np.percentile(table, [5, 50, 95]))
        deviation = float(table.std(ddof=1)) if table.size > 1 else 0.0
        return cls(table.size, float(table.mean()), deviation, p5, p50, p95)


def summary(results: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """
    Return distributions of a group's quantities and its share of exact recalls, JSON-ready.

    Parameters
    ----------
    results : sequence of dict
        One of each die; a failed die has no numbers and is no exact recall.
    """
    found: dict[str, Any] = {
        name: asdict(Spread.of(values)) | {"unit": unit}
        for name, unit in QUANTITIES.items()
        if (values := [each[name] for each in results if name in each])
    }
    hits = sum(bool(each["exact"]) for each in results)
    low, high = wilson_interval(hits, len(results))
    found["exact"] = {"hits": hits, "dies": len(results), "low": low, "high": high}
    found["failed"] = sum("fault" in each for each in results)
    return found


def told(title: str, figures: Mapping[str, Any]) -> list[str]:
    """Return what `summary` found as lines to read, a title before them."""
    exact = figures["exact"]
    lines = [
        f"{title}: exact {exact['hits']} of {exact['dies']} ({exact['low']:.2f} to "
        f"{exact['high']:.2f}), failed {figures['failed']}"
    ]
    for name, each in figures.items():
        if name in ("exact", "failed"):
            continue
        mean, deviation, *shares = (
            si(each[key], each["unit"], 4) if each["unit"] else f"{100 * each[key]:.4g} %"
            for key in ("mean", "deviation", "p5", "p50", "p95")
        )
        lines.append(
            f"  {name}: mean {mean}, deviation {deviation}, 5/50/95 % {' / '.join(shares)}"
            f" ({each['count']})"
        )
    return lines
