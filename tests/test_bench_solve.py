"""Graphs from seeds, and the comparison of cuts with other solvers."""

import json
import sys
from pathlib import Path

import numpy as np
import pytest

from drai_hw.bench import ising_graphs, solve, solve_peers
from drai_hw.errors import SpecError
from drai_hw.spec.graph import read_graph, recount


@pytest.mark.parametrize("family", ising_graphs.FAMILIES)
def test_a_family_has_pairs_once_in_order_and_is_the_same_for_the_same_seed(family):
    make = ising_graphs.FAMILIES[family]
    edges = make(100, 3)
    i, j, w = edges.T
    assert (i < j).all()
    assert (i >= 0).all()
    assert (j < 100).all()
    assert len(np.unique(edges[:, :2], axis=0)) == len(edges)
    assert set(w) == ({-1, 1} if "+-1" in family else {1})
    assert np.array_equal(edges, make(100, 3))
    assert not np.array_equal(edges, make(100, 4))


def test_densities_and_degrees_are_those_of_the_kind():
    assert len(ising_graphs.random_graph(100, 0.06, signed=False, seed=1)) == 297  # of 4,950 pairs
    degrees = np.bincount(ising_graphs.torus(4, 5, seed=1)[:, :2].ravel())
    assert set(degrees) == {4}
    # A maximal planar graph has 3 n - 6 edges; of two, 1 % is left out and some edges coincide.
    for stacked in (True, False):
        edges = ising_graphs.planar_union(200, signed=False, seed=2, stacked=stacked)
        assert 1080 <= len(edges) <= 2 * round(0.99 * 594)
    with pytest.raises(SpecError, match="torus of 14 nodes: needs a number with two factors of 3"):
        ising_graphs.FAMILIES["torus +-1"](14, 1)


@pytest.fixture
def interpreter(tmp_path):
    """Return an interpreter that prints something instead of running a solver."""

    def make(name, text, status=0):
        path = tmp_path / name
        path.write_text(f"#!/bin/sh\ncat <<'E'\n{text}\nE\nexit {status}\n")
        path.chmod(0o755)
        return str(path)

    return make


def test_a_peer_is_looked_for_in_every_interpreter_and_its_cut_is_counted(tmp_path, interpreter):
    graph = tmp_path / "g.txt"
    solve.write_graph(graph, 3, np.array([[0, 1, 2], [1, 2, -1]]))
    assert read_graph(graph).edges.tolist() == [[0, 1, 2], [1, 2, -1]]
    nothing = interpreter("nothing", "")
    lacks = interpreter("lacks", json.dumps({"reason": "no module MQLib"}))
    has = interpreter("has", json.dumps({"partition": [0, 1, 1], "seconds": 4, "version": "7"}))
    name = "MQLib BURER2002"
    found = solve.peer(name, graph, 1.0, 1, [nothing, lacks, has])
    assert found == (2, "MQLib BURER2002 7, 4 s", "")
    cut, against, reason = solve.peer(name, graph, 1.0, 1, [lacks])
    assert (cut, against) == (None, name)
    assert reason.startswith("no module MQLib; --peer-python gives an interpreter")


def test_rows_compare_with_each_peer_and_ask_for_a_share_of_the_best(monkeypatch):
    monkeypatch.setattr(solve_peers, "SOLVERS", {"a": None, "b": None, "c": None})
    known = {}

    def peer(name, path, seconds, seed, pythons):
        ours = known["cut"]
        assert seconds == pytest.approx(known["seconds"] * 10)
        return {"a": (ours, "a 1", ""), "b": (ours + 1, "b 1", ""), "c": (None, "c", "gone")}[name]

    real = solve.ours

    def ours(path, seconds):
        known["cut"], known["seconds"] = real(path, seconds)
        known["recount"] = path.read_text()
        return known["cut"], known["seconds"]

    monkeypatch.setattr(solve, "peer", peer)
    monkeypatch.setattr(solve, "ours", ours)
    monkeypatch.setattr(solve, "FAMILIES", {"torus +-1": ising_graphs.FAMILIES["torus +-1"]})
    rows = list(solve.rows(36, 1, solve.Plan(seconds=0.05)))
    assert [row.against for row in rows] == ["a 1", "b 1", "c", "best of the peers: b 1"]
    assert [row.reason for row in rows] == ["", "", "gone", ""]
    assert rows[0].ratio == 1.0
    assert rows[3].target == "ratio >= 0.99"
    assert rows[3].met == (known["cut"] >= 0.99 * (known["cut"] + 1))
    assert solve.asked_of("random 6 %") == 0.995
    monkeypatch.setattr(solve_peers, "SOLVERS", {"c": None})
    rows = list(solve.rows(36, 1, solve.Plan(seconds=0.05)))
    assert rows[-1].reason == "no peer could run"
    assert rows[-1].ratio is None


def test_a_missing_solver_is_a_reason_not_a_crash(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "MQLib", None)
    Path(tmp_path / "g").write_text("2 1\n1 2 1\n")
    solve_peers.main(["MQLib LU2010", str(tmp_path / "g"), "1", "1"])
    assert json.loads(capsys.readouterr().out) == {"reason": "no module MQLib"}
    assert recount(tmp_path / "g", [0, 1]) == (1, 1)
