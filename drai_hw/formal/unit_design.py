"""A unit under proof: its design, its ports, its latency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.formal.btor2 import System
from drai_hw.formal.compiled import KnownMachine
from drai_hw.formal.frontend import YOSYS_LIMIT_S, read_system
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import Port
from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.connection import parameters_of
from drai_hw.sim.units.portmap import PortMap
from drai_hw.sim.units.simulate import TIME_LIMIT_S
from drai_hw.sim.units.vhdl import is_vhdl, translated

MOST_LATENCY = 32
"""Longest latency that is looked for."""


@dataclass(frozen=True)
class UnitDesign:
    """A design and how its ports are named.

    Parameters
    ----------
    files : tuple of Path
        Verilog or RTLIL.
    top : str
        Top module.
    ports : mapping of str to str
        The design's names of ports that are called otherwise in `unit_ports`.
    clock, reset : str
        Its clock, and its reset: synchronous.
    reset_low : bool
        The reset is active low.
    parameters : mapping of str to int
        Parameters of the module.
    constants : mapping of str to int
        Inputs that the unit has not, and their values.
    """

    files: tuple[Path, ...]
    top: str
    ports: Mapping[str, str] = field(default_factory=dict)
    clock: str = "clk"
    reset: str = "rst"
    reset_low: bool = False
    parameters: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)

    def name(self, port: str) -> str:
        """Return what the design calls a port."""
        return self.ports.get(port, port)

    def resets(self, value: Any) -> dict[str, Any]:
        """Return the input that resets (1) or does not (0)."""
        return {**self.constants, self.reset: 1 - value if self.reset_low else value}


def mapped(
    files: Sequence[Path], top: str, connect: PortMap, unit: str, f: Formats, folder: Path
) -> UnitDesign:
    """Return the design of a module with a port map; VHDL is translated to Verilog in a folder.

    Raises
    ------
    SpecError
        It takes samples by handshake, whose latency is not fixed, or GHDL does not accept it.
    ToolError
        It is VHDL and there is no GHDL.
    """
    if connect.handshake:
        raise SpecError(
            "port map: unit.handshake = 'valid-ready': a proof needs a fixed latency; "
            "`drai-hw sim` tests units with handshake"
        )
    names = dict(connect.names)
    clock, reset = names.pop("clk", "clk"), names.pop("rst", "rst")
    there = [path for path in files if path.is_file()]  # the others are refused when read
    parameters = parameters_of(connect, there, unit, f)
    if any(is_vhdl(path) for path in files):
        if len(there) < len(files):
            lost = next(path for path in files if path not in there)
            raise SpecError(f"cannot read {str(lost)!r}: needs a file of Verilog or VHDL")
        files, parameters = translated(files, top, folder, TIME_LIMIT_S, parameters)
    return UnitDesign(
        tuple(files), top, names, clock, reset, connect.reset_low, parameters, connect.constants
    )


def read_unit(design: UnitDesign, rule: UnitRule, limit_s: float = YOSYS_LIMIT_S) -> System:
    """Return the transition system of a unit whose interface fits; `limit_s` as in `read_system`.

    Raises
    ------
    SpecError
        Naming ports that are missing, have another width, or that nobody drives.
    """
    system = read_system(design.files, design.top, design.clock, design.parameters, limit_s=limit_s)
    by_name = {name: number for number, name in system.inputs.items() if name}
    wrong: list[str] = []
    for port in rule.ports:
        name = design.name(port.name)
        listed: Mapping[str, int] = system.outputs if port.output else by_name
        kind = "output" if port.output else "input"
        if name not in listed:
            if port.needed or port.output:
                wrong.append(f"{kind} {name} [{port.bits} bits] is missing: {port.meaning}")
            continue
        bits = system.nodes[listed[name]].sort.bits
        if bits != port.bits:
            wrong.append(f"{kind} {name} has {bits} bits and needs {port.bits}: {port.meaning}")
    known = {design.name(port.name) for port in rule.ports if not port.output}
    known |= {design.clock, design.reset, *design.constants}
    wrong += [f"input {name} is not one of the unit's" for name in by_name if name not in known]
    if wrong:
        raise SpecError(
            f"{design.top} does not fit unit {rule.unit} of this network:\n  "
            + "\n  ".join(wrong)
            + "\nA port map names ports that are called otherwise"
        )
    return system


def discovered_latency(design: UnitDesign, system: System, rule: UnitRule) -> int:
    """Return the clocks from ``en`` to ``valid``.

    Raises
    ------
    SpecError
        ``valid`` does not answer to ``en``.
    """
    en, valid = design.name("en"), design.name("valid")
    machine = KnownMachine(system, [valid])
    states = machine.start(reset=True)
    for clock in range(2 * MOST_LATENCY):
        given = {en: 0} | design.resets(int(clock < 2))
        states = machine.after(machine.evaluate(states, given))
    for clock in range(MOST_LATENCY + 1):
        values = machine.evaluate(states, {en: int(clock == 0)} | design.resets(0))
        if machine.at(values, valid) == 1:
            return clock
        states = machine.after(values)
    raise SpecError(
        f"{design.top}: {valid} does not become 1 within {MOST_LATENCY} clocks of {en}, whatever "
        f"the other inputs are; a unit {rule.unit} answers every {en} after a fixed number of "
        "clocks: give it with --latency"
    )


def port_values(ports: Sequence[Port], words: Mapping[str, int]) -> dict[str, int]:
    """Return what the words of ports mean."""
    out = {}
    for port in ports:
        if port.name in words:
            word = words[port.name]
            high = word >> (port.bits - 1) & 1
            out[port.name] = word - (1 << port.bits) if port.signed and high else word
    return out
