"""Pictures of results, on axes of the caller's or on new ones."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib import pyplot
from matplotlib.axes import Axes
from numpy.typing import NDArray

from drai_hw.model.readout import axis_rad
from drai_hw.units import TAU, wrap_rad


def _axes(ax: Axes | None) -> Axes:
    return pyplot.subplots(layout="constrained")[1] if ax is None else ax


def weights(values: NDArray[Any], ax: Axes | None = None) -> Axes:
    """Draw a weight matrix, zero white, both signs on one scale."""
    first = values.reshape(-1, *values.shape[-2:])[0]
    ax = _axes(ax)
    largest = float(np.abs(first).max()) or 1.0
    image = ax.imshow(first, cmap="RdBu_r", vmin=-largest, vmax=largest, interpolation="nearest")
    ax.figure.colorbar(image, ax=ax, label="weight (LSB)")
    ax.set(xlabel="oscillator j", ylabel="oscillator i", title="weights")
    return ax


def phases(trace_rad: NDArray[np.float64], ax: Axes | None = None, every: int = 1) -> Axes:
    """Draw phases against time: relative to the final axis, coloured by the side they end on.

    A common rotation of all phases says nothing and is taken out, step by step.
    """
    mean = np.unwrap([2 * axis_rad(sample) for sample in trace_rad]) / 2
    relative = trace_rad - mean[:, None]
    path = np.unwrap(relative, axis=0)
    # Ends within half a turn of 0 and of pi: -pi/2 to 3 pi/2.
    path += (np.mod(path[-1] + np.pi / 2, TAU) - np.pi / 2) - path[-1]
    near = np.abs(wrap_rad(path[-1])) < np.pi / 2
    ax = _axes(ax)
    time = every * np.arange(len(path))
    for side, colour in ((near, "C3"), (~near, "C0")):
        if side.any():
            ax.plot(time, path[:, side] / np.pi, color=colour, linewidth=0.8, alpha=0.7)
    ax.set(xlabel="step", ylabel="phase / π rad", title="phases against the final axis")
    return ax
