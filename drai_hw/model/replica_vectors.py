"""Vectors of integers for compiled loops over 64 or 32 replicas, one in each element.

A line of bytes holds the phases of all replicas or table entries; sums and accumulators of the same
replicas are two such lines of 16-bit or four of 32-bit elements. Arithmetic wraps, as that of
NumPy's arrays.

Machine code kept on disk is renewed when the file of its loop changes, not when this one does:
whoever changes this file touches those that import it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
from llvmlite import binding, ir
from numba.core import types
from numba.core.extending import models, register_model

from drai_hw.model.vectors import _declared, _operation, _pointer, _repeat

HAS_BYTE_LOOK_UP = bool(binding.get_host_cpu_features().get("avx512vbmi"))
"""Whether this processor finds 64 bytes of a table at once (AVX-512 VBMI)."""

HAS_SHUFFLE = bool(binding.get_host_cpu_features().get("avx2"))
"""Whether it finds 32 bytes of tables of 16 entries at once (AVX2)."""

REPLICAS = 64 if HAS_BYTE_LOOK_UP else 32
"""Elements of a line of bytes."""


class _Integers(types.Type):
    """A vector of integers in a register or several."""

    def __init__(self, dtype: Any, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"integers({dtype} x {count})")


@register_model(_Integers)
class _IntegersModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        item = manager.lookup(kind.dtype).get_value_type()
        super().__init__(manager, kind, ir.VectorType(item, kind.count))


BYTES = _Integers(types.int8, REPLICAS)
WORDS = _Integers(types.int16, REPLICAS)
LONGS = _Integers(types.int32, REPLICAS)
_KINDS = {kind.dtype: kind for kind in (BYTES, WORDS, LONGS)} | {types.uint8: BYTES}


def _shape(kind: _Integers) -> Any:
    return ir.VectorType(ir.IntType(kind.dtype.bitwidth), kind.count)


@_operation
def load(typing, array, index):
    """Return the elements of an array from one on."""
    result = _KINDS[array.dtype]

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, _shape(result).as_pointer())
        return builder.load(at, align=result.dtype.bitwidth // 8, typ=_shape(result))

    return result(array, types.intp), build


@_operation
def store(typing, array, index, vector):
    """Write the elements from one on."""

    def build(context, builder, signature, values):
        at = _pointer(context, builder, signature.args[0], values[0], values[1])
        at = builder.bitcast(at, values[2].type.as_pointer())
        builder.store(values[2], at, align=signature.args[0].dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.none(array, types.intp, vector), build


def _splat(result: _Integers) -> Any:
    @_operation
    def splat(typing, value):
        """Return a vector of equal elements."""

        def build(context, builder, signature, values):
            item = ir.IntType(result.dtype.bitwidth)
            width = values[0].type.width
            if width > item.width:
                value = builder.trunc(values[0], item)
            else:
                value = builder.sext(values[0], item) if width < item.width else values[0]
            return _repeat(builder, value, result.count)

        return result(value), build

    return splat


words = _splat(WORDS)
longs = _splat(LONGS)


def _convert(name: str, result: _Integers) -> Any:
    @_operation
    def convert(typing, vector):
        """Return the elements in another width."""

        def build(context, builder, signature, values):
            return getattr(builder, name)(values[0], _shape(result))

        return result(vector), build

    return convert


to_words = _convert("sext", WORDS)
to_longs = _convert("sext", LONGS)
to_bytes = _convert("trunc", BYTES)


def _binary(operation: Callable[[Any, Any, Any], Any]) -> Any:
    @_operation
    def binary(typing, a, b):
        """Combine two vectors, element by element."""

        def build(context, builder, signature, values):
            return operation(builder, *values)

        return a(a, b), build

    return binary


add = _binary(lambda builder, a, b: builder.add(a, b))
sub = _binary(lambda builder, a, b: builder.sub(a, b))
mul = _binary(lambda builder, a, b: builder.mul(a, b))
both = _binary(lambda builder, a, b: builder.and_(a, b))
either = _binary(lambda builder, a, b: builder.or_(a, b))
differ = _binary(lambda builder, a, b: builder.xor(a, b))
left = _binary(lambda builder, a, b: builder.shl(a, b))
right = _binary(lambda builder, a, b: builder.ashr(a, b))
least = _binary(
    lambda builder, a, b: builder.select(builder.icmp_signed("<", a, b), a, b),
)
largest = _binary(
    lambda builder, a, b: builder.select(builder.icmp_signed(">", a, b), a, b),
)


@_operation
def equal(typing, a, b):
    """Return 1 where the elements are equal, else 0."""

    def build(context, builder, signature, values):
        return builder.zext(builder.icmp_signed("==", *values), values[0].type)

    return a(a, b), build


@_operation
def look_up(typing, table, which):
    """Return table[which & 63] for 64 bytes; the table is a vector of 64 bytes."""

    def build(context, builder, signature, values):
        row = _shape(BYTES)
        kind = ir.FunctionType(row, [row, row])
        name = "llvm.x86.avx512.permvar.qi.512"
        return builder.call(_declared(builder.module, kind, name), list(values))

    return BYTES(table, which), build


@_operation
def look_up_wide(typing, low, high, which):
    """Return table[which & 127] for 64 bytes; the table is two vectors of 64 bytes."""

    def build(context, builder, signature, values):
        row = _shape(BYTES)
        kind = ir.FunctionType(row, [row, row, row])
        name = "llvm.x86.avx512.vpermi2var.qi.512"
        low, high, which = values
        return builder.call(_declared(builder.module, kind, name), [low, which, high])

    return BYTES(low, high, which), build


@_operation
def negative_takes(typing, which, one, zero):
    """Return ``one`` where ``which`` is negative, else ``zero``."""

    def build(context, builder, signature, values):
        none = ir.Constant(values[0].type, None)
        return builder.select(builder.icmp_signed("<", values[0], none), values[1], values[2])

    return one(which, one, zero), build


inline = numba.njit(inline="always")
