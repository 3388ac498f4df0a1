"""Views of waves: files for GTKWave and Surfer that show what a core does, in its order."""

from __future__ import annotations

import re
from collections.abc import Iterable

from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats
from drai_hw.rtl.emit import NAME
from drai_hw.sim.state_view import NAME as STATE
from drai_hw.sim.state_view import weights_of_lane

# How GTKWave shows a value: the bits of a trace's flags (analog.h of its sources).
_HEX, _DECIMAL, _BINARY = 0x2, 0x4, 0x8
_RIGHT, _BLANK, _SIGNED, _STEPS, _TALLER = 0x20, 0x200, 0x400, 0x8000, 0x20000
BINARY = _BINARY | _RIGHT
HEXADECIMAL = _HEX | _RIGHT
UNSIGNED = _DECIMAL | _RIGHT
SIGNED = _SIGNED | _RIGHT
CURVE = UNSIGNED | _STEPS
_GROUP, _GROUP_END, _CLOSED = 0x800000, 0x1000000, 0x400000
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


def wave_view(
    verilog: str, *, dump: str, command: str, top: str = NAME, state: Formats | None = None
) -> str:
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
    state : Formats, optional
        The core's, if the dump has the signals of `drai_hw.sim.state_view`: then the view has all
        phases as analogue traces, and for each lane a closed group with its weights.

    Raises
    ------
    SpecError
        The Verilog lacks a signal of the view.
    """
    lines = [
        f"[*] Waves of {top}. Made by: {command}",
        "[*] Generated files belong to whoever generated them: use and change this one freely.",
        f'[dumpfile] "{dump}"',
        "[timestart] 0",
        "[signals_width] 260",
    ]
    for title, signals in _shown(verilog, top):
        lines += [f"@{_BLANK:x}", f"-{title}"]
        lines += _traces(signals)
    for title, signals, closed in _state_groups(state) if state else ():
        folded = _CLOSED if closed else 0
        lines += [f"@{_GROUP | folded | _BLANK:x}", f"-{title}"]
        lines += _traces(signals)
        lines += [f"@{_GROUP_END | folded | _BLANK:x}", f"-{title}"]
    return "\n".join(lines) + "\n"


def surfer_view(verilog: str, *, command: str, top: str = NAME, state: Formats) -> str:
    """Return a command file with which Surfer shows the signals of `wave_view` in the same order.

    Parameters
    ----------
    verilog, command, top, state
        As for `wave_view`.

    Raises
    ------
    SpecError
        The Verilog lacks a signal of the view.
    """
    groups = [*_shown(verilog, top), *((t, signals) for t, signals, _ in _state_groups(state))]
    lines = [f"# Waves of {top}. Made by: {command}"]
    for title, signals in groups:
        lines.append(f"divider_add {title}")
        lines += [f"variable_add {path.partition('[')[0]}" for path, _ in signals]
    return "\n".join([*lines, "zoom_fit"]) + "\n"


def _shown(verilog: str, top: str) -> list[tuple[str, list[tuple[str, int]]]]:
    """Return `GROUPS` with the whole names of the signals, ranges included."""
    ranges = declared(verilog, top)
    for path in (path for _, signals in GROUPS for path, _ in signals):
        if path not in ranges:
            raise SpecError(
                f"signal {top}.{path} is not in the Verilog; a core that `drai-hw rtl` wrote "
                "is needed for a view of its waves"
            )
    return [
        (title, [(f"{top}.{path}{ranges[path]}", form) for path, form in signals])
        for title, signals in GROUPS
    ]


def _state_groups(formats: Formats) -> list[tuple[str, list[tuple[str, int]], bool]]:
    """Return title, signals and whether it is closed at first of each group of the state."""
    phase, weight = formats.accumulator_bits - 1, formats.weight_bits - 1
    phases = [(f"{STATE}.phase_{k}[{phase}:0]", CURVE) for k in range(formats.n)]
    groups = [("Phases of all oscillators", phases, False)]
    for lane in range(formats.lanes):
        weights = [
            (f"{STATE}.{name}[{weight}:0]", SIGNED) for _, name in weights_of_lane(formats, lane)
        ]
        groups.append((f"Lane {lane}: its weights", weights, True))
    return groups


def _traces(signals: Iterable[tuple[str, int]]) -> list[str]:
    lines = []
    for path, form in signals:
        lines += [f"@{form:x}", path]
        if form & _STEPS:
            lines += [f"@{_TALLER:x}", *["-"] * _CURVE_LINES]
    return lines
