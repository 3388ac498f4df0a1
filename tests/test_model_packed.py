"""Weights stored once a pair: the same torques and the same learning as the full matrix."""

import tracemalloc

import numpy as np
import pytest

from drai_hw.errors import SpecError, ToolError
from drai_hw.model import compiled, fused, packed, packed_kernels, replica_kernels, vector_sines
from drai_hw.model.packed import PackedWeights

TYPES = ("float32", "float64")
SIZES = (2, 3, 15, 16, 17, 31, 33, 64, 100)  # below, at and above whole blocks, odd and even


def state(n, kind, seed=0):
    """Symmetric weights, phases and amplitudes, all of one type."""
    rng = np.random.default_rng((n, seed))
    weights = rng.normal(size=(n, n))
    weights = ((weights + weights.T) / 2).astype(kind)
    return weights, rng.uniform(-9, 9, n).astype(kind), rng.uniform(-1, 1, n).astype(kind)


def apart(phases):
    """Phase differences in the widest type there is."""
    wide = phases.astype(np.longdouble)
    return wide[:, None] - wide[None, :]


def sum_bound(weights, kind):
    """Bound of a sum of N products: N + 8 roundings, each of at most eps/2 of the sum of |w|.

    N for the sum in any order, the others for sine and cosine (2 eps each), the two products with
    those of i and their difference; torque and resonance hold two such sums.
    """
    n = len(weights)
    return (n + 8) * np.finfo(kind).eps * np.abs(weights.astype(float)).sum(1)


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("n", SIZES)
def test_packing_and_unpacking_keeps_every_bit(n, kind):
    weights, _, _ = state(n, kind)
    full = PackedWeights.from_dense(weights)
    assert full.to_dense().dtype == kind
    assert np.array_equal(full.to_dense(), weights)
    assert not PackedWeights(n, kind).to_dense().any()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("n", SIZES)
def test_torque_and_field_are_the_sums_of_sines_and_cosines(n, kind):
    """Within `sum_bound`, against the sums in extended precision."""
    weights, phases, _ = state(n, kind)
    whole = PackedWeights.from_dense(weights)
    d, bound = apart(phases), sum_bound(weights, kind)
    got = packed.torque(whole, phases)
    assert got.dtype == kind
    assert (np.abs(got + (weights * np.sin(d)).sum(1)) <= bound).all()
    assert (np.abs(packed.field(whole, phases) - (weights * np.cos(d)).sum(1)) <= bound).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize(
    "shape", [(1, 2), (5, 15), (8, 16), (16, 17), (17, 33), (3, 3, 40), (0, 7), (2, 300)]
)
def test_every_replica_gets_its_sums(shape, kind):
    """Within `sum_bound`; below, at and above whole vectors, blocks and stretches of columns."""
    weights = state(shape[-1], kind)[0]
    phases = np.random.default_rng(shape).uniform(-9, 9, shape).astype(kind)
    whole, bound = PackedWeights.from_dense(weights), sum_bound(weights, kind)
    for function, wave, sign in ((packed.torque, np.sin, -1), (packed.field, np.cos, 1)):
        got = function(whole, phases)
        assert (got.shape, got.dtype) == (shape, kind)
        wide = phases.astype(np.longdouble)
        exact = sign * (weights * wave(wide[..., :, None] - wide[..., None, :])).sum(-1)
        assert (np.abs(got - exact) <= bound).all()


@pytest.mark.parametrize("kind", TYPES)
def test_very_large_phases_of_replicas_are_as_precise(kind):
    weights = state(20, kind)[0]
    phases = np.random.default_rng(2).uniform(-9, 9, (19, 20)).astype(kind)
    phases[18, 4] = 3e5
    wide = phases.astype(np.longdouble)
    s, c = np.sin(wide), np.cos(wide)
    got = packed.torque(PackedWeights.from_dense(weights), phases)
    exact = c * (s @ weights) - s * (c @ weights)
    assert (np.abs(got - exact) <= sum_bound(weights, kind)).all()


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("limit", [np.inf, 0.4])
@pytest.mark.parametrize("gated", [False, True])
@pytest.mark.parametrize("eta", [0.3, -0.3])
def test_a_learning_step_learns_decays_saturates_and_then_sums(n, kind, limit, gated, eta):
    """A weight within 10 eps of its largest part (4 roundings, 4 of sine and cosine, the root
    of the rate twice); the sums of the new weights within `sum_bound`."""
    weights, phases, a = state(n, kind)
    held = np.random.default_rng(n).random(n) < 0.5 if gated else None
    whole = PackedWeights.from_dense(weights)
    d = apart(phases)
    gate = ~(held[:, None] & held[None, :]) if gated else True
    wide = a.astype(np.longdouble)
    exact = 0.9 * (weights + eta * gate * np.outer(wide, wide) * np.cos(d))
    exact = np.clip(exact, -limit, limit)
    torque, resonance = packed.learn_step(
        whole, phases, a, eta=eta, keep=0.9, limit=limit, held=held
    )
    new = whole.to_dense()
    size = np.abs(weights).max() + abs(eta)
    assert np.abs(new - exact).max() <= 10 * np.finfo(kind).eps * size
    assert np.array_equal(new, new.T)
    bound = sum_bound(new, kind)
    assert (np.abs(torque + (new * np.sin(d)).sum(1)) <= bound).all()
    assert (np.abs(resonance - (new * np.cos(d)).sum(1)) <= bound).all()


@pytest.mark.parametrize("kind", TYPES)
def test_many_steps_stay_with_the_full_matrix(kind):
    """50 steps with feedback into phases and amplitudes: 500 eps, 10 a step as above."""
    n = 75
    weights, phases, a = state(n, kind)
    whole, full = PackedWeights.from_dense(weights), fused.aligned(weights)
    state_1, state_2 = (phases, a), (phases, a)
    for _ in range(50):
        how = {"eta": 0.02, "keep": 0.97, "limit": 0.5}
        torque, resonance = packed.learn_step(whole, *state_1, **how)
        state_1 = (state_1[0] + np.float32(0.001) * torque, np.tanh(resonance))
        torque, resonance = fused.learn_step(full, *state_2, **how)
        state_2 = (state_2[0] + np.float32(0.001) * torque, np.tanh(resonance))
    assert np.abs(whole.to_dense() - full).max() <= 500 * np.finfo(kind).eps
    assert np.abs(full - weights).max() > 0.1


@pytest.mark.parametrize("n", [5, 40])
def test_the_diagonal_learns_or_is_zero(n):
    weights, phases, a = state(n, "float64")
    both = [PackedWeights.from_dense(weights) for _ in range(2)]
    packed.learn_step(both[0], phases, a, eta=0.3, keep=0.9)
    torque, resonance = packed.learn_step(both[1], phases, a, eta=0.3, keep=0.9, diagonal=False)
    with_it, without = (w.to_dense() for w in both)
    assert np.allclose(np.diag(with_it), 0.9 * (np.diag(weights) + 0.3 * a * a), rtol=1e-14)
    assert not np.diag(without).any()
    off = ~np.eye(n, dtype=bool)
    assert np.array_equal(without[off], with_it[off])
    assert np.allclose(resonance, (without * np.cos(apart(phases))).sum(1), atol=1e-12)
    assert np.allclose(torque, -(without * np.sin(apart(phases))).sum(1), atol=1e-12)


def test_what_lies_beyond_n_stays_zero():
    whole = PackedWeights.from_dense(state(21, "float32")[0])
    packed.learn_step(whole, *state(21, "float32")[1:], eta=0.5)
    for first, panel in whole.panels():
        assert panel[: 21 - first, : 21 - first].all()
        assert not panel[21 - first :].any()
        assert not panel[:, 21 - first :].any()


@pytest.mark.parametrize("kind", TYPES)
def test_sine_and_cosine_are_those_of_the_phase(kind):
    """2 eps: half a rounding of the reduced angle, the last two of the series."""
    quarter = np.arange(-630, 631) * (np.pi / 2)
    phases = np.concatenate(
        [np.random.default_rng(1).uniform(-1000, 1000, 2000), quarter, np.nextafter(quarter, 0),
         [0.0, 1e-30, vector_sines.LARGEST_RAD, -vector_sines.LARGEST_RAD]]
    ).astype(kind)  # fmt: skip
    whole = PackedWeights(phases.size, kind)
    assert packed_kernels.sums(whole.work, whole.data, phases, False)
    wide, eps = phases.astype(np.longdouble), np.finfo(kind).eps
    for row, function in ((packed_kernels.SINE, np.sin), (packed_kernels.COSINE, np.cos)):
        got = whole.work[row, : phases.size]
        assert np.abs(got - function(wide)).max() <= 2 * eps
        assert np.abs(got).max() <= 1


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("large", [1001.0, -2.5e4, 1e8])
def test_very_large_phases_are_as_precise(kind, large):
    weights, phases, a = state(20, kind)
    phases[7] = large
    assert not packed_kernels.sums(PackedWeights(20, kind).work, weights, phases, False)
    whole = PackedWeights.from_dense(weights)
    wide = phases.astype(np.longdouble)  # no differences: they would lose digits here
    s, c = np.sin(wide), np.cos(wide)
    exact = c * (weights @ s) - s * (weights @ c)
    assert (np.abs(packed.torque(whole, phases) - exact) <= sum_bound(weights, kind)).all()
    packed.learn_step(whole, phases, a, eta=0.5)
    expected = weights + 0.5 * np.outer(a, a) * (np.outer(c, c) + np.outer(s, s))
    assert np.abs(whole.to_dense() - expected).max() <= 10 * np.finfo(kind).eps * 3.5


def test_a_phase_that_is_no_number_shows():
    weights, phases, _ = state(20, "float64")
    phases[3] = np.nan
    assert np.isnan(packed.torque(PackedWeights.from_dense(weights), phases)).all()


def test_rows_start_at_cache_lines():
    for kind in TYPES:
        whole = PackedWeights(70, kind)
        for _, panel in whole.panels():
            assert all(row.ctypes.data % 64 == 0 for row in panel)
        assert whole.work.ctypes.data % 64 == 0
        assert whole.nbytes == 80 * (80 + 16) // 2 * whole.dtype.itemsize


def peak_over_full(n, kind):
    """Peak of all arrays while weights are made, learn and are read, over the full matrix's."""
    phases, a = state(4, kind)[1:]
    phases, a = np.resize(phases, n), np.resize(a, n)
    packed.learn_step(PackedWeights(2, kind), phases[:2], a[:2], eta=0.1)  # compiles, as torque
    packed.torque(PackedWeights(2, kind), phases[:2])
    tracemalloc.start()
    try:
        whole = PackedWeights(n, kind)
        packed.learn_step(whole, phases, a, eta=0.1, keep=0.9, limit=1.0)
        packed.torque(whole, phases)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak > whole.nbytes  # or it would not have been seen
    return peak / (n * n * whole.dtype.itemsize)


@pytest.mark.parametrize("kind", TYPES)
def test_learning_takes_about_half_of_the_full_matrix(kind):
    """(N + 16) / 2N of it for the weights, 8 (N + 48) numbers of work space, two small results."""
    assert peak_over_full(1024, kind) < (1024 + 16) / 2048 + 14 / 1024 + 0.01


@pytest.mark.full
def test_8192_oscillators_learn_within_the_memory_asked_for():
    """Asked for: at most 1.3 of the full matrix; half of it and the work space are needed."""
    assert peak_over_full(8192, "float32") < 0.51


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"phases_rad": np.zeros(4)}, r"phases of shape \(4,\): needs \(3,\)"),
        ({"amplitudes": np.zeros((3, 1))}, r"amplitudes of shape \(3, 1\): needs \(3,\)"),
        ({"keep": 1.5}, "keep = 1.5, limit = inf: needs keep from 0 to 1"),
        ({"keep": -0.1}, "keep = -0.1"),
        ({"limit": 0.0}, "limit = 0.0: needs"),
        ({"held": np.zeros(3)}, r"held of shape \(3,\) and type float64: needs bool, \(3,\)"),
        ({"held": np.zeros(2, dtype=bool)}, r"held of shape \(2,\)"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {"phases_rad": np.zeros(3), "amplitudes": np.ones(3), "eta": 0.1} | change
    phases, amplitudes = given.pop("phases_rad"), given.pop("amplitudes")
    with pytest.raises(SpecError, match=message):
        packed.learn_step(PackedWeights(3), phases, amplitudes, **given)


def test_replicas_of_another_size_are_refused():
    with pytest.raises(SpecError, match=r"phases of shape \(4, 5\): needs \(3,\) or \(..., 3\)"):
        packed.field(PackedWeights(3), np.zeros((4, 5)))


def test_other_matrices_are_refused():
    weights = np.zeros((40, 40))
    weights[30, 5] = 2.5
    with pytest.raises(SpecError, match=r"weights\[5, 30\] = .*0\.0.* but weights\[30, 5\].*2\.5"):
        PackedWeights.from_dense(weights)
    with pytest.raises(SpecError, match=r"shape \(3, 4\): needs N x N"):
        PackedWeights.from_dense(np.zeros((3, 4)))
    with pytest.raises(SpecError, match="type int64: needs float32 or float64"):
        PackedWeights.from_dense(np.zeros((3, 3), dtype=int))
    with pytest.raises(SpecError, match="of 1 oscillators: needs 2 or more"):
        PackedWeights(1)


def test_without_numba_it_says_so(monkeypatch):
    def absent(name):
        raise ModuleNotFoundError("No module named 'numba'", name="numba")

    packed._loops.cache_clear()
    monkeypatch.setattr(compiled.importlib, "import_module", absent)
    with pytest.raises(ToolError, match="need the package numba"):
        packed.torque(PackedWeights(3), np.zeros(3))


def test_constants_of_the_loops_are_those_of_the_storage():
    assert packed.BLOCK == packed_kernels.BLOCK
    assert packed.BLOCK == replica_kernels.BLOCK
    assert replica_kernels.COLUMNS % packed.BLOCK == 0
    assert PackedWeights(5).work.shape[0] == packed_kernels.ROWS
