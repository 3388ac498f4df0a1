"""The Python interface: what a NumPy user types, and what it answers to mistakes."""

import doctest
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest

import drai_hw as dh
from drai_hw.api import network, plots
from drai_hw.model import plan, tasks
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin


@pytest.fixture(autouse=True)
def _no_screen(monkeypatch):
    mpl.use("Agg")
    yield
    plots.pyplot.close("all")


def test_the_example_of_the_class_is_true():
    assert doctest.testmod(network).failed == 0
    assert doctest.testmod(network).attempted >= 4


def test_importing_the_package_loads_neither_models_nor_plots():
    code = "import sys, drai_hw; print([m for m in ('numpy', 'matplotlib') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_every_exported_name_exists_and_others_do_not():
    for name in dh.__all__:
        assert getattr(dh, name) is not None
        assert name in dir(dh)
    with pytest.raises(AttributeError, match="no attribute 'Netwerk'"):
        dh.Netwerk  # noqa: B018


@pytest.mark.parametrize("machine", ["float", "twin"])
def test_the_interface_gives_what_the_machine_gives(machine):
    """Equal weights and equal recalls as the tasks behind the command line, bit for bit."""
    spec = dh.load("letters")
    net = dh.Network("letters", machine=machine)
    stored = dh.patterns("letters:ACXTH", 35)
    learned = net.learn(stored)
    trials = tasks.trials_of(spec, tasks.patterns_of(spec))
    if machine == "float":
        model = Reference(spec)
        expected = tasks.learn_float(model, stored)
        ends = tasks.recall_float(model, trials, stored)
    else:
        twin = Twin(plan.formats_of(spec))
        tasks.prepare(twin, spec)
        expected = tasks.learn(twin, spec, stored)
        ends = tasks.recall(twin, spec, trials, stored)
    assert np.array_equal(learned.weights, expected.weights)
    assert learned.counters == expected.counters
    assert np.array_equal(net.weights, learned.weights)
    found = net.run(trials.phases_rad, spec.task.steps, shil=True)
    assert np.array_equal(found.phases_rad, ends.phases_rad)


def test_recalls_are_judged_against_their_own_target():
    net = dh.Network("letters")
    stored = dh.patterns("letters:ACXTH", 35)
    net.learn(stored)
    found = net.recall(dh.corrupt(stored, 0.1, copies=4, seed=3))
    assert found.exact(stored).shape == (20,)
    assert found.exact_rate(stored) >= 0.9
    assert found.exact_rate(stored[::-1]) < 0.3  # the wrong targets do not fit
    assert np.array_equal(found.overlap(-stored), found.overlap(stored))


def test_corrupt_flips_the_stated_share_of_each_copy():
    stored = dh.patterns("random:3", 50, seed=2)
    copies = dh.corrupt(stored, 0.13, copies=2, seed=5)
    assert np.array_equal((copies != np.tile(stored, (2, 1))).sum(axis=1), [7] * 6)
    assert not np.array_equal(copies[:3], copies[3:])


def test_replicas_learn_apart():
    rng = np.random.default_rng(1)
    values = rng.choice([-1, 1], (4, 2, 20))
    many = dh.Network(20, replicas=4).learn(values)
    for number, own in enumerate(values):
        alone = dh.Network(20, learning={"presentations": many.presentations // 2}).learn(own)
        if alone.presentations == many.presentations:
            assert np.allclose(many.weights[number], alone.weights)
    assert many.weights.shape == (4, 20, 20)


def test_a_run_shows_synchrony_as_it_grows():
    net = dh.Network(30, network={"initial_weight": 1})
    run = net.run(np.random.default_rng(1).uniform(0, 2 * np.pi, (3, 30)), 200)
    assert run.order.shape == (201, 3)
    assert (run.order[0] < 0.5).all()
    assert (run.order[-1] > 0.999).all()
    assert net.run(np.zeros(30), 2).trace_rad.shape == (3, 30)


def test_a_long_run_can_be_interrupted_and_goes_on(tmp_path):
    path = tmp_path / "run.npz"
    stored = dh.patterns("random:3", 40, seed=1)
    keys = {"learning": {"eta": 0.05}}
    whole = dh.Network(40, **keys).learn(stored)
    rounds = []

    def stop(done, of):
        rounds.append(done)
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dh.Network(40, **keys).learn(stored, progress=stop, checkpoint=path)
    rest = dh.Network(40, **keys).learn(stored, progress=stop_never, checkpoint=path)
    assert rounds == [1, 2, 3]
    assert np.array_equal(rest.weights, whole.weights)


@pytest.mark.parametrize("machine", ["float", "twin"])
def test_a_long_run_of_phases_can_be_interrupted_and_goes_on(tmp_path, machine):
    """Two starts, in pieces of 32 steps, noise or dither and ramp included."""
    keys = {"dynamics": {"noise": 0.1}} if machine == "float" else {}
    begin = np.random.default_rng(1).uniform(0, 6, (2, 12))
    seen = []

    def network():
        net = dh.Network(12, machine=machine, **keys)
        net.weights = 3 * (1 - np.eye(12))
        return net

    def go(net, act, **how):
        if act == "run":
            return net.run(begin, 100, shil=True, every=3, **how)
        return net.recall(np.ones((2, 12)), steps=100, **how)

    def stop(done, of):
        seen.append((done, of))
        if len(seen) == 2:
            raise KeyboardInterrupt

    for act in ("run", "recall"):
        seen.clear()
        whole = go(network(), act)
        path = tmp_path / f"{act}.npz"
        with pytest.raises(KeyboardInterrupt):
            go(network(), act, progress=stop, checkpoint=path)
        assert path.exists()
        other = network()
        other.weights = 2 * (1 - np.eye(12))
        with pytest.raises(dh.DraiError, match="of another network or machine"):
            go(other, act, checkpoint=path)
        rest = go(
            network(), act, progress=lambda done, of: seen.append((done, of)), checkpoint=path
        )
        assert not path.exists()
        assert np.array_equal(rest.phases_rad, whole.phases_rad)
        assert np.array_equal(rest.trace_rad, whole.trace_rad)
        of = 100 if machine == "float" else 200
        ends = [32, 64, 96, 100] + [132, 164, 196, 200] * (machine == "twin")
        assert seen == [(done, of) for done in ends[:2] + ends[1:]]


@pytest.mark.parametrize("machine", ["float", "twin"])
def test_a_trace_keeps_every_so_many_steps_and_its_plot_shows_steps(machine):
    begin = np.random.default_rng(1).uniform(0, 6, (2, 12))

    def run(**how):  # on a new network, or the twin's dither would go on
        net = dh.Network(12, machine=machine)
        net.weights = 3 * (1 - np.eye(12))
        return net.run(begin, 50, **how)

    full, few = run(), run(every=7)
    assert few.trace_rad.shape == (8, 2, 12)
    assert np.array_equal(few.trace_rad, full.trace_rad[::7])
    assert np.array_equal(few.phases_rad, full.phases_rad)
    assert repr(few) == "Run(phases (2, 12), 8 samples, one in 7 steps)"
    assert few.plot().lines[0].get_xdata()[-1] == 49


def test_one_start_serves_all_replicas():
    net = dh.Network(12, replicas=3)
    net.learn(np.random.default_rng(1).choice([-1, 1], (3, 2, 12)))
    begin = np.random.default_rng(1).uniform(0, 6, 12)
    assert np.array_equal(net.run(begin, 5).phases_rad, net.run([begin] * 3, 5).phases_rad)
    assert net.recall(np.ones(12)).patterns.shape == (3, 12)
    net.weights = 1 - np.eye(12)
    assert net.weights.shape == (3, 12, 12)


def test_numbers_of_numpy_are_numbers():
    assert dh.Network(np.int64(9)).run(np.zeros(9), np.int32(2)).trace_rad.shape == (3, 9)


def stop_never(done, of):
    assert done > 2  # it did not begin anew


def test_progress_is_shown_on_standard_error_only(capsys):
    dh.Network(20).learn(dh.patterns("random:2", 20), progress=True)
    assert capsys.readouterr().out == ""


def test_results_draw_themselves_on_given_axes_or_new_ones():
    net = dh.Network("letters")
    stored = dh.patterns("letters:AC", 35)
    learned = net.learn(stored)
    axes = plots.pyplot.subplots()[1]
    assert learned.plot(axes) is axes
    assert np.array_equal(axes.images[0].get_array(), learned.weights)
    drawn = net.recall(stored).plot()
    assert len(drawn.lines) == 35
    ends = [line.get_ydata()[-1] for line in drawn.lines]
    assert np.allclose(np.abs(np.array(ends) - np.rint(ends)), 0, atol=0.2)
    assert len(net.run(np.zeros(35), 3).plot().lines) == 35


@pytest.mark.parametrize(
    ("act", "message"),
    [
        (lambda: dh.Network(1), "network.oscillators = 1: needs a whole number from 2"),
        (lambda: dh.Network("lettres"), "did you mean 'letters'"),
        (lambda: dh.Network(8, machine="fpga"), "machine = 'fpga': needs 'float' or 'twin'"),
        (lambda: dh.Network(8, machine="twin", replicas=2), "only the float model learns in"),
        (lambda: dh.Network(8, learning={"eta": 2}), "learning.eta = 2: needs a number from"),
        (lambda: dh.Network(8).learn([[1, 0] * 4]), r"shape \(1, 8\): values 0; needs -1 and \+1"),
        (lambda: dh.Network(8).learn(np.ones((2, 5))), r"\(2, 5\): this network has 8 oscillators"),
        (lambda: dh.Network(8).learn(np.ones((2, 3, 8))), r"\(2, 3, 8\): needs \(M, 8\), or"),
        (lambda: dh.Network(8).recall(np.ones(7)), r"shape \(7,\): this network has 8"),
        (lambda: dh.Network(8).run(np.zeros(9), 1), r"shape \(9,\): this network needs \(8,\)"),
        (lambda: dh.Network(8).run(np.full(8, np.nan), 1), "not finite; needs angles in rad"),
        (lambda: dh.Network(8).run(np.zeros(8), -1), "steps = -1: needs a whole number"),
        (lambda: setattr(dh.Network(3), "weights", np.ones((2, 2))), r"\(2, 2\): needs \(3, 3"),
        (lambda: setattr(dh.Network(2), "weights", [[0, 1], [2, 0]]), "not symmetric"),
        (lambda: dh.corrupt([[1, -1]], 1.5), "flips = 1.5: needs a share from 0 to 1"),
        (lambda: dh.corrupt([[1, -1]], 0.5, copies=0), "copies = 0: needs a whole number"),
        (lambda: dh.Network(2.5), r"Network\(2\.5\): needs a number of oscillators, the name"),
        (lambda: dh.Network(True), "network.oscillators = True: needs a whole number"),
        (lambda: dh.Network(8, replicas=0), "replicas = 0: needs a whole number of at least 1"),
        (lambda: dh.Network(8, learning=3), r"learning = 3: needs the keys of a section"),
        (lambda: dh.Network(8).run(np.zeros(8), "x"), "steps = 'x': needs a whole number"),
        (lambda: dh.Network(8).run(np.zeros(8), 2, every=0), "every = 0: needs a whole number of"),
        (lambda: dh.Network(8).run(["a"] * 8, 1), "not finite; needs angles in rad"),
        (lambda: dh.Network(8).recall(np.ones(8), seed=-1), "seed = -1: needs a whole number"),
        (lambda: dh.Network(8, replicas=3).recall(np.ones((2, 8))),
         r"starts of shape \(2, 8\): this network has 3 replicas .*; needs \(3, 8\), one"),
        (lambda: setattr(dh.Network(3), "weights", np.zeros((5, 3, 3))), r"\(5, 3, 3\): needs"),
        (lambda: setattr(dh.Network(2), "weights", np.full((2, 2), np.inf)), "needs finite real"),
        (lambda: setattr(dh.Network(2, replicas=4), "weights", np.zeros((3, 2, 2))),
         r"\(3, 2, 2\): needs \(2, 2\) or \(4, 2, 2\)"),
        (lambda: dh.corrupt([[1, -1]], "a"), "flips = 'a': needs a share"),
        (lambda: dh.corrupt([[1, -1]], 0.5, copies=1.5), "copies = 1.5: needs a whole number"),
        (lambda: dh.corrupt([[1, -1]], 0.5, seed=-1), "seed = -1: needs a whole number"),
        (lambda: dh.patterns("letters:A", 30), "35 pixels each; the network has 30"),
        (lambda: dh.Network(4).recall(np.ones((3, 4))).exact(np.ones((2, 4))), "divides 3"),
    ],
)  # fmt: skip
def test_mistakes_get_one_message_with_shape_and_value(act, message):
    with pytest.raises(dh.DraiError, match=message):
        act()
