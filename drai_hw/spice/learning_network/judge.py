"""A run beside the rule: what each synapse learned, and what the learned weights then do."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

import numpy as np

from drai_hw.spice.learning_model import STEPS_PER_CYCLE, Curve, follow
from drai_hw.spice.learning_network.expected import expected
from drai_hw.spice.learning_network.network import SIGNS, Network
from drai_hw.spice.learning_network.runs import Run, recalled
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU

LEFT_RAD = 0.3
"""A wrong sign is a saddle, which a tank leaves at a moment that the least offset decides."""


@dataclass(frozen=True)
class Learned:
    """
    Hold what one stage with pulses did.

    Parameters
    ----------
    shown : tuple of int
        Signs.
    before, circuit, rule : list of float
        Weight of each synapse before, its change in ngspice, and by the rule; rad/s.
    travel : tuple of float
        Least and largest way of a memristor, in shares of its range.
    """

    shown: tuple[int, ...]
    before: list[float]
    circuit: list[float]
    rule: list[float]
    travel: tuple[float, float]

    @property
    def errors(self) -> list[float]:
        """Return (circuit - rule) / |rule| of each synapse."""
        return [(a - b) / abs(b) for a, b in zip(self.circuit, self.rule, strict=True)]


@dataclass(frozen=True)
class Freed:
    """
    Hold what tanks did in a stage that left some of them free.

    Parameters
    ----------
    learned : bool
        Whether pulses came before.
    start, end : float
        ``|sum_i x_i exp(i phi_i)| / N`` for the wanted pattern x: 1 when it is there.
    exact : bool
        Whether it is there at the end, settled, up to a common sign.
    apart_rad, blind_rad : float
        Largest rms distance over time from the phase model, with the weights that the memristors
        have, and with none. It starts with the circuit's phases when the last of the tanks that
        move has left its start by `LEFT_RAD`.
    """

    learned: bool
    start: float
    end: float
    exact: bool
    apart_rad: float
    blind_rad: float


@dataclass(frozen=True)
class Verdict:
    """
    Hold a judged run.

    Parameters
    ----------
    learned : list of Learned
        Stages with pulses.
    freed : list of Freed
        Stages with free tanks.
    states : tuple of float
        Least and largest state of any memristor at the end of a stage.
    counters, ruled : dict of str to int
        Of ngspice and of the rule.
    """

    learned: list[Learned]
    freed: list[Freed]
    states: tuple[float, float]
    counters: dict[str, int]
    ruled: dict[str, int]


def _order(phases_rad: Floats, wanted: Floats) -> float:
    return float(abs(np.mean(wanted * np.exp(1j * phases_rad))))


def _from(network: Network, seen: Run, stage: int, states: Floats) -> float:
    """Return the largest rms distance of a stage from the phase model with given states."""
    begin, end = (float(x) for x in np.concatenate([[0.0], network.ends])[stage : stage + 2])
    at_s = np.arange(begin + 2.0, end - 2.0) / network.circuit.f0_hz
    circuit = np.column_stack([np.interp(at_s, seen.cycle_s, row) for row in seen.trace_rad.T])
    held, strength = np.array(network.stages[stage].held), network.input_rad_per_s()
    moved = circuit - circuit[0]
    if not held.any():
        moved -= np.median(moved, axis=1, keepdims=True)
    goes = np.abs(moved[-1]) > LEFT_RAD
    left = (np.abs(moved[:, goes]) > LEFT_RAD).all(axis=1)
    circuit = circuit[int(left.argmax()) :]
    still = Curve(np.array([0.0, 1.0]), np.array([0.0, 1.0]), np.zeros((2, 2, 2)))
    steps = follow(
        network.synapse, still, circuit[0], states, pairs=network.pairs, signs=SIGNS, due=(),
        offsets_rad_per_s=TAU * network.circuit.f0_hz * np.array(network.detuning),
        circuit=network.circuit, pull=lambda _, phi: -strength * held * np.sin(phi),
    )  # fmt: skip
    count = (len(circuit) - 1) * STEPS_PER_CYCLE
    table = [moment.phases_rad for moment in islice(steps, count)]
    model = np.array([circuit[0], *table[STEPS_PER_CYCLE - 1 :: STEPS_PER_CYCLE]])
    apart = circuit - model
    apart -= apart.mean(axis=1, keepdims=True)
    return float(np.sqrt(np.mean(apart**2, axis=1)).max())


def judge(
    network: Network, wanted: tuple[tuple[int, ...], ...], seen: Run, curve: Curve
) -> Verdict:
    """
    Compare a run with the rule.

    Parameters
    ----------
    network : Network
        What was run.
    wanted : tuple of tuple of int
        The pattern that each stage with free tanks should end in, in turn.
    seen : Run
        The run.
    curve : Curve
        Update curve of the device.
    """
    rule = expected(network, curve)
    learned: list[Learned] = []
    freed: list[Freed] = []
    for k, stage in enumerate(network.stages):
        if stage.learns:
            before, circuit, ruled = (
                network.weights_rad_per_s(states).tolist()
                for states in (
                    seen.states[k], seen.states[k + 1], rule.states[k + 1]
                )
            )  # fmt: skip
            was = network.weights_rad_per_s(rule.states[k])
            way = np.abs(seen.states[k + 1] - seen.states[k])
            learned.append(Learned(
                stage.held, before, (np.array(circuit) - before).tolist(),
                (np.array(ruled) - was).tolist(), (float(way.min()), float(way.max())),
            ))  # fmt: skip
        elif 0 in stage.held:
            x = np.array(wanted[len(freed) % len(wanted)])
            shown = recalled(seen, network, k)
            freed.append(Freed(
                learned=bool(learned),
                start=_order(seen.phases_rad[k], x),
                end=_order(seen.phases_rad[k + 1], x),
                exact=shown is not None and bool((shown == x * x[0]).all()),
                apart_rad=_from(network, seen, k, seen.states[k]),
                blind_rad=_from(network, seen, k, np.full_like(seen.states[k], 0.5)),
            ))  # fmt: skip
    return Verdict(
        learned, freed, (float(seen.states.min()), float(seen.states.max())), seen.counters,
        rule.counters,
    )  # fmt: skip
