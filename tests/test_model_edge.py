"""Edge alignment: square waves against the sign network, and single oscillators by hand."""

import itertools
import math

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.model import edge, hopfield, plan, tasks
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.numbers import Formats
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin

P = 4
TURN = 1 << P


def run(weights, top, slots, state=None):
    """Run edge alignment in integers and return the phases."""
    top = np.array(top)
    state = state or edge.EdgeState(0, np.zeros(top.shape, dtype=np.int64))
    free = np.ones(top.shape[-1], dtype=bool)
    for _ in range(slots):
        sums = edge.square_wave(top, state.slot, P) @ np.asarray(weights).T
        top, state = edge.align(top, sums, state, P, free)
    return top


def test_a_square_wave_is_high_for_half_a_turn_from_its_rising_edge():
    for phase in range(TURN):
        wave = [int(edge.square_wave(np.array(phase), t, P)) for t in range(TURN)]
        rise = -phase % TURN
        assert wave[rise] == 1
        assert wave[rise - 1] == -1
        assert sum(wave) == 0


@pytest.mark.parametrize("phase", range(TURN))
@pytest.mark.parametrize("weight", [3, -3])
def test_one_oscillator_aligns_with_a_fixed_one_or_with_its_inverse(phase, weight):
    """The second follows the first and not the other way round: w_10 only."""
    top = run([[0, 0], [weight, 0]], [5, phase], 2 * TURN)
    assert top[0] == 5
    assert top[1] == (5 if weight > 0 else (5 + TURN // 2) % TURN)


def test_binary_states_rest_exactly_where_the_sign_network_does():
    """All 2^7 states of three random networks, zero fields included: w_ij small integers."""
    rng = np.random.default_rng(3)
    for _ in range(3):
        upper = np.triu(rng.integers(-2, 3, (7, 7)), 1)
        weights = upper + upper.T
        rests = 0
        for bits in itertools.product([1, -1], repeat=7):
            x = np.array(bits)
            field = weights @ x
            fixed = bool(np.all((field == 0) | (np.sign(field) == x)))
            top = np.where(x > 0, 2, 2 + TURN // 2)
            ends = [run(weights, top, slots) for slots in range(1, 3 * TURN)]
            assert all(np.array_equal(end, top) for end in ends) == fixed
            rests += fixed
        assert rests > 0


def test_clamped_and_inactive_oscillators_stay():
    data = {"schema": 1, "network": {"name": "t", "oscillators": 3, "mode": "edge-align"},
            "task": {"kind": "lock"}}  # fmt: skip
    model = Reference(network.validate(data))
    model.weights = np.ones((3, 3)) - np.eye(3)
    model.phases_rad = np.array([0.0, 2.0, 4.0])
    model.clamp[1] = True
    model.amplitudes[2] = 0.0
    model.run(200)
    assert model.phases_rad[1] == 2.0
    assert model.phases_rad[2] == 4.0
    assert model.phases_rad[0] == pytest.approx(2.0, abs=2 * math.pi / 64)


def test_twin_and_float_model_align_alike_bit_for_bit():
    """Integer weights, phases on the P-bit grid: the same sums, so the same edges."""
    data = {"schema": 1, "network": {"name": "t", "oscillators": 30, "mode": "edge-align"},
            "task": {"kind": "lock"}}  # fmt: skip
    spec = network.validate(data)
    rng = np.random.default_rng(4)
    upper = np.triu(rng.integers(-15, 16, (30, 30)), 1)
    formats = plan.formats_of(spec, 4, 8)
    for machine in (Twin(formats), CompiledTwin(formats)):
        top = rng.integers(0, 64, 30)
        model = Reference(spec)
        model.weights = (upper + upper.T).astype(float)
        model.phases_rad = (top + 0.25) * (2 * math.pi / 64)
        machine.load_weights(upper + upper.T)
        machine.load_phases(top << 10)
        moves = 0
        for step in range(300):
            before = machine.read_phases()
            model.run(1, resume=step > 0)
            machine.run(1, resume=step > 0, edge=True)
            after = machine.read_phases() >> 10
            moves += int((after != before >> 10).sum())
            assert np.array_equal(np.floor(model.phases_rad * 64 / (2 * math.pi) + 0.1), after)
        assert moves > 30


def test_a_snapshot_in_mid_turn_goes_on_with_the_same_edges():
    rng = np.random.default_rng(6)
    formats = Formats(n=9, lanes=4, pages=3, edge=True)
    first, second = Twin(formats), Twin(formats)
    upper = np.triu(rng.integers(-9, 10, (9, 9)), 1)
    first.load_weights(upper + upper.T)
    first.load_phases(rng.integers(0, 1 << 16, 9))
    first.run(37, edge=True)
    second.restore(first.snapshot())
    for twin in (first, second):
        twin.run(50, edge=True, resume=True)
    assert np.array_equal(first.read_phases(), second.read_phases())


def test_edge_alignment_recalls_letters_about_as_well_as_the_sign_network():
    """On the learned letters: within 0.1 of synchronous sign updates, and at least 0.9."""
    data = {"schema": 1, "network": {"name": "t", "oscillators": 35, "mode": "edge-align"},
            "learning": {"margin": 24.0},
            "task": {"patterns": "letters:ACXTH", "trials": 200, "steps": 640}}  # fmt: skip
    spec = network.validate(data)
    model = Reference(spec)
    patterns = tasks.patterns_of(spec)
    trials = tasks.trials_of(spec, patterns)
    learned = tasks.learn_float(model, patterns.values)
    rate = tasks.recall_float(model, trials, patterns.values).exact_rate
    ends = [hopfield.recall(learned.weights, start) for start in trials.starts]
    sign = np.mean(
        [abs(e @ patterns.values[k]) == 35 for e, k in zip(ends, trials.target, strict=True)]
    )
    assert rate >= 0.9
    assert abs(rate - sign) <= 0.1
    model.weights[:] = 0.0  # without weights nothing may be recalled
    assert tasks.recall_float(model, trials, patterns.values).exact_rate < 0.1
