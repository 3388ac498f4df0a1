"""Views of waves: GTKWave save files that show what a core does, in the order it does it."""

from __future__ import annotations

import re

from drai_hw.errors import SpecError
from drai_hw.rtl.emit import NAME

# How GTKWave shows a value: the bits of a trace's flags (analog.h of its sources).
_HEX, _DECIMAL, _BINARY = 0x2, 0x4, 0x8
_RIGHT, _BLANK, _SIGNED, _STEPS, _TALLER = 0x20, 0x200, 0x400, 0x8000, 0x20000
BINARY = _BINARY | _RIGHT
HEXADECIMAL = _HEX | _RIGHT
UNSIGNED = _DECIMAL | _RIGHT
SIGNED = _SIGNED | _RIGHT
CURVE = UNSIGNED | _STEPS
_CURVE_LINES = 3  # heights of a line that a curve takes beside its own

GROUPS: tuple[tuple[str, tuple[tuple[str, int], ...]], ...] = (
    ("Clock and run", (("clk", BINARY), ("rst", BINARY), ("busy", BINARY), ("step_done", BINARY))),
    (
        "Register bus",
        (
            ("addr", HEXADECIMAL),
            ("we", BINARY),
            ("wdata", HEXADECIMAL),
            ("re", BINARY),
            ("rdata", HEXADECIMAL),
            ("ack", BINARY),
        ),
    ),
    (
        "Sequencer (kind: 0 refresh, 1 field, 2 couple)",
        (
            ("sequencer.kind", UNSIGNED),
            ("sequencer.phase_state", UNSIGNED),
            ("sequencer.page", UNSIGNED),
            ("sequencer.slot", UNSIGNED),
            ("sequencer.left", UNSIGNED),
            ("sequencer.learning", BINARY),
        ),
    ),
    (
        "Lane 0: local (i) and rotating (j) oscillator",
        (
            ("lane_0.load_local", BINARY),
            ("lane_0.load_rotating", BINARY),
            ("lane_0.shift", BINARY),
            ("lane_0.pair", BINARY),
            ("lane_0.local_word", HEXADECIMAL),
            ("lane_0.word", HEXADECIMAL),
            ("lane_0.phi_i", UNSIGNED),
            ("lane_0.phi_j", UNSIGNED),
        ),
    ),
    ("Lane 0: sums", (("lane_0.local_sum", SIGNED), ("lane_0.rotating_sum", SIGNED))),
    (
        "Lane 0: weight in and out, learning",
        (
            ("lane_0.weight", SIGNED),
            ("lane_0.weight_out", SIGNED),
            ("lane_0.r_eta", BINARY),
            ("lane_0.changed", BINARY),
        ),
    ),
    (
        "Update unit: one oscillator after the other",
        (
            ("update.valid", BINARY),
            ("update.sum", SIGNED),
            ("update.theta_0", UNSIGNED),
            ("update.delta", SIGNED),
            ("update.increment", SIGNED),
            ("update.done_8", BINARY),
            ("update.theta9_0", CURVE),
        ),
    ),
)
"""What a view shows: title, then signals by their path below the top module, with their form."""

_MODULE = re.compile(r"^module (\S+?)\s*\(.*?^endmodule$", re.MULTILINE | re.DOTALL)
_DECLARATION = re.compile(
    r"^ +(?:input|output|wire|reg) (?:(\[-?\d+:-?\d+\]) )?([A-Za-z_]\w*)\b[^\[\n]*;$", re.MULTILINE
)


def declared(verilog: str, top: str = NAME) -> dict[str, str]:
    """Return the signals of emitted Verilog: path below the top module to range, e.g. ``[5:0]``.

    Read from the text as the writer lays it out, with inner modules named by their path; escaped
    names and memories are left out.
    """
    found = {}
    for module in _MODULE.finditer(verilog):
        inner = module[1].removeprefix("\\").removeprefix(top).removeprefix(".")
        for signal in _DECLARATION.finditer(module[0]):
            found[f"{inner}.{signal[2]}" if inner else signal[2]] = signal[1] or ""
    return found


def wave_view(verilog: str, *, dump: str, command: str, top: str = NAME) -> str:
    """Return a GTKWave save file for a dump of an emitted core.

    Parameters
    ----------
    verilog : str
        The core, as `drai_hw.rtl.emit.verilog` wrote it.
    dump : str
        Name of the dump that lies beside the save file.
    command : str
        What made the file, for its head.
    top : str
        Top module.

    Raises
    ------
    SpecError
        The Verilog lacks a signal of the view.
    """
    ranges = declared(verilog, top)
    lines = [
        f"[*] Waves of {top}. Made by: {command}",
        "[*] Generated files belong to whoever generated them: use and change this one freely.",
        f'[dumpfile] "{dump}"',
        "[timestart] 0",
        "[signals_width] 260",
    ]
    for title, signals in GROUPS:
        lines += [f"@{_BLANK:x}", f"-{title}"]
        for path, form in signals:
            if path not in ranges:
                raise SpecError(
                    f"signal {top}.{path} is not in the Verilog; a core that `drai-hw rtl` wrote "
                    "is needed for a view of its waves"
                )
            lines += [f"@{form:x}", f"{top}.{path}{ranges[path]}"]
            if form & _STEPS:
                lines += [f"@{_TALLER:x}", *["-"] * _CURVE_LINES]
    return "\n".join(lines) + "\n"
