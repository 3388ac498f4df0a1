"""Circuits: netlists of coupled oscillators, their runs in ngspice, phases and energies."""

from drai_hw.spice.design import RingDesign, TankDesign, advance_per_cycle_rad
from drai_hw.spice.energy import Ledger
from drai_hw.spice.lc import Tank, design_tank
from drai_hw.spice.netlist import Behavioural, Netlist, Parts
from drai_hw.spice.presets import preset
from drai_hw.spice.results import CircuitResult, SourcePower
from drai_hw.spice.settings import Circuit, CircuitLike, settings_of
from drai_hw.spice.simulate import (
    create,
    free_running_hz,
    recall,
    run,
)
from drai_hw.spice.starts import start_phases_of

__all__ = [
    "Behavioural",
    "Circuit",
    "CircuitLike",
    "CircuitResult",
    "Ledger",
    "Netlist",
    "Parts",
    "RingDesign",
    "SourcePower",
    "Tank",
    "TankDesign",
    "advance_per_cycle_rad",
    "create",
    "design_tank",
    "free_running_hz",
    "preset",
    "recall",
    "run",
    "settings_of",
    "start_phases_of",
]
