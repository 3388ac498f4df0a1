"""All that can be reached, as a table: values of small words, and the facts that hold with each.

Reps, Sagiv, Yorsh: Symbolic implementation of the best transformer, VMCAI 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from drai_hw.formal.exact import Bit, both, either, no
from drai_hw.formal.modular import Word
from drai_hw.formal.outcome import OutOfTimeError
from drai_hw.formal.solver import Solver

Label = tuple[int, ...]


@dataclass(frozen=True)
class View:
    """What is looked at in a clock.

    Parameters
    ----------
    labels : sequence of Word
        Small words: each mixture of their values is a row of the table.
    facts : sequence of bit
        What may hold in a row.
    """

    labels: Sequence[Word]
    facts: Sequence[Bit]


@dataclass
class Table:
    """Rows that can be reached, each with the numbers of the facts that hold in it."""

    rows: dict[Label, frozenset[int]] = field(default_factory=dict)
    _made: dict[tuple[int, Label], tuple[frozenset[int], Bit]] = field(default_factory=dict)

    def row(self, solver: Solver, view: View, label: Label) -> Bit:
        """Return whether a clock is of a row."""
        holding = self.rows[label]
        known, bit = self._made.get((id(view), label), (None, 0))
        if known != holding:
            alike = (word.same(value) for word, value in zip(view.labels, label, strict=True))
            bit = both(solver.terms, *alike, *(view.facts[k] for k in sorted(holding)))
            self._made[id(view), label] = (holding, bit)
        return bit

    def inside(self, solver: Solver, view: View) -> Bit:
        """Return whether a clock is of any row."""
        return either(solver.terms, *(self.row(solver, view, label) for label in self.rows))

    def grow(self, solver: Solver, view: View) -> Label:
        """Let the case that the solver found in; return its row."""
        label = tuple(solver.number(word.value) for word in view.labels)
        holds = frozenset(k for k, fact in enumerate(view.facts) if solver.number(fact))
        self.rows[label] = self.rows.get(label, holds) & holds
        return label


def reached(
    solver: Solver,
    first: View,
    now: View,
    then: View,
    table: Table,
) -> None:
    """Grow a table to the smallest that holds the first clock, and with each clock the next one.

    Parameters
    ----------
    solver : Solver
        What holds of every clock is held in it.
    first : View
        The first clock.
    now, then : View
        A clock and the one behind it.
    table : Table
        States that were reached already; it grows.

    Raises
    ------
    OutOfTimeError
        The time limit.
    """
    open_ = dict.fromkeys(table.rows)

    def follow(view: View, *given: Bit) -> bool:
        found = solver.possible(*given, no(solver.terms, table.inside(solver, view)))
        if found is None:
            raise OutOfTimeError(f"{len(table.rows)} kinds of states were found")
        if found:
            open_[table.grow(solver, view)] = None
        return found

    while follow(first):
        continue
    while open_:
        label = next(iter(open_))
        del open_[label]
        while label not in open_ and follow(then, table.row(solver, now, label)):
            continue
        # A row that let something of itself in has fewer facts: it is gone through once more.
