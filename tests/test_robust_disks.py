"""A disk that is full, or read-only, wherever a program writes: told, nothing lost or torn."""

from __future__ import annotations

import errno
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest

from drai_hw.files import system_failure
from tests.small_disks import fill, limited, read_only, small_disk
from tests.test_robust import RUNS, check_files, folder, start, survivors

__all__ = ["folder"]  # the fixture

NO_SPACE = r"No space left on device|bytes are free there|File too large"
QUICK = "crossbar"


def ended(folder: Path, words: list[str]) -> tuple[int, str]:
    """Run the command line to its end; check what must hold however it ends."""
    process = start(folder, words)
    try:
        said = process.communicate(timeout=600)[1]
    finally:
        process.kill()
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said
    assert "fault of drai-hw" not in said, said
    assert process.returncode in (0, 1, 2), said
    lines = said.count("drai-hw: error:")
    if "build" in words:  # each stage that failed has its line
        assert (lines > 0) == (process.returncode == 2), said
    else:
        assert lines == (process.returncode == 2), said
    assert survivors(folder) == []
    return process.returncode, said


def command(words: list[str], way: str, size_bytes: int) -> list[str]:
    return limited(words, size_bytes) if way == "limit" else ["-m", "drai_hw.cli", *words]


def contents(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and path.name != "filler"
    }


def full(runs):
    return [run if run == QUICK else pytest.param(run, marks=pytest.mark.full) for run in runs]


def on_a_small_disk(
    place: str, run: str, sizes: list[int], folder: Path, tally: Counter[str]
) -> list[int]:
    """Run with so little space at a place; return the exit statuses."""
    statuses = []
    for size_bytes in sizes:
        with small_disk(folder / place, size_bytes) as way:
            status, said = ended(folder, command(RUNS[run][0], way, size_bytes))
            if status == 2:
                assert re.search(NO_SPACE, said), said
            assert status != 1, said
            check_files(folder / "out")
            assert list((folder / "tmp").iterdir()) == []
        statuses.append(status)
        tally[f"status {status}"] += 1
        shutil.rmtree(folder / "out", ignore_errors=True)
        (folder / "tmp").mkdir(exist_ok=True)
    return statuses


@pytest.mark.parametrize("run", full(RUNS))
def test_results_that_do_not_fit_are_told_and_none_is_torn(run, folder, tally):
    sizes = [4096] if run == QUICK else [4096, 1 << 19]
    statuses = on_a_small_disk("out", run, sizes, folder, tally)
    if run not in ("solve", "prove"):  # whose results are words
        assert statuses[0] == 2


@pytest.mark.full
@pytest.mark.parametrize("run", RUNS)
def test_temporary_files_that_do_not_fit_are_told(run, folder, tally):
    on_a_small_disk("tmp", run, [4096, 1 << 16], folder, tally)


@pytest.mark.full
@pytest.mark.parametrize("run", [run for run in RUNS if run not in ("solve", "prove")])
def test_a_disk_that_fills_up_loses_nothing_of_an_earlier_run(run, folder, tally):
    """Other results are to take the place of the first ones, and there is no room for them."""
    words = list(RUNS[run][0])
    with small_disk(folder / "out", 1 << 26) as way:
        assert ended(folder, ["-m", "drai_hw.cli", *words])[0] == 0
        before = contents(folder / "out")
        assert before
        if way == "tmpfs":
            fill(folder / "out", 4096)
        other = ["--wire-ohm", "3"] if run == "crossbar" else []
        if run == "recall":
            other = ["--flips", "0.3"]
        if not other:
            text = (folder / "tiny.toml").read_text()
            (folder / "tiny.toml").write_text(text.replace("steps = 32", "steps = 33\nseed = 77"))
        status, said = ended(folder, command([*words, *other], way, 4096))
        after = contents(folder / "out")
        check_files(folder / "out")
        assert before.keys() <= after.keys(), said
        if status == 2:
            assert re.search(NO_SPACE, said), said
    tally[f"status {status}"] += 1


@pytest.mark.parametrize("run", full(run for run in RUNS if run not in ("solve", "prove")))
def test_a_read_only_place_is_told_and_left_as_it_is(run, folder, tally):
    (folder / "out").mkdir()
    (folder / "out" / "kept.txt").write_text("kept")
    words = list(RUNS[run][0])
    with read_only(folder / "out") as place:
        words = [word.replace("out", str(place)) if word.startswith("out") else word
                 for word in words]  # fmt: skip
        status, said = ended(folder, ["-m", "drai_hw.cli", *words])
        assert status == 2, said
        assert re.search(rf"cannot write .*'{re.escape(str(place))}[^']*': ", said), said
        assert "Read-only file system" in said or place != folder / "out"
        assert "choose another place with -o" in said
    assert [path.name for path in (folder / "out").iterdir()] == ["kept.txt"]
    tally[f"status {status}"] += 1


def test_a_machine_without_a_place_for_temporary_files_is_told():
    found = "No usable temporary directory found in ['/tmp', '/']"
    error = FileNotFoundError(errno.ENOENT, found)
    remedy = "free some space there, or set TMPDIR to a folder that can be written"
    assert system_failure(error) == f"{found}; {remedy}"
    assert system_failure(FileNotFoundError(errno.ENOENT, "No such file or directory")) is None
