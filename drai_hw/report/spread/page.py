"""The page of spread, written from the record."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from drai_hw.model.readout import wilson_interval
from drai_hw.report.spread.figures import Found, values_of
from drai_hw.spice.spread.circuits import SORTS
from drai_hw.spice.spread.runs import Group, Values
from drai_hw.spice.spread.summary import QUANTITIES, Spread
from drai_hw.units import si

TITLES = {
    "frequency_hz": "frequency",
    "detuning": "detuning",
    "amplitude_v": "amplitude",
    "energy_per_cycle_j": "energy a cycle",
    "lag_rad": "lag",
    "pull": "pull",
    "energy_per_recall_j": "energy a recall",
}


def nominal(found: Found) -> list[tuple[Group, Sequence[Values]]]:
    """Return the groups with the most dies of each circuit."""
    most: dict[str, tuple[Group, Sequence[Values]]] = {}
    for group, results in found:
        if group.what == "all" and (
            group.circuit not in most or group.count > most[group.circuit][0].count
        ):
            most[group.circuit] = (group, results)
    return list(most.values())


def corners(found: Found) -> list[tuple[Group, Sequence[Values]]]:
    """Return the groups of temperatures and supplies."""
    chosen = [id(group) for group, _ in nominal(found)]
    return [
        (group, results) for group, results in found
        if group.what == "all" and id(group) not in chosen
        and group.corner.process in ("typical", "statistical")
    ]  # fmt: skip


def scales(found: Found) -> list[tuple[Group, Sequence[Values]]]:
    """Return the groups of recalls, and the nominal ones beside them, by circuit and scale."""
    only = [(group, results) for group, results in found if group.what == "recall"]
    circuits = list(dict.fromkeys(group.circuit for group, _ in only))
    beside = [entry for entry in nominal(found) if entry[0].circuit in circuits]
    return sorted(
        [*only, *beside], key=lambda entry: (circuits.index(entry[0].circuit), entry[0].scale)
    )


def text(found: Found) -> str:
    """
    Return the page.

    Parameters
    ----------
    found : sequence of (Group, results)
        The record.
    """
    frame = Path(__file__).with_name("page.md").read_text(encoding="utf-8")
    processes = [
        (group, results) for group, results in found
        if group.what == "all" and group.corner.process in ("ff", "ss", "fs", "sf")
    ]  # fmt: skip
    words = {
        "circuits": "\n".join(
            f"| {sort.name} | {sort.title} | {sort.n} oscillators, {sort.cycles} periods, "
            f"rho = {sort.rho:g} |"
            for sort in SORTS.values()
        ),
        "nominal": _nominal(nominal(found)),
        "corners": _rows(corners(found), ("circuit", "°C", "VDD"), _corner),
        "processes": _rows(processes, ("process",), lambda group: [group.corner.process]),
        "scales": _scales(scales(found)),
    }
    for name, made in words.items():
        frame = frame.replace(f"{{{name}}}", made)
    return frame


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table without a last line break."""
    lines = ["| " + " | ".join(head) + " |", "|---" * len(head) + "|"]
    return "\n".join([*lines, *("| " + " | ".join(row) + " |" for row in rows)])


def share(results: Sequence[Values]) -> str:
    """Return how many recalls were exact, with the interval."""
    hits = sum(bool(each["exact"]) for each in results)
    low, high = wilson_interval(hits, len(results))
    return f"{hits} of {len(results)} ({low:.2f} to {high:.2f})"


def told(name: str, value: float) -> str:
    """Return a quantity with its unit."""
    if name == "lag_rad":
        return f"{value:.4f} rad"
    if name in ("detuning", "pull"):
        return f"{100 * value:.3f} %"
    return si(value, QUANTITIES[name], 5 if name == "frequency_hz" else 4)


def _nominal(found: Found) -> str:
    rows = []
    for group, results in found:
        failed = sum("fault" in each for each in results)
        for name, title in TITLES.items():
            values = values_of(results, name)
            if values:
                each = Spread.of(values)
                figures = (each.mean, each.deviation, each.p5, each.p50, each.p95)
                rows.append([group.circuit, title, str(each.count),
                             *(told(name, value) for value in figures)])  # fmt: skip
        exact = f"exact recall, failed dies {failed}"
        rows.append([group.circuit, exact, str(len(results)), share(results), *[""] * 4])
    head = ("circuit", "quantity", "dies", "mean", "standard deviation", "5 %", "50 %", "95 %")
    return table(head, rows)


def _corner(group: Group) -> list[str]:
    return [group.circuit, f"{group.corner.temperature_c:g}", f"{group.corner.supply:g}"]


def _rows(found: Found, head: Sequence[str], first: Callable[[Group], list[str]]) -> str:
    shown = ("frequency_hz", "energy_per_cycle_j", "lag_rad", "energy_per_recall_j")
    rows = [
        [*first(group), *(_mean(results, name) for name in shown), share(results)]
        for group, results in found
    ]
    return table((*head, *(TITLES[name] for name in shown), "exact"), rows)


def _mean(results: Sequence[Any], name: str) -> str:
    values = values_of(results, name)
    if not values:
        return "none"
    each = Spread.of(values)
    if each.count == 1:
        return told(name, each.mean)
    deviation = each.deviation if each.deviation > 1e-9 * abs(each.mean) else 0.0  # rounding
    return f"{told(name, each.mean)} ± {told(name, deviation)}"


def _scales(found: Found) -> str:
    rows = [
        [group.circuit, f"{group.scale:g}", share(results), _mean(results, "energy_per_recall_j")]
        for group, results in found
    ]
    return table(("circuit", "mismatch", "exact", "energy a recall"), rows)
