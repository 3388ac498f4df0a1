"""Emission of single units of the core, with the ports of the units under test."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import Any

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import unit_ports
from drai_hw.rtl import emit
from drai_hw.rtl.units import COMPONENTS, unit_component

WHAT = {
    "synapse": "learning rule of one pair",
    "neuron": "phase accumulator of an oscillator",
    "update": "phase increment of an oscillator from its sum",
    "prng": "random stream of a lane",
}


def unit_name(unit: str) -> str:
    """Return the name of a unit's module and files."""
    return f"drai_{unit}"


def unit_metadata(unit: str, formats: Formats) -> dict[str, Any]:
    """Describe an emitted unit: formats, ports, latency."""
    return {
        "top": unit_name(unit),
        "unit": unit,
        "latency": COMPONENTS[unit].clocks(formats),
        "formats": formats.record(),
        "ports": [asdict(port) for port in unit_ports(unit, formats)],
    }


def unit_texts(unit: str, formats: Formats, *, command: str) -> dict[str, str]:
    """Return the files of an emitted unit: Verilog, RTLIL, metadata.

    Parameters
    ----------
    unit : {"synapse", "neuron", "update", "prng"}
        Unit.
    formats : Formats
        Number formats and features.
    command : str
        What made the files, for the header.

    Raises
    ------
    SpecError
        There is no such unit, or this network has none.
    """
    name = unit_name(unit)
    verilog = emit.verilog(
        unit_component(unit, formats), name=name, command=command, what=WHAT[unit]
    )
    return {
        f"{name}.v": verilog,
        f"{name}.il": emit.rtlil(unit_component(unit, formats), name=name),
        f"{name}.json": json.dumps(unit_metadata(unit, formats), indent=2) + "\n",
    }
