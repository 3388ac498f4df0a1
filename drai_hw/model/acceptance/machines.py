"""Twins set up for acceptance rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import ToolError
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.units import lsb_to_rad


def geometry(n: int) -> dict[str, int]:
    """Return lanes and pages for n oscillators: lanes that fill the vector units, few idle."""
    lanes = min(64, n + n % 2)
    return {"n": n, "lanes": lanes, "pages": -(-n // lanes)}


DEFAULT: dict[str, int] = {}
FINE = {"accumulator_bits": 18, "phase_bits": 8, "table_bits": 8}


def formats_of(n: int, **widths: object) -> Formats:
    """Return formats for n oscillators, the default ones but for ``widths``."""
    return Formats(**(geometry(n) | widths))  # type: ignore[arg-type]


def label(widths: dict[str, int]) -> str:
    """Name formats by A, P and B."""
    f = formats_of(2, **widths)
    return f"A = {f.accumulator_bits}, P = {f.phase_bits}, B = {f.table_bits}"


def machine(formats: Formats, **registers: int) -> Twin:
    """Return the fastest twin there is, configured; without numba the slower one has its bits."""
    twin: Twin
    try:
        twin = CompiledTwin(formats)
    except ToolError:
        twin = Twin(formats)
    twin.configure(Settings(**registers))
    return twin


def equal_weights(n: int, weight: int = 1) -> NDArray[np.int64]:
    """Return all-to-all weights of one value."""
    return weight * (np.ones((n, n), dtype=np.int64) - np.eye(n, dtype=np.int64))


def phases_rad(twin: Twin) -> NDArray[np.float64]:
    """Return the phases of a twin."""
    return lsb_to_rad(twin.read_phases(), twin.formats.accumulator_bits)


def order_trace(twin: Twin, skip: int, steps: int, every: int = 1) -> float:
    """Return r averaged over ``steps`` steps after ``skip`` steps, looked at ``every`` so many."""
    twin.run(skip)
    found = []
    for _ in range(steps // every):
        twin.run(every, resume=True)
        found.append(abs(np.exp(1j * phases_rad(twin)).mean()))
    return float(np.mean(found))
