"""How many memory blocks a memory of a given shape takes."""

from __future__ import annotations

from drai_hw.boards.families import FAMILIES


def blocks(family: str, depth: int, width: int) -> int:
    """Return the fewest blocks that hold ``depth`` words of ``width`` bits.

    One shape is used for the whole memory, as synthesis does.
    """
    if depth <= 0 or width <= 0:
        return 0
    return min(-(-depth // d) * -(-width // w) for d, w in FAMILIES[family].shapes)
