"""Runs at size: chunks, interruption, damaged records, judgement against the float model, page."""

from __future__ import annotations

import dataclasses
import time
from pathlib import Path

import numpy as np
import pytest

from drai_hw.errors import ToolError
from drai_hw.spice.at_size import page, runs
from drai_hw.spice.at_size import record as kept
from drai_hw.spice.at_size.__main__ import main
from drai_hw.spice.at_size.cases import Case, cases
from drai_hw.spice.at_size.judge import apart, judge, phases_of
from drai_hw.spice.at_size.runs import advance, load, place, restarted, resume

SMALL = Case(4, 0.3, 0, cycles=60)
PAGE = Path("docs/reference/circuit-at-size.md")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one run, made in chunks, with an interruption after the first."""
    chunks = tmp_path_factory.mktemp("kept")
    stopped = resume(SMALL, chunks, chunk_cycles=20, until_s=time.monotonic() - 1)
    assert stopped is None
    resume(dataclasses.replace(SMALL), chunks, chunk_cycles=20)
    return chunks


def test_weights_are_signed_symmetric_and_a_fifth_of_them_frustrated() -> None:
    case = Case(64, 0.3, 1)
    weights, x = case.weights(), case.pattern()
    assert np.array_equal(weights, weights.T)
    assert not np.diag(weights).any()
    pairs = np.triu(np.outer(x, x) * weights, 1)
    pairs = pairs[np.triu_indices(64, 1)]
    assert set(np.abs(pairs)) == {1, 2, 3, 4, 5}
    assert 0.17 < np.mean(pairs < 0) < 0.23
    assert 0.4 < np.mean(weights[np.triu_indices(64, 1)] > 0) < 0.6
    assert abs(np.mean(x * np.exp(1j * case.start_rad()))) < 0.3


def test_chunks_make_the_run_that_one_piece_makes(folder: Path) -> None:
    """A restart is a short backward-Euler step: 4e-5 rad, nearly all of it common."""
    chunked = load(folder, SMALL)
    assert chunked is not None
    assert chunked.finished
    whole = advance(None, SMALL, 60)
    (at, first), (other_at, second) = phases_of(chunked), phases_of(whole)
    assert np.allclose(at, other_at, atol=1e-10)
    apart = first - second
    assert np.abs(apart).max() < 3e-4
    assert np.abs(apart - apart.mean(axis=1, keepdims=True)).max() < 3e-5
    assert sum(chunked.crossings_s[:, 0] == 0) in (59, 60)


def test_what_is_kept_is_not_run_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runs, "simulate", lambda *a, **k: 1 / 0)
    record = resume(SMALL, folder)
    assert record is not None
    assert record.cycles_done == 60


def test_a_chunk_that_fails_leaves_the_chunks_before_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = runs.simulate, []

    def hangs_later(*arguments: object, **keys: object) -> object:
        calls.append(1)
        if len(calls) == 2:
            raise ToolError("ngspice ran longer than 1 s and was stopped")
        return real(*arguments, **keys)

    monkeypatch.setattr(runs, "simulate", hangs_later)
    with pytest.raises(ToolError, match="was stopped"):
        resume(SMALL, tmp_path, chunk_cycles=20)
    found = load(tmp_path, SMALL)
    assert found is not None
    assert found.cycles_done == 20
    finished = resume(SMALL, tmp_path, chunk_cycles=20)  # goes on where it stood
    assert finished is not None
    assert finished.finished
    assert len(calls) == 4


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    place(tmp_path, SMALL).write_bytes(b"no record")
    with pytest.raises(ToolError, match="not a record of a run"):
        load(tmp_path, SMALL)


def test_a_record_of_other_weights_is_named(folder: Path, tmp_path: Path) -> None:
    other = dataclasses.replace(SMALL, seed=7)
    place(tmp_path, other).write_bytes(place(folder, SMALL).read_bytes())
    with pytest.raises(ToolError, match="made with other weights"):
        load(tmp_path, other)


def test_a_netlist_of_another_size_is_not_restarted() -> None:
    with pytest.raises(ToolError, match="1 start values in the netlist: needed are 6"):
        restarted("Cp0 p0 0 1e-9 ic=0.5\n", np.zeros((3, 2)))


def test_a_run_is_judged_by_its_distance_from_the_float_model(folder: Path) -> None:
    record = load(folder, SMALL)
    assert record is not None
    row = judge(record)
    assert 0 < row.phase_mean_rad <= row.phase_max_rad < 0.1
    assert row.phase_end_rad <= row.phase_max_rad
    assert row.amplitude_max_rad < 0.2 * row.phase_max_rad
    # another run's crossings in its place are seen
    rng = np.random.default_rng(1)
    wrong = record.crossings_s.copy()
    wrong[:, 1] += (rng.random(4) * 0.3e-6)[wrong[:, 0].astype(int)]
    spoiled = judge(dataclasses.replace(record, crossings_s=wrong))
    assert spoiled.phase_max_rad > 0.2
    assert spoiled.amplitude_max_rad > 0.2
    assert not spoiled.same


def test_the_page_is_made_of_rows_and_says_what_is_unfinished(folder: Path) -> None:
    record = load(folder, SMALL)
    assert record is not None
    row = judge(record)
    text = page.text([row, dataclasses.replace(row, cycles_done=40)])
    assert "| 4 | 0.3 | 0 | ngspice | 100 | 60 |" in text
    assert "| 40 of 60 |" in text
    assert f"worst of 2 seeds {row.phase_max_rad:.4f} rad" in text


def test_other_runs_of_the_same_network_are_compared_where_they_were_run(folder: Path) -> None:
    record = load(folder, SMALL)
    assert record is not None
    fine = advance(None, dataclasses.replace(SMALL, points_per_cycle=200), 60)
    exact = advance(None, dataclasses.replace(SMALL, way="equations"), 60)
    row = judge(record, {run.case: run for run in (record, fine, exact)})
    assert row.halved_max_rad == apart(record, fine)
    assert row.equations_max_rad == apart(record, exact)
    assert 1e-5 < row.halved_max_rad < 0.01
    assert 1e-5 < row.equations_max_rad < 0.01
    # half the step is nearer to the equations, by the rule's second order
    assert apart(fine, exact) < 0.5 * row.equations_max_rad
    assert judge(record).halved_max_rad is None


def test_rows_are_kept_and_a_shorter_run_does_not_take_their_place(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record = load(folder, SMALL)
    assert record is not None
    row = judge(record)
    path = tmp_path / "record.json"
    kept.write([row], path)
    assert kept.read(path) == [row]
    monkeypatch.setattr(kept, "cases", lambda: (SMALL,))
    shorter = dataclasses.replace(row, cycles_done=30)
    assert kept.merged([row], [shorter]) == [row]
    assert kept.merged([shorter], [row]) == [row]
    other = dataclasses.replace(shorter, netlist="0")
    assert kept.merged([row], [other]) == [other]
    assert kept.merged([dataclasses.replace(row, case=Case(5, 0.3, 0))], []) == []
    assert kept.stale([row]) == []
    assert kept.stale([other]) == [SMALL.name]
    path.write_text('{"rows": [1]}')
    with pytest.raises(ToolError, match="not a record of runs at size"):
        kept.read(path)


def test_the_command_stops_in_time_and_writes_nothing_without_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--folder", str(tmp_path / "kept"), "--page", str(tmp_path / "page.md")]
    arguments += ["--record", str(tmp_path / "record.json")]
    assert main([*arguments, "--seconds", "0", "--oscillators", "64"]) == 0
    said = capsys.readouterr().err
    assert "n64-rho030-seed0-points100-cycles1000-ngspice: 0 periods" in said
    assert "n64-rho030-seed0-points100-cycles1000-equations: 0 periods" in said
    assert not (tmp_path / "page.md").exists()
    (tmp_path / "record.json").write_text("{")
    assert main([*arguments, "--check"]) == 2
    assert "not a record of runs at size" in capsys.readouterr().err


def test_the_committed_page_is_that_of_the_committed_rows(repository: Path) -> None:
    rows = kept.read()
    assert (repository / PAGE).read_text(encoding="utf-8") == page.text(rows)
    assert {row.case for row in rows} <= set(cases())
    assert kept.stale([row for row in rows if row.case.n == 16]) == []


@pytest.mark.full
def test_every_row_stands_for_the_netlist_of_today() -> None:
    assert main(["--check"]) == 0


def test_a_row_is_judged_again_only_where_something_was_added(folder: Path) -> None:
    record = load(folder, SMALL)
    assert record is not None
    row = judge(record)
    assert row.still_says(record, {SMALL: record}, {SMALL: row})
    assert not row.still_says(dataclasses.replace(record, cycles_done=50), {}, {})
    assert not dataclasses.replace(row, netlist="0").still_says(record, {}, {})
    exact = dataclasses.replace(record, case=dataclasses.replace(SMALL, way="equations"))
    there = {exact.case: exact}
    assert not row.still_says(record, there, {})
    told = dataclasses.replace(row, equations_max_rad=0.1)
    as_long = dataclasses.replace(row, case=exact.case, cycles_done=exact.cycles_done)
    assert told.still_says(record, there, {exact.case: as_long})
    # the other one was shorter when the distance from it was measured
    shorter = dataclasses.replace(as_long, cycles_done=exact.cycles_done - 1)
    assert not told.still_says(record, there, {exact.case: shorter})
