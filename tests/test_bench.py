"""The bench compares the right things, in turns, and its rows say what happened."""

import numpy as np
import pytest

from drai_hw.bench import models, peers, timing, twins
from drai_hw.bench.timing import Entry, compare, time_in_turns
from drai_hw.errors import SpecError, ToolError


def test_the_one_pass_network_is_the_articles_network():
    slow, fast = peers.ArticleNetwork(31, 4), models.OnePassArticle(31, 4)
    given = np.linspace(-1, 1, 31)
    for _ in range(60):
        slow.step(given)
        fast.step(given)
    assert np.abs(slow.weights - fast.weights).max() < 1e-12
    assert np.abs(slow.amplitudes - fast.amplitudes).max() < 1e-12
    assert np.abs(slow.amplitudes).max() > 0.1


def test_the_articles_weights_settle_where_its_formula_says():
    net = peers.ArticleNetwork(3, 1)
    net.frequencies_hz[:] = 0.0
    net.phases_rad[:] = [0.0, 0.0, np.pi]
    for _ in range(1500):
        net.step(np.zeros(3))
        net.amplitudes[:] = 1.0
    # w = 0.99 (w + 0.01 cos d), hence w = 0.99 cos d
    assert np.allclose(net.weights, 0.99 * np.outer([1, 1, -1], [1, 1, -1]), atol=1e-6)


def test_all_peers_and_ours_compute_the_same_torque():
    n = 20
    weights = peers.symmetric_weights(n, 3)
    phases = np.random.default_rng(3).uniform(0, 6, n)
    exact = [sum(weights[i, j] * np.sin(phases[j] - phases[i]) for j in range(n)) for i in range(n)]
    model = models._reference(n)
    model.weights, model.phases_rad = weights, phases
    for got in (
        peers.naive_torque(weights, phases),
        peers.kuramoto_derivative(weights, phases)(),
        peers.oscillatools_force(weights, phases)(),
        peers.oscillatools_adaptive(weights, phases, 0.1)()[0],
        models.fused.torque(weights, phases),
        model.torque(),
    ):
        assert np.allclose(got, exact, atol=1e-12)


def test_reading_and_writing_leaves_the_weights_alone():
    weights = peers.symmetric_weights(5, 1).astype(np.float32)
    before = weights.copy()
    peers.read_and_write(weights)
    assert weights.dtype == np.float32
    assert np.array_equal(weights, before)


def test_works_take_turns_and_the_median_counts():
    calls = []
    times = {"a": iter([0.0, 0.5, 9.0, 1.0, 2.0]), "b": iter([0.0, 0.5, 4.0, 4.0, 5.0])}
    clock_s = [0.0]

    def work(name):
        def call():
            calls.append(name)
            clock_s[0] += next(times[name])

        return call

    got = time_in_turns({k: work(k) for k in "ab"}, rounds=3, clock=lambda: clock_s[0])
    assert calls == list("aabb" + "ab" * 3)
    assert got == {"a": 2.0, "b": 4.0}


def test_a_row_that_cannot_run_says_why_and_the_others_run():
    def absent():
        raise ToolError("the package nowhere is not installed")

    ours = [Entry("mine", lambda: lambda: sum(range(50)), "float64")]
    theirs = [
        Entry("nowhere", absent, "float64"),
        Entry("slow", lambda: lambda: sum(range(50_000)), "float64"),
        Entry("other precision", lambda: lambda: None, "float32", like_only=True),
    ]
    first, second = compare("sum", 10, ours, theirs, rounds=3)
    assert first.reason == "the package nowhere is not installed"
    assert (first.theirs, first.ratio) == (None, None)
    assert second.reason == ""
    assert second.against == "slow (float64)"
    assert second.ratio == pytest.approx(second.theirs / second.ours)
    assert second.ratio > 50


def test_a_size_that_the_network_file_forbids_leaves_a_reason():
    with pytest.raises(SpecError, match="oscillators"):
        models.network(100_000)
    (row,) = compare(
        "phase step", 2, [Entry("Reference", lambda: models._reference_phase(100_000))],
        [Entry("nothing", lambda: lambda: None)], rounds=1,
    )  # fmt: skip
    assert "oscillators = 100000" in row.reason


def test_steps_of_one_call_are_divided_out():
    work = lambda: sum(range(20_000))  # noqa: E731
    ours = [Entry("ten", lambda: lambda: [work() for _ in range(10)], steps=10)]
    theirs = [Entry("one", lambda: work)]
    (row,) = compare("sum", 2, ours, theirs, rounds=5)
    assert 0.5 < row.ratio < 2


def test_a_missing_peer_is_named_with_its_extra():
    with pytest.raises(ToolError, match=r"package no_such_peer is not installed.*drai_hw\[bench\]"):
        peers.package("no_such_peer")
    assert peers.name_of("no_such_peer") == "no_such_peer"


def test_twins_that_differ_are_not_timed(monkeypatch):
    real = twins.CompiledTwin.run

    def wrong(self, steps, **how):
        real(self, steps, **how)
        self.theta[0] ^= 1

    assert twins.disagreement(12, decay=True) == ""
    monkeypatch.setattr(twins.CompiledTwin, "run", wrong)
    assert "theta" in twins.disagreement(12, decay=True)
    with pytest.raises(AssertionError, match=r"differ at N = 12 in .*theta"):
        list(twins.rows(12, 1))


def test_the_timed_twin_learns_with_some_gates_closed():
    twin = twins.prepared(twins.CompiledTwin, 256, True)
    twin.run(20, field=True, learn=True)
    count = twin.counters()
    assert 0 < count.changed <= count.visited
    assert 0 < count.gated_on < count.visited


def test_threads_are_limited_by_the_environment(monkeypatch):
    for variable in timing.THREAD_VARIABLES:
        monkeypatch.setenv(variable, "7")
    timing.keep_to_one_thread()
    assert {timing.os.environ[v] for v in timing.THREAD_VARIABLES} == {"1"}
