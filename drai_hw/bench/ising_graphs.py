"""Weighted graphs from seeds, of the kinds that max-cut solvers are compared on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError

Edges = NDArray[np.int64]
"""Rows i, j, w with i < j, counted from 0, each pair once."""


def _with_weights(pairs: Edges, signed: bool, rng: np.random.Generator) -> Edges:
    pairs = np.unique(np.sort(pairs, axis=1), axis=0)
    weights = rng.choice([-1, 1], len(pairs)) if signed else np.ones(len(pairs), dtype=np.int64)
    return np.column_stack([pairs, weights]).astype(np.int64)


def random_graph(n: int, density: float, *, signed: bool, seed: int) -> Edges:
    """Return a random graph with ``density`` of all pairs as edges, of weight 1 or +-1."""
    rng = np.random.default_rng(seed)
    i, j = np.triu_indices(n, 1)
    chosen = rng.choice(len(i), round(density * len(i)), replace=False)
    return _with_weights(np.column_stack([i[chosen], j[chosen]]), signed, rng)


def _stacked(n: int, rng: np.random.Generator) -> Edges:
    """Return a maximal planar graph: node by node put into a face chosen at random."""
    faces = [(0, 1, 2), (0, 1, 2)]
    pairs = [(0, 1), (0, 2), (1, 2)]
    for node in range(3, n):
        k = int(rng.integers(len(faces)))
        a, b, c = faces[k]
        faces[k] = (a, b, node)
        faces += [(a, c, node), (b, c, node)]
        pairs += [(a, node), (b, node), (c, node)]
    return np.array(pairs)


def _triangulated(n: int, rng: np.random.Generator) -> Edges:
    """Return the Delaunay triangulation of random points of the unit square."""
    from scipy.spatial import Delaunay

    corners = Delaunay(rng.random((n, 2))).simplices
    return np.concatenate([corners[:, [0, 1]], corners[:, [0, 2]], corners[:, [1, 2]]])


def planar_union(n: int, *, signed: bool, seed: int, stacked: bool = True) -> Edges:
    """Return the union of two random planar graphs, each with 1 % of its edges left out.

    ``stacked``: node by node into a random face, which makes hubs; else two triangulations of
    random points, whose degrees are all alike.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for _ in range(2):
        pairs = _stacked(n, rng) if stacked else _triangulated(n, rng)
        pairs = np.unique(np.sort(pairs, axis=1), axis=0)
        kept = rng.permutation(len(pairs))[: round(0.99 * len(pairs))]
        parts.append(rng.permutation(n)[pairs[kept]])
    return _with_weights(np.concatenate(parts), signed, rng)


def torus(rows: int, columns: int, *, seed: int) -> Edges:
    """Return a square grid closed in both directions, with weights +-1."""
    rng = np.random.default_rng(seed)
    node = np.arange(rows * columns).reshape(rows, columns)
    pairs = np.concatenate(
        [np.column_stack([node.ravel(), np.roll(node, -1, axis).ravel()]) for axis in (0, 1)]
    )
    return _with_weights(pairs, True, rng)


FAMILIES: dict[str, Callable[[int, int], Edges]] = {
    "random 6 %": lambda n, seed: random_graph(n, 0.06, signed=False, seed=seed),
    "random 6 %, +-1": lambda n, seed: random_graph(n, 0.06, signed=True, seed=seed),
    "random 2 %": lambda n, seed: random_graph(n, 0.02, signed=False, seed=seed),
    "random 1 %": lambda n, seed: random_graph(n, 0.01, signed=False, seed=seed),
    "random 1 %, +-1": lambda n, seed: random_graph(n, 0.01, signed=True, seed=seed),
    "planar union": lambda n, seed: planar_union(n, signed=False, seed=seed),
    "planar union, +-1": lambda n, seed: planar_union(n, signed=True, seed=seed),
    "triangulations": lambda n, seed: planar_union(n, signed=False, seed=seed, stacked=False),
    "triangulations, +-1": lambda n, seed: planar_union(n, signed=True, seed=seed, stacked=False),
    "torus +-1": lambda n, seed: torus(*_sides(n), seed=seed),
}
"""Kinds of graphs by name: number of nodes and seed to edges."""


def _sides(n: int) -> tuple[int, int]:
    """Return the factors of n nearest to each other."""
    rows = next(k for k in range(int(n**0.5), 0, -1) if n % k == 0)
    if rows < 3:
        raise SpecError(f"torus of {n} nodes: needs a number with two factors of 3 or more")
    return rows, n // rows
