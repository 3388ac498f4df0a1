"""A synapse that learns inside ngspice, beside the learning rule."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from drai_hw import spice
from drai_hw.errors import SpecError
from drai_hw.spice.learning import Learning, Synapse, learn
from drai_hw.spice.learning_model import Curve, device_curve, expect

SYNAPSE = Synapse()
READ = dataclasses.replace(SYNAPSE, read_gain=0.01)


@pytest.fixture(scope="module")
def curve() -> Curve:
    return device_curve(SYNAPSE)


def off(seen: Learning, curve: Curve, synapse: Synapse, psi: float, state: float, **keys) -> float:
    """Return the difference of circuit and rule over the rule's change of the weight."""
    ruled = expect(synapse, curve, psi, state, **keys).state - state
    return (seen.change - ruled) / abs(ruled)


def test_the_update_curve_is_the_integral_of_the_devices_equation(curve: Curve) -> None:
    """x' = 4 r x (1 - x) at twice the threshold: a logistic; edges of the pulse 1 %."""
    x, k = curve.states, 4 * SYNAPSE.rate_hz * SYNAPSE.window_cycles / 1e6
    for sign, table in zip((1, -1), curve.change, strict=True):
        odds = x / (1 - x) * np.exp(sign * k)
        assert np.allclose(table[:, -1], odds / (1 + odds) - x, rtol=0.02)
    assert not curve.change[:, :, 0].any()
    assert curve.step(0.5, 0.0) == 0.0
    assert curve.step(0.5, 1.0) == pytest.approx(curve.change[0, 8, -1])


@pytest.mark.parametrize(("psi", "sign"), [(0.3, 1), (2.6, -1)])
def test_resonant_oscillators_strengthen_and_opposed_ones_weaken_as_the_rule_says(
    curve: Curve, psi: float, sign: int
) -> None:
    seen = learn(SYNAPSE, psi, 0.5, pulses=4)
    assert sign * seen.change > 0.05
    assert abs(off(seen, curve, SYNAPSE, psi, 0.5, pulses=4)) < 0.05
    assert seen.gate[-1] > 0.99


def test_between_pulses_and_before_them_the_state_stays() -> None:
    seen = learn(SYNAPSE, 0.3, 0.4, pulses=1)
    before = seen.time_s < SYNAPSE.first_cycle / 1e6
    assert np.abs(seen.state[before] - 0.4).max() < 1e-9
    assert np.abs(seen.write_v).max() == pytest.approx(SYNAPSE.write_v, rel=1e-3)


@pytest.mark.full
def test_drifting_oscillators_leave_the_weight_alone_over_twenty_beats(curve: Curve) -> None:
    seen = learn(SYNAPSE, 0.3, 0.5, pulses=26, detuning=0.04)
    assert seen.beats > 20
    assert abs(seen.change) < 1e-6
    assert expect(SYNAPSE, curve, 0.3, 0.5, pulses=26, detuning=0.04).pulses == 0
    # without the gate the same pair writes: it is the gate that keeps the weight
    open_gate = dataclasses.replace(SYNAPSE, gate=0.0)
    moved = learn(open_gate, 0.3, 0.5, pulses=26, detuning=0.04).state
    assert np.abs(moved - 0.5).max() > 1e-3


@pytest.mark.full
@pytest.mark.parametrize("psi", [0.3, 1.0, 2.6])
@pytest.mark.parametrize("state", [0.3, 0.6])
def test_fifteen_pulses_travel_a_fifth_of_the_range_or_more_within_five_per_cent(
    curve: Curve, psi: float, state: float
) -> None:
    seen = learn(SYNAPSE, psi, state)
    assert 0.2 < abs(seen.change) < 0.8
    assert seen.state.min() > 0.05
    assert seen.state.max() < 0.95
    assert abs(off(seen, curve, SYNAPSE, psi, state)) < 0.05


@pytest.mark.full
@pytest.mark.parametrize(("psi", "state"), [(1.6, 0.2), (1.9, 0.5)])
def test_the_learned_weight_acts_on_the_oscillators(curve: Curve, psi: float, state: float) -> None:
    seen = learn(READ, psi, state)
    ruled = expect(READ, curve, psi, state)
    assert abs(off(seen, curve, READ, psi, state)) < 0.05
    assert seen.psi_rad[-1] == pytest.approx(ruled.psi_rad, abs=0.03)
    before, after = (
        READ.coupling_rad_per_s(x, spice.Circuit()) for x in (state, float(seen.state[-1]))
    )
    assert after > 1.4 * before
    assert seen.rate_rad_per_s(20, 139) == pytest.approx(before, rel=0.01)
    assert seen.rate_rad_per_s(-22, -1) == pytest.approx(after, rel=0.02)


@pytest.mark.parametrize(
    ("synapse", "keys", "message"),
    [
        (SYNAPSE, {"state": 1.0}, r"state = 1\.0: needed is a start between 0 and 1"),
        (SYNAPSE, {"state": 0.5, "pulses": 0}, "pulses = 0: needed is at least 1"),
        (
            dataclasses.replace(SYNAPSE, write_v=0.5),
            {"state": 0.5},
            r"write_v = 0\.5: needed is more than threshold_v = 0\.6 V",
        ),
    ],
)
def test_what_cannot_learn_is_refused(synapse: Synapse, keys: dict, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        learn(synapse, 0.3, **keys)
