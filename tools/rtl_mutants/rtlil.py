"""Mistakes of designers put into RTLIL: each cell with its wrong versions behind a number."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

SELECT = "mutant"
SELECT_BITS = 16
"""Input that chooses a mutant, 0 for none."""

_CLOSE = {"$lt": "$le", "$le": "$lt", "$gt": "$ge", "$ge": "$gt"}
_OPPOSITE = {"$lt": "$ge", "$le": "$gt", "$gt": "$le", "$ge": "$lt", "$eq": "$ne", "$ne": "$eq"}
_LOGIC = {
    "$and": "$or", "$or": "$and", "$xor": "$or", "$not": "$pos", "$neg": "$pos",
    "$logic_and": "$logic_or", "$logic_or": "$logic_and", "$logic_not": "$reduce_bool",
    "$reduce_bool": "$logic_not", "$reduce_or": "$reduce_and", "$reduce_and": "$reduce_or",
}  # fmt: skip
_ARITHMETIC = {"$add": "$sub", "$sub": "$add"}
_WITH_CONSTANTS = ("$add", "$sub", "$mul", "$shl", *_OPPOSITE)
_SIGNED_MATTERS = ("$add", "$sub", "$mul", *_CLOSE)


@dataclass
class Cell:
    """A cell of a module.

    Attributes
    ----------
    type, name : str
        As RTLIL has them.
    parameters, ports : dict of str to str
        Their texts.
    source : str
        File and line of the RTL's source, "" if unknown.
    first, last : int
        Lines of the text.
    """

    type: str
    name: str
    first: int
    last: int = 0
    parameters: dict[str, str] = field(default_factory=dict)
    ports: dict[str, str] = field(default_factory=dict)
    source: str = ""

    @property
    def out(self) -> str:
        """The port by which others see what a mutant does: what is stored, of a register."""
        return "D" if self.type == "$dff" else "Y"

    @property
    def width(self) -> int:
        """Bits of that port."""
        return int(self.parameters.get("Y_WIDTH") or self.parameters["WIDTH"])


@dataclass(frozen=True)
class Variant:
    """A cell as a designer might have written it by mistake."""

    what: str
    type: str
    parameters: dict[str, str]
    ports: dict[str, str]


def module_lines(lines: list[str], module: str) -> tuple[int, int]:
    """Return the first line of a module and that of its end."""
    first = lines.index(f"module \\{module}")
    return first, lines.index("end", first)


def cells_of(lines: list[str], module: str) -> list[Cell]:
    """Return the cells of a module in the order of the text."""
    out: list[Cell] = []
    cell: Cell | None = None
    source = ""
    first, end = module_lines(lines, module)
    for number in range(first + 1, end):
        words = lines[number].split(maxsplit=2)
        if not words:
            continue
        if cell is None:
            if words[0] == "attribute":
                source = words[2].strip('"') if words[1] == "\\src" else source
            elif words[0] == "cell":
                cell = Cell(words[1], words[2], number, source=source)
            else:
                source = ""
        elif words[0] == "end":
            cell.last = number
            out.append(cell)
            cell, source = None, ""
        elif words[0] == "parameter":
            cell.parameters[words[1].lstrip("\\")] = words[2]
        elif words[0] == "connect":
            cell.ports[words[1].lstrip("\\")] = words[2]
    return out


def constant(text: str) -> tuple[int, int] | None:
    """Return value and width of a port that is one number, else None."""
    found = re.fullmatch(r"(\d+)'([01]+)", text)
    if found:
        return int(found[2], 2), int(found[1])
    return (int(text) & 0xFFFFFFFF, 32) if re.fullmatch(r"-?\d+", text) else None


def variants_of(cell: Cell) -> Iterator[Variant]:
    """Yield the wrong versions of a cell."""
    kind, p, ports = cell.type, cell.parameters, cell.ports

    def other(what: str, kind: str = kind, **changed: str) -> Variant:
        return Variant(
            what, kind, p | {k: v for k, v in changed.items() if k in p},
            ports | {k: v for k, v in changed.items() if k in ports},
        )  # fmt: skip

    if kind in _ARITHMETIC:
        yield other(f"{_ARITHMETIC[kind]} for {kind}", _ARITHMETIC[kind])
    if kind in _CLOSE:
        yield other(f"{_CLOSE[kind]} for {kind}", _CLOSE[kind])
    if kind in _OPPOSITE:
        yield other(f"{_OPPOSITE[kind]} for {kind}", _OPPOSITE[kind])
    if kind in _LOGIC:
        yield other(f"{_LOGIC[kind]} for {kind}", _LOGIC[kind])
    if kind == "$sub" or kind in _CLOSE:
        yield other(
            "operands swapped", A=ports["B"], B=ports["A"], A_SIGNED=p["B_SIGNED"],
            B_SIGNED=p["A_SIGNED"], A_WIDTH=p["B_WIDTH"], B_WIDTH=p["A_WIDTH"],
        )  # fmt: skip
    if kind in _SIGNED_MATTERS:
        turned = str(1 - int(p["A_SIGNED"] == "1"))
        yield other("unsigned" if turned == "0" else "signed", A_SIGNED=turned, B_SIGNED=turned)
    if kind in ("$mux", "$pmux"):
        yield other("never the other input", kind="$pos", **_straight(ports["A"], cell.width))
    if kind == "$mux":
        yield other("always the other input", kind="$pos", **_straight(ports["B"], cell.width))
        yield other("inputs swapped", A=ports["B"], B=ports["A"])
    for port in ("A", "B") if kind in (*_WITH_CONSTANTS, "$mux") else ():
        number = constant(ports[port])
        if number is not None:
            value, width = number
            for step in (1, -1) if width > 1 else (1,):
                new = f"{width}'{(value + step) % (1 << width):0{width}b}"
                yield other(f"constant {value} {'+-'[step < 0]} 1", **{port: new})
    if kind == "$dff" and p["CLK_POLARITY"] in ("1", "1'1"):
        yield other("a clock later")


def _straight(port: str, width: int) -> dict[str, str]:
    return {"A": port, "WIDTH": str(width)}


def made(lines: list[str], module: str, chosen: list[tuple[str, Variant, int]]) -> list[str]:
    """Return the text with wrong versions of cells behind the input `SELECT`.

    Parameters
    ----------
    lines : list of str
        RTLIL; the module has the input.
    module : str
        Which module.
    chosen : list of (str, Variant, int)
        Name of the cell, what stands in its place, and by which number it is chosen.
    """
    first, end = module_lines(lines, module)
    by_name = {cell.name: cell for cell in cells_of(lines, module)}
    wires: list[str] = []  # RTLIL wants them before what uses them
    more: list[str] = []
    changed: dict[int, str] = {}
    by_cell: dict[str, list[tuple[Variant, int]]] = {}
    for name, variant, number in chosen:
        by_cell.setdefault(name, []).append((variant, number))
    for place, (name, wrongs) in enumerate(by_cell.items()):
        cell = by_name[name]
        width, out = cell.width, cell.out
        before = cell.ports[out]
        if out == "Y":
            before = _wire(wires, f"$mutant$right${place}", width)
            line = next(
                k for k in range(cell.first, cell.last) if lines[k].startswith("    connect \\Y ")
            )
            changed[line] = f"    connect \\Y {before}"
        for variant, number in wrongs:
            wrong = _wire(wires, f"$mutant$wrong${number}", width)
            more += _cell(cell, variant, wrong, number)
            asked = _wire(wires, f"$mutant$asked${number}", 1)
            more += [
                f"  cell $eq $mutant$eq${number}", "    parameter \\A_SIGNED 0",
                "    parameter \\B_SIGNED 0", f"    parameter \\A_WIDTH {SELECT_BITS}",
                f"    parameter \\B_WIDTH {SELECT_BITS}", "    parameter \\Y_WIDTH 1",
                f"    connect \\A \\{SELECT}",
                f"    connect \\B {SELECT_BITS}'{number:0{SELECT_BITS}b}",
                f"    connect \\Y {asked}", "  end",
            ]  # fmt: skip
            last = number == wrongs[-1][1] and out == "Y"
            after = cell.ports[out] if last else _wire(wires, f"$mutant$then${number}", width)
            more += [
                f"  cell $mux $mutant$mux${number}", f"    parameter \\WIDTH {width}",
                f"    connect \\A {before}", f"    connect \\B {wrong}",
                f"    connect \\S {asked}", f"    connect \\Y {after}", "  end",
            ]  # fmt: skip
            before = after
        if out == "D":
            line = next(
                k for k in range(cell.first, cell.last) if lines[k].startswith("    connect \\D ")
            )
            changed[line] = f"    connect \\D {before}"
    text = [changed.get(k, line) for k, line in enumerate(lines)]
    return [*text[: first + 1], *wires, *text[first + 1 : end], *more, *text[end:]]


def _wire(wires: list[str], name: str, width: int) -> str:
    wires.append(f"  wire width {width} {name}")
    return name


def _cell(cell: Cell, variant: Variant, out: str, number: int) -> list[str]:
    """Return the text of a wrong version."""
    name, width = f"$mutant$cell${number}", cell.width
    if cell.type == "$dff":  # what is stored comes through one more register
        return [
            f"  cell $dff {name}", f"    parameter \\WIDTH {width}",
            "    parameter \\CLK_POLARITY 1", f"    connect \\D {cell.ports['D']}",
            f"    connect \\CLK {cell.ports['CLK']}", f"    connect \\Q {out}", "  end",
        ]  # fmt: skip
    if variant.type == "$pos":
        # Of a choice one input, else the operand as it is.
        plain = {"A_SIGNED": "0", "A_WIDTH": str(width)}
        own = {k: variant.parameters[k] for k in plain if k in variant.parameters}
        return [
            f"  cell $pos {name}", *(f"    parameter \\{k} {v}" for k, v in (plain | own).items()),
            f"    parameter \\Y_WIDTH {width}", f"    connect \\A {variant.ports['A']}",
            f"    connect \\Y {out}", "  end",
        ]  # fmt: skip
    ports = variant.ports | {"Y": out}
    return [
        f"  cell {variant.type} {name}",
        *(f"    parameter \\{key} {value}" for key, value in variant.parameters.items()),
        *(f"    connect \\{key} {value}" for key, value in ports.items()),
        "  end",
    ]
