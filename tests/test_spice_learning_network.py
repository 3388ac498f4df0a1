"""Networks that learn inside ngspice, beside the learning rule."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.spice.learning_model import Curve, device_curve
from drai_hw.spice.learning_network import Network, Run, Stage, expected, run
from drai_hw.spice.learning_network.cases import all_to_all
from drai_hw.spice.learning_network.network import netlist
from drai_hw.spice.learning_network.runs import recalled

PATTERN = (1, 1, -1, -1)
PAIR = Network(
    pairs=((0, 1),),
    stages=(Stage(80, (1, -1)), Stage(40, (1, -1), learns=True)),
    states=((0.5, 0.45),),
    start_rad=(0.2, 2.5),
    detuning=(1e-3, -1e-3),
)


@pytest.fixture(scope="module")
def curve() -> Curve:
    return device_curve(PAIR.synapse)


def changes(network: Network, seen: Run, curve: Curve, stage: int) -> tuple[np.ndarray, np.ndarray]:
    """Return what a stage changed in the weights, in the circuit and by the rule."""
    ruled = expected(network, curve)
    return tuple(
        network.weights_rad_per_s(course.states[stage + 1])
        - network.weights_rad_per_s(course.states[stage])
        for course in (seen, ruled)
    )


def test_a_pair_shown_opposite_signs_gets_a_negative_weight_as_the_rule_says(curve: Curve) -> None:
    seen = run(PAIR)
    circuit, rule = changes(PAIR, seen, curve, 1)
    assert rule[0] < -2e3
    assert circuit[0] == pytest.approx(rule[0], rel=0.05)
    assert seen.counters == {"visited": 4, "gated_on": 4, "written": 4, "changed": 4}
    assert expected(PAIR, curve).counters == seen.counters
    # before the pulses nothing moved; the inputs hold the tanks where the model says
    assert np.abs(seen.states[1] - seen.states[0]).max() < 1e-9
    assert seen.phases_rad[1] == pytest.approx(expected(PAIR, curve).phases_rad[1], abs=0.05)
    assert list(recalled(seen, PAIR, 1)) == [1, -1]


def test_every_pair_has_its_synapse_and_every_tank_its_input() -> None:
    network = all_to_all(PATTERN, 0, 1)
    _, text = netlist(network, 1e6)

    def count(line: str) -> int:
        return len(re.findall(f"^{line}", text, re.MULTILINE))

    assert count(r"Bc\d_\d ") == count(r"Bs\d_\d ") == count(r"Bgate\d_\d ") == 6
    assert count(r"Bm[mk]\d_\d ") == count(r"Bwrite[mk]\d_\d ") == count(r"Bread[ab]\d_\d ") == 12
    assert count(r"Bq_\d ") == 3  # the last tank is nobody's first
    assert count(r"Sin[ud][pn]\d ") == 16
    # both memristors of a synapse get the same pulse, with opposite signs
    drive = dict(re.findall(r"^Bwrite([mk])0_1 \w+ 0 v=(.*)$", text, re.MULTILINE))
    assert drive["k"] == f"-{drive['m']}"
    # the pattern stands in the switches, and learning in one line; no pulse without it
    assert "Vu3 u3 0 pwl(0 0.0)" in text
    assert "Vlearn learn 0 pwl(0 0.0 0.00054 0.0 0.00054005 1.0 0.00074 1.0 0.00074005 0.0)" in text
    _, silent = netlist(all_to_all(PATTERN, 0, 1, learns=False), 1e6)
    assert "Vlearn learn 0 pwl(0 0.0)" in silent


def test_weights_are_the_difference_of_two_memristors() -> None:
    w = PAIR.weights_rad_per_s(np.array([[0.8, 0.3], [0.3, 0.8], [0.4, 0.4]]))
    span_s = PAIR.synapse.most_s - PAIR.synapse.least_s
    assert w[0] == pytest.approx(PAIR.synapse.read_gain * span_s * 0.5 / 253.3e-12)
    assert w[1] == -w[0]
    assert w[2] == 0


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"detuning": (0.0,)}, "a network of 2 oscillators: needed are 2 detunings, and 2 inputs"),
        ({"stages": (Stage(20, (1,)),)}, "needed are 2 detunings, and 2 inputs in each stage"),
        ({"stages": (Stage(30, (1, 1)),)}, "a stage of 30 periods: needed is a multiple of"),
        ({"stages": (Stage(20, (1, 2)),)}, r"inputs \(1, 2\): needed are \+1, -1, or 0"),
        ({"pairs": ((1, 0),)}, r"pairs = \(\(1, 0\),\): needed are i < j of 2 oscillators"),
        ({"states": ()}, "0 pairs of states: needed is one for each of 1 synapses"),
        ({"states": ((0.5, 1.0),)}, "needed are two starts between 0 and 1, the rails apart"),
    ],
)
def test_what_does_not_fit_is_refused(keys: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        replace(PAIR, **keys)


@pytest.mark.full
def test_four_oscillators_learn_a_pattern_and_recall_it_from_a_wrong_start(curve: Curve) -> None:
    network = all_to_all(PATTERN, 0, 1)
    seen = run(network)
    circuit, rule = changes(network, seen, curve, 3)
    assert np.abs(circuit / rule - 1).max() < 0.05
    x = np.array(PATTERN)
    shown = np.array([x[i] * x[j] for i, j in network.pairs])
    assert (np.sign(network.weights_rad_per_s(seen.states[-1])) == shown).all()
    travel = np.abs(seen.states[4] - seen.states[3])
    assert travel.min() > 0.2
    assert travel.max() < 0.8
    assert 0.05 < seen.states.min() < seen.states.max() < 0.95
    cue = x * [-1, 1, 1, 1]
    assert list(cue[0] * recalled(seen, network, 4)) == list(cue)
    assert list(recalled(seen, network, 5)) == list(x)
    # the same cue before: the network does not come to the pattern
    assert list(cue[0] * recalled(seen, network, 0)) == list(cue)
    before = recalled(seen, network, 1)
    assert before is None or list(before) != list(x)


@pytest.mark.full
def test_without_pulses_nothing_is_learned_and_nothing_recalled() -> None:
    network = all_to_all(PATTERN, 0, 1, learns=False)
    seen = run(network)
    assert np.abs(seen.states - seen.states[0]).max() < 1e-9
    assert seen.counters == {"visited": 0, "gated_on": 0, "written": 0, "changed": 0}
    after = recalled(seen, network, 5)
    assert after is None or list(after) != list(PATTERN)
