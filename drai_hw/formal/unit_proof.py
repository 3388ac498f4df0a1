"""The proof that a unit does what its rule says, for all inputs and from any state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from drai_hw.formal.btor2 import System
from drai_hw.formal.exact import Bit, both, no, op
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.outcome import PROVED, REFUTED, UNKNOWN
from drai_hw.formal.products import FreeProducts
from drai_hw.formal.solver import Clock, Solver, Terms
from drai_hw.formal.unit_design import UnitDesign
from drai_hw.formal.unit_terms import Case, UnitTerms, terms_of
from drai_hw.model.numbers import GAIN_BITS, STRENGTH_BITS
from drai_hw.model.unit_rules import UnitRule

WARM_UPS = (0, 1, 2, 4, 8)
"""Clocks ahead of the one in question, in which the rule is taken to hold: k of k-induction."""

VALID = "valid follows en after the latency"
RESET = "a reset clears what is under way"
START = "a reset sets the start value"

SIMPLE: tuple[dict[str, int], ...] = (
    {"gain": 0, "shil": 0, "strength": 0},
    {"gain": 1, "shil": 0, "strength": 0},
    {"gain": 0, "shil": (1 << STRENGTH_BITS) - 1, "strength": 0},
    {"gain": 0, "shil": 0, "strength": (1 << STRENGTH_BITS) - 1},
    {"gain": (1 << GAIN_BITS) - 1, "shil": 0, "strength": 0},
)
"""Factors with which faults of a unit that multiplies are looked for first."""


@dataclass(frozen=True)
class Frame:
    """A clock of the unit.

    Parameters
    ----------
    inputs, outputs : dict of str to value
        Words of its ports, by the names of the unit.
    reset : int or term
        Whether it is reset in this clock.
    values : dict
        All nodes.
    """

    inputs: dict[str, Any]
    outputs: dict[str, Any]
    reset: Any
    values: Values


@dataclass
class Found:
    """The end of a unit's proof.

    Attributes
    ----------
    status, method : str
        See `drai_hw.formal.outcome.Outcome`.
    rules : dict of str to str
        The end of each case.
    broken : list of str
        Names of the refuted cases.
    trace : list of dict
        The clocks of a counterexample: inputs by the unit's names, and ``reset``.
    states : dict of int to int
        What the states begin with in it.
    clock : int
        Its last clock, in which the outputs are wrong.
    latency : int
        Clocks from inputs to outputs.
    reason : str
        Why it is unknown.
    """

    status: str
    method: str
    latency: int
    rules: dict[str, str] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    trace: list[dict[str, int]] = field(default_factory=list)
    states: dict[int, int] = field(default_factory=dict)
    clock: int = 0
    reason: str = ""


class UnitProof:
    """Questions about a unit.

    Parameters
    ----------
    design : UnitDesign
        Names of the ports.
    system : System
        The unit.
    rule : UnitRule
        What it ought to do.
    latency : int
        Clocks from ``en`` to ``valid``; of a unit with a state, 1.
    clock : Clock
        Time limit.
    free_products : bool
        Take products as any function of their factors: a proof holds, a refutation need not.
    fixed : mapping of str to int
        Inputs that have one value in all clocks: a refutation holds, a proof need not.
    """

    def __init__(
        self,
        design: UnitDesign,
        system: System,
        rule: UnitRule,
        latency: int,
        clock: Clock,
        *,
        free_products: bool = False,
        fixed: Mapping[str, int] | None = None,
    ) -> None:
        self.design, self.system, self.rule = design, system, rule
        self.latency = latency if rule.pipeline else 1
        self.clock = clock
        self.free_products = free_products
        self.fixed = fixed or {}
        limit = rule.formats.sum_max
        self.terms = FreeProducts(limit) if free_products else Terms()
        self.spec: UnitTerms = terms_of(self.terms, rule)
        outputs = [design.name(port.name) for port in rule.ports if port.output]
        self.machine = Machine(system, self.terms, outputs)
        self.solver = Solver(self.terms, clock)

    # -- clocks ----------------------------------------------------------------------------

    def frames(self, states: Values, count: int, label: str, reset_first: bool) -> list[Frame]:
        """Return clocks that follow each other, with free inputs; settings stand still."""
        out = []
        settings = {
            port.name: self.terms.word(f"{port.name}{label}", port.bits)
            for port in self.rule.inputs if port.setting
        }  # fmt: skip
        for number in range(count):
            end = f"{label}{number}"
            inputs = {
                port.name: self.terms.word(f"{port.name}{end}", port.bits)
                for port in self.rule.inputs if not port.setting
            } | settings | dict(self.fixed)  # fmt: skip
            reset: Any = self.terms.word(f"reset{end}", 1)
            if reset_first and number == 0:
                reset = 1
            low = op(self.terms, "not", 1, (reset, 1))
            given = {self.design.name(name): word for name, word in inputs.items()}
            given[self.design.reset] = low if self.design.reset_low else reset
            given |= {self.design.clock: 0, **self.design.constants}
            values = self.machine.evaluate(states, given, end)
            outputs = {
                port.name: self.machine.at(values, self.design.name(port.name))
                for port in self.rule.ports if port.output
            }  # fmt: skip
            out.append(Frame(inputs, outputs, reset, values))
            states = self.machine.after(values, end)
        return out

    # -- the rule about a window of clocks ---------------------------------------------------

    def judged(self, window: list[Frame]) -> list[tuple[Case, Bit]]:
        """Return the cases about the last clock of a window, each with the bit "as it should be".

        The window has ``latency + 1`` clocks: of the inputs up to that of the outputs.
        """
        return self._of_pipeline(window) if self.rule.pipeline else self._of_state(window)

    def _of_pipeline(self, window: list[Frame]) -> list[tuple[Case, Bit]]:
        t, first, last = self.terms, window[0], window[-1]
        calm = both(t, *(no(t, frame.reset) for frame in window[:-1]))
        sure = both(t, calm, first.inputs["en"])
        right = op(t, "eq", 1, (last.outputs["valid"], 1), (sure, 1))
        out = [
            (Case(RESET, no(t, calm)), right),
            (Case(VALID, 1), right),
        ]
        about = both(t, sure, self.spec.allowed(first.inputs))
        wanted = self.spec.outputs(first.inputs)
        alike = self._alike(last.outputs, wanted)
        for case in self.spec.cases(first.inputs):
            out.append((Case(case.name, both(t, about, case.about)), alike))
        return out

    def _of_state(self, window: list[Frame]) -> list[tuple[Case, Bit]]:
        t, first, last = self.terms, window[0], window[-1]
        cleared = self._alike(last.outputs, self.spec.reset_outputs())
        out = [(Case(START, first.reset), cleared)]
        before = first.inputs | first.outputs
        alike = self._alike(last.outputs, self.spec.outputs(before))
        calm = both(t, no(t, first.reset), self.spec.allowed(first.inputs))
        for case in self.spec.cases(before):
            out.append((Case(case.name, both(t, calm, case.about)), alike))
        return out

    def _alike(self, got: Mapping[str, Any], wanted: Mapping[str, Any]) -> Bit:
        bits = {port.name: port.bits for port in self.rule.ports}
        return both(self.terms, *(
            op(self.terms, "eq", 1, (got[name], bits[name]), (word, bits[name]))
            for name, word in wanted.items()
        ))  # fmt: skip

    # -- questions -------------------------------------------------------------------------

    def simply(self) -> Found | None:
        """Return the proof from any state without warm-up, None if there is none."""
        span = self.latency + 1
        frames = self.frames(self.machine.start(reset=False), span, "@", False)
        rules, open_ = self._asked(frames)
        return None if open_ else Found(PROVED, self._method(0), self.latency, rules)

    def prove(self) -> Found:
        """Return whether the unit does what its rule says."""
        span = self.latency + 1
        reason = ""
        for warm_up in WARM_UPS:
            method = self._method(warm_up)
            any_state = self.frames(self.machine.start(reset=False), warm_up + span, f"@{warm_up}:",
                                    False)  # fmt: skip
            self._hold_before(any_state, span)
            rules, open_ = self._asked(any_state[-span:])
            if not open_:
                begun = self.from_reset(warm_up + span, span) if warm_up else None
                if begun is None:
                    return Found(PROVED, method, self.latency, rules)
                return begun
            if open_ == [UNKNOWN]:
                return Found(UNKNOWN, method, self.latency, rules, reason=self._late())
            begun = self.from_reset(warm_up + span + 2, span)
            if begun is not None:
                return begun
            reason = (
                "from some state that a reset may never lead to, these rules do not hold: "
                + "; ".join(open_)
            )
        return Found(UNKNOWN, self._method(WARM_UPS[-1]), self.latency, rules, reason=reason)

    def _method(self, warm_up: int) -> str:
        if not warm_up:
            more = "; products as any function of their factors" if self.free_products else ""
            return (
                f"bit vectors (Bitwuzla): {self.latency} clock(s) from any state, all inputs, "
                f"unbounded{more}"
            )
        return f"{warm_up + 1}-induction over bit vectors (Bitwuzla), all inputs, unbounded"

    def _late(self) -> str:
        return f"the time limit of {self.clock.limit_s:g} s is over"

    def _hold_before(self, frames: list[Frame], span: int) -> None:
        """Take the rule as true in the clocks before the last."""
        for end in range(span, len(frames)):
            for case, right in self.judged(frames[end - span : end]):
                self.solver.hold(op(self.terms, "implies", 1, (case.about, 1), (right, 1)))

    def _asked(self, window: list[Frame]) -> tuple[dict[str, str], list[str]]:
        """Return the end of every case, and the names of those that do not hold."""
        t = self.terms
        rules: dict[str, str] = {}
        open_: list[str] = []
        earlier: list[Bit] = []
        judged = self.judged(window)
        if isinstance(t, FreeProducts):
            t.hold_facts(self.solver)
        for case, right in judged:
            question = both(t, case.about, no(t, right), *(no(t, bit) for bit in earlier))
            if case.name not in (RESET, VALID):
                earlier.append(case.about)
            found = self.solver.possible(question)
            if found is None:
                rules[case.name] = UNKNOWN
                return rules, [UNKNOWN]
            rules[case.name] = REFUTED if found else PROVED
            if found:
                open_.append(case.name)
        return rules, open_

    def from_reset(self, count: int, span: int) -> Found | None:
        """Look for a course from a reset that breaks a rule, the shortest first."""
        t = self.terms
        solver = Solver(t, self.clock)
        begin = self.machine.start(reset=True)
        frames = self.frames(begin, count + 1, f"#{count}:", True)
        for end in range(span + 1, count + 2):
            window = frames[end - span : end]
            rules: dict[str, str] = {}
            course: list[dict[str, int]] = []
            states: dict[int, int] = {}
            earlier: list[Bit] = []
            for case, right in self.judged(window):
                question = both(t, case.about, no(t, right), *(no(t, bit) for bit in earlier))
                if case.name not in (RESET, VALID):
                    earlier.append(case.about)
                calm = []
                if case.name not in (RESET, START):  # the simplest course: no reset but the first
                    calm = [no(t, frame.reset) for frame in frames[1:end]]
                found = solver.possible(question, *calm)
                if found is None:
                    return Found(UNKNOWN, self._method(0), self.latency, rules,
                                 reason=self._late())  # fmt: skip
                rules[case.name] = REFUTED if found else PROVED
                if found and not course:
                    course = [
                        solver.numbers(frame.inputs) | {"reset": solver.number(frame.reset)}
                        for frame in frames[:end]
                    ]
                    states = {
                        n: solver.number(v) for n, v in begin.items()
                        if not self.system.nodes[n].sort.address
                    }  # fmt: skip
            broken = [name for name, status in rules.items() if status == REFUTED]
            if broken:
                method = f"bit vectors (Bitwuzla): the shortest course from a reset, {end} clocks"
                return Found(REFUTED, method, self.latency, rules, broken, course, states, end - 1)
        return None


def prove_unit(
    design: UnitDesign, system: System, rule: UnitRule, latency: int, clock: Clock
) -> Found:
    """Prove or refute that a unit does what its rule says; parameters as of `UnitProof`."""
    given = (design, system, rule, latency, clock)
    if any(node.op == "mul" for node in system.nodes.values()):
        found = UnitProof(*given, free_products=True).simply()
        if found is not None:
            return found
        for fixed in (*SIMPLE, {}):
            proof = UnitProof(*given, fixed=fixed)
            found = proof.from_reset(proof.latency + 2, proof.latency + 1)
            if found is not None:
                return found
    return UnitProof(*given).prove()
