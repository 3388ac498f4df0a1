"""How a deep, wide memory is cut into a device's memory blocks: banks of words, slices of bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

MOST_BANKS = 16
"""A multiplexer over more banks would cost more logic and speed than the blocks are worth."""

Shape = tuple[int, int]


@dataclass(frozen=True)
class Bank:
    """Some consecutive words of a memory, as wide as the memory.

    Parameters
    ----------
    first, words : int
        First word and number of words, at least 1.
    slices : tuple of int
        Width of each block of the bank in bits, from the lowest bits on.
    """

    first: int
    words: int
    slices: tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where some bits of some words stand in a design.

    Parameters
    ----------
    path : str
        Memory, below the store.
    first_word, words : int
        Words that it holds.
    first_bit, bits : int
        Bits of each that it holds, in its lowest bits.
    """

    path: str
    first_word: int
    words: int
    first_bit: int
    bits: int


@dataclass(frozen=True)
class StorePlan:
    """A memory cut into blocks.

    Parameters
    ----------
    depth, width : int
        Words, and bits a word.
    banks : tuple of Bank
        In the order of their addresses; all but the last are filled.
    """

    depth: int
    width: int
    banks: tuple[Bank, ...]

    @property
    def blocks(self) -> int:
        """Memory blocks in all banks together."""
        return sum(len(bank.slices) for bank in self.banks)

    def places(self) -> list[Place]:
        """Return the memories of the store, ascending by word and bit."""
        out: list[Place] = []
        for bank in self.banks:
            first_bit = 0
            for bits in bank.slices:
                path = f"weights_memory_{len(out)}" if self.blocks > 1 else "weights_memory"
                out.append(Place(path, bank.first, bank.words, first_bit, bits))
                first_bit += bits
        return out


def plan_store(
    depth: int, width: int, shapes: Sequence[Shape], limit: int | None = None
) -> StorePlan:
    """Cut a memory into as few banks as fit into ``limit`` blocks.

    Every further bank costs an input of the multiplexer behind the memory, blocks cost nothing
    while there are some. So the deepest blocks are taken while they suffice (8192 x 2 for 8,192
    words of 320 bits: one bank, 160 blocks), and more, wider banks only when blocks run short;
    of equally many banks, those with the fewest blocks. Banks may have different shapes, the
    deeper ones first, so that each begins at a multiple of its depth.

    Parameters
    ----------
    depth, width : int
        Words, and bits a word; at least 1.
    shapes : sequence of (int, int)
        Depth and width of a block in each of its configurations.
    limit : int, optional
        Blocks at hand. If no plan is that small, the smallest is returned all the same: the
        caller compares.
    """
    if depth < 1 or width < 1:
        raise ValueError(f"depth = {depth}, width = {width}: both must be at least 1")
    ordered = tuple(sorted(shapes, reverse=True))
    smallest: tuple[int, tuple[Shape, ...]] | None = None
    for banks in range(1, MOST_BANKS + 1):
        found = _fewest(depth, width, ordered, banks)
        if found is None:
            continue
        if smallest is None or found[0] < smallest[0]:
            smallest = found
        if limit is None or found[0] <= limit:
            break
    if smallest is None:  # deeper than MOST_BANKS of the deepest: as many as it takes
        deepest = ordered[0]
        count = -(-depth // deepest[0])
        smallest = (count * -(-width // deepest[1]), (deepest,) * count)
    banked, first = [], 0
    for tile_depth, tile_width in smallest[1]:
        starts = range(0, width, tile_width)
        slices = tuple(min(tile_width, width - start) for start in starts)
        banked.append(Bank(first, min(tile_depth, depth - first), slices))
        first += tile_depth
    return StorePlan(depth, width, tuple(banked))


def plain_store(depth: int, width: int) -> StorePlan:
    """Return the plan that cuts nothing: synthesis maps the memory as it sees fit."""
    return StorePlan(depth, width, (Bank(0, depth, (width,)),))


@lru_cache(maxsize=65536)
def _fewest(
    depth: int, width: int, shapes: tuple[Shape, ...], banks: int
) -> tuple[int, tuple[Shape, ...]] | None:
    """Return blocks and shapes of the smallest plan of exactly ``banks`` banks, or None."""
    if banks * shapes[0][0] < depth:
        return None
    best: tuple[int, tuple[Shape, ...]] | None = None
    for index, (tile_depth, tile_width) in enumerate(shapes):
        here = -(-width // tile_width)
        if banks == 1:
            if tile_depth < depth:
                continue
            found: tuple[int, tuple[Shape, ...]] = (here, ())
        else:
            if tile_depth >= depth:
                continue
            rest = _fewest(depth - tile_depth, width, shapes[index:], banks - 1)
            if rest is None:
                continue
            found = (here + rest[0], rest[1])
        if best is None or found[0] < best[0]:
            best = (found[0], ((tile_depth, tile_width), *found[1]))
    return best
