"""What lies generated in the repository is what the toolkit makes today, and it works."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from drai_hw import catalog
from drai_hw.cli import run

ROOT = Path(__file__).resolve().parent.parent

# Folders of work whose files a command makes; boards/ holds records of long builds.
COMMANDS = ("rtl", "spice", "sim")
COMMITTED = [
    (work, name) for work in COMMANDS for name in catalog.names() if (ROOT / work / name).is_dir()
]


def made() -> dict[str, list[list[str]]]:
    """Return the commands of `make generated`, by the folder that they write to."""
    words = ["make", "-n", "-o", "setup", "generated"]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    commands: dict[str, list[list[str]]] = {}
    for line in done.stdout.splitlines():
        if "drai-hw" in line:
            *command, folder = shlex.split(line)[1:]
            commands.setdefault(folder, []).append(command)
    return commands


def check(
    work: str, name: str, folder: Path, capfd: pytest.CaptureFixture[str]
) -> tuple[set[str], set[str]]:
    """Give the commands for a folder with --check; return the files they make and those stale."""
    files, stale = set(), set()
    for command in made()[f"{work}/{name}"]:
        capfd.readouterr()
        status = run([*command, str(folder), "--check", "--json"])
        result = json.loads(capfd.readouterr().out)
        assert status == (1 if result["stale"] else 0)
        files |= {Path(path).name for path in result.get("files") or [result["netlist"]]}
        stale |= {Path(path).name for path in result["stale"]}
    return files, stale


def test_make_remakes_every_folder_that_is_there() -> None:
    assert set(made()) == {f"{work}/{name}" for work, name in COMMITTED}


@pytest.mark.parametrize("work", COMMANDS)
@pytest.mark.parametrize("name", ["pair", "letters"])
def test_the_small_designs_are_there(work: str, name: str) -> None:
    assert (work, name) in COMMITTED, "run `make generated`"


@pytest.mark.parametrize("work", COMMANDS)
def test_each_folder_of_work_belongs_to_a_catalog_design(work: str) -> None:
    designs = {name for kind, name in COMMITTED if kind == work}
    folders = {path.name for path in (ROOT / work).iterdir() if path.is_dir()}
    assert folders - designs <= ({"models"} if work == "spice" else set())


@pytest.mark.parametrize(("work", "name"), COMMITTED)
def test_the_files_are_what_the_commands_make_today_and_no_others(
    work: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = ROOT / work / name
    files, stale = check(work, name, folder, capfd)
    assert stale == set(), "run `make generated`"
    there = {path.name for path in folder.iterdir() if path.is_file() and path.suffix != ".fst"}
    assert there == files, "no command makes these files any more: remove them"


@pytest.mark.parametrize("work", COMMANDS)
def test_one_changed_byte_or_a_missing_file_is_named(
    work: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "pair"
    shutil.copytree(ROOT / work / "pair", folder)
    files, _ = check(work, "pair", folder, capfd)
    path = folder / max(files)
    text = path.read_bytes()
    path.write_bytes(text[:-2] + b"#" + text[-1:])
    assert check(work, "pair", folder, capfd) == (files, {path.name})
    path.unlink()
    assert check(work, "pair", folder, capfd) == (files, {path.name})
    assert not path.exists(), "--check must write nothing"


def bench(name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a design's bench as a user does."""
    command = [sys.executable, str(ROOT / "sim" / name / "run.py"), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=600)


def test_the_bench_of_pair_passes_on_the_committed_verilog() -> None:
    done = bench("pair")
    assert (done.returncode, done.stderr) == (
        0,
        "bench_pair: equal to the twin after every step\n",
    )


def test_the_bench_of_pair_fails_on_a_broken_copy_and_names_the_first_difference(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "rtl"
    shutil.copytree(ROOT / "rtl" / "pair", folder)
    path = folder / "drai_core.v"
    text = path.read_text()
    # The rotating oscillator is pushed instead of pulled.
    start = text.index(".minus_rotating(")
    end = text.index(")", start)
    path.write_text(text[:start] + ".minus_rotating(1'b0" + text[end:])
    done = bench("pair", str(folder))
    assert done.returncode == 1
    assert "step 1: theta 1 is " in done.stderr
    assert "the twin has " in done.stderr
    path.write_text("module drai_core(input clk;\n")
    done = bench("pair", str(folder))
    assert done.returncode == 1
    assert "syntax error" in done.stderr


def test_a_bench_without_its_verilog_says_how_to_make_it(tmp_path: Path) -> None:
    done = bench("pair", str(tmp_path))
    assert done.returncode == 2
    assert "has no drai_core.v and no drai_core.json; `drai-hw rtl SPEC -o" in done.stderr


@pytest.mark.full
def test_the_bench_of_letters_passes_on_the_committed_verilog() -> None:
    done = bench("letters")
    assert (done.returncode, done.stderr.strip()) == (
        0,
        "bench_letters: equal to the twin after every step",
    )
