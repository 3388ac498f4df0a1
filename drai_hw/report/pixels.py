"""Pictures made of squares (patterns, weight matrices) as SVG that follows the page's colours."""

from __future__ import annotations

import html
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray


def picture_shape(n: int) -> tuple[int, int]:
    """
    Return rows and columns for a pattern of which no shape is known.

    A square when there is one, else the nearest rectangle that is not wider than 16 pixels.
    """
    columns = min(16, int(np.ceil(np.sqrt(n))))
    return -(-n // columns), columns


def align(pattern: ArrayLike, stored: ArrayLike) -> tuple[NDArray[np.int64], bool]:
    """
    Return a pattern with the global sign that fits the stored one, and whether it was inverted.

    Coupled oscillators know phase differences only, so a pattern and its inverse are one state.
    """
    p = np.asarray(pattern, dtype=np.int64)
    inverse = int(p @ np.asarray(stored, dtype=np.int64)) < 0
    return (-p if inverse else p), inverse


def _squares(cells: Sequence[tuple[int, int]]) -> str:
    return "".join(f"M{x} {y}h1v1h-1z" for x, y in cells)


def pattern_svg(
    pattern: ArrayLike,
    shape: tuple[int, int],
    label: str,
    *,
    reference: ArrayLike | None = None,
    pixel_px: int = 9,
) -> str:
    """
    Draw a pattern; pixels that differ from the reference are outlined.

    Parameters
    ----------
    pattern:
        N values, -1 or +1; +1 is drawn dark.
    shape:
        Rows and columns, row by row; surplus cells stay empty.
    label:
        What a screen reader says.
    reference:
        N values to compare with.
    pixel_px:
        Edge of a pixel in CSS pixels.
    """
    p = np.asarray(pattern)
    rows, columns = shape
    place = [(k % columns, k // columns) for k in range(p.size)]
    on = [cell for cell, value in zip(place, p, strict=True) if value > 0]
    parts = [
        f'<svg class="px" viewBox="-.15 -.15 {columns + 0.3:g} {rows + 0.3:g}" '
        f'width="{columns * pixel_px + 3}" height="{rows * pixel_px + 3}" '
        f'role="img" aria-label="{html.escape(label, quote=True)}">',
        f'<path class="px-paper" d="{_squares(place)}"/>',
        f'<path class="px-on" d="{_squares(on)}"/>',
    ]
    if reference is not None:
        wrong = [
            cell
            for cell, a, b in zip(place, p, np.asarray(reference), strict=True)
            if (a > 0) != (b > 0)
        ]
        if wrong:
            parts.append(f'<path class="px-wrong" d="{_squares(wrong)}"/>')
    return "".join(parts) + "</svg>"


def matrix_svg(matrix: ArrayLike, limit: float, label: str, *, size_px: int = 420) -> str:
    """
    Draw a signed matrix: colour is the sign, depth of colour the magnitude, empty is zero.

    Parameters
    ----------
    matrix:
        N x N numbers.
    limit:
        Magnitude drawn in full colour, > 0.
    label:
        What a screen reader says.
    size_px:
        Edge of the picture in CSS pixels.
    """
    m = np.asarray(matrix, dtype=np.float64)
    n = m.shape[0]
    depths: dict[tuple[str, int], list[tuple[int, int]]] = defaultdict(list)
    for row, column in np.argwhere(m != 0):
        depth = min(20, max(1, round(20 * abs(m[row, column]) / limit)))
        sign = "w-plus" if m[row, column] > 0 else "w-minus"
        depths[sign, depth].append((int(column), int(row)))
    paths = "".join(
        f'<path class="{sign}" fill-opacity="{depth / 20:g}" d="{_squares(cells)}"/>'
        for (sign, depth), cells in sorted(depths.items())
    )
    return (
        f'<svg class="matrix" viewBox="0 0 {n} {n}" width="{size_px}" height="{size_px}" '
        f'role="img" aria-label="{html.escape(label, quote=True)}" shape-rendering="crispEdges">'
        f'<rect class="px-paper" width="{n}" height="{n}"/>{paths}</svg>'
    )
