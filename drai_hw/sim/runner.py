"""Running a cocotb bench on Icarus Verilog, with progress and with errors that say what to do."""

from __future__ import annotations

import os
import re
import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from xml.etree import ElementTree

import drai_hw
from drai_hw.errors import ToolError
from drai_hw.processes import own_temporary_files
from drai_hw.sim.systemverilog import unknown_parameter
from drai_hw.sim.watchdog import ended_when_stuck

Progress = Callable[[int, int], None]

TIMESCALE = ("1ns", "1ps")  # without one Icarus takes 1 s, and nanosecond clocks round to nothing
PROGRESS_FILE = "progress.txt"
BENCH_ERROR_FILE = "bench_error.txt"
RESULTS_FILE = "results.xml"
BENCH_LOG = "bench.log"
_POLL_S = 0.25
_TAIL_LINES = 15
_MOST_BYTES = 1 << 16


def require_icarus() -> None:
    """Raise `ToolError` unless Icarus Verilog is installed."""
    for tool in ("iverilog", "vvp"):
        if shutil.which(tool) is None:
            raise ToolError(
                f"{tool} (Icarus Verilog) not found: the simulation of the RTL needs it; install "
                "it with `sudo apt-get install iverilog`"
            )


def head(path: Path) -> str:
    """Return the beginning of a log: a design may have printed without end."""
    with path.open("rb") as file:
        return file.read(_MOST_BYTES).decode("utf-8", errors="replace")


def tail(path: Path, lines: int = _TAIL_LINES) -> str:
    """Return the last lines of a log, or a note that there are none."""
    if not path.exists():
        return f"(no {path.name})"
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - _MOST_BYTES))
        text = file.read(_MOST_BYTES).decode("utf-8", errors="replace")
    return "\n".join(text.splitlines()[-lines:]) or f"({path.name} is empty)"


def run_bench(
    sources: Sequence[Path],
    top: str,
    module: str,
    workdir: Path,
    *,
    environment: Mapping[str, str] | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    module_folder: Path | None = None,
    waves: Path | None = None,
    beside: str | None = None,
    limit_s: float | None = None,
    parameters: Mapping[str, int] | None = None,
) -> None:
    """Compile Verilog and run a cocotb bench on it.

    Blocks until the simulator has ended; an exception in between (Ctrl-C) ends the simulator. The
    bench reports progress by rewriting ``progress.txt`` in its working folder with
    ``done total``, and a failure by writing ``bench_error.txt``.

    Parameters
    ----------
    sources : sequence of Path
        Verilog files.
    top : str
        Top module.
    module : str
        Python module of the bench.
    workdir : Path
        Simulator files and logs go here (``icarus.log``, ``bench.log``).
    environment : mapping, optional
        Variables for the bench.
    seed : int
        Seed of cocotb's random generator.
    progress : callable, optional
        Called with steps done and steps in all, from a thread of its own.
    module_folder : Path, optional
        Where the bench's module lies, when it is in no package.
    waves : Path, optional
        File for a dump of all signals, in GTKWave's format FST; memories are not in it.
    beside : str, optional
        A second top module among the sources.
    limit_s : float, optional
        Longest time without a step done, compilation included, in seconds; then it is ended.
    parameters : mapping, optional
        Parameters of the top module.

    Raises
    ------
    ToolError
        Icarus Verilog is missing, does not compile the sources, is stuck, or the bench failed; the
        text ends with the log's last lines.
    """
    require_icarus()
    workdir.mkdir(parents=True, exist_ok=True)
    (workdir / PROGRESS_FILE).unlink(missing_ok=True)
    with ended_when_stuck(workdir / PROGRESS_FILE, workdir / BENCH_LOG, limit_s) as reasons:
        try:
            _compile_and_run(
                sources, top, module, workdir, environment=environment, seed=seed,
                progress=progress, module_folder=module_folder, waves=waves, beside=beside,
                parameters=parameters or {},
            )  # fmt: skip
        except ToolError as error:
            if reasons:
                raise ToolError(f"{top} was ended on Icarus Verilog: {reasons[0]}") from error
            raise


def _compile_and_run(
    sources: Sequence[Path],
    top: str,
    module: str,
    workdir: Path,
    *,
    environment: Mapping[str, str] | None,
    seed: int,
    progress: Progress | None,
    module_folder: Path | None,
    waves: Path | None,
    beside: str | None,
    parameters: Mapping[str, int],
) -> None:
    """Do what `run_bench` does, without a limit."""
    from cocotb_tools.runner import get_runner

    build_dir = (workdir / "icarus").resolve()
    error_file = workdir / BENCH_ERROR_FILE
    error_file.unlink(missing_ok=True)
    runner = get_runner("icarus")
    compile_log, bench_log = workdir / "icarus.log", workdir / BENCH_LOG
    try:
        with _own_temporary_files():
            runner.build(
                sources=[path.resolve() for path in sources],
                hdl_toplevel=top,
                build_dir=build_dir,
                always=True,
                timescale=TIMESCALE,
                waves=waves is not None,
                build_args=["-s", beside] if beside else [],
                parameters=dict(parameters),
                log_file=compile_log,
            )
    except RuntimeError as error:
        raise ToolError(
            f"iverilog does not accept {', '.join(path.name for path in sources)} with top module "
            f"{top}:\n{tail(compile_log)}"
        ) from error
    # To Icarus a parameter that the module has not is worth a warning only.
    if lost := re.search(r"parameter (\S+) not found in", head(compile_log)):
        raise unknown_parameter(lost[1], top)
    folders = [module_folder.resolve()] if module_folder else []
    folders.append(Path(drai_hw.__file__).parents[1])
    results = workdir / RESULTS_FILE
    results.unlink(missing_ok=True)
    with _watch(workdir / PROGRESS_FILE, progress), _importing(folders):
        try:
            runner.test(
                hdl_toplevel=top,
                test_module=module,
                build_dir=build_dir,
                test_dir=workdir.resolve(),
                results_xml=str(results.resolve()),
                seed=seed,
                extra_env=dict(environment or {}),
                waves=waves is not None,
                plusargs=[f"+dumpfile_path={waves.resolve()}"] if waves else [],
                log_file=bench_log,
            )
        except (RuntimeError, SystemExit) as error:
            raise _failed(workdir) from error
    if error_file.exists() or _reasons(results) != []:
        raise _failed(workdir)


@contextmanager
def _own_temporary_files() -> Iterator[None]:
    """Do as `own_temporary_files` for programs that get this process's environment."""
    name = "TMPDIR"
    with own_temporary_files() as environment:
        before = os.environ.get(name)
        os.environ.update({key: text for key, text in environment.items() if key == name})
        try:
            yield
        finally:
            if before is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = before


@contextmanager
def _importing(folders: Sequence[Path]) -> Iterator[None]:
    """Let a simulator import from folders: cocotb hands down where this process imports from."""
    before = list(sys.path)
    sys.path[:0] = map(str, folders)
    try:
        yield
    finally:
        sys.path[:] = before


def _reasons(results: Path) -> list[str] | None:
    """Return why tests of a bench failed, or None when nothing tells that one was run."""
    if not results.exists():
        return None
    tree = ElementTree.parse(results)
    found = [
        entry.get("message") or (entry.text or "").strip() or entry.tag
        for entry in tree.iter()
        if entry.tag in ("failure", "error")
    ]
    return found if found or next(tree.iter("testcase"), None) is not None else None


def _failed(workdir: Path) -> ToolError:
    """Return the error of a bench that failed: its own words, else the end of its log."""
    error_file = workdir / BENCH_ERROR_FILE
    if error_file.exists():
        detail = tail(error_file)
    else:
        reasons = _reasons(workdir / RESULTS_FILE)
        detail = "\n".join(reasons or ()) or tail(workdir / BENCH_LOG)
        if reasons is None:  # every bench that comes to an end leaves its results
            return ToolError(
                "Icarus Verilog ended before the bench did: it was killed, or found no memory or "
                f"no bench; the end of its log:\n{detail}"
            )
    return ToolError(f"the bench on Icarus Verilog failed:\n{detail}")


class _watch:  # noqa: N801 - a context manager, used like a function
    """Pass progress on while the simulator runs."""

    def __init__(self, path: Path, progress: Progress | None) -> None:
        self._path = path
        self._progress = progress
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, daemon=True)

    def __enter__(self) -> None:
        if self._progress:
            self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        if self._progress:
            self._thread.join()
            self._tell()

    def _tell(self) -> None:
        if self._progress and self._path.exists():
            fields = self._path.read_text(encoding="utf-8").split()
            if len(fields) == 2:  # else caught in the middle of a write
                self._progress(int(fields[0]), int(fields[1]))

    def _loop(self) -> None:
        while not self._stop.wait(_POLL_S):
            self._tell()
