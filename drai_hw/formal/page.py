"""The page of proofs with their times: `python -m drai_hw.formal.page`."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from drai_hw.catalog import find
from drai_hw.files import write_whole
from drai_hw.formal.prove import PROPERTIES, property_result, unit_result
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import UNITS

PAGE = Path("docs/reference/proof-times.md")
COMMAND = "python -m drai_hw.formal.page"
LIMIT_S = 600
_HEAD = f"""# Times of proofs

Made by `{COMMAND}`, one proof after the other; what each says, and for which states and
inputs: [Proofs](proofs.md). Seconds of the wall clock on a machine that did other work, too;
reading a unit by yosys is not in them, reading a core is.

| network | proof | status | seconds | extent |
|---|---|---|---|---|
"""


def networks() -> dict[str, Formats]:
    """Return the networks of the page by name."""
    return {name: plan.formats_of(find(name)[0]) for name in ("pair", "letters")}


def results(formats: Formats) -> Iterator[dict[str, Any]]:
    """Yield the result of every proof of a network."""
    with TemporaryDirectory(prefix="drai-hw-page-") as scratch:
        for unit in UNITS:
            folder = Path(scratch)
            yield unit_result(unit, formats, None, latency=None, limit_s=LIMIT_S, folder=folder)
    for name in PROPERTIES:
        yield property_result(name, formats, None, limit_s=LIMIT_S)


def row(network: str, result: dict[str, Any]) -> str:
    """Return a line of the table."""
    facts = result.get("facts") or {"rules": len(result["rules"]), "clocks": result["latency"]}
    extent = ", ".join(f"{name.replace('_', ' ')} {value:,}" for name, value in facts.items())
    cells = (network, result["proof"], result["status"], f"{result['seconds']:.1f}", extent)
    return f"| {' | '.join(cells)} |\n"


def main(arguments: list[str]) -> int:
    """Do all proofs and write the page; exit status 1 unless all are proved."""
    text, proved = _HEAD, True
    for name, formats in networks().items():
        for result in results(formats):
            text += row(name, result)
            proved &= result["status"] == "proved"
            print(row(name, result), end="", file=sys.stderr)
    write_whole(Path(arguments[0]) if arguments else PAGE, text)
    return 0 if proved else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
