"""All states that the sequencer can reach, and what can happen in them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.formal.compiled import KnownMachine
from drai_hw.formal.design import Design
from drai_hw.formal.known import Partly
from drai_hw.formal.machine import Values
from drai_hw.formal.outcome import OutOfTimeError, UndecidedError
from drai_hw.formal.solver import Clock

PART = "sequencer"
LEFT = "left"
MOST_STATES = 2_000_000
State = tuple[int, ...]


@dataclass(frozen=True)
class Edge:
    """A clock of the sequencer.

    Parameters
    ----------
    after : tuple of int
        The state it leads to.
    free : tuple of (str, int)
        Inputs that it depends on; ``left`` is 0 for no step left, 1 for some.
    outputs : tuple of int
        What the sequencer says in it, in the order of `Sequence.outputs`.
    """

    after: State
    free: tuple[tuple[str, int], ...]
    outputs: tuple[int, ...]

    def given(self, name: str, value: int) -> bool:
        """Return whether it happens with this value of an input, too."""
        return dict(self.free).get(name, value) == value


@dataclass
class Sequence:
    """The reachable states of a sequencer and the clocks between them.

    Attributes
    ----------
    registers : list of str
        What a state consists of.
    outputs : list of str
        What an edge says.
    edges : dict
        All clocks by the state that they start from.
    first : tuple of int
        The state after a reset.
    """

    registers: list[str]
    outputs: list[str]
    first: State = ()
    edges: dict[State, list[Edge]] = field(default_factory=dict)

    def said(self, edge: Edge, name: str) -> int:
        """Return an output by name."""
        return edge.outputs[self.outputs.index(name)]

    def of(self, state: State, name: str) -> int:
        """Return a register by name."""
        return state[self.registers.index(name)]


class Explorer:
    """Walks over all states of a design's sequencer.

    The count of steps that are left is taken as "some" or "none", which
    `drai_hw.formal.deadlock.countdown` shows to be enough.

    Parameters
    ----------
    design : Design
        The core.
    clock : Clock
        Time limit.
    """

    def __init__(self, design: Design, clock: Clock) -> None:
        self.design, self.clock = design, clock
        self.system = design.system(PART)
        self.wanted = ["busy", "step_done", "ramp", "kind", "start", "learning", "control"]
        design.require(self.system, [*self.wanted, LEFT])
        self.machine = KnownMachine(self.system, self.wanted, cut=[LEFT])
        self.left = self.system.meant(self.system.names[LEFT])
        self.numbers = [n for n in self.machine.states if n != self.left]
        self.inputs = [
            name for n, name in self.system.inputs.items()
            if n in self.machine.order and name not in ("clk", "rst")
        ]  # fmt: skip

    def explore(self) -> Sequence:
        """Return all states that follow a reset, and the clocks between them.

        Raises
        ------
        OutOfTimeError
            The time limit, or more states than memory should hold.
        """
        names = self._names()
        out = Sequence(names, self.wanted)
        after = self.machine.after(self._values({}, self.machine.start(reset=False), rst=1))
        first = tuple(after[number] for number in self.numbers)
        loose = [name for name, value in zip(names, first, strict=True) if not _is(value)]
        # What a reset leaves open is set when a run begins; here it starts as initialised.
        begun = self.machine.start(reset=True)
        out.first = tuple(
            value if _is(value) else begun[number]
            for number, value in zip(self.numbers, first, strict=True)
        )
        if not all(_is(value) for value in out.first):
            raise SpecError(f"{self.design.top}.{PART}: no initial value for {', '.join(loose)}")
        open_ = [out.first]
        while open_:
            state = open_.pop()
            if state in out.edges:
                continue
            if self.clock.over or len(out.edges) > MOST_STATES:
                raise OutOfTimeError(f"{len(out.edges)} states of the sequencer were visited")
            out.edges[state] = list(self._edges(state))
            open_ += [edge.after for edge in out.edges[state] if edge.after not in out.edges]
        return out

    def inside(self, state: State, edge: Edge, names: list[str]) -> dict[str, int]:
        """Return what was asked for in a clock: signals, or registers of their names behind it.

        0 where a design has neither.
        """
        meant = {name: self.system.meant(self.system.names[name])
                 for name in names if name in self.system.names}  # fmt: skip
        after = dict(zip(self.numbers, edge.after, strict=True))
        kept = {name: after[number] for name, number in meant.items() if number in after}
        there = [name for name in meant if name not in kept]
        machine = KnownMachine(self.system, there, cut=[LEFT])
        states: Values = {n: Partly(0, 0) for n in machine.states}
        states |= {n: v for n, v in zip(self.numbers, state, strict=True) if n in states}
        values = machine.evaluate(states, dict(edge.free) | {"rst": 0})
        found = kept | {name: machine.at(values, name) for name in there}
        return {name: value if _is(value := found.get(name, 0)) else 0 for name in names}

    def _names(self) -> list[str]:
        return [self._name(number) for number in self.numbers]

    def _name(self, number: int) -> str:
        listed = self.system.states[number]
        return listed or next(k for k, v in self.system.outputs.items() if v == number)

    def _values(self, free: dict[str, int], states: Values, rst: int = 0) -> Values:
        given: dict[str, Any] = {k: v for k, v in free.items() if k != LEFT}
        return self.machine.evaluate(states, given | {"rst": rst})

    def _edges(self, state: State) -> Iterator[Edge]:
        """Yield what can follow: inputs are tried one by one where they matter."""
        open_: list[dict[str, int]] = [{}]
        while open_:
            free = open_.pop()
            states: Values = dict(zip(self.numbers, state, strict=True))
            left: Any = free.get(LEFT, Partly(0, 0))
            states[self.left] = Partly(1, 1) if left == 1 else left
            values = self._values(free, states)
            after = self.machine.after(values)
            following = [after[number] for number in self.numbers]
            said = [self.machine.at(values, name) for name in self.wanted]
            if all(_is(value) for value in (*following, *said)):
                yield Edge(tuple(following), tuple(free.items()), tuple(said))
                continue
            undecided = [name for name in (LEFT, *self.inputs) if name not in free]
            if not undecided:
                raise UndecidedError(
                    "more than whether steps are left decides on the next state of the sequencer, "
                    f"or something undefined: {dict(zip(self._names(), state, strict=True))}"
                )
            chosen = undecided[0] if len(undecided) == 1 else self._deciding(free, states,
                                                                             undecided)  # fmt: skip
            width = 1 if chosen == LEFT else self.system.width(chosen)
            open_ += [free | {chosen: value} for value in range(1 << width)]

    def _deciding(self, free: dict[str, int], states: Values, undecided: list[str]) -> str:
        """Return the input that leaves the least open."""

        def opened(name: str) -> int:
            count = 0
            for value in (0, 1):
                trial = dict(states)
                if name == LEFT:
                    trial[self.left] = Partly(1, 1) if value else 0
                values = self._values(free | {name: value}, trial)
                after = self.machine.after(values)
                count += sum(not _is(after[number]) for number in self.numbers)
                count += sum(not _is(self.machine.at(values, each)) for each in self.wanted)
            return count

        return min(undecided, key=opened)


def _is(value: Any) -> bool:
    return isinstance(value, int)
