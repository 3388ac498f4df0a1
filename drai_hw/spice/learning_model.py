"""What the learning rule says a synapse does: a device's update curve and the phase model."""

from __future__ import annotations

import math
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

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
    due = {
        round((synapse.first_cycle + k * synapse.period_cycles) * STEPS_PER_CYCLE)
        for k in range(pulses)
    }
    cycles = synapse.first_cycle + pulses * synapse.period_cycles
    steps = follow(
        synapse, curve, np.array([0.0, psi_rad]), np.array([[state]]),
        pairs=((0, 1),), signs=(1,), due=due,
        offsets_rad_per_s=np.array([0.0, TAU * tanks.f0_hz * detuning]), circuit=tanks,
    )  # fmt: skip
    last = next(islice(steps, round(cycles * STEPS_PER_CYCLE) - 1, None))
    psi = last.phases_rad[1] - last.phases_rad[0]
    return Expected(float(last.states[0, 0]), float(psi), last.pulses)


STEPS_PER_CYCLE = 4


@dataclass(frozen=True)
class Moment:
    """
    Hold where the rule stands after a step.

    Parameters
    ----------
    phases_rad : ndarray, shape (N,)
        Phases in the frame of an undisturbed tank.
    states : ndarray, shape (P, D)
        States of the D devices of P synapses.
    pulses : int
        Pulses that the gates let through so far, of all synapses.
    """

    phases_rad: Floats
    states: Floats
    pulses: int


def follow(
    synapse: Synapse,
    curve: Curve,
    phases_rad: Floats,
    states: Floats,
    *,
    pairs: Sequence[tuple[int, int]],
    signs: Sequence[int],
    due: Container[int],
    offsets_rad_per_s: Floats,
    circuit: Circuit,
    pull: Callable[[int, Floats], Floats] | None = None,
) -> Iterator[Moment]:
    """
    Follow the rule for a network, a quarter of a period a step, without an end.

    ``phi_i' = omega_i + sum_j w_ij sin(phi_j - phi_i) + pull``; each pair has its two low-passes,
    gate and devices, and ``w`` is the sum of its devices' couplings with their signs.

    Parameters
    ----------
    synapse, curve : Synapse, Curve
        Settings, and the update curve of its device.
    phases_rad, states : ndarray, shapes (N,) and (P, D)
        Start.
    pairs : sequence of (int, int)
        Oscillators of each synapse.
    signs : sequence of int
        +1 or -1 for each of the D devices: in its pulses and in the weight.
    due : container of int
        Steps at which pulses begin.
    offsets_rad_per_s : ndarray, shape (N,)
        Frequencies of the tanks.
    circuit : Circuit
        The tanks.
    pull : callable, optional
        Gives what inputs add to the speed of the phases, from the step and the phases.
    """
    phases_rad, states = phases_rad.copy(), states.copy()
    one, other = np.array(pairs).T
    sign = np.array(signs)
    step_s = 1.0 / (STEPS_PER_CYCLE * circuit.f0_hz)
    share = 1.0 - math.exp(-1.0 / (STEPS_PER_CYCLE * synapse.low_pass_cycles))
    c, s = np.zeros(one.size), np.zeros(one.size)
    pulses = index = 0
    while True:
        if index in due:
            for k in np.flatnonzero(c * c + s * s > synapse.gate**2):
                states[k] += [
                    curve.step(float(x), float(each * c[k]))
                    for x, each in zip(states[k], sign, strict=True)
                ]
                pulses += 1
        w = synapse.coupling_rad_per_s(states, circuit) @ sign
        psi = phases_rad[other] - phases_rad[one]
        torque = w * np.sin(psi)
        speed = offsets_rad_per_s.copy()
        np.add.at(speed, one, torque)
        np.add.at(speed, other, -torque)
        if pull is not None:
            speed += pull(index, phases_rad)
        phases_rad = phases_rad + step_s * speed
        psi = phases_rad[other] - phases_rad[one]
        c += share * (np.cos(psi) - c)
        s += share * (np.sin(psi) - s)
        index += 1
        yield Moment(phases_rad, states.copy(), pulses)
