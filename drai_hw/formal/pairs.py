"""Every unordered pair is visited exactly once in a step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from drai_hw.formal.compiled import KnownMachine
from drai_hw.formal.design import Design, after_reset, run, write
from drai_hw.formal.known import Partly
from drai_hw.formal.machine import Values
from drai_hw.formal.outcome import PROVED, REFUTED, UNKNOWN, Outcome, OutOfTimeError
from drai_hw.formal.sequence import LEFT, Edge, Explorer, Sequence, State
from drai_hw.formal.solver import Clock
from drai_hw.model.numbers import Formats
from drai_hw.rtl.registers import Command
from drai_hw.rtl.timing import ENTER_STAGE, Kind, WideKind, clocks_per_run, control
from drai_hw.rtl.update import input_word

METHOD = (
    "all reachable states of the sequencer give the same control records in every pass; these run "
    "through the whole core from any state before a reset, with the numbers of the oscillators as "
    "phases and all that does not matter unknown"
)
FLAGS = ("row", "load", "save", "slot", "pair", "merge", "update", "store")
"""Parts of a control record by which it does something."""


def prove(design: Design, clock: Clock) -> Outcome:
    """Prove that each pair of oscillators meets in exactly one lane and clock of every pass."""
    f = design.formats
    scope = (
        f"{f.n} oscillators on {f.lanes} lanes x {f.pages} pages, weights in block memory; every "
        "pass of every step of every run, all phases and weights"
    )
    explorer = Explorer(design, clock)
    graph = explorer.explore()
    facts: dict[str, Any] = {"states": len(graph.edges)}
    for wrong in (_uneven_passes(graph, f), _wrong_steps(explorer, graph, f)):
        if wrong:
            return Outcome(REFUTED, METHOD, scope, wrong.pop("reason"), wrong, facts)
    if f.slots > 1 << f.phase_bits:
        return Outcome(UNKNOWN, METHOD, scope, f"{f.slots} numbers of oscillators do not fit "
                       f"phases of {f.phase_bits} bits", facts=facts)  # fmt: skip
    visits = visited(design, clock)
    facts |= {"pairs": f.n * (f.n - 1) // 2, "visits": sum(map(len, visits.values()))}
    for i in range(f.n):
        for j in range(i + 1, f.n):
            times = visits.pop((i, j), [])
            if len(times) != 1:
                where = [{"clock": when, "lane": lane} for when, lane in times]
                reason = f"oscillators {i} and {j} meet {len(times)} times in a pass"
                return Outcome(REFUTED, METHOD, scope, reason, {"i": i, "j": j, "visits": where},
                               facts)  # fmt: skip
    for (i, j), times in visits.items():
        when, lane = times[0]
        reason = f"slots {i} and {j} meet, which are no two oscillators"
        return Outcome(REFUTED, METHOD, scope, reason,
                       {"i": i, "j": j, "visits": [{"clock": when, "lane": lane}]},
                       facts)  # fmt: skip
    return Outcome(PROVED, METHOD, scope, facts=facts)


def walked(graph: Sequence, edge: Edge) -> Iterator[tuple[State, Edge]]:
    """Yield the clocks behind an edge up to the next beginning of a pass or end of a step.

    The weight store is taken as ready. The last clock yielded is the one that begins or ends.
    """
    state = edge.after
    for _ in range(len(graph.edges) + 1):
        edges = [e for e in graph.edges[state] if e.given("ready", 1) and e.given("settled", 1)]
        yield state, edges[0]
        said = graph.said(edges[0], "start") or graph.said(edges[0], "step_done")
        if said or len(edges) > 1 or not graph.of(edges[0].after, "busy"):
            return
        state = edges[0].after


def _uneven_passes(graph: Sequence, f: Formats) -> dict[str, Any] | None:
    """Return a pass whose records are others than those of the first that was found."""
    layout = {name: item for name, item in control(f)}
    flags = sum(1 << layout[name].offset for name in FLAGS)
    first: list[int] | None = None
    for state, edges in graph.edges.items():
        for edge in edges:
            over_pairs = graph.of(edge.after, "kind") != Kind.REFRESH
            if not (graph.said(edge, "start") and graph.of(edge.after, "busy") and over_pairs):
                continue
            records = [graph.said(e, "control") for _, e in walked(graph, edge)]
            empty = 0
            while records and not records[-1] & flags:
                records.pop()
                empty += 1
            first = records if first is None else first
            if records != first:
                return {"reason": "two passes issue different control records",
                        "state": _named(graph, state)}  # fmt: skip
            if empty < ENTER_STAGE:
                return {"reason": f"a pass ends with work under way: behind its last record there "
                        f"are {empty} empty ones, {ENTER_STAGE} are needed",
                        "state": _named(graph, state)}  # fmt: skip
    return None if first else {"reason": "no pass over the pairs ever begins"}


def _wrong_steps(explorer: Explorer, graph: Sequence, f: Formats) -> dict[str, Any] | None:
    """Return a step that does not consist of each pass that was asked for, once."""
    begun: set[State] = set()
    order: list[tuple[int, str]] = [(Kind.FIELD, "field")]
    order += [(WideKind.BUDGET, "census")] * f.budget + [(WideKind.CENTRE, "census")] * f.centring
    order += [(WideKind.EDGE, "edge")] * f.edge + [(Kind.COUPLE, "couple")]
    for state, edges in graph.edges.items():
        for edge in edges:
            if graph.of(state, "busy") or not graph.of(edge.after, "busy"):
                continue
            wants = explorer.inside(state, edge, [*dict.fromkeys(name for _, name in order)])
            if edge.after in begun:
                continue
            begun.add(edge.after)
            asked = [int(kind) for kind, name in order if wants.get(name)]
            if wants.get("edge") and wants.get("couple"):  # the edge pass takes its place
                asked.remove(Kind.COUPLE)
            for done in _steps(graph, edge):
                if done != asked:
                    return {"reason": f"a step makes the passes {done}; asked for are {asked}",
                            "inputs": wants}  # fmt: skip
    return None


def _steps(graph: Sequence, edge: Edge) -> Iterator[list[int]]:
    """Yield the kinds of the passes of each step of a run, as long as they may differ."""
    seen: set[State] = set()
    done: list[int] = []
    opened = False  # the refresh that opens a run belongs to no step
    while True:
        state, last = list(walked(graph, edge))[-1]
        ends = [e for e in graph.edges[state] if e.given(LEFT, 1)] or [last]
        edge = ends[0]
        at_end = len(graph.edges[state]) > 1 and not all(
            e.given(LEFT, 1) for e in graph.edges[state]
        )
        if at_end:
            if opened:
                yield done
            opened, done = True, []
            if state in seen:
                return
            seen.add(state)
        if not graph.of(edge.after, "busy"):
            return
        if graph.said(edge, "start"):
            done.append(graph.of(edge.after, "kind"))
        elif not at_end:
            return


def _named(graph: Sequence, state: State) -> dict[str, int]:
    return dict(zip(graph.registers, state, strict=True))


def visited(design: Design, clock: Clock) -> dict[tuple[int, int], list[tuple[int, int]]]:
    """Return when and in which lane the slots of each pair meet, in the first step of a run."""
    f, system = design.formats, design.system()
    looked = [f"lane_{k}.{name}" for k in range(f.lanes) for name in ("both", "local_word", "word")]
    memories = ["update.theta_memory", "update.inputs_memory"]
    design.require(system, [*looked, "busy", "step_done", "ack", *memories])
    machine = KnownMachine(system, [*looked, "busy", "step_done", "ack"])
    active = input_word(f)["active"].offset
    size = 1 << system.nodes[system.names[memories[0]]].sort.address
    low = f.accumulator_bits - f.phase_bits
    states = after_reset(machine, {
        memories[0]: [slot << low for slot in range(size)],
        memories[1]: [Partly((slot < f.n) << active, 1 << active) for slot in range(size)],
        **({"weights.weights_memory": [0] * f.pair_slots} if f.mask else {}),
    })  # fmt: skip
    states = write(machine, states, "STEPS", 1)
    states = write(machine, states, "CONTROL", Command.RUN | Command.COUPLE | Command.LEARN)
    out: dict[tuple[int, int], list[tuple[int, int]]] = {}
    before: list[tuple[Any, Any]] = []
    top = (1 << f.phase_bits) - 1

    def look(when: int, values: Values) -> None:
        nonlocal before
        if clock.over:
            raise OutOfTimeError(f"{when} clocks of a run were followed")
        for lane, (local, rotating) in enumerate(before):
            meets = machine.at(values, f"lane_{lane}.both")
            if meets != 0:
                i, j = sorted((_low(local, top), _low(rotating, top)))
                if not isinstance(meets, int):
                    i = -1
                out.setdefault((i, j), []).append((when, lane))
        before = [
            (machine.at(values, f"lane_{k}.local_word"), machine.at(values, f"lane_{k}.word"))
            for k in range(f.lanes)
        ]

    limit = 2 * clocks_per_run(f, 1) + 100
    run(machine, states, limit, look)
    return out


def _low(word: Any, mask: int) -> int:
    """Return the lowest bits of a word, -1 where they are not known."""
    if isinstance(word, int):
        return word & mask
    return word.value & mask if word.known & mask == mask else -1
