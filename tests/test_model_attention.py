"""Phase-modulated attention: its symmetries, its limits, and what each modulation does."""

import math

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model import attention
from drai_hw.model.attention import modulated_scores, phase_attention, softmax

NAMES = sorted(attention.MODULATIONS)


@pytest.fixture
def case():
    """Return Q (2, 5, 3), K (2, 7, 3), V (2, 7, 4) and phases (2, 5), (2, 7)."""
    rng = np.random.default_rng(1)
    return (
        rng.standard_normal((2, 5, 3)),
        rng.standard_normal((2, 7, 3)),
        rng.standard_normal((2, 7, 4)),
        rng.uniform(0, 7, (2, 5)),
        rng.uniform(0, 7, (2, 7)),
    )


def by_entries(q, k, v, phi_q, phi_k, share):
    """Attention from its formula with scalars; ``share(s, psi)`` is what a key gets, unscaled."""
    out = np.zeros((len(q), v.shape[1]))
    for i in range(len(q)):
        shares = [
            share(
                sum(q[i, c] * k[j, c] for c in range(q.shape[1])) / math.sqrt(q.shape[1]),
                phi_q[i] - phi_k[j],
            )
            for j in range(len(k))
        ]
        for j in range(len(k)):
            out[i] += shares[j] / sum(shares) * v[j]
    return out


SHARES = {
    "cosine": lambda s, psi: math.exp(s * math.cos(psi)),
    "raised-cosine": lambda s, psi: math.exp(s * (1 + math.cos(psi)) / 2),
    "gate": lambda s, psi: math.exp(s) * (1 + math.cos(psi)) / 2,
}


@pytest.mark.parametrize("name", NAMES)
def test_it_is_the_formula_entry_by_entry_with_the_outer_difference(case, name):
    """Scalars against arrays; rounding only."""
    q, k, v, phi_q, phi_k = case
    out = phase_attention(q, k, v, phi_q, phi_k, name)
    assert out.shape == (2, 5, 4)
    for b in range(2):
        expected = by_entries(q[b], k[b], v[b], phi_q[b], phi_k[b], SHARES[name])
        assert np.allclose(out[b], expected, atol=1e-13)


@pytest.mark.parametrize("name", NAMES)
def test_equal_phases_leave_plain_attention(case, name):
    q, k, v, *_ = case
    plain = softmax(q @ np.swapaxes(k, -1, -2) / math.sqrt(3)) @ v
    out = phase_attention(q, k, v, np.full(5, 0.7), np.full(7, 0.7), name)
    assert np.allclose(out, plain, atol=1e-14)


@pytest.mark.parametrize("name", NAMES)
def test_a_common_phase_and_whole_turns_change_nothing(case, name):
    """Rounding of phases near 10 rad: 1e-12."""
    q, k, v, phi_q, phi_k = case
    out = phase_attention(q, k, v, phi_q, phi_k, name)
    assert np.allclose(phase_attention(q, k, v, phi_q + 2.1, phi_k + 2.1, name), out, atol=1e-12)
    turned = phase_attention(q, k, v, phi_q, phi_k + 2 * math.pi, name)
    assert np.allclose(turned, out, atol=1e-12)
    # A phase of the keys alone does change it.
    assert not np.allclose(phase_attention(q, k, v, phi_q, phi_k + 1.0, name), out, atol=1e-3)


@pytest.mark.parametrize("name", NAMES)
def test_permuted_keys_change_nothing_and_permuted_queries_permute_the_result(case, name):
    q, k, v, phi_q, phi_k = case
    out = phase_attention(q, k, v, phi_q, phi_k, name)
    rng = np.random.default_rng(3)
    order = rng.permutation(7)
    same = phase_attention(q, k[:, order], v[:, order], phi_q, phi_k[:, order], name)
    assert np.allclose(same, out, atol=1e-13)
    order = rng.permutation(5)
    moved = phase_attention(q[:, order], k, v, phi_q[:, order], phi_k, name)
    assert np.allclose(moved, out[:, order], atol=1e-13)


def test_in_anti_phase_the_cosine_turns_every_score_round(case):
    """softmax(-s): an ignored key becomes the favourite, which is why there are other names."""
    q, k, *_ = case
    opposed = modulated_scores(q, k, np.zeros(5), np.full(7, math.pi), "cosine")
    aligned = modulated_scores(q, k, np.zeros(5), np.zeros(7), "cosine")
    assert np.allclose(opposed, -aligned, atol=1e-14)
    assert np.array_equal(np.argmax(opposed, -1), np.argmin(aligned, -1))
    repelled = [[-3.0]]
    pair = modulated_scores([[1.0]], repelled, [0.0], [math.pi], "cosine")
    assert pair[0, 0] == pytest.approx(3.0)


def test_in_anti_phase_the_raised_cosine_is_without_opinion(case):
    """Scores of 0, equal shares; never a change of sign between."""
    q, k, v, _, phi_k = case
    out = phase_attention(q, k, v, np.zeros(5), np.full(7, math.pi), "raised-cosine")
    assert np.allclose(out, v.mean(axis=-2, keepdims=True), atol=1e-14)
    aligned = modulated_scores(q, k, np.zeros(5), np.zeros(7))
    raised = modulated_scores(q, k, np.zeros(5), phi_k, "raised-cosine")
    assert np.all(raised * aligned >= 0)
    assert np.all(np.abs(raised) <= np.abs(aligned))


@pytest.mark.parametrize("score", [-2.0, 0.0, 2.0])
def test_only_the_gate_takes_attention_from_every_key_that_goes_out_of_phase(score):
    """Two equal keys, one a third of a turn off: the gate gives it 1/4 of the other's share.

    Raised cosine gives e^{-3 s/4}: more than the aligned key where the score is negative.
    """
    keys, apart = [[score], [score]], [0.0, 2 * math.pi / 3]

    def ratio(name):
        aligned, off = softmax(modulated_scores([[1.0]], keys, [0.0], apart, name))[0]
        return off / aligned

    assert ratio("gate") == pytest.approx(0.25)
    assert ratio("raised-cosine") == pytest.approx(math.exp(-0.75 * score))
    assert ratio("cosine") == pytest.approx(math.exp(-1.5 * score))


def test_a_gate_adds_the_logarithm_of_its_openness_to_the_score():
    """A constant factor would fall out of the softmax: the scores themselves are compared."""
    apart = np.array([0.0, 1.0, -2.0])
    scores = modulated_scores([[2.0]], [[3.0]] * 3, [0.0], apart, "gate")
    assert scores[0] == pytest.approx(6.0 + np.log((1 + np.cos(apart)) / 2))


def test_a_gate_shuts_keys_in_anti_phase_and_a_query_without_open_key_gets_nothing():
    v = [[1.0, 2.0], [30.0, 40.0]]
    out = phase_attention([[5.0], [5.0]], [[1.0], [9.0]], v, [0.0, 1.0], [0.0, math.pi], "gate")
    assert np.array_equal(out[0], [1.0, 2.0])
    out = phase_attention([[5.0]], [[1.0], [9.0]], v, [0.0], [math.pi, math.pi], "gate")
    assert np.array_equal(out, [[0.0, 0.0]])


def test_the_softmax_is_stable_for_scores_of_any_size():
    """A common part takes no effect; neither 1e4 nor -1e4 leaves the range of numbers."""
    scores = np.array([[0.0, 1.0, -2.0], [3.0, 3.0, 3.0]])
    expected = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    for common in (0.0, 1e4, -1e4):
        assert np.allclose(softmax(scores + common), expected, atol=1e-12)
    assert np.array_equal(softmax([1e300, -1e300]), [1.0, 0.0])
    assert np.array_equal(softmax([-np.inf, 0.0, -np.inf]), [0.0, 1.0, 0.0])
    out = phase_attention([[1e4]], [[1e4], [-1e4]], [[1.0], [2.0]], [0.0], [0.0, 0.0])
    assert out[0, 0] == 1.0


def test_shares_of_a_row_sum_to_one_and_scores_are_scaled_by_the_root_of_the_width(case):
    q, k, _, phi_q, phi_k = case
    assert np.allclose(softmax(modulated_scores(q, k, phi_q, phi_k)).sum(axis=-1), 1.0)
    wide = modulated_scores(np.ones((1, 16)), np.ones((1, 16)), [0.0], [0.0])
    assert wide[0, 0] == pytest.approx(4.0)


def test_batches_broadcast_and_equal_one_by_one(case):
    """Phases given once serve every batch."""
    q, k, v, phi_q, phi_k = case
    out = phase_attention(q, k, v, phi_q[0], phi_k[0])
    for b in range(2):
        assert np.allclose(out[b], phase_attention(q[b], k[b], v[b], phi_q[0], phi_k[0]))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"modulation": "sine"}, r"modulation = 'sine': known modulations are cosine, raised-"),
        ({"keys": np.ones((7, 2))}, r"queries of shape \(5, 3\) and keys of shape \(7, 2\)"),
        ({"queries": np.ones(3)}, r"queries of shape \(3,\)"),
        ({"keys": np.ones(3)}, r"keys of shape \(3,\)"),
        ({"queries": np.ones((5, 0)), "keys": np.ones((7, 0))}, r"queries of shape \(5, 0\)"),
        ({"query_phases_rad": np.ones(4)}, r"query phases of shape \(4,\): need one for each of 5"),
        ({"key_phases_rad": np.ones(())}, r"key phases of shape \(\): need one for each of 7"),
        ({"keys": np.ones((3, 7, 2))}, r"keys of shape \(3, 7, 2\)"),
        (
            {"queries": np.ones((1, 5, 0)), "keys": np.ones((1, 7, 0))},
            r"queries of shape \(1, 5, 0\)",
        ),
        ({"values": np.ones((7, 6, 4))}, r"\(7, 6, 4\): need one row for each of 7 keys, .*7, d_v"),
        (
            {"queries": np.ones((2, 5, 3)), "values": np.ones((6, 4))},
            r"values of shape \(6, 4\): need one row for each of 7 keys, \(..., 7, d_v\)",
        ),
        ({"values": np.ones((6, 4))}, r"values of shape \(6, 4\): need one row for each of 7"),
        ({"values": np.ones(7)}, r"values of shape \(7,\)"),
    ],
)
def test_shapes_that_do_not_fit_and_unknown_names_are_refused(change, message):
    given = {
        "queries": np.ones((5, 3)),
        "keys": np.ones((7, 3)),
        "values": np.ones((7, 4)),
        "query_phases_rad": np.ones(5),
        "key_phases_rad": np.ones(7),
    }
    with pytest.raises(SpecError, match=message):
        phase_attention(**{**given, **change})
