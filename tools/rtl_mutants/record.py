"""What benches said of the mutants of each module, kept in `record.json`, and the page of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from drai_hw.files import write_whole
from tools.rtl_mutants.benches import ALIVE, DIFFERS, NO_ANSWER
from tools.rtl_mutants.names import ROOT
from tools.rtl_mutants.plan import TARGETS, Target

RECORD = Path(__file__).with_name("record.json")
PAGE = ROOT / "docs" / "reference" / "rtl-mutants.md"
COMMAND = "python -m tools.rtl_mutants"
ASKED = 0.97
"""Share of the mutants that are not proved equal that the benches must notice."""

_CORE = """
## Modules of the core: not there yet

`python -m tools.rtl_mutants sequencer` (also `lane`, `update unit`) judges a module inside a core
of 11 oscillators with every feature, by 200 random steps against the twin. On 2026-11-29 it made
929 mutants of the sequencer; of 504 the state differed, on 252 the bench gave up waiting, and 173
lived. Most of these change a control in clocks in which nothing listens, which a proof of the
module alone cannot tell from a fault: without a proof over the whole core they are unexplained,
81.4 % noticed, and not counted above. Lane and update unit of the core were not judged.
"""
Found = dict[str, Any]

_HEAD = f"""# Mutants of the RTL

Do the benches notice when our own logic is wrong? `{COMMAND}` puts mistakes into the RTLIL of a
module, one at a time: bits inverted, stuck, or inverted where another bit of the port says so
(yosys `mutate`, from a seed), and what designers do: `<` for `<=`, operands swapped, a sign
forgotten, a constant one off, the other input of a choice, a register too many. All mutants of a
module are compiled into one CXXRTL model with an input that chooses, and each goes through the
bench as users get it: for a unit that of `drai-hw sim --unit` (one seed).

*Noticed*: an output differs. *Hang*: the bench gives up waiting for an answer. What is left is
given to the solver: *equal* are those that do the same in every state for all inputs, or, for a
unit, still what its rule says (the proof of `drai-hw prove --unit`). With a bench that compares
nothing all live, which a test shows.

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
        "`drai-hw prove --unit`, with the rules it breaks.\n\n| module | mutant | what is known |\n"
        "|---|---|---|\n"
    )
    for target, found in known:
        for one in not_equal(found):
            text += f"| {target.name} | {_cell(one['name'])} | {_cell(one['why'])} |\n"
    text += "\n## Alive and equal\n\n| module | mutant | equal |\n|---|---|---|\n"
    for target, found in known:
        for one in found[ALIVE]:
            if one["verdict"]:
                text += f"| {target.name} | {_cell(one['name'])} | {one['verdict']} |\n"
    return text + _CORE


def _features(target: Target) -> str:
    f = target.formats
    flags = ("resonance", "decay", "budget", "centring", "mask", "edge")
    return ", ".join([f"N = {f.n}", *(flag for flag in flags if getattr(f, flag))])


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
