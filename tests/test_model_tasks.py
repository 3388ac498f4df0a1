"""Storing and recalling on float model and twin, with the controls that must fail."""

import numpy as np
import pytest

from drai_hw import catalog
from drai_hw.model import plan, tasks
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin

TRIALS = 100


def stored(name, seed=None):
    """Return network, patterns, trials, learned float model and learned twin of a design."""
    spec, _ = catalog.find(name)
    if seed is not None:
        spec = spec.model_copy(update={"task": spec.task.model_copy(update={"seed": seed})})
    patterns = tasks.patterns_of(spec).values
    trials = tasks.trials_of(spec, tasks.patterns_of(spec), TRIALS)
    model, twin = Reference(spec), Twin(plan.formats_of(spec))
    tasks.prepare(twin, spec)
    return (spec, patterns, trials, model, tasks.learn_float(model, patterns), twin,
            tasks.learn(twin, spec, patterns))  # fmt: skip


@pytest.fixture(scope="module")
def letters():
    return stored("letters")


def test_letters_are_learned_by_the_local_rule_until_all_are_held(letters):
    *_, learned_float, twin, learned = letters
    assert learned_float.all_held
    assert learned.all_held
    assert 0 < learned.counters.changed <= learned.counters.written <= learned.counters.gated_on
    assert learned.counters.visited == 35 * 34 // 2 * learned.presentations
    assert np.array_equal(learned.weights, twin.read_weights())


def test_float_and_twin_recall_corrupted_letters(letters):
    """At 10 % flips (4 of 35 pixels) at least 0.9 of 100 starts come back exactly."""
    spec, patterns, trials, model, _, twin, _ = letters
    first = tasks.recall_float(model, trials, patterns)
    second = tasks.recall(twin, spec, trials, patterns)
    assert (trials.starts != patterns[trials.target]).sum(axis=1).tolist() == [4] * TRIALS
    assert first.exact_rate >= 0.9
    assert second.exact_rate >= 0.9
    assert tasks.same_end(first, second) >= 0.9
    assert first.interval[0] < first.exact_rate <= first.interval[1]


def test_controls_fail_as_they_must(letters):
    spec, patterns, trials, _, _, twin, learned = letters
    uncoupled = tasks.recall(twin, spec, trials, patterns, coupled=False)
    assert uncoupled.exact_rate <= 0.1
    rng = np.random.default_rng(3)
    upper = np.triu_indices(35, 1)
    shuffled = np.zeros((35, 35), dtype=int)
    shuffled[upper] = rng.permutation(learned.weights[upper])
    other = Twin(twin.formats)
    tasks.prepare(other, spec)
    other.load_weights(shuffled + shuffled.T)
    assert tasks.recall(other, spec, trials, patterns).exact_rate <= 0.1


@pytest.mark.full
@pytest.mark.parametrize("name", ["letters", "digits", "memory"])
@pytest.mark.parametrize("seed", [1, 2, 3, 4, 5])
def test_recall_holds_over_seeds(name, seed):
    spec, patterns, trials, model, _, twin, _ = stored(name, seed)
    assert tasks.recall_float(model, trials, patterns).exact_rate >= 0.9
    assert tasks.recall(twin, spec, trials, patterns).exact_rate >= 0.9


def test_the_traced_trial_equals_an_untraced_one(letters):
    spec, patterns, trials, _, _, twin, _ = letters
    saved = twin.snapshot()
    traced = tasks.recall(twin, spec, trials, patterns)
    twin.restore(saved)
    twin.configure(plan.run_settings(spec, twin.formats, twin.read_weights()))
    twin.load_phases(plan.phases_of(spec, trials.phases_rad[0]))
    twin.run(spec.task.steps)
    assert np.allclose(traced.trace_rad[-1], twin.read_phases() * 2 * np.pi / 65536)
    assert len(traced.trace_rad) == spec.task.steps + 1


def test_the_pair_locks_at_the_closed_form_in_float_and_twin():
    """The twin may be off by one table bin (half a bin each for the two phases): 2 pi / 64."""
    spec, _ = catalog.find("pair")
    expected = tasks.pair_offset_rad(spec.dynamics.frequencies)
    twin = Twin(plan.formats_of(spec))
    tasks.prepare(twin, spec)
    assert tasks.lock_float(Reference(spec)).offsets_rad[1] == pytest.approx(expected, abs=1e-9)
    assert tasks.lock(twin, spec).offsets_rad[1] == pytest.approx(expected, abs=2 * np.pi / 64)
