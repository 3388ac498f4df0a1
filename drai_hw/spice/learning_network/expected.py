"""What the learning rule says a network becomes: phases, low-passes, and devices' update curves."""

from __future__ import annotations

import numpy as np

from drai_hw.spice.learning_model import STEPS_PER_CYCLE, Curve, follow
from drai_hw.spice.learning_network.network import SIGNS, Network
from drai_hw.spice.learning_network.runs import Course, due_cycles
from drai_hw.spice.settings import Floats
from drai_hw.units import TAU


def expected(network: Network, curve: Curve) -> Course:
    """
    Return what the rule makes of a network.

    As `drai_hw.spice.learning_model.follow`, with the inputs as `K sin(theta - phi)`; amplitudes
    do not exist in it.

    Parameters
    ----------
    network : Network
        All settings.
    curve : Curve
        Update curve of the device, from pulses on single ones.
    """
    held = np.repeat(
        [stage.held for stage in network.stages],
        [stage.cycles * STEPS_PER_CYCLE for stage in network.stages],
        axis=0,
    )
    strength = network.input_rad_per_s()

    def pull(index: int, phases_rad: Floats) -> Floats:
        # sin(theta - phi) for theta = 0 or pi
        return -strength * held[index] * np.sin(phases_rad)

    due = due_cycles(network)
    steps = follow(
        network.synapse, curve, np.array(network.start_rad), np.array(network.states),
        pairs=network.pairs, signs=SIGNS, due={round(at * STEPS_PER_CYCLE) for at in due},
        offsets_rad_per_s=TAU * network.circuit.f0_hz * np.array(network.detuning),
        circuit=network.circuit, pull=pull,
    )  # fmt: skip
    states, phases = [np.array(network.states)], [np.array(network.start_rad)]
    let_through = 0
    for stage in network.stages:
        for _ in range(stage.cycles * STEPS_PER_CYCLE):
            moment = next(steps)
        states.append(moment.states)
        phases.append(moment.phases_rad)
        let_through = moment.pulses * len(SIGNS)
    visited = len(due) * len(network.pairs) * len(SIGNS)
    return Course(
        np.stack(states),
        np.stack(phases),
        {"visited": visited, "gated_on": let_through, "written": let_through,
         "changed": let_through},
    )  # fmt: skip
