"""Edges and coupling table as the compiled loops of many replicas take them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model.numbers import Formats

Indices = NDArray[np.int64]
BYTE, QUARTER, PLAIN = "byte", "quarter", "plain"
"""Ways to look the table up: 64 bytes at once; 16 of a quarter wave at once; one at a time."""

_LARGEST_WORD = np.iinfo(np.int16).max


@dataclass(frozen=True)
class Form:
    """What the compiled loops take; the type of the table chooses the way.

    Attributes
    ----------
    start : array of int64
        Where the edges of oscillator i begin, shape (N + 1,). Of quarter waves in pairs of edges,
        shape (2 N + 1,): those of weights >= 0 begin at 2 i, negative ones at 2 i + 1.
    index : array of int64
        The other oscillator of each edge, times the replicas of a line.
    weight : array
        int64: that of each edge. int16: w + 256 w' of a pair of edges, without their signs.
    table : array
        int8: T, repeated up to 64 entries. uint8: its first quarter wave in lines. int32: T.
    burst : int
        Edges, or pairs of edges, whose contributions fit in 16 bits together.
    top_left : int
        Places by which a phase is moved left in its byte.
    """

    start: Indices
    index: Indices
    weight: NDArray[Any]
    table: NDArray[Any]
    burst: int
    top_left: int


def bytes_of(formats: Formats, i: Indices, j: Indices, w: Indices, lanes: int) -> Form:
    """Return edges, sorted by i, for look-ups of 64 bytes."""
    table = np.resize(np.array(formats.coupling, np.int8), max(64, 1 << formats.phase_bits))
    largest = int(np.abs(w).max(initial=1)) * formats.table_amplitude
    burst = max(1, _LARGEST_WORD // max(largest, 1))
    return Form(_starts(i, formats.n), j * lanes, w, table, burst, 0)


def plain_of(formats: Formats, i: Indices, j: Indices, w: Indices, lanes: int) -> Form:
    """Return edges, sorted by i, for look-ups one by one."""
    table = np.array(formats.coupling, np.int32)
    return Form(_starts(i, formats.n), j * lanes, w, table, 0, 0)


def quarters_of(formats: Formats, i: Indices, j: Indices, w: Indices, lanes: int) -> Form | None:
    """Return edges for look-ups in a quarter wave; None if the table does not allow it.

    T must be odd and its quarter waves mirror each other, as those of all built-in tables; entries
    63 and 64 of 256 are one. A pair of weights is one operand of a multiply-add, a byte each, which
    holds the 8 bits that weights have at most.
    """
    bits = formats.phase_bits
    table = np.array(formats.coupling, np.int64)
    places = np.arange(table.size)
    mirrored = table[-places] + table == 0, table[table.size // 2 - places] == table
    if bits < 2 or bits > 8 or not np.all(mirrored):
        return None
    quarter = np.zeros(64, dtype=np.int64)
    step = 1 << (8 - bits)
    quarter[::step] = table[: 64 // step]
    peak = table[table.size // 4]
    if step == 1 and quarter[63] != peak:
        return None
    quarter[63] = peak
    lines = np.tile(quarter.astype(np.int8).view(np.uint8).reshape(4, 16), lanes // 16)
    # Two lists for each oscillator, each filled up to whole pairs by an edge of weight 0 to itself.
    lists = 2 * i + (w < 0)
    lone = np.flatnonzero(np.bincount(lists, minlength=2 * formats.n) % 2)
    lists = np.concatenate([lists, lone])
    others = np.concatenate([j, lone // 2])
    weights = np.concatenate([np.abs(w), np.zeros_like(lone)])
    order = np.argsort(lists, kind="stable")
    first, second = weights[order].reshape(-1, 2).T
    start = _starts(lists[order][::2], 2 * formats.n)
    largest = int((first + second).max(initial=1)) * formats.table_amplitude
    burst = max(1, _LARGEST_WORD // max(largest, 1))
    return Form(
        start, others[order] * lanes, (first + 256 * second).astype(np.int16), lines.ravel(), burst,
        8 - bits,
    )  # fmt: skip


def _starts(owners: Indices, count: int) -> Indices:
    return np.searchsorted(owners, np.arange(count + 1))
