"""A map of what the lines of a crossbar take of every device's voltage."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray


def drop_map_svg(drop_v: NDArray[np.float64], title: str) -> str:
    """
    Return an SVG with a cell for each device and the medians of rows and columns beside it.

    A cell shows the device's largest drop of all inputs.

    Parameters
    ----------
    drop_v : ndarray, shape (p, m, n) or (m, n)
        Volt; the sign does not matter.
    title : str
        Above the map.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    largest = np.abs(np.asarray(drop_v, dtype=float))
    if largest.ndim == 3:
        largest = largest.max(axis=0)
    m, n = largest.shape
    # a fixed salt and no date: equal arrays give equal files
    with rc_context({"svg.hashsalt": "drops", "svg.fonttype": "none", "font.size": 9}):
        figure = Figure(figsize=(6.4, 5.2), layout="constrained")
        across, beside = figure.subplots(
            2, 2, width_ratios=(5, 1), height_ratios=(1, 5), squeeze=True
        )
        across[1].axis("off")
        image = beside[0].imshow(
            largest, cmap="viridis", vmin=0.0, aspect="auto", interpolation="nearest"
        )
        beside[0].set(
            xlabel="bit line (held at 0 V below)", ylabel="word line (driven from the left)"
        )
        across[0].plot(np.arange(n), np.median(largest, axis=0), color="#444")
        across[0].set(xlim=(-0.5, n - 0.5), ylabel="median (V)", title=title)
        beside[1].plot(np.median(largest, axis=1), np.arange(m), color="#444")
        beside[1].set(ylim=(m - 0.5, -0.5), xlabel="median (V)")
        figure.colorbar(image, ax=beside[1], label="largest drop (V)")
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
    return buffer.getvalue()
