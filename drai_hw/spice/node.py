"""Capacitance of a ring's node against its voltage, by a small-signal run without a ring."""

from __future__ import annotations

import numpy as np

from drai_hw.spice.point import small_signal
from drai_hw.spice.settings import Floats
from drai_hw.spice.transistors import Transistors


def node_farad(
    transistors: Transistors, load_f: float, volt: Floats, *, corner: str = "typical",
    temperature_c: float = 27.0, vdd_v: float | None = None, frequency_hz: float = 1e6,
) -> Floats:  # fmt: skip
    """
    Return the capacitance of a ring's node at given voltages, by small-signal runs without a ring.

    A driving and a driven inverter with every node held by a source. The node moves by v, both its
    neighbours by -v: charges are functions of the voltages, so the integral from rail to rail is
    the charge of an edge, whatever the order in which the nodes of a real ring move.

    Parameters
    ----------
    transistors : Transistors
        The set.
    load_f : float
        Capacitor at the node.
    volt : ndarray
        Voltages of the node; its neighbours stand at VDD less this.
    corner : str
        Corner of the models.
    temperature_c : float
        Temperature.
    vdd_v : float, optional
        Supply; that of the set when omitted.
    frequency_hz : float
        Of the small signal; the capacitances are quasi-static.

    Returns
    -------
    ndarray
        Farad.
    """
    supply_v = transistors.vdd_v if vdd_v is None else vdd_v
    lines = ["small signal of a node", f".temp {temperature_c:g}", *transistors.cards(corner),
             f"Vdd vdd 0 {supply_v!r}"]  # fmt: skip
    for k, at_v in enumerate(volt):
        lines += [
            f"Vx{k} x{k} 0 dc {float(at_v)!r} ac 1",
            f"Vb{k} b{k} 0 dc {supply_v - float(at_v)!r} ac -1",
            f"Vo{k} o{k} 0 dc {supply_v - float(at_v)!r} ac -1",
            *([f"C{k} x{k} 0 {load_f!r}"] if load_f else []),
            *transistors.inverter(f"b{k}", f"b{k}", f"x{k}"),
            *transistors.inverter(f"o{k}", f"x{k}", f"o{k}"),
            f".save i(vx{k})",
        ]
    lines += [f".ac lin 1 {frequency_hz!r} {frequency_hz!r}", ".end", ""]
    found = small_signal("\n".join(lines))
    current = np.array([found[f"i(vx{k})"] for k in range(len(volt))])
    return np.asarray(-current.imag / (2.0 * np.pi * frequency_hz))
