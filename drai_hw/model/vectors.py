"""Vectors of one cache line for compiled loops, which turn into what the processor has.

For loops that the compiler does not vectorise by itself, because nothing tells it that the arrays
they write lie apart. A vector is 16 float32 or 8 float64; the compiler breaks it up where the
processor's registers are shorter. Used inside compiled functions only.

Machine code kept on disk is renewed when the file of its loop changes, not when this one does:
whoever changes this file touches those that import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba
from llvmlite import ir
from numba.core import types
from numba.core.extending import intrinsic, models, register_model

F = TypeVar("F", bound=Callable[..., Any])

LINE_BYTES = 64


class _Vector(types.Type):
    """A cache line of floats in a register."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        super().__init__(name=f"vector({dtype})")

    @property
    def lanes(self) -> int:
        return LINE_BYTES * 8 // self.dtype.bitwidth


@register_model(_Vector)
class _VectorModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        item = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(item, kind.lanes))


def _llvm(builder: Any, name: str, kind: Any, values: Any) -> Any:
    """Call LLVM's function ``name`` on vectors."""
    full = f"llvm.{name}.v{kind.lanes}f{kind.dtype.bitwidth}"
    shape = values[0].type
    function = ir.FunctionType(shape, [shape] * len(values))
    return builder.call(_declared(builder.module, function, full), values)


inline = numba.njit(inline="always")
"""Decorator: compile into the caller."""


def compiled(function: F) -> F:
    """Compile, keeping the machine code on disk where some folder for it can be written."""
    compiled: Any
    try:
        compiled = numba.njit(cache=True)(function)
    except RuntimeError:  # no such folder: compile anew in each process
        compiled = numba.njit(function)
    return cast(F, compiled)


def _operation(function: Callable[..., Any]) -> Any:
    """Make an operation of compiled functions of what builds it."""
    return intrinsic(function)


def _declared(module: Any, kind: Any, name: str) -> Any:
    """Return a function of the module, declared if need be."""
    return module.globals.get(name) or ir.Function(module, kind, name)


def _pointer(context: Any, builder: Any, kind: Any, value: Any, index: Any) -> Any:
    """Return where element ``index`` of an array lies."""
    data = context.make_array(kind)(context, builder, value).data
    return builder.gep(data, [index])


def _repeat(builder: Any, item: Any, lanes: int) -> Any:
    """Return a vector of equal elements."""
    shape = ir.VectorType(item.type, lanes)
    one = builder.insert_element(ir.Constant(shape, ir.Undefined), item, ir.IntType(32)(0))
    first = ir.Constant(ir.VectorType(ir.IntType(32), lanes), None)
    return builder.shuffle_vector(one, one, first)


def _line(kind: Any) -> Any:
    vector = _Vector(kind.dtype)
    item = {32: ir.FloatType(), 64: ir.DoubleType()}[kind.dtype.bitwidth]
    return ir.VectorType(item, vector.lanes)


@_operation
def load(typing, array, index):
    """Return the vector that starts at an element."""

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, _line(signature.args[0]).as_pointer())
        return builder.load(
            at, align=signature.args[0].dtype.bitwidth // 8, typ=_line(signature.args[0])
        )

    return _Vector(array.dtype)(array, types.intp), build


@_operation
def store(typing, array, index, vector):
    """Write a vector from an element on."""

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, values[2].type.as_pointer())
        builder.store(values[2], at, align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


@_operation
def accumulate(typing, array, index, vector):
    """Add a vector to the elements from one on."""

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, values[2].type.as_pointer())
        size = signature.args[0].dtype.bitwidth // 8
        old = builder.load(at, align=size, typ=values[2].type)
        builder.store(builder.fadd(old, values[2]), at, align=size)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


@_operation
def splat(typing, scalar):
    """Return a vector of equal elements."""

    def build(context, builder, signature, values):
        return _repeat(builder, values[0], signature.return_type.lanes)

    return _Vector(scalar)(scalar), build


@_operation
def like(typing, vector, number):
    """Return a vector of the type of another, all elements equal to a number."""

    def build(context, builder, signature, values):
        kind = signature.return_type
        item = values[0].type.element
        one = values[1] if kind.dtype.bitwidth == 64 else builder.fptrunc(values[1], item)
        return _repeat(builder, one, kind.lanes)

    return vector(vector, types.float64), build


@_operation
def fma(typing, a, b, c):
    """Return a b + c."""

    def build(context, builder, signature, values):
        return _llvm(builder, "fmuladd", signature.args[0], values)

    return a(a, b, c), build


@_operation
def mul(typing, a, b):
    """Return a b."""
    return a(a, b), lambda context, builder, signature, values: builder.fmul(*values)


@_operation
def sub(typing, a, b):
    """Return a - b."""
    return a(a, b), lambda context, builder, signature, values: builder.fsub(*values)


@_operation
def clip(typing, value, limit):
    """Return the value cut to +-limit."""

    def build(context, builder, signature, values):
        value, limit = values
        low = builder.fneg(limit)
        value = builder.select(builder.fcmp_ordered("<", value, low), low, value)
        return builder.select(builder.fcmp_ordered(">", value, limit), limit, value)

    return value(value, limit), build


def _fold(builder: Any, x: Any, y: Any, part: int) -> Any:
    """Add the second half of every part of two vectors to the first; return the halves in a row."""
    lanes = x.type.count
    first = [k for k in range(2 * lanes) if k % part < part // 2]
    return builder.fadd(
        _pick(builder, x, y, first), _pick(builder, x, y, [k + part // 2 for k in first])
    )


def _pick(builder: Any, x: Any, y: Any, lanes: list[int]) -> Any:
    """Return the given elements of two vectors in a row."""
    word = ir.IntType(32)
    which = ir.Constant(ir.VectorType(word, len(lanes)), [word(k) for k in lanes])
    return builder.shuffle_vector(x, y, which)


@_operation
def add_totals(typing, one, other, index, a0, a1, a2, a3, b0, b1, b2, b3):
    """Add the sums of four vectors to four elements of an array, and of four others to another.

    All eight at once, in a tree: eight separate sums would take four times as long.
    """

    def build(context, builder, signature, values):
        arrays, sums = values[:2], values[3:]
        part = sums[0].type.count
        while len(sums) > 1:
            sums = [_fold(builder, x, y, part) for x, y in zip(sums[::2], sums[1::2], strict=True)]
            part //= 2
        (row,) = sums
        if part == 2:
            even = list(range(0, 16, 2))
            row = builder.fadd(
                _pick(builder, row, row, even), _pick(builder, row, row, [k + 1 for k in even])
            )
        for k, kind in enumerate(signature.args[:2]):
            four = _pick(builder, row, row, list(range(4 * k, 4 * k + 4)))
            at = _pointer(context, builder, kind, arrays[k], values[2])
            at = builder.bitcast(at, four.type.as_pointer())
            size = kind.dtype.bitwidth // 8
            old = builder.load(at, align=size, typ=four.type)
            builder.store(builder.fadd(old, four), at, align=size)
        return context.get_dummy_value()

    return types.none(one, other, types.intp, a0, a1, a2, a3, b0, b1, b2, b3), build


@_operation
def total(typing, vector):
    """Return the sum of the elements, in some order."""

    def build(context, builder, signature, values):
        kind = signature.args[0]
        item = values[0].type.element
        name = f"llvm.vector.reduce.fadd.v{kind.lanes}f{kind.dtype.bitwidth}"
        function = _declared(builder.module, ir.FunctionType(item, [item, values[0].type]), name)
        return builder.call(function, [item(0.0), values[0]], fastmath=("reassoc",))

    return vector.dtype(vector), build


@_operation
def fetch(typing, array, index):
    """Ask for a line that is needed soon: several streams outrun the processor's own guesses."""

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, ir.IntType(8).as_pointer())
        word = ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [at.type, word, word, word])
        function = _declared(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [at, word(0), word(3), word(1)])  # to read, into all caches, data
        return context.get_dummy_value()

    return types.none(array, types.intp), build


@_operation
def floor(typing, vector):
    """Return the largest integers below."""

    def build(context, builder, signature, values):
        return _llvm(builder, "floor", signature.args[0], values)

    return vector(vector), build


@_operation
def choose(typing, flag, one, zero):
    """Return the first where the flag is above 1/2, else the second."""

    def build(context, builder, signature, values):
        half = ir.Constant(values[0].type, [0.5] * signature.args[0].lanes)
        return builder.select(builder.fcmp_ordered(">", values[0], half), values[1], values[2])

    return one(flag, one, zero), build
