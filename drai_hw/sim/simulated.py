"""A device in the simulator behind the same links as a board on a serial port or an SPI bus."""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Self

import drai_hw
from drai_hw.errors import LinkError, ToolError
from drai_hw.rtl import emit
from drai_hw.rtl.spi import CLOCKS_PER_SCK, SpiTop
from drai_hw.rtl.top import Core, Top
from drai_hw.sim.device_bench import (
    CLOCK_PERIOD_NS,
    CLOCKS,
    COUNT,
    ENV_DIVISOR,
    ENV_PORT,
    ENV_TOKEN,
    READ,
    TRANSFER,
    WRITE,
    receive_exactly,
)
from drai_hw.sim.device_server import BENCH_TOP

SIMULATED_CLOCK_HZ = 1e6
"""Nominal clock of a simulated device: turns a host's time-outs into clocks."""

SIMULATED_BAUD = 250_000
"""Four clocks a bit, the fewest the receiver takes: less to simulate."""

START_TIMEOUT_S = 120.0
"""Longest wait for compiler and simulator to start, in seconds of real time."""

SLOWEST_CLOCKS_PER_S = 200
"""A simulator slower than this, in clocks per second of real time, counts as stuck."""

_WRAPPER = """`timescale 1ns/1ps
module {top};
  reg clk = 1'b0, rst = 1'b1, {inputs};
  wire {outputs};
  drai_top dut(.clk(clk), .rst(rst), {links});
  always #{half_ns} clk = ~clk;
endmodule
"""


def _wrapper(inputs: dict[str, int], outputs: tuple[str, ...]) -> str:
    """Return Verilog that gives a design a clock, and registers that a bench can set as inputs."""
    return _WRAPPER.format(
        top=BENCH_TOP,
        half_ns=CLOCK_PERIOD_NS // 2,
        inputs=", ".join(f"{name} = 1'b{value}" for name, value in inputs.items()),
        outputs=", ".join(outputs),
        links=", ".join(f".{name}({name})" for name in (*inputs, *outputs)),
    )


def _require_simulator() -> None:
    for tool in ("iverilog", "vvp"):
        if shutil.which(tool) is None:
            raise ToolError(
                f"{tool!r} not found; Icarus Verilog is needed to simulate a device: install "
                "it with `sudo apt-get install iverilog`"
            )


class _Simulated:
    """Icarus Verilog running the emitted Verilog of a design, in a process of its own."""

    _WRAPPER: str

    def __init__(self, top: Top | SpiTop, divisor: int, *, workdir: Path | None = None) -> None:
        self.name = "simulator (Icarus Verilog)"
        self._clock_hz = float(top.clock_hz)
        self._divisor = divisor
        self._pending_clocks = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._peer: socket.socket | None = None
        _require_simulator()
        self._temporary = workdir is None
        self._folder = Path(tempfile.mkdtemp(prefix="drai-device-") if workdir is None else workdir)
        self._folder.mkdir(parents=True, exist_ok=True)
        try:
            self._start(top)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # -- start and end ---------------------------------------------------------------------

    def _start(self, top: Top | SpiTop) -> None:
        (self._folder / "drai_top.v").write_text(
            emit.verilog(
                top,
                name="drai_top",
                command=f"drai_hw.sim.simulated.{type(self).__name__}",
                what="core and bridge, to be driven by a host in simulation",
            )
        )
        (self._folder / "device.v").write_text(self._WRAPPER)
        token = secrets.token_hex(16)
        with socket.create_server(("127.0.0.1", 0)) as server:
            root = str(Path(drai_hw.__file__).parents[1])
            env = os.environ | {
                ENV_PORT: str(server.getsockname()[1]),
                ENV_TOKEN: token,
                ENV_DIVISOR: str(self._divisor),
                "PYTHONPATH": os.pathsep.join(
                    filter(None, (root, os.environ.get("PYTHONPATH", "")))
                ),
            }
            # cocotb would take these for its own run when we are inside another one.
            for name in ("COCOTB_TEST_FILTER", "COCOTB_RANDOM_SEED", "GPI_USERS"):
                env.pop(name, None)
            with (self._folder / "device.log").open("wb") as log:
                self._process = subprocess.Popen(
                    [sys.executable, "-m", "drai_hw.sim.device_server", str(self._folder)],
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=subprocess.STDOUT,
                    env=env,
                    start_new_session=True,
                )
            self._peer = self._accept(server, token)

    def _accept(self, server: socket.socket, token: str) -> socket.socket:
        server.settimeout(0.2)
        end_s = time.monotonic() + START_TIMEOUT_S
        while time.monotonic() < end_s:
            try:
                peer, _ = server.accept()
            except TimeoutError:
                if self._process is not None and self._process.poll() is not None:
                    break
                continue
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.settimeout(START_TIMEOUT_S)
            # Any process of this machine can connect; only the bench knows the token.
            if receive_exactly(peer, len(token)) == token.encode():
                return peer
            peer.close()
        raise ToolError(
            f"the simulated device did not start (limit {START_TIMEOUT_S:.0f} s); last lines of "
            f"its log:\n{self._log_tail()}"
        )

    def _log_tail(self) -> str:
        log = self._folder / "device.log"
        text = log.read_text(errors="replace") if log.exists() else ""
        return "\n".join(text.splitlines()[-8:])

    def close(self) -> None:
        """End the simulator and remove what is temporary; closing twice is allowed."""
        if self._peer is not None:
            self._peer.close()
            self._peer = None
        if self._process is not None:
            try:
                # Without its socket the bench returns by itself.
                self._process.wait(timeout=5)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
            self._process = None
        if self._temporary:
            shutil.rmtree(self._folder, ignore_errors=True)

    # -- the pins --------------------------------------------------------------------------

    def _exchange(self, request: bytes, answer: bool, clocks: int = 0) -> bytes:
        """Send a request that lets up to `clocks` clocks pass; return the head of the answer."""
        if self._peer is None:
            raise LinkError(f"{self.name} was closed; open a new link to go on")
        self._pending_clocks += clocks
        try:
            # A design that oscillates within one clock would keep us waiting for ever.
            self._peer.settimeout(START_TIMEOUT_S + self._pending_clocks / SLOWEST_CLOCKS_PER_S)
            self._peer.sendall(request)
            if not answer:
                return b""
            head = receive_exactly(self._peer, COUNT.size)
            if len(head) == COUNT.size:
                self._pending_clocks = 0
                return head
        except TimeoutError as error:
            raise LinkError(
                f"{self.name} is stuck: fewer than {SLOWEST_CLOCKS_PER_S} clocks per second pass; "
                "a design without combinational loops and a machine with a free processor are "
                "needed"
            ) from error
        except OSError:
            pass
        raise LinkError(
            f"{self.name} ended unexpectedly; last lines of its log:\n{self._log_tail()}"
        )

    def now_s(self) -> float:
        """Return the simulated time in seconds."""
        return self.clocks() / self._clock_hz

    def clocks(self) -> int:
        """Return the clocks simulated so far."""
        return int(COUNT.unpack(self._exchange(CLOCKS, answer=True))[0])


class SimulatedLink(_Simulated):
    """Icarus Verilog running the emitted Verilog of a `Top`, as a `drai_hw.sim.link.Link`.

    The serial pins see real waveforms, bit by bit. Simulated time passes only while a write is
    being sent and while a read waits; a read's time-out is counted in clocks of
    `top.clock_hz`. The simulator is a process of its own and ends with `close`, with the host
    process, or with the ``with`` block.

    Parameters
    ----------
    top : Top
        The design.
    workdir : Path, optional
        Where Verilog, simulator files and ``device.log`` go; without it a temporary folder that
        `close` removes.

    Raises
    ------
    ToolError
        Icarus Verilog is missing, or compiling or starting failed; the text ends with the last
        lines of the log.
    """

    _WRAPPER = _wrapper({"rx": 1}, ("tx", "busy", "activity"))

    def __init__(self, top: Top, *, workdir: Path | None = None) -> None:
        self.baud = top.baud
        super().__init__(top, top.divisor, workdir=workdir)

    @classmethod
    def of_core(cls, core: Core, *, workdir: Path | None = None) -> SimulatedLink:
        """Put a core behind the bridge, with the clock and bit rate that simulate fastest."""
        _require_simulator()
        return cls(Top(core, SIMULATED_CLOCK_HZ, SIMULATED_BAUD), workdir=workdir)

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        clocks = len(data) * 10 * self._divisor
        self._exchange(WRITE + COUNT.pack(len(data)) + data, answer=False, clocks=clocks)

    def read(self, n: int, timeout_s: float) -> bytes:
        """Return up to `n` bytes; fewer after `timeout_s` seconds of the device's time."""
        limit = max(0, round(timeout_s * self._clock_hz))
        request = READ + COUNT.pack(n) + COUNT.pack(limit)
        head = self._exchange(request, answer=True, clocks=limit)
        peer: Any = self._peer
        return receive_exactly(peer, COUNT.unpack(head)[0])


class SimulatedSpi(_Simulated):
    """Icarus Verilog running the emitted Verilog of a `SpiTop`, as the master's end of the bus.

    `drai_hw.boards.host.SpiLink` makes a link of it, as of a real SPI port. Everything else is as
    in `SimulatedLink`; SCK is the fastest that the design takes.

    Parameters
    ----------
    top : SpiTop
        The design.
    workdir : Path, optional
        As for `SimulatedLink`.

    Raises
    ------
    ToolError
        Icarus Verilog is missing, or compiling or starting failed.
    """

    _WRAPPER = _wrapper({"sck": 0, "cs_n": 1, "mosi": 0}, ("miso", "miso_oe", "busy", "activity"))

    def __init__(self, top: SpiTop, *, workdir: Path | None = None) -> None:
        self.sck_hz = top.sck_hz
        super().__init__(top, CLOCKS_PER_SCK, workdir=workdir)

    @classmethod
    def of_core(cls, core: Core, *, workdir: Path | None = None) -> SimulatedSpi:
        """Put a core behind the SPI slave and its bridge."""
        _require_simulator()
        return cls(SpiTop(core, SIMULATED_CLOCK_HZ), workdir=workdir)

    def transfer(self, data: bytes) -> bytes:
        """Send bytes under one chip select and return as many that came meanwhile."""
        clocks = (8 * len(data) + 1) * self._divisor
        request = TRANSFER + COUNT.pack(len(data)) + data
        head = self._exchange(request, answer=True, clocks=clocks)
        peer: Any = self._peer
        return receive_exactly(peer, COUNT.unpack(head)[0])
