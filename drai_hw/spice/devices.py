"""The level-1 transistor set of the rings and its square law, for netlists and energies alike."""

from __future__ import annotations

import numpy as np

from drai_hw.spice.settings import Floats

# A made-up device set for closed-form checks, not a technology: level 1, square law.
THRESHOLD_V = 0.45
NMOS_KP_A_PER_V2 = 300e-6
PMOS_KP_A_PER_V2 = 100e-6
NMOS_WIDTH_M = 1e-6
PMOS_WIDTH_M = 3e-6
LENGTH_M = 0.18e-6


def stage_current_a(vdd_v: float) -> float:
    """
    Return the saturation current of a stage's inverter with its gate at the supply.

    Parameters
    ----------
    vdd_v : float
        Supply in volt.

    Returns
    -------
    float
        Ampere, square law; both transistors are sized to the same current.
    """
    return 0.5 * NMOS_KP_A_PER_V2 * (NMOS_WIDTH_M / LENGTH_M) * (vdd_v - THRESHOLD_V) ** 2


def drain_current_a(gate_v: Floats, drain_v: Floats, gain_a_per_v2: float) -> Floats:
    """
    Return the channel current of an n-type level-1 transistor without channel-length modulation.

    Parameters
    ----------
    gate_v, drain_v : ndarray
        Voltages to the source; a negative drain voltage swaps source and drain.
    gain_a_per_v2 : float
        KP W / L.

    Returns
    -------
    ndarray
        Ampere into the drain.

    References
    ----------
    Shichman and Hodges, IEEE J. Solid-State Circuits 3 (1968) 285.
    """
    swapped = drain_v < 0
    across = np.abs(drain_v)
    over = np.maximum(np.where(swapped, gate_v - drain_v, gate_v) - THRESHOLD_V, 0.0)
    held = np.minimum(across, over)
    current = gain_a_per_v2 * held * (over - 0.5 * held)
    return np.where(swapped, -current, current)


def inverter_heat_w(
    gate_v: Floats, drain_v: Floats, vdd_v: float, width: float, skew: float = 1.0
) -> Floats:
    """
    Return the heat in both transistors of an inverter.

    Parameters
    ----------
    gate_v, drain_v : ndarray
        Input and output voltage to ground.
    vdd_v : float
        Supply.
    width : float
        Relative width.
    skew : float
        Relative width of the p-type on top of that.

    Returns
    -------
    ndarray
        Watt.
    """
    pull_down = width * NMOS_KP_A_PER_V2 * NMOS_WIDTH_M / LENGTH_M
    pull_up = width * skew * PMOS_KP_A_PER_V2 * PMOS_WIDTH_M / LENGTH_M
    low = drain_current_a(gate_v, drain_v, pull_down) * drain_v
    high = drain_current_a(vdd_v - gate_v, vdd_v - drain_v, pull_up) * (vdd_v - drain_v)
    return low + high
