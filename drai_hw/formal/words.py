"""Operations of BTOR2 on numbers."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.formal.btor2 import Node


def signed(value: int, bits: int) -> int:
    """Return the two's complement meaning of a word."""
    return value - (1 << bits) if value >> (bits - 1) & 1 else value


def fold(node: Node, a: Sequence[int], widths: Sequence[int]) -> int:
    """Return what an operation gives for numbers.

    Parameters
    ----------
    node : Node
        The operation.
    a : sequence of int
        Its arguments, unsigned.
    widths : sequence of int
        Their widths.
    """
    bits = node.sort.bits
    mask = (1 << bits) - 1
    op = node.op
    if op in _BITS:
        return _BITS[op](a, mask) & mask
    if op in _COMPARED:
        return int(_COMPARED[op](a[0], a[1]))
    if op in _SIGNED:
        return int(_SIGNED[op](signed(a[0], widths[0]), signed(a[1], widths[1])))
    if op == "ite":
        return a[1] if a[0] else a[2]
    if op == "concat":
        return a[0] << widths[1] | a[1]
    if op == "slice":
        return a[0] >> node.values[1] & mask
    if op == "uext":
        return a[0]
    if op == "sext":
        return signed(a[0], widths[0]) & mask
    if op == "redand":
        return int(a[0] == (1 << widths[0]) - 1)
    if op == "redor":
        return int(a[0] != 0)
    if op == "redxor":
        return a[0].bit_count() & 1
    if op in ("sll", "srl", "sra"):
        return _shifted(op, a, bits)
    if op in ("udiv", "urem", "sdiv", "srem", "smod"):
        return _divided(op, a, bits) & mask
    raise ValueError(f"operation {op}")


_BITS = {
    "not": lambda a, mask: ~a[0],
    "neg": lambda a, mask: -a[0],
    "inc": lambda a, mask: a[0] + 1,
    "dec": lambda a, mask: a[0] - 1,
    "and": lambda a, mask: a[0] & a[1],
    "or": lambda a, mask: a[0] | a[1],
    "xor": lambda a, mask: a[0] ^ a[1],
    "xnor": lambda a, mask: ~(a[0] ^ a[1]),
    "nand": lambda a, mask: ~(a[0] & a[1]),
    "nor": lambda a, mask: ~(a[0] | a[1]),
    "implies": lambda a, mask: ~a[0] | a[1],
    "add": lambda a, mask: a[0] + a[1],
    "sub": lambda a, mask: a[0] - a[1],
    "mul": lambda a, mask: a[0] * a[1],
}
_COMPARED = {
    "eq": lambda x, y: x == y,
    "iff": lambda x, y: x == y,
    "neq": lambda x, y: x != y,
    "ult": lambda x, y: x < y,
    "ulte": lambda x, y: x <= y,
    "ugt": lambda x, y: x > y,
    "ugte": lambda x, y: x >= y,
}
_SIGNED = {
    "slt": lambda x, y: x < y,
    "slte": lambda x, y: x <= y,
    "sgt": lambda x, y: x > y,
    "sgte": lambda x, y: x >= y,
}


def _shifted(op: str, a: Sequence[int], bits: int) -> int:
    by = min(a[1], bits)
    if op == "sll":
        return (a[0] << by) & ((1 << bits) - 1)
    if op == "srl":
        return a[0] >> by
    return (signed(a[0], bits) >> by) & ((1 << bits) - 1)


def _divided(op: str, a: Sequence[int], bits: int) -> int:
    """Divide as SMT-LIB says, division by 0 included."""
    if op in ("udiv", "urem"):
        if a[1] == 0:
            return -1 if op == "udiv" else a[0]
        return a[0] // a[1] if op == "udiv" else a[0] % a[1]
    x, y = signed(a[0], bits), signed(a[1], bits)
    if y == 0:
        return x if op != "sdiv" else (1 if x < 0 else -1)
    if op == "smod":
        return x % y
    size = abs(x) // abs(y)
    quotient = size if (x < 0) == (y < 0) else -size
    return quotient if op == "sdiv" else x - quotient * y
