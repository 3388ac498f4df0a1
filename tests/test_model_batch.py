"""Replicas under the same weights: each as if it were alone."""

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import batch


def state(shape, kind):
    rng = np.random.default_rng(shape)
    weights = rng.normal(size=(shape[-1], shape[-1])).astype(kind)
    return weights, rng.uniform(-9, 9, shape).astype(kind)


@pytest.mark.parametrize("kind", ["float32", "float64"])
@pytest.mark.parametrize("shape", [(7,), (1, 7), (5, 33), (3, 4, 20), (0, 6), (2, 1, 3, 2)])
def test_every_replica_gets_its_sums(shape, kind):
    """N + 8 roundings of at most eps/2 of the sum of |w| in each of two sums, in any order; the
    weights are not symmetric here, so that rows and columns cannot be exchanged."""
    weights, phases = state(shape, kind)
    wide = phases.astype(np.longdouble)
    d = wide[..., :, None] - wide[..., None, :]
    bound = (shape[-1] + 8) * np.finfo(kind).eps * np.abs(weights.astype(float)).sum(1)
    torque, field = batch.torque(weights, phases), batch.field(weights, phases)
    assert torque.shape == field.shape == shape
    assert torque.dtype == field.dtype == kind
    assert (np.abs(torque + (weights * np.sin(d)).sum(-1)) <= bound).all()
    assert (np.abs(field - (weights * np.cos(d)).sum(-1)) <= bound).all()


def test_the_weights_decide_the_type_and_nothing_given_is_changed():
    weights, phases = state((4, 9), "float64")
    before = weights.copy(), phases.copy()
    assert batch.torque(weights.astype("float32"), phases).dtype == np.float32
    batch.field(weights, phases)
    assert np.array_equal(weights, before[0])
    assert np.array_equal(phases, before[1])


@pytest.mark.parametrize(
    ("weights", "phases", "message"),
    [
        (np.zeros((3, 3)), np.zeros((5, 4)), r"shape \(3, 3\) with phases of shape \(5, 4\)"),
        (np.zeros((2, 3, 3)), np.zeros((2, 3)), "needs N x N weights"),
        (np.zeros((0, 0)), np.zeros(()), r"phases of shape \(\)"),
        (np.zeros((3, 3), dtype=int), np.zeros(3), "type int64: needs float32 or float64"),
    ],
)
def test_what_does_not_fit_is_refused(weights, phases, message):
    with pytest.raises(SpecError, match=message):
        batch.torque(weights, phases)
