"""Look-ups in a quarter wave and sums of pairs for compiled loops over replicas, with AVX2.

Machine code kept on disk is renewed when the file of its loop changes, not when this one does:
whoever changes this file touches those that import it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from llvmlite import ir

from drai_hw.model.replica_vectors import BYTES, LONGS, REPLICAS, WORDS, _shape
from drai_hw.model.vectors import _declared, _operation, _repeat


@_operation
def look_up_quarter(typing, t, u, v, x, which):
    """Return the value of an odd table of 256 bytes whose two quarter waves mirror each other.

    ``t`` to ``x`` are entries 0 to 63, 16 each, again and again up to a line; entry 64 is as 63.
    Entry ``-which`` is the opposite, ``128 - which`` the same.
    """

    def build(context, builder, signature, values):
        *tables, d = values
        shape = d.type

        def least(a, b):
            return builder.select(builder.icmp_unsigned("<", a, b), a, b)

        def every(value):
            return ir.Constant(shape, [value] * shape.count)

        negative = builder.icmp_signed("<", d, every(0))
        place = builder.select(negative, builder.sub(every(0), d), d)  # 128 as an unsigned byte
        place = least(least(place, builder.sub(every(-128), place)), every(63))
        found = [_shuffled(builder, table, place) for table in tables]
        for bit in (4, 5):
            # Bit 7 decides in each byte; what comes in from the byte below is not looked at.
            wide = ir.VectorType(ir.IntType(16), shape.count // 2)
            moved = builder.shl(
                builder.bitcast(place, wide), ir.Constant(wide, [7 - bit] * wide.count)
            )
            upper = builder.icmp_signed("<", builder.bitcast(moved, shape), every(0))
            found = [builder.select(upper, found[k + 1], found[k]) for k in range(0, len(found), 2)]
        return _by_pieces(builder, "llvm.x86.avx2.psign.b", found[0], d)

    return BYTES(t, u, v, x, which), build


def _shuffled(builder: Any, table: Any, place: Any) -> Any:
    return _by_pieces(builder, "llvm.x86.avx2.pshuf.b", table, place)


def _by_pieces(builder: Any, name: str, a: Any, b: Any, result_bits: int = 8) -> Any:
    """Call an AVX2 function of two registers of 32 bytes on every 32 bytes of two vectors."""
    register = ir.VectorType(ir.IntType(8), _PIECE)
    result = ir.VectorType(ir.IntType(result_bits), _PIECE * 8 // result_bits)
    function = _declared(builder.module, ir.FunctionType(result, [register, register]), name)
    parts = [
        builder.call(function, [_taken(builder, x, range(k, k + _PIECE)) for x in (a, b)])
        for k in range(0, a.type.count, _PIECE)
    ]
    while len(parts) > 1:
        count = 2 * parts[0].type.count
        parts = [
            _taken(builder, parts[k], range(count), parts[k + 1]) for k in range(0, len(parts), 2)
        ]
    return parts[0]


def _taken(builder: Any, a: Any, which: Iterable[int], b: Any = None) -> Any:
    """Return elements of one vector, or of two behind each other."""
    places = list(which)
    mask = ir.Constant(ir.VectorType(ir.IntType(32), len(places)), places)
    return builder.shuffle_vector(a, a if b is None else b, mask)


_PIECE = 32
_EIGHTS = range(0, REPLICAS, 16)
_LOWER = [k + e for k in _EIGHTS for e in range(8)]
_UPPER = [k + e for k in _EIGHTS for e in range(8, 16)]
_ZIPPED = [e + part for half in (_LOWER, _UPPER) for e in half for part in (0, REPLICAS)]


@_operation
def weigh(typing, weights, a, b):
    """Return w a + w' b in 16 bits, in an order of the replicas that `unzipped` undoes.

    ``weights`` is w + 256 w', both 0 to 127; ``a`` and ``b`` are vectors of bytes.
    """

    def build(context, builder, signature, values):
        pair = values[0]
        if pair.type.width > 16:
            pair = builder.trunc(pair, ir.IntType(16))
        both = builder.bitcast(
            _repeat(builder, pair, REPLICAS), ir.VectorType(ir.IntType(8), 2 * REPLICAS)
        )
        zipped = _taken(builder, values[1], _ZIPPED, values[2])
        return _by_pieces(builder, "llvm.x86.avx2.pmadd.ub.sw", both, zipped, 16)

    return WORDS(weights, a, b), build


@_operation
def unzipped(typing, vector):
    """Return what `weigh` returned in the order of the replicas, in 32 bits."""

    def build(context, builder, signature, values):
        place = {replica: k for k, replica in enumerate(_LOWER + _UPPER)}
        ordered = _taken(builder, values[0], [place[r] for r in range(REPLICAS)])
        return builder.sext(ordered, _shape(LONGS))

    return LONGS(vector), build
