"""Vectors of 32 integers for compiled loops, one for each lane of a slot, and look-ups in them.

Every vector has 32 elements, of 16 or 32 bits, or of 1 bit as answers are: the compiler makes of
each as many registers as the processor needs for it. Used inside compiled functions only.

Machine code kept on disk is renewed when the file of its loop changes, not when this one does:
whoever changes this file touches those that import it. A processor of other features gets other
machine code: the cache knows them.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.extending import models, register_model

from drai_hw.model.vectors import _declared, _operation, _pointer, _repeat

WIDTH = 32
"""Elements of a vector."""

TABLE = 64
"""Entries of the table that `look_up` takes."""


class _Integers(types.Type):
    """32 integers of some bits."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(name=f"integers({bits})")


@register_model(_Integers)
class _IntegersModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, _shape(kind.bits))


def _shape(bits: int) -> Any:
    return ir.VectorType(ir.IntType(bits), WIDTH)


_ANSWERS, _SHORTS, _WORDS = (_Integers(bits) for bits in (1, 16, 32))


def _place(context: Any, builder: Any, signature: Any, values: Any) -> tuple[Any, Any]:
    """Return the address of 32 elements of an array, and their type as they lie there."""
    array = signature.args[0]
    lie = _shape(array.dtype.bitwidth)
    at = _pointer(context, builder, array, values[0], values[1])
    return builder.bitcast(at, lie.as_pointer()), lie


@_operation
def load(typing, array, index):
    """Return 32 elements: in 16 bits those of 8 or 16 bits, in 32 those of 32."""

    def build(context, builder, signature, values):
        at, lie = _place(context, builder, signature, values)
        found = builder.load(at, align=array.dtype.bitwidth // 8, typ=lie)
        wanted = _shape(signature.return_type.bits)
        return found if lie == wanted else builder.sext(found, wanted)

    return (_WORDS if array.dtype.bitwidth == 32 else _SHORTS)(array, types.intp), build


@_operation
def store(typing, array, index, vector):
    """Write 32 elements, cut to the array's bits."""

    def build(context, builder, signature, values):
        at, lie = _place(context, builder, signature, values)
        value = values[2] if values[2].type == lie else builder.trunc(values[2], lie)
        builder.store(value, at, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


def _all(bits: int) -> Any:
    """Return an operation that makes a vector of equal elements of a number."""

    def operation(typing, number):
        def build(context, builder, signature, values):
            given, item = values[0], ir.IntType(bits)
            narrow = given if given.type.width == bits else builder.trunc(given, item)
            return _repeat(builder, narrow, WIDTH)

        return _Integers(bits)(types.int64), build

    return _operation(operation)


shorts = _all(16)
words = _all(32)


def _of_two(name: str, answers: bool = False, how: str | None = None) -> Any:
    """Return an operation of two vectors, element by element."""

    def operation(typing, a, b):
        def build(context, builder, signature, values):
            return getattr(builder, name)(*((how,) if how else ()), *values)

        return (_ANSWERS if answers else a)(a, b), build

    return _operation(operation)


add, sub, mul = _of_two("add"), _of_two("sub"), _of_two("mul")
both, either, differ = _of_two("and_"), _of_two("or_"), _of_two("xor")
left, right = _of_two("shl"), _of_two("lshr")
below, at_most = (
    _of_two("icmp_signed", True, "<"),
    _of_two("icmp_signed", True, "<="),
)
unequal = _of_two("icmp_signed", True, "!=")


@_operation
def choose(typing, answers, one, zero):
    """Return the elements of the first vector where the answer is yes, else of the second."""
    return one(answers, one, zero), lambda context, builder, signature, values: builder.select(
        *values
    )


@_operation
def count(typing, answers):
    """Return how often the answer is yes."""

    def build(context, builder, signature, values):
        word = ir.IntType(WIDTH)
        bits = builder.bitcast(values[0], word)
        return builder.zext(builder.ctpop(bits), ir.IntType(64))

    return types.int64(answers), build


@_operation
def longer(typing, vector):
    """Return 16-bit elements in 32 bits."""

    def build(context, builder, signature, values):
        return builder.sext(values[0], _shape(32))

    return _WORDS(vector), build


@_operation
def leave(typing, array, index, vector):
    """Add the first element of a vector to an element of an array of 16 bits.

    With `follow` this is a sum whose place moves on by one element a slot: adding to 32 elements in
    memory would wait each time for those that were just stored one element before.
    """

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        gone = builder.extract_element(values[2], ir.IntType(32)(0))
        old = builder.load(at, align=2, typ=ir.IntType(16))
        builder.store(builder.add(old, gone), at, align=2)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


@_operation
def follow(typing, vector):
    """Return the elements of a vector from the second on, and a 0."""

    def build(context, builder, signature, values):
        index = ir.IntType(32)
        which = ir.Constant(ir.VectorType(index, WIDTH), [index(k + 1) for k in range(WIDTH)])
        return builder.shuffle_vector(values[0], ir.Constant(values[0].type, None), which)

    return vector(vector), build


def _one_by_one(context: Any, builder: Any, array: Any, table: Any, which: Any, last: int) -> Any:
    """Look 32 entries up one after the other; only the bits ``last`` of ``which`` count."""
    out = ir.Constant(_shape(16), ir.Undefined)
    for k in range(WIDTH):
        place = ir.IntType(32)(k)
        entry = builder.and_(builder.extract_element(which, place), ir.IntType(16)(last))
        at = _pointer(context, builder, array, table, builder.zext(entry, ir.IntType(64)))
        out = builder.insert_element(out, builder.load(at, typ=ir.IntType(16)), place)
    return out


def has_look_up(features: str) -> bool:
    """Say whether a processor of such features finds 32 entries at a time (AVX-512 for 16 bits)."""
    return "+avx512bw" in features.split(",")


@_operation
def look_up(typing, table, low, high, which):
    """Return the entries of a table of `TABLE`; only the last 6 bits of ``which`` count.

    ``low`` and ``high`` are both halves of the table, to stay in registers. One instruction where
    the processor has it, else one entry after the other.
    """

    def build(context, builder, signature, values):
        if not has_look_up(context.codegen().magic_tuple()[2]):
            array, table = signature.args[0], values[0]
            return _one_by_one(context, builder, array, table, values[3], TABLE - 1)
        kind = ir.FunctionType(_shape(16), [_shape(16)] * 3)
        function = _declared(builder.module, kind, "llvm.x86.avx512.vpermi2var.hi.512")
        return builder.call(function, [values[1], values[3], values[2]])

    return _SHORTS(table, low, high, which), build


@_operation
def pick(typing, table, which):
    """Return entries of a table of any size, one after the other; ``which`` must be within it."""

    def build(context, builder, signature, values):
        return _one_by_one(context, builder, signature.args[0], values[0], values[1], (1 << 15) - 1)

    return _SHORTS(table, which), build
