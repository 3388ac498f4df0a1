"""Ctrl-C, SIGTERM and closed pipes at any moment: one line, one status, nothing left behind."""

from __future__ import annotations

import errno
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from drai_hw import files as drai_files
from drai_hw import interrupts
from drai_hw.errors import SpecError
from drai_hw.files import given_bytes, write_whole
from tests.tiny_network import TINY

# Words of each verb, and about how long it takes, in seconds: moments are drawn up to that.
RUNS: dict[str, tuple[list[str], float]] = {
    "rtl": (["rtl", "tiny.toml", "-o", "out"], 8.0),
    "model": (["model", "tiny.toml", "-o", "out"], 6.0),
    "crossbar": (["crossbar", "g.npy", "v.npy", "--wire-ohm", "2", "-o", "out"], 1.5),
    "solve": (["solve", "g.txt", "-o", "out", "--steps", "4096"], 3.0),
    "spice": (["spice", "tiny.toml", "-o", "out", "--run"], 8.0),
    "recall": (["recall", "rows.npy", "-o", "out"], 6.0),
    "prove": (["prove", "tiny.toml", "--unit", "update", "-o", "out"], 6.0),
    "extract": (["extract", "tiny.toml", "-o", "out/e.json"], 10.0),
    "sim": (["sim", "tiny.toml", "-o", "out"], 15.0),
    "cxxrtl": (["sim", "tiny.toml", "-o", "out", "--simulator", "cxxrtl"], 15.0),
    "unit": (["sim", "tiny.toml", "-o", "out", "--unit", "update", "--simulator", "cxxrtl"], 15.0),
    "build": (["build", "tiny.toml", "-o", "out"], 30.0),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "tmp").mkdir()
    (tmp_path / "tiny.toml").write_text(TINY)
    rng = np.random.default_rng(1)
    np.save(tmp_path / "g.npy", rng.uniform(1e-6, 1e-4, (32, 24)))
    np.save(tmp_path / "v.npy", rng.uniform(0.0, 0.2, 32))
    np.save(tmp_path / "rows.npy", np.array([[1, 1, 1, 1, -1, -1, -1, -1], [1, -1] * 4]))
    edges = [(i, (i * 7 + k) % 40 + 1) for i in range(1, 41) for k in (3, 11)]
    edges = [(i, j) for i, j in edges if i != j]
    lines = "".join(f"{i} {j}\n" for i, j in edges)
    (tmp_path / "g.txt").write_text(f"40 {len(edges)}\n{lines}")
    return tmp_path


def restore() -> None:
    """Give a child the usual answer to signals: the shell that runs the tests may ignore them."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE):
        signal.signal(number, signal.SIG_DFL)


def start(folder: Path, words: list[str]) -> subprocess.Popen[str]:
    environment = os.environ | {
        "TMPDIR": str(folder / "tmp"),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(Path(interrupts.__file__).parents[1]),
        "ROBUST_MARK": str(folder),
    }
    return subprocess.Popen(
        [sys.executable, *words],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=restore,
    )


def wait_until_ours(process: subprocess.Popen[str]) -> None:
    """Wait until the command line has taken SIGTERM: Python itself takes only SIGINT."""
    end = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < end:
        for line in Path(f"/proc/{process.pid}/status").read_text().splitlines():
            if line.startswith("SigCgt") and int(line.split()[1], 16) >> (signal.SIGTERM - 1) & 1:
                return
        time.sleep(0.001)


def survivors(folder: Path) -> list[str]:
    """Return the processes that were started from a folder's run, by their environment."""
    mark, found = f"ROBUST_MARK={folder}\0".encode(), []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark in (entry / "environ").read_bytes() + b"\0":
                found.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
        except OSError:
            continue
    return found


def interrupt(
    folder: Path, words: list[str], moment_s: float, number: int = signal.SIGINT
) -> tuple[int, str]:
    """Send a signal so long after the command line has begun; return its status and messages."""
    process = start(folder, ["-m", "drai_hw.cli", *words])
    wait_until_ours(process)
    time.sleep(moment_s)
    process.send_signal(number)
    try:
        said = process.communicate(timeout=120)[1]
    finally:
        process.kill()
    assert "Traceback" not in said, said
    assert "Exception ignored" not in said, said
    if process.returncode != 0:
        assert process.returncode == 130, said
        assert said.count(interrupts.MESSAGE) == 1, said
    assert survivors(folder) == []
    assert list((folder / "tmp").iterdir()) == []
    check_files(folder / "out")
    return process.returncode, said


def check_files(out: Path) -> None:
    """Check that no file is half-written."""
    for path in out.rglob("*"):
        assert not path.name.startswith("."), path
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix in (".npy", ".npz"):
            np.load(path)


def moments(run: str, count: int, until_s: float | None = None) -> list[float]:
    draw = random.Random(f"moments of {run}")
    return [draw.uniform(0, until_s or RUNS[run][1]) for _ in range(count)]


# Of the first tenths of a second most is loading, which is where a traceback would come from.
@pytest.mark.parametrize(
    ("run", "moment_s"),
    [
        ("rtl", 0.0),
        *(
            pytest.param(run, moments(run, 1, 0.6)[0], marks=pytest.mark.full)
            for run in ("crossbar", "solve", "spice")
        ),
    ],
)
def test_an_interrupted_start_is_one_line(run: str, moment_s: float, folder: Path) -> None:
    interrupt(folder, RUNS[run][0], moment_s)


def test_a_process_that_is_told_to_end_says_the_same(folder: Path) -> None:
    interrupt(folder, RUNS["model"][0], 0.0, signal.SIGTERM)


@pytest.mark.full
@pytest.mark.parametrize("run", RUNS)
def test_an_interruption_at_any_moment(run: str, folder: Path, tally: Counter[str]) -> None:
    """Twelve moments, the last third of them into what earlier ones have left."""
    draw = random.Random(f"signals of {run}")
    ended = 0
    for k, moment_s in enumerate([*moments(run, 4, 0.6), *moments(run, 8)]):
        if k < 8:
            shutil.rmtree(folder / "out", ignore_errors=True)
        number = draw.choice([signal.SIGINT, signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        status = interrupt(folder, RUNS[run][0], moment_s, number)[0]
        ended += status == 130
        tally["status 130" if status == 130 else "done before"] += 1
    assert ended >= 4


PATCHED = """
import os, signal, sys, time, {module}
from drai_hw import cli, files
whole, left = {module}.{name}, [1]
def broken(*given, **more):
    result = whole(*given, **more)
    if left:
        left.pop()
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000): pass
    return result
{module}.{name} = broken
def run(words):
    {body}
    time.sleep(60)
cli.run = run
cli.main()
"""


def patched(folder: Path, module: str, name: str, body: str) -> None:
    """Interrupt as soon as a function of a library has done its work once."""
    text = PATCHED.format(module=module, name=name, body=body)
    process = start(folder, ["-c", text])
    said = process.communicate(timeout=50)[1]
    assert (process.returncode, said) == (130, interrupts.MESSAGE + "\n")
    assert survivors(folder) == []
    assert list((folder / "tmp").iterdir()) == []


def test_files_that_belong_together_are_all_old_or_all_new(folder: Path) -> None:
    """Ctrl-C between the first file that takes its place and the next."""
    body = "from pathlib import Path; files.write_together({Path(k): k for k in 'abc'})"
    for name in "abc":
        (folder / name).write_text("old")
    patched(folder, "os", "replace", body)
    assert [(folder / name).read_text() for name in "abc"] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("module", "name", "body"),
    [
        ("_posixsubprocess", "fork_exec", "import subprocess; subprocess.run(['sleep', '600'])"),
        ("os", "mkdir", "import tempfile; tempfile.TemporaryDirectory()"),
        ("os", "rmdir", "import tempfile; tempfile.TemporaryDirectory().cleanup()"),
    ],
)
def test_what_has_just_begun_is_ended(module: str, name: str, body: str, folder: Path) -> None:
    """Ctrl-C between the making of a child or a folder and its record in the library."""
    patched(folder, module, name, body)


def test_an_interruption_that_a_finaliser_swallows_comes_again(folder: Path) -> None:
    text = """
import os, signal, sys, time
sys.argv[:1] = ["drai-hw"]
from drai_hw import cli
class Final:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000): pass
def run(words):
    Final()
    time.sleep(60)
cli.run = run
cli.main()
"""
    process = start(folder, ["-c", text])
    said = process.communicate(timeout=50)[1]
    assert (process.returncode, said) == (130, interrupts.MESSAGE + "\n")


def test_a_child_that_nobody_ends_is_ended(folder: Path) -> None:
    """With its own child, that is in a session of its own and outlives its parent."""
    text = """
import os, signal, subprocess, sys, time
sys.argv[:1] = ["drai-hw"]
from drai_hw import cli
def run(words):
    kept = subprocess.Popen(["sh", "-c", "setsid sleep 600 & sleep 0.2"], start_new_session=True)
    kept.wait()
    os.kill(os.getpid(), signal.SIGINT)
    time.sleep(60)
cli.run = run
cli.main()
"""
    process = start(folder, ["-c", text])
    process.communicate(timeout=50)
    assert process.returncode == 130
    assert survivors(folder) == []


@pytest.mark.parametrize("words", [RUNS["crossbar"][0], ["--help"]])
def test_a_reader_that_has_left(words: list[str], folder: Path) -> None:
    process = start(folder, ["-m", "drai_hw.cli", *words])
    assert process.stdout is not None
    process.stdout.close()
    assert process.stderr is not None
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 1


# -- places that take no file, and inputs that never come ---------------------------------------


def test_a_full_disk_is_told_with_what_to_do(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old file stays, nothing half-written does."""
    (folder / "old.txt").write_text("old")

    def full(path: Path, content: bytes) -> int:
        with path.open("wb") as file:
            file.write(content[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", full)
    text = "cannot write '.*old.txt': No space left on device; free some space or choose another"
    with pytest.raises(SpecError, match=text):
        write_whole(folder / "old.txt", "new")
    assert (folder / "old.txt").read_text() == "old"
    assert [path.name for path in folder.iterdir() if path.name.startswith(".")] == []


def test_a_limit_of_file_sizes_is_told_with_what_to_do(folder: Path) -> None:
    text = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500));"
        "sys.argv[:1] = ['drai-hw']; from drai_hw.cli import main; main()"
    )
    process = start(folder, ["-B", "-c", text, *RUNS["crossbar"][0]])
    said = process.communicate(timeout=60)[1]
    assert process.returncode == 2, said
    assert re.fullmatch(
        r"drai-hw: error: cannot write 'out/.*': File too large; raise the limit of file sizes "
        r"\(ulimit -f\) or choose another place with -o\n",
        said,
    )
    assert [path for path in folder.rglob("out/*")] == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full stands for a full disk")
def test_a_full_disk_for_standard_output_is_told(folder: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "drai_hw.cli", *RUNS["crossbar"][0]],
            cwd=folder, stdout=full, stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr == (
        "drai-hw: error: cannot write: No space left on device; free some space, or choose another "
        "place\n"
    )


def test_a_folder_of_another_user_is_told(folder: Path) -> None:
    """As nobody, since permissions do not bind root."""
    if os.geteuid() != 0:
        pytest.skip("only root may become another user")
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.setuid(65534)
            write_whole(folder / "x.txt", "new")
        except SpecError as error:
            right = r"cannot write '.*x.txt': Permission denied; choose another place with -o"
            status = 0 if re.fullmatch(right, str(error)) else 2
        finally:
            os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert not (folder / "x.txt").exists()


def test_a_device_is_no_output(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    with pytest.raises(
        SpecError, match=r"cannot write '.*pipe': it is a device or a pipe, needs a"
    ):
        write_whole(folder / "pipe", "new")
    assert (folder / "pipe").is_fifo()


def test_a_pipe_is_read_to_its_end_or_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drai_files, "PIPE_PATIENCE_S", 0.3)
    pipe = folder / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(SpecError, match=r"nothing came out of the pipe for 0\.3 s; needs a list"):
        given_bytes(pipe, "list", "a list")
    monkeypatch.setattr(drai_files, "PIPE_PATIENCE_S", 60.0)
    content = bytes(range(256)) * 1000  # more than a pipe holds
    writer = threading.Thread(target=lambda: pipe.write_bytes(content))
    writer.start()
    assert given_bytes(pipe, "list", "a list") == content
    writer.join()
