"""Graph files of Ising and max-cut problems: reading with errors that name the line, recounting."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.files import given_text, unreadable

LARGEST = 20_000
"""Nodes; the sparse twin is made for up to so many."""

_FORM = 'needs "n m" (nodes, edges), then m lines "i j" or "i j w"'


@dataclass(frozen=True, eq=False)
class Graph:
    """A weighted graph.

    Attributes
    ----------
    name : str
        The file, for messages.
    n : int
        Nodes.
    lines : int
        Edge lines of the file.
    edges : array of int64, shape (m, 3)
        i, j, w with i < j from 0, each pair once, sorted; weights of repeated lines are added up,
        and pairs whose sum is 0 are gone.
    """

    name: str
    n: int
    lines: int
    edges: NDArray[np.int64]

    @property
    def weight_bits(self) -> int:
        """W, the fewest bits that hold every weight (2 at least)."""
        return max(2, int(np.abs(self.edges[:, 2]).max(initial=0)).bit_length() + 1)


def read_graph(path: str | Path) -> Graph:
    """Read a graph file.

    The first line says how many nodes and edges there are; each further line is an edge "i j" or
    "i j w" with nodes from 1 and a whole weight w, 1 if absent. Empty lines mean nothing. Lines
    for the same pair, in either order, add up.

    Parameters
    ----------
    path : path
        The file.

    Raises
    ------
    SpecError
        A file that cannot be read, or a line that is not as it must be: self-loop, node out of
        range, weight that is no whole number, another number of edges than the first line says.
    """
    name = str(path)
    rows = _rows(Path(path))
    where, head = next(rows, (1, []))
    if len(head) != 2:
        raise SpecError(f"{_at(name, where, head)}: {_FORM}")
    n, lines = (_whole(name, where, head, k, ("nodes", "edges")[k]) for k in range(2))
    if not 2 <= n <= LARGEST:
        raise SpecError(f"{_at(name, where, head)}: {n} nodes; needs 2 to {LARGEST:,}")
    if lines < 0:
        raise SpecError(f"{_at(name, where, head)}: {lines} edges; needs 0 or more")
    weights: dict[tuple[int, int], int] = {}
    count = 0
    for where, words in rows:
        if len(words) not in (2, 3):
            raise SpecError(f'{_at(name, where, words)}: needs an edge "i j" or "i j w"')
        i, j = (_whole(name, where, words, k, "node") for k in range(2))
        w = _whole(name, where, words, 2, "weight") if len(words) == 3 else 1
        for node in (i, j):
            if not 1 <= node <= n:
                raise SpecError(
                    f"{_at(name, where, words)}: node {node} is out of range; the first line says "
                    f"{n} nodes, so 1 to {n}"
                )
        if i == j:
            raise SpecError(
                f"{_at(name, where, words)}: a self-loop; needs two different nodes (an edge of a "
                "node to itself is never cut; leave it out)"
            )
        count += 1
        pair = (min(i, j) - 1, max(i, j) - 1)
        weights[pair] = weights.get(pair, 0) + w
    if count != lines:
        raise SpecError(
            f"graph {name!r} has {count} edge lines; its first line says {lines}; needs as many"
        )
    kept = sorted((i, j, w) for (i, j), w in weights.items() if w)
    return Graph(name, n, lines, np.array(kept, dtype=object).reshape(-1, 3))


def check_weights(graph: Graph, weight_bits: int) -> Graph:
    """Return the graph with weights as machine integers, if W bits hold them.

    Raises
    ------
    SpecError
        A weight out of range; the text names the W that would hold it, as far as there is one.
    """
    limit = 2 ** (weight_bits - 1) - 1
    i, j, w = max(graph.edges.tolist(), key=lambda edge: abs(edge[2]), default=(0, 0, 0))
    if abs(w) > limit:
        bits = abs(w).bit_length() + 1
        cure = (
            f"formats.weight_bits = {bits} would do: give --spec with it"
            if bits <= 8
            else f"it would take weight_bits = {bits}, and the most is 8: scale the weights down"
        )
        raise SpecError(
            f"graph {graph.name!r}: weight {w} between nodes {i + 1} and {j + 1} (all lines of the "
            f"pair added up): weight_bits = {weight_bits} holds -{limit} to {limit}; {cure}"
        )
    return Graph(graph.name, graph.n, graph.lines, graph.edges.astype(np.int64))


def recount(path: str | Path, partition: Sequence[int]) -> tuple[int, int]:
    """Count the cut and the weight of a graph file anew, line by line, for a partition.

    Shares nothing with solver and reader but the file: it is what a result is checked against.

    Parameters
    ----------
    path : path
        The graph file.
    partition : sequence of int
        Side of each node, 0 or 1.

    Returns
    -------
    tuple of int
        Sum of the weights of all edges between the sides, and of all edges.
    """
    cut = total = 0
    with open(path, encoding="utf-8") as file:
        lines = (line.split() for line in file)
        next(words for words in lines if words)
        for words in lines:
            if words:
                weight = int(words[2]) if len(words) > 2 else 1
                total += weight
                if partition[int(words[0]) - 1] != partition[int(words[1]) - 1]:
                    cut += weight
    return cut, total


def _rows(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield number and words of every line that is not empty."""
    if path.exists() and not (path.is_file() or path.is_dir()):
        reason = "no regular file, and it is read twice: once to count the cut anew"
        raise unreadable(path, "graph", reason, 'a file that starts with "n m"')
    text = given_text(path, "graph", f"a text file: {_FORM.removeprefix('needs ')}")
    for number, line in enumerate(text.splitlines(), start=1):
        if words := line.split():
            yield number, words


def _at(name: str, line: int, words: Sequence[str]) -> str:
    text = " ".join(words)
    return f"graph {name!r}, line {line}: {text[:60] + '...' if len(text) > 60 else text!r}"


def _whole(name: str, line: int, words: Sequence[str], k: int, what: str) -> int:
    """Return a word as a whole number."""
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", words[k]):
        raise SpecError(
            f"{_at(name, line, words)}: {what} {words[k]!r} is no whole number of up to 18 digits"
        )
    return int(words[k])
