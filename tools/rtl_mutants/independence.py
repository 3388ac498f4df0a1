"""What a sequencer, right or wrong, cannot depend on: shown for all states by Bitwuzla."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from drai_hw.formal.btor2 import System
from drai_hw.formal.exact import both, either, no, op
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.solver import Clock, Solver, Terms

LIMIT_S = 60.0
LEFT = "left"
"""The count of steps that are left, among the inputs."""


class Sided(Protocol):
    """A sequencer with one mutant chosen, see `tools.rtl_mutants.product.Side`."""

    system: System
    states: list[int]
    left: list[int]


class _Clocks:
    """Two clocks, of the same sequencer or of two, from states and inputs that are equal or not."""

    def __init__(self) -> None:
        self.terms = Terms()
        self.solver = Solver(self.terms, Clock(LIMIT_S))
        self._words: dict[str, Any] = {}

    def word(self, name: str, bits: int) -> Any:
        """Return a free word, the same for the same name."""
        if name not in self._words:
            self._words[name] = self.terms.word(name, bits)
        return self._words[name]

    def clock(
        self, side: Sided, mark: str, states: Iterable[int], inputs: Iterable[str]
    ) -> tuple[Values, dict[str, Any], Values]:
        """Return states, inputs and values; those named are free for every mark, the others one."""
        system, of_mark = side.system, {*states, *inputs}
        machine = Machine(system, self.terms)
        begun = {
            n: self.word(f"{n}{mark if n in of_mark else ''}", system.nodes[n].sort.bits)
            for n in machine.states
        }
        given = {
            name: self.word(f"{name}{mark if name in of_mark else ''}", system.nodes[n].sort.bits)
            for n, name in system.inputs.items() if name
        }  # fmt: skip
        return begun, given, machine.evaluate(begun, given)

    def same(self, a: Any, b: Any, bits: int) -> Any:
        """Return whether two words are equal."""
        return 1 if a is b else op(self.terms, "eq", 1, (a, bits), (b, bits))

    def possible(self, kind: list[Any], alike: list[Any]) -> bool:
        """Return whether a case of a kind may exist in which not all is alike."""
        question = both(self.terms, *kind, no(self.terms, both(self.terms, *alike)))
        return self.solver.possible(question) is not False

    def alike(self, side: Sided, one: Values, two: Values, outputs: bool) -> list[Any]:
        """Return the equality of each next state, but for the steps left, and of each output."""
        system = side.system
        pairs = [(system.next[n], system.nodes[n].sort.bits) for n in side.states]
        if outputs:
            pairs += [(n, system.nodes[n].sort.bits) for n in system.outputs.values()]
        return [self.same(one[n], two[n], bits) for n, bits in pairs]


def matter(
    side: Sided,
    inputs: Iterable[str],
    values: Mapping[str | int, int],
    others: Mapping[str | int, int] | None = None,
    *,
    outputs: bool = True,
) -> bool:
    """Return whether some inputs may matter in clocks of a kind, whatever the state.

    Parameters
    ----------
    side : Sided
        A sequencer.
    inputs : iterable of str
        Inputs; ``left`` stands for the count of steps.
    values, others : mapping of str or int to int
        Values of other inputs and of registers that the clocks have; and that they don't have.
    outputs : bool
        Whether outputs count too, and not only next states.
    """
    names, clocks = set(inputs), _Clocks()
    free = side.left if LEFT in names else []
    begun, given, one = clocks.clock(side, "", free, names)
    _, _, two = clocks.clock(side, "other", free, names)

    def has(what: str | int, value: int) -> Any:
        word = given[what] if isinstance(what, str) else begun[what]
        bits = side.system.width(what) if isinstance(what, str) else _bits(side, what)
        return clocks.same(word, value, bits)

    kind = [has(what, value) for what, value in values.items()]
    kind += [no(clocks.terms, has(what, value)) for what, value in (others or {}).items()]
    return clocks.possible(kind, clocks.alike(side, one, two, outputs))


def counts(side: Sided) -> bool:
    """Return whether more of the steps left may matter than whether there are some."""
    clocks = _Clocks()
    begun, _, one = clocks.clock(side, "", side.left, ["steps"])
    also, _, two = clocks.clock(side, "other", side.left, ["steps"])
    kind = [
        no(clocks.terms, clocks.same(states[n], 0, _bits(side, n)))
        for states in (begun, also) for n in side.left
    ]  # fmt: skip
    return clocks.possible(kind, clocks.alike(side, one, two, outputs=True))


def miscounts(right: Sided, wrong: Sided, phase: int) -> bool:
    """Return whether the steps left may take another course while the phases are the same.

    Nothing else that the two have in common is taken into account. At rest, in phase 0, which
    follows a reset too, they may differ if the next clock makes them the same.
    """
    if len(wrong.left) != len(right.left):
        return True
    return all(_miscounts(right, wrong, phase, own=own) for own in (False, True))


def _miscounts(right: Sided, wrong: Sided, phase: int, *, own: bool) -> bool:
    """Return the same, with the count at rest the same in both, or each with its own."""
    clocks = _Clocks()
    sides = []
    for side, mark in ((right, ""), (wrong, "other")):
        free = [n for n in side.states if n != phase] + (side.left if own else [])
        names = [name for name in side.system.inputs.values() if name not in ("rst", "steps")]
        sides.append(clocks.clock(side, mark, free, names))
    (begun, given, one), (also, _, two) = sides

    def alike(a: Values, b: Values, at: Mapping[int, int], there: Mapping[int, int]) -> list[Any]:
        return [clocks.same(a[at[n]], b[there[n]], _bits(right, n)) for n in right.left]

    kind = []
    if own:
        same = both(clocks.terms, *alike(begun, also, {n: n for n in begun}, {n: n for n in also}))
        rests = clocks.same(begun[phase], 0, _bits(right, phase))
        kind = [no(clocks.terms, given["rst"]), either(clocks.terms, rests, same)]
    return clocks.possible(kind, alike(one, two, right.system.next, wrong.system.next))


def _bits(side: Sided, number: int) -> int:
    return side.system.nodes[number].sort.bits
