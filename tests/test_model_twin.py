"""The twin against a second implementation, and the properties it must have."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model.machine import GATE_RESONANCE, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin

_spec = importlib.util.spec_from_file_location(
    "naive_twin", Path(__file__).with_name("naive_twin.py")
)
naive_twin = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(naive_twin)

CASES = {
    "pair": ({"n": 2, "lanes": 2, "pages": 1}, {}),
    "one page": ({"n": 4, "lanes": 4, "pages": 1}, {"dither": 6}),
    "padding": ({"n": 7, "lanes": 4, "pages": 2}, {"dither": 3, "shil_max": 900, "shil_step": 70}),
    "three pages": ({"n": 11, "lanes": 4, "pages": 3}, {"gates": 0}),
    "decay": ({"n": 8, "lanes": 4, "pages": 2, "decay": True}, {"decay": 20000}),
    "resonance": (
        {"n": 8, "lanes": 4, "pages": 2, "resonance": True, "theta_r": 4},
        {"gates": 3, "dither": 12},
    ),
    "small profile": (
        {"n": 10, "lanes": 2, "pages": 5, "phase_bits": 4, "levels": 5, "weight_bits": 4},
        {"shil_max": 500, "shil_step": 100},
    ),
    "wide": (
        {"n": 6, "lanes": 6, "pages": 1, "phase_bits": 8, "table_bits": 8, "weight_bits": 8,
         "accumulator_bits": 20, "g": "cosine", "table": "triangle"},
        {"gates": 0},
    ),
    "gaussian": (
        {"n": 7, "lanes": 4, "pages": 2, "g": "gaussian", "decay": True, "weight_bits": 4},
        {"gates": 0, "eta": 60000, "decay": 9000, "dither": 12},
    ),
    "sigmoid": (
        {"n": 8, "lanes": 4, "pages": 2, "g": "sigmoid", "phase_bits": 4,
         "g_parameters": {"theta": 0.5}},
        {"eta": 50000, "dither": 12},
    ),
    "idle passes": (
        {"n": 6, "lanes": 6, "pages": 1, "g": "sigmoid", "g_parameters": {"beta": 0.5},
         "phase_bits": 3, "resonance": True, "theta_r": 12},
        {"gates": 2, "eta": 65536, "dither": 13},
    ),
    "budget": (
        {"n": 11, "lanes": 4, "pages": 3, "budget": True},
        {"budget": 80, "shrink": 40000, "gates": 0, "dither": 12},
    ),
    "budget and decay": (
        {"n": 8, "lanes": 4, "pages": 2, "budget": True, "decay": True, "weight_bits": 4},
        {"budget": 22, "shrink": 30000, "decay": 9000, "gates": 0, "dither": 12},
    ),
    "centring": (
        {"n": 10, "lanes": 4, "pages": 3, "centring": True},
        {"centre": 9000, "gates": 0, "dither": 12},
    ),
    "edge": ({"n": 9, "lanes": 4, "pages": 3, "edge": True, "phase_bits": 4}, {"dither": 12}),
    "mask": ({"n": 9, "lanes": 4, "pages": 3, "mask": True}, {"gates": 0, "dither": 12}),
    "young features": (
        {"n": 14, "lanes": 4, "pages": 4, "mask": True, "edge": True, "budget": True,
         "centring": True, "decay": True, "weight_bits": 6},
        {"centre": 30000, "budget": 200, "shrink": 30000, "decay": 3000, "gates": 1,
         "dither": 12},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_twin_equals_the_scalar_implementation_after_every_step(case):
    shape, registers = CASES[case]
    f = Formats(**shape, seed=7)
    settings = Settings(**({"gain": 900, "eta": 30000, "margin": f.sum_max // 6} | registers))
    rng = np.random.default_rng(5)
    twin, naive = Twin(f), naive_twin.NaiveTwin(f, settings)
    twin.configure(settings)
    turn = 1 << f.accumulator_bits
    theta = rng.integers(0, turn, f.n)
    omega = rng.integers(-turn // 64, turn // 64, f.n)
    psi = rng.integers(0, 1 << f.phase_bits, f.n)
    strength = rng.integers(0, 1000, f.n) * rng.integers(0, 2, f.n)
    clamp = rng.random(f.n) < 0.15
    active = rng.random(f.n) < 0.9 if f.n > 4 else np.ones(f.n, dtype=bool)
    weights = np.triu(rng.integers(-f.w_max, f.w_max + 1, (f.n, f.n)), 1)
    weights += weights.T
    twin.load_phases(theta)
    twin.load_omega(omega)
    twin.load_inputs(psi, strength, clamp, active)
    if f.mask:
        links = half_of_all_links(f.n, rng)
        twin.load_links(links)
        weights = weights * links
        naive.missing = {frozenset(map(int, pair)) for pair in np.argwhere(~links)}
    twin.load_weights(weights)
    for name, values in (("theta", theta), ("omega", omega), ("psi", psi), ("strength", strength),
                         ("clamp", clamp), ("active", active)):  # fmt: skip
        getattr(naive, name)[: f.n] = values.tolist()
    naive.w = {frozenset((i, j)): int(weights[i, j]) for i in range(f.n) for j in range(i + 1, f.n)}
    moves = 0
    for step in range(90):
        learn, field = step % 5 != 4, step % 3 == 0
        census, edge = bool(f.census_passes) and step % 2 == 0, f.edge and step % 9 > 3
        before = list(naive.theta)
        twin.run(1, field=field, learn=learn, census=census, edge=edge, resume=step > 0)
        naive.step(field, learn, census, edge)
        moves += edge and naive.theta != before
        assert twin.over.tolist() == naive.over
        assert twin.lean.tolist() == naive.lean
        assert twin.edge_signs.tolist() == naive.sign
        assert twin.theta.tolist() == naive.theta
        assert twin.ema.tolist() == naive.ema
        assert twin.margin.tolist() == naive.held
        got = twin.read_weights()
        assert all(got[tuple(key)] == value for key, value in naive.w.items())
        assert np.array_equal(got, got.T)
        counts = twin.counters()
        assert [counts.visited, counts.gated_on, counts.written, counts.changed] == naive.events
    assert naive.events[3] > 0, "nothing was learned: the comparison would prove nothing"
    assert moves > 0 or not f.edge
    assert counts.skipped == naive.events[0] - naive.events[2]


def half_of_all_links(n, rng):
    links = np.triu(rng.random((n, n)) < 0.5, 1)
    return links | links.T


@pytest.mark.parametrize("case", ["budget", "budget and decay", "centring", "young features"])
def test_flags_of_a_census_are_set_and_clear_in_the_compared_runs(case):
    shape, registers = CASES[case]
    f = Formats(**shape, seed=7)
    twin = Twin(f)
    twin.configure(Settings(eta=30000, **registers))
    rng = np.random.default_rng(5)
    upper = np.triu(rng.integers(-f.w_max, f.w_max + 1, (f.n, f.n)), 1)
    twin.load_weights(upper + upper.T)
    over, lean = [], []
    for _ in range(60):
        twin.run(1, learn=True, census=True)
        over.append(twin.over[: f.n].mean())
        lean += twin.lean[: f.n].tolist()
    if f.budget:
        assert 0 < np.mean(over) < 1
    if f.centring:
        assert set(lean) == {-1, 0, 1}


def learning_twin(**shape):
    f = Formats(**({"n": 12, "lanes": 4, "pages": 3, "seed": 3} | shape))
    twin = Twin(f)
    twin.configure(Settings(gain=500, eta=20000, dither=4, margin=f.sum_max // 4))
    twin.load_phases(np.random.default_rng(1).integers(0, 1 << f.accumulator_bits, f.n))
    return twin


def test_weights_stay_in_range_when_every_update_pushes_the_same_way():
    twin = learning_twin()
    twin.configure(Settings(eta=65536, gates=0))
    twin.load_phases(np.zeros(12))
    twin.run(40, learn=True)
    off_diagonal = twin.read_weights()[~np.eye(12, dtype=bool)]
    assert set(off_diagonal.tolist()) == {twin.formats.w_max}


def test_couplings_alone_never_move_the_mean_phase_by_more_than_rounding():
    twin = learning_twin()
    twin.configure(Settings(gain=500))
    twin.run(30, learn=False)
    before = twin.read_phases()
    twin.run(1)
    half = 1 << 15
    moved = (twin.read_phases() - before + half) % (2 * half) - half
    assert abs(int(moved.sum())) <= 12 * 0.5 + 1


def test_one_long_run_equals_single_resumed_steps():
    one, many = learning_twin(), learning_twin()
    for twin in (one, many):
        twin.configure(Settings(gain=500, shil_max=300, shil_step=20, eta=9000, dither=5))
    one.run(25, field=True, learn=True)
    for step in range(25):
        many.run(1, field=True, learn=True, resume=step > 0)
    assert np.array_equal(one.theta, many.theta)
    assert np.array_equal(one.weights, many.weights)
    assert one.shil == many.shil == 300


def test_a_snapshot_resumes_bit_exactly():
    twin = learning_twin(decay=True, resonance=True)
    twin.run(10, field=True, learn=True)
    saved = twin.snapshot()
    twin.run(15, field=True, learn=True, resume=True)
    expected = twin.snapshot()
    other = Twin(twin.formats)
    other.restore(saved)
    other.run(15, field=True, learn=True, resume=True)
    for name, value in expected.items():
        assert np.array_equal(value, other.snapshot()[name]), name


def test_turning_all_phases_by_table_bins_turns_the_result_likewise():
    one, other = learning_twin(), learning_twin()
    turn, bins = 1 << 16, 5 << 10
    other.load_phases((one.read_phases() + bins) % turn)
    one.run(20, field=True, learn=True)
    other.run(20, field=True, learn=True)
    assert np.array_equal((one.read_phases() + bins) % turn, other.read_phases())
    assert np.array_equal(one.weights, other.weights)


def test_inactive_oscillators_feel_and_exert_nothing():
    twin = learning_twin()
    weights = np.ones((12, 12), dtype=int) - np.eye(12, dtype=int)
    twin.load_weights(weights)
    active = np.arange(12) != 3
    twin.load_inputs(np.zeros(12), np.zeros(12), np.zeros(12), active)
    twin.configure(Settings(gain=500, eta=65536, gates=0))
    phase = twin.read_phases()[3]
    twin.run(20, learn=True)
    assert twin.read_phases()[3] == phase
    assert (twin.read_weights()[3] == weights[3]).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.load_phases(np.zeros(5)), r"phase of shape \(5,\): needs 12 values"),
        (lambda t: t.load_phases(np.full(12, 65536)), r"phase = 65536: needs 0 to 65535"),
        (lambda t: t.load_weights(np.zeros((3, 3))), r"weights of shape \(3, 3\): needs 12 x 12"),
        (lambda t: t.load_weights(np.eye(12)), r"zero diagonal"),
        (lambda t: t.load_weights(np.triu(np.ones((12, 12)), 1)), r"symmetric"),
        (lambda t: t.load_weights(16 * (np.ones((12, 12)) - np.eye(12))),
         r"weights up to 16: weight_bits = 5 holds -15 to 15; weight_bits = 6 would do"),
        (lambda t: t.load_weights(0.5 * (np.ones((12, 12)) - np.eye(12))), r"whole numbers"),
        (lambda t: t.configure(Settings(gain=65536)), r"register gain = 65536: needs 0 to 65535"),
        (lambda t: t.configure(Settings(gates=2)), r"resonance gate is not compiled into"),
        (lambda t: t.configure(Settings(decay=1)), r"decay is not compiled into this core"),
    ],
)  # fmt: skip
def test_values_that_do_not_fit_are_refused(call, message):
    with pytest.raises(SpecError, match=message):
        call(learning_twin())


def test_a_resonance_gate_that_is_built_in_but_off_lets_all_learn():
    f = Formats(n=2, lanes=2, pages=1, resonance=True, theta_r=1, seed=3)
    for gates, written in ((0, 200), (GATE_RESONANCE, 0)):
        twin = Twin(f)
        twin.configure(Settings(gates=0))
        twin.load_omega([0, 20_000])
        twin.run(300)  # the smoothed frequencies settle
        twin.configure(Settings(gates=gates, eta=65536))
        twin.run(200, learn=True)
        assert twin.counters().written == written


def test_an_event_happens_below_its_rate_and_not_at_it():
    """Every 16-bit draw of a long stream, with the rates on both sides of it."""
    f = Formats(n=8, lanes=4, pages=2)
    twin = Twin(f)
    start = twin._eta.copy()
    _, states = twin._events_of(start.copy(), 0)
    for draw in (states & 0xFFFF).ravel()[:40]:
        for rate, happens in ((int(draw), False), (int(draw) + 1, True)):
            events, again = twin._events_of(start.copy(), rate)
            assert np.array_equal(again, states)
            assert np.all(events[(states & 0xFFFF) == draw] == happens)


def test_a_weight_of_a_full_row_fades_below_its_rate_and_not_at_it():
    """The draw itself is the rate, an odd one: no bit of it may be left out."""
    f = Formats(n=2, lanes=2, pages=1, budget=True)
    twin = Twin(f)
    _, states = twin._events_of(twin._decay.copy(), 0)
    draw = int(states.ravel()[0] & 0xFFFF)
    while not draw % 2:
        twin._events_of(twin._decay, 0)
        _, states = twin._events_of(twin._decay.copy(), 0)
        draw = int(states.ravel()[0] & 0xFFFF)
    before = twin.snapshot()
    for rate, fades in ((draw, False), (draw + 1, True)):
        twin.restore(before)
        twin.configure(Settings(gates=0, eta=0, budget=1, shrink=rate))
        twin.load_weights([[0, f.w_max], [f.w_max, 0]])
        twin.over[:2] = True
        twin.run(1, learn=True, resume=True)
        assert (twin.read_weights()[0, 1] < f.w_max) == fades
