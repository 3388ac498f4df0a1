"""Sums and learning in one pass over W equal the N^2 sines and cosines they stand for."""

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import fused

TOLERANCE = {"float32": 2e-5, "float64": 1e-13}  # of the largest sum, at N up to 65


def state(n, kind):
    rng = np.random.default_rng(n)
    weights = rng.normal(size=(n, n)).astype(kind)
    return weights, rng.uniform(0, 7, n).astype(kind), rng.uniform(-1, 1, n).astype(kind)


@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize("n", [2, 7, 64, 65])
def test_the_torque_is_the_sum_of_sines(n, kind):
    weights, phases, _ = state(n, kind)
    exact = (weights.astype(float) * np.sin(phases[None, :].astype(float) - phases[:, None])).sum(1)
    got = fused.torque(weights, phases)
    assert got.dtype == kind
    assert np.abs(got - exact).max() <= TOLERANCE[kind] * np.abs(weights).sum(1).max()


@pytest.mark.parametrize("kind", TOLERANCE)
@pytest.mark.parametrize("n", [2, 7, 64, 65])
@pytest.mark.parametrize("limit", [np.inf, 0.5])
def test_a_learning_step_learns_decays_saturates_and_then_sums(n, kind, limit):
    weights, phases, a = state(n, kind)
    wide, phi, amp = weights.astype(float), phases.astype(float), a.astype(float)
    apart = phi[:, None] - phi[None, :]
    expected = 0.9 * (wide + 0.3 * np.outer(amp, amp) * np.cos(apart))
    expected = np.clip(expected, -limit, limit)
    torque, resonance = fused.learn_step(weights, phases, a, eta=0.3, keep=0.9, limit=limit)
    bound = TOLERANCE[kind] * np.abs(wide).sum(1).max()
    assert np.abs(weights - expected).max() <= bound
    assert np.abs(torque + (expected * np.sin(apart)).sum(1)).max() <= bound
    assert np.abs(resonance - (expected * np.cos(apart)).sum(1)).max() <= bound


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": np.zeros((3, 4))}, r"weights of shape \(3, 4\) with phases of shape \(3,\)"),
        ({"weights": np.zeros((3, 3), dtype=int)}, "weights of type int64: needs float32 or"),
        ({"weights": np.zeros((6, 6))[::2, ::2]}, "contiguous by rows"),
        ({"amplitudes": np.zeros(4)}, r"amplitudes of shape \(4,\): needs \(3,\)"),
        ({"keep": 1.5}, "keep = 1.5, limit = inf: needs keep from 0 to 1"),
        ({"limit": 0.0}, "limit = 0.0: needs"),
    ],
)
def test_what_does_not_fit_is_refused(change, message):
    given = {
        "weights": np.zeros((3, 3)), "phases_rad": np.zeros(3), "amplitudes": np.ones(3),
        "eta": 0.1,
    } | change  # fmt: skip
    weights, phases, amplitudes = (given.pop(k) for k in ("weights", "phases_rad", "amplitudes"))
    with pytest.raises(SpecError, match=message):
        fused.learn_step(weights, phases, amplitudes, **given)


@pytest.mark.parametrize("n", [1, 3, 50])
def test_an_aligned_copy_starts_at_a_cache_line_and_is_a_copy(n):
    values = np.arange(2.0 * n, dtype=np.float32).reshape(2, n)
    copy = fused.aligned(values)
    assert copy.ctypes.data % fused.LINE_BYTES == 0
    assert copy.dtype == np.float32
    assert np.array_equal(copy, values)
    copy[0, 0] = -1
    assert values[0, 0] == 0
