"""The bench compares the right things, in turns, and its rows say what happened."""

import numpy as np
import pytest

from drai_hw.bench import forms, models, peers, timing, twins
from drai_hw.bench.timing import Entry, Target, compare, time_in_turns
from drai_hw.errors import SpecError, ToolError


@pytest.mark.parametrize(("form", "kind"), [
    (forms.OnePassArticle, "float64"), (forms.PackedArticle, "float64"),
    (forms.PackedArticle, "float32"),
])  # fmt: skip
def test_our_forms_of_the_articles_network_are_the_articles_network(form, kind):
    """60 steps from the same state; 1e-12 is far above what float64 rounds and far below what a
    wrong term would do, float32 gets 1e-4 for phases of up to 2 pi at eps = 1e-7."""
    slow, fast = peers.ArticleNetwork(31, 4), form(31, 4, kind)
    if form is forms.PackedArticle:
        slow.weights = (slow.weights + slow.weights.T) / 2
    given = np.linspace(-1, 1, 31)
    for _ in range(60):
        slow.step(given)
        fast.step(given.astype(kind))
    weights = fast.half.to_dense() if form is forms.PackedArticle else fast.weights
    bound = 1e-12 if kind == "float64" else 1e-4
    assert weights.dtype == kind
    assert np.abs(slow.weights - weights).max() < bound
    assert np.abs(slow.amplitudes - fast.amplitudes).max() < bound
    turns = (slow.phases_rad - fast.phases_rad) / (2 * np.pi)
    assert np.abs(turns - np.rint(turns)).max() < bound
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
    model = forms.reference(n)
    model.weights, model.phases_rad = weights, phases
    half = forms.PackedWeights.from_dense(weights)
    for got in (
        peers.naive_torque(weights, phases),
        peers.kuramoto_derivative(weights, phases)(),
        peers.oscillatools_force(weights, phases)(),
        peers.oscillatools_adaptive(weights, phases, 0.1)()[0],
        forms.fused.torque(weights, phases),
        forms.packed.torque(half, phases),
        forms.batch.torque(weights, phases),
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
        forms.network(100_000)
    (row,) = compare(
        "phase step", 2, [Entry("Reference", lambda: forms.reference_phase(100_000))],
        [Entry("nothing", lambda: lambda: None)], rounds=1,
    )  # fmt: skip
    assert "oscillators = 100000" in row.reason


def test_steps_of_one_call_are_divided_out():
    work = lambda: sum(range(20_000))  # noqa: E731
    ours = [Entry("ten", lambda: lambda: [work() for _ in range(10)], steps=10)]
    theirs = [Entry("one", lambda: work)]
    (row,) = compare("sum", 2, ours, theirs, rounds=5)
    assert 0.5 < row.ratio < 2


def test_targets_say_what_is_asked_and_whether_it_is_met():
    assert str(Target(ratio=60)) == "ratio >= 60"
    assert str(Target(times=1.5)) == "ours <= 1.5 theirs"
    assert str(Target(ours=0.05)) == "ours <= 0.05"
    assert (Target(ratio=60).is_met(1.0, 60.0), Target(ratio=60).is_met(1.0, 59.9)) == (True, False)
    assert (Target(times=3).is_met(3.0, 1.0), Target(times=3).is_met(3.1, 1.0)) == (True, False)
    assert (Target(ours=2).is_met(2.0, None), Target(ours=2).is_met(2.1, None)) == (True, False)
    assert Target(ratio=60).is_met(1.0, None) is None
    assert Target(ours=2).is_met(None, 1.0) is None


def test_rows_carry_their_targets():
    slow, fast = lambda: sum(range(50_000)), lambda: sum(range(50))
    entries = [Entry("a", lambda: fast, "x"), Entry("b", lambda: slow, "x")]
    rows = compare(
        "sum", 10, entries, [Entry("c", lambda: slow, "x")], 3,
        lambda mine, other: Target(ratio=20) if other.name == "c" and mine.name != "-" else None,
    )  # fmt: skip
    assert [(r.target, r.met) for r in rows] == [("ratio >= 20", True), ("ratio >= 20", False)]
    (row,) = compare("sum", 10, entries[:1], entries[1:], 1)
    assert (row.target, row.met) == ("", None)


def test_what_the_project_asks_for_is_asked_of_the_right_rows():
    def entry(name, precision="float64"):
        return Entry(name, lambda: lambda: None, precision)

    packed, packed_32 = entry(models.PACKED), entry(models.PACKED, "float32")
    numpy, numpy_32 = entry(models.NUMPY), entry(models.NUMPY, "float32")
    article, limit = entry("the article's network"), entry(models.LIMIT)
    for peer in (entry("kuramoto 0.4.0"), entry("oscillatools")):
        assert models.phase_target(packed, peer, 4096) == Target(ratio=40)
        assert models.phase_target(packed_32, peer, 256) == Target(ratio=40)
        assert models.phase_target(numpy, peer, 1024) == Target(ratio=15)
        assert models.phase_target(numpy_32, peer, 1024) is None
        assert models.phase_target(packed, peer, 300) is None
    assert models.phase_target(packed, limit, 1024) is None
    assert models.learning_target(packed, article, 1024) == Target(ratio=60)
    assert models.learning_target(packed_32, article, 1024) == Target(ratio=100)
    assert models.learning_target(packed_32, article, 256) is None
    assert models.learning_target(packed, limit, 256) == Target(times=3)
    assert models.learning_target(packed, limit, 4096) == Target(times=1.5)
    assert models.learning_target(packed, limit, 100) is None
    assert models.learning_target(numpy, limit, 4096) is None


def test_memory_and_replicas_have_their_targets(monkeypatch):
    monkeypatch.setattr(forms, "peak_share", lambda n, kind: 0.6)
    row = models.memory_row(8192, "float32")
    assert (row.ours, row.theirs, row.target, row.met) == (0.6, 1.0, "ours <= 1.3", True)
    assert models.memory_row(8192, "float64").target == ""
    rows = list(models._batch_rows(8, 1))
    assert [r.target for r in rows] == ["", "ours <= 0.05"] * 2
    assert all(r.precision in r.against for r in rows)


def test_the_memory_that_is_shown_is_that_of_all_arrays():
    """Weights (N + 16) / 2N, work space 8 (N + 48), a few vectors of N."""
    share = forms.peak_share(512, "float32")
    assert (512 + 16) / 1024 + 8 * 560 / 512**2 < share < 0.56


def test_peers_are_not_run_where_they_would_take_minutes():
    entry = models._theirs("slow", lambda: pytest.fail("made"), 8192)
    with pytest.raises(ToolError, match=r"not timed above N = 4096: .* take 0\.5 GB each"):
        entry.make()


def test_replicas_one_by_one_and_all_at_once_do_the_same(monkeypatch):
    got = []
    real = forms.batch.torque
    monkeypatch.setattr(forms.batch, "torque", lambda w, p: got.append(real(w, p)) or got[-1])
    forms.batch_phase(6, "float64")()
    forms.replica_by_replica(6, "float64")()
    assert len(got) == 1 + forms.REPLICAS
    assert np.allclose(got[0], got[1:], atol=1e-12)
    assert np.allclose(got[0], forms.packed_batch(6, "float64")(), atol=1e-12)


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
