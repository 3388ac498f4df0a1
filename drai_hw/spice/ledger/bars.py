"""The figures of the energy ledger in one list, for a picture: what, joule, how it was found."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from drai_hw.errors import ToolError
from drai_hw.files import write_whole

RECORD = Path(__file__).with_name("bars.json")
KINDS = {
    "simulated": "simulated",
    "bound": "lower bound or tank loss",
    "not a technology": "simulated, made-up or hypothetical devices",
    "counted": "counted × published energy",
    "published": "published, chips",
    "thermal": "limit by kT",
}
"""How a figure was found, and its words in a legend."""


@dataclass(frozen=True)
class Bar:
    """
    A figure of the ledger.

    Parameters
    ----------
    group : str
        Per cycle, coupling, read, update, recall, pattern, operation, or kT.
    label : str
        Of what.
    joule : float or None
        None where there is no figure; ``why`` says why.
    kind : str
        Of `KINDS`.
    high_j : float or None
        Upper end, where there is a range.
    why : str
        Why there is no figure.
    """

    group: str
    label: str
    joule: float | None
    kind: str
    high_j: float | None = None
    why: str = ""


def bars(parts: dict[str, dict[str, Any]], published: Sequence[tuple[str, float]]) -> list[Bar]:
    """
    Return the figures in the order of the page; those of parts that are missing are left out.

    Parameters
    ----------
    parts : dict
        Parts of the ledger.
    published : sequence of (str, float)
        Chips and their picojoules per synaptic operation.
    """
    made_up = "not a technology"
    found: list[Bar] = []

    def add(group: str, label: str, part: str, kind: str, *keys: str | int) -> None:
        value: Any = parts.get(part, {})
        if not value or "missing" in value:
            return
        for key in keys:
            value = value[key]
        found.append(Bar(group, label, float(value), kind))

    cycle = "oscillator, a period"
    add(cycle, "ring of 5, gf180mcu", "ring-gf180mcu", "simulated", "rows", 0, "supply_j")
    add(cycle, "ring of 5, level 1", "ring-level1", made_up, "rows", 0, "supply_j")
    add(cycle, "tank, drawn core", "tank", made_up, "supply_j")
    add(cycle, "tank, loss alone", "tank", "bound", "heat_j", "tank loss")
    add(cycle, "buffers of a ring, gf180mcu", "buffer-gf180mcu", "simulated", "supply_j")
    add(cycle, "buffers of a ring, level 1", "buffer-level1", made_up, "supply_j")
    coupling = "coupling, a period"
    for psi, heat_j, _ in parts.get("coupling", {}).get("rows", []):
        if psi < 2.0:
            found.append(Bar(coupling, f"ψ = {psi:.2f} rad, 5 µS", float(heat_j), "bound"))
    if read := parts.get("read"):
        label = "crossbar, a weight, 10 ns"
        found.append(Bar("read", label, read["energy_j"] / read["pairs"], made_up))
    for row in parts.get("updates", {}).get("rows", []):
        label = f"{row['model']}, {row['write_v']:+g} V, a pulse"
        kind = made_up if row["model"] == "vteam" else "simulated"
        found.append(Bar("weight update", label, row["delivered_j"], kind))
    add("weight update", "synapse that learns, all", "synapse", made_up, "per_update_j")
    recall = "recall of 35"
    for name, kind in (("gf180mcu", "simulated"), ("level1", made_up)):
        runs = [part for key, part in parts.items() if key.startswith(f"recall-{name}-letters")]
        if runs and all("supply_j" in run for run in runs):
            joule = sum(run["supply_j"] for run in runs) / len(runs)
            found.append(Bar(recall, f"rings, {name}", joule, kind))
    trained = parts.get("backprop", {}).get("rows", [])
    if trained:
        joule = min(float(row["recall_j"]) for row in trained)
        found.append(Bar(recall, "back-propagation, forward", joule, "counted"))
    if activity := parts.get("activity"):
        why = f"no figure; {activity['phase_bits_per_step']:.0f} toggles a step"
        found.append(Bar(recall, "FPGA core", None, "counted", why=why))
    if trained:
        joule = min(float(row["train_j"]) for row in trained)
        found.append(Bar("training", "back-propagation", joule, "counted"))
    add("training", "one pattern of 4 tanks", "pattern", made_up, "learning_j")
    values = [1e-12 * value for _, value in published]
    found.append(
        Bar("synaptic operation", f"{len(values)} chips", min(values), "published", max(values))
    )
    for row in parts.get("noise", {}).get("rows", []):
        if row["sigma_rad"] == 0.01:
            label = f"{row['what']}, a period, σ = 0.01 rad"
            found.append(Bar("kT", label, row["bound_j"], "thermal"))
    add("kT", "kT ln 2", "noise", "thermal", "landauer_j")
    return found


def write(found: Sequence[Bar], path: Path = RECORD) -> None:
    """Write the figures, a line each."""
    rows = ",\n".join(" " + json.dumps(asdict(bar), ensure_ascii=False) for bar in found)
    write_whole(path, f"[\n{rows}\n]\n")


def read(path: Path = RECORD) -> list[Bar]:
    """
    Return the figures of a record.

    Raises
    ------
    ToolError
        There is none, or it is damaged.
    """
    try:
        return [Bar(**row) for row in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise ToolError(
            f"{path}: no figures of the ledger ({error}); make them by "
            "python -m drai_hw.spice.ledger"
        ) from None
