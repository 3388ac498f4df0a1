"""The claims made for `letters`: recall on all four machines, and twin == RTL over a long run."""

import numpy as np
import pytest

from drai_hw import catalog, spice
from drai_hw.flow.circuit import float_end, netlist_of, start_of
from drai_hw.flow.geometry import geometry_of
from drai_hw.model import plan, tasks
from drai_hw.model.readout import is_exact, read_pattern, wilson_interval
from drai_hw.model.twin import Twin
from drai_hw.sim import run_core
from drai_hw.spec import validate


def letters(**tables):
    data = catalog.find("letters")[0].model_dump(by_alias=True, exclude_unset=True)
    for name, entries in tables.items():
        data[name] = data.get(name, {}) | entries
    return validate(data)


def report(what: str, hits: int, trials: int) -> None:
    low, high = wilson_interval(hits, trials)
    print(f"{what}: {hits} of {trials}, 95 % interval {low:.3f} to {high:.3f}")


@pytest.mark.full
def test_rtl_learns_and_recalls_a_hundred_corrupted_letters(tmp_path):
    """Learning and 100 recalls on the simulated core, read from the core, equal to the twin."""
    spec = letters(task={"trials": 100})
    formats = plan.formats_of(spec, *geometry_of(spec))
    result = run_core(spec, workdir=tmp_path, formats=formats)
    report("RTL", int(result.recalled.exact.sum()), 100)
    assert result.mismatches == 0
    assert result.steps > 100 * spec.task.steps
    assert result.recalled.exact_rate >= 0.9


@pytest.mark.full
def test_ten_thousand_learning_steps_differ_nowhere(tmp_path):
    """Without a gate learning never ends; decay keeps the weights moving once they are large."""
    spec = letters(learning={"gates": [], "decay": 0.02, "presentations": 2000}, task={"trials": 1})
    formats = plan.formats_of(spec, *geometry_of(spec))
    result = run_core(spec, workdir=tmp_path, formats=formats)
    changed = result.counters.changed
    print(f"{result.steps} steps, {changed} weight changes, {result.mismatches} mismatches")
    assert result.coverage["learning"] >= 10_000
    assert changed > 10 * result.coverage["learning"]
    assert result.mismatches == 0


@pytest.mark.full
def test_the_circuit_recalls_letters_as_the_float_model_does():
    """30 corrupted starts in ngspice with the weights the twin learned; 27 must come back."""
    spec = letters(task={"trials": 30})
    twin = Twin(plan.formats_of(spec, *geometry_of(spec)))
    patterns = tasks.patterns_of(spec)
    tasks.prepare(twin, spec)
    weights = tasks.learn(twin, spec, patterns.values).weights
    trials = tasks.trials_of(spec, patterns)
    exact, same, balance = [], [], []
    for trial, target in enumerate(patterns.values[trials.target]):
        start = start_of(spec, trials.starts, trial)
        run = spice.run(netlist_of(spec, weights, start, spec.task.seed + trial))
        exact.append(is_exact(run.pattern, target))
        same.append(is_exact(run.pattern, read_pattern(float_end(spec, weights, start))))
        balance.append(abs(run.balance))
    report("circuit", sum(exact), 30)
    report("circuit ends as the float model", sum(same), 30)
    print(f"energy balance, worst: {max(balance):.2e}")
    assert np.mean(exact) >= 0.9
    assert np.mean(same) >= 0.9
    assert max(balance) <= 0.005
