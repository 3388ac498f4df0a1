"""The gate that ends learning once a pattern is held."""

from __future__ import annotations

from dataclasses import dataclass

from drai_hw.model.gates.base import Bools, Gate, Observed


@dataclass(frozen=True)
class Margin(Gate):
    """Open unless both oscillators are held, i.e. their fields reach ``learning.margin``.

    What is stored well enough is left alone, which keeps small integer weights from saturating.
    """

    name = "margin"

    def open(self, seen: Observed) -> Bools:
        """Return which pairs may learn."""
        return ~(seen.held[..., :, None] & seen.held[..., None, :])
