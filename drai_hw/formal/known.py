"""Words of which some bits are known: what holds in them holds for all values of the others."""

from __future__ import annotations

from typing import Any

from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.words import fold


class Partly:
    """A word with unknown bits.

    Parameters
    ----------
    value : int
        Its known bits, 0 elsewhere.
    known : int
        1 where a bit is known.
    """

    __slots__ = ("known", "value")

    def __init__(self, value: int, known: int) -> None:
        self.value, self.known = value & known, known


class Known:
    """Algebra of words with unknown bits; a memory is a list of words.

    Arithmetic on unknown bits gives unknown words; selection and logic keep what is known. An
    unknown address reads an unknown word, and makes all words unknown where it writes.
    """

    def fresh(self, sort: Sort, name: str) -> Any:
        """Return a word or memory of which nothing is known."""
        if sort.address:
            return [Partly(0, 0)] * (1 << sort.address)
        return Partly(0, 0)

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives."""
        op = node.op
        if op == "read":
            return args[0][args[1]] if isinstance(args[1], int) else Partly(0, 0)
        if op == "write":
            return self._write(args)
        if op == "fill":
            return [args[0]] * (1 << node.sort.address)
        if sorts[-1].address:
            return self._chosen(args)
        if all(isinstance(arg, int) for arg in args):
            return fold(node, args, [sort.bits for sort in sorts])
        return self._mixed(node, args, sorts)

    def _write(self, args: list[Any]) -> list[Any]:
        words, address, word = args
        if not isinstance(address, int):
            return [Partly(0, 0)] * len(words)
        if words[address] is word:
            return words
        out = list(words)
        out[address] = word
        return out

    def _chosen(self, args: list[Any]) -> Any:
        """Choose between two memories."""
        bit, a, b = args
        if isinstance(bit, int):
            return a if bit else b
        return a if a is b else [_common(x, y, -1) for x, y in zip(a, b, strict=True)]

    def _mixed(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        op = node.op
        mask = (1 << node.sort.bits) - 1
        parts = [_part(arg, sort.bits) for arg, sort in zip(args, sorts, strict=True)]
        a = parts[0]
        if op == "ite":
            if isinstance(args[0], int):
                return args[1] if args[0] else args[2]
            return _common(args[1], args[2], mask)
        if op == "concat":
            b, low = parts[1], sorts[1].bits
            return _made(a.value << low | b.value, a.known << low | b.known, mask)
        if op == "slice":
            return _made(a.value >> node.values[1], a.known >> node.values[1], mask)
        if op == "uext":
            return _made(a.value, a.known | mask & ~((1 << sorts[0].bits) - 1), mask)
        if op == "sext":
            top = 1 << (sorts[0].bits - 1)
            more = mask & ~((1 << sorts[0].bits) - 1)
            value = a.value | (more if a.value & top else 0)
            return _made(value, a.known | (more if a.known & top else 0), mask)
        if op == "not":
            return _made(~a.value, a.known, mask)
        if op in ("and", "or", "xor"):
            return _logic(op, a, parts[1], mask)
        if op in ("eq", "neq"):
            b = parts[1]
            differ = a.known & b.known & (a.value ^ b.value)
            return int(op == "neq") if differ else Partly(0, 0)
        if op == "redor":
            return 1 if a.value else Partly(0, 0)
        if op == "redand":
            return 0 if a.known & ~a.value else Partly(0, 0)
        return Partly(0, 0)


def _part(value: Any, bits: int) -> Partly:
    return Partly(value, (1 << bits) - 1) if isinstance(value, int) else value


def _made(value: int, known: int, mask: int) -> Any:
    known &= mask
    return value & mask if known == mask else Partly(value, known)


def _common(a: Any, b: Any, mask: int) -> Any:
    if a is b or (isinstance(a, int) and isinstance(b, int) and a == b):
        return a
    if mask < 0:  # words of a memory whose width nobody asked for
        return Partly(0, 0)
    a = a if isinstance(a, Partly) else Partly(a, mask)
    b = b if isinstance(b, Partly) else Partly(b, mask)
    return _made(a.value, a.known & b.known & ~(a.value ^ b.value), mask)


def _logic(op: str, a: Partly, b: Partly, mask: int) -> Any:
    if op == "and":
        zeros = (a.known & ~a.value) | (b.known & ~b.value)
        return _made(a.value & b.value, (a.known & b.known) | zeros, mask)
    if op == "or":
        return _made(a.value | b.value, (a.known & b.known) | a.value | b.value, mask)
    return _made(a.value ^ b.value, a.known & b.known, mask)
