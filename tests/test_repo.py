"""The repository itself: what may not stand in it, what must, and whether the lock is right."""

from __future__ import annotations

import ast
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

# Written in two halves, since this file is searched like any other.
PLACES_OF_ONE_MACHINE = re.compile(
    r"(?<![\w.~$}/-])/(?:" + "|".join(("work", "tmp", "root", "home", "Users", "opt")) + r")/\w"
)
HOSTS_OF_REGISTRIES = re.compile(
    "|".join(
        re.escape(host + "." + end)
        for host, end in (
            ("pypi", "org"),
            ("pythonhosted", "org"),
            ("debian", "org"),
            ("ubuntu", "com"),
            ("npmjs", "org"),
            ("npmjs", "com"),
            ("golang", "org"),
            ("crates", "io"),
            ("anaconda", "org"),
        )
    )
)
WORDS_OF_ONE_OFFICE = re.compile(
    "|".join(
        a + b
        for a, b in (
            (r"\bwork", "place\\b"),
            (r"\.\./sha", "red"),
            (r"\bshared/fa", "cts"),
            (r"\bissues sh", "ow\\b"),
            (r"\bC", "EO\\b"),
            (r"\bbefore-", "stop\\b"),
            (r"\bfacts/", r"\w+\.md"),
        )
    )
)
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|X" + r"XX)\b")
FOLDERS = ("rtl", "spice", "sim", "boards")
LONGEST_FILE_LINES = 400
LARGEST_FILE_BYTES = 1_000_000


def tracked(repository: Path) -> list[Path]:
    """Return every file of the commit and of the index that still exists."""
    listing = subprocess.run(
        ["git", "-C", str(repository), "ls-files", "-z"], capture_output=True, text=True, check=True
    )
    return [repository / name for name in listing.stdout.split("\0") if name]


def lines_of(path: Path) -> list[str]:
    """Return the lines of a text file, none of a binary one or of one deleted just now."""
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (UnicodeDecodeError, FileNotFoundError, IsADirectoryError):
        return []


def hits(pattern: re.Pattern[str], paths: list[Path], repository: Path) -> list[str]:
    return [
        f"{path.relative_to(repository)}:{number}: {match.group()}"
        for path in paths
        for number, line in enumerate(lines_of(path), start=1)
        if (match := pattern.search(line))
    ]


@pytest.fixture(scope="module")
def files(repository: Path) -> list[Path]:
    found = tracked(repository)
    assert repository / "pyproject.toml" in found
    return found


@pytest.mark.parametrize(
    "pattern",
    [PLACES_OF_ONE_MACHINE, HOSTS_OF_REGISTRIES, WORDS_OF_ONE_OFFICE, UNFINISHED],
    ids=["paths of one machine", "hosts of registries", "words of one office", "unfinished"],
)
def test_no_tracked_file_holds(
    pattern: re.Pattern[str], files: list[Path], repository: Path
) -> None:
    assert hits(pattern, files, repository) == []


@pytest.mark.parametrize(
    ("pattern", "line"),
    [
        (PLACES_OF_ONE_MACHINE, "see /wo" + "rk/main"),
        (PLACES_OF_ONE_MACHINE, 'open("/tm' + 'p/x")'),
        (PLACES_OF_ONE_MACHINE, "`/ho" + "me/ann/.venv`"),
        (HOSTS_OF_REGISTRIES, "--index-url https://pypi" + ".org/simple"),
        (WORDS_OF_ONE_OFFICE, "as ../sha" + "red/design.md says"),
        (WORDS_OF_ONE_OFFICE, "(fac" + "ts/rtl.md section 3)"),
        (UNFINISHED, "# TO" + "DO later"),
    ],
)
def test_the_search_for_unwanted_words_finds_them(
    pattern: re.Pattern[str], line: str, tmp_path: Path
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"first\n{line}\n")
    assert len(hits(pattern, [page], tmp_path)) == 1


@pytest.mark.parametrize("line", ["rtl/work/x", "$HOME/tmp/x", "https://a.b/root/x", "and/or"])
def test_the_search_for_paths_leaves_relative_ones_alone(line: str) -> None:
    assert not PLACES_OF_ONE_MACHINE.search(line)


@pytest.mark.parametrize("folder", FOLDERS)
def test_every_folder_of_work_opens_with_a_readme_that_names_its_maker(
    folder: str, files: list[Path], repository: Path
) -> None:
    readme = repository / folder / "README.md"
    assert readme in files
    assert f"drai_hw/{folder}" in readme.read_text() or f"drai_hw.{folder}" in readme.read_text()


def test_no_module_of_the_package_is_too_long_to_read(files: list[Path], repository: Path) -> None:
    long = {
        str(path.relative_to(repository)): len(lines)
        for path in files
        if path.is_relative_to(repository / "drai_hw") and path.suffix == ".py"
        if len(lines := lines_of(path)) >= LONGEST_FILE_LINES
    }
    assert long == {}


def test_every_module_of_the_package_opens_with_a_sentence(
    files: list[Path], repository: Path
) -> None:
    silent = [
        str(path.relative_to(repository))
        for path in files
        if path.is_relative_to(repository / "drai_hw") and path.suffix == ".py" and path.exists()
        if not (ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or "").strip()
    ]
    assert silent == []


def test_no_file_is_too_large_for_a_repository(files: list[Path]) -> None:
    assert [
        path for path in files if path.is_file() and path.stat().st_size > LARGEST_FILE_BYTES
    ] == []


# The lock file
def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def requirements_of(repository: Path) -> dict[str, str]:
    """Return each requirement of the project and its locked extras: name to version specifier."""
    project = tomllib.loads((repository / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]
    wanted = [*project["dependencies"]]
    for extra in ("fpga", "sim", "spice", "fast", "bench", "crossbars", "dev"):
        wanted += extras[extra]
    split = (re.fullmatch(r"([\w.-]+)\s*(.*)", line) for line in wanted)
    return {canonical(match[1]): match[2] for match in split if match}


def pins_of(lock: str) -> dict[str, list[str]]:
    """Return the pinned versions of each package of a lock file; other lines are faults."""
    pins: dict[str, list[str]] = {}
    for line in lock.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = re.fullmatch(r"([\w.-]+)==([\w.+!]+)( ; .+)?", line)
        assert match, f"no exact pin: {line!r}"
        pins.setdefault(canonical(match[1]), []).append(match[2])
    return pins


def test_lock_pins_everything_the_project_asks_for(repository: Path) -> None:
    pins = pins_of((repository / "requirements.lock").read_text())
    wanted = requirements_of(repository)
    assert {name for name in wanted if name not in pins} == set(), "run `make lock`"
    for name, specifier in wanted.items():
        if specifier.startswith("=="):
            assert pins[name] == [specifier[2:]], "run `make lock`"


def test_lock_holds_pins_only_and_no_address(repository: Path) -> None:
    text = (repository / "requirements.lock").read_text()
    assert len(pins_of(text)) > 30
    assert "://" not in text
    with pytest.raises(AssertionError, match="no exact pin"):
        pins_of("numpy>=2\n")
    with pytest.raises(AssertionError, match="no exact pin"):
        pins_of("--index-url somewhere\n")


def test_every_dependency_says_why_it_is_there(repository: Path) -> None:
    text = (repository / "pyproject.toml").read_text()
    bare = [
        line.strip()
        for line in text.splitlines()
        if re.match(r'\s+"[A-Za-z][\w.-]*\s*[=<>~!]=', line) and not re.search(r"#\s*\w", line)
    ]
    assert bare == []
