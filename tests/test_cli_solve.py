"""`drai-hw solve`: what it prints, what it refuses, that the cut is counted anew."""

import json
from pathlib import Path

import numpy as np
import pytest

from drai_hw.cli import run
from drai_hw.spec import graph

SQUARE = "6 8\n1 2\n2 3\n3 4\n4 5\n5 6\n6 1\n1 4 3\n2 5 -2\n"


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("g.txt").write_text(SQUARE)


def solved(capfd, *words):
    assert run(["solve", "--json", "--steps", "200", *words]) == 0
    return json.loads(capfd.readouterr().out)


def refused(capfd, *words):
    assert run(["solve", *words]) == 2
    captured = capfd.readouterr()
    assert captured.out == ""
    (fault,) = [text for text in captured.err.splitlines() if text.startswith("drai-hw: error: ")]
    return fault


def test_the_largest_cut_of_a_small_graph(capfd):
    result = solved(capfd, "g.txt")
    assert result["cut"] == result["recounted_cut"] == result["cut_before_descent"] == 7
    assert len(result["partition"]) == 6
    assert set(result["partition"]) == {0, 1}
    assert graph.recount("g.txt", result["partition"]) == (7, 7)
    assert (result["steps"], result["replicas"], result["seed"]) == (200, 32, 1)
    assert result["formats"]["weight_bits"] == 3
    assert "energy" not in result
    assert json.loads(Path("build/g/solve.json").read_text()) == result


def test_the_lowest_energy_wants_equal_spins_where_w_is_positive(capfd):
    result = solved(capfd, "g.txt", "--ising", "--replicas", "3", "--seed", "9", "-o", "there")
    assert result["energy"] == -7
    spins = 1 - 2 * np.array(result["partition"])
    lines = [[int(x) for x in line.split()] for line in SQUARE.splitlines()[1:]]
    total = sum([*line, 1][2] * spins[line[0] - 1] * spins[line[1] - 1] for line in lines)
    assert total == 7
    assert (result["replicas"], result["seed"]) == (3, 9)
    assert Path("there/solve.json").is_file()


def test_without_json_a_line_tells_the_cut_with_and_without_descent(capfd):
    assert run(["solve", "g.txt", "--steps", "200"]) == 0
    out = capfd.readouterr().out
    assert "cut 7 of 6 nodes and 8 edges, counted anew from the file" in out
    assert "before the host's descent 7" in out


def test_a_count_that_disagrees_ends_with_status_1(capfd, monkeypatch):
    monkeypatch.setattr(graph, "recount", lambda path, partition: (6, 7))
    assert run(["solve", "g.txt", "--steps", "50"]) == 1
    assert "the solver says cut 7, counting 'g.txt' anew gives 6" in capfd.readouterr().err


def test_a_spec_of_ones_own_gives_formats_and_spare_oscillators(capfd):
    text = 'schema = 1\n[network]\nname = "own"\noscillators = 10\n[task]\nkind = "solve"\n'
    Path("own.toml").write_text(text + "[formats]\nweight_bits = 6\n[solve]\nreplicas = 2\n")
    result = solved(capfd, "g.txt", "--spec", "own.toml")
    assert (result["cut"], result["replicas"], len(result["partition"])) == (7, 2, 6)
    assert (result["formats"]["weight_bits"], result["formats"]["phase_bits"]) == (6, 6)
    Path("own.toml").write_text(text.replace("10", "5"))
    assert "has 6 nodes, --spec 'own.toml' has 5 oscillators" in refused(
        capfd, "g.txt", "--spec", "own.toml"
    )
    Path("own.toml").write_text(text.replace("= 10", '= 10\nmode = "edge-align"'))
    assert "graphs are solved with 'kuramoto'" in refused(capfd, "g.txt", "--spec", "own.toml")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("3 1\n2 2\n", "line 2: '2 2': a self-loop"),
        ("3 1\n1 4\n", "line 2: '1 4': node 4 is out of range"),
        ("3 1\n1 2 16\n", "formats.weight_bits = 6 would do"),
    ],
)
def test_a_graph_that_is_not_right_ends_with_status_2(text, fault, capfd):
    Path("bad.txt").write_text(text)
    assert fault in refused(capfd, "bad.txt")
    assert not Path("build").exists()


def test_bad_options_are_refused(capfd):
    assert "cannot read graph 'none.txt'" in refused(capfd, "none.txt")
    assert "--steps" in refused(capfd, "g.txt", "--steps", "0")
    assert "--replicas" in refused(capfd, "g.txt", "--replicas", "0")
    Path("file").write_text("")
    assert "needs a directory here" in refused(capfd, "g.txt", "-o", "file")


@pytest.mark.parametrize("words", [("model",), ("build",), ("sim",), ("sim", "--waves")])
def test_other_verbs_say_that_the_task_is_a_graph_file(words, capfd):
    assert run([words[0], "solve", *words[1:]]) == 2
    assert "task.kind = 'solve': its task is a graph file" in capfd.readouterr().err


@pytest.mark.parametrize("simulator", ["icarus", "cxxrtl"])
def test_the_simulated_core_finds_what_the_twin_finds_of_the_same_seed(simulator, capfd):
    words = ["g.txt", "--steps", "60", "--seed", "4", "--replicas", "1"]
    twin = solved(capfd, *words[:1], *words[3:], "--steps", "60")
    rtl = solved(capfd, *words[:1], *words[3:], "--steps", "60", "--backend", "rtl",
                 "--simulator", simulator)  # fmt: skip
    assert (rtl["mismatches"], rtl["backend"], rtl["simulator"]) == (0, "rtl", simulator)
    assert rtl["run_clocks"] > 60
    same = ("cut", "recounted_cut", "partition", "cut_before_descent", "steps", "best_seed")
    assert [rtl[key] for key in same] == [twin[key] for key in same]


def test_a_core_with_replicas_solves_several_starts_at_once(capfd):
    text = 'schema = 1\n[network]\nname = "own"\noscillators = 6\n[task]\nkind = "solve"\n'
    Path("own.toml").write_text(text + "[formats]\naccumulator_bits = 12\n[board]\nreplicas = 3\n")
    words = ["g.txt", "--spec", "own.toml", "--steps", "50", "--seed", "4"]
    twin = solved(capfd, *words, "--replicas", "4")
    rtl = solved(capfd, *words, "--replicas", "4", "--backend", "rtl")  # three, and one
    assert (rtl["mismatches"], rtl["core_replicas"], rtl["replicas"]) == (0, 3, 4)
    same = ("cut", "partition", "cut_before_descent", "mean_cut", "descent_flips", "best_seed")
    assert [rtl[key] for key in same] == [twin[key] for key in same]
    once = solved(capfd, *words, "--replicas", "1", "--backend", "rtl")["run_clocks"]
    assert (rtl["run_clocks"], solved(capfd, *words, "--backend", "rtl")["run_clocks"]) == (
        2 * once,
        once,
    )


def test_a_graph_too_large_for_the_simulated_core_is_refused(capfd):
    Path("large.txt").write_text("1025 1\n1 1025\n")
    fault = refused(capfd, "large.txt", "--backend", "rtl")
    assert "--backend rtl with 1025 oscillators: needs at most 1024" in fault
