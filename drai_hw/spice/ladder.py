"""What is tried, in turn, when ngspice finds no solution."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from drai_hw.errors import ConvergenceError

T = TypeVar("T")


@dataclass(frozen=True)
class Rung:
    """
    One step of the ladder.

    Parameters
    ----------
    name : str
        What is changed.
    options : str
        Options that are added to the netlist's own; a later one wins.
    step : float
        Factor of the time step.
    """

    name: str
    options: str = ""
    step: float = 1.0

    def apply(self, text: str) -> str:
        """Return a netlist with this rung's options and step."""
        if self.options:
            text = re.sub(
                r"^(\.options .*)$", rf"\1 {self.options}", text, count=1, flags=re.MULTILINE
            )
        if self.step != 1.0:
            text = re.sub(r"^\.tran (\S+) (\S+) (\S+) (\S+)(.*)$", self._tran, text, flags=re.M)
        return text

    def _tran(self, match: re.Match[str]) -> str:
        step_s = self.step * float(match[1])
        return f".tran {step_s:.12g} {match[2]} {match[3]} {step_s:.12g}{match[5]}"


LADDER = (
    Rung("as it is"),
    Rung("200 Newton iterations a point", "itl4=200"),
    Rung("half the step", "itl4=200", 0.5),
    Rung("a quarter of the step, gmin 1e-10", "itl4=200 gmin=1e-10", 0.25),
)
"""Each changes more than the one before; none loosens a tolerance or the integration method, which
would move frequencies and energies without a word."""


def climb(attempt: Callable[[Rung], T]) -> tuple[T, Rung]:
    """
    Try the rungs in turn until one gives a solution.

    Parameters
    ----------
    attempt : callable
        Runs with a rung; raises `ConvergenceError` when there is no solution.

    Returns
    -------
    tuple
        What the attempt returned, and the rung.

    Raises
    ------
    ConvergenceError
        No rung did; the message has what ngspice said on each.
    """
    said: list[str] = []
    for rung in LADDER:
        try:
            return attempt(rung), rung
        except ConvergenceError as error:
            said.append(f"{rung.name}: {error}")
    raise ConvergenceError("; ".join(said))
