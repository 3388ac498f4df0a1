"""Transition systems in the format BTOR2, as yosys writes it.

Niemetz, Preiner, Wolf, Biere: BTOR2, BtorMC and Boolector 3.0, CAV 2018.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from drai_hw.errors import ToolError

# Arguments that are nodes; what follows them in a line are numbers.
_UNARY = ("not", "neg", "inc", "dec", "redand", "redor", "redxor")
_EXTENDING = ("uext", "sext")
_BINARY = (
    "and", "or", "xor", "xnor", "nand", "nor", "implies", "iff", "add", "sub",
    "mul", "udiv", "urem", "sdiv", "srem", "smod", "sll", "srl",
    "sra",
    "eq", "neq", "ult", "ulte", "ugt", "ugte", "slt", "slte", "sgt", "sgte", "concat", "read",
)  # fmt: skip
_TERNARY = ("ite", "write")
_NODES = (
    dict.fromkeys(_UNARY, 1)
    | dict.fromkeys(_EXTENDING, 1)
    | dict.fromkeys(_BINARY, 2)
    | dict.fromkeys(_TERNARY, 3)
    | {"slice": 1}
)
_CONSTANTS = {"const": 2, "constd": 10, "consth": 16}


@dataclass(frozen=True)
class Sort:
    """Bits of a word; of an array also the bits of its address.

    Parameters
    ----------
    bits : int
        Width of a word.
    address : int
        Width of an address; 0 where there is only one word.
    """

    bits: int
    address: int = 0


@dataclass(frozen=True)
class Node:
    """One line: an operation, an input, a state or a constant.

    Parameters
    ----------
    op : str
        Name of the operation in the format; ``const`` for every constant.
    sort : Sort
        What it gives.
    args : tuple of int
        Nodes it takes, by number.
    values : tuple of int
        Numbers it takes: bounds of a slice, added bits, the value of a constant.
    """

    op: str
    sort: Sort
    args: tuple[int, ...] = ()
    values: tuple[int, ...] = ()


@dataclass
class System:
    """A synchronous circuit with one clock.

    Attributes
    ----------
    nodes : dict of int to Node
        In an order in which every node comes behind those it takes.
    inputs : dict of int to str
        Free values of every clock and their names; what is undefined in the source has none.
    states : dict of int to str
        Registers and memories, likewise.
    init : dict of int to int
        Node of the value that a state has at the beginning.
    next : dict of int to int
        Node of the value that a state has in the next clock.
    names : dict of str to int
        Nodes by the names of wires, inner ones as ``instance.wire``.
    outputs : dict of str to int
        Nodes by the names of output ports.
    """

    nodes: dict[int, Node] = field(default_factory=dict)
    inputs: dict[int, str] = field(default_factory=dict)
    states: dict[int, str] = field(default_factory=dict)
    init: dict[int, int] = field(default_factory=dict)
    next: dict[int, int] = field(default_factory=dict)
    names: dict[str, int] = field(default_factory=dict)
    outputs: dict[str, int] = field(default_factory=dict)

    def width(self, name: str) -> int:
        """Return the bits of a named node."""
        return self.nodes[self.names[name]].sort.bits

    def meant(self, number: int) -> int:
        """Return the node behind another name of it."""
        while self.nodes[number].op == "alias":
            number = self.nodes[number].args[0]
        return number

    def cone(self, wanted: Iterable[int], cut: Iterable[int] = ()) -> list[int]:
        """Return all nodes that the wanted ones depend on, now or clocks before, in order.

        Parameters
        ----------
        wanted : iterable of int
            Nodes to look at.
        cut : iterable of int
            States whose course is given from outside: what they depend on is left out.
        """
        found: set[int] = set()
        open_ = list(wanted)
        closed = set(cut)
        while open_:
            number = open_.pop()
            if number in found:
                continue
            found.add(number)
            open_ += self.nodes[number].args
            if number not in closed:
                open_ += [at[number] for at in (self.next, self.init) if number in at]
        return [number for number in self.nodes if number in found]


def parse(text: str) -> System:
    """Return the system of a BTOR2 text.

    Raises
    ------
    ToolError
        A line that this reader does not know.
    """
    out = System()
    sorts: dict[int, Sort] = {}
    for line in text.splitlines():
        words = line.partition(";")[0].split()
        if not words:
            continue
        try:
            _line(out, sorts, words)
        except (KeyError, ValueError, IndexError) as error:
            raise ToolError(
                f"BTOR2 line {line!r} is not understood ({error!r}): needs what yosys 0.70 writes"
            ) from error
    return out


def _line(out: System, sorts: dict[int, Sort], words: list[str]) -> None:
    number, what, rest = int(words[0]), words[1], words[2:]
    if what == "sort":
        if rest[0] == "bitvec":
            sorts[number] = Sort(int(rest[1]))
        else:
            index, element = sorts[int(rest[1])], sorts[int(rest[2])]
            sorts[number] = Sort(element.bits, index.bits)
    elif what in ("input", "state"):
        out.nodes[number] = Node(what, sorts[int(rest[0])])
        listed = out.inputs if what == "input" else out.states
        listed[number] = rest[1] if len(rest) > 1 else ""
        if len(rest) > 1:
            out.names.setdefault(rest[1], number)
    elif what in ("init", "next"):
        (out.init if what == "init" else out.next)[int(rest[1])] = int(rest[2])
    elif what == "output":
        out.outputs[rest[1]] = out.names[rest[1]] = int(rest[0])
    elif what in _CONSTANTS:
        value = int(rest[1], _CONSTANTS[what])
        out.nodes[number] = Node("const", sorts[int(rest[0])], (), (value,))
    elif what in ("zero", "one", "ones"):
        sort = sorts[int(rest[0])]
        value = {"zero": 0, "one": 1, "ones": (1 << sort.bits) - 1}[what]
        out.nodes[number] = Node("const", sort, (), (value,))
    else:
        _operation(out, number, what, sorts[int(rest[0])], rest[1:])


def _operation(out: System, number: int, what: str, sort: Sort, rest: list[str]) -> None:
    args = tuple(int(word) for word in rest[: _NODES[what]])
    rest = rest[_NODES[what] :]
    if any(arg < 0 for arg in args):
        raise ValueError("a negated argument")
    counted = 2 if what == "slice" else int(what in _EXTENDING)
    values = tuple(int(word) for word in rest[:counted])
    rest = rest[counted:]
    if what == "uext" and values == (0,):  # only a name
        if rest:
            out.names.setdefault(rest[0], out.meant(args[0]))
        out.nodes[number] = Node("alias", sort, args)
        return
    out.nodes[number] = Node(what, sort, args, values)
    if rest:
        out.names.setdefault(rest[0], number)
