"""What the learning rule says a synapse does: a device's update curve and the phase model."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from drai_hw.spice.engine import simulate
from drai_hw.spice.learning import Synapse
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU


@dataclass(frozen=True)
class Curve:
    """
    Hold what one pulse does to one device, from runs of the device alone.

    Parameters
    ----------
    states : ndarray, shape (X,)
        States before the pulse.
    widths : ndarray, shape (W,)
        Widths of the pulse in shares of the longest.
    change : ndarray, shape (2, X, W)
        Change of the state by a positive and by a negative pulse.
    """

    states: Floats
    widths: Floats
    change: Floats

    def step(self, state: float, g: float) -> float:
        """Return the change of a state by a pulse of width |g| with the sign of g."""
        table = self.change[0 if g >= 0 else 1]
        by_width = np.array([np.interp(abs(g), self.widths, row) for row in table])
        return float(np.interp(state, self.states, by_width))


def device_curve(
    synapse: Synapse, circuit: Circuit | None = None, *, timeout_s: float = 600.0
) -> Curve:
    """
    Return the update curve of the memristor, from single devices that get one ideal pulse each.

    Parameters
    ----------
    synapse : Synapse
        Device and pulse height.
    circuit : Circuit, optional
        Tanks, for the length of a period.
    timeout_s : float
        Wall-clock limit.
    """
    period_s = 1.0 / (circuit or Circuit()).f0_hz
    longest_s, edge_s = synapse.window_cycles * period_s, period_s / 100.0
    states, widths = np.linspace(0.02, 0.98, 17), np.linspace(0.0, 1.0, 6)
    lines = ["update curve of single devices"]
    names: list[str] = []
    for sign in (1, -1):
        for state in states:
            for width in widths[1:]:
                tag = f"d{len(names)}"
                height_v, flat_s = sign * synapse.write_v, float(width) * longest_s - edge_s
                lines.append(
                    f"V{tag} w{tag} 0 pulse(0 {height_v!r} {period_s!r} {edge_s!r} {edge_s!r} "
                    f"{flat_s!r} 1)"
                )
                lines += synapse.device(tag, float(state))
                names.append(f"v(x{tag})")
    stop_s, step_s = longest_s + 3.0 * period_s, period_s / 20.0
    lines += [".options method=trap reltol=1e-6"]
    lines += [".save " + " ".join(names[k : k + 8]) for k in range(0, len(names), 8)]
    lines += [f".tran {step_s!r} {stop_s!r} 0 {step_s!r} uic", ".end", ""]
    waves = simulate(
        "\n".join(lines), stop_s=stop_s, expected_points=300, vectors=len(names),
        name="curve", timeout_s=timeout_s,
    )  # fmt: skip
    ends = waves.select(names)[-1].reshape(2, states.size, widths.size - 1)
    change = np.zeros((2, states.size, widths.size))
    change[:, :, 1:] = ends - states[None, :, None]
    return Curve(states, widths, change)


@dataclass(frozen=True)
class Expected:
    """
    Hold what the model says of a run.

    Parameters
    ----------
    state : float
        State of the memristor at the end.
    psi_rad : float
        Phase difference at the end.
    pulses : int
        Pulses that the gate let through.
    """

    state: float
    psi_rad: float
    pulses: int


def expect(
    synapse: Synapse,
    curve: Curve,
    psi_rad: float,
    state: float,
    *,
    pulses: int = 15,
    detuning: float = 0.0,
    circuit: Circuit | None = None,
) -> Expected:
    """
    Return what the windowed rule makes of a pair: Kuramoto phases, cosine of a low-pass, pulses.

    ``psi' = d_omega - 2 w(x) sin psi``; cosine and sine of psi pass a low-pass each; at a pulse,
    where both together exceed the gate, x moves by the device's curve at width |c|, sign c.

    Parameters
    ----------
    synapse, curve : Synapse, Curve
        Settings, and the update curve of its device.
    psi_rad, state : float
        Start.
    pulses, detuning, circuit
        As in `drai_hw.spice.learning.learn`.
    """
    tanks = circuit or Circuit()
    step_s = 0.25 / tanks.f0_hz
    per_cycle = round(1.0 / (step_s * tanks.f0_hz))
    due = {
        round((synapse.first_cycle + k * synapse.period_cycles) * per_cycle) for k in range(pulses)
    }
    share = 1.0 - math.exp(-step_s * tanks.f0_hz / synapse.low_pass_cycles)
    c = s = 0.0
    let_through = 0
    for index in range(round((synapse.first_cycle + pulses * synapse.period_cycles) * per_cycle)):
        if index in due and c * c + s * s > synapse.gate**2:
            state += curve.step(state, c)
            let_through += 1
        w = synapse.coupling_rad_per_s(state, tanks)
        psi_rad += step_s * (TAU * tanks.f0_hz * detuning - 2.0 * w * math.sin(psi_rad))
        c += share * (math.cos(psi_rad) - c)
        s += share * (math.sin(psi_rad) - s)
    return Expected(state, psi_rad, let_through)
