"""Phases and amplitudes of coupled tanks: the phase model's next order in the coupling."""

from __future__ import annotations

import numpy as np
from scipy.integrate import solve_ivp

from drai_hw.errors import SpecError
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.require import require_behavioural
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU

ACCURACY = 1e-9


def vdp_number(circuit: Circuit) -> float:
    """Return eps = (g1 - 1/R) sqrt(2L/C) of an uncoupled tank, dimensionless."""
    return (circuit.gain - 1.0) / circuit.q


def settled_start_rad(netlist: Netlist, start_rad: Floats | None = None) -> Floats:
    """
    Return the phases that uncoupled tanks take up from the start of a netlist.

    A netlist starts every tank on the circle v = A cos(phi), i = A sin(phi)/(omega L). The limit
    cycle has a third harmonic, v = A (cos(phi) - (eps/8) sin(3 phi)), so the start lies beside it
    and settles at phi + (eps/24)(cos(4 phi) - 2 cos(2 phi)): not the same for all, and up to
    0.008 rad at eps = 1/16.

    Parameters
    ----------
    netlist : Netlist
        Of tanks.
    start_rad : ndarray, shape (N,), optional
        Start phases; the netlist's by default.

    Raises
    ------
    SpecError
        The netlist is not one of tanks.

    References
    ----------
    van der Pol oscillator to first order in eps (Lindstedt-Poincare), projected with its phase
    response -sin(phi)/A.
    """
    _tanks(netlist)
    phi = netlist.start_phases_rad if start_rad is None else np.asarray(start_rad, dtype=float)
    eps = vdp_number(netlist.circuit)
    return phi + eps / 24.0 * (np.cos(4.0 * phi) - 2.0 * np.cos(2.0 * phi))


def predict_amplitudes(
    netlist: Netlist, time_s: Floats, *, start_rad: Floats | None = None
) -> tuple[Floats, Floats]:
    """
    Return phases and relative amplitudes of a network of tanks (Stuart-Landau equations).

    The phase model takes all amplitudes as equal. Couplings change them by about
    rho/(2 (gain - 1)), and with them the pull on others (A_j/A_i) and the own frequency. With
    z = (A/A_0) exp(i phi) of each tank, averaged over a period::

        z' = [(g - 3/4 g3 A_0^2 |z|^2)/C + i (d - omega eps^2/16 (|z|^4 - 1))] z
             + sum_j Y_ij/(2C) (s_ij z_j - z_i)

    where g is g1 (and an ideal negative conductance) less loss, d the detuning, s the sign of a
    weight, Y the admittance of a branch. The shift by |z|^4 is the third harmonic's; where
    amplitudes follow at once it is the lag eps/4 of the phase model.

    Parameters
    ----------
    netlist : Netlist
        Of tanks without banks.
    time_s : ndarray, shape (T,)
        Increasing times.
    start_rad : ndarray, shape (N,), optional
        Phases at the first of these times, amplitudes A_0; where the netlist's start settles by
        default (`settled_start_rad`).

    Returns
    -------
    phases_rad, amplitudes : ndarray, shape (T, N)
        Phases in the frame that turns at the free-running frequency; amplitudes in units of A_0.

    Raises
    ------
    SpecError
        The netlist is not one of tanks, or has banks.

    References
    ----------
    Krylov and Bogoliubov's averaging of the van der Pol oscillator.
    """
    values = differential(netlist)
    circuit = netlist.circuit
    parts = netlist.parts
    admittance = parts.branch.admittance(TAU * circuit.f0_hz)
    pull = admittance * (parts.straight_s - parts.crossed_s)
    pull /= 2.0 * values["capacitance_f"][:, None]
    net = values["net_s"] / values["capacitance_f"]
    cubic = 0.75 * values["g3_s_per_v2"] * circuit.amplitude_v**2 / values["capacitance_f"]
    omega = TAU * circuit.f0_hz
    turn = omega * vdp_number(circuit) ** 2 / 16.0
    size = (parts.straight_s + parts.crossed_s).sum(axis=1) / (2.0 * values["capacitance_f"])
    # the damping part of the load is in net
    detuned = omega * np.asarray(netlist.detuning) - admittance.imag * size

    def rate(_: float, z: Floats) -> Floats:
        square = z.real**2 + z.imag**2
        own = net - cubic * square + 1j * (detuned - turn * (square * square - 1.0))
        return np.asarray(own * z + pull @ z)

    # a step that tries more than this blows up before it is rejected
    fastest = float((np.abs(net) + 3.0 * cubic + np.abs(pull).sum(axis=1)).max())
    start = settled_start_rad(netlist) if start_rad is None else np.asarray(start_rad, dtype=float)
    found = solve_ivp(
        rate, (time_s[0], time_s[-1]), np.exp(1j * start),
        method="DOP853", t_eval=time_s, rtol=ACCURACY, atol=ACCURACY,
        max_step=1.0 / fastest,
    )  # fmt: skip
    z = found.y.T
    return np.unwrap(np.angle(z), axis=0), np.abs(z)


def differential(netlist: Netlist) -> dict[str, Floats]:
    """
    Return what acts between the two sides of each tank.

    Parameters
    ----------
    netlist : Netlist
        Of tanks with equal capacitors on both sides and equal branches in a pair, whose common
        mode therefore stays 0.

    Returns
    -------
    dict
        ``capacitance_f`` (of each side), ``inductance_h``, ``g3_s_per_v2`` and ``net_s``, the
        linear conductance that feeds the tank less all that damps it; each of shape (N,).

    Raises
    ------
    SpecError
        The netlist is not one of tanks, or has banks or unequal sides.
    """
    _tanks(netlist)
    values, parts = netlist.parts.values, netlist.parts
    sides_f = values["capacitance_f"]
    if values["bank_s"].any() or not np.array_equal(sides_f[:, 0], sides_f[:, 1]):
        raise SpecError(
            "tanks with banks or unequal sides have a common mode: given are such tanks, needed "
            "is the same capacitor on both sides; run the netlist in ngspice instead"
        )
    seen_s = parts.branch.damping * (parts.straight_s + parts.crossed_s).sum(axis=1) / 2.0
    loss_s = 1.0 / values["loss_ohm"] + 0.5 / values["bleed_ohm"]
    return {
        "capacitance_f": sides_f[:, 0],
        "inductance_h": values["inductance_h"],
        "g3_s_per_v2": values["g3_s_per_v2"],
        "net_s": values["g1_s"] + values["ideal_s"] - loss_s - seen_s,
    }


def _tanks(netlist: Netlist) -> None:
    if netlist.kind != "lc":
        raise SpecError(f"a netlist of kind {netlist.kind!r}: needed is one of tanks, kind 'lc'")
    require_behavioural(netlist.circuit, "the equations of tanks have")
