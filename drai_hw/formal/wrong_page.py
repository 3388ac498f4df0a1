"""The page of wrong units, as bench and proof judge them: `python -m drai_hw.formal.wrong_page`."""

from __future__ import annotations

import hashlib
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from drai_hw.files import write_whole
from drai_hw.formal.outcome import PROVED, REFUTED
from drai_hw.formal.prove import unit_result
from drai_hw.formal.unit_design import mapped
from drai_hw.formal.wrong_units import FORMATS, WRONG, right
from drai_hw.model.unit_ports import UNITS
from drai_hw.sim.units.portmap import PortMap
from drai_hw.sim.units.verify import verify_unit

PAGE = Path("docs/reference/wrong-units.md")
COMMAND = "python -m drai_hw.formal.wrong_page"
PROOF_LIMIT_S = 200
COLUMNS = (
    "unit", "what is wrong", "rule named by `sim`", "found in clock", "shortest, clocks",
    "rule named by `prove`", "seconds", "text",
)  # fmt: skip
_BAR = "\\|"  # of a table's cell
_HEAD = f"""# Wrong units

{len(WRONG)} units written by hand (`drai_hw/formal/wrong_units.py`), each with one mistake,
as `drai-hw sim --unit` (Icarus, seed 1) and `drai-hw prove --unit` judge them; and the right
ones beside them. Made by `{COMMAND}`.

- Found in clock: of the whole test, latency search included, counted from 1. Shortest: clocks
  after a reset that still show the mistake, as `sim` shrinks them.
- Seconds: of the proof, wall clock on a machine that did other work, too; reading the unit by
  yosys is not in them.
- Text: a digest of the Verilog.

"""


class Row(NamedTuple):
    """A line of the page."""

    unit: str
    name: str
    rule: str
    clock: str
    shortest: str
    proof: str
    seconds: str
    digest: str

    def line(self) -> str:
        """Return it as text."""
        return f"| {' | '.join(cell.replace('|', _BAR) for cell in self)} |\n"


def digest(text: str) -> str:
    """Return what tells whether a unit is still the same."""
    return f"`{hashlib.sha256(text.encode()).hexdigest()[:8]}`"


def row(unit: str, name: str, text: str) -> Row:
    """Judge a unit by simulation and by proof."""
    with TemporaryDirectory(prefix="drai-hw-wrong-") as scratch:
        folder = Path(scratch)
        path = folder / "mine.v"
        path.write_text(text, encoding="utf-8")
        top = f"my_{unit}"
        judged = verify_unit(unit, FORMATS, [path], top, folder=folder / "sim")
        design = mapped([path], top, PortMap(), unit, FORMATS, path.parent)
        proof = unit_result(
            unit, FORMATS, design, latency=None, limit_s=PROOF_LIMIT_S, folder=folder / "prove"
        )
    failure = judged.failure
    named = ("none", "", "")
    if failure is not None:
        named = (failure.rule, f"{failure.clock + 1:,}", str(len(failure.shortest)))
    return Row(unit, name, *named, _named(proof), f"{proof['seconds']:.1f}", digest(text))


def _named(proof: dict[str, Any]) -> str:
    return str(proof["reason"].split(";")[0] if proof["status"] == REFUTED else proof["status"])


def rows_of(page: str) -> dict[str, Row]:
    """Return the rows of a page by what is wrong."""
    lines = [line[2:-2].split(" | ") for line in page.splitlines() if line.startswith("| ")]
    rows = [
        Row(*(cell.strip().replace(_BAR, "|") for cell in cells))
        for cells in lines if len(cells) == len(COLUMNS)
    ]  # fmt: skip
    return {row.name: row for row in rows if row.unit in UNITS}


def main(arguments: list[str]) -> int:
    """Judge all units and write the page; exit status 1 if a judge is wrong about one."""
    text = _HEAD + f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}\n"
    wrong = 0
    cases = [(item.unit, item.name, item.text()) for item in WRONG]
    cases += [(unit, f"nothing: right {unit}", right(unit)) for unit in UNITS]
    for number, (unit, name, source) in enumerate(cases):
        found = row(unit, name, source)
        expected = number < len(WRONG)
        wrong += (found.rule != "none") != expected or (found.proof != PROVED) != expected
        text += found.line()
        print(found.line(), end="", file=sys.stderr)
    write_whole(Path(arguments[0]) if arguments else PAGE, text)
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
