"""A transition system clock by clock, on numbers or on whatever an algebra calculates with."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

from drai_hw.formal.btor2 import Node, Sort, System

Values = dict[int, Any]


class Algebra(Protocol):
    """What the values of a machine are: numbers where they are known, else its own."""

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives."""

    def fresh(self, sort: Sort, name: str) -> Any:
        """Return a value of which nothing is known."""


class Machine:
    """A transition system, or the part of it that matters.

    Parameters
    ----------
    system : System
        The system.
    algebra : Algebra
        What it calculates with.
    wanted : iterable of str, optional
        Names of the nodes that are looked at; by default all outputs.
    cut : iterable of str
        States that get a fresh value in every clock instead of their own.
    """

    def __init__(
        self,
        system: System,
        algebra: Algebra,
        wanted: Iterable[str] | None = None,
        cut: Iterable[str] = (),
    ) -> None:
        self.system, self.algebra = system, algebra
        names = system.outputs if wanted is None else wanted
        self.cut = {system.meant(system.names[name]) for name in cut}
        self.order = system.cone((system.names[name] for name in names), self.cut)
        self._plan = [
            (number, node, [system.nodes[arg].sort for arg in node.args])
            for number in self.order
            if (node := system.nodes[number]).op not in ("input", "state")
        ]
        self.states = [n for n in self.order if n in system.states]
        # What nothing changes: a table.
        self.tables = {n for n in self.states if n in system.init and system.next.get(n, n) == n}

    def start(self, reset: bool, keep: Callable[[int], bool] = lambda number: False) -> Values:
        """Return the values of the states at the beginning.

        Parameters
        ----------
        reset : bool
            As the source initialises them; else anything, but for tables.
        keep : callable
            States by number that begin with their initial value in any case.
        """
        out: Values = {}
        for number in self.states:
            name = self.system.states[number] or f"state{number}"
            begins = number in self.system.init and number not in self.cut
            if begins and (reset or number in self.tables or keep(number)):
                out[number] = self._initial(number, out)
            else:
                out[number] = self.algebra.fresh(self.system.nodes[number].sort, name)
        return out

    def _initial(self, number: int, known: Values) -> Any:
        """Evaluate an initial value: a constant, or the words of a memory."""
        root = self.system.init[number]
        table = self._table(root)
        if table is not None:
            return table
        found: Values = dict(known)
        open_ = [root]
        while open_:
            top = open_[-1]
            node = self.system.nodes[top]
            missing = [arg for arg in node.args if arg not in found]
            if missing:
                open_ += missing
                continue
            open_.pop()
            if top in found:
                continue
            if node.op == "state":
                found[top] = self.algebra.fresh(node.sort, f"state{top}")
                continue
            sorts = [self.system.nodes[arg].sort for arg in node.args]
            found[top] = self._apply(node, [found[arg] for arg in node.args], sorts)
        value, sort = found[root], self.system.nodes[number].sort
        if sort.address and not self.system.nodes[root].sort.address:
            return self.algebra.apply(Node("fill", sort), [value], [self.system.nodes[root].sort])
        return value

    def _table(self, root: int) -> list[int] | None:
        """Return the words of a memory, if all of them are given as numbers."""
        nodes = self.system.nodes
        words: dict[int, int] = {}
        node = nodes[root]
        while node.op == "write":
            address, word = (nodes[self.system.meant(arg)] for arg in node.args[1:])
            if address.op != "const" or word.op != "const":
                return None
            words.setdefault(address.values[0], word.values[0])
            node = nodes[node.args[0]]
        full = bool(node.sort.address) and len(words) == 1 << node.sort.address
        return [words[place] for place in sorted(words)] if full else None

    def _apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        if node.op == "const":
            return node.values[0]
        if node.op == "alias":
            return args[0]
        return self.algebra.apply(node, args, sorts)

    def evaluate(self, states: Values, inputs: Mapping[str, Any], label: str = "") -> Values:
        """Return the values of all nodes in a clock.

        Parameters
        ----------
        states : dict
            Values of the states, by number.
        inputs : mapping of str to value
            Those that are given; others are fresh.
        label : str
            End of the names of fresh values.
        """
        values = dict(states)
        for number in self.order:
            if number in self.system.inputs:
                name = self.system.inputs[number]
                if name in inputs:
                    values[number] = inputs[name]
                else:
                    sort = self.system.nodes[number].sort
                    values[number] = self.algebra.fresh(sort, f"{name or number}{label}")
        for number, node, sorts in self._plan:
            values[number] = self._apply(node, [values[arg] for arg in node.args], sorts)
        return values

    def after(self, values: Values, label: str = "") -> Values:
        """Return the states of the next clock."""
        out: Values = {}
        for number in self.states:
            if number in self.cut or number not in self.system.next:
                if number in self.tables:
                    out[number] = values[number]
                    continue
                name = self.system.states[number] or f"state{number}"
                out[number] = self.algebra.fresh(self.system.nodes[number].sort, f"{name}{label}")
            else:
                out[number] = values[self.system.next[number]]
        return out

    def at(self, values: Values, name: str) -> Any:
        """Return a value by name."""
        return values[self.system.names[name]]
