"""Lanes and pages of a network: one choice for all of its machines."""

from __future__ import annotations

from typing import Any

from drai_hw.errors import FitError
from drai_hw.model import plan
from drai_hw.spec import Spec


def geometry_of(spec: Spec) -> tuple[int, int]:
    """
    Return lanes and pages of a network: the file's, else those that suit its board.

    Results are defined for a geometry, so every machine of a network uses this one. A network that
    is too large for its board still has a model and a twin, on the default geometry.
    """
    formats = plan.formats_of(spec)
    if spec.board.pages is not None:
        return formats.lanes, formats.pages
    from drai_hw.boards.boardfile import load_board
    from drai_hw.boards.fit import choose_geometry

    board = load_board(spec.board.name)
    try:
        return choose_geometry(formats.n, board, formats, lanes=spec.board.lanes)
    except FitError:
        return formats.lanes, formats.pages


def choice_of(spec: Spec) -> dict[str, Any]:
    """
    Return lanes, pages and memories of a network on its board, why, and what is predicted.

    Raises
    ------
    FitError
        When the network does not fit its board.
    """
    from drai_hw.boards.boardfile import load_board
    from drai_hw.boards.fit import choose

    formats = plan.formats_of(spec)
    board = load_board(spec.board.name)
    fixed = spec.board.pages is not None
    chosen = choose(formats, board, lanes=spec.board.lanes, fixed=fixed)
    return chosen.to_json(board.family)
