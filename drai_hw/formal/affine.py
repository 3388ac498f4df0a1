"""Sums of free numbers: words as linear forms modulo a power of two."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drai_hw.formal.btor2 import Node, Sort
from drai_hw.formal.known import Known, Partly

_UNKNOWN = Partly(0, 0)


class Form:
    """A constant and multiples of free whole numbers, modulo ``2**bits``.

    Parameters
    ----------
    factors : mapping of str to int
        Factor of each free number.
    constant : int
        What is added.
    bits : int
        Width of the word.
    """

    __slots__ = ("bits", "constant", "factors")

    def __init__(self, factors: Mapping[str, int], constant: int, bits: int) -> None:
        mask = (1 << bits) - 1
        self.factors = {name: f for name, factor in factors.items() if (f := factor & mask)}
        self.constant, self.bits = constant & mask, bits

    def plus(self, other: Form, times: int = 1) -> Form:
        """Return the sum with a multiple of another form of the same width."""
        factors = dict(self.factors)
        for name, factor in other.factors.items():
            factors[name] = factors.get(name, 0) + times * factor
        return Form(factors, self.constant + times * other.constant, self.bits)

    def signed(self) -> dict[str, int]:
        """Return the factors in two's complement."""
        half = 1 << (self.bits - 1)
        return {name: f - 2 * half if f >= half else f for name, f in self.factors.items()}


class Top:
    """The highest bit of a free number.

    Parameters
    ----------
    name : str
        Of the number.
    """

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name


class Parts:
    """Words side by side, the highest first.

    Parameters
    ----------
    parts : list of (value, bits)
        The words.
    """

    __slots__ = ("parts",)

    def __init__(self, parts: list[tuple[Any, int]]) -> None:
        self.parts = parts


class Affine(Known):
    """Algebra of linear forms; what is not linear is unknown."""

    def free(self, name: str, bits: int) -> Form:
        """Return a free number, a signed word of ``bits`` bits."""
        return Form({name: 1}, 0, bits)

    def apply(self, node: Node, args: list[Any], sorts: list[Sort]) -> Any:
        """Return what an operation gives."""
        op, bits = node.op, node.sort.bits
        if op == "mul" and any(isinstance(arg, int) and arg == 0 for arg in args):
            return 0
        if node.sort.address or not any(isinstance(arg, Form | Parts | Top) for arg in args):
            return super().apply(node, args, sorts)
        if op == "ite":
            if isinstance(args[0], int):
                return args[1] if args[0] else args[2]
            return args[1] if args[1] is args[2] else _UNKNOWN
        if op == "concat":
            return _joined(args, sorts)
        if op == "slice":
            return _cut(args[0], sorts[0].bits, *node.values)
        if op in ("xor", "and", "or"):
            return self._masked(op, args, bits)
        forms = [_form(arg, sort.bits) for arg, sort in zip(args, sorts, strict=True)]
        if any(form is None for form in forms):
            return _UNKNOWN
        return self._linear(op, forms, bits)

    def _linear(self, op: str, forms: list[Any], bits: int) -> Any:
        a = forms[0]
        ones = Form({}, -1, bits)
        if op == "add":
            return a.plus(forms[1])
        if op == "sub":
            return a.plus(forms[1], -1)
        if op == "neg":
            return Form({}, 0, bits).plus(a, -1)
        if op == "not":
            return ones.plus(a, -1)
        if op == "sext" and _is_free(a):
            return Form(a.factors, 0, bits)  # a free number itself
        return _UNKNOWN

    def _masked(self, op: str, args: list[Any], bits: int) -> Any:
        """Return a word with all its bits kept, cleared, set or turned over."""
        ones = (1 << bits) - 1
        numbers = [arg for arg in args if isinstance(arg, int)]
        if not numbers or numbers[0] not in (0, ones):
            return _UNKNOWN
        word = args[1] if isinstance(args[0], int) else args[0]
        if op == "xor":
            form = _form(word, bits) if numbers[0] else None
            return word if not numbers[0] else _UNKNOWN if form is None else (
                Form({}, -1, bits).plus(form, -1))  # fmt: skip
        if op == "and":
            return word if numbers[0] else 0
        return ones if numbers[0] else word


def _form(value: Any, bits: int) -> Form | None:
    """Return a word as a form, None if it is none."""
    if isinstance(value, int):
        return Form({}, value, bits)
    if isinstance(value, Parts):
        copies = 0
        while isinstance(value.parts[copies][0], Top) and copies < len(value.parts) - 1:
            copies += 1
        top, width = value.parts[copies]
        if copies:
            if not isinstance(top, Form) or not _is_free(top):
                return None
            if any(part.name not in top.factors for part, _ in value.parts[:copies]):
                return None
            top = Form(top.factors, 0, width := width + copies)
        low = bits - width
        numbers = value.parts[copies + 1 :]
        if not isinstance(top, Form) or not all(isinstance(part, int) for part, _ in numbers):
            return None
        constant, place = 0, low
        for part, wide in numbers:
            place -= wide
            constant |= part << place
        return Form({n: f << low for n, f in top.factors.items()}, top.constant << low | constant,
                    bits)  # fmt: skip
    return value if isinstance(value, Form) else None


def _is_free(form: Form) -> bool:
    """Return whether a word is a free number and nothing else."""
    return form.constant == 0 and list(form.factors.values()) == [1]


def _joined(args: list[Any], sorts: list[Sort]) -> Parts:
    parts: list[tuple[Any, int]] = []
    for arg, sort in zip(args, sorts, strict=True):
        parts += arg.parts if isinstance(arg, Parts) else [(arg, sort.bits)]
    return Parts(parts)


def _cut(value: Any, bits: int, high: int, low: int) -> Any:
    """Return bits ``high`` to ``low`` of a word."""
    if isinstance(value, Parts):
        end = bits
        for part, width in value.parts:
            begin = end - width
            if low >= begin and high < end:
                return _cut(part, width, high - begin, low - begin)
            end = begin
        form = _form(value, bits)
        return _UNKNOWN if form is None else _cut(form, bits, high, low)
    mask = (1 << (high - low + 1)) - 1
    if isinstance(value, int):
        return value >> low & mask
    if isinstance(value, Partly):
        return Partly(value.value >> low & mask, value.known >> low & mask)
    if (high, low) == (bits - 1, 0):
        return value
    if isinstance(value, Top):
        return _UNKNOWN
    if high == low == bits - 1 and _is_free(value):
        return Top(next(iter(value.factors)))
    step = (1 << low) - 1
    if any(factor & step for factor in value.factors.values()):
        return _UNKNOWN
    factors = {name: factor >> low for name, factor in value.factors.items()}
    return Form(factors, value.constant >> low, high - low + 1)
