"""The ngspice process: start it, watch it, stop it, and read its binary raw file."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import ConvergenceError, ToolError
from drai_hw.files import write_whole
from drai_hw.spice.settings import Floats

Progress = Callable[[float], None]
Complexes = NDArray[np.complex128]

_POLL_S = 0.05
# OpenMP only slows the small circuits of this package down, and the environment variable is ignored
_INIT_FILE = "set num_threads=1\n"
NO_SOLUTION = re.compile(
    r"timestep too small|no convergence|singular matrix|iteration limit", re.IGNORECASE
)
_FAULT = re.compile(
    r"can't find|could not find|unknown|undefined|syntax error|^error:(?! fatal error in ngspice)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Waves:
    """
    Hold the saved vectors of one run.

    Parameters
    ----------
    time_s : ndarray, shape (T,)
        Accepted time points.
    data : ndarray, shape (T, K)
        One column per vector, SI units.
    columns : dict of str to int
        Column of every vector, names in lower case.
    seconds : float
        Wall-clock time of the run.
    """

    time_s: Floats
    data: Floats
    columns: dict[str, int]
    seconds: float

    def select(self, names: list[str]) -> Floats:
        """
        Return the named vectors as columns.

        Raises
        ------
        ToolError
            ngspice did not write one of them.
        """
        missing = [name for name in names if name.lower() not in self.columns]
        if missing:
            raise ToolError(
                f"ngspice wrote no vector {missing[0]!r}: the netlist's .save line must name it"
            )
        return self.data[:, [self.columns[name.lower()] for name in names]]


def find_ngspice() -> str:
    """
    Return the path of the ngspice program.

    Raises
    ------
    ToolError
        It is not on PATH.
    """
    path = shutil.which("ngspice")
    if path is None:
        raise ToolError(
            "ngspice is missing: it runs the circuit; install it with: apt-get install ngspice"
        )
    return path


def read_raw(path: Path, seconds: float = 0.0) -> Waves:
    """
    Read a binary raw file with real vectors.

    Parameters
    ----------
    path : Path
        File written by ``ngspice -b -r``.
    seconds : float
        Passed on.

    Returns
    -------
    Waves
        Time is the first vector.

    Raises
    ------
    ToolError
        The file is no raw file, holds complex vectors, or is shorter than it says.
    """
    names, table = read_table(path)
    columns = {name: k - 1 for k, name in enumerate(names) if k > 0}
    return Waves(table[:, 0].copy(), table[:, 1:], columns, seconds)


def read_table(path: Path) -> tuple[list[str], Floats]:
    """Return names and values (a row for each point) of a raw file; raises as `read_raw`."""
    names, body, is_complex = _read(path)
    if is_complex:
        raise ToolError(f"{path.name} holds complex vectors: needed is a transient analysis")
    return names, body


def read_complex(path: Path) -> tuple[list[str], Complexes]:
    """Return names and values of a raw file of small-signal vectors; raises as `read_raw`."""
    names, body, is_complex = _read(path)
    if not is_complex:
        raise ToolError(f"{path.name} holds real vectors: needed is a small-signal analysis")
    return names, np.ascontiguousarray(body).view(np.complex128)


def _read(path: Path) -> tuple[list[str], Floats, bool]:
    content = path.read_bytes()
    mark = b"Binary:\n"
    at = content.find(mark)
    if at < 0:
        raise ToolError(f"{path.name} is no binary raw file: needed is a line 'Binary:'")
    lines = content[:at].decode("utf-8", "replace").splitlines()
    fields = dict(line.split(":", 1) for line in lines if ":" in line and line[0] != "\t")
    is_complex = "complex" in fields.get("Flags", "")
    try:
        count = int(fields["No. Variables"])
        points = int(fields["No. Points"])
        start = next(k for k, line in enumerate(lines) if line.startswith("Variables:"))
        names = [line.split()[1] for line in lines[start + 1 : start + 1 + count]]
        count *= 2 if is_complex else 1
    except (KeyError, ValueError, StopIteration, IndexError) as error:
        raise ToolError(f"{path.name} has an unreadable raw header ({error!r})") from error
    size = len(content) - at - len(mark)
    values = points * count if points else size // 8
    if values * 8 > size or (size % 8 and not points):
        raise ToolError(f"{path.name} is cut short: run the circuit again")
    body = np.frombuffer(content, dtype="<f8", offset=at + len(mark), count=values)
    if body.size == 0 or body.size % count:
        raise ToolError(f"{path.name} is cut short: run the circuit again")
    table = body.reshape(-1, count)
    return [_plain(name) for name in names], table, is_complex


def _plain(name: str) -> str:
    """Return the name a netlist uses: ``lt0#branch`` is ``i(lt0)``."""
    name = name.lower()
    return f"i({name[:-7]})" if name.endswith("#branch") else name


def simulate(
    text: str,
    *,
    stop_s: float,
    expected_points: int,
    vectors: int,
    workdir: Path | None = None,
    name: str = "circuit",
    timeout_s: float = 600.0,
    progress: Progress | None = None,
) -> Waves:
    """
    Run a netlist in ``ngspice -b`` and return what it saved.

    The simulator is a process of its own: a crash or an endless run cannot take this one down.
    On a time-out, an exception or Ctrl-C the process is killed and its raw file removed.

    Parameters
    ----------
    text : str
        Netlist with its analysis and ``.save`` lines.
    stop_s : float
        Time that the run must reach.
    expected_points, vectors : int
        Size of the output, for the progress only.
    workdir : Path, optional
        Folder that keeps netlist and log; a temporary one is used and removed otherwise.
    name : str
        Base of the file names.
    timeout_s : float
        Wall-clock limit.
    progress : callable, optional
        Called with the finished fraction, 0 to 1, a few times a second.

    Returns
    -------
    Waves
        The saved vectors.

    Raises
    ------
    ConvergenceError
        ngspice found no solution; the message quotes its line.
    ToolError
        ngspice is missing, rejected the netlist, crashed, or took too long.
    """
    program = find_ngspice()
    if workdir is None:
        with tempfile.TemporaryDirectory(prefix="drai_hw_spice_") as folder:
            return _run(program, text, stop_s, expected_points, vectors, Path(folder), name,
                        timeout_s, progress)  # fmt: skip
    workdir.mkdir(parents=True, exist_ok=True)
    return _run(program, text, stop_s, expected_points, vectors, workdir, name, timeout_s, progress)


def prepare(folder: Path, name: str, text: str) -> tuple[Path, Path, Path]:
    """Write a netlist and ngspice's settings; return the paths of netlist, raw file and log."""
    netlist, raw, log = (folder / f"{name}{suffix}" for suffix in (".cir", ".raw", ".log"))
    write_whole(netlist, text)
    write_whole(folder / ".spiceinit", _INIT_FILE)
    raw.unlink(missing_ok=True)
    return netlist, raw, log


def _run(
    program: str,
    text: str,
    stop_s: float,
    expected_points: int,
    vectors: int,
    folder: Path,
    name: str,
    timeout_s: float,
    progress: Progress | None,
) -> Waves:
    netlist, raw, log = prepare(folder, name, text)
    started = time.monotonic()
    expected_bytes = max(1, expected_points * (vectors + 1) * 8)
    try:
        with log.open("wb") as sink:
            # a relative netlist name and cwd make ngspice read the .spiceinit beside it
            process = subprocess.Popen(
                [program, "-b", "-r", raw.name, netlist.name],
                cwd=folder, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.STDOUT,
            )  # fmt: skip
            try:
                _watch(process, raw, expected_bytes, started, timeout_s, progress)
            finally:
                if process.poll() is None:
                    process.kill()
                process.wait()
        seconds = time.monotonic() - started
        text_log = log.read_text("utf-8", "replace")
        if process.returncode != 0 or not raw.exists():
            raise failure(process.returncode, text_log)
        waves = read_raw(raw, seconds)
        # a last point a rounding short of the end is the end
        if waves.time_s[-1] < stop_s * (1.0 - 1e-9):
            raise failure(process.returncode, text_log, f"ended at {waves.time_s[-1]:.6g} s")
    finally:
        raw.unlink(missing_ok=True)
    if progress is not None:
        progress(1.0)
    return waves


def _watch(
    process: subprocess.Popen[bytes],
    raw: Path,
    expected_bytes: int,
    started: float,
    timeout_s: float,
    progress: Progress | None,
) -> None:
    pause = 0.002
    while process.poll() is None:
        if time.monotonic() - started > timeout_s:
            raise ToolError(
                f"ngspice ran longer than {timeout_s:g} s and was stopped: allow more time or "
                "simulate fewer cycles"
            )
        time.sleep(pause)
        pause = min(2 * pause, _POLL_S)
        if progress is not None and raw.exists():
            progress(min(0.99, raw.stat().st_size / expected_bytes))


def failure(status: int, log: str, otherwise: str = "") -> ToolError:
    """Return the error that quotes the line of the log that says most."""
    lines = [line.strip() for line in log.splitlines() if line.strip()]
    line = next((line for line in lines if NO_SOLUTION.search(line)), None)
    if line is not None:
        return ConvergenceError(
            f"ngspice found no solution: {line!r}; needed is a smaller step (more "
            "points_per_cycle) or weaker coupling (lower rho)"
        )
    fault = next((line for line in lines if _FAULT.search(line)), None)
    said = fault or otherwise or (lines[-1] if lines else "it printed nothing")
    return ToolError(
        f"ngspice failed (exit status {status}): {said!r}; check the netlist, or the installation "
        "of ngspice"
    )
