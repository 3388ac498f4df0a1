"""Weights never leave their range."""

from __future__ import annotations

from typing import Any

from drai_hw.formal.btor2 import System
from drai_hw.formal.design import Design
from drai_hw.formal.exact import Bit, Exact, both, either, no, op
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.outcome import PROVED, REFUTED, UNKNOWN, Outcome, OutOfTimeError
from drai_hw.formal.solver import Clock, Solver, Terms
from drai_hw.model.numbers import Formats
from drai_hw.rtl.synapse import latency

MEMORY = "weights.weights_memory"
KEPT = ("weights.", "synapse.")
"""Registers whose course is followed; all others may be anything in every clock."""


def prove(design: Design, clock: Clock) -> Outcome:
    """Prove that no word that leaves its range is ever written to the weight memory."""
    f = design.formats
    no_link = f", {f.no_link} where and only where there was no link" if f.mask else ""
    scope = (
        f"{f.lanes} lanes, weight memory of any size; words -{f.w_max} to {f.w_max}{no_link}; all "
        "phases, draws, thresholds and control in every clock, unbounded; the host writes only "
        "such words"
    )
    proof = _Range(design, clock)
    depth = proof.depth
    method = f"{depth}-induction over bit vectors (Bitwuzla)"
    facts = {"lanes": f.lanes, "depth": depth, "memory_words": f.pair_slots}
    begun = proof.broken(reset=True)
    if begun:
        return Outcome(REFUTED, method, scope, "a word out of range is written", begun, facts)
    found = proof.broken(reset=False)
    if found:
        reason = "from some state a word out of range is written; none was found behind a reset"
        return Outcome(UNKNOWN, method, scope, reason, found, facts)
    return Outcome(PROVED, method, scope, facts=facts)


class _Range:
    """The weight memory, the words it gives and the words it takes."""

    def __init__(self, design: Design, clock: Clock) -> None:
        self.f: Formats = design.formats
        self.clock = clock
        self.system: System = design.system()
        one_word = f"{MEMORY}[0]"  # yosys makes a register of it
        name = one_word if one_word in self.system.names else MEMORY
        design.require(self.system, [name, "weights.word", "weights.new", "weights.host_weight"])
        self.terms = Terms()
        self.memory = self.system.meant(self.system.names[name])
        self.lag = latency(design.formats)
        self.depth = self.lag + 3
        cut = {
            other for other in self.system.states.values()
            if other and not any(part in other for part in KEPT)
        } | {name}  # fmt: skip
        ports = ["weights.word", "weights.new", "weights.host_shift", "weights.host_weight"]
        wanted = [*ports, *self._writes()]
        self.machine = Machine(self.system, self.terms, wanted, cut)

    def _writes(self) -> list[str]:
        """Give names to the words that are written, and return them."""
        names = []
        number = self.system.next[self.memory]
        nodes = self.system.nodes
        self.reads = [
            n for n, node in nodes.items()
            if node.op == "read" and self.system.meant(node.args[0]) == self.memory
        ]  # fmt: skip
        if not nodes[self.memory].sort.address:
            self.reads = [self.memory]
            self.system.names["written"] = number
            names.append("written")
        open_ = [number]
        seen: set[int] = set()
        while open_:
            node = nodes[number := self.system.meant(open_.pop())]
            if number in seen or not node.sort.address:
                continue
            seen.add(number)
            open_ += list(node.args)
            if node.op == "write":
                self.system.names[f"written {number}"] = node.args[2]
                names.append(f"written {number}")
        self.written = names
        return names

    def _lane(self, word: Any, lane: int) -> Exact:
        bits, w = self.f.lanes * self.f.weight_bits, self.f.weight_bits
        values = ((lane + 1) * w - 1, lane * w)
        return Exact(self.terms, op(self.terms, "slice", w, (word, bits), values=values), w)

    def inside(self, word: Any) -> Bit:
        """Return whether all weights of a word are in range, or the word for no link."""
        t, f = self.terms, self.f
        if f.mask:
            return 1
        lanes = (self._lane(word, lane) for lane in range(f.lanes))
        return both(t, *(no(t, weight.same(f.no_link)) for weight in lanes))

    def _right(self, values: Values) -> Bit:
        names = ("weights.word", *self.written)
        return both(self.terms, *(self.inside(self.machine.at(values, n)) for n in names))

    def _keeps_links(self, before: Any, after: Any) -> Bit:
        """Return whether what was no link is none, and what was a weight is one."""
        t, f = self.terms, self.f
        out: Bit = 1
        for lane in range(f.lanes):
            bits = [self._lane(word, lane).same(f.no_link) for word in (before, after)]
            out = both(t, out, op(t, "eq", 1, (bits[0], 1), (bits[1], 1)))
        return out

    def broken(self, reset: bool) -> dict[str, Any] | None:
        """Return a course of `depth` clocks at whose end a word is out of range."""
        t, solver = self.terms, Solver(self.terms, self.clock)
        states = self.machine.start(reset=reset)
        label = "r" if reset else "a"
        words: list[Any] = []
        for number in range(self.depth + 1):
            values = self._clock(states, f"{label}{number}", solver)
            right = self._right(values)
            words.append(self.machine.at(values, "weights.word"))
            if self.f.mask and number >= self.lag:
                new = self.machine.at(values, "weights.new")
                right = both(t, right, self._keeps_links(words[number - self.lag], new))
            if reset or number == self.depth:
                found = solver.possible(no(t, right))
                if found is None:
                    raise OutOfTimeError(f"{number} clocks were looked at")
                if found:
                    return self._shown(values, solver, number)
            solver.hold(right)
            states = self.machine.after(values, f"{label}{number}")
        return None

    def _clock(self, states: Values, label: str, solver: Solver) -> Values:
        """Evaluate a clock; the memory gives, and the host writes, words in range."""
        t = self.terms
        values = self.machine.evaluate(states, {"rst": 0}, label)
        for number in self.reads:
            if number in values:
                solver.hold(self.inside(values[number]))
        given = self.machine.at(values, "weights.host_weight")
        legal = no(t, Exact(t, given, self.f.weight_bits).same(self.f.no_link))
        shifting = self.machine.at(values, "weights.host_shift")
        solver.hold(either(t, no(t, shifting), legal, int(self.f.mask)))
        return values

    def _shown(self, values: Values, solver: Solver, clock: int) -> dict[str, Any]:
        f = self.f
        out: dict[str, Any] = {"clock": clock}
        for name in ("weights.word", *self.written):
            word = solver.number(self.machine.at(values, name))
            parts = [
                word >> (f.weight_bits * k) & ((1 << f.weight_bits) - 1) for k in range(f.lanes)
            ]
            shown = [p - (1 << f.weight_bits) if p >> (f.weight_bits - 1) else p for p in parts]
            out["word" if name == "weights.word" else "written"] = shown
        return out
