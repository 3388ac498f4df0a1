"""The sequencer cannot stop: every run ends, whatever the host asks for."""

from __future__ import annotations

from drai_hw.formal.design import Design
from drai_hw.formal.exact import both, either, no, op
from drai_hw.formal.machine import Machine
from drai_hw.formal.outcome import PROVED, REFUTED, Outcome, OutOfTimeError
from drai_hw.formal.sequence import LEFT, PART, Explorer, Sequence, State
from drai_hw.formal.solver import Clock, Solver, Terms

METHOD = (
    "all reachable states of the sequencer, one by one, and a rank that falls in every clock; the "
    "count of steps by bit vectors (Bitwuzla)"
)
_SMALL = 4
_PATIENT = ("ready", "settled")
"""Inputs by which a weight store may make the sequencer wait."""


def prove(design: Design, clock: Clock) -> Outcome:
    """Prove that a run ends after a bounded number of clocks in which the store is ready."""
    f = design.formats
    scope = (
        f"{f.lanes} lanes x {f.pages} pages; every state that follows a reset, every mixture of "
        "passes, any number of steps, any moments at which the weight store makes it wait "
        "(block memory, as in the Verilog of drai-hw rtl, never does)"
    )
    explorer = Explorer(design, clock)
    graph = explorer.explore()
    wrong = countdown(explorer, graph, clock)
    if wrong:
        return Outcome(REFUTED, METHOD, scope, "the count of steps neither stays nor falls by "
                       "one, or more than its being 0 matters", {"state": wrong})  # fmt: skip
    ranks = _ranks(graph, clock)
    facts = {"states": len(graph.edges), "edges": sum(map(len, graph.edges.values()))}
    if isinstance(ranks, list):
        return Outcome(REFUTED, METHOD, scope, "these states follow each other for ever, and no "
                       "step ends", _path(graph, ranks), facts)  # fmt: skip
    for state, edges in graph.edges.items():
        for edge in edges:
            waits = any(not edge.given(name, 1) for name in _PATIENT)
            if waits and not _ends(graph, state, edge) and ranks[edge.after] > ranks[state]:
                return Outcome(REFUTED, METHOD, scope, "while the store is not ready, work that "
                               "was done is begun again", _path(graph, [state, edge.after]),
                               facts)  # fmt: skip
            if not graph.of(state, "busy") and edge.given("run", 1) and _starts(graph, edge):
                facts["starts"] = facts.get("starts", 0) + 1
    if not facts.get("starts"):
        return Outcome(REFUTED, METHOD, scope, "no run ever begins",
                       _path(graph, [graph.first]), facts)  # fmt: skip
    facts["clocks_to_step_end"] = max(ranks.values())
    return Outcome(PROVED, METHOD, scope, facts=facts)


def countdown(explorer: Explorer, graph: Sequence, clock: Clock) -> dict[str, int] | None:
    """Show what the count of steps does; return a state in which it does something else.

    While a run is under way it falls by one or stays, and only whether it is 0 matters to all
    else. Shown for all states in which every small register goes with ``busy`` as it does in some
    reachable state.
    """
    system, terms = explorer.system, Terms()
    machine = Machine(system, terms, [*explorer.wanted, LEFT])
    solver = Solver(terms, clock)
    left, bits = explorer.left, system.nodes[explorer.left].sort.bits
    one = machine.start(reset=False)
    two = one | {left: terms.fresh(system.nodes[left].sort, "other")}
    inputs = {
        name: terms.fresh(system.nodes[number].sort, name) for number, name in system.inputs.items()
    } | {"rst": 0}
    now, also = machine.evaluate(one, inputs), machine.evaluate(two, inputs)
    then, thereupon = machine.after(now), machine.after(also)

    def same(a: object, b: object, width: int) -> object:
        return op(terms, "eq", 1, (a, width), (b, width))

    wide = {number: system.nodes[number].sort.bits for number in machine.states}
    alike = [same(then[n], thereupon[n], wide[n]) for n in machine.states if n != left]
    alike += [
        same(machine.at(now, name), machine.at(also, name), system.width(name))
        for name in explorer.wanted
    ]
    zeros = [same(states[left], 0, bits) for states in (one, two)]
    less = op(terms, "sub", bits, (one[left], bits), (1, bits))
    falls = either(terms, same(then[left], one[left], bits), same(then[left], less, bits))
    names = dict(zip(explorer.numbers, graph.registers, strict=True))
    for number in explorer.numbers:
        if wide[number] <= _SMALL:
            seen = {(graph.of(s, "busy"), graph.of(s, names[number])) for s in graph.edges}
            solver.hold(either(terms, *(
                both(terms, same(machine.at(now, "busy"), busy, 1),
                     same(one[number], value, wide[number]))
                for busy, value in sorted(seen)
            )))  # fmt: skip
    questions = (
        both(terms, machine.at(now, "busy"), no(terms, falls)),
        both(terms, same(zeros[0], zeros[1], 1), no(terms, both(terms, *alike))),
    )
    for question in questions:
        found = solver.possible(question)
        if found is None:
            raise OutOfTimeError("the count of steps was under question")
        if found:
            return {
                names.get(number, LEFT): solver.number(one[number]) for number in machine.states
            }
    return None


def _starts(graph: Sequence, edge: object) -> bool:
    return bool(graph.of(edge.after, "busy"))  # type: ignore[attr-defined]


def _ends(graph: Sequence, state: State, edge: object) -> bool:
    """Return whether a step or the run ends in a clock, or none is under way."""
    return (
        not graph.of(state, "busy")
        or not graph.of(edge.after, "busy")  # type: ignore[attr-defined]
        or bool(graph.said(edge, "step_done"))  # type: ignore[arg-type]
    )


def _ranks(graph: Sequence, clock: Clock) -> dict[State, int] | list[State]:
    """Return the most clocks from each state to the end of a step, or a circle without end."""
    ranks: dict[State, int] = {}
    for start in graph.edges:
        stack: list[tuple[State, int]] = [(start, 0)]
        under_way: dict[State, None] = {start: None}
        while stack:
            state, place = stack.pop()
            follow = _follow(graph, state)
            if place < len(follow):
                stack.append((state, place + 1))
                after = follow[place]
                if after in under_way:
                    listed = list(under_way)
                    return listed[listed.index(after) :]
                if after not in ranks:
                    stack.append((after, 0))
                    under_way[after] = None
                continue
            ranks[state] = 1 + max((ranks[after] for after in follow), default=0)
            del under_way[state]
            if clock.over:
                raise OutOfTimeError(f"{len(ranks)} states have a rank")
    return ranks


def _follow(graph: Sequence, state: State) -> list[State]:
    """Return what follows while the store is ready and no step ends."""
    return [
        edge.after
        for edge in graph.edges[state]
        if all(edge.given(name, 1) for name in _PATIENT) and not _ends(graph, state, edge)
    ]


def _path(graph: Sequence, states: list[State]) -> dict[str, object]:
    shown = [dict(zip(graph.registers, state, strict=True)) for state in states[:12]]
    return {"module": PART, "states": shown, "count": len(states)}
