"""Runs the code of README.md and docs/: what a page shows is what the program does.

Every fenced block is run, page by page from the top, in one empty folder per page:

- ``python`` with ``>>>``: a doctest. ``python`` without: a script; names live on down the page.
- ``console``: lines that open with ``$ `` are commands, the lines after each are what it prints.
  A command that fails shows its error as a terminal would.
- ``sh``: commands, one a line, each of which must succeed.

``...`` in what is shown stands for anything. Other languages (``text``, ``toml``, ``verilog``) are
left alone. A comment right before a block changes how it is taken:

- ``<!-- test: not run, REASON -->``: the reason is for the reader of the source; it must be there.
- ``<!-- test: full -->``: too heavy for every day; ``make test-full`` runs it.
- ``<!-- test: exit 2 -->``: the last command of the block ends with this status.
- ``<!-- test: file NAME -->``: the block, whatever its language, is written to NAME for later ones.
"""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import subprocess
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
COMMAND_TIMEOUT_S = 600
RUN_LANGUAGES = ("python", "console", "sh")
# All that a page may call; anything else (git, sudo, make) needs `not run` and a reason.
KNOWN_PROGRAMS = {
    "drai-hw", "python", "ngspice", "cat", "head", "tail", "ls", "mkdir", "cp", "grep", "sed"
}  # fmt: skip
FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

FENCE = re.compile(r"^(?P<indent> *)(?P<fence>```+|~~~+)(?P<language>[\w+-]*)[^`]*$")
COMMENT = re.compile(r"^\s*<!-- test: (?P<order>.*?) -->\s*$")
ORDERS = re.compile(r"not run, .{8,}|full|exit \d+|file [\w./-]+")


@dataclass(frozen=True)
class Block:
    """One fenced block with the orders given to it."""

    language: str
    text: str
    line: int
    orders: tuple[str, ...]

    def has(self, order: str) -> bool:
        return any(given.split(",")[0] == order for given in self.orders)

    def value(self, order: str) -> str | None:
        opening = order + " "
        values = (g.removeprefix(opening) for g in self.orders if g.startswith(opening))
        return next(values, None)


class PageError(Exception):
    """A page's code does something else than the page says; the message names file and line."""


def blocks_of(page: str) -> Iterator[Block]:
    """Yield the fenced blocks of a page with the orders standing right before each."""
    orders: list[str] = []
    lines = iter(enumerate(page.splitlines(), start=1))
    for number, line in lines:
        if comment := COMMENT.match(line):
            if not ORDERS.fullmatch(comment["order"]):
                raise PageError(f"line {number}: {comment['order']!r} is no order to a test")
            orders.append(comment["order"])
        elif opening := FENCE.match(line):
            body = []
            for _, inner in lines:
                if inner.strip() == opening["fence"]:
                    break
                body.append(inner.removeprefix(opening["indent"]))
            else:
                raise PageError(f"line {number}: the block is never closed")
            yield Block(opening["language"], "\n".join(body) + "\n", number, tuple(orders))
            orders = []
        elif line.strip() and orders:
            raise PageError(f"line {number}: the order before it belongs to no block")


def run_page(page: str, folder: Path, *, full: bool) -> int:
    """Run a page's blocks in ``folder``; return how many were run.

    Raises
    ------
    PageError
        If a block fails or prints something else than is shown.
    """
    names: dict[str, Any] = {"__name__": "__main__"}
    count = 0
    for block in blocks_of(page):
        if block.has("not run") or (block.has("full") and not full):
            continue
        if (name := block.value("file")) is not None:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text)
            continue
        if block.language not in RUN_LANGUAGES:
            continue
        try:
            if block.language == "python":
                run_python(block, names, folder)
            else:
                run_commands(block, folder)
        except PageError as error:
            raise PageError(f"block at line {block.line}: {error}") from error
        count += 1
    return count


def run_python(block: Block, names: dict[str, Any], folder: Path) -> None:
    """Run a block as a doctest if it has prompts, else as a script."""
    with contextlib.chdir(folder):
        if not re.search(r"^\s*>>> ", block.text, flags=re.MULTILINE):
            try:
                with contextlib.redirect_stdout(io.StringIO()):
                    exec(compile(block.text, "<page>", "exec"), names)
            except Exception as error:
                raise PageError(f"{type(error).__name__}: {error}") from error
            return
        example = doctest.DocTestParser().get_doctest(block.text, names, "page", None, block.line)
        report = io.StringIO()
        runner = doctest.DocTestRunner(optionflags=FLAGS)
        if runner.run(example, out=report.write, clear_globs=False).failed:
            raise PageError(report.getvalue())
        names.update(example.globs)


def commands_of(block: Block) -> Iterator[tuple[str, str | None]]:
    """Yield each command of a block with what is shown after it (None in ``sh`` blocks)."""
    text = block.text.replace("\\\n", " ")
    if block.language == "sh":
        for line in text.splitlines():
            command = re.sub(r"(^|\s)#.*$", "", line).strip()
            if command:
                yield command, None
        return
    shown: list[str] = []
    command = ""
    for line in text.splitlines():
        if line.startswith("$ "):
            if command:
                yield command, "\n".join(shown)
            command, shown = line[2:].strip(), []
        elif command:
            shown.append(line)
        elif line.strip():
            raise PageError(f"{line!r} stands before the first command ('$ ...')")
    if command:
        yield command, "\n".join(shown)


def run_commands(block: Block, folder: Path) -> None:
    """Run the commands of a block and compare status and output with what is shown."""
    commands = list(commands_of(block))
    scripts = sysconfig.get_path("scripts")
    environment = os.environ | {
        "PATH": os.pathsep.join((scripts, os.environ["PATH"])),
        "NO_COLOR": "1",
        "COLUMNS": "100",
    }
    for index, (command, shown) in enumerate(commands):
        program = command.split()[0].removeprefix(".venv/bin/")
        if program not in KNOWN_PROGRAMS:
            raise PageError(f"{command!r} cannot be run here: mark it `not run` with a reason")
        done = subprocess.run(
            ["sh", "-c", command.removeprefix(".venv/bin/")],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_TIMEOUT_S,
            check=False,
        )
        expected = int(block.value("exit") or 0) if index == len(commands) - 1 else 0
        said = f"standard output:\n{done.stdout}\nstandard error:\n{done.stderr}"
        if done.returncode != expected:
            raise PageError(f"{command!r} ended with {done.returncode}, not {expected}\n{said}")
        # Progress goes to standard error and is no part of what a page shows, errors are.
        printed = done.stdout + (done.stderr if expected else "")
        if shown and not matches(shown, printed):
            raise PageError(f"{command!r} does not print what is shown:\n{shown}\nbut\n{said}")


def matches(shown: str, printed: str) -> bool:
    return doctest.OutputChecker().check_output(shown.strip() + "\n", printed.strip() + "\n", FLAGS)


DOCS = REPOSITORY / "docs"
PAGES = [
    *(REPOSITORY / name for name in ("README.md", "CONTRIBUTING.md")),
    *(REPOSITORY / folder / "README.md" for folder in ("rtl", "spice", "sim", "boards")),
    *sorted(DOCS.rglob("*.md")),
]
PAGES = [page for page in PAGES if page.exists()]
PAGE_NAMES = [str(page.relative_to(REPOSITORY)) for page in PAGES]


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_the_code_on_the_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    run_page(page.read_text(encoding="utf-8"), tmp_path, full=False)


@pytest.mark.full
@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if "<!-- test: full -->" in page.read_text(encoding="utf-8")],
    ids=str,
)
def test_the_heavy_code_on_the_page_does_what_the_page_says(page: Path, tmp_path: Path) -> None:
    assert run_page(page.read_text(encoding="utf-8"), tmp_path, full=True) > 0


@pytest.mark.parametrize("page", PAGES, ids=PAGE_NAMES)
def test_every_link_on_the_page_to_another_file_leads_somewhere(page: Path) -> None:
    prose = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    targets = re.findall(r"\]\(([^)#\s]+)", prose) + re.findall(r'src="([^"]+)"', prose)
    near = [target for target in targets if "://" not in target]
    assert [target for target in near if not (page.parent / target).exists()] == []


def test_every_page_is_named_in_the_index() -> None:
    index = (DOCS / "README.md").read_text(encoding="utf-8")
    pages = [str(page.relative_to(DOCS)) for page in PAGES if page.is_relative_to(DOCS)]
    assert [page for page in pages if page != "README.md" and f"]({page})" not in index] == []


# The proof that the runner sees what is wrong: a page with one fault each.
def fence(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```\n"


@pytest.mark.parametrize(
    ("page", "message"),
    [
        (fence("python", ">>> 1 + 1\n3"), "Expected:\n    3\nGot:\n    2"),
        (fence("python", "x = 1 / 0"), "ZeroDivisionError"),
        (fence("python", ">>> missing_name"), "NameError"),
        (fence("console", "$ python -c 'print(4)'\n5"), "does not print what is shown"),
        (fence("console", "$ drai-hw no-such-verb"), "ended with 2, not 0"),
        (fence("console", "output first"), "before the first command"),
        (fence("sh", "python -c 'raise SystemExit(1)'\nls"), "ended with 1, not 0"),
        (fence("sh", "sudo reboot"), "mark it `not run` with a reason"),
        ("<!-- test: exit 2 -->\n" + fence("sh", "ls"), "ended with 0, not 2"),
        ("<!-- test: not run, -->\n" + fence("sh", "make"), "is no order to a test"),
        ("<!-- test: full -->\ntext between\n" + fence("sh", "ls"), "belongs to no block"),
        ("```sh\nls\n", "never closed"),
    ],
)
def test_a_page_that_says_something_wrong_fails(page: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PageError, match=re.escape(message)):
        run_page(page, tmp_path, full=True)


@pytest.mark.parametrize(
    ("page", "count"),
    [
        (fence("python", "x = 2") + "text\n" + fence("python", ">>> x + 1\n3"), 2),
        (fence("python", ">>> list(range(40))\n[0, 1, ..., 39]"), 1),
        (fence("console", "$ python -c 'print(1)'\n1\n$ python -c \\\n  'print(2)'\n2"), 1),
        (fence("sh", "mkdir a  # makes it\nls a"), 1),
        ("<!-- test: file b/c.txt -->\n" + fence("text", "hi") + fence("sh", "cat b/c.txt"), 1),
        ("<!-- test: exit 2 -->\n" + fence("console", "$ drai-hw no-such-verb\n..."), 1),
        ("<!-- test: not run, needs a board -->\n" + fence("sh", "reboot"), 0),
        (fence("text", "no code"), 0),
        ("- item\n\n  " + fence("sh", "  ls").replace("\n```", "\n  ```"), 1),
    ],
)
def test_a_page_that_is_right_passes(page: str, count: int, tmp_path: Path) -> None:
    assert run_page(page, tmp_path, full=True) == count


def test_heavy_blocks_wait_for_the_full_run(tmp_path: Path) -> None:
    page = "<!-- test: full -->\n\n" + fence("python", "x = 1 / 0")
    assert run_page(page, tmp_path, full=False) == 0
    with pytest.raises(PageError, match="ZeroDivisionError"):
        run_page(page, tmp_path, full=True)
