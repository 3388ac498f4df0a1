"""A start for a unit of one's own: empty module, port map, bench to fill."""

from __future__ import annotations

from drai_hw.model.numbers import Formats
from drai_hw.model.unit_ports import Port, unit_ports


def template_files(unit: str, formats: Formats, spec: str) -> dict[str, str]:
    """Return the files by name.

    Parameters
    ----------
    unit : {"synapse", "neuron", "update", "prng"}
        Unit.
    formats : Formats
        Number formats and features, which make the widths.
    spec : str
        Network that commands in the files name.

    Raises
    ------
    SpecError
        There is no such unit, or this network has none.
    """
    ports = unit_ports(unit, formats)
    return {
        f"my_{unit}.v": _module(unit, ports, formats, spec),
        "ports.toml": _port_map(unit, ports),
        f"test_my_{unit}.py": _bench(unit, ports, spec),
    }


def _span(port: Port) -> str:
    return f"[{port.bits - 1}:0] " if port.bits > 1 else ""


def _module(unit: str, ports: tuple[Port, ...], formats: Formats, spec: str) -> str:
    rows = [
        ("input clk", "clock; everything happens at its rising edge"),
        ("input rst", "reset, synchronous, active high"),
    ]
    for port in ports:
        side = "output reg" if port.output else "input"
        sign = "signed " if port.signed else ""
        optional = "" if port.needed else "; may be left out"
        rows.append((f"{side} {sign}{_span(port)}{port.name}", port.meaning + optional))
    longest = max(len(text) for text, _ in rows) + 1
    last = len(rows) - 1
    lines = [
        f"    {text + ',' * (k < last):{longest}} // {meaning}"
        for k, (text, meaning) in enumerate(rows)
    ]
    head = f"module my_{unit}"
    if unit == "synapse":
        head += f" #(parameter THETA_R = {formats.theta_r})"
    body = "\n".join(lines)
    return (
        f"// Unit {unit} of a network with the number formats of {spec}.\n"
        f"// Test it: drai-hw sim {spec} --unit {unit} --dut my_{unit}.v --top my_{unit}\n"
        f"{head} (\n{body}\n);\n\n    // Your logic.\n\nendmodule\n"
    )


def _port_map(unit: str, ports: tuple[Port, ...]) -> str:
    names = "\n".join(f'{name} = "{name}"' for name in ("clk", "rst", *(p.name for p in ports)))
    timing = (
        'latency = "discover" # or the clocks from en to valid, e.g. 2\n'
        'handshake = "none"   # or "valid-ready": ports in_ready and out_ready take part\n'
        if any(port.name == "valid" for port in ports)
        else ""
    )
    return (
        f"# How your module is connected as unit {unit}; give it with --ports ports.toml.\n"
        "# Lines that change nothing may be left out.\n\n"
        f'[ports] # our name = "yours"\n{names}\n\n'
        f'[unit]\nreset = "high"       # or "low"\n{timing}\n'
        "[parameters] # of your module: numbers, or names of the formats\n"
        '# W = "weight_bits"\n\n'
        "[constants] # inputs of yours that the unit does not have, and their values\n"
        "# test_mode = 0\n"
    )


def _bench(unit: str, ports: tuple[Port, ...], spec: str) -> str:
    sample = ", ".join(f'"{port.name}": 0' for port in ports if not port.output)
    return f'''"""Tests of my_{unit}: the bench of drai_hw and cases of your own, for pytest."""

from pathlib import Path

from drai_hw import catalog
from drai_hw.model.plan import formats_of
from drai_hw.model.unit_rules import rule_of
from drai_hw.sim.units.portmap import load_port_map
from drai_hw.sim.units.report import in_words
from drai_hw.sim.units.verify import verify_unit

HERE = Path(__file__).parent
FORMATS = formats_of(catalog.find({spec!r})[0])


def test_my_{unit}_follows_the_rule(tmp_path):
    connect = load_port_map(HERE / "ports.toml", "{unit}", FORMATS)
    sources = [HERE / "my_{unit}.v"]
    result = verify_unit(
        "{unit}", FORMATS, sources, "my_{unit}", folder=tmp_path, connect=connect
    )
    assert result.mismatches == 0, in_words(result)
    assert not result.missed


def test_what_the_rule_says_to_a_case_of_mine():
    rule = rule_of("{unit}", FORMATS)
    inputs = {{{sample}}}
    # Fill in the inputs that you care about, and what you expect of them.
    assert rule.allowed(inputs)
'''
