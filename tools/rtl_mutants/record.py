"""What benches said of the mutants of each module, kept in `record.json`, and the page of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drai_hw.files import write_whole
from tools.rtl_mutants.benches import ALIVE, CORE_JOBS, DIFFERS, NO_ANSWER
from tools.rtl_mutants.equivalence import CORE
from tools.rtl_mutants.listening import LISTENED
from tools.rtl_mutants.names import ROOT
from tools.rtl_mutants.plan import TARGETS, Target

RECORD = Path(__file__).with_name("record.json")
PAGE = ROOT / "docs" / "reference" / "rtl-mutants.md"
COMMAND = "python -m tools.rtl_mutants"
ASKED = 0.97
"""Share of the mutants that are not proved equal that the benches must notice."""

_SEQUENCER = """
## The sequencer: same to the core

Most mutants of the sequencer that live change a control in clocks in which nothing listens; a proof
of the module alone cannot tell that from a fault. So mutant and right sequencer run side by side
from a reset on (`tools/rtl_mutants/product.py`), with every input free in every clock: what the
host asks for, whether steps are left, and a reset. `run` alone comes only at rest and with what was
asked for the clock before, as the host port gives it. All pairs of states that can be reached are
gone through, 18,640 with the same in both (`no-deadlock` of `drai-hw prove` counts as many), and
controls are compared where the core listens. The count of steps, 24 bits, is only "some" or "none"
here: Bitwuzla shows for each mutant, and all states, that no more of it matters and that it takes
the same course, but for a count at rest that the next clock loads anew.

That nobody listens elsewhere is tested, not proved: a core of the same geometry in which all
controls are inverted at random wherever they are not listened to passes the whole bench without a
difference; with any single one of the controls inverted where it *is* listened to, once in 16 such
clocks, it does not (`tests/test_rtl_mutants_sequencer.py`, in `make test-full`). It holds for cores
with weights in block memory, whose store never makes the sequencer wait.

What lives and is not equal has these reasons. A run of more than 131,070 steps would be needed to
see the count of steps, or, with passes, a missing `start` at one of them. More `start` than there
should be come only when the pipelines are empty, which is not among what the core is said not to
hear. `kind` or `learning` that a reset leaves as they are matter to what a reset finds under way:
it could draw random numbers once more; the bench resets only where it knows what state is left. And
a `kind` that changes in steps without a pass, behind a run with passes, would count slots or ramp.

Lane and update unit inside the core were not judged; `python -m tools.rtl_mutants lane` (or
`update unit`) runs the same bench on them, without verdicts on what lives.

To these controls the core does not always listen, to all others it does:
"""
Found = dict[str, Any]

_EMPTY_STEPS = dict(CORE_JOBS)["runs"]

_HEAD = f"""# Mutants of the RTL

Do the benches notice when our own logic is wrong? `{COMMAND}` puts mistakes into the RTLIL of a
module, one at a time: bits inverted, stuck, or inverted where another bit of the port says so
(yosys `mutate`, from a seed), and what designers do: `<` for `<=`, operands swapped, a sign
forgotten, a constant one off, the other input of a choice, a register too many. All mutants of a
module are compiled into one CXXRTL model with an input that chooses, and each goes through the
bench as users get it: for a unit that of `drai-hw sim --unit` (one seed); for the sequencer that
of `drai-hw sim --random` on a core of 11 oscillators with every feature, state compared with the
twin after every step, and the runs of `drai_hw.sim.directed`: of no step, of
{_EMPTY_STEPS:,} steps without a pass, and cut off by a reset.

*Noticed*: an output differs. *Hang*: the bench gives up waiting for an answer. What is left is
given to the solver: *equal* are those that do the same in every state for all inputs; or, for a
unit, still what its rule says (the proof of `drai-hw prove --unit`); or, for the sequencer, never
tell the core anything else where it listens (below). With a bench that compares nothing all live,
which a test shows.

| module | features | mutants | bench | noticed | hang | alive | of these equal | share noticed |
|---|---|---|---|---|---|---|---|---|
"""


def load() -> dict[str, Found]:
    """Return what is known of each target."""
    return dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {}


def save(record: dict[str, Found]) -> None:
    """Keep what is known."""
    write_whole(RECORD, json.dumps(record, indent=1) + "\n")


def not_equal(found: Found) -> list[dict[str, str]]:
    """Return the mutants that live and are not proved equal."""
    return [one for one in found[ALIVE] if not one["verdict"]]


def share(founds: list[Found]) -> float:
    """Return the share of the mutants that are not proved equal that some bench noticed."""
    left = sum(len(not_equal(found)) for found in founds)
    noticed = sum(sum(found["ends"].values()) - len(found[ALIVE]) for found in founds)
    return noticed / (noticed + left)


def page(record: dict[str, Found]) -> str:
    """Return the page."""
    text = _HEAD
    known = [(target, record[target.name]) for target in TARGETS if target.name in record]
    for target, found in known:
        ends, left = found["ends"], not_equal(found)
        cells = (
            target.name, _features(target), f"{sum(ends.values()):,}", found["bench"],
            f"{ends.get(DIFFERS, 0):,}", ends.get(NO_ANSWER, 0), len(found[ALIVE]),
            len(found[ALIVE]) - len(left), f"{share([found]):.2%}",
        )  # fmt: skip
        text += f"| {' | '.join(map(str, cells))} |\n"
    founds = [found for _, found in known]
    total = sum(sum(found["ends"].values()) for found in founds)
    text += (
        f"\nIn all {total:,} mutants; of those not proved equal {share(founds):.2%} are noticed "
        f"(asked: {ASKED:.0%}).\n\n## Alive and not equal\n\n"
        "What the proof says of it: a unit's mutant that the bench misses is refuted by "
        "`drai-hw prove --unit`, with the rules it breaks; of the sequencer, what differs.\n\n"
        "| module | mutant | what is known |\n"
        "|---|---|---|\n"
    )
    for target, found in known:
        for one in not_equal(found):
            text += f"| {target.name} | {_cell(one['name'])} | {_cell(one['why'])} |\n"
    text += "\n## Alive and equal\n\n| module | mutant | equal |\n|---|---|---|\n"
    for target, found in known:
        for one in found[ALIVE]:
            if one["verdict"]:
                more = f" ({one['why']})" if one["verdict"] == CORE else ""
                text += f"| {target.name} | {_cell(one['name'])} | {one['verdict']}{more} |\n"
    return text + _SEQUENCER + _listened()


def _listened() -> str:
    text = "\n| control | the core listens |\n|---|---|\n"
    return text + "".join(f"| `{name}` | {rule.words} |\n" for name, rule in LISTENED.items())


def _features(target: Target) -> str:
    f = target.formats
    flags = ("resonance", "decay", "budget", "centring", "mask", "edge")
    return ", ".join([f"N = {f.n}", *(flag for flag in flags if getattr(f, flag))])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
