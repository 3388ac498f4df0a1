"""The sums of an antisymmetric coupling add up to zero."""

from __future__ import annotations

from typing import Any

from drai_hw.formal.affine import Affine, Form
from drai_hw.formal.design import Design, after_reset, run, write
from drai_hw.formal.machine import Machine, Values
from drai_hw.formal.outcome import PROVED, REFUTED, UNKNOWN, Outcome, OutOfTimeError
from drai_hw.formal.solver import Clock
from drai_hw.rtl.registers import Command
from drai_hw.rtl.timing import clocks_per_run

METHOD = (
    "the couple pass of a run through the whole core, from any state before a reset, with a free "
    "number for every product of a pair: all sums are linear forms of them, each product is added "
    "to one sum and taken from one other, and the forms add up to 0"
)

UNKNOWN_REGISTERS = ("local_word", "word", "w1", "w2", "d")
"""Registers of a lane that decide what a product is: they may be anything."""


def prove(design: Design, clock: Clock) -> Outcome:
    """Prove that what a couple pass adds to one oscillator it takes from another."""
    f, system = design.formats, design.system()
    scope = (
        f"{f.n} oscillators on {f.lanes} lanes x {f.pages} pages, products of the emitted core "
        "(multipliers); all phases, weights and tables"
    )
    products = [f"lane_{lane}.value" for lane in range(f.lanes)]
    looked = ["update.sum", "update.valid", "busy", "ack"]
    design.require(system, [*products, *looked])
    algebra = Affine()
    there = [f"lane_{k}.{name}" for k in range(f.lanes) for name in UNKNOWN_REGISTERS]
    machine = Machine(system, algebra, [*looked, *products],
                      cut=[name for name in there if name in system.names])  # fmt: skip
    places = {system.meant(system.names[name]): name for name in products}
    states = after_reset(machine, {})
    states = write(machine, states, "STEPS", 1)
    states = write(machine, states, "CONTROL", Command.RUN | Command.COUPLE)
    sums: list[Any] = []

    def look(when: int, values: Values) -> None:
        if clock.over:
            raise OutOfTimeError(f"{when} clocks of a run were followed")
        if machine.at(values, "update.valid") == 1:
            sums.append(machine.at(values, "update.sum"))

    def free(when: int, states: Values) -> Values:
        return states | {
            number: algebra.free(f"{name}@{when}", system.nodes[number].sort.bits)
            for number, name in places.items()
            if states[number] != 0
        }

    run(machine, states, 2 * clocks_per_run(f, 1) + 100, look, free)
    sums = sums[f.slots :]  # the refresh that opens a run has sums, too
    facts = {"sums": len(sums), "products": len({n for s in sums if isinstance(s, Form)
                                                 for n in s.factors})}  # fmt: skip
    if len(sums) != f.slots:
        reason = f"{len(sums)} sums reach the update unit in a couple pass of {f.slots} slots"
        return Outcome(REFUTED, METHOD, scope, reason, {"sums": len(sums)}, facts)
    total = Form({}, 0, f.acc_bits)
    uses: dict[str, list[int]] = {}
    for number, value in enumerate(sums):
        form = Form({}, value, f.acc_bits) if isinstance(value, int) else value
        if not isinstance(form, Form):
            return Outcome(UNKNOWN, METHOD, scope, f"the sum of slot {number} is no sum of "
                           "products", {"slot": number}, facts)  # fmt: skip
        total = total.plus(form)
        for name, factor in form.signed().items():
            uses.setdefault(name, []).append(factor)
    if total.factors or total.constant:
        example = _example(total, sums)
        return Outcome(REFUTED, METHOD, scope, "the sums of all oscillators do not add up to 0",
                       example, facts)  # fmt: skip
    for name, factors in uses.items():
        if sorted(factors) != [-1, 1]:
            lane, _, when = name.partition("@")
            reason = "a product is not added to one sum and taken from one other"
            example = {"product": lane, "clock": int(when), "times": factors}
            return Outcome(REFUTED, METHOD, scope, reason, example, facts)
    return Outcome(PROVED, METHOD, scope, facts=facts)


def _example(total: Form, sums: list[Any]) -> dict[str, Any]:
    """Return a product that does not cancel, and where it goes."""
    name, factor = next(iter(total.signed().items()), ("", 0))
    lane, _, clock = name.partition("@")
    return {
        "product": lane,
        "clock": int(clock or 0),
        "times_in_total": factor,
        "constant": total.constant,
        "times_in_slot": {
            slot: form.signed()[name] for slot, form in enumerate(sums)
            if isinstance(form, Form) and name in form.factors
        },
    }  # fmt: skip
