"""Words of terms that wrap, as registers do."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from drai_hw.formal.exact import Bit, op
from drai_hw.formal.solver import Terms

_PLAIN: dict[str, Callable[[int, int], int]] = {
    "add": operator.add, "sub": operator.sub, "xor": operator.xor,
}  # fmt: skip


class Word:
    """A word of fixed width; sums wrap.

    Numbers are calculated here and not by `op`, which could: courses play millions of them, and a
    proof would take a fifth longer.

    Parameters
    ----------
    terms : Terms
        What it is calculated with.
    value : int or term
        What it holds.
    bits : int
        Its width.
    """

    __slots__ = ("bits", "terms", "value")

    def __init__(self, terms: Terms, value: Any, bits: int) -> None:
        self.terms, self.bits = terms, bits
        self.value = value & ((1 << bits) - 1) if isinstance(value, int) else value

    def _other(self, other: Word | int) -> Word:
        return other if isinstance(other, Word) else Word(self.terms, other, self.bits)

    def _with(self, name: str, other: Word | int) -> Word:
        b = self._other(other)
        if isinstance(self.value, int) and isinstance(b.value, int):
            return Word(self.terms, _PLAIN[name](self.value, b.value), self.bits)
        args = (self.value, self.bits), (b.value, b.bits)
        return Word(self.terms, op(self.terms, name, self.bits, *args), self.bits)

    def __add__(self, other: Word | int) -> Word:
        """Return the sum."""
        return self._with("add", other)

    def __sub__(self, other: Word | int) -> Word:
        """Return the difference."""
        return self._with("sub", other)

    def __xor__(self, other: Word | int) -> Word:
        """Return the bits that differ."""
        return self._with("xor", other)

    def __getitem__(self, place: int) -> Bit:
        """Return one bit, 0 the lowest."""
        return self.cut(place, place).value

    def same(self, other: Word | int) -> Bit:
        """Return the bit "equal"."""
        b = self._other(other)
        if isinstance(self.value, int) and isinstance(b.value, int):
            return int(self.value == b.value)
        return op(self.terms, "eq", 1, (self.value, self.bits), (b.value, b.bits))

    def below(self, other: Word | int) -> Bit:
        """Return the bit "less", of numbers without a sign."""
        b = self._other(other)
        if isinstance(self.value, int) and isinstance(b.value, int):
            return int(self.value < b.value)
        return op(self.terms, "ult", 1, (self.value, self.bits), (b.value, b.bits))

    def cut(self, high: int, low: int) -> Word:
        """Return the bits from `high` down to `low`."""
        bits = high - low + 1
        if bits == self.bits:
            return self
        if isinstance(self.value, int):
            return Word(self.terms, self.value >> low, bits)
        args = (self.value, self.bits)
        return Word(self.terms, op(self.terms, "slice", bits, args, values=(high, low)), bits)

    def wide(self, bits: int) -> Word:
        """Return it with zeros ahead."""
        if bits == self.bits:
            return self
        if isinstance(self.value, int):
            return Word(self.terms, self.value, bits)
        more = (bits - self.bits,)
        return Word(
            self.terms, op(self.terms, "uext", bits, (self.value, self.bits), values=more), bits
        )

    def join(self, low: Word) -> Word:
        """Return it with another word behind it."""
        bits = self.bits + low.bits
        if isinstance(self.value, int) and isinstance(low.value, int):
            return Word(self.terms, self.value << low.bits | low.value, bits)
        args = (self.value, self.bits), (low.value, low.bits)
        return Word(self.terms, op(self.terms, "concat", bits, *args), bits)

    def where(self, bit: Bit, other: Word | int) -> Word:
        """Return this word where a bit is 1, elsewhere the other."""
        b = self._other(other)
        if isinstance(bit, int):
            return self if bit else b
        args = (bit, 1), (self.value, self.bits), (b.value, b.bits)
        return Word(self.terms, op(self.terms, "ite", self.bits, *args), self.bits)
