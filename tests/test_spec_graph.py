"""Graph files: what they mean, what is refused and how, and the recount."""

import itertools

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.spec.graph import LARGEST, check_weights, read_graph, recount


@pytest.fixture
def graph(tmp_path):
    path = tmp_path / "g.txt"

    def write(text):
        path.write_text(text)
        return path

    return write


def test_weights_default_to_1_and_lines_of_a_pair_add_up_in_either_order(graph):
    found = read_graph(graph("4 6\n1 2\n2 1 4\n\n3 4 -2\n1 3 5\n3 1 -5\n2 3 7\n"))
    assert (found.n, found.lines) == (4, 6)
    assert found.edges.tolist() == [[0, 1, 5], [1, 2, 7], [2, 3, -2]]
    assert found.weight_bits == 4


def test_a_graph_without_edges_is_a_graph(graph):
    found = check_weights(read_graph(graph("2 0\n")), 5)
    assert found.edges.shape == (0, 3)
    assert found.weight_bits == 2


REFUSED = {
    "": r"line 1: '': needs \"n m\" \(nodes, edges\), then m lines \"i j\" or \"i j w\"",
    "4\n": r"line 1: '4': needs \"n m\"",
    "4 x\n": r"line 1: '4 x': edges 'x' is no whole number",
    "1 0\n": r"line 1: '1 0': 1 nodes; needs 2 to 20,000",
    "20001 0\n": r"line 1: '20001 0': 20001 nodes; needs 2 to 20,000",
    "4 -1\n": r"line 1: '4 -1': -1 edges; needs 0 or more",
    "4 1\n1\n": r"line 2: '1': needs an edge \"i j\" or \"i j w\"",
    "4 1\n1 2 3 4\n": r"line 2: '1 2 3 4': needs an edge",
    "4 1\n1 2 0.5\n": r"line 2: '1 2 0.5': weight '0.5' is no whole number",
    "4 1\n1 1_2\n": r"line 2: '1 1_2': node '1_2' is no whole number",
    "4 2\n1 2\n\n3 3\n": r"line 4: '3 3': a self-loop; needs two different nodes",
    "4 2\n1 2\n3 5 1\n": r"line 3: '3 5 1': node 5 is out of range; the first line says 4 nodes, "
    "so 1 to 4",
    "4 1\n0 2\n": r"line 2: '0 2': node 0 is out of range",
    "4 2\n1 2\n": r"has 1 edge lines; its first line says 2",
    "4 1\n1 2\n2 3\n": r"has 2 edge lines; its first line says 1",
}


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_what_is_wrong_is_refused_with_line_and_need(text, graph):
    with pytest.raises(SpecError, match=rf"graph '.*g.txt'(, | ){REFUSED[text]}"):
        read_graph(graph(text))


def test_the_largest_graph_is_read(graph):
    assert read_graph(graph(f"{LARGEST} 1\n1 {LARGEST}\n")).edges.tolist() == [[0, LARGEST - 1, 1]]


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(SpecError, match=r"cannot read graph '.*none.txt': No such file"):
        read_graph(tmp_path / "none.txt")
    (tmp_path / "x").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(
        SpecError, match=r"cannot read graph .*x.: not UTF-8 text; needs a text file: \"n m\""
    ):
        read_graph(tmp_path / "x")


@pytest.mark.parametrize(("weight", "bits"), [(16, 6), (-16, 6), (63, 7), (127, 8)])
def test_a_weight_that_does_not_fit_is_answered_with_the_width_that_would(weight, bits, graph):
    found = read_graph(graph(f"3 2\n1 2 3\n3 2 {weight}\n"))
    text = (
        rf"weight {weight} between nodes 2 and 3 .* weight_bits = 5 holds -15 to 15; .* = {bits} "
    )
    with pytest.raises(SpecError, match=text):
        check_weights(found, 5)
    assert check_weights(found, bits).edges[1, 2] == weight
    assert found.weight_bits == bits


def test_a_weight_that_no_width_holds_is_told_so(graph):
    found = read_graph(graph("3 2\n1 2 100\n2 1 28\n"))
    with pytest.raises(SpecError, match=r"weight 128 .* would take weight_bits = 9, .*most is 8"):
        check_weights(found, 8)


def test_the_recount_agrees_with_a_sum_over_the_matrix(graph):
    rng = np.random.default_rng(2)
    lines = [(*rng.choice(6, 2, replace=False) + 1, rng.integers(-3, 4)) for _ in range(20)]
    text = "\n".join(f"{i} {j} {w}" for i, j, w in lines)
    path = graph(f"\n6 20\n{text}\n")
    matrix = np.zeros((6, 6))
    for i, j, w in lines:
        matrix[i - 1, j - 1] += w
    for sides in itertools.product((0, 1), repeat=6):
        x = np.array(sides)
        apart = x[:, None] != x[None, :]
        assert recount(path, sides) == (matrix[apart].sum(), matrix.sum())
