"""Letters of an outline font as patterns of any size."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError

FONT = "DejaVu Sans Mono:bold"
"""Comes with matplotlib; a font of one width, so letters differ by shape and not by size."""

SMALLEST = 8
"""Pixels a side; on fewer the strokes run together."""

_FILLED = 0.95  # share of the picture's height, and of its width by the widest capital


@lru_cache(maxsize=512)
def _outline(character: str) -> tuple[NDArray[np.float64], ...]:
    """Return the closed curves of a character as polygons, in units of the font."""
    from matplotlib.font_manager import FontProperties, findfont, get_font
    from matplotlib.textpath import TextPath

    font = FontProperties(FONT)
    if character.isspace() or not get_font(findfont(font)).get_char_index(ord(character)):
        raise SpecError(f"glyph {character!r}: the font has no such letter; needs ASCII, ! to ~")
    path = TextPath((0, 0), character, size=100, prop=font)
    return tuple(np.asarray(p, dtype=np.float64) for p in path.to_polygons(closed_only=True))


def _box(character: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = np.concatenate(_outline(character))
    return points.min(axis=0), points.max(axis=0)


def glyph(character: str, width: int, height: int) -> NDArray[np.int64]:
    """Return a letter as pixels of -1/+1, row by row from the top.

    A pixel is lit where its centre lies within the outline (even-odd rule). All letters have one
    scale, by which the capitals fill the picture; each is centred.

    Parameters
    ----------
    character : str
        One character that the font draws.
    width, height : int
        Pixels, at least `SMALLEST` each.

    Raises
    ------
    SpecError
        A character that the font does not have, or a picture that is too small.
    """
    from matplotlib.path import Path

    if min(width, height) < SMALLEST:
        raise SpecError(
            f"glyphs on {width} x {height} pixels: needs at least {SMALLEST} x {SMALLEST} "
            f'({SMALLEST**2} oscillators); "letters:" are dot matrices of 5 x 7'
        )
    widest, tallest = _box("W"), _box("I")
    scale = np.array([(widest[1] - widest[0])[0], (tallest[1] - tallest[0])[1]]) / _FILLED
    low, high = _box(character)
    x = (np.arange(width) + 0.5) / width - 0.5
    y = (np.arange(height)[::-1] + 0.5) / height - 0.5
    centres = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2) * scale + (low + high) / 2
    lit = np.zeros(width * height, dtype=bool)
    for polygon in _outline(character):
        lit ^= Path(polygon).contains_points(centres)
    return np.where(lit, 1, -1)
