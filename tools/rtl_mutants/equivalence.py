"""What a mutant that no bench noticed changes: nothing, by proof, or nothing that is ever seen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from drai_hw.formal.btor2 import System
from drai_hw.formal.exact import both, no, op
from drai_hw.formal.frontend import read_system
from drai_hw.formal.machine import Machine
from drai_hw.formal.outcome import PROVED
from drai_hw.formal.solver import KIND, Clock, Solver, Terms
from drai_hw.formal.unit_design import UnitDesign, read_unit
from drai_hw.formal.unit_proof import prove_unit
from drai_hw.model.unit_rules import rule_of
from tools.rtl_mutants.plan import Target
from tools.rtl_mutants.product import COUNT, Product
from tools.rtl_mutants.rtlil import SELECT

LIMIT_S = 60.0
SAME = "same logic"
RULE = "same by the rule"
CORE = "same to the core"
OPEN = ""


class Prover:
    """Proofs about the mutants of a target.

    Parameters
    ----------
    target : Target
        What is mutated.
    source : Path
        RTLIL with the mutants.
    """

    def __init__(self, target: Target, source: Path) -> None:
        self.target, self.source = target, source
        self.system = read_system((source,), target.module)
        self._unit: Any = None  # read once, for all mutants
        self._product: Product | None = None

    def verdict(self, number: int) -> tuple[str, str]:
        """Return `SAME`, `RULE`, `CORE` or `OPEN`, and what is known beside."""
        if same_logic(self.system, number, Clock(LIMIT_S)):
            return SAME, "equal outputs and next state in every state, for all inputs"
        if self.target.unit:
            return self._by_rule(number)
        return self._by_core(number)

    def _by_core(self, number: int) -> tuple[str, str]:
        """Search all that sequencer and mutant can reach for a clock in which the core hears it."""
        if self._product is None:
            self._product = Product(self.system, self.target.formats)
        met = self._product.meet(number)
        if met.differs == COUNT:
            return OPEN, f"{COUNT}: seen in runs of many steps alone, if at all"
        if met.differs:
            return OPEN, f"{met.differs} differs, {met.clock} clocks behind a reset"
        return CORE, f"{met.states:,} pairs of states"

    def _by_rule(self, number: int) -> tuple[str, str]:
        """Prove that a unit still does what its rule says: `drai-hw prove --unit`."""
        rule = rule_of(self.target.unit, self.target.formats)
        design = UnitDesign((self.source,), self.target.top, constants={SELECT: number})
        if self._unit is None:
            self._unit = read_unit(design, rule)
        latency = self.target.latency if rule.pipeline else 1
        found = prove_unit(design, self._unit, rule, latency, Clock(LIMIT_S))
        if found.status == PROVED:
            return RULE, found.method
        return OPEN, f"{found.status}: " + ("; ".join(found.broken) or found.reason)


def same_logic(system: System, number: int, clock: Clock) -> bool:
    """Return whether a mutant has the same outputs and next state in every state.

    Registers that only mutants have are free at first and not compared.
    """
    terms = Terms()
    machine = Machine(system, terms)
    start = machine.start(reset=False)
    inputs = {
        name: terms.fresh(system.nodes[node].sort, name)
        for node, name in system.inputs.items() if name and name != SELECT
    }  # fmt: skip
    right = machine.evaluate(start, inputs | {SELECT: 0})
    wrong = machine.evaluate(start, inputs | {SELECT: number})
    then, other = machine.after(right), machine.after(wrong)
    alike = []
    for name, node in system.outputs.items():
        alike.append(_equal(terms, machine.at(right, name), machine.at(wrong, name),
                            system.nodes[node].sort))  # fmt: skip
    for node in machine.states:
        if "$mutant$" not in (system.states[node] or ""):
            alike.append(_equal(terms, then[node], other[node], system.nodes[node].sort))
    return Solver(terms, clock).possible(no(terms, both(terms, *alike))) is False


def _equal(terms: Terms, a: Any, b: Any, sort: Any) -> Any:
    if a is b:
        return 1
    if not sort.address:
        return op(terms, "eq", 1, (a, sort.bits), (b, sort.bits))
    a, b = (terms._memory(x, sort) for x in (a, b))
    return terms.bit(terms.manager.mk_term(KIND.EQUAL, [a, b]))
