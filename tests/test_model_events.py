"""Event-driven learning equals dense learning, touches what it says, and knows when it pays."""

import itertools
import math
import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import special

from drai_hw.errors import SpecError
from drai_hw.model import events, events_choice
from drai_hw.model import g as learning_functions
from drai_hw.model.events import EventLearning, Touched
from drai_hw.model.events_choice import break_even, choose
from drai_hw.model.readout import is_exact, read_pattern, start_phases_rad

TURN = 2**32


def by_pairs(weights, phases, awake, *, eta, reach, both, keep, limit, g):
    """The rule as it is written, pair by pair, in Python numbers."""
    points = [round(p / (2 * math.pi) * TURN) % TURN for p in phases]
    out = np.zeros_like(weights)
    resonant = 0
    for i, j in itertools.combinations(range(len(phases)), 2):
        apart = abs(points[i] - points[j])
        apart = min(apart, TURN - apart)
        w = keep * weights[i, j]
        if awake[i] and awake[j] and (apart <= reach or (both and apart >= TURN // 2 - reach)):
            w = min(max(w + eta * g(phases[i] - phases[j]), -limit), limit)
            resonant += 1
        out[i, j] = out[j, i] = w
    return out, resonant


@st.composite
def schedules(draw, exact):
    """A network, its settings, and phases and masks of some steps; many phases coincide."""
    n = draw(st.integers(2, 14))
    both = draw(st.booleans())
    grid = draw(st.sampled_from([4, 12, 1000]))
    widest = (math.pi / 2 if both else math.pi) - 1e-6
    steps = draw(st.integers(1, 6))
    seed = draw(st.integers(0, 2**31))
    rng = np.random.default_rng(seed)
    return {
        "n": n,
        "both_signs": both,
        "theta_rad": draw(st.floats(0, widest)),
        "g": draw(st.sampled_from(sorted(learning_functions.classes()))),
        "eta": draw(st.sampled_from([0.25, 0.1, -0.3])),
        "decay": draw(st.sampled_from([0.0, 0.5] if exact else [0.01, 0.3])),
        "limit": draw(st.sampled_from([math.inf, 0.3])),
        "dtype": draw(st.sampled_from(["float32", "float64"])),
        "phases": rng.integers(0, grid, (steps, n)) * (2 * math.pi / grid),
        "awake": rng.random((steps, n)) < draw(st.sampled_from([0.3, 0.8, 1.0])),
    }


def build(schedule, method, compiled):
    given_ = {k: v for k, v in schedule.items() if k not in ("phases", "awake")}
    return EventLearning(given_.pop("n"), method=method, compiled=compiled, **given_)


def play(schedule, method, compiled):
    """Return the weights after every step, read only at the end of each second one."""
    net = build(schedule, method, compiled)
    seen, counts = [], []
    for number, (phases, awake) in enumerate(
        zip(schedule["phases"], schedule["awake"], strict=True)
    ):
        counts.append(net.learn(phases, awake))
        if number % 2:
            seen.append(net.weights())
    seen.append(net.weights())
    return seen, counts, net


# -- event-driven equals dense ----------------------------------------------------------------


@settings(max_examples=80)
@given(schedules(exact=True))
def test_events_equal_dense_passes_bit_for_bit_where_arithmetic_is_exact(schedule):
    """Without decay there is no difference in arithmetic; halving k times is exact, too."""
    ways = list(itertools.product(("events", "dense"), (True, False)))
    runs = [play(schedule, *way) for way in ways]
    for (method, _), (seen, counts, _) in zip(ways, runs, strict=True):
        for ours, first in zip(seen, runs[0][0], strict=True):
            assert np.array_equal(ours, first)
        assert [c.gated_on for c in counts] == [c.gated_on for c in runs[0][1]]
        if method == "events" or schedule["decay"] == 0:  # a dense pass writes what decays
            assert [c.changed for c in counts] == [c.changed for c in runs[0][1]]


@settings(max_examples=80)
@given(schedules(exact=False))
def test_with_decay_events_stay_within_the_rounding_of_powers(schedule):
    """|difference| <= 8 u (sum over steps of the largest |w|), u = half a unit in the last place.

    A dense step rounds its product and, if it learns, its sum: 2u. An event rounds two powers
    (2u each, as the mathematics library promises less than 1 unit), their product, the decayed
    weight and the sum: 7u in all, of values no larger than the largest |w|. Each later step is a
    contraction, so errors only add up: at most 9u a step for both ways together, whether the step
    touches the pair or not.
    """
    dense, *_ = play(schedule, "dense", False)
    u = np.finfo(schedule["dtype"]).eps / 2
    steps = len(schedule["phases"])
    for compiled in (True, False):
        seen, *_ = play(schedule, "events", compiled)
        for ours, exact in zip(seen, dense, strict=True):
            largest = min(schedule["limit"], abs(schedule["eta"]) * steps)
            assert np.abs(ours - exact).max() <= 9 * u * steps * largest


@settings(max_examples=40)
@given(schedules(exact=False))
def test_compiled_and_plain_loops_give_the_same_bits_with_decay_too(schedule):
    for method in ("events", "dense", "auto"):
        (first, c1, net1), (second, c2, net2) = (play(schedule, method, c) for c in (True, False))
        if net1.last_method == net2.last_method:  # each has its own break-even
            assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
            assert method == "auto" or (c1 == c2 and net1.touched == net2.touched)


@settings(max_examples=40)
@given(schedules(exact=True))
def test_every_way_is_the_rule_as_written_pair_by_pair(schedule):
    """16 u of the sum of steps: the formula of g is rearranged (addition theorem), 4u each."""
    seen, counts, net = play(schedule | {"dtype": "float64"}, "events", None)
    n, g = schedule["n"], learning_functions.make(schedule["g"])
    reach = int(schedule["theta_rad"] / (2 * math.pi) * TURN)
    weights = np.zeros((n, n))
    for phases, awake, count in zip(schedule["phases"], schedule["awake"], counts, strict=True):
        weights, resonant = by_pairs(
            weights, phases, awake, eta=schedule["eta"], reach=reach,
            both=schedule["both_signs"], keep=1 - schedule["decay"], limit=schedule["limit"], g=g,
        )  # fmt: skip
        assert count.gated_on == resonant
        assert count.skipped == net.pairs - resonant
    if schedule["g"] != "square":  # whose jump falls on multiples of a quarter turn
        assert np.abs(seen[-1] - weights).max() <= 16 * 2**-53 * 6 * 2 * len(counts)


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("k", [1500, 5000])
def test_idle_steps_become_one_power_within_k_units(k, compiled):
    """A weight idle for k steps: dense rounds k products (k u), an event at most 6u: (k+6) units.

    Both reach into the second table of powers; 0.999 is not exact in binary.
    """
    net = EventLearning(3, eta=0.7, theta_rad=0.1, decay=0.001, method="events", compiled=compiled)
    net.learn([0, 0, 0])
    net.learn([0, 0, 1], [True, True, False])
    dense = np.float64(0.7)
    for _ in range(k):
        net.learn([0, 0, 0], [False] * 3)
        dense *= 1 - 0.001
    dense *= 1 - 0.001  # the step in which pair (0, 1) learned alone
    assert net.touched.read == 4
    w = net.weights()
    assert abs(w[0, 2] - dense) <= (k + 6) * np.spacing(dense)
    assert w[0, 2] == pytest.approx(0.7 * math.exp((k + 1) * math.log1p(-0.001)), rel=1e-12)
    assert w[0, 1] == pytest.approx((0.7 * 0.999 + 0.7) * 0.999**k, rel=1e-12)
    assert net.touched.read == 4 + 3  # settled once for all


@pytest.mark.parametrize("compiled", [True, False])
def test_a_word_left_alone_for_long_is_caught_up_with_when_it_learns(compiled):
    """1500 idle steps, then an event: w = 0.999^1501 + 1, to the rounding of powers."""
    net = EventLearning(2, eta=1.0, theta_rad=0.1, decay=0.001, method="events", compiled=compiled)
    net.learn([0, 0])
    for _ in range(1500):
        net.learn([0, 1])
    net.learn([0, 0])
    assert net.weights()[0, 1] == pytest.approx(0.999**1501 + 1, rel=1e-13)


@pytest.mark.parametrize("decay", [0.0, 0.1])
def test_a_new_network_has_nothing_to_settle(decay):
    net = EventLearning(3, eta=1.0, theta_rad=0.1, decay=decay)
    assert (net.steps, net.last_method) == (0, "")
    assert not net.weights().any()
    assert net.touched == Touched()
    assert net.touched.share == 0
    assert Touched(visited=1, gated_on=1).share == 1
    net.method = "events"
    net.learn([0, 0, 1])
    net.settle()
    assert net.touched.read == (1 if decay == 0 else 4)


def test_settling_is_done_once_and_counted_and_changes_nothing_later():
    net = EventLearning(4, g="xor", eta=1, theta_rad=0.1, decay=0.5, method="events")
    net.learn([0, 0, 3, 3])
    net.learn([0, 0, 3, 3], [True, True, False, False])
    net.settle()
    once = net.touched
    assert once == Touched(3, 3, 3 + 6, 3 + 6, 3 + 1, 9)  # only pair (2, 3) was behind
    net.settle()
    assert net.touched == once
    assert net.weights()[0, 1] == 1.5
    assert net.weights()[2, 3] == 0.5
    assert net.weights()[0, 2] == 0


def test_a_switch_between_ways_in_the_middle_loses_no_decay():
    net = EventLearning(5, eta=1, theta_rad=0.1, decay=0.5)
    weights = np.ones((5, 5)) - np.eye(5)
    net.load(weights)
    for method in ("events", "events", "dense", "dense", "events", "dense", "events"):
        net.method = method
        net.learn(np.arange(5.0))  # nobody in resonance
    assert np.array_equal(net.weights(), weights / 2**7)


def test_weights_that_are_loaded_later_start_their_decay_then():
    net = EventLearning(3, eta=1, theta_rad=0.1, decay=0.5, method="events")
    for _ in range(4):
        net.learn([0, 1, 2])
    net.load(np.ones((3, 3)))
    net.learn([0, 1, 2])
    assert np.array_equal(net.weights(), (np.ones((3, 3)) - np.eye(3)) / 2)


# -- what is touched --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("theta", "both", "expected"),
    [
        (0.05, False, 0),
        (0.11, False, 60),
        (0.25, False, 120),
        (0.11, True, 150),
        (3.1, False, 1740),
    ],
)
@pytest.mark.parametrize("compiled", [True, False])
def test_on_an_even_ring_the_resonant_pairs_are_counted_by_hand(theta, both, expected, compiled):
    """60 oscillators 0.105 rad apart, across the wrap: N floor(theta/step) pairs, N/2 opposite,
    and N more at half a turn less one step."""
    net = EventLearning(
        60, eta=1, theta_rad=theta, both_signs=bool(both), method="events", compiled=compiled
    )
    done = net.learn(np.arange(60) * (2 * math.pi / 60) - 2)
    assert done.visited == done.gated_on == done.read == done.written == expected
    assert done.skipped == 60 * 59 // 2 - expected
    assert done.share == expected / (60 * 59 // 2)


def test_what_counts_as_changed_is_a_word_that_differs():
    net = EventLearning(3, eta=1, theta_rad=0.5, limit=1, method="events")
    assert net.learn([0, 0, 0]).changed == 3
    assert net.learn([0, 0, 0]) == Touched(3, 3, 3, 3, 0, 0)  # saturated
    net.method = "dense"
    assert net.learn([0, 0, 2]) == Touched(3, 1, 3, 3, 0, 0)


LOCK = 30.0  # F/D: input strength 3 over phase noise 0.1
COHERENT = math.acos(0.5)


def within(theta, offset=0.0):
    """P(|d - offset| <= theta) for two phases locked to inputs: von Mises, by Fourier series."""
    k = np.arange(1, 200)
    moments = (special.ive(k, LOCK) / special.ive(0, LOCK)) ** 2
    return theta / math.pi + 2 / math.pi * np.sum(
        moments * np.sin(k * theta) * np.cos(k * offset) / k
    )


@pytest.mark.parametrize(("both", "recorded"), [(False, 0.498), (True, 0.999)])
def test_the_share_of_pairs_that_learn_from_balanced_patterns_is_what_locking_says(both, recorded):
    """Five random patterns on 100 oscillators, locked at F/D = 30; resonance: cos d >= 1/2.

    Exact given the patterns: same-sign pairs lie within theta with the von Mises probability. 400
    windows leave a standard error below 2e-4; the recorded shares hold to 0.01, the spread of the
    share of same-sign pairs over sets of patterns (sd 0.5/sqrt(5 * 4950) = 0.003).
    """
    rng = np.random.default_rng(5)
    patterns = rng.choice([-1, 1], (5, 100))
    net = EventLearning(100, eta=0.05, theta_rad=COHERENT, both_signs=both)
    for number in range(400):
        lock = np.where(patterns[number % 5] > 0, 0, math.pi)
        net.learn(lock + rng.vonmises(0, LOCK, 100))
    up = (patterns > 0).sum(axis=1)
    alike = np.mean((up * (up - 1) + (100 - up) * (99 - up)) / (100 * 99))
    near, far = within(COHERENT), within(COHERENT, math.pi)
    expected = near + far if both else alike * near + (1 - alike) * far
    assert net.touched.share == pytest.approx(expected, abs=1e-3)
    assert net.touched.share == pytest.approx(recorded, abs=0.01)


@pytest.mark.parametrize(
    ("active", "recorded"), [(0.5, 0.233), (0.2, 0.040), (0.1, 0.008), (0.05, 0.004)]
)
def test_amplitude_gating_leaves_the_square_of_the_active_share(active, recorded):
    """N = 200, resonance anywhere (theta just below pi): k/M = f (N f - 1)/(N - 1) exactly.

    Masks drawn at random have mean f^2 and, for 8 of them, a standard error of
    2 f sqrt(f (1 - f)/(8 N)) in first order; the recorded values lie within 3 of them (and the
    rounding of their third digit).
    """
    count = int(200 * active)
    rng = np.random.default_rng(1)
    net = EventLearning(200, eta=1, theta_rad=math.pi - 1e-6)
    for _ in range(8):
        mask = np.zeros(200, dtype=bool)
        mask[rng.permutation(200)[:count]] = True
        net.learn(rng.uniform(0, 7, 200), mask)
    assert net.touched.gated_on == 8 * count * (count - 1) // 2
    error = 2 * active * math.sqrt(active * (1 - active) / (8 * 200))
    assert abs(active**2 - recorded) <= 3 * error + 5e-4
    drawn = EventLearning(200, eta=1, theta_rad=math.pi - 1e-6)
    for _ in range(400):
        drawn.learn(rng.uniform(0, 7, 200), rng.random(200) < active)
    assert abs(drawn.touched.share - active**2) <= 4 * error * math.sqrt(8 / 400)


def recalled(weights, start, rng):
    """Return the pattern that phases settle to, with a ramped second harmonic (h = 0.3)."""
    phases = start_phases_rad(start, 0.1, rng)
    scaled = weights / np.abs(weights).sum(axis=1).max()
    for step in range(300):
        s, c = np.sin(phases), np.cos(phases)
        pull = c * (scaled @ s) - s * (scaled @ c)
        phases = phases + 0.3 * (pull - 0.5 * step / 300 * 2 * s * c)
    return read_pattern(phases)


@pytest.mark.parametrize(("both", "centred", "good"), [(0, 0, False), (0, 1, True), (1, 0, True)])
def test_in_phase_events_alone_store_nothing_until_the_mean_is_subtracted(both, centred, good):
    """Recorded: .00 in-phase only, 1.00 after mean subtraction, .95 with both signs.

    Weights that only grow are the Hebbian ones plus a constant of the same size, which pulls all
    into one phase. 20 starts with 15 flips of 100: hardly any or nearly all exact.
    """
    rng = np.random.default_rng(8)
    patterns = rng.choice([-1, 1], (5, 100))
    net = EventLearning(100, eta=0.05, theta_rad=COHERENT, both_signs=bool(both))
    for number in range(50):
        lock = np.where(patterns[number % 5] > 0, 0, math.pi)
        net.learn(lock + rng.vonmises(0, LOCK, 100))
    weights = net.weights()
    if centred:
        weights = weights - weights.sum() / (100 * 99)
    exact = 0
    for number in range(20):
        start = patterns[number % 5].copy()
        start[rng.permutation(100)[:15]] *= -1
        exact += is_exact(recalled(weights, start, rng), patterns[number % 5])
    assert exact >= 17 if good else exact <= 1, exact


@pytest.mark.parametrize("method", ["events", "dense"])
@pytest.mark.parametrize("compiled", [True, False])
def test_square_learning_turns_over_at_a_quarter_turn(method, compiled):
    net = EventLearning(3, eta=1.0, theta_rad=3.0, g="square", method=method, compiled=compiled)
    net.learn([0.0, 1.55, -1.6])
    assert net.weights()[0].tolist() == [0.0, 1.0, -1.0]
    net.load(np.zeros((3, 3)))
    net.learn([0.0, math.pi / 2, 0.1])  # at the quarter turn itself it has turned over
    assert net.weights()[0].tolist() == [0.0, -1.0, 1.0]


@pytest.mark.parametrize("method", ["events", "dense"])
@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("ahead", [0, 1])
def test_the_width_of_resonance_is_within_it_on_either_side(method, compiled, ahead):
    """An eighth of a turn is exactly 2^29 of 2^32; a pair as near to anti-phase is within, too."""
    for both, other in ((False, math.pi / 4), (True, 0.75 * math.pi)):
        outwards = -1 if both else 1  # towards a quarter turn, where no pair learns
        for beyond in (0, 1):
            net = EventLearning(
                2, eta=1.0, theta_rad=math.pi / 4, both_signs=both, method=method, compiled=compiled
            )
            apart = other + beyond * outwards * 2 * math.pi / TURN
            assert net.learn([0.0, apart][:: -1 if ahead else 1]).gated_on == 1 - beyond
            expected = 0.0 if beyond else math.cos(other)
            assert net.weights()[0, 1] == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("method", ["events", "dense"])
@pytest.mark.parametrize("g", ["cosine", "xor", "square"])
def test_more_pairs_than_are_gathered_at_a_time_learn_alike_in_both_loops(method, g):
    """4950 pairs, 2048 at a time; the second step, of half of them, has idle words to catch up."""
    rng = np.random.default_rng(2)
    phases, awake = rng.uniform(0, 2 * math.pi, (3, 100)), np.arange(100) % 2 == 0
    nets = [
        EventLearning(100, eta=0.1, theta_rad=3.0, g=g, decay=0.01, method=method, compiled=way)
        for way in (True, False)
    ]
    for number, each in enumerate(phases):
        first, second = (net.learn(each, awake if number == 1 else None) for net in nets)
        assert first == second
        assert first.changed > 1000
    assert np.array_equal(nets[0].weights(), nets[1].weights())


def test_a_function_of_ones_own_with_a_known_name_is_used_as_it_is():
    class Half(learning_functions.LearningFunction):
        name = "cosine"
        drift_mean = 0.5

        def __call__(self, psi_rad):
            return np.full(np.shape(psi_rad), 0.5)

    net = EventLearning(2, eta=1.0, theta_rad=3.0, g=Half())
    net.learn([0, 2.5])
    assert net.weights()[0, 1] == 0.5


# -- which way -------------------------------------------------------------------------------


@pytest.mark.parametrize("compiled", [True, False])
@pytest.mark.parametrize("decay", [False, True])
@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_the_choice_follows_the_table(kind, decay, compiled):
    table = events_choice.BREAK_EVEN[compiled, kind, decay]
    for n, share in zip(events_choice.BREAK_EVEN_SIZES, table, strict=True):
        assert 0 <= share <= 1
        assert break_even(n, kind, decay=decay, compiled=compiled) == pytest.approx(share)
        for s, way in ((share * 0.99 - 1e-9, "events"), (min(1, share + 0.01), "dense")):
            if 0 <= s < 1:
                assert choose(n, s, kind, decay=decay, compiled=compiled) == way
    between = break_even(512, kind, decay=decay, compiled=compiled)
    assert between == pytest.approx((table[0] + table[1]) / 2)
    assert break_even(16, kind, decay=decay, compiled=compiled) == table[0]
    assert break_even(9999, kind, decay=decay, compiled=compiled) == table[-1]


def test_the_table_is_the_one_on_the_page(repository):
    page = (repository / "docs/reference/event-driven.md").read_text(encoding="utf-8")
    head = next(line for line in page.splitlines() if line.startswith("| loops | type"))
    sizes = tuple(int(cell.split("=")[1]) for cell in head.strip("| ").split("|")[2:])
    assert sizes == events_choice.BREAK_EVEN_SIZES
    stated = {}
    for line in page.splitlines():
        if line.startswith(("| compiled |", "| NumPy |")):
            loops, kind, *shares = (cell.strip() for cell in line.strip("| ").split("|"))
            dtype, _, decay = kind.partition(", ")
            stated[loops == "compiled", dtype, decay == "decay"] = [float(s) for s in shares]
    assert stated.keys() == events_choice.BREAK_EVEN.keys()
    for key, shares in events_choice.BREAK_EVEN.items():
        assert stated[key] == pytest.approx(shares, rel=0.05)  # two digits on the page


def test_at_the_break_even_itself_a_dense_pass_is_chosen():
    assert choose(256, 0.056) == "dense"  # float64, no decay, compiled
    assert choose(256, 0.056 - 1e-9) == "events"
    assert break_even(1024, compiled=False) == 1.0


def test_auto_counts_the_pairs_and_takes_the_faster_way():
    net = EventLearning(256, eta=0.1, theta_rad=1e-4)
    net.learn(np.linspace(0, 6, 256))
    assert net.last_method == "events"
    net.learn(np.zeros(256))
    assert net.last_method == "dense"
    assert net.touched.gated_on == net.pairs
    assert net.weights()[3, 200] == pytest.approx(0.1)


def test_a_function_that_is_not_compiled_is_weighed_by_what_numpy_costs():
    """At 256 oscillators NumPy's events always pay: the compiled table would say a dense pass."""
    net = EventLearning(256, eta=0.1, theta_rad=1.0, g="gaussian")
    net.learn(np.linspace(0, 6, 256))
    assert net.touched.share > break_even(256, compiled=True)
    assert net.last_method == "events"


# -- what does not fit ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n": 1}, "n = 1: needs at least 2"),
        ({"theta_rad": math.pi}, r"theta_rad = 3.14\d+: needs 0 to below 3.142 rad without both"),
        ({"theta_rad": 1.6, "both_signs": True}, "needs 0 to below 1.571 rad with both_signs"),
        ({"theta_rad": math.nan}, "theta_rad = nan: needs"),
        ({"theta_rad": -1e-9}, "theta_rad = -1e-09: needs"),
        ({"decay": -1e-9}, "decay = -1e-09, limit"),
        ({"decay": 1.5}, "decay = 1.5, limit = inf: needs a number, a share"),
        ({"limit": 0}, "limit = 0: needs"),
        ({"eta": math.inf}, "eta = inf"),
        ({"dtype": "float16"}, "dtype = float16: needs float32 or float64"),
        ({"method": "both"}, "method = 'both': needs one of auto, events, dense"),
        ({"g": "none"}, "g = 'none'"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(SpecError, match=message):
        EventLearning(**({"n": 3, "eta": 0.1, "theta_rad": 0.5} | change))


def test_arrays_that_do_not_fit_are_refused():
    net = EventLearning(3, eta=0.1, theta_rad=0.5, limit=1)
    with pytest.raises(SpecError, match=r"phases of shape \(4,\), active of shape \(3,\): needs 3"):
        net.learn(np.zeros(4))
    with pytest.raises(SpecError, match=r"active of shape \(2,\): needs 3"):
        net.learn(np.zeros(3), [True, False])
    with pytest.raises(SpecError, match="phases that are no numbers"):
        net.learn([0, math.nan, 0])
    with pytest.raises(SpecError, match=r"weights of shape \(2, 2\): needs 3 x 3, symmetric"):
        net.load(np.zeros((2, 2)))
    with pytest.raises(SpecError, match="needs 3 x 3, symmetric"):
        net.load(np.triu(np.ones((3, 3))))
    with pytest.raises(SpecError, match=r"weights up to 2.0: the limit is 1.0"):
        net.load(2 * (np.ones((3, 3)) - np.eye(3)))
    some = np.array([[0, 0.5, 0.25], [0.5, 0, 1.5], [0.25, 1.5, 0]])
    with pytest.raises(SpecError, match=r"weights up to 1.5: the limit is 1.0"):
        net.load(some)
    net.load(some / 1.5)
    for share in (1.5, -1e-9):
        with pytest.raises(SpecError, match=rf"share = {share}: needs a share of all pairs"):
            choose(100, share)


def test_all_decay_in_a_step_is_a_decay():
    net = EventLearning(2, eta=1.0, theta_rad=0.1, decay=1.0)
    net.load(np.array([[0.0, 5.0], [5.0, 0.0]]))
    net.learn([0, 0])
    assert net.weights()[0, 1] == 1.0


def test_machine_code_of_other_constants_is_refused(monkeypatch):
    monkeypatch.delitem(sys.modules, "drai_hw.model.events_kernels", raising=False)
    monkeypatch.setattr("drai_hw.model.events_plain.FINE_BITS", 9)
    with pytest.raises(RuntimeError, match=r"constants of .*events_kernels differ"):
        events.kernels("events_kernels")


def test_without_numba_the_plain_loops_are_taken_and_asking_for_more_is_an_error(monkeypatch):
    def missing(name):
        raise events.ToolError("compiled loops need the package numba")

    monkeypatch.setattr(events, "kernels", missing)
    assert not EventLearning(3, eta=0.1, theta_rad=0.5).compiled
    with pytest.raises(events.ToolError, match="need the package numba"):
        EventLearning(3, eta=0.1, theta_rad=0.5, compiled=True)
