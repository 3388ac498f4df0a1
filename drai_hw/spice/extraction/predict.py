"""The float model in the place of a circuit: phases that an extracted map predicts."""

from __future__ import annotations

import math

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.model.coupling import FourierCoupling, keys_of
from drai_hw.model.reference import Reference
from drai_hw.spec import validate
from drai_hw.spice.extraction.phasemap import PhaseMap
from drai_hw.spice.netlist import Netlist
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU, wrap_rad

STEP_RAD = 0.01


def predict(
    found: PhaseMap,
    netlist: Netlist,
    time_s: Floats,
    *,
    start_rad: Floats | None = None,
    step_rad: float = STEP_RAD,
) -> Floats:
    """
    Return the phases of a netlist's network by the float model with an extracted coupling.

    Parameters
    ----------
    found : PhaseMap
        Extracted at the settings of the netlist; it must have a coupling.
    netlist : Netlist
        For its conductances, their signs and its detuning.
    time_s : ndarray, shape (T,)
        Increasing times.
    start_rad : ndarray, shape (N,), optional
        Phases at the first of these times; the netlist's start phases by default.
    step_rad : float
        Phase advance of a step by a full row sum: Euler's error is of its order.

    Returns
    -------
    ndarray, shape (T, N)
        Phases in the frame that turns at the free-running frequency.

    Raises
    ------
    SpecError
        The map has no coupling.
    """
    if not found.sine:
        raise SpecError(
            f"a phase map by {found.way} has no coupling: give one by phase response or pair "
            "transient"
        )
    conductance_s = netlist.parts.pull_s
    row_sum_s = float(np.abs(conductance_s).sum(axis=1).max())
    rate_hz = found.unit_per_siemens * row_sum_s  # kappa R in rad/s
    return trajectory(
        found.coupling,
        conductance_s / row_sum_s,
        netlist.start_phases_rad if start_rad is None else start_rad,
        (time_s - time_s[0]) * rate_hz,
        detuning=TAU * found.frequency_hz * netlist.detuning / rate_hz,
        step_rad=step_rad,
    )


def trajectory(
    coupling: FourierCoupling,
    weights: Floats,
    start_rad: Floats,
    at: Floats,
    *,
    detuning: Floats,
    step_rad: float = STEP_RAD,
) -> Floats:
    """
    Return the phases of a network by the float model.

    Parameters
    ----------
    coupling : FourierCoupling
        H in units of kappa R; to six decimals, as in a network file.
    weights : ndarray, shape (N, N)
        In units of the largest row sum.
    start_rad : ndarray, shape (N,)
        Phases at time 0.
    at : ndarray, shape (T,)
        Increasing times from 0 in units of 1/(kappa R).
    detuning : ndarray, shape (N,)
        In units of kappa R.
    step_rad : float
        Phase advance of a step by a full row sum.

    Returns
    -------
    ndarray, shape (T, N)
        Unwrapped, the first within a turn.
    """
    spec = validate(
        {
            "schema": 1,
            "network": {"name": "predicted", "oscillators": len(start_rad)},
            "dynamics": {
                **keys_of(coupling.sine, coupling.cosine),
                "frequencies": [float(d) for d in detuning],
            },
            "task": {"kind": "lock"},
        },
        "extracted phase map",
    )
    model = Reference(spec)
    model.weights = weights
    model.phases_rad = np.array(start_rad)
    steps = math.ceil(at[-1] / step_rad) + 1
    trace = [np.mod(model.phases_rad, TAU)]
    model.run(steps, shil=False, step_rad=step_rad, trace=trace)
    table = np.unwrap(np.array(trace), axis=0)
    return np.column_stack([np.interp(at / step_rad, np.arange(steps + 1), phi) for phi in table.T])


def rms_rad(first_rad: Floats, second_rad: Floats) -> Floats:
    """Return the rms over oscillators of the difference of two runs, at each time.

    One common phase is taken off at each time: a network does not know it.

    Parameters
    ----------
    first_rad, second_rad : ndarray, shape (T, N)
        Phases.
    """
    difference = np.asarray(first_rad) - np.asarray(second_rad)
    common = np.angle(np.exp(1j * difference).mean(axis=1))
    return np.sqrt(np.mean(wrap_rad(difference - common[:, None]) ** 2, axis=1))
