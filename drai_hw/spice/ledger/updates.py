"""Energy of one weight update: a programming pulse through a switch into a memristor."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq

from drai_hw.errors import SpecError
from drai_hw.spice.engine import simulate
from drai_hw.spice.memristors import MODELS, Model

WRITE_V = {
    "vteam": (-0.3, 0.03),
    "yakopcic": (0.975, -0.84),
    "stanford_pku": (1.8, -1.8),
    "mean_mss": (0.5, -0.5),
}
"""Voltages of a pulse that lowers and one that raises the resistance: about 1.5 thresholds."""
SWITCH_OHM = 100.0
STEP = 1.0 / 31.0
"""Change of the state that is asked for: one of 31 steps, the range of a 6-bit weight's half."""
_POINTS = 400


@dataclass(frozen=True)
class Update:
    """
    Hold one programming pulse.

    Parameters
    ----------
    model : str
        The device.
    write_v : float
        Of the driver.
    width_s : float
        Length of the pulse, from the device's equations.
    asked, changed : float
        Change of the state that was asked for, and what ngspice shows.
    delivered_j, device_j, switch_j : float
        From the driver; heat in the device; heat in the switch.
    """

    model: str
    write_v: float
    width_s: float
    asked: float
    changed: float
    delivered_j: float
    device_j: float
    switch_j: float

    @property
    def balance(self) -> float:
        """Return (delivered - device - switch) / delivered."""
        return 1.0 - (self.device_j + self.switch_j) / self.delivered_j


def _device_v(model: Model, write_v: float, state: float) -> float:
    """Return the voltage across the device behind the switch."""

    def left_v(device_v: float) -> float:
        return write_v - device_v - SWITCH_OHM * float(model.current_a(device_v, state))

    return float(brentq(left_v, 0.0, write_v, xtol=1e-15))


def pulse_s(model: Model, write_v: float, state: float, step: float) -> float:
    """
    Return how long a pulse has to be to move the state by a step.

    Parameters
    ----------
    model : Model
        The device.
    write_v : float
        Of the driver, behind the switch.
    state, step : float
        Start, and change without its sign.

    Raises
    ------
    SpecError
        The voltage does not move the state.
    """
    sign = np.sign(float(model.rate_per_s(_device_v(model, write_v, state), state)))
    if sign == 0:
        raise SpecError(
            f"{model.name}: {write_v:g} V behind {SWITCH_OHM:g} ohm does not move the state; "
            f"needed is more than its threshold ({model.lower_threshold_v():g} V)"
        )
    states = state + sign * np.linspace(0.0, step, 201)
    rates = [float(model.rate_per_s(_device_v(model, write_v, x), x)) for x in states]
    return float(np.trapezoid(1.0 / np.abs(rates), dx=step / 200))


def update(name: str, write_v: float, *, state: float = 0.5, step: float = STEP) -> Update:
    """
    Program one device by one pulse in ngspice.

    Parameters
    ----------
    name : str
        Of the model, with its published parameters.
    write_v : float
        Of the driver.
    state, step : float
        Start, and the change asked for.

    Raises
    ------
    SpecError
        The voltage does not move the state.
    ConvergenceError, ToolError
        As in `drai_hw.spice.engine.simulate`.
    """
    model = MODELS[name]
    width_s = pulse_s(model, write_v, state, step)
    edge_s = width_s / 1000.0
    # two half edges of a trapezoid are one width
    text = "\n".join(
        [
            "a programming pulse",
            model.subcircuit(),
            f"Vw w 0 pulse(0 {write_v!r} {edge_s!r} {edge_s!r} {edge_s!r} {width_s - edge_s!r} 1)",
            f"Rs w d {SWITCH_OHM!r}",
            model.instance("m", "d", "0", x0=state),
            ".options method=trap reltol=1e-6",
            ".save v(w) v(d) v(xm.x) i(vw)",
            f".tran {width_s / _POINTS!r} {1.02 * width_s!r} 0 {width_s / _POINTS!r}",
            ".end",
            "",
        ]
    )
    waves = simulate(text, stop_s=1.02 * width_s * 0.999, expected_points=_POINTS, vectors=4,
                     name="pulse")  # fmt: skip
    driver_v, device_v, x, current = waves.select(["v(w)", "v(d)", "v(xm.x)", "i(vw)"]).T
    device_a = np.asarray(model.current_a(device_v, x))
    return Update(
        model=name,
        write_v=write_v,
        width_s=width_s,
        asked=step,
        changed=float(abs(x[-1] - x[0])),
        delivered_j=float(np.trapezoid(-current * driver_v, waves.time_s)),
        device_j=float(np.trapezoid(device_a * device_v, waves.time_s)),
        switch_j=float(np.trapezoid((driver_v - device_v) ** 2 / SWITCH_OHM, waves.time_s)),
    )


def updates() -> list[Update]:
    """Return both directions of every published device with a threshold."""
    return [update(name, volt) for name, pair in WRITE_V.items() for volt in pair]
