"""How many memory blocks a memory of a given shape takes, and whether synthesis takes any."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache

from drai_hw.boards.families import FAMILIES

# What yosys' memory_libmap weighs against each other: a block, one bit of 16 words in logic, one
# bit of register, and a bit of the multiplexer between several of them.
_BLOCK_COST = {"ecp5": 128, "ice40": 64, "gowin": 128}
_HAS_LOGIC_MEMORY = {"ecp5": True, "ice40": False, "gowin": True}
_MUX_COST = 0.5
RAM_WORDS, RAM_BITS = 16, 4
"""Words and bits of one logic memory (ECP5, Gowin)."""


@dataclass(frozen=True)
class Mapped:
    """What synthesis makes of a memory: blocks, logic memories or register bits."""

    blocks: int = 0
    rams: int = 0
    registers: int = 0
    shape: tuple[int, int] | None = field(default=None, compare=False)
    """Words and bits of each of the blocks."""


def blocks(family: str, depth: int, width: int) -> int:
    """Return the fewest blocks that hold ``depth`` words of ``width`` bits.

    One shape is used for the whole memory, as synthesis does.
    """
    if depth <= 0 or width <= 0:
        return 0
    return min(-(-depth // d) * -(-width // w) for d, w in FAMILIES[family].shapes)


@lru_cache(maxsize=65536)
def mapped(family: str, depth: int, width: int) -> Mapped:
    """Return what synthesis makes of a memory with one read and one write port.

    Parameters
    ----------
    family : str
        Device family.
    depth, width : int
        Words, and bits a word.

    References
    ----------
    Costs of yosys' pass memory_libmap with the device's description of its memories.
    """
    if depth <= 0 or width <= 0:
        return Mapped()

    def muxes(parts: int) -> float:
        return _MUX_COST * ((parts - 1) * width + parts) if parts > 1 else 0.0

    choices: list[tuple[float, int, Mapped]] = [
        (float(depth * width), 0, Mapped(registers=depth * width))
    ]
    if _HAS_LOGIC_MEMORY[family]:
        parts = -(-depth // RAM_WORDS)
        rams = parts * -(-width // RAM_BITS)
        choices.append((parts * width + muxes(parts), 0, Mapped(rams=rams)))
    for words, bits in FAMILIES[family].shapes:
        parts = -(-depth // words)
        count = parts * -(-width // bits)
        cost = _BLOCK_COST[family] * count + muxes(parts)
        choices.append((cost, 1, Mapped(blocks=count, shape=(words, bits))))
    return min(choices, key=lambda choice: choice[:2])[2]
