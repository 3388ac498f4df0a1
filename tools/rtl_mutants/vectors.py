"""Words of many cases at once: an algebra for `drai_hw.formal.machine.Machine` on arrays."""

from __future__ import annotations

from typing import Any

import numpy as np

from drai_hw.formal.btor2 import Node, Sort, System
from drai_hw.formal.words import fold

_COMPARED = {
    "eq": np.equal, "iff": np.equal, "neq": np.not_equal, "ult": np.less, "ulte": np.less_equal,
    "ugt": np.greater, "ugte": np.greater_equal,
}  # fmt: skip
_BITS = {
    "not": lambda a: ~a, "neg": lambda a: -a, "inc": lambda a: a + 1, "dec": lambda a: a - 1,
    "and": lambda a, b: a & b, "or": lambda a, b: a | b, "xor": lambda a, b: a ^ b,
    "xnor": lambda a, b: ~(a ^ b), "nand": lambda a, b: ~(a & b), "nor": lambda a, b: ~(a | b),
    "implies": lambda a, b: ~a | b, "add": lambda a, b: a + b, "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
}  # fmt: skip


class Many:
    """Words of at most 31 bits, each a number or an int64 array with an element a case."""

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives in each case."""
        widths = [sort.bits for sort in sorts]
        if all(isinstance(arg, int) for arg in args):
            return fold(node, args, widths)
        op, mask = node.op, (1 << node.sort.bits) - 1
        if op in _BITS:
            return _BITS[op](*args) & mask
        if op in _COMPARED:
            return _COMPARED[op](*args).astype(np.int64)
        if op == "ite":
            if isinstance(args[0], int):
                return args[1] if args[0] else args[2]
            return np.where(args[0] != 0, args[1], args[2])
        if op == "concat":
            return args[0] << widths[1] | args[1]
        if op == "slice":
            return args[0] >> node.values[1] & mask
        if op == "uext":
            return args[0]
        if op == "sext":
            top = 1 << (widths[0] - 1)
            return ((args[0] ^ top) - top) & mask
        if op in ("redand", "redor"):
            full = (1 << widths[0]) - 1
            return (args[0] == full if op == "redand" else args[0] != 0).astype(np.int64)
        # Rare ones case by case.
        length = max(len(arg) for arg in args if not isinstance(arg, int))
        rows = zip(*(np.broadcast_to(arg, length).tolist() for arg in args), strict=True)
        return np.array([fold(node, row, widths) for row in rows], dtype=np.int64)

    def fresh(self, sort: Sort, name: str) -> Any:
        """Refuse: nothing that is looked at may depend on what is not given."""
        raise ValueError(f"{name} is not given")


def specialised(system: System, name: str, value: int) -> System:
    """Return a system with an input at a number: what that decides is left out of its cone."""
    nodes: dict[int, Node] = {}
    known: dict[int, int] = {number: value for number, k in system.inputs.items() if k == name}
    for number, node in system.nodes.items():
        if number in known:
            nodes[number] = Node("const", node.sort, (), (value,))
            continue
        if node.op == "const":
            known[number] = node.values[0]
        elif node.op == "alias" and node.args[0] in known:
            known[number] = known[node.args[0]]
        elif node.op == "ite" and node.args[0] in known:
            node = Node("alias", node.sort, (node.args[1 if known[node.args[0]] else 2],))
            if node.args[0] in known:
                known[number] = known[node.args[0]]
        elif (
            node.args and node.op not in ("read", "write", "state", "alias")
            and all(arg in known for arg in node.args)
        ):  # fmt: skip
            widths = [system.nodes[arg].sort.bits for arg in node.args]
            known[number] = fold(node, [known[arg] for arg in node.args], widths)
            node = Node("const", node.sort, (), (known[number],))
        nodes[number] = node
    inputs = {number: k for number, k in system.inputs.items() if k != name}
    return System(nodes, inputs, system.states, system.init, system.next, system.names,
                  system.outputs)  # fmt: skip
