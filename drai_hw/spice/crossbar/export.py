"""A crossbar as a netlist that ngspice reads, and what ngspice says about it."""

from __future__ import annotations

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice.crossbar.array import Crossbar
from drai_hw.spice.netlist import header
from drai_hw.spice.point import operating_point
from drai_hw.spice.settings import Floats


def netlist(
    array: Crossbar, input_v: Floats, *, name: str = "crossbar", command: str = "netlist()"
) -> str:
    """
    Return the netlist of a crossbar with one input.

    Every output has a source of 0 V, ``vo<j>``, whose current is the output's. An open device is
    left out; a line without resistance is one node.

    Parameters
    ----------
    array : Crossbar
        The crossbar.
    input_v : ndarray, shape (m,)
        Volts at the word lines.
    name : str
        For the title.
    command : str
        What made it, for the head.

    Raises
    ------
    SpecError
        The input is no vector of m voltages.
    """
    g = array.conductance_s
    m, n = g.shape
    if np.shape(input_v) != (m,):
        raise SpecError(f"input of shape {np.shape(input_v)}; a netlist has one, needed is ({m},)")
    word = [[f"w{i}_{j}" if array.word_ohm else f"in{i}" for j in range(n)] for i in range(m)]
    bit = [[f"b{i}_{j}" if array.bit_ohm else f"out{j}" for j in range(n)] for i in range(m)]
    notes = [
        f"{m} word lines driven from the left, {n} bit lines held at 0 V at the bottom",
        f"wire segments {array.word_ohm:.12g} ohm (word), {array.bit_ohm:.12g} ohm (bit)",
        "output current j: i(vo<j>)",
    ]
    lines = [f"{name}: crossbar {m} x {n}", *(f"* {t}" for t in header(name, command, notes))]
    lines += [f"vi{i} in{i} 0 dc {float(v):.17g}" for i, v in enumerate(input_v)]
    lines += [f"vo{j} out{j} 0 dc 0" for j in range(n)]
    if array.word_ohm:
        for i in range(m):
            nodes = [f"in{i}", *word[i]]
            lines += [f"rw{i}_{j} {nodes[j]} {nodes[j + 1]} {array.word_ohm:.17g}"
                      for j in range(n)]  # fmt: skip
    if array.bit_ohm:
        for j in range(n):
            nodes = [*(row[j] for row in bit), f"out{j}"]
            lines += [f"rb{i}_{j} {nodes[i]} {nodes[i + 1]} {array.bit_ohm:.17g}"
                      for i in range(m)]  # fmt: skip
    for i, j in np.argwhere(g > 0):
        lines.append(f"rd{i}_{j} {word[i][j]} {bit[i][j]} {1.0 / g[i, j]:.17g}")
    lines += [".save " + " ".join(f"i(vo{j})" for j in range(k, min(k + 8, n)))
              for k in range(0, n, 8)]  # fmt: skip
    return "\n".join([*lines, ".op", ".end", ""])


def ngspice_currents(array: Crossbar, input_v: Floats, *, timeout_s: float = 600.0) -> Floats:
    """
    Return the output currents that ngspice finds, shape (n,), ampere.

    Parameters
    ----------
    array, input_v
        As of `netlist`.
    timeout_s : float
        Longest run; ngspice's own solver is slow on meshes, take 64 x 64 at most.
    """
    found = operating_point(netlist(array, input_v), timeout_s=timeout_s)
    return np.array([found[f"i(vo{j})"] for j in range(array.conductance_s.shape[1])])
