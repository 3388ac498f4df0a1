"""The state of a core as signals: a module beside it in which every phase and weight has a name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from drai_hw.model.numbers import Formats
from drai_hw.model.schedule import schedule

NAME = "drai_state"
WATCHED = 64
"""Oscillators whose weights among each other are shown: all of them in designs up to this size."""


def state_module(formats: Formats, memories: Mapping[str, Any], top: str) -> str:
    """Return Verilog of a second top module with a wire for each phase and each weight.

    Simulators dump no memories, so a dump of the core alone shows neither. The wires follow the
    memories of ``top`` by hierarchical names; with them a dump has ``drai_state.phase_3`` (phase
    accumulator of oscillator 3) and ``drai_state.weight_3_5`` (signed, of the pair 3, 5).

    Parameters
    ----------
    formats : Formats
        Of the core.
    memories : mapping
        ``memories`` of `drai_hw.rtl.emit.metadata`.
    top : str
        Top module of the core.
    """
    lines = [f"// Names for the state of {top}, which stands in its memories.", f"module {NAME};"]
    phase = memories["theta"]
    last = formats.accumulator_bits - 1
    for k in range(formats.n):
        lines.append(f"  wire [{last}:0] phase_{k} = {top}.{phase['path']}[{k}];")
    for lane in range(formats.lanes):
        for word, name in weights_of_lane(formats, lane):
            value = _field(memories["weights"], word, f"lane_{lane}", top)
            lines.append(f"  wire signed [{formats.weight_bits - 1}:0] {name} = {value};")
    # The dump is opened at time 0, in an initial block of another module: after that one.
    lines += [f"  initial #0 $dumpvars(0, {NAME});", "endmodule"]
    return "\n".join(lines) + "\n"


def weights_of_lane(formats: Formats, lane: int) -> list[tuple[int, str]]:
    """Return word and name of the weights that a lane works on, in the order of a pass."""
    order = schedule(formats.lanes, formats.pages)
    most = min(formats.n, WATCHED)
    found = []
    for word in range(len(order.i)):
        i, j = sorted((int(order.i[word, lane]), int(order.j[word, lane])))
        if order.used[word, lane] and j < most:
            found.append((word, f"weight_{i}_{j}"))
    return found


def _field(memory: Mapping[str, Any], word: int, name: str, top: str) -> str:
    """Return the Verilog of a field of a word, which may lie across several memories."""
    field = memory["fields"][name]
    low, high = field["first_bit"], field["first_bit"] + field["bits"]
    whole = {"path": memory.get("path"), "first_word": 0, "words": memory["depth"], "first_bit": 0}
    parts = []
    for piece in memory.get("pieces", [whole | {"bits": high}]):
        start, end = piece["first_bit"], piece["first_bit"] + piece["bits"]
        at = word - piece["first_word"]
        if 0 <= at < piece["words"] and max(low, start) < min(high, end):
            bits = f"{min(high, end) - start - 1}:{max(low, start) - start}"
            parts.append((start, f"{top}.{piece['path']}[{at}][{bits}]"))
    texts = [text for _, text in sorted(parts, reverse=True)]
    return texts[0] if len(texts) == 1 else f"{{{', '.join(texts)}}}"
