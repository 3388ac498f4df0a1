"""The runs of the page, judged, as JSON-ready values that can be kept."""

from __future__ import annotations

from dataclasses import asdict
from functools import partial
from typing import Any

from drai_hw.spice.learning_model import Curve, device_curve
from drai_hw.spice.learning_network.cases import Case, cases
from drai_hw.spice.learning_network.energy import Energy, energy
from drai_hw.spice.learning_network.judge import judge
from drai_hw.spice.learning_network.runs import Run, run

Part = dict[str, Any]


def spent(case: Case, seen: Run) -> Energy:
    """Return the energy of a case from its pattern's being shown to its last pulse.

    Parameters
    ----------
    case : Case
        With stages that learn, each after one that shows the same.
    seen : Run
        Its run.
    """
    teaching = [k for k, stage in enumerate(case.network.stages) if stage.learns]
    return energy(case.network, seen, teaching[0] - 1, teaching[-1])


def booked(found: Energy) -> Part:
    """Return an energy as JSON-ready values."""
    changed_j, written_j = found.per_update_j()
    return asdict(found) | {
        "learning_j": found.learning_j,
        "device_j": found.device_j,
        "per_changed_j": changed_j,
        "per_written_j": written_j,
    }


def part(name: str, curve: Curve | None = None) -> Part:
    """
    Run and judge a case.

    Parameters
    ----------
    name : str
        One of `cases`.
    curve : Curve, optional
        Update curve of its devices, if it is known.
    """
    case = cases()[name]
    seen = run(case.network)
    verdict = judge(case.network, case.wanted, seen, curve or device_curve(case.network.synapse))
    made: Part = {"title": case.title, "recalls": case.recalls, "pairs": case.network.pairs}
    made |= asdict(verdict) | {"seconds": seen.waves.seconds, "cycles": int(case.network.ends[-1])}
    for row, stage in zip(made["learned"], verdict.learned, strict=True):
        row["errors"] = stage.errors
    if verdict.learned:
        made["energy"] = booked(spent(case, seen))
    return made


def makers() -> dict[str, partial[Part]]:
    """Return what makes each part."""
    return {name: partial(part, name) for name in cases()}
