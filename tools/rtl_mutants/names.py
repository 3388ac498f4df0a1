"""What a mutant is called: the line of its source, the cell, the signal, and what is wrong."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from tools.rtl_mutants.rtlil import Cell

ROOT = Path(__file__).resolve().parents[2]
_HOW = {"inv": "inverted", "const0": "stuck at 0", "const1": "stuck at 1"}
_PLACE = re.compile(r".*\b(\w+/\w+\.py):(\d+)")
_WIRES = re.compile(r"\$\S+")
_NAMED = re.compile(r"\\([A-Za-z_][\w.]*)")


def of_bit(words: Mapping[str, str], cells: Mapping[str, Cell]) -> str:
    """Return the name of a change of a single bit, from the words of yosys' order."""
    cell = cells.get(words["-cell"]) or cells["\\" + words["-cell"]]
    what = _HOW.get(words["-mode"])
    what = what or f"inverted where bit {words['-ctrlbit']} is {words['-mode'][-1]}"
    return f"{place(cell, cells)}: {words['-port']}[{words['-portbit']}] {what}"


def place(cell: Cell, cells: Mapping[str, Cell]) -> str:
    """Return the source line of a cell, with the file, and what it is.

    A cell that no line is known of, which stands for a case or an order of statements, is called
    by the first signal with a name that it takes part in.
    """
    found = _PLACE.search(cell.source)
    kind = cell.type.removeprefix("$")
    if found is None:
        if own := _signal(cell):
            return f"{kind} of {own}"
        there = next(_towards(cell, cells), "")
        return f"{kind} towards {there}" if there else f"{kind} of a term"
    text = _line(found[1], int(found[2]))
    return f"{found[1].split('/')[-1]}: `{text}` {kind} of {_signal(cell) or 'a term'}"


@cache
def _line(file: str, number: int) -> str:
    path = next(ROOT.glob(f"drai_hw/{file}"), None)
    lines = path.read_text(encoding="utf-8").splitlines() if path else []
    return lines[number - 1].strip() if lines else ""


def _signal(cell: Cell) -> str:
    """Return the signal that a cell drives, where it has a name of its own."""
    port = cell.ports.get("Q") or cell.ports.get("Y") or cell.ports.get("DATA") or ""
    return port.lstrip("\\").split("$")[0].strip() if port.startswith("\\") else ""


def _towards(cell: Cell, cells: Mapping[str, Cell]) -> Iterator[str]:
    """Yield the signals with names that a cell leads to, the nearest first."""
    open_, seen = [cell.ports.get("Y", "")], set()
    while open_:
        wire = open_.pop(0)
        for other in cells.values():
            inputs = " ".join(port for name, port in other.ports.items() if name not in ("Q", "Y"))
            if other.name in seen or wire not in _WIRES.findall(inputs):
                continue
            seen.add(other.name)
            out = other.ports.get("Q") or other.ports.get("Y", "")
            name = _NAMED.match(out)
            written = _PLACE.search(other.source) if other.type == "$dff" else None
            if name and "$" not in out:
                yield f"`{name[1]}`"
            elif written:
                yield f"`{_line(written[1], int(written[2]))}`"
            else:
                open_.append(out)
