"""Crossbars of devices with resistive lines: exact, with gradients, faults, mapping, netlists."""

from drai_hw.spice.crossbar.array import Crossbar, Solution
from drai_hw.spice.crossbar.effects import drifted, quantised, scattered, with_faults
from drai_hw.spice.crossbar.export import netlist
from drai_hw.spice.crossbar.mapping import Mapped, differential, map_weights

__all__ = [
    "Crossbar",
    "Mapped",
    "Solution",
    "differential",
    "drifted",
    "map_weights",
    "netlist",
    "quantised",
    "scattered",
    "with_faults",
]
