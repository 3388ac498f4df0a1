"""Learning functions, gates, stabilisers: parameters and thresholds to the edge, replicas."""

import math
import re

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import g, gates, plan, stabilisers
from drai_hw.model.gates.base import Observed
from drai_hw.model.numbers import EMA_FRACTION_BITS
from drai_hw.model.reference import Reference
from drai_hw.model.twin import Twin
from drai_hw.spec import parse
from drai_hw.units import TAU

KINDS = {"g": g.KIND, "gates": gates.KIND, "stabilisers": stabilisers.KIND}
E = 1e-9  # a value this far beyond an edge is beyond it

# Kind, part, parameter, values at the edges that are taken, values beyond that are refused.
RANGES = [
    ("g", "gaussian", "width_rad", (E, 50.0), (0.0, -1.0)),
    ("g", "gaussian", "offset", (0.0, 1.0), (-E, 1 + E)),
    ("g", "sigmoid", "beta", (E, 500.0), (0.0, 500 + 1e-6)),
    ("g", "sigmoid", "theta", (-1.0, 1.0), (-1 - E, 1 + E)),
    ("g", "deadzone", "full_rad", (0.0, math.pi / 2 - E), (-E, math.pi / 2)),
    ("g", "deadzone", "zero_rad", (math.pi / 4 + E, math.pi), (math.pi / 4, math.pi + E)),
    ("gates", "lock", "threshold", (0.0, 1.0), (-E, 1 + E)),
    ("gates", "in-phase", "threshold", (-1.0, 1.0), (-1 - E, 1 + E)),
    ("gates", "amplitude", "threshold", (E, 1.0), (0.0, 1 + E)),
    ("gates", "surprise", "threshold", (0.0, 2 - E), (-E, 2.0)),
    ("gates", "resonance", "width_rad", (E, 10.0), (0.0, -1.0)),
    ("stabilisers", "row-scaling", "budget", (E, 1e6), (0.0, -1.0)),
    ("stabilisers", "row-scaling", "only_above", (0, 1), (-1, 0.5, 2)),
    ("stabilisers", "row-budget", "budget", (E, 1e6), (0.0, -1.0)),
    ("stabilisers", "row-budget", "share", (E, 1.0), (0.0, 1 + E)),
    ("stabilisers", "row-centring", "share", (E, 1.0), (0.0, 1 + E)),
    ("stabilisers", "mean-subtraction", "share", (E, 1.0), (0.0, 1 + E)),
    ("stabilisers", "mean-subtraction", "by_row", (0, 1), (-1, 0.5, 2)),
    ("stabilisers", "top-k", "k", (1, 500), (0, 1.5)),
    ("stabilisers", "pruning", "threshold", (E, 10.0), (0.0, -1.0)),
    ("stabilisers", "slow-copy", "shift", (0, 16), (-1, 17, 0.5)),
    ("stabilisers", "slow-copy", "threshold", (0.0, 2 - E), (-E, 2.0)),
]


@pytest.mark.parametrize(("kind", "part", "parameter", "taken", "refused"), RANGES)
def test_a_parameter_is_taken_up_to_the_edge_of_its_range_and_refused_beyond(
    kind, part, parameter, taken, refused
):
    for value in taken:
        assert getattr(KINDS[kind].make(part, {parameter: value}), parameter) == value
    for value in refused:
        with pytest.raises(SpecError, match=rf"{parameter} = .*: needs "):
            KINDS[kind].make(part, {parameter: value})


def test_every_parameter_of_every_part_has_its_range_tested():
    """Parameters of ``cosine``, ``xor``, ``square`` and ``margin``: there are none."""
    known = {
        (kind, name, parameter)
        for kind, parts in KINDS.items()
        for name, made in parts.classes().items()
        for parameter in getattr(made, "__dataclass_fields__", ())
        if not parameter.startswith("_")
    }
    assert {row[:3] for row in RANGES} == known


NUMBER = re.compile(r"`(\w+)`[^(`]*\((−?[\d.]+|π/\d)[^)]*\)")


def defaults_on(page, heading):
    """Return name to parameters from the table under a column heading."""
    found = {}
    rows = iter(page.splitlines())
    for row in rows:
        if row.startswith(f"| `{heading}` |"):
            next(rows)
            for line in rows:
                if not line.startswith("| `"):
                    break
                cells = line.split(" | ")
                found[cells[0].strip("| `")] = {
                    name: math.pi / int(value[2:]) if value[0] == "π" else float(value)
                    for name, value in NUMBER.findall(cells[2])
                }
    return found


@pytest.mark.parametrize("kind", KINDS)
def test_parts_parameters_and_defaults_are_those_on_the_page(kind, repository):
    page = (repository / "docs/reference/mechanisms.md").read_text(encoding="utf-8")
    stated = defaults_on(page, f"learning.{kind}")
    real = {
        name: {
            field.name: field.default
            for field in made.__dataclass_fields__.values()
            if not field.name.startswith("_")
        }
        for name, made in KINDS[kind].classes().items()
    }
    real.get("resonance", {}).pop("width_rad", None)  # a key of its own: learning.theta_r
    assert stated == real


def test_the_width_of_the_resonance_gate_is_theta_r_in_lsb_of_the_twins_frequency():
    """What one LSB is, the twin says: a tuning word that its smoothed frequency shows as 1000."""
    spec = parse(
        'schema = 1\n[network]\nname = "x"\noscillators = 2\n[task]\nkind = "lock"\n'
        "[formats]\naccumulator_bits = 20\nfrequency_bits = 12\n"
        '[learning]\ngates = ["resonance"]\ntheta_r = 5\neta = 0.5\n'
    )
    f = plan.formats_of(spec)
    twin = Twin(f)
    word = 1000 << f.frequency_shift
    for speed in (2 * word, word):  # from above, where rounding down does not stop it early
        twin.load_omega([speed, 0])
        twin.run(400)
    assert twin.ema[0] >> EMA_FRACTION_BITS == 1000
    lsb_rad = word * TAU / 2**f.accumulator_bits / 1000
    for apart, learns in ((4.999, True), (5.001, False)):
        model = Reference(spec)
        model.smoothed_rad = np.array([0.3, 0.3 + apart * lsb_rad])
        model.present([1, 1])
        assert (model.weights[0, 1] == 0.5) == learns


# -- gates at their thresholds --------------------------------------------------------------------


def seen(phases, weights=None, **values):
    """Return what a pass sees; nothing is held, all are active and still, if not said."""
    phases = np.asarray(phases, dtype=float)
    n = phases.shape[-1]
    lead = (*phases.shape[:-2], n)
    usual = {"held": np.zeros(lead, dtype=bool), "smoothed_rad": np.zeros(lead),
             "amplitudes": np.ones(n)}  # fmt: skip
    return Observed(
        phases, np.zeros((*lead, n)) if weights is None else weights, **(usual | values)
    )


STILL = np.zeros((1, 3))


def test_pairs_of_active_oscillators_are_two_different_ones_with_any_amplitude_but_0():
    """Amplitudes of replicas, of other numbers than there are oscillators."""
    window = seen(np.zeros((2, 5, 3)), amplitudes=np.array([[1.0, 0.5, 0.0], [-1.0, 0.0, 0.2]]))
    assert window.passes == 5
    assert np.array_equal(window.both_active[0], [[0, 1, 0], [1, 0, 0], [0, 0, 0]])
    assert np.array_equal(window.both_active[1], [[0, 0, 1], [0, 0, 0], [1, 0, 0]])


def test_the_margin_gate_is_shut_only_between_two_that_are_held():
    opened = gates.KIND.make("margin").open(seen(STILL, held=np.array([True, True, False])))
    assert np.array_equal(opened, [[0, 0, 1], [0, 0, 1], [1, 1, 1]])


def test_an_amplitude_at_the_threshold_takes_part():
    amplitudes = np.array([0.5, -0.75, 0.5 - 1e-9])
    opened = gates.KIND.make("amplitude").open(seen(STILL, amplitudes=amplitudes))
    assert np.array_equal(opened, [[1, 1, 0], [1, 1, 0], [0, 0, 0]])


def test_a_pair_of_the_least_mean_cosine_is_in_phase():
    opened = gates.KIND.make("in-phase", {"threshold": 1.0}).open(seen([[0.0, 0.0, 1e-3]]))
    assert np.array_equal(opened, [[1, 1, 0], [1, 1, 0], [0, 0, 1]])


def test_frequencies_as_far_apart_as_the_gate_is_wide_do_not_resonate():
    speeds = np.array([0.0, 0.5, 1.0 - 1e-9])
    opened = gates.KIND.make("resonance", {"width_rad": 0.5}).open(seen(STILL, smoothed_rad=speeds))
    assert np.array_equal(opened, [[1, 0, 0], [0, 1, 1], [0, 1, 1]])


def test_a_window_as_new_as_the_threshold_is_no_surprise():
    """An empty memory finds everything new: exactly 1."""
    for threshold, surprised in ((1.0, False), (1 - 1e-9, True)):
        gate = gates.KIND.make("surprise", {"threshold": threshold})
        assert np.all(gate.open(seen(STILL)) == surprised)


def replicas():
    """Return windows of three replicas of five oscillators, each with weights of its own."""
    rng = np.random.default_rng(4)
    upper = np.triu(rng.normal(size=(3, 5, 5)), 1)
    held = rng.random((3, 5)) < 0.5
    return seen(
        rng.uniform(0, TAU, (3, 2, 5)), upper + np.swapaxes(upper, -1, -2), held=held,
        smoothed_rad=rng.normal(0, 0.1, (3, 5)), amplitudes=np.array([1, 0.7, 0.3, 1, 1]),
    )  # fmt: skip


def alone(all_of_them, k):
    """Return the window of one replica."""
    return Observed(
        all_of_them.phases_rad[k], all_of_them.weights[k], all_of_them.held[k],
        all_of_them.smoothed_rad[k], all_of_them.amplitudes,
    )  # fmt: skip


@pytest.mark.parametrize("name", gates.KIND.classes())
def test_a_gate_opens_for_each_replica_as_for_it_alone(name):
    windows = replicas()
    opened = np.broadcast_to(gates.KIND.make(name).open(windows), (3, 5, 5))
    for k in range(3):
        each = np.broadcast_to(gates.KIND.make(name).open(alone(windows, k)), (5, 5))
        assert np.array_equal(opened[k], each)
    assert windows.novelty.shape == (3,)


CHOSEN = [
    ("row-scaling", {"budget": 2.0}), ("row-scaling", {"budget": 2.0, "only_above": 1}),
    ("mean-subtraction", {}), ("mean-subtraction", {"by_row": 1}), ("top-k", {"k": 1}),
    ("pruning", {}), ("row-budget", {"budget": 2.0, "share": 0.25}),
    ("row-centring", {"share": 0.25}), ("slow-copy", {"shift": 1, "threshold": 1.0}),
]  # fmt: skip


@pytest.mark.parametrize(("name", "parameters"), CHOSEN)
def test_a_stabiliser_treats_each_replica_as_if_alone_and_keeps_weights_symmetric(name, parameters):
    windows = replicas()
    new = stabilisers.KIND.make(name, parameters).apply(0.5 * windows.weights, windows)
    assert np.allclose(new, np.swapaxes(new, -1, -2), rtol=1e-14)
    assert not np.array_equal(new, 0.5 * windows.weights)
    for k in range(3):
        single = stabilisers.KIND.make(name, parameters)
        assert np.allclose(new[k], single.apply(0.5 * windows.weights[k], alone(windows, k)))


def test_every_stabiliser_is_among_those():
    assert {name for name, _ in CHOSEN} == set(stabilisers.KIND.classes())


# -- stabilisers at their edges -------------------------------------------------------------------


def pairs(*values):
    """Return a symmetric matrix of three from its pairs 0-1, 0-2, 1-2."""
    w = np.zeros((3, 3))
    w[np.triu_indices(3, 1)] = values
    return w + w.T


def test_a_weight_at_the_threshold_is_not_pruned():
    kept = stabilisers.KIND.make("pruning").apply(pairs(0.5, -0.5, 0.499), seen(STILL))
    assert np.array_equal(kept, pairs(0.5, -0.5, 0.0))


def test_a_row_above_its_budget_shrinks_in_each_pass_with_those_it_is_tied_to():
    """Sums of 8, 7 and 5 with a budget of 7: only pairs of the first lose 1/4, twice."""
    part = stabilisers.KIND.make("row-budget", {"budget": 7.0, "share": 0.25})
    window = seen(np.zeros((2, 3)), pairs(-5.0, 3.0, 2.0))
    left = part.apply(pairs(16.0, -32.0, 48.0), window)
    assert np.array_equal(left, pairs(9.0, -18.0, 48.0))


def test_what_an_inactive_oscillator_has_fills_no_row_and_does_not_shrink():
    part = stabilisers.KIND.make("row-budget", {"budget": 4.0, "share": 0.5})
    awake = np.array([1.0, -1.0, 0.0])
    for between, left in ((4.0, 16.0), (4.5, 8.0)):
        window = seen(STILL, pairs(between, 9.0, 9.0), amplitudes=awake)
        assert np.array_equal(part.apply(pairs(16.0, 16.0, 16.0), window), pairs(left, 16.0, 16.0))


def test_centring_takes_the_share_of_two_passes_of_the_mean_of_both_rows():
    """Means 3, 1 and 2 before the window; 1 - (1 - 1/2)^2 = 3/4 of (3+1)/2, (3+2)/2, (1+2)/2."""
    part = stabilisers.KIND.make("row-centring", {"share": 0.5})
    window = seen(np.zeros((2, 3)), pairs(2.0, 4.0, 0.0))
    left = part.apply(pairs(8.0, 8.0, 8.0), window)
    assert np.array_equal(left, pairs(8 - 1.5, 8 - 1.875, 8 - 1.125))


def test_a_single_replica_keeps_as_many_weights_as_any_number_of_them():
    kept = stabilisers.KIND.make("top-k", {"k": 2}).apply(pairs(1.0, 2.0, 3.0)[None], seen(STILL))
    assert np.array_equal(kept, pairs(1.0, 2.0, 3.0)[None])


def test_small_rows_are_scaled_up_as_well():
    scaled = stabilisers.KIND.make("row-scaling", {"budget": 3.0}).apply(
        pairs(0.25, 0.25, 0.25), seen(STILL)
    )
    assert np.allclose(scaled, pairs(1.5, 1.5, 1.5))


@pytest.mark.parametrize("by_row", [0, 1])
def test_two_and_three_oscillators_lose_their_mean_as_well(by_row):
    """Of three, rows of sum 0 mean that all pairs are 0: three equations for three weights."""
    part = stabilisers.KIND.make("mean-subtraction", {"by_row": by_row})
    assert np.array_equal(
        part.apply(np.array([[0.0, 4.0], [4.0, 0.0]]), seen([[0, 0]])), [[0, 0]] * 2
    )
    left = part.apply(pairs(1.0, 2.0, 6.0), seen(STILL))
    assert np.allclose(left, 0 if by_row else pairs(-2.0, -1.0, 3.0), atol=1e-14)


def test_a_window_as_new_as_the_threshold_is_familiar_to_the_slow_copy():
    """An empty memory finds everything new: exactly 1. The copy holds 4, then 2.5."""
    for threshold, left in ((1.0, 2.5), (1 - 1e-9, 1.0)):
        slow = stabilisers.KIND.make("slow-copy", {"shift": 1, "threshold": threshold})
        slow.restore({"copy": pairs(4.0, 4.0, 4.0)})
        assert np.array_equal(
            slow.apply(pairs(1.0, 1.0, 1.0), seen(STILL)), pairs(left, left, left)
        )


def test_the_slow_copy_replaces_only_what_is_smaller_than_itself():
    """From -12 half way to 4 the copy is at -4: as large as the weight, which stays."""
    slow = stabilisers.KIND.make("slow-copy", {"shift": 1, "threshold": 1.0})
    slow.restore({"copy": pairs(-12.0, -13.0, 0.0)})
    left = slow.apply(pairs(4.0, 4.0, 4.0), seen(STILL))
    assert np.array_equal(left, pairs(4.0, -4.5, 4.0))
    assert repr(slow) == "SlowCopy(shift=1, threshold=1.0)"


def test_what_the_slow_copy_remembers_is_no_parameter():
    with pytest.raises(SpecError, match=r"_copy: unknown; .*'slow-copy' takes shift, threshold$"):
        stabilisers.KIND.make("slow-copy", {"_copy": 1.0})
