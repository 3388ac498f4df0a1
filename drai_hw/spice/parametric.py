"""A netlist as its file has it: values by name in `.param`, and measurements."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping

from drai_hw.spice.pyspice import digits
from drai_hw.spice.settings import Floats

WINDOW_CYCLES = 5
"""Periods at the end of a run that are measured."""
UNIT = "unit_ohm"
"""Parameter: resistor of a branch of weight 1."""
CROSSED = "crossed_ohm"
"""Parameter: that of a branch of weight -1, where it is another one."""
_VALUE = {"C": "_f", "L": "_h", "R": "_ohm", "V": "_v"}
_SIZE = re.compile(r"\b([wl])=(\S+)")
_BRANCH = re.compile(r"w(\d+)_(\d+)_[pn]+")
_NUMBER = re.compile(r"(?<![\w.])\d+\.?\d*(?:e[-+]?\d+)?(?![\w.])")
_ROUNDED = 2e-11


def parametric(
    text: str,
    parameters: Mapping[str, float],
    weights: Floats,
    measurements: list[str],
) -> str:
    """
    Return a netlist with named values and measurements, which ngspice and Xyce read as it is.

    An element that has a parameter's value, to all 12 digits, gets its name; others keep their
    number: a deviating one, or a snapped resistor. A coupling resistor is written as the unit over
    its weight. Names end in a unit, which says what elements they are looked for in: ``_f``
    capacitors, ``_h`` inductors, ``_ohm`` resistors, ``_v`` sources, ``_m`` transistors, ``_s`` and
    ``_s_per_v2`` behavioural sources.

    Xyce ends at a ``.save`` line with a node and at ``.options`` without a package. Without the
    first ngspice keeps all nodes; of the package's name it takes no notice.

    Parameters
    ----------
    text : str
        Netlist of plain numbers, as the builders make it.
    parameters : mapping of str to float
        Values by name, in the order of the file.
    weights : ndarray, shape (N, N)
        Dimensionless weights, for the coupling resistors.
    measurements : list of str
        ``.meas`` lines.
    """
    values = {name: digits(value) for name, value in parameters.items()}
    lines = []
    declared = False
    for line in text.splitlines():
        if line.startswith(".save "):
            continue
        if line.startswith(".options "):
            line = line.replace(".options ", ".options timeint ", 1)
        elif line == ".end":
            lines += measurements
        elif line and line[0] in "CLRVMB":
            if not declared:
                lines += _told(UNIT in values)
                lines += [f".param {name}={value!r}" for name, value in values.items()]
                declared = True
            line = _named(line, values, weights)
        lines.append(line)
    return "\n".join([*lines, ""])


def _told(unit: bool) -> list[str]:
    branch = f"; a coupling resistor is {UNIT} over its weight" if unit else ""
    return [
        f"* Values that elements share have names{branch}.",
        f"* Measured over the last {WINDOW_CYCLES} periods: behind<i>_s, by how much oscillator "
        "i rises after oscillator 0.",
    ]


def _named(line: str, values: Mapping[str, float], weights: Floats) -> str:
    kind = line[0]
    if kind == "M":
        widths = _having(values, "_m")
        return _SIZE.sub(lambda m: f"{m[1]}={_name(m[2], widths)}", line)
    if kind == "B":
        head, _, current = line.partition(" i=")
        gains = _having(values, "_s") | _having(values, "_s_per_v2")
        return f"{head} i={{{_NUMBER.sub(lambda m: _bare(m[0], gains), current)}}}"
    words = line.split(" ")
    branch = _BRANCH.fullmatch(words[0][1:])
    if kind == "R" and branch and UNIT in values:
        weight = float(weights[int(branch[1]), int(branch[2])])
        unit = CROSSED if weight < 0 and CROSSED in values else UNIT
        words[3] = _branch(words[3], unit, values[unit], weight)
    else:
        units = (UNIT, CROSSED)
        own = {name: v for name, v in _having(values, _VALUE[kind]).items() if name not in units}
        words[3] = _name(words[3], own)
    return " ".join(words)


def _having(values: Mapping[str, float], unit: str) -> dict[str, float]:
    return {name: value for name, value in values.items() if name.endswith(unit)}


def _number(token: str) -> float:
    """Return a plain number; nan for what somebody added in another notation."""
    try:
        return float(token)
    except ValueError:
        return math.nan


def _bare(token: str, values: Mapping[str, float]) -> str:
    return next((name for name, value in values.items() if _number(token) == value), token)


def _name(token: str, values: Mapping[str, float]) -> str:
    found = _bare(token, values)
    return token if found == token else f"{{{found}}}"


def _branch(token: str, unit: str, unit_ohm: float, weight: float) -> str:
    size = abs(digits(weight))
    # three roundings to 12 digits, each below 5e-12
    if size == 0 or not abs(unit_ohm / size / _number(token) - 1.0) < _ROUNDED:
        return token
    return f"{{{unit}}}" if size == 1.0 else f"{{{unit}/{size:.12g}}}"


def measured(nodes: list[str], level_v: str, nominal_hz: float, stop_s: float) -> list[str]:
    """
    Return ``.meas`` lines: period and extremes of the first node, and by how much others follow it.

    The time between two rises is below one period to either side; times 2 pi over the period it is
    how far an oscillator's phase lies behind the first one's.

    Parameters
    ----------
    nodes : list of str
        One of each oscillator.
    level_v : str
        Voltage whose crossing counts; a parameter's expression in braces, or a number.
    nominal_hz, stop_s : float
        About the frequency, and the end of the run: its last 5 periods are looked at.
    """
    begin = f"{stop_s - WINDOW_CYCLES / nominal_hz:.9g}"
    first = nodes[0]

    def crossing(which: str, node: str, rise: int) -> str:
        return f"{which} v({node}) val={level_v} rise={rise} td={begin}"

    def after(name: str, node: str, rise: int = 1) -> str:
        return f".meas tran {name} {crossing('trig', first, 1)} {crossing('targ', node, rise)}"

    span = f"from={begin} to={stop_s:.9g}"
    return [
        after("period_s", first, 2),
        *(f".meas tran {name}_v {name} v({first}) {span}" for name in ("max", "min")),
        *(after(f"behind{i}_s", node) for i, node in enumerate(nodes) if i),
    ]
