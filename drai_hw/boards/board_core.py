"""The core as a board gets it: form of the product and cut of the weight memory by its device."""

from __future__ import annotations

from drai_hw.boards.boardfile import Board
from drai_hw.boards.fit import weight_plan
from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core


def board_core(formats: Formats, board: Board, clock_hz: float | None = None) -> Core:
    """Return a core for a board; the same bits and clocks as any other of these formats.

    Parameters
    ----------
    formats : Formats
        Number formats with lanes and pages.
    board : Board
        Gives the form of the lanes' product, and the memory blocks for `weight_plan`.
    clock_hz : float, optional
        System clock instead of the board file's: an SDRAM's delays are counted in it.
    """
    return Core(formats, product=board.product, store=weight_plan(formats, board, clock_hz))
