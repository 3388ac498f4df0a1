"""How many memory blocks a memory of a given shape takes."""

from __future__ import annotations

# Depth x width of one block in simple dual-port use.
SHAPES: dict[str, tuple[tuple[int, int], ...]] = {
    "ecp5": ((512, 36), (1024, 18), (2048, 9), (4096, 4), (8192, 2), (16384, 1)),
    "ice40": ((256, 16), (512, 8), (1024, 4), (2048, 2)),
}


def blocks(family: str, depth: int, width: int) -> int:
    """Return the fewest blocks that hold ``depth`` words of ``width`` bits.

    One shape is used for the whole memory, as synthesis does.

    References
    ----------
    Lattice FPGA-TN-02204 (ECP5 memory usage), FPGA-TN-02002 (iCE40 memory usage).
    """
    if depth <= 0 or width <= 0:
        return 0
    return min(-(-depth // d) * -(-width // w) for d, w in SHAPES[family])
