"""Heat in the switches of tuning banks and energy in their capacitors, whatever the waveform."""

from __future__ import annotations

import numpy as np

from drai_hw.spice.bank import Banks
from drai_hw.spice.settings import Floats


def bank_energy_j(banks: Banks, time_s: Floats, sides_v: Floats) -> tuple[float, float]:
    """
    Return the heat in the switches of a run, and the change of what is stored in the banks.

    The node between capacitor and switch is not saved: it follows from the side's voltage, taken
    as straight between two points of time. Closed, ``u' + u/T = a v'`` with ``T = R (C + C_off)``
    and ``a = C/(C + C_off)``; open, ``u = a (v - v(0))``, the leakage left out. Both start at
    ``u = 0``, as in the netlist.

    Parameters
    ----------
    banks : Banks
        The banks.
    time_s : ndarray, shape (T,)
        Times.
    sides_v : ndarray, shape (T, N, 2)
        Voltage of the sides that have the banks.
    """
    heat_j = stored_j = 0.0
    step_s, steps_v = np.diff(time_s), np.diff(sides_v, axis=0)
    for k in range(banks.bank.bits):
        switch = banks.bank.switch.wider(2.0**k)
        off_f, own_f = switch.off_f + switch.overlap_f, banks.own_f(k)
        part, lasts_s = own_f / (own_f + off_f), switch.on_ohm * (own_f + off_f)
        inner_v = part * (sides_v - sides_v[0])
        closed = banks.closed(k)
        u_v = np.zeros_like(inner_v[0])
        for row, (step, moved_v) in enumerate(zip(step_s, steps_v, strict=True), 1):
            if step > 0:
                kept = np.exp(-step / lasts_s)
                u_v = u_v * kept + part * moved_v * lasts_s / step * (1.0 - kept)
            inner_v[row, closed] = u_v[closed]
        heat_w = (inner_v[:, closed] ** 2).sum(axis=(1, 2)) / switch.on_ohm
        heat_j += float(np.trapezoid(heat_w, time_s))
        for sign, row in ((-1.0, 0), (1.0, -1)):
            each_j = 0.5 * own_f * (sides_v[row] - inner_v[row]) ** 2
            each_j += 0.5 * off_f * inner_v[row] ** 2
            stored_j += sign * float(each_j.sum())
    return heat_j, stored_j
