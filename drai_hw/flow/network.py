"""The parts of a network that a stage is told, and the network that it makes of them again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.files import made_whole
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.spec import Spec, validate

ARRAYS = "arrays.npz"

# Sections that every stage needs: the cross-checks of the schema read them.
_ALWAYS = ("network", "formats", "dynamics", "task")


def told(spec: Spec, *sections: str, geometry: tuple[int, int] | None = None) -> dict[str, Any]:
    """
    Return the inputs of a stage: the named sections of the network and, if asked, the geometry.

    What is not named stays unknown to the stage, so a change there cannot make its result stale.

    Parameters
    ----------
    spec:
        The network.
    sections:
        Sections beside network, formats, dynamics and task.
    geometry:
        Lanes and pages, for stages that depend on them.
    """
    data = spec.model_dump(by_alias=True, mode="json", exclude_none=True)
    kept = {"schema": data["schema"], **{name: data[name] for name in (*_ALWAYS, *sections)}}
    inputs: dict[str, Any] = {"network": kept}
    if geometry is not None:
        inputs["lanes"], inputs["pages"] = geometry
    return inputs


def spec_of(inputs: Mapping[str, Any]) -> Spec:
    """Return the network that a stage's inputs describe; sections it was not told are defaults."""
    return validate(inputs["network"], "stage inputs")


def formats_of(inputs: Mapping[str, Any]) -> Formats:
    """Return the number formats that a stage's inputs describe, geometry included."""
    return plan.formats_of(spec_of(inputs), inputs["lanes"], inputs["pages"])


def save(workdir: Path, **arrays: Any) -> None:
    """Write the arrays of a stage into its folder."""
    with made_whole(workdir / ARRAYS) as beside:
        np.savez_compressed(beside, **arrays)


def load(folder: Path) -> dict[str, NDArray[Any]]:
    """Read the arrays of a stage."""
    with np.load(folder / ARRAYS, allow_pickle=False) as stored:
        return dict(stored)
