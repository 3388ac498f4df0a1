"""How a module is connected: names, latency, reset, handshake; and whether it fits."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.files import given_text
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import Port, unit_ports

MAX_LATENCY = 64
_PATH = r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*"
_KEYS = {
    "": ("ports", "unit", "parameters", "constants"),
    "unit": ("latency", "reset", "handshake"),
}
_FORMAT_WORDS = (
    "accumulator_bits", "phase_bits", "weight_bits", "frequency_bits", "theta_r", "acc_bits",
)  # fmt: skip


@dataclass(frozen=True)
class PortMap:
    """Connections of a module under test.

    Parameters
    ----------
    names : mapping
        The module's port by ours; what is not in it has our name.
    latency : int or None
        Declared clocks from inputs to outputs; None: found out by the bench.
    reset_low : bool
        The reset is active low.
    handshake : bool
        Samples are taken where ``en`` meets ``in_ready``, results where ``valid`` meets
        ``out_ready``.
    parameters : mapping
        Parameters of the module.
    constants : mapping
        Inputs of the module that the unit has not, and their values.
    memories : mapping
        Of a core: where its memories are, by our name; hierarchical names below the top module.
    """

    names: Mapping[str, str] = field(default_factory=dict)
    latency: int | None = None
    reset_low: bool = False
    handshake: bool = False
    parameters: Mapping[str, int] = field(default_factory=dict)
    constants: Mapping[str, int] = field(default_factory=dict)
    memories: Mapping[str, str] = field(default_factory=dict)

    def name(self, port: str) -> str:
        """Return the module's name of one of our ports."""
        return self.names.get(port, port)


def load_port_map(path: Path | None, unit: str, formats: Formats) -> PortMap:
    """Read a port map.

    Parameters
    ----------
    path : Path or None
        TOML file with the tables ``[ports]`` (our name = "theirs"), ``[unit]`` (latency, reset,
        handshake), ``[parameters]`` and ``[constants]``; None: all names are ours.
    unit : str
        Unit, or ``"core"``: it has a table ``[memories]``, and no latency or handshake.
    formats : Formats
        Formats that parameters may name.

    Raises
    ------
    SpecError
        The file cannot be read, or says something that cannot be.
    """
    if path is None:
        return PortMap()
    what = f"port map {str(path)!r}"
    text = given_text(path, "port map", "a TOML file with [ports], [unit], [parameters]")
    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(f"{what}: not valid TOML: {error}") from error
    core = unit == "core"
    _known(what, data, (*_KEYS[""], *(["memories"] if core else [])), "table")
    for table in data:
        if not isinstance(data[table], dict):
            raise SpecError(f"{what}: {table} = {data[table]!r}: needs a table [{table}]")
    choices = data.get("unit", {})
    _known(f"{what}, [unit]", choices, ["reset"] if core else _KEYS["unit"], "key")
    handshake = _choice(what, choices, "handshake", ("none", "valid-ready")) == "valid-ready"
    if core:
        ports = list(_core_ports())
    else:
        ports = [port.name for port in unit_ports(unit, formats)] + ["clk", "rst"]
        ports += ["in_ready", "out_ready"] if handshake else []
    memories = data.get("memories", {})
    _known(f"{what}, [memories]", memories, ("theta", "marks", "weights"), "memory of the core")
    for ours, theirs in memories.items():
        if not isinstance(theirs, str) or not re.fullmatch(_PATH, theirs):
            raise SpecError(
                f"{what}: memories.{ours} = {theirs!r}: needs a hierarchical name below the top "
                'module in "", like "phases.ram"'
            )
    names = data.get("ports", {})
    _known(f"{what}, [ports]", names, ports, f"port of unit {unit}")
    for ours, theirs in names.items():
        if not isinstance(theirs, str) or not re.fullmatch(r"[A-Za-z_]\w*", theirs):
            raise SpecError(f'{what}: ports.{ours} = {theirs!r}: needs the name of a port in ""')
    if len(set(names.values())) < len(names):
        twice = sorted({x for x in names.values() if list(names.values()).count(x) > 1})
        raise SpecError(f"{what}: [ports] connects {', '.join(twice)} twice")
    return PortMap(
        names=names,
        latency=_latency(what, choices),
        reset_low=_choice(what, choices, "reset", ("high", "low")) == "low",
        handshake=handshake,
        parameters={k: _number(what, k, v, formats) for k, v in data.get("parameters", {}).items()},
        constants={k: _number(what, k, v, formats) for k, v in data.get("constants", {}).items()},
        memories=memories,
    )


def _core_ports() -> Mapping[str, int]:
    from drai_hw.sim.core_ports import CORE_PORTS  # which needs this module

    return CORE_PORTS


def _known(what: str, given: Mapping[str, Any], known: Sequence[str], kind: str) -> None:
    for name in given:
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean {close[0]!r}?" if close else f"known are {', '.join(known)}"
            raise SpecError(f"{what}: {name!r} is no {kind}; {hint}")


def _choice(what: str, given: Mapping[str, Any], key: str, known: tuple[str, ...]) -> str:
    value = given.get(key, known[0])
    if value not in known:
        words = " or ".join(repr(word) for word in known)
        raise SpecError(f"{what}: unit.{key} = {value!r}: needs {words}")
    return str(value)


def _latency(what: str, given: Mapping[str, Any]) -> int | None:
    value = given.get("latency", "discover")
    if value == "discover":
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= MAX_LATENCY:
        raise SpecError(
            f"{what}: unit.latency = {value!r}: needs 0 to {MAX_LATENCY} clocks, or 'discover'"
        )
    return value


def _number(what: str, key: str, value: Any, formats: Formats) -> int:
    if isinstance(value, str) and value in _FORMAT_WORDS:
        return int(getattr(formats, value))
    if not isinstance(value, int) or isinstance(value, bool):
        raise SpecError(
            f"{what}: {key} = {value!r}: needs a whole number, or one of "
            f"{', '.join(map(repr, _FORMAT_WORDS))}"
        )
    return value


def wanted_ports(unit: str, formats: Formats, connect: PortMap) -> list[Port]:
    """Return all ports that a bench looks for, clock, reset and handshake included."""
    ports = [Port("clk", 1, "clock"), Port("rst", 1, "reset"), *unit_ports(unit, formats)]
    if connect.handshake:
        ports.append(Port("in_ready", 1, "takes the sample at en", output=True))
        ports.append(Port("out_ready", 1, "the result is taken at valid"))
    return ports


def misfits(
    unit: str, formats: Formats, connect: PortMap, found: Mapping[str, int | None]
) -> list[str]:
    """Return what is missing or has the wrong width, one line each.

    Parameters
    ----------
    unit, formats, connect
        What is to be connected.
    found : mapping
        Width by the module's name of a port, None where there is none.
    """
    out = []
    for port in wanted_ports(unit, formats, connect):
        name = connect.name(port.name)
        bits = found.get(name)
        called = f"{name}" + (f" (our {port.name})" if name != port.name else "")
        side = "output" if port.output else "input"
        if bits is None:
            lacking_valid = port.name == "valid" and connect.latency is not None
            if port.needed and not lacking_valid:
                out.append(f"missing: {side} {called}, {port.bits} bits: {port.meaning}")
        elif bits != port.bits:
            out.append(f"wrong width: {side} {called} has {bits} bits, needs {port.bits}")
    for name in connect.constants:
        if found.get(name) is None:
            out.append(f"missing: input {name}, which [constants] sets")
    return out
