"""`drai-hw bench` prints rows, on standard output alone."""

import json
import subprocess
import sys

import pytest

from drai_hw.cli import run

KEYS = {
    *("task", "n", "precision", "ours", "theirs", "against", "ratio", "unit", "reason"),
    *("target", "met"),
}


@pytest.fixture(autouse=True)
def environment_comes_back(monkeypatch):
    from drai_hw.bench.timing import THREAD_VARIABLES

    for variable in THREAD_VARIABLES:
        monkeypatch.setenv(variable, "1")


def test_json_holds_a_row_for_each_comparison(capfd):
    assert run(["bench", "model", "twin", "--n", "24", "--rounds", "1", "--json"]) == 0
    captured = capfd.readouterr()
    rows = json.loads(captured.out)["rows"]
    assert all(set(row) == KEYS for row in rows)
    assert {row["n"] for row in rows} == {24}
    assert all(row["reason"] == "" for row in rows), "a peer is missing"
    assert all(row["ratio"] == pytest.approx(row["theirs"] / row["ours"]) for row in rows)
    against = " ".join(row["against"] for row in rows)
    for peer in ("N^2 sines", "kuramoto", "oscillatools", "article", "one pass", "NumPy twin"):
        assert peer in against
    assert {row["precision"] for row in rows} == {"float64", "float32", "integer"}
    assert "N = 24" in captured.err


def test_a_missing_peer_leaves_a_row_with_the_reason(capfd, monkeypatch):
    monkeypatch.setitem(sys.modules, "oscillatools", None)
    assert run(["bench", "model", "--n", "8", "--rounds", "1"]) == 0
    text = capfd.readouterr().out
    assert "not run" in text
    assert "the package oscillatools is not installed" in text
    assert "ratio = theirs / ours" in text


def test_the_table_says_what_is_asked_and_whether_it_is_met():
    from drai_hw.bench.timing import Row
    from drai_hw.cli.verb_bench import table

    def line(target, met, reason=""):
        figures = (None, None, None) if reason else (2.0, 50.0, 25.0)
        ours, theirs, ratio = figures
        row = Row(
            task="step", n=5, precision="float64", ours=ours, theirs=theirs, against="peer",
            ratio=ratio, reason=reason, target=target, met=met,
        )  # fmt: skip
        cells = table([row.to_json()]).splitlines()[1].split("  ")
        return [cell.strip() for cell in cells if cell.strip()][-2:]

    assert line("ratio >= 20", True) == ["ratio >= 20: met", "peer"]
    assert line("ratio >= 40", False) == ["ratio >= 40: MISSED", "peer"]
    assert line("ours <= 1", None, "it is gone") == ["ours <= 1: not known", "peer: it is gone"]
    assert line("", None) == ["25", "peer"]


def test_an_unknown_subject_is_bad_input(capfd):
    assert run(["bench", "tea"]) == 2
    assert "tea" in capfd.readouterr().err


def test_numpy_is_loaded_after_the_threads_are_limited():
    code = (
        "import sys, os, drai_hw.cli.verb_bench as v; assert 'numpy' not in sys.modules; "
        "v.measure(['twin'], [4], 1); "
        "import threadpoolctl; "
        "print([p['num_threads'] for p in threadpoolctl.threadpool_info() "
        "if p['user_api'] == 'blas'])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout.splitlines()[-1])
    assert found
    assert set(found) == {1}
