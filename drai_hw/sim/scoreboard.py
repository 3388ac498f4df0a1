"""Scoreboard of the cocotb bench: the RTL's whole state beside the twin's."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from drai_hw.model.twin import Twin
from drai_hw.sim.bus import MemoryWindow
from drai_hw.sim.comparison import Comparison, windows_of


class Scoreboard(Comparison):
    """`Comparison` by hierarchical reads in a cocotb simulation.

    Parameters
    ----------
    dut : handle
        Top module.
    twin : Twin
        Reference.
    memories : dict
        Metadata of the memories.
    others : sequence of (Twin, dict), optional
        Twins of the replicas from 1 on, and metadata of their memories.
    """

    def __init__(
        self,
        dut: Any,
        twin: Twin,
        memories: dict[str, Any],
        others: Sequence[tuple[Twin, dict[str, Any]]] = (),
    ) -> None:
        window = partial(MemoryWindow, dut)
        super().__init__(
            twin,
            windows_of(memories, window),
            [(other, windows_of(its, window)) for other, its in others],
        )
