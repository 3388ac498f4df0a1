"""A waveform of a unit's ports beside what they should be (VCD, for GTKWave and the like)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from drai_hw.model.unit_ports import Port
from drai_hw.sim.units.judge import Expected

CLOCK_NS = 10


def vcd(
    module: str,
    ports: Sequence[Port],
    cycles: Sequence[Mapping[str, int]],
    trace: Sequence[Mapping[str, int | None]],
    expected: Sequence[Expected],
) -> str:
    """Return a dump: inputs, outputs, and for each output ``expected_<name>``; x is unknown.

    Parameters
    ----------
    module : str
        Name of the scope.
    ports : sequence of Port
        Ports without the clock.
    cycles, trace, expected
        Inputs of each clock, outputs seen just before its edge, and what they should have been.
    """
    outputs = [port for port in ports if port.output and port.name in (trace[0] if trace else {})]
    inputs = [port for port in ports if not port.output]
    signals = [("clk", 1), *((port.name, port.bits) for port in inputs)]
    signals += [(port.name, port.bits) for port in outputs]
    signals += [(f"expected_{port.name}", port.bits) for port in outputs]
    signals.append(("differs", 1))
    codes = {name: _code(number) for number, (name, _) in enumerate(signals)}
    bits = dict(signals)
    lines = ["$timescale 1ns $end", f"$scope module {module} $end"]
    for name, width in signals:
        span = f" [{width - 1}:0]" if width > 1 else ""
        lines.append(f"$var wire {width} {codes[name]} {name}{span} $end")
    lines += ["$upscope $end", "$enddefinitions $end"]
    before: dict[str, str] = {}

    def change(name: str, value: int | None) -> None:
        text = "x" if value is None else f"{value & ((1 << bits[name]) - 1):b}"
        word = f"{text}{codes[name]}" if bits[name] == 1 else f"b{text} {codes[name]}"
        if before.get(name) != word:
            before[name] = word
            lines.append(word)

    for clock, (given, seen, want) in enumerate(zip(cycles, trace, expected, strict=True)):
        lines.append(f"#{clock * CLOCK_NS}")
        change("clk", 0)
        for port in inputs:
            change(port.name, given.get(port.name, 0))
        differs = 0
        for port in outputs:
            change(port.name, seen[port.name])
            value = want.get(port.name) if want else None
            change(f"expected_{port.name}", value)
            differs |= value is not None and value != seen[port.name]
        change("differs", int(differs))
        lines.append(f"#{clock * CLOCK_NS + CLOCK_NS // 2}")
        change("clk", 1)
    lines.append(f"#{len(trace) * CLOCK_NS}")
    return "\n".join(lines) + "\n"


def _code(number: int) -> str:
    """Return the number-th short name of a signal: printable characters from ! on."""
    text = ""
    while True:
        number, digit = divmod(number, 94)
        text += chr(33 + digit)
        if not number:
            return text
