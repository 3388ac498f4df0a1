"""Row budget and row centring: the twin's random steps against the float rule, and what they do."""

import numpy as np
import pytest

import drai_hw as dh
from drai_hw import spec as network
from drai_hw.errors import SpecError
from drai_hw.model import plan
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import Counters, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin

N = 16


def spec_of(stabilisers, parameters=None, *, n=N, seed=1, **learning):
    learning = {"gates": [], "eta": 0.0, "stabilisers": stabilisers} | learning
    if parameters:
        learning["stabiliser_parameters"] = parameters
    return network.validate(
        {
            "schema": 1,
            "network": {"name": "t", "oscillators": n},
            "learning": learning,
            "task": {"patterns": "random:1", "seed": seed},
        }
    )


def random_weights(n, top, seed=3):
    """Weights whose rows differ: a random part and a part of each row's own."""
    rng = np.random.default_rng(seed)
    lean = rng.uniform(-0.5, 0.8, n)
    upper = np.triu(rng.integers(-top, top + 1, (n, n)) + np.rint(top * lean[:, None]), 1)
    upper = np.clip(upper, -top, top).astype(int)
    return upper + upper.T


CASES = {
    "budget": (["row-budget"], {"row-budget": {"budget": 60.0, "share": 0.05}}, {}),
    "budget and decay": (
        ["row-budget"], {"row-budget": {"budget": 60.0, "share": 0.03}}, {"decay": 0.02},
    ),
    "centring": (["row-centring"], {"row-centring": {"share": 0.08}}, {}),
    "all": (
        ["row-budget", "row-centring"],
        {"row-budget": {"budget": 60.0, "share": 0.04}, "row-centring": {"share": 0.06}},
        {"decay": 0.01, "eta": 0.4},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_the_mean_of_random_steps_is_the_float_rule(case):
    """Every pair's mean over 8 seeds x 250 passes lies within 5 sigma of the float model's step.

    Three independent parts, each at most one LSB: an update with probability eta, a step towards 0
    with probability |w| / 2^(W-1) times its register at most, a push with probability
    |lean_i + lean_j| / 4, whose mean is below (|m_i| + |m_j|) share. Sigma adds their deviations;
    rounding of the registers adds at most 1e-4 to the mean.
    """
    stabilisers, parameters, learning = CASES[case]
    # Up to 8 of 15: no part saturates, which would not be the float model's clip of the mean.
    weights = random_weights(N, 8)
    pattern = np.random.default_rng(4).choice([-1, 1], N)
    passes, seeds = 250, 8
    total = np.zeros((N, N))
    for seed in range(seeds):
        spec = spec_of(stabilisers, parameters, seed=seed, **learning)
        formats = plan.formats_of(spec, 4, 4)
        twin = CompiledTwin(formats)  # the bits of Twin, which test_model_compiled.py shows
        settings = plan.learn_settings(spec, formats)
        twin.configure(settings)
        for _ in range(passes):
            twin.load_weights(weights)
            twin.load_phases(plan.phases_of(spec, np.where(pattern > 0, 0.0, np.pi)))
            twin.run(1, learn=True, census=True)
            total += twin.read_weights() - weights
    model = Reference(spec)
    model.weights = weights.astype(float)
    model.present(pattern)
    expected = model.weights - weights
    size = np.abs(weights)
    update = np.full((N, N), spec.learning.eta)
    fade = (size + 1) * max(settings.shrink, settings.decay) / 2**20
    share = parameters.get("row-centring", {}).get("share", 0.0)
    lean = 2 * share * np.abs(weights.sum(axis=1)) / (N - 1)
    push = (lean[:, None] + lean[None, :]) / 4
    sigma = sum(np.sqrt(p) for p in (update, fade, push)) / np.sqrt(passes * seeds)
    error = np.abs(total / (passes * seeds) - expected)
    off = ~np.eye(N, dtype=bool)
    assert (error <= 5 * sigma + 1e-4)[off].all()
    # The bound can fail: the mechanism itself moves many weights by more than it.
    before = weights.astype(float)
    without = Reference(spec_of([], None, **learning))
    without.weights = before
    without.present(pattern)
    effect = np.abs(model.weights - without.weights)
    assert np.count_nonzero(effect[off] > (5 * sigma + 1e-4)[off]) > N


def test_a_row_is_flagged_from_the_first_whole_number_above_its_budget():
    spec = spec_of(["row-budget"], {"row-budget": {"budget": 12.0}}, n=5)
    formats = plan.formats_of(spec, 2, 3)
    twin = Twin(formats)
    settings = plan.learn_settings(spec, formats)
    assert settings.budget == 13
    twin.configure(settings)
    weights = np.zeros((5, 5), dtype=int)
    for pair, w in {(0, 1): 12, (1, 2): -1, (3, 4): 6}.items():
        weights[pair] = weights[pair[::-1]] = w
    twin.load_weights(weights)
    twin.run(1, couple=False, census=True)
    assert twin.over.tolist() == [False, True, False, False, False, False]


def test_budgets_hold_rows_that_learning_would_fill():
    """Always in phase, no gate: without a budget every weight saturates."""
    sums = {}
    for stabilisers in ([], ["row-budget"]):
        parameters = {"row-budget": {"budget": 60.0, "share": 0.06}} if stabilisers else None
        spec = spec_of(stabilisers, parameters, eta=0.02)
        formats = plan.formats_of(spec, 4, 4)
        twin = CompiledTwin(formats)
        twin.configure(plan.learn_settings(spec, formats))
        twin.run(2000, learn=True, census=bool(stabilisers))
        sums[len(stabilisers)] = twin.read_weights().sum(axis=1)
    assert (sums[0] == 15 * (N - 1)).all()
    # Flags act from one census to the next: a row ends within a few updates of its budget.
    assert np.abs(sums[1] - 60).max() <= 12


def test_centring_saves_what_a_one_sided_learning_function_would_lose():
    """The Gaussian as it comes strengthens more than it weakens: its weights share an offset."""
    stored = dh.patterns("random:5", 60, seed=1)
    starts = dh.corrupt(stored, 0.1, copies=4, seed=1)
    for machine in ("float", "twin"):
        rates, means = [], []
        for stabilisers in ([], ["row-centring"]):
            net = dh.Network(
                60,
                machine=machine,
                learning={"g": "gaussian", "presentations": 60, "stabilisers": stabilisers},
                board={"lanes": 20},
            )
            net.learn(stored)
            rates.append(net.recall(starts).exact_rate(stored))
            means.append(abs(net.weights.sum()) / (60 * 59))
        assert rates[0] <= 0.1
        assert rates[1] >= 0.8
        assert means[1] < means[0] / 5


def test_leans_are_not_seen_while_centring_is_off():
    formats = Formats(n=8, lanes=4, pages=2, centring=True)
    for machine in (Twin, CompiledTwin):
        twin = machine(formats)
        twin.load_weights(5 * (np.ones((8, 8), dtype=int) - np.eye(8, dtype=int)))
        twin.configure(Settings(gates=0, centre=65535))
        twin.run(1, couple=False, census=True)
        assert (twin.lean == 1).all()
        twin.configure(Settings(gates=0))
        before = twin.read_weights()
        twin.run(20, learn=True)
        assert np.array_equal(twin.read_weights(), before)
        twin.configure(Settings(gates=0, centre=1))
        twin.run(20, learn=True)
        assert twin.read_weights().sum() < before.sum()


def test_every_pair_visited_is_written_or_skipped():
    counts = Counters(visited=100, gated_on=60, written=25, changed=20)
    assert counts.skipped == 75
    wrapped = Counters(visited=3, gated_on=0, written=2**32 - 4, changed=0)
    assert wrapped.skipped == 7  # modulo 2**32, as the counters
    formats = Formats(n=12, lanes=4, pages=3)
    twin = Twin(formats)
    twin.configure(Settings(eta=20000, gates=0))
    twin.run(10, learn=True)
    count = twin.counters()
    assert count.skipped + count.written == count.visited == 10 * 66
    assert 0 < count.skipped < count.visited


@pytest.mark.parametrize(
    ("stabilisers", "parameters", "learning", "message"),
    [
        (["top-k"], None, {},
         r"learning.stabilisers lists 'top-k', which only the float model has; twin and RTL have "
         r"row-budget and row-centring"),
        (["row-centring", "row-budget"], None, {},
         r"learning.stabilisers = \['row-centring', 'row-budget'\]: twin and RTL apply each once, "
         r"row-budget before row-centring"),
        (["row-budget"], {"row-budget": {"share": 0.07}}, {},
         r"row-budget.share = 0.07: integer logic .* at most 0.0625 with weight_bits = 5"),
        (["row-budget"], {"row-budget": {"share": 0.04}}, {"decay": 0.04},
         r"decay = 0.04 and row-budget.share = 0.04: integer logic takes at most one LSB"),
    ],
)  # fmt: skip
def test_what_integer_logic_cannot_do_is_refused(stabilisers, parameters, learning, message):
    spec = spec_of(stabilisers, parameters, **learning)
    with pytest.raises(SpecError, match=message):
        plan.learn_settings(spec, plan.formats_of(spec))


@pytest.mark.parametrize(
    ("name", "parameters", "message"),
    [
        ("row-budget", {"budget": 0}, r"row-budget.budget = 0: needs more than 0 LSB"),
        ("row-budget", {"share": 0}, r"row-budget.share = 0: needs above 0 to 1"),
        ("row-centring", {"share": 1.5}, r"row-centring.share = 1.5: needs above 0 to 1"),
    ],
)
def test_parameters_out_of_range_are_refused(name, parameters, message):
    with pytest.raises(SpecError, match=message):
        Reference(spec_of([name], {name: parameters}))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda t: t.run(1, census=True), "census: not compiled into this core; needs 'row-bud"),
        (lambda t: t.run(1, edge=True), "edge pass: not compiled into this core; needs network.mo"),
        (lambda t: t.configure(Settings(shrink=1)), "the budget of rows is not compiled into this"),
        (lambda t: t.configure(Settings(centre=1)), "centring is not compiled into this core"),
        (lambda t: t.load_links(np.eye(4)), "no mask is compiled into this core; needs network.ma"),
    ],
)
def test_what_is_not_compiled_in_is_refused(call, message):
    with pytest.raises(SpecError, match=message):
        call(Twin(Formats(n=4, lanes=4, pages=1)))


def test_formats_without_these_features_are_recorded_as_before():
    """Files and identities of older designs stay as they are."""
    young = {"edge", "budget", "centring", "mask"}
    assert not young & Formats(n=4, lanes=4, pages=1).record().keys()
    full = Formats(n=4, lanes=4, pages=1, edge=True, budget=True, centring=True, mask=True)
    assert young <= full.record().keys()
    assert Formats(**full.record()) == full
