"""Values of a circuit by name: tanks of parts on a board, and of spiral inductors on a chip."""

from __future__ import annotations

from typing import Any

CIRCUIT_PRESETS: dict[str, dict[str, float]] = {
    "board": {"f0_hz": 1e6, "q": 15.9, "capacitance_f": 253.3e-12, "amplitude_v": 1.0},
    "ghz": {"f0_hz": 1e9, "q": 10.0, "capacitance_f": 5e-12, "amplitude_v": 0.6},
}
"""The second: two inductors of 5 nH, loss 636 ohm between the sides."""


def with_preset(data: Any) -> Any:
    """Return a circuit's keys with the values of its preset where none is given."""
    if not isinstance(data, dict):
        return data
    named = data.get("preset")
    return {**CIRCUIT_PRESETS.get(named if isinstance(named, str) else "", {}), **data}
