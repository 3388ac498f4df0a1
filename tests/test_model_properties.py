"""What holds for every network, under the conditions in which it is exactly true.

Exact for the twin means equal integers; the float model is held to the rounding of its sums, over
few enough steps that no network amplifies it (a step of at most 1 rad stretches it by 3 at most).
"""

import dataclasses
import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from drai_hw import spec as network
from drai_hw.model.acceptance import bounds
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import GATE_MARGIN, GATE_RESONANCE, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin
from drai_hw.units import lsb_to_rad, wrap_rad

few = settings(max_examples=25)
TURN = 2 * math.pi
MACHINES = [Twin, CompiledTwin]


# -- random networks of integers ------------------------------------------------------------------


@dataclass(frozen=True)
class Case:
    """A twin's formats, registers and loads, all but the machine."""

    formats: Formats
    registers: Settings
    theta: np.ndarray
    omega: np.ndarray
    psi: np.ndarray
    strength: np.ndarray
    clamp: np.ndarray
    active: np.ndarray
    weights: np.ndarray

    def load(self, kind):
        twin = kind(self.formats)
        twin.configure(self.registers)
        twin.load_phases(self.theta)
        twin.load_omega(self.omega)
        twin.load_inputs(self.psi, self.strength, self.clamp, self.active)
        twin.load_weights(self.weights)
        return twin

    def changed(self, **values):
        return dataclasses.replace(self, **values)


@st.composite
def formats(draw, **fixed):
    """Draw formats of 2 to 13 oscillators, of every width, table and learning function."""
    n = draw(st.integers(2, 13))
    lanes = draw(st.sampled_from([2, 4, 6]))
    p = draw(st.integers(3, 8))
    widths = {
        "n": n,
        "lanes": lanes,
        "pages": -(-n // lanes) + draw(st.integers(0, 1)),
        "phase_bits": p,
        "accumulator_bits": p + draw(st.integers(4, 12)),
        "table_bits": draw(st.integers(2, 8)),
        "levels": draw(st.sampled_from([None, None, 3, 5])),
        "weight_bits": draw(st.integers(2, 8)),
        "table": draw(st.sampled_from(["sine", "triangle", "square"])),
        "g": draw(st.sampled_from(["xor", "cosine", "square", "gaussian", "sigmoid"])),
        "decay": draw(st.booleans()),
        "seed": draw(st.integers(0, 1000)),
    }
    if draw(st.booleans()):
        widths |= {"resonance": True, "frequency_bits": 6, "theta_r": draw(st.integers(1, 8))}
    return Formats(**(widths | fixed))


def sparse(rng, n, top):
    """Return n values up to ``top``, half of them 0."""
    return rng.integers(0, top + 1, n) * rng.integers(0, 2, n)


@st.composite
def cases(draw, **fixed):
    """Draw a network with inputs, clamps, inactive oscillators; registers named here stay."""
    f = draw(formats(**fixed.pop("formats", {})))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    turn = 1 << f.accumulator_bits
    registers = {
        "gain": int(rng.integers(0, 3000)),
        "shil_max": int(sparse(rng, 1, 900)[0]),
        "shil_step": int(rng.integers(0, 200)),
        "eta": int(rng.choice([0, 9000, 40_000, 65_536])),
        "decay": int(rng.choice([0, 20_000, 65_536])) if f.decay else 0,
        "dither": int(rng.integers(0, f.dither_shift_max + 2)),
        "margin": int(rng.integers(-f.sum_max, f.sum_max + 1) // 4),
        "gates": int(rng.integers(0, 2)) * GATE_MARGIN
        + int(rng.integers(0, 2)) * GATE_RESONANCE * f.resonance,
    }
    weights = np.triu(rng.integers(-f.w_max, f.w_max + 1, (f.n, f.n)), 1)
    return Case(
        f,
        Settings(**(registers | fixed)),
        rng.integers(0, turn, f.n),
        rng.integers(-turn // 32, turn // 32, f.n),
        rng.integers(0, 1 << f.phase_bits, f.n),
        sparse(rng, f.n, 1000),
        rng.random(f.n) < 0.15,
        rng.random(f.n) < 0.9,
        weights + weights.T,
    )


def walk(twin, steps=12, start=0):
    """Take steps of all kinds: field passes, with and without learning."""
    for k in range(start, start + steps):
        twin.run(1, field=k % 3 == 0, learn=k % 4 != 3, resume=k > 0)


def state(twin):
    """Return what the host can read, by oscillator."""
    return (
        twin.read_phases(), twin.read_margins(), twin.read_weights(),
        twin.ema[: twin.formats.n].copy(), np.array(dataclasses.astuple(twin.counters())),
    )  # fmt: skip


def same(first, second):
    return all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))


NO_DRAWS = {"dither": 0, "decay": 0}
CERTAIN = st.sampled_from([0, 65_536])  # an update never or always happens, whatever is drawn


@pytest.mark.parametrize("kind", MACHINES)
@few
@given(data=st.data())
def test_twin_without_draws_does_not_know_its_oscillators_by_number(kind, data):
    """Dither off, no decay (it compares with a draw), updates never or always."""
    case = data.draw(cases(**NO_DRAWS, eta=data.draw(CERTAIN)))
    order = np.array(data.draw(st.permutations(range(case.formats.n))))
    named = ("theta", "omega", "psi", "strength", "clamp", "active")
    moved = case.changed(
        weights=case.weights[np.ix_(order, order)],
        **{name: getattr(case, name)[order] for name in named},
    )
    one, other = case.load(kind), moved.load(kind)
    walk(one)
    walk(other)
    theta, held, weights, ema, counts = state(one)
    assert same(
        (theta[order], held[order], weights[np.ix_(order, order)], ema[order], counts), state(other)
    )


@pytest.mark.parametrize("kind", MACHINES)
@few
@given(data=st.data())
def test_twin_without_draws_does_not_know_its_lanes_and_pages(kind, data):
    """Jacobi: no sum sees what another pair of the same pass did, in whatever order they come."""
    case = data.draw(cases(**NO_DRAWS, eta=data.draw(CERTAIN)))
    lanes = data.draw(st.sampled_from([2, 4, 8, 14]))
    other = case.formats.with_geometry(lanes, -(-case.formats.n // lanes))
    one, two = case.load(kind), case.changed(formats=other).load(kind)
    walk(one)
    walk(two)
    assert same(state(one), state(two))


@pytest.mark.parametrize("kind", MACHINES)
@few
@given(data=st.data())
def test_turning_phases_and_inputs_by_bins_turns_the_twin_and_changes_nothing_else(kind, data):
    """Draws and all; SHIL off, since it holds phases to an axis of its own."""
    case = data.draw(cases(shil_max=0))
    bins = data.draw(st.integers(0, (1 << case.formats.phase_bits) - 1))
    assert_turned(kind, case, bins)


@pytest.mark.parametrize("kind", MACHINES)
@few
@given(data=st.data())
def test_half_a_turn_changes_nothing_under_shil_either(kind, data):
    case = data.draw(cases())
    assert_turned(kind, case, 1 << (case.formats.phase_bits - 1))


def assert_turned(kind, case, bins):
    f = case.formats
    turn, shift = 1 << f.accumulator_bits, bins << (f.accumulator_bits - f.phase_bits)
    turned = case.changed(
        theta=(case.theta + shift) % turn, psi=(case.psi + bins) % (1 << f.phase_bits)
    )
    one, other = case.load(kind), turned.load(kind)
    walk(one)
    walk(other)
    theta, *rest = state(one)
    assert same(((theta + shift) % turn, *rest), state(other))


@pytest.mark.parametrize("kind", MACHINES)
@few
@given(data=st.data())
def test_turning_some_oscillators_by_half_and_their_weights_in_sign_changes_nothing_else(
    kind, data
):
    """Mattis' symmetry, dither and SHIL included; no learning: single passes are not odd.

    Inputs turn along; T[k + half a turn] = -T[k] makes it exact.
    """
    case = data.draw(cases())
    f = case.formats
    flip = np.array(data.draw(st.lists(st.booleans(), min_size=f.n, max_size=f.n)))
    turn, sign = 1 << f.accumulator_bits, np.where(flip, -1, 1)
    turned = case.changed(
        theta=(case.theta + flip * (turn // 2)) % turn,
        psi=(case.psi + flip * (1 << (f.phase_bits - 1))) % (1 << f.phase_bits),
        weights=case.weights * sign[:, None] * sign[None, :],
    )
    one, other = case.load(kind), turned.load(kind)
    for twin in (one, other):
        twin.run(8, field=True)
    assert np.array_equal((one.read_phases() + flip * (turn // 2)) % turn, other.read_phases())
    assert np.array_equal(one.read_margins(), other.read_margins())


@few
@given(data=st.data())
def test_weights_of_the_twin_stay_in_range_symmetric_and_without_a_diagonal(data):
    case = data.draw(cases())
    twin = case.load(CompiledTwin)
    for step in range(15):
        twin.run(1, field=step % 2 == 0, learn=True, resume=step > 0)
        weights = twin.weights
        assert np.abs(weights).max() <= case.formats.w_max
        assert np.array_equal(weights, weights.T)
        assert not weights.diagonal().any()
        assert not weights[case.formats.n :].any(), "padding learned"
        off = ~case.active
        kept = off[:, None] | off[None, :]
        assert np.array_equal(twin.read_weights()[kept], case.weights[kept])


@few
@given(data=st.data())
def test_decay_takes_at_most_one_step_and_never_crosses_zero(data):
    case = data.draw(cases(formats={"decay": True}, eta=0))
    twin = case.load(Twin)
    for _ in range(12):
        before = twin.read_weights()
        twin.run(1, learn=True, resume=True)
        after = twin.read_weights()
        lost = np.abs(before) - np.abs(after)
        assert np.all((lost == 0) | (lost == 1))
        assert np.all((np.sign(after) == np.sign(before)) | (after == 0))


@settings(max_examples=60)
@given(data=st.data())
def test_the_compiled_twin_is_the_twin_for_all_formats(data):
    case = data.draw(cases())
    plain, fast = case.load(Twin), case.load(CompiledTwin)
    walk(plain)
    walk(fast)
    assert_same_snapshot(plain, fast)


def assert_same_snapshot(one, other):
    first, second = one.snapshot(), other.snapshot()
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert np.array_equal(value, second[name]), name


@few
@given(
    data=st.data(), stop=st.integers(0, 12), saver=st.sampled_from(MACHINES),
    goer=st.sampled_from(MACHINES),
)  # fmt: skip
def test_a_run_goes_on_from_a_snapshot_at_any_step_in_either_twin(data, stop, saver, goer):
    case = data.draw(cases())
    whole, first, second = case.load(Twin), case.load(saver), goer(case.formats)
    walk(whole, 14)
    walk(first, stop)
    second.restore(first.snapshot())
    walk(first, 14 - stop, stop)  # the snapshot is a copy: the one it was taken from goes on, too
    walk(second, 14 - stop, stop)
    assert_same_snapshot(whole, first)
    assert_same_snapshot(whole, second)


@few
@given(data=st.data(), step_rad=st.floats(0.02, 0.9))
def test_the_energy_of_the_twin_rises_by_no_more_than_look_ups_err(data, step_rad):
    """A14: see the page on errors of fixed point; equal words, no SHIL, inputs or dither."""
    f = data.draw(formats(table="sine", levels=None))
    case = data.draw(cases(formats=dataclasses.asdict(f), shil_max=0, dither=0))
    row_sum = int(np.abs(case.weights).sum(axis=1).max())
    assume(row_sum > 0)
    pull = f.table_amplitude * row_sum * bounds.lsb_rad(f) / 2**f.shift
    gain = min(math.floor(step_rad / pull), 65_535)
    assume(gain > 0)
    n = f.n
    still = case.changed(
        registers=Settings(gain=gain),
        omega=np.full(n, 37),
        strength=np.zeros(n, dtype=int),
        clamp=np.zeros(n, dtype=bool),
        active=np.ones(n, dtype=bool),
    )
    twin = still.load(Twin)
    energies = []
    for step in range(25):
        psi = lsb_to_rad(twin.read_phases(), f.accumulator_bits)
        energies.append(-0.5 * (case.weights * np.cos(psi[:, None] - psi[None, :])).sum())
        twin.run(1, resume=step > 0)
    bound = bounds.energy_rise(f, n, row_sum, gain * pull, gain * pull / bounds.lsb_rad(f))
    assert np.diff(energies).max() <= bound + 1e-9


# -- the float model ------------------------------------------------------------------------------


@st.composite
def models(draw, **dynamics):
    """Draw a float model in any state: frequencies, inputs, clamps, weights, phases."""
    n = draw(st.integers(2, 12))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    data = {
        "schema": 1,
        "network": {"name": "any", "oscillators": n},
        "task": {"kind": "lock"},
        "dynamics": {
            "coupling": draw(st.floats(0.02, 0.95)),
            "frequencies": rng.uniform(-0.5, 0.5, n).tolist(),
        }
        | dynamics,
        "learning": {
            "eta": draw(st.floats(0.01, 1.0)),
            "decay": draw(st.sampled_from([0.0, 0.01, 0.2])),
            "gates": draw(st.sampled_from([[], ["margin"]])),
            "margin": draw(st.floats(0.5, 8.0)),
            "g": draw(st.sampled_from(["xor", "cosine", "square", "gaussian", "sigmoid"])),
        },
    }
    model = Reference(network.validate(data))
    weights = np.triu(rng.uniform(-15, 15, (n, n)), 1)
    model.weights = weights + weights.T
    model.phases_rad = rng.uniform(0, TURN, n)
    model.input_strength = rng.uniform(0, 0.5, n) * rng.integers(0, 2, n)
    model.input_phase_rad = rng.uniform(0, TURN, n)
    model.clamp = rng.random(n) < 0.1
    return model


def copy_of(model):
    """Return another model in the same state."""
    other = Reference(model.spec)
    other.restore(model.snapshot())
    return other


STEPS = 8
ROUNDING = 1e-9  # 8 steps stretch 1e-14 by at most 3^8


def close(first_rad, second_rad):
    return bool(np.all(np.abs(wrap_rad(first_rad - second_rad)) < ROUNDING))


@few
@given(data=st.data())
def test_the_float_model_does_not_know_its_oscillators_by_number(data):
    one = data.draw(models())
    n = one.phases_rad.size
    order = np.array(data.draw(st.permutations(range(n))))
    frequencies = np.array(one.spec.dynamics.frequencies)[order].tolist()
    dynamics = one.spec.dynamics.model_copy(update={"frequencies": frequencies})
    other = Reference(one.spec.model_copy(update={"dynamics": dynamics}))
    for name in ("phases_rad", "input_strength", "input_phase_rad", "clamp"):
        setattr(other, name, getattr(one, name)[order])
    other.weights = one.weights[np.ix_(order, order)]
    pattern = np.random.default_rng(n).choice([-1, 1], n)
    for model in (one, other):
        model.run(STEPS)
    assert close(one.phases_rad[order], other.phases_rad)
    fields = one.field()
    assume(np.abs(fields - one.spec.margin_lsb).min() > 1e-6)
    for model, shown in ((one, pattern), (other, pattern[order])):
        model.present(shown)
    assert np.allclose(one.weights[np.ix_(order, order)], other.weights, atol=1e-9)


@few
@given(data=st.data(), turn=st.floats(0, TURN), half=st.booleans())
def test_turning_all_phases_and_inputs_turns_the_float_model_and_changes_nothing_else(
    data, turn, half
):
    """Any angle without SHIL; half a turn with it."""
    one = data.draw(models())
    angle = math.pi if half else turn
    other = copy_of(one)
    other.phases_rad = np.mod(other.phases_rad + angle, TURN)
    other.input_phase_rad = other.input_phase_rad + angle
    for model in (one, other):
        model.run(STEPS, shil=half)
    assert close(one.phases_rad + angle, other.phases_rad)
    assert np.allclose(one.field(), other.field(), atol=1e-6)
    assert float(one.energy()) == pytest.approx(float(other.energy()), abs=1e-6)


@few
@given(data=st.data())
def test_turning_some_by_half_and_their_weights_in_sign_changes_no_float_model(data):
    one = data.draw(models())
    n = one.phases_rad.size
    flip = np.array(data.draw(st.lists(st.booleans(), min_size=n, max_size=n)))
    other = copy_of(one)
    sign = np.where(flip, -1.0, 1.0)
    other.phases_rad = np.mod(other.phases_rad + math.pi * flip, TURN)
    other.input_phase_rad = other.input_phase_rad + math.pi * flip
    other.weights = other.weights * sign[:, None] * sign[None, :]
    for model in (one, other):
        model.run(STEPS)
    assert close(one.phases_rad + math.pi * flip, other.phases_rad)


@few
@given(data=st.data(), h=st.floats(0.01, 0.999))
def test_the_energy_of_the_float_model_never_rises(data, h):
    """A14: symmetric weights, equal frequencies, no noise, SHIL or input, h < 1."""
    model = data.draw(models(coupling=h, frequencies=[]))
    model.input_strength = np.zeros(model.phases_rad.size)
    energies = []
    for _ in range(60):
        energies.append(float(model.energy()))
        model.run(1, shil=False)
    assert np.diff(energies).max() <= 1e-10


@few
@given(data=st.data(), patterns=st.integers(1, 6))
def test_weights_of_the_float_model_stay_in_range_symmetric_and_without_a_diagonal(data, patterns):
    model = data.draw(models())
    n = model.phases_rad.size
    rng = np.random.default_rng(patterns)
    for _ in range(patterns * 5):
        model.present(rng.choice([-1, 1], n))
        assert np.abs(model.weights).max() <= 15
        assert np.array_equal(model.weights, model.weights.T)
        assert not model.weights.diagonal().any()


@few
@given(data=st.data())
def test_decay_of_the_float_model_never_crosses_zero(data):
    model = data.draw(models())
    rule = model.spec.learning.model_copy(update={"eta": 0.0, "decay": 0.3})
    still = Reference(model.spec.model_copy(update={"learning": rule}))
    still.weights = model.weights.copy()
    for _ in range(5):
        before = still.weights.copy()
        still.present(np.ones(before.shape[0]))
        assert np.array_equal(np.sign(still.weights), np.sign(before))
        assert np.allclose(still.weights, 0.7 * before, rtol=1e-14)


@few
@given(data=st.data(), stop=st.integers(0, 10))
def test_a_float_run_goes_on_from_a_snapshot_at_any_step_with_the_same_bits(data, stop):
    """Noise included: the state of its generator is part of the snapshot."""
    whole = data.draw(models(noise=0.05))
    first = copy_of(whole)
    walk_float(whole, 0, 10)
    walk_float(first, 0, stop)
    second = copy_of(first)
    walk_float(first, stop, 10)
    walk_float(second, stop, 10)
    for model in (first, second):
        assert np.array_equal(model.phases_rad, whole.phases_rad)
        assert np.array_equal(model.weights, whole.weights)
        assert model.counters == whole.counters


def walk_float(model, start, stop):
    """Take steps and presentations in turn."""
    for k in range(start, stop):
        if k % 4 == 2:
            model.present(np.where(np.cos(model.phases_rad) > 0, 1, -1))
        else:
            model.run(1, resume=k > 0)
