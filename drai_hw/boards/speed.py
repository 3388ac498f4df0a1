"""Prediction of the clock a core reaches, from the committed records of routed ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from drai_hw.boards.devices import DEVICES, Device
from drai_hw.model.numbers import Formats

# How much faster other dies and grades of a family are than those of its records, measured once on
# one design: ECP5-5G against grade 6, HX8K against UP5K, GW2A-18 against GW1NR-9.
_FASTER = {
    "LFE5UM5G-45F": 1.36,
    "LFE5UM5G-85F": 1.36,
    "iCE40HX8K": 2.27,
    "iCE40HX1K": 2.27,
    "iCE40LP8K": 1.5,
    "GW2A-18C": 2.12,
}
PRIOR_WEIGHT = 0.1
# Period in ns of a small core, and what the doublings of its lanes add: where few records tell,
# the fit stays near them.
_PRIOR = {"ecp5": (9.5, 0.5), "ice40": (27.0, 1.0), "gowin": (11.0, 0.6)}


@dataclass(frozen=True)
class Speed:
    """A predicted clock.

    Parameters
    ----------
    fmax_hz : float
        Slowest clock that place and route is expected to reach.
    spread : float
        Largest relative error of the model over the records of the family, each predicted
        without itself.
    records : int
        How many records that are.
    """

    fmax_hz: float
    spread: float
    records: int


def predict_speed(formats: Formats, device: Device) -> Speed:
    """Predict fmax of a core on a device.

    The period is linear in the logarithm of the number of lanes (control signals reach further)
    and fitted to the committed records of the family; other grades are scaled.
    """
    model = _models().get(device.family)
    if model is None:
        model = _fit([], device.family)
    base, per_doubling, spread, count = model
    period_ns = base + per_doubling * _doublings(formats.lanes)
    fmax_hz = 1e9 / period_ns * _FASTER.get(device.name, 1.0)
    return Speed(fmax_hz, spread, count)


def _doublings(lanes: int) -> float:
    return math.log2(lanes)


def records() -> list[dict[str, Any]]:
    """Return the rows of all committed reports, each with its ``board``.

    Those with weights in SDRAM are left out: the models are of cores whose weights are on the chip.
    """
    from drai_hw.boards.boardfile import known_boards
    from drai_hw.boards.report import read_rows

    return [
        row | {"board": name}
        for name, folder in known_boards().items()
        for row in read_rows(folder / "report.json")
        if "sdram" not in row
    ]


@cache
def _models() -> dict[str, tuple[float, float, float, int]]:
    rows: dict[str, list[tuple[float, float]]] = {}
    for row in records():
        device = DEVICES[row["device"]]
        scaled_hz = row["fmax_hz"] / _FASTER.get(device.name, 1.0)
        point = (_doublings(row["formats"]["lanes"]), 1e9 / scaled_hz)
        rows.setdefault(device.family, []).append(point)
    return {family: _fit(points, family) for family, points in rows.items()}


def _fit(points: Sequence[tuple[float, float]], family: str) -> tuple[float, float, float, int]:
    base, slope = _line(points, family)
    errors = []
    for index, (doublings, period_ns) in enumerate(points):
        others = [p for at, p in enumerate(points) if at != index]
        without = _line(others, family)
        errors.append(abs(period_ns / (without[0] + without[1] * doublings) - 1))
    return base, slope, max(errors, default=0.0), len(points)


def _line(points: Iterable[tuple[float, float]], family: str) -> tuple[float, float]:
    prior = np.array(_PRIOR[family])
    pairs = list(points)
    rows = [np.array([1.0, x]) * prior / y for x, y in pairs] + list(PRIOR_WEIGHT * np.eye(2))
    wanted = np.array([1.0] * len(pairs) + [PRIOR_WEIGHT] * 2)
    scale = np.linalg.lstsq(np.array(rows), wanted, rcond=None)[0]
    return float(scale[0] * prior[0]), float(scale[1] * prior[1])
