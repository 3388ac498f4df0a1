"""Attention whose scores are modulated by how well the phases of query and key agree."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError

Floats = NDArray[np.float64]
Modulation = Callable[[Floats, Floats], Floats]


def _gated(scores: Floats, apart_rad: Floats) -> Floats:
    openness = (1.0 + np.cos(apart_rad)) / 2.0
    with np.errstate(divide="ignore"):  # exactly half a turn apart: weight 0
        return scores + np.log(openness)


MODULATIONS: dict[str, Modulation] = {
    "cosine": lambda scores, apart_rad: scores * np.cos(apart_rad),
    "raised-cosine": lambda scores, apart_rad: scores * (1.0 + np.cos(apart_rad)) / 2.0,
    "gate": _gated,
}


def modulated_scores(
    queries: ArrayLike,
    keys: ArrayLike,
    query_phases_rad: ArrayLike,
    key_phases_rad: ArrayLike,
    modulation: str = "cosine",
) -> Floats:
    """Return the scores that go into the softmax, shape (..., n, m).

    With ``s_ij = q_i . k_j / sqrt(d_k)`` and ``psi_ij = phi_i - phi_j``, an outer difference,
    they are, by name:

    ``cosine``
        ``s cos psi``, the published form. A key in anti-phase has its score turned round: what
        repelled a query (s below 0) attracts it, as strongly.
    ``raised-cosine``
        ``s (1 + cos psi)/2``: no score changes sign. In anti-phase it is 0, which is no opinion,
        not no attention: exp(0) is still more than a negative score in phase would get.
    ``gate``
        ``s + log((1 + cos psi)/2)``: each key's share is multiplied by (1 + cos psi)/2 instead, so
        that going out of phase takes attention away whatever the sign of the score.

    All three are plain attention where all phases are equal.

    Parameters
    ----------
    queries : array, shape (..., n, d_k)
        Q; leading axes are batches, broadcast as NumPy does.
    keys : array, shape (..., m, d_k)
        K.
    query_phases_rad : array, shape (..., n)
        One phase a query, rad.
    key_phases_rad : array, shape (..., m)
        One phase a key, rad.
    modulation : str
        One of the names above.

    Raises
    ------
    SpecError
        Unknown modulation, or shapes that do not fit.

    References
    ----------
    A. Vaswani et al., Attention Is All You Need (2017), arXiv 1706.03762, section 3.2.1, for the
    scaled scores. "The Resonance Network: Learning Without Loss", Entrained AI Research Institute,
    for the cosine; it writes neither the outer difference nor the scale.
    """
    q, k = np.asarray(queries, dtype=np.float64), np.asarray(keys, dtype=np.float64)
    phi_q = np.asarray(query_phases_rad, dtype=np.float64)
    phi_k = np.asarray(key_phases_rad, dtype=np.float64)
    if modulation not in MODULATIONS:
        raise SpecError(
            f"modulation = {modulation!r}: known modulations are {', '.join(MODULATIONS)}"
        )
    if q.ndim < 2 or k.ndim < 2 or q.shape[-1] != k.shape[-1] or q.shape[-1] == 0:
        raise SpecError(
            f"queries of shape {q.shape} and keys of shape {k.shape}: need (..., n, d_k) and "
            f"(..., m, d_k)"
        )
    for name, phases, rows in (("query", phi_q, q), ("key", phi_k, k)):
        if phases.ndim < 1 or phases.shape[-1] != rows.shape[-2]:
            raise SpecError(
                f"{name} phases of shape {phases.shape}: need one for each of "
                f"{rows.shape[-2]}, (..., {rows.shape[-2]})"
            )
    scores = q @ np.swapaxes(k, -1, -2) / math.sqrt(q.shape[-1])
    return MODULATIONS[modulation](scores, phi_q[..., :, None] - phi_k[..., None, :])


def softmax(scores: ArrayLike) -> Floats:
    """Return ``exp(s)/sum exp(s)`` along the last axis.

    The largest score of a row is taken off first, so that none overflows. A row of nothing but
    -inf, for which no key is open, gets weights of 0.
    """
    s = np.asarray(scores, dtype=np.float64)
    top = np.max(s, axis=-1, keepdims=True)
    shares = np.exp(s - np.where(np.isneginf(top), 0.0, top))
    total = shares.sum(axis=-1, keepdims=True)
    return shares / np.where(total == 0.0, 1.0, total)


def phase_attention(
    queries: ArrayLike,
    keys: ArrayLike,
    values: ArrayLike,
    query_phases_rad: ArrayLike,
    key_phases_rad: ArrayLike,
    modulation: str = "cosine",
) -> Floats:
    """Return ``softmax(modulated scores) V``, shape (..., n, d_v).

    Adding one phase to all queries and keys changes nothing; permuting keys, with their values and
    phases, neither; permuting queries permutes the result.

    Parameters
    ----------
    queries, keys, query_phases_rad, key_phases_rad, modulation
        As of `modulated_scores`.
    values : array, shape (..., m, d_v)
        V, one row a key.

    Raises
    ------
    SpecError
        Unknown modulation, or shapes that do not fit.

    References
    ----------
    As of `modulated_scores`.
    """
    scores = modulated_scores(queries, keys, query_phases_rad, key_phases_rad, modulation)
    v = np.asarray(values, dtype=np.float64)
    if v.ndim < 2 or v.shape[-2] != scores.shape[-1]:
        raise SpecError(
            f"values of shape {v.shape}: need one row for each of {scores.shape[-1]} keys, "
            f"(..., {scores.shape[-1]}, d_v)"
        )
    return np.asarray(softmax(scores) @ v)
