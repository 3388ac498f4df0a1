"""Figures for pages by matplotlib: SVG or PNG, equal data give equal files."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

BLUE, RED, GREY = "#1f5a92", "#b5562c", "#777"
Paint = Callable[[Any], None]


def drawn_svg(size: tuple[float, float], salt: str, paint: Paint) -> str:
    """
    Return a figure as SVG; a fixed salt and no date: equal data give equal files.

    Parameters
    ----------
    size : tuple of float
        Inches.
    salt : str
        Of the identifiers inside.
    paint : callable
        Gets the figure and paints it.
    """
    return _drawn(size, salt, paint, "svg").decode()


def drawn_png(size: tuple[float, float], paint: Paint, dots_per_inch: int = 160) -> bytes:
    """Return a figure as PNG."""
    return _drawn(size, "", paint, "png", dpi=dots_per_inch)


def _drawn(size: tuple[float, float], salt: str, paint: Paint, form: str, **more: Any) -> bytes:
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": salt, "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=size, layout="constrained")
        paint(figure)
        for panel in figure.axes:
            panel.spines[["top", "right"]].set_visible(False)
        buffer = io.BytesIO()
        figure.savefig(buffer, format=form, metadata=metadata, facecolor="white", **more)
    return buffer.getvalue()
