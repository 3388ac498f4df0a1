"""Connecting a module in a simulator, or saying why it does not fit."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from drai_hw.errors import SpecError
from drai_hw.files import given_bytes
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import UnitRule
from drai_hw.sim.units.portmap import PortMap, misfits, wanted_ports


class Connectable(Protocol):
    """A module whose ports can be looked at and connected."""

    def widths(self, names: Sequence[str]) -> dict[str, int | None]:
        """Return the width of each name in the module, None where it has none."""

    def connect(self, order: Mapping[str, Any]) -> None:
        """Connect ports: ``clk``, ``inputs``, ``outputs``, ``constants``."""


def parameters_of(
    connect: PortMap, sources: Sequence[Path], unit: str, formats: Formats
) -> dict[str, int]:
    """Return the module's parameters: those of the map, and THETA_R where it has one."""
    wanted = dict(connect.parameters)
    if unit == "synapse" and "THETA_R" not in wanted:
        texts = "".join(_text(path) for path in sources)
        if re.search(r"\bparameter\b[^;)]*\bTHETA_R\b", texts):
            wanted["THETA_R"] = formats.theta_r
    return wanted


def connect_ports(
    player: Connectable, rule: UnitRule, connect: PortMap, sources: Sequence[Path], top: str
) -> None:
    """Connect all ports, or refuse a module that does not fit."""
    ports = wanted_ports(rule.unit, rule.formats, connect)
    names = [connect.name(port.name) for port in ports]
    found = player.widths([*names, *connect.constants])
    unfit = misfits(rule.unit, rule.formats, connect, found)
    if unfit:
        raise SpecError(_misfit(rule.unit, unfit, port_names(sources, top), top))
    there = [port for port in ports if found[connect.name(port.name)] is not None]
    player.connect(
        {
            "clk": connect.name("clk"),
            "inputs": {
                port.name: (
                    connect.name(port.name),
                    (1 << port.bits) - 1,
                    int(port.name == "rst" and connect.reset_low),
                )
                for port in there
                if not port.output and port.name != "clk"
            },
            "outputs": {
                port.name: (connect.name(port.name), port.signed) for port in there if port.output
            },
            "constants": dict(connect.constants),
        }
    )


def _misfit(unit: str, unfit: Sequence[str], names: Sequence[str], top: str) -> str:
    lines = [f"{top} does not fit unit {unit} of this network:"]
    for line in unfit:
        found = re.match(r"missing: (?:input|output) (\w+)", line)
        close = difflib.get_close_matches(found[1], names, n=1, cutoff=0.6) if found else []
        lines.append(f"  {line}" + (f" (is it {close[0]}?)" if close else ""))
    if names:
        lines.append(f"  its ports: {', '.join(names)}")
    lines.append(
        f"  other names go into a port map (--ports FILE); `drai-hw sim --template {unit}` writes "
        "one with an empty module"
    )
    return "\n".join(lines)


def _text(path: Path) -> str:
    """Return a source as text, whatever its encoding."""
    return given_bytes(path, "design", "a source file").decode("utf-8", errors="replace")


def port_names(sources: Sequence[Path], top: str) -> list[str]:
    """Return the ports that the text of a module shows; for hints only."""
    for path in sources:
        text = _text(path)
        text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
        head = re.search(
            rf"\bmodule\s+{re.escape(top)}\b\s*(?:#\s*\(.*?\)\s*)?\(([^;]*?)\)\s*;", text, re.DOTALL
        )
        if head:
            found = [re.search(r"(\w+)\s*(?:=.*)?$", item.strip()) for item in head[1].split(",")]
            return [item[1] for item in found if item]
    return []
