"""Gates and stabilisers of the float model: what each opens, and what each does to the weights."""

import math

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import gates, stabilisers, tasks
from drai_hw.model.gates.base import Observed
from drai_hw.model.reference import Reference
from drai_hw.spec import parts
from drai_hw.spec.mask import load_mask


def make(n, **tables):
    data = {"schema": 1, "network": {"name": "t", "oscillators": n}, "task": {"kind": "lock"}}
    data["network"] |= tables.pop("network", {})
    data["task"] |= tables.pop("task", {})
    return network.validate(data | tables)


def seen(phases, weights=None, amplitudes=None):
    phases = np.atleast_2d(np.asarray(phases, dtype=float))
    n = phases.shape[-1]
    return Observed(
        phases,
        np.zeros((n, n)) if weights is None else weights,
        np.zeros(n, dtype=bool),
        np.zeros(n),
        np.ones(n) if amplitudes is None else np.asarray(amplitudes, dtype=float),
    )


def symmetric(n, seed):
    upper = np.triu(np.random.default_rng(seed).normal(size=(n, n)), 1)
    return upper + upper.T


@pytest.mark.parametrize("kind", [gates.KIND, stabilisers.KIND])
def test_every_file_of_a_folder_is_a_part_of_its_name(kind):
    assert {name: made.name for name, made in kind.classes().items()} == {
        name: name for name in parts.names(kind.folder)
    }


# -- gates -----------------------------------------------------------------------------------


def test_lock_takes_any_constant_offset_and_in_phase_only_a_small_one():
    """Two pairs drift along together: 0-1 in phase, 2 at a quarter turn, 3 in anti-phase."""
    common = np.linspace(0.0, 5.0, 16)[:, None]
    window = seen(common + np.array([0.0, 0.0, math.pi / 2, math.pi]))
    lock = gates.KIND.make("lock", {"threshold": 1.0}).open(window)
    together = gates.KIND.make("in-phase").open(window)
    assert lock.all()
    assert np.array_equal(together, [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])


def test_a_pair_that_drifts_by_a_whole_turn_in_the_window_is_not_locked():
    steps = np.arange(16)[:, None]
    window = seen(steps * np.array([0.0, math.tau / 16, math.tau / 64]))
    assert abs(window.coherence[0, 1]) < 1e-12
    # A quarter turn over the window: the Dirichlet kernel sin(T x/2) / (T sin(x/2)).
    x = math.tau / 64
    assert abs(window.coherence[0, 2]) == pytest.approx(math.sin(8 * x) / (16 * math.sin(x / 2)))
    assert not gates.KIND.make("lock", {"threshold": 0.901}).open(window)[0, 2]
    assert gates.KIND.make("lock", {"threshold": 0.9}).open(window)[0, 2]


def test_amplitude_gating_opens_the_square_of_the_active_share():
    window = seen(np.zeros(20), amplitudes=np.arange(20) < 5)
    assert gates.KIND.make("amplitude").open(window).sum() == 25


def test_novelty_is_nothing_for_a_stored_pattern_two_for_nothing_but_contradictions():
    x = np.where(np.arange(12) % 3 == 0, 1.0, -1.0)
    stored = np.outer(x, x) - np.eye(12)
    phases = np.where(x > 0, 0.0, math.pi)
    assert seen(phases, stored).novelty == pytest.approx(0.0)
    assert seen(phases + 1.0, stored).novelty == pytest.approx(0.0)  # a common phase is nothing
    assert seen(phases, -stored).novelty == pytest.approx(2.0)
    assert seen(phases).novelty == pytest.approx(1.0)
    flipped = phases.copy()
    flipped[:3] += math.pi  # 3 of 12 contradict: 1 - (9 - 3)/12
    assert seen(flipped, stored).novelty == pytest.approx(0.5)


def test_the_surprise_gate_closes_once_the_pattern_is_known():
    spec = make(12, learning={"eta": 0.5, "gates": ["surprise"]})
    model = Reference(spec)
    x = np.where(np.arange(12) % 3 == 0, 1, -1)
    for _ in range(5):
        model.present(x)
    assert model.counters.gated_on == 66  # the first presentation alone
    assert model.weights[0, 1] == -0.5


def test_gates_are_joined_by_and():
    spec = make(
        6,
        learning={"eta": 0.5, "gates": ["amplitude", "in-phase"]},
        network={"initial_weight": 0},
    )
    model = Reference(spec)
    model.amplitudes = np.array([1.0, 1.0, 1.0, 1.0, 0.0, 0.0])
    model.present([1, 1, -1, -1, 1, 1])
    assert np.argwhere(np.triu(model.weights)).tolist() == [[0, 1], [2, 3]]


def test_parameters_of_parts_come_from_the_file():
    learning = {"gates": ["lock"], "gate_parameters": {"lock": {"threshold": 0.25}},
                "stabilisers": ["top-k"], "stabiliser_parameters": {"top-k": {"k": 2}}}  # fmt: skip
    rule = Reference(make(4, learning=learning)).rule
    assert rule.gates[0].threshold == 0.25
    assert rule.stabilisers[0].k == 2


@pytest.mark.parametrize(
    ("learning", "message"),
    [
        ({"gate_parameters": {"lock": {}}},
         r"gate_parameters.lock: learning.gates does not list 'lock'; it lists margin"),
        ({"gates": ["lock"], "gate_parameters": {"lock": {"treshold": 1}}},
         r"treshold: unknown; gate = 'lock' takes threshold"),
        ({"gates": ["lock"], "gate_parameters": {"lock": {"threshold": 2}}},
         r"lock.threshold = 2: needs 0 to 1"),
        ({"gates": ["resonance"], "gate_parameters": {"resonance": {"width_rad": 1}}},
         r"the width of this gate is learning.theta_r"),
        ({"stabilisers": ["top-k"], "stabiliser_parameters": {"top-k": {"k": 1.5}}},
         r"top-k.k = 1.5: needs a whole number of at least 1"),
        ({"gates": ["no.such.module:Gate"]}, r"No module named 'no'; needs module:Class"),
        ({"gates": ["math:pi"]}, r"needs a subclass of drai_hw.model.gates.base.Gate"),
        ({"stabilisers": ["drai_hw.model.gates.lock:Lock"]}, r"stabilisers.base.Stabiliser"),
    ],
)  # fmt: skip
def test_parts_that_do_not_fit_are_refused(learning, message):
    with pytest.raises(SpecError, match=message):
        Reference(make(4, learning=learning))


def test_a_gate_of_the_users_own_is_found_by_module_and_class():
    model = Reference(make(4, learning={"gates": ["drai_hw.model.gates.margin:Margin"]}))
    assert model.rule.gates[0].name == "margin"


# -- stabilisers -----------------------------------------------------------------------------


def test_row_scaling_brings_every_row_sum_to_its_budget_and_keeps_symmetry():
    scaling = stabilisers.KIND.make("row-scaling", {"budget": 7.0})
    w = symmetric(9, 1)
    for _ in range(60):
        w = scaling.apply(w, seen(np.zeros(9)))
    assert np.allclose(np.abs(w).sum(axis=1), 7.0, rtol=1e-9)
    assert np.allclose(w, w.T, rtol=1e-12)


def test_row_scaling_can_leave_small_rows_alone():
    scaling = stabilisers.KIND.make("row-scaling", {"budget": 2.0, "only_above": 1})
    w = np.array([[0, 1.0, 0], [1.0, 0, 0], [0, 0, 0]])
    assert np.array_equal(scaling.apply(w, seen(np.zeros(3))), w)
    assert scaling.apply(4 * w, seen(np.zeros(3)))[0, 1] == pytest.approx(2.0)


def test_mean_subtraction_leaves_no_mean():
    w = symmetric(8, 2) + 3.0
    np.fill_diagonal(w, 0.0)
    whole = stabilisers.KIND.make("mean-subtraction").apply(w, seen(np.zeros(8)))
    assert abs(whole.sum()) < 1e-12
    assert np.allclose(whole[0, 1] - whole[2, 3], w[0, 1] - w[2, 3])
    rows = stabilisers.KIND.make("mean-subtraction", {"by_row": 1}).apply(w, seen(np.zeros(8)))
    assert np.abs(rows.sum(axis=1)).max() < 1e-12
    assert np.array_equal(rows, rows.T)
    half = stabilisers.KIND.make("mean-subtraction", {"share": 0.5}).apply(w, seen(np.zeros(8)))
    assert half.sum() == pytest.approx(w.sum() / 2)
    assert not np.diag(whole).any()


def test_top_k_keeps_what_either_end_claims():
    w = np.array([[0, 5, -4, 1], [5, 0, 3, 2], [-4, 3, 0, 0.5], [1, 2, 0.5, 0]], dtype=float)
    kept = stabilisers.KIND.make("top-k", {"k": 1}).apply(w, seen(np.zeros(4)))
    # 0 and 1 claim each other, 2 claims 0, 3 claims 1.
    assert np.argwhere(np.triu(kept)).tolist() == [[0, 1], [0, 2], [1, 3]]
    assert np.array_equal(kept, kept.T)


def test_pruning_removes_small_weights_only():
    w = symmetric(10, 3)
    kept = stabilisers.KIND.make("pruning", {"threshold": 0.7}).apply(w, seen(np.zeros(10)))
    assert np.array_equal(kept != 0, np.abs(w) >= 0.7)
    assert np.array_equal(kept[kept != 0], w[kept != 0])


def test_in_phase_learning_fails_unless_the_mean_is_subtracted():
    """Weights that only grow share an offset; without it they are the Hebbian ones.

    Published here before: exact recall 0 without, 1 with mean subtraction.
    """
    rates = []
    for stabilise in ([], ["mean-subtraction"]):
        spec = make(
            100,
            learning={"eta": 0.05, "gates": ["in-phase"], "presentations": 40,
                      "stabilisers": stabilise},
            task={"kind": "recall", "patterns": "random:5", "trials": 20, "flips": 0.15},
        )  # fmt: skip
        patterns = tasks.patterns_of(spec)
        model = Reference(spec)
        learned = tasks.learn_float(model, patterns.values)
        shares = learned.counters.gated_on / learned.counters.visited
        assert shares == pytest.approx(0.5, abs=0.02)  # half of all pairs of a balanced pattern
        rates.append(tasks.recall_float(model, tasks.trials_of(spec, patterns), patterns.values))
    assert rates[0].exact_rate == 0.0
    assert rates[1].exact_rate >= 0.9


def test_the_slow_copy_restores_what_decay_took():
    """Once copy and weight meet, both fall by decay/2^shift a window instead of by decay.

    With decay 0.1 and a shift of 4 the last windows keep 1 - 0.1/16 each.
    """
    x = np.where(np.arange(10) % 3 == 0, 1, -1)
    left = []
    for keep in ([], ["slow-copy"]):
        learning = {"eta": 0.5, "decay": 0.1, "gates": ["surprise"], "stabilisers": keep}
        model = Reference(make(10, learning=learning))
        for _ in range(29):
            model.present(x)
        before = model.weights[0, 1]
        model.present(x)
        left.append((abs(model.weights[0, 1]), model.weights[0, 1] / before))
    assert left[0] == pytest.approx((0.45 * 0.9**29, 0.9))
    assert left[1][0] > 5 * left[0][0]
    assert left[1][1] == pytest.approx(1 - 0.1 / 16)


def test_the_slow_copy_follows_by_the_exponential_law():
    copy = stabilisers.KIND.make("slow-copy", {"shift": 2, "threshold": 0.0})
    w = np.array([[0, 8.0], [8.0, 0]])
    window = seen(np.array([0.0, math.pi]), np.zeros((2, 2)))  # novelty 1: nothing is restored
    for _ in range(3):
        assert np.array_equal(copy.apply(w, window), w)
    assert copy.state()["copy"][0, 1] == pytest.approx(8 * (1 - 0.75**3))


# -- masks, replicas, snapshots --------------------------------------------------------------


@pytest.mark.parametrize("mask", ["ring:2", "grid:4", "random:0.4", [[0, 1], [4, 7]]])
def test_a_missing_link_never_gets_a_weight(mask):
    spec = make(
        12,
        network={"mask": mask, "initial_weight": 1},
        learning={"eta": 0.5, "gates": [], "stabilisers": ["mean-subtraction"]},
    )
    model = Reference(spec)
    links = load_mask(spec.network.mask, 12, seed=spec.task.seed)
    assert np.array_equal(model.weights != 0, links)
    rng = np.random.default_rng(1)
    for _ in range(10):
        model.present(rng.choice([-1, 1], 12))
    assert not model.weights[~links].any()
    assert np.count_nonzero(model.weights[links]) > links.sum() / 2


def test_inactive_oscillators_neither_learn_nor_decay_nor_feel():
    spec = make(5, learning={"eta": 0.5, "decay": 0.5, "gates": []}, network={"initial_weight": 4})
    model = Reference(spec)
    model.amplitudes[2] = 0.0
    model.present([1, 1, 1, -1, -1])
    others = [0, 1, 3, 4]
    assert np.array_equal(model.weights[2, others], [4.0] * 4)
    assert model.weights[0, 1] == 0.5 * 4.5
    model.phases_rad = np.array([0.3, 1.0, 2.0, 3.0, 4.0])
    assert model.torque()[2] == 0
    assert model.counters.visited == 6


def test_replicas_learn_and_run_as_they_would_alone():
    """Bit for bit: the same sums in the same order, noise apart."""
    spec = make(
        14, learning={"eta": 0.3, "decay": 0.01, "g": "xor", "stabilisers": ["row-scaling"]}
    )
    patterns = np.random.default_rng(5).choice([-1, 1], (3, 14))
    many = Reference(spec, replicas=3)
    for _ in range(4):
        many.present(patterns)
    many.run(30)
    for number, pattern in enumerate(patterns):
        one = Reference(spec)
        for _ in range(4):
            one.present(pattern)
        one.run(30)
        assert np.allclose(one.weights, many.weights[number], rtol=1e-12, atol=0)
        assert np.allclose(one.phases_rad, many.phases_rad[number], atol=1e-9)


def test_replicas_that_share_weights_cannot_learn():
    model = Reference(make(4))
    model.phases_rad = np.zeros((3, 4))
    with pytest.raises(
        SpecError, match=r"shape \(3, 4\) cannot learn into weights of shape \(4, 4"
    ):
        model.drive(np.zeros(4))


def test_shapes_that_do_not_fit_are_named():
    model = Reference(make(4))
    model.phases_rad = np.zeros(5)
    with pytest.raises(
        SpecError, match=r"phases of shape \(5,\).*needs \(..., 4\) and \(..., 4, 4"
    ):
        model.run(1)


def test_inputs_pull_clamps_hold_and_the_window_learns():
    """A driven phase obeys psi' = -F sin psi, as a pair does: tan(psi/2) falls as exp(-F h n)."""
    h, steps, pull = 1e-3, 2000, 0.7
    model = Reference(make(2, dynamics={"coupling": h}))
    model.phases_rad = np.array([2.0, 2.0])
    model.clamp[1] = True
    model.input_strength[:] = pull
    model.run(steps, shil=False)
    expected = 2 * math.atan(math.tan(1.0) * math.exp(-pull * h * steps))
    assert model.phases_rad[0] == pytest.approx(expected, rel=1e-3)  # Euler at h = 1e-3
    assert model.phases_rad[1] == 2.0


def test_the_window_rule_learns_the_mean_of_g_over_the_window():
    """Settled inputs at 0 and 2 rad: dw = eta T g(2 rad), noise off."""
    learning = {"rule": "window", "eta": 0.01, "gates": [], "window": 8, "settle_steps": 400,
                "input_strength": 1.0, "g": "xor"}  # fmt: skip
    model = Reference(make(2, learning=learning))
    model.phases_rad[:] = 1.0
    model.drive([0.0, 2.0])
    assert model.weights[0, 1] == pytest.approx(0.08 * (1 - 4 / math.pi), rel=1e-9)
    assert not model.input_strength.any()


def test_decay_in_a_window_is_that_of_each_of_its_steps():
    model = Reference(make(3, learning={"eta": 0.0, "decay": 0.1, "gates": []}))
    w = np.where(np.eye(3), 0.0, 8.0)
    new, counters = model.rule.apply(seen(np.zeros((5, 3)), w))
    assert new[0, 1] == pytest.approx(8.0 * 0.9**5, rel=1e-14)
    assert (counters.visited, counters.gated_on, counters.changed) == (15, 15, 3)


def test_each_stabiliser_gets_back_what_it_remembered():
    spec = make(4, learning={"stabilisers": ["top-k", "slow-copy", "row-scaling"]})
    first, second = Reference(spec), Reference(spec)
    for _ in range(3):
        first.present([1, -1, 1, 1])
    copied = first.rule.stabilisers[1].state()["copy"]
    assert np.abs(copied).max() > 0
    second.restore(first.snapshot())
    assert np.array_equal(second.rule.stabilisers[1].state()["copy"], copied)
    assert second.rule.state().keys() == {"1.copy"}
    fresh = Reference(spec)
    second.restore(fresh.snapshot())
    assert second.rule.state() == {}, "a state without a copy leaves none"


def test_a_snapshot_goes_on_with_the_same_bits():
    spec = make(
        9,
        dynamics={"noise": 0.1, "frequencies": [0.01 * k for k in range(9)]},
        learning={"gates": ["margin", "resonance"], "stabilisers": ["slow-copy"], "decay": 0.01},
    )
    rng = np.random.default_rng(2)
    first, second = Reference(spec), Reference(spec, seed=99)
    first.present(rng.choice([-1, 1], 9))
    first.run(7)
    second.restore(first.snapshot())
    for model in (first, second):
        model.run(9, resume=True)
        model.present(np.ones(9))
    assert np.array_equal(first.phases_rad, second.phases_rad)
    assert np.array_equal(first.weights, second.weights)
    assert first.counters == second.counters
