"""Learning functions in integers: what a window of passes means, in the twin and by its draws."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import g as functions
from drai_hw.model import plan, window
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.g import LearningFunction
from drai_hw.model.learning import (
    Pass,
    bit_reversed,
    golden_stride,
    learning_window,
    sorted_pass,
)
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.spec import parse

CASES = [
    *((name, {}) for name in functions.classes()),
    ("gaussian", {"width_rad": 1.0, "offset": 0.5}),
    ("gaussian", {"offset": 0.0}),  # ends at 3e-9 > 0: no step
    ("gaussian", {"offset": 1.0}),  # never strengthens
    ("sigmoid", {"theta": 0.5}),
    ("sigmoid", {"theta": -1.0}),  # never weakens
    ("sigmoid", {"beta": 0.3}),  # small: idle passes
    ("deadzone", {"full_rad": 0.5, "zero_rad": 2.5}),
    ("deadzone", {"full_rad": 1.5, "zero_rad": 1.6}),
]
FULL_RANGE = ("xor", "cosine", "square", "deadzone")


def signs(passes):
    """Return the steps of each pass (rows) at each distance 0 to T, by the rule of the page."""
    reach = range(len(passes) + 1)
    rows = [[p.plus if k <= p.threshold else -int(p.minus) for k in reach] for p in passes]
    return np.array(rows, dtype=np.int64)


def at_distances(g, passes):
    return g(np.arange(passes + 1) * (math.pi / passes))


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("phase_bits", range(3, 9))
def test_the_mean_over_a_window_is_g_at_every_distance(name, parameters, phase_bits):
    """Within 1/T, and 1/2T where |g| > beta: there passes are one-sided and single steps count.

    T ways to count, each worth one step, make g to half a step; passes that do both count double.
    """
    g = functions.make(name, parameters)
    passes = learning_window(g, phase_bits)
    count = 1 << (phase_bits - 1)
    assert len(passes) == count
    assert all(0 <= p.threshold < count for p in passes)
    wanted = at_distances(g, count)
    error = np.abs(signs(passes).mean(axis=0) - wanted)
    assert error.max() <= 1 / count + 1e-12
    beta = max(0.0, wanted[0] - wanted[-1] - 1)
    outside = np.abs(wanted) > beta + 1 / count  # beta itself is rounded to 1/T
    assert np.all(error[outside] <= 0.5 / count + 1e-12)


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("phase_bits", [3, 4, 6])
def test_the_sorted_passes_are_those_of_the_numbers_page(name, parameters, phase_bits):
    """A second implementation, by loops over the page's formulae."""
    g = functions.make(name, parameters)
    count = 2 ** (phase_bits - 1)
    x = [count * float(g(math.pi * k / count)) for k in range(count + 1)]

    def rounded(v):
        return math.floor(v + 0.5)

    up, down = rounded(x[0]), rounded(-x[-1])
    both = max(0, up + down - count)
    page = []
    for number, flags, level in (
        (down - both, (0, 1), lambda v: v + down),
        (both, (1, 1), lambda v: (v + both) / 2),
        (up - both, (1, 0), lambda v: v - both),
    ):
        reach = [rounded(min(max(level(v), 0), number)) for v in x]
        for rank in range(number):
            page.append((sum(reach[k] > rank for k in range(1, count)), *flags))
    page += [(0, 0, 0)] * (count - len(page))
    if both == count:
        page = [page[int(f"{n:0{phase_bits - 1}b}"[::-1], 2)] for n in range(count)]
    assert list(learning_window(g, phase_bits)) == page


@pytest.mark.parametrize("phase_bits", range(3, 11))
def test_the_xor_rule_is_exact_and_takes_each_threshold_once(phase_bits):
    passes = learning_window(functions.make("xor"), phase_bits)
    count = len(passes)
    assert sorted(p.threshold for p in passes) == list(range(count))
    assert np.array_equal(signs(passes).mean(axis=0), 1 - 2 * np.arange(count + 1) / count)


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("phase_bits", [4, 6, 8])
def test_no_window_of_single_comparisons_steps_less_often(name, parameters, phase_bits):
    """The share of passes with a step is max(|g|, beta), beta = max(0, g(0) - g(pi) - 1).

    It cannot be less: |g| steps are needed for a mean of g, and of the g(0) T passes that step up
    in phase and the -g(pi) T that step down in anti-phase beta T must be the same, as there are
    only T; a pass that does both steps every pair. Rounded as the mean: within 1/T.
    """
    g = functions.make(name, parameters)
    passes = learning_window(g, phase_bits)
    wanted = at_distances(g, len(passes))
    least = np.maximum(np.abs(wanted), wanted[0] - wanted[-1] - 1)
    share = np.abs(signs(passes)).mean(axis=0)
    assert np.abs(share - least).max() <= 1 / len(passes) + 1e-12


def test_a_pass_steps_both_sides_if_nothing_else_is_said_and_no_bits_count_to_one():
    assert Pass(3) == (3, True, True)
    assert [bit_reversed(bits) for bits in range(3)] == [[0], [0, 1], [0, 2, 1, 3]]


def test_functions_of_full_range_need_no_flags_and_keep_their_sweep():
    """The XOR thresholds in bit-reversed order stand in every core made so far."""
    for name in FULL_RANGE:
        formats = Formats(n=2, lanes=2, pages=1, g=name)
        assert not formats.one_sided
        assert [formats.learning_pass(n) for n in range(64)] == [*formats.passes] * 2
    for name in ("gaussian", "sigmoid"):
        assert Formats(n=2, lanes=2, pages=1, g=name).one_sided
    sweep = Formats(n=2, lanes=2, pages=1, phase_bits=4).passes
    assert [7 - p.threshold for p in sweep] == [0, 4, 2, 6, 1, 5, 3, 7]


@pytest.mark.parametrize("bits", range(2, 10))
def test_sorted_passes_come_once_a_window_and_one_further_on_in_the_next(bits):
    count = 1 << bits
    stride = golden_stride(count)
    assert stride % 2 == 1
    assert abs(stride - count / 1.618034) <= 1
    order = [sorted_pass(n, count) for n in range(count * count + 1)]
    windows = np.array(order[:-1]).reshape(count, count)
    assert np.array_equal(np.sort(windows), np.tile(np.arange(count), (count, 1)))
    assert np.array_equal(windows[1:], (windows[:-1] + 1) % count)
    assert order[-1] == order[0]


@pytest.mark.parametrize("patterns", [1, 2, 3, 4, 5, 7, 8, 12, 16])
def test_every_one_of_several_patterns_shown_in_turn_meets_the_whole_of_g(patterns):
    """128 presentations each: the mean is within 0.11, four windows' worth of uneven passes.

    Repeating one window as it stands would show each of 4 patterns the same quarter for ever.
    """
    formats = Formats(n=2, lanes=2, pages=1, g="gaussian")
    steps = signs(formats.passes)
    wanted = steps.mean(axis=0)
    for pattern in range(patterns):
        seen = [sorted_pass(n, formats.window) for n in range(pattern, 128 * patterns, patterns)]
        assert np.abs(steps[seen].mean(axis=0) - wanted).max() <= 0.11
    stuck = steps[[golden_stride(32) * n % 32 for n in range(0, 4 * 128, 32)]].mean(axis=0)
    assert np.abs(stuck - wanted).max() > 0.2


@dataclass(frozen=True)
class Given(LearningFunction):
    """A function by its values at equal distances from 0 to pi."""

    values: tuple[float, ...] = (1.0, -1.0)
    name = "given"

    def __call__(self, psi_rad):
        psi = np.abs(np.asarray(psi_rad))
        return np.interp(psi, np.linspace(0, math.pi, len(self.values)), self.values)

    @property
    def drift_mean(self):
        return 0.0


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ((-0.2, -1.0), r"runs from -0.2 in phase to -1 in anti-phase; .* 0 or more to 0 or less"),
        ((1.0, 0.1), r"runs from 1 in phase to 0.1 in anti-phase"),
        (
            (1.0, -0.5, 0.5, -1.0),
            r"rises from -0.469 at 1.08 rad to -0.375 at 1.18 rad; .* must fall with",
        ),
        ((-0.018, -1.0), r"runs from -0.018 in phase"),
        ((1.5, -1.0), r"1.5 at 0 rad; a pass steps a pair by one LSB at most"),
        ((math.nan, -1.0), r"nan at 0 rad"),
    ],
)
def test_functions_that_one_comparison_a_pass_cannot_have_are_refused(values, message):
    with pytest.raises(SpecError, match=message):
        learning_window(Given(values), 6)


@pytest.mark.parametrize("values", [(-1 / 64, -1.0), (1.0, 1 / 64)])
def test_half_a_step_of_the_wrong_sign_is_none(values):
    """1/(2T) rounds to no step at all: T = 32."""
    assert len(learning_window(Given(values), 6)) == 32


def test_a_refused_function_is_refused_where_it_would_be_used():
    formats = Formats(n=2, lanes=2, pages=1, g="gaussian", g_parameters={"width_rad": 2.0})
    with pytest.raises(SpecError, match=r"width_rad=2.0.* runs from 0.75 in phase to 0.0412"):
        Twin(formats).run(1, learn=True)
    with pytest.raises(SpecError, match="or use the float model only"):
        plan.design_digest(formats)


def test_parameters_of_g_shape_formats_and_digest_only_where_there_are_any():
    shape = {"n": 4, "lanes": 4, "pages": 1}
    plain, default = Formats(**shape), Formats(**shape, g="gaussian")
    narrow = Formats(**shape, g="gaussian", g_parameters={"width_rad": 0.4})
    assert "g_parameters" not in plain.record()
    assert narrow.record()["g_parameters"] == {"width_rad": 0.4}
    assert Formats(**narrow.record()) == narrow
    said = Formats(**shape, g="gaussian", g_parameters={"offset": 0.25, "width_rad": 0.5})
    digests = [plan.design_digest(f) for f in (plain, default, narrow)]
    assert len(set(digests)) == 3
    assert plan.design_digest(said) == digests[1]
    assert digests[0].hex().startswith("5a6b1573b65d05cc")


def twin_at(formats, top, weights, kind=Twin):
    """Return a twin whose phases rest at table bins."""
    twin = kind(formats)
    twin.load_phases(np.asarray(top) << (formats.accumulator_bits - formats.phase_bits))
    twin.load_weights(weights)
    return twin


def distances(top, phase_bits):
    """Return |d| of all pairs."""
    size = 1 << phase_bits
    d = (np.asarray(top)[None, :] - np.asarray(top)[:, None]) % size
    return np.minimum(d, size - d)


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("phase_bits", [3, 5, 6])
def test_updates_that_always_happen_change_the_weights_by_exactly_the_window(
    name, parameters, phase_bits
):
    """Three windows at fixed phases from w = 0, event probability 1; 8 bits hold 3 * 32 steps."""
    f = Formats(
        n=12, lanes=4, pages=3, weight_bits=8, phase_bits=phase_bits, g=name,
        g_parameters=parameters,
    )  # fmt: skip
    top = np.random.default_rng(2).permutation(max(12, 1 << phase_bits))[:12] % (1 << phase_bits)
    twin = twin_at(f, top, np.zeros((12, 12)))
    twin.configure(Settings(eta=65536, gates=0))
    apart = distances(top, phase_bits)
    steps = signs(f.passes)
    pair = np.triu_indices(12, 1)
    for number in range(1, 4):
        twin.run(f.window, learn=True)
        assert np.array_equal(twin.read_weights()[pair], number * steps.sum(axis=0)[apart][pair])
        counts = twin.counters()
        assert counts.visited == counts.gated_on == number * f.window * pair[0].size
        written = int(np.abs(steps).sum(axis=0)[apart][pair].sum())
        assert counts.written == counts.changed == number * written, "no step is no write"


def spec_of(name, parameters, decay):
    """Return a network of 24 oscillators that learns ungated, 8-bit weights."""
    given = ", ".join(f"{key} = {value}" for key, value in parameters.items())
    return parse(
        f'schema = 1\n[network]\nname = "x"\noscillators = 24\n[task]\nkind = "lock"\n'
        f'[formats]\nweight_bits = 8\n[learning]\ng = "{name}"\ng_parameters = {{ {given} }}\n'
        f"gates = []\neta = 0.25\ndecay = {decay}\n[board]\nlanes = 8\n"
    )


@pytest.mark.parametrize(("name", "parameters"), CASES)
@pytest.mark.parametrize("decay", [0.0, 2.0**-9])
def test_the_stochastic_rule_means_the_float_window_rule(name, parameters, decay):
    """Mean over 400 windows at fixed phases, 4 seeds, pairs of equal distance taken together.

    The float rule is ``w + T eta g - decay' w`` with ``decay' = 1 - (1 - decay)^T``. Bounds:

    - g is made to 1/T a pass: ``eta`` over the window;
    - what is learned in the window fades in it, in the float rule only after it: at most
      ``eta decay T (T+1)/2`` in the mean, as a step of pass n sees T - n + 1 decays;
    - both registers hold these values exactly (eta 2^16, decay 2^(16+7));
    - a pass changes w by two Bernoulli events of probability at most eta and decay |w|, each by
      +-1: with V = T (eta + decay w_max) the mean of k samples has sigma <= sqrt(V / k); 5 sigma.
    """
    spec = spec_of(name, parameters, decay)
    seeds, windows, n = 4, 100, 24
    runs = seeds * windows
    base = plan.formats_of(spec)
    settings = plan.learn_settings(spec, base)
    assert settings.eta == 1 << 14
    assert settings.decay == decay * 2**23
    rng = np.random.default_rng(4)
    top = rng.permutation(64)[:n]
    upper = np.triu(rng.choice([-60, 60, 20, 0], (n, n)), 1)
    start = upper + upper.T
    change = np.zeros((n, n))
    for seed in range(seeds):
        f = Formats(**(base.record() | {"seed": seed}))
        twin = twin_at(f, top, start, CompiledTwin)
        twin.configure(settings)
        for _ in range(windows):
            twin.load_weights(start)
            twin.run(f.window, learn=True)
            change += twin.read_weights() - start
    count = base.window
    g = functions.make(name, parameters)
    mean = window.window_mean(g, top * (math.tau / 64))
    wanted = window.learned(start, mean, count * 0.25, 1 - (1 - decay) ** count) - start
    apart = distances(top, 6)
    pair = np.triu_indices(n, 1)
    number = np.bincount(apart[pair], minlength=33)
    got = np.bincount(apart[pair], change[pair] / runs, 33)
    expected = np.bincount(apart[pair], wanted[pair], 33)
    met = number[1:] > 0
    assert met.sum() > 25
    variance = count * (0.25 + decay * 92)
    bound = 0.25 + 0.25 * decay * count * (count + 1) / 2
    bound = number * bound + 5 * np.sqrt(variance * number / runs)
    assert np.all(np.abs(got - expected)[1:][met] <= bound[1:][met])


def test_the_share_of_a_weight_that_decays_is_the_one_in_the_file():
    """70 passes without updates at W = 5: 15 LSB fade by (1 - decay)^70, exactly in the mean.

    276 pairs of 16 seeds; an LSB goes at most 15 times, so sigma <= sqrt(15 / 4416) = 0.058.
    """
    text = spec_of("xor", {}, 0.01)
    spec = text.model_copy(
        update={
            "formats": text.formats.model_copy(update={"weight_bits": 5}),
            "learning": text.learning.model_copy(update={"eta": 0.0}),
        }
    )
    left = []
    for seed in range(16):
        f = Formats(**(plan.formats_of(spec).record() | {"seed": seed}))
        twin = twin_at(f, np.arange(24), 15 * (1 - np.eye(24)), CompiledTwin)
        twin.configure(plan.learn_settings(spec, f))
        twin.run(70, learn=True)
        left.append(twin.read_weights()[np.triu_indices(24, 1)].mean())
    assert np.mean(left) == pytest.approx(15 * 0.99**70, abs=5 * 0.058)


def test_a_decay_of_more_than_one_step_a_pass_is_refused():
    spec = spec_of("xor", {}, 0.01)
    with pytest.raises(SpecError, match=r"decay = 0.01: .* at most 0.0078125 with weight_bits = 8"):
        plan.learn_settings(spec, plan.formats_of(spec))
