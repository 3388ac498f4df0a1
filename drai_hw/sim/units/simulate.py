"""Modules on simulators, each in a process that can be ended whole."""

from __future__ import annotations

import contextlib
import os
import pickle
import re
import select
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from drai_hw.errors import SpecError, ToolError
from drai_hw.files import want_of_space
from drai_hw.processes import bounded, how_it_ended, own_temporary_files
from drai_hw.sim.runner import head, require_icarus, tail
from drai_hw.sim.systemverilog import unknown_parameter
from drai_hw.sim.units.player.drai_player_pipes import PIPES_VARIABLE
from drai_hw.sim.units.session import Outputs
from drai_hw.sim.units.stimulus import Values

TIME_LIMIT_S = 120.0
_PLAYER = Path(__file__).with_name("player")
_POLL_S = 0.2
_COMPLAINT = r"error|syntax|unknown|not found|cannot|memory|fault"
_LINE_CHARACTERS = 300


class HangError(ToolError):
    """The design did not come to an end within the time limit."""


class SimulatorPlayer:
    """A module in a running simulator.

    Parameters
    ----------
    sources : sequence of Path
        Its files, Verilog or what of SystemVerilog the simulator takes.
    top : str
        Its name.
    folder : Path
        Working folder: compiled model, logs.
    simulator : {"icarus", "verilator", "cxxrtl"}
        Simulator; the bits of the last two are 0 or 1, never unknown.
    parameters : mapping
        Parameters of the module.
    time_limit_s : float
        Wall time of the compilation, and of each request, in seconds.

    Raises
    ------
    SpecError
        The sources do not compile.
    HangError
        The time limit passed; the simulator has been ended.
    ToolError
        The simulator is missing or ended by itself.
    """

    def __init__(
        self,
        sources: Sequence[Path],
        top: str,
        folder: Path,
        *,
        simulator: str = "icarus",
        parameters: Mapping[str, int] | None = None,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> None:
        self._top, self._limit_s = top, time_limit_s
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)
        self._log = self._folder / "simulator.log"
        self._process: subprocess.Popen[bytes] | None = None
        paths = [path.resolve() for path in sources]
        command = _COMPILERS[simulator](paths, top, self._folder, parameters or {}, time_limit_s)
        self._start(command)

    def __enter__(self) -> SimulatorPlayer:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self, command: Sequence[str]) -> None:
        source, self._give = os.pipe()
        self._take, sink = os.pipe()
        environment = os.environ | {
            "COCOTB_TEST_MODULES": "drai_unit_player",
            "COCOTB_TOPLEVEL": self._top,
            "TOPLEVEL_LANG": "verilog",
            "COCOTB_RESULTS_FILE": str(self._folder / "cocotb.xml"),
            "COCOTB_RANDOM_SEED": "1",
            "COCOTB_LOG_LEVEL": "WARNING",
            "GPI_LOG_LEVEL": "WARNING",
            "COCOTB_TRUST_INERTIAL_WRITES": "1",
            "PYGPI_PYTHON_BIN": sys.executable,
            "GPI_USERS": _gpi_users(),
            "PYTHONPATH": os.pathsep.join([str(_PLAYER), *filter(None, sys.path)]),
            PIPES_VARIABLE: f"{source} {sink}",
        }
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                bounded(command),
                cwd=self._folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                pass_fds=(source, sink),
                start_new_session=True,
            )
        os.close(source)
        os.close(sink)

    def close(self) -> None:
        """End the simulator with all it started."""
        if self._process is None:
            return
        for pipe in (self._give, self._take):
            os.close(pipe)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2.0)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def widths(self, names: Sequence[str]) -> dict[str, int | None]:
        """Return the width of each name in the module, None where it has none."""
        out: dict[str, int | None] = self._ask("widths", list(names))
        return out

    def connect(self, order: Mapping[str, Any]) -> None:
        """Connect ports: ``clk``, ``inputs``, ``outputs``, ``constants``."""
        self._ask("connect", dict(order))

    def play(
        self, cycles: list[Values], hold_limit: int = 0
    ) -> tuple[list[Values], list[Outputs], bool]:
        """Play clocks, see `drai_hw.sim.units.session.Player`."""
        out: tuple[list[Values], list[Outputs], bool] = self._ask("play", (cycles, hold_limit))
        return out

    def _ask(self, what: str, order: Any) -> Any:
        try:
            data = pickle.dumps((what, order))
            self._write(struct.pack("<I", len(data)) + data)
            (length,) = struct.unpack("<I", self._read(4))
            return pickle.loads(self._read(length))
        except BaseException:
            self.close()
            raise

    def _write(self, data: bytes) -> None:
        """Write while reading is not due yet; a pipe holds less than a test."""
        deadline = time.monotonic() + self._limit_s
        os.set_blocking(self._give, False)
        while data:
            ready = select.select([], [self._give], [], _POLL_S)[1]
            if ready:
                try:
                    data = data[os.write(self._give, data) :]
                except BrokenPipeError as error:
                    raise self._ended() from error
            elif self._process is None or self._process.poll() is not None:
                raise self._ended()
            self._check(deadline)

    def _read(self, count: int) -> bytes:
        deadline = time.monotonic() + self._limit_s
        data = b""
        while len(data) < count:
            if select.select([self._take], [], [], _POLL_S)[0]:
                part = os.read(self._take, count - len(data))
                if not part:
                    raise self._ended()
                data += part
            self._check(deadline)
        return data

    def _check(self, deadline: float) -> None:
        if time.monotonic() > deadline:
            raise HangError(
                f"{self._top}: no end of the simulation after {self._limit_s:g} s: a loop without "
                "a clock in it? (--time-limit S gives it longer)"
            )

    def _ended(self) -> ToolError:
        status = self._process.wait() if self._process else None
        if status:
            return ToolError(
                f"the simulation of {self._top} broke off ({how_it_ended(status)}); the end of its "
                f"log:\n{tail(self._log)}{_space(self._log)}"
            )
        return ToolError(
            f"{self._top} ended the simulation by itself ($finish in it?); the end of its log:\n"
            f"{tail(self._log)}"
        )


@cache
def _gpi_users() -> str:
    """Return what cocotb loads into the simulator: the interpreter, and its entry."""
    import cocotb_tools.config
    import find_libpython

    library = os.environ.get("LIBPYTHON_LOC") or find_libpython.find_libpython()
    if library is None:
        raise ToolError(
            "no shared libpython found: cocotb needs it inside the simulator; install the package "
            "libpython3 of your system, or give its path in LIBPYTHON_LOC"
        )
    return f"{library};{cocotb_tools.config.pygpi_entry_point()}"


def run_limited(
    command: Sequence[str],
    folder: Path,
    log: Path,
    limit_s: float,
    environment: Mapping[str, str] | None = None,
    errors: Path | None = None,
) -> int:
    """Run a command in a session of its own; end all of it at the limit or at an exception.

    To this process's environment it gets a folder for temporary files, and what is given.
    The log takes all output, or with a file for errors only the standard output.
    """
    with (
        log.open("wb") as sink,
        errors.open("wb") if errors else nullcontext(sink) as other,
        own_temporary_files() as own,
    ):
        child = subprocess.Popen(
            bounded(command),
            cwd=folder,
            env=own | dict(environment or {}),
            stdin=subprocess.DEVNULL,
            stdout=sink,
            stderr=other,
            start_new_session=True,
        )
        try:
            return child.wait(limit_s)
        except subprocess.TimeoutExpired as error:
            _kill(child)
            raise HangError(
                f"{command[0]}: still compiling after {limit_s:g} s (--time-limit S gives it "
                "longer)"
            ) from error
        except BaseException:
            _kill(child)
            raise


def _kill(child: subprocess.Popen[bytes]) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)
    child.wait()


def _space(log: Path) -> str:
    note = want_of_space(log.parent)
    return f"\n{note}" if note else ""


def refused(simulator: str, sources: Sequence[Path], top: str, log: Path) -> SpecError:
    """Return the error of sources that a compiler does not accept, with its own words."""
    lines = head(log).splitlines()
    wrong = [line for line in lines if re.search(_COMPLAINT, line, re.IGNORECASE)]
    return SpecError(
        f"{simulator} does not accept {', '.join(path.name for path in sources)} with top module "
        f"{top}:\n"
        + "\n".join(line[:_LINE_CHARACTERS] for line in (wrong or lines)[:12])
        + _space(log)
    )


def _icarus(
    sources: Sequence[Path], top: str, folder: Path, parameters: Mapping[str, int], limit_s: float
) -> list[str]:
    """Compile with Icarus Verilog; return the command of the simulation."""
    require_icarus()
    import cocotb_tools.config

    log = folder / "simulator.log"
    (folder / "timescale.f").write_text("+timescale+1ns/1ps\n", encoding="utf-8")
    command = ["iverilog", "-o", "unit.vvp", "-s", top, "-g2012", "-f", "timescale.f"]
    command += [f"-P{top}.{name}={value}" for name, value in parameters.items()]
    if run_limited([*command, *map(str, sources)], folder, log, limit_s):
        raise refused("icarus", sources, top, log)
    # To Icarus a parameter that the module has not is worth a warning only.
    lost = re.search(r"parameter (\S+) not found in", head(log))
    if lost:
        raise unknown_parameter(lost[1], top)
    library = cocotb_tools.config.lib_entry("vpi", "icarus")
    return ["vvp", "-m", str(library), "unit.vvp", "-none"]


def _verilator(
    sources: Sequence[Path], top: str, folder: Path, parameters: Mapping[str, int], limit_s: float
) -> list[str]:
    """Compile with Verilator; return the command of the simulation."""
    from drai_hw.sim.units.verilator import compile_model

    return compile_model(sources, top, folder, parameters, limit_s)


def _cxxrtl(
    sources: Sequence[Path], top: str, folder: Path, parameters: Mapping[str, int], limit_s: float
) -> list[str]:
    """Compile with CXXRTL; return the command of the simulation."""
    from drai_hw.sim.cxxrtl.build import compiled

    library = compiled(
        sources[0], top, folder / "cxxrtl", sources[1:],
        parameters=parameters, harness=Path(__file__).with_name("unit_harness.cc"),
        limit_s=limit_s,
    )  # fmt: skip
    return [sys.executable, str(_PLAYER / "drai_cxxrtl_player.py"), str(library), top]


_COMPILERS: dict[str, Callable[..., list[str]]] = {
    "icarus": _icarus,
    "verilator": _verilator,
    "cxxrtl": _cxxrtl,
}
SIMULATORS = tuple(_COMPILERS)
