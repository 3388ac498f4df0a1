"""The circuit of the bench: tanks coupled by conductances that the learning unit sets."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from drai_hw.spice.learning import with_elements
from drai_hw.spice.netlist import upper_pairs
from drai_hw.spice.pyspice import digits
from drai_hw.spice.settings import Circuit, Floats, half_bandwidth
from drai_hw.spice.simulate import create


def pairs_of(n: int) -> list[tuple[int, int]]:
    """Return all pairs i < j, in the order of weights."""
    return upper_pairs(np.ones((n, n)))


def kappa_rad_per_s(circuit: Circuit, n: int, w_max: int) -> float:
    """Return the coupling of weight 1: a full row of largest weights is ``rho`` half bandwidths."""
    return circuit.rho * half_bandwidth(circuit) / (w_max * (n - 1))


def netlist_of(
    circuit: Circuit,
    start_phases_rad: Floats,
    detuning: Floats,
    kappa: float,
    stop_s: float,
) -> tuple[str, list[str]]:
    """
    Return the netlist, and the names of its external sources, a pair each.

    A weight of w LSB is w volt on a node, set by an external source. Two branches between equal
    sides have the conductance ``2 C kappa w`` where w > 0, two between unequal sides that of
    ``-w`` where w < 0: resistors that a digital word sets.

    Parameters
    ----------
    circuit : Circuit
        Settings of the tanks.
    start_phases_rad, detuning : ndarray, shape (N,)
        Start phases; relative deviations of frequency.
    kappa : float
        rad/s of weight 1, see `kappa_rad_per_s`.
    stop_s : float
        End of the run.
    """
    n = start_phases_rad.size
    base = create(
        np.zeros((n, n)), replace(circuit, kind="lc"), start_phases=start_phases_rad,
        detuning=detuning, name="mixed",
    )  # fmt: skip
    unit_s = digits(2.0 * circuit.capacitance_f * kappa)
    lines, sources = ["* BEHAVIOURAL couplings: conductances that external sources set"], []
    for i, j in pairs_of(n):
        node = f"w{i}_{j}"
        sources.append(f"v{node}")
        lines.append(f"V{node} {node} 0 external")
        for sign, crossed in (("", False), ("-", True)):
            for a, b in (("p", "n" if crossed else "p"), ("n", "p" if crossed else "n")):
                x, y = f"{a}{i}", f"{b}{j}"
                conductance = f"{unit_s!r}*max({sign}v({node}),0)"
                lines.append(f"B{node}{a}{b} {x} {y} i={conductance}*v({x},{y})")
    saved = [f"v({side}{i})" for i in range(n) for side in "pn"]
    saved += [f"v({name[1:]})" for name in sources]
    text = with_elements(base, lines, saved)
    step_s = 1.0 / (circuit.f0_hz * circuit.points_per_cycle)
    head, _, _ = text.partition("\n.tran")
    return f"{head}\n.tran {step_s:.12g} {stop_s:.12g} 0 {step_s:.12g} uic\n.end\n", sources
