"""Long runs: interrupted, resumed with the same bits, never half-written."""

import numpy as np
import pytest

from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import checkpoint, plan, tasks
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin


def spec_of(**learning):
    return network.validate(
        {"schema": 1, "network": {"name": "t", "oscillators": 20},
         "learning": {"eta": 0.05, "decay": 0.001, **learning}, "dynamics": {"noise": 0.01},
         "task": {"patterns": "random:3"}}
    )  # fmt: skip


def machine_of(kind, spec):
    if kind == "float":
        return Reference(spec)
    twin = Twin(plan.formats_of(spec))
    tasks.prepare(twin, spec)
    return twin


def learn(kind, machine, spec, patterns, progress=None, path=None):
    if kind == "float":
        return tasks.learn_float(machine, patterns, progress, path)
    return tasks.learn(machine, spec, patterns, progress, path)


@pytest.mark.parametrize("rule", ["presentation", "window"])
@pytest.mark.parametrize("kind", ["float", "twin"])
def test_an_interrupted_run_goes_on_with_the_same_bits(tmp_path, kind, rule):
    spec = spec_of(rule=rule, settle_steps=4, window=4)
    patterns = tasks.patterns_of(spec).values
    whole = learn(kind, machine_of(kind, spec), spec, patterns)
    assert whole.presentations > 9
    path = tmp_path / "run.npz"

    def stop(done, of):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn(kind, machine_of(kind, spec), spec, patterns, stop, path)
    assert path.exists()
    rest = learn(kind, machine_of(kind, spec), spec, patterns, None, path)
    assert np.array_equal(rest.weights, whole.weights)
    assert rest.presentations == whole.presentations
    assert rest.counters == whole.counters
    assert not path.exists()
    assert not list(tmp_path.iterdir())


def test_a_checkpoint_of_another_network_is_refused(tmp_path):
    spec, path = spec_of(), tmp_path / "run.npz"
    model = Reference(spec)
    checkpoint.write(path, model.snapshot() | {"rounds": 1, "network": "another"})
    with pytest.raises(SpecError, match="is of another network or machine: delete it"):
        tasks.learn_float(model, tasks.patterns_of(spec).values, checkpoint=path)


def test_what_is_no_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.npz"
    path.write_bytes(b"PK\x03\x04 truncated")
    with pytest.raises(SpecError, match=r"cannot be read .* delete it to start anew"):
        checkpoint.read(path)
    np.savez(path, weights=np.zeros(3))
    with pytest.raises(SpecError, match="cannot be read"):
        checkpoint.read(path)


def test_a_checkpoint_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(SpecError, match=r"cannot write checkpoint .*choose another place"):
        checkpoint.write(tmp_path / "file" / "run.npz", {"shil": 0.0})
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_a_snapshot_survives_the_disk_with_its_noise(tmp_path):
    spec = spec_of(stabilisers=["slow-copy"])
    model, path = Reference(spec), tmp_path / "s.npz"
    model.present(tasks.patterns_of(spec).values[0])
    model.run(3)
    checkpoint.write(path, model.snapshot())
    other = Reference(spec, seed=77)
    other.restore(checkpoint.read(path))
    for each in (model, other):
        each.run(5, resume=True)
        each.present(np.ones(20))
    assert np.array_equal(model.phases_rad, other.phases_rad)
    assert np.array_equal(model.weights, other.weights)


def test_a_machine_without_snapshot_is_told_so(tmp_path):
    with pytest.raises(
        SpecError, match="object cannot be saved; only the float model and the twin"
    ):
        checkpoint.Rounds(object(), tmp_path / "x", 3).__enter__()
