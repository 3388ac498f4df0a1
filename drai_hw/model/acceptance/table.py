"""All rows of the acceptance table, and the page that shows them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from drai_hw.errors import SpecError
from drai_hw.model.acceptance import (
    adapting,
    graphs_energy,
    memories,
    pairs,
    populations,
    twin_graphs,
    twin_hebbian,
    twin_learning,
    twin_memories,
    twin_pairs,
    twin_populations,
    windows,
)
from drai_hw.model.acceptance.row import Row

SUBJECTS = (pairs, populations, adapting, memories, graphs_energy, windows,
            twin_pairs, twin_populations, twin_memories,
            twin_graphs, twin_hebbian, twin_learning)  # fmt: skip

HEAD = """# Acceptance

What float model and twin measure, beside the published or closed-form value. Made by
`python -m drai_hw.model.acceptance`; `--check` runs everything again and compares. A row is met
when the value is within the tolerance of what is expected, or on the right side of a bound. Values
are rounded to about a hundredth of the tolerance, so that they are the same on any machine. Where
the twin's tolerances come from: [Errors of fixed point](../explanation/fixed-point-error.md).

"""
COLUMNS = ("no.", "machine", "what", "value", "", "expected", "tolerance", "met", "source",
           "reason for the tolerance")  # fmt: skip


def rows() -> list[Row]:
    """Return all rows, by number and within a number the float model first.

    Raises
    ------
    SpecError
        Two rows of one name.
    """
    found = [row for subject in SUBJECTS for row in subject.ROWS]
    names = [f"{row.id} {row.name}" for row in found]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise SpecError(f"rows {', '.join(twice)}: each needs a name of its own")
    return sorted(found, key=lambda row: (int(row.id[1:]), row.machine))


def number(value: float, digits: int) -> str:
    """Return an expected value or a tolerance as the page shows it."""
    return f"{value:.{digits}g}"


def line(row: Row, value: float) -> str:
    """Return a row of the page."""
    cells = (
        row.id, row.machine, row.statement, row.shown(value),
        {"=": "=", "<=": "≤", ">=": "≥"}[row.relation], number(row.expected, 10),
        number(row.tolerance, 3), "yes" if row.passes(value) else "**no**", row.source, row.reason,
    )  # fmt: skip
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def page(table: Sequence[Row], values: Sequence[float]) -> str:
    """Return the whole page."""
    met = sum(row.passes(value) for row, value in zip(table, values, strict=True))
    twins = sum(row.machine == "twin" for row in table)
    out = [HEAD, f"{met} of {len(table)} rows are met, {twins} of them in the twin.\n\n"]
    out.append("| " + " | ".join(COLUMNS) + " |\n|" + "---|" * len(COLUMNS) + "\n")
    out += [line(row, value) + "\n" for row, value in zip(table, values, strict=True)]
    return "".join(out)


def cells_of(text: str) -> list[list[str]]:
    """Return the cells of the table of a page, without its head."""
    lines = [row for row in text.splitlines() if row.startswith("| A")]
    parts = (row.replace("\\|", "\0").strip("| ").split(" | ") for row in lines)
    return [[cell.replace("\0", "|") for cell in row] for row in parts]


def differences(table: Sequence[Row], values: Sequence[float], text: str) -> list[str]:
    """Return what a page has else than these values would make, nothing if it is up to date.

    A float value may differ by one unit of its last digit, since rounding errors depend on the
    machine's linear algebra; everything else must be equal.
    """
    wanted, found = cells_of(page(table, values)), cells_of(text)
    if len(wanted) != len(found):
        return [f"{len(found)} rows instead of {len(wanted)}"]
    out = []
    for row, new, old in zip(table, wanted, found, strict=True):
        unit = 10.0**-row.decimals * 1.001 if row.machine == "float" else 0.0
        same = new[:3] + new[4:] == old[:3] + old[4:]
        if not same or len(old) != len(new) or not abs(float(new[3]) - float(old[3])) <= unit:
            out.append(f"{row.id} {row.name}: {' | '.join(old[3:7])} became {' | '.join(new[3:7])}")
    return out


def measure(table: Sequence[Row], progress: Callable[[Row, float], None]) -> list[float]:
    """Run all rows and return their values; one that raises is no number, and not met."""
    values = []
    for row in table:
        try:
            value = float(row.compute())
        except ArithmeticError:
            value = math.nan
        progress(row, value)
        values.append(value)
    return values
