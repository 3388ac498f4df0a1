"""Whole numbers of terms: as wide as they need to be, so that nothing wraps."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.solver import Terms
from drai_hw.formal.words import signed

Bit = Any  # a word of one bit: a number or a term


class Exact:
    """A whole number, held in two's complement.

    Parameters
    ----------
    terms : Terms
        What it is calculated with.
    value : int or term
        Its word, unsigned where it is a number.
    bits : int
        Width of the word.
    """

    def __init__(self, terms: Terms, value: Any, bits: int) -> None:
        self.terms, self.bits = terms, bits
        self.value = value & ((1 << bits) - 1) if isinstance(value, int) else value

    @classmethod
    def of(cls, terms: Terms, number: int) -> Exact:
        """Return a constant."""
        size = number if number >= 0 else ~number
        return cls(terms, number, size.bit_length() + 1)

    @classmethod
    def unsigned(cls, terms: Terms, value: Any, bits: int) -> Exact:
        """Return the number that an unsigned word means."""
        return cls(terms, op(terms, "uext", bits + 1, (value, bits), values=(1,)), bits + 1)

    def word(self, bits: int) -> Any:
        """Return its lowest bits: all of it, if it fits."""
        if bits > self.bits:
            more = (bits - self.bits,)
            return op(self.terms, "sext", bits, (self.value, self.bits), values=more)
        if bits < self.bits:
            return op(self.terms, "slice", bits, (self.value, self.bits), values=(bits - 1, 0))
        return self.value

    def _lift(self, other: Exact | int) -> Exact:
        return other if isinstance(other, Exact) else Exact.of(self.terms, other)

    def _with(self, name: str, other: Exact | int, bits: int) -> Exact:
        b = self._lift(other)
        args = (self.word(bits), bits), (b.word(bits), bits)
        return Exact(self.terms, op(self.terms, name, bits, *args), bits)

    def __add__(self, other: Exact | int) -> Exact:
        """Return the sum."""
        return self._with("add", other, max(self.bits, self._lift(other).bits) + 1)

    def __sub__(self, other: Exact | int) -> Exact:
        """Return the difference."""
        return self._with("sub", other, max(self.bits, self._lift(other).bits) + 1)

    def __mul__(self, other: Exact | int) -> Exact:
        """Return the product."""
        return self._with("mul", other, self.bits + self._lift(other).bits)

    def __neg__(self) -> Exact:
        """Return the negative."""
        return Exact.of(self.terms, 0) - self

    def __lshift__(self, by: int) -> Exact:
        """Return ``self * 2**by``."""
        if not by:
            return self
        word = op(self.terms, "concat", self.bits + by, (self.value, self.bits), (0, by))
        return Exact(self.terms, word, self.bits + by)

    def __rshift__(self, by: int) -> Exact:
        """Return ``self // 2**by``."""
        if not by:
            return self
        if by >= self.bits:
            return self >> (self.bits - 1)
        values = (self.bits - 1, by)
        word = op(self.terms, "slice", self.bits - by, (self.value, self.bits), values=values)
        return Exact(self.terms, word, self.bits - by)

    def _compared(self, name: str, other: Exact | int) -> Bit:
        b = self._lift(other)
        bits = max(self.bits, b.bits)
        return op(self.terms, name, 1, (self.word(bits), bits), (b.word(bits), bits))

    def __lt__(self, other: Exact | int) -> Bit:
        """Return the bit "less"."""
        return self._compared("slt", other)

    def __le__(self, other: Exact | int) -> Bit:
        """Return the bit "less or equal"."""
        return self._compared("slte", other)

    def __gt__(self, other: Exact | int) -> Bit:
        """Return the bit "greater"."""
        return self._compared("sgt", other)

    def __ge__(self, other: Exact | int) -> Bit:
        """Return the bit "greater or equal"."""
        return self._compared("sgte", other)

    def same(self, other: Exact | int) -> Bit:
        """Return the bit "equal"."""
        return self._compared("eq", other)

    def where(self, bit: Bit, other: Exact | int) -> Exact:
        """Return this number where a bit is 1, elsewhere the other."""
        b = self._lift(other)
        bits = max(self.bits, b.bits)
        args = (bit, 1), (self.word(bits), bits), (b.word(bits), bits)
        return Exact(self.terms, op(self.terms, "ite", bits, *args), bits)

    def size(self) -> Exact:
        """Return its magnitude."""
        return (-self).where(self < 0, self)

    def within(self, limit: int) -> Exact:
        """Return the nearest number from ``-limit`` to ``limit``."""
        top, bottom = Exact.of(self.terms, limit), Exact.of(self.terms, -limit)
        out = top.where(self > limit, bottom.where(self < -limit, self))
        bits = max(top.bits, bottom.bits)
        return Exact(self.terms, out.word(bits), bits)

    def number(self) -> int:
        """Return it as an integer; it must be known."""
        return signed(self.value, self.bits)


def op(
    terms: Terms, name: str, bits: int, *args: tuple[Any, int], values: tuple[int, ...] = ()
) -> Any:
    """Return what an operation gives for (value, width) pairs."""
    node = Node(name, Sort(bits), (), values)
    return terms.apply(node, [value for value, _ in args], [Sort(width) for _, width in args])


def both(terms: Terms, *bits: Bit) -> Bit:
    """Return whether all bits are 1."""
    out: Bit = 1
    for bit in bits:
        if isinstance(bit, int):
            out = out if bit else 0
        else:
            out = bit if isinstance(out, int) and out else op(terms, "and", 1, (out, 1), (bit, 1))
    return out


def either(terms: Terms, *bits: Bit) -> Bit:
    """Return whether some bit is 1."""
    out: Bit = 0
    for bit in bits:
        if isinstance(bit, int):
            out = 1 if bit else out
        elif not isinstance(out, int):
            out = op(terms, "or", 1, (out, 1), (bit, 1))
        else:
            out = out or bit
    return out


def no(terms: Terms, bit: Bit) -> Bit:
    """Return the other bit."""
    return 1 - bit if isinstance(bit, int) else op(terms, "not", 1, (bit, 1))


def looked_up(terms: Terms, table: Sequence[int], index: Any, bits: int) -> Exact:
    """Return the entry of a table of ``2**bits`` numbers."""
    width = max(Exact.of(terms, value).bits for value in table)
    level = [Exact.of(terms, value) for value in table]
    for place in range(bits):
        low = op(terms, "slice", 1, (index, bits), values=(place, place))
        level = [b.where(low, a) for a, b in zip(level[::2], level[1::2], strict=True)]
    return Exact(terms, level[0].word(width), width)
