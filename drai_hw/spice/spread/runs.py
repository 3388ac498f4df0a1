"""Dies side by side: each result is kept as it comes, so that an interruption loses none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.spice.engine import Progress
from drai_hw.spice.kept_parts import made_side_by_side
from drai_hw.spice.spread.circuits import SORTS, Corner
from drai_hw.spice.spread.deviate import Mismatch
from drai_hw.spice.spread.dies import Die, measure, network

Values = dict[str, Any]
WHAT: dict[str, Callable[[Die], Values]] = {"all": measure, "recall": network}


@dataclass(frozen=True)
class Group:
    """
    Dies that differ in nothing but what was drawn.

    Parameters
    ----------
    circuit : str
        Of `SORTS`.
    corner : Corner
        Where they work.
    scale : float
        Of their mismatch.
    count : int
        How many; seeds are 0 to count - 1.
    what : str
        "all", or "recall" alone.
    """

    circuit: str
    corner: Corner = field(default_factory=Corner)
    scale: float = 1.0
    count: int = 1
    what: str = "all"

    def __post_init__(self) -> None:
        if self.circuit not in SORTS:
            raise SpecError(f"circuit {self.circuit!r}: needed is one of {', '.join(SORTS)}")
        if self.what not in WHAT:
            raise SpecError(f"{self.what!r}: needed is one of {', '.join(WHAT)}")
        if not 1 <= self.count <= 100_000:
            raise SpecError(f"count = {self.count!r}: needed are 1 to 100000 dies")
        Mismatch(scale=self.scale)

    def dies(self) -> list[Die]:
        """Return the dies."""
        some = Mismatch(scale=self.scale)
        return [Die(SORTS[self.circuit], self.corner, some, seed) for seed in range(self.count)]


def measured(die: Die, what: str) -> Values:
    """Return what is measured on a die; where the circuit fails, ``fault`` and ngspice's words."""
    try:
        return WHAT[what](die)
    except ConvergenceError as error:
        return {"fault": str(error), "exact": False}


def _told(die: Die, what: str, progress: Progress) -> Values:
    return measured(die, what)


def run(
    groups: Sequence[Group], folder: Path, *, processes: int = 2, fresh: bool = False,
    tell: Callable[[int, int, str], None] | None = None,
) -> list[list[Values]]:  # fmt: skip
    """
    Measure all dies of some groups, ngspice processes side by side.

    Parameters
    ----------
    groups : sequence of Group
        What to measure.
    folder : Path
        Where each die's result is kept; what is there is not measured again.
    processes : int
        ngspice processes side by side, at least 1.
    fresh : bool
        Measure kept dies again.
    tell : callable, optional
        Called with the finished and all dies, and the name of the last.

    Raises
    ------
    SpecError, ToolError
        A corner that a circuit does not have; ngspice or models are missing. What is finished by
        then is kept.
    """
    work: list[tuple[str, Callable[[Progress], Values]]] = [
        (f"{group.what}-{die.name}", partial(_told, die, group.what))
        for group in groups for die in group.dies()
    ]  # fmt: skip
    parts = iter(made_side_by_side(folder, work, processes=processes, fresh=fresh, tell=tell))
    return [list(islice(parts, group.count)) for group in groups]
