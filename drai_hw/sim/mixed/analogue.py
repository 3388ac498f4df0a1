"""The analogue side: ngspice in a process of its own, which owns the time of the bench."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw.errors import ConvergenceError, ToolError
from drai_hw.sim.mixed.library import Library
from drai_hw.sim.mixed.meter import PhaseMeter
from drai_hw.spice.engine import NO_SOLUTION, Waves
from drai_hw.spice.settings import Floats

# of a clock: two times that are closer than this are the same edge
NEAR = 1e-6


class Analogue:
    """
    The circuit: gives what its phase meters hold at every exchange, takes weights.

    Parameters
    ----------
    order : mapping
        ``netlist``, ``pairs`` (nodes of each oscillator), ``sources`` (external sources),
        ``weights`` (their first voltages), ``clock_hz``, ``hysteresis_v``, ``exchange_clocks``,
        ``exchanges``, ``reject_every`` (0, or reject every so many-th step that ngspice accepts).
    timeout_s : float
        Wall-clock limit of the whole run.
    """

    def __init__(self, order: Mapping[str, Any], timeout_s: float = 600.0) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="drai_hw_mixed_")
        self._table = Path(self._folder.name, "waves.npz")
        self._limit_s, self._deadline = timeout_s, time.monotonic() + timeout_s
        self._log = Path(self._folder.name, "log.txt")
        self._names = [name for pair in order["pairs"] for name in pair] + [
            source[1:] for source in order["sources"]
        ]
        self._rest = b""
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "drai_hw.sim.mixed.analogue"],
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            )  # fmt: skip
        self._tell({**order, "table": str(self._table), "vectors": self._names})

    def __enter__(self) -> Analogue:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            assert pipe is not None
            pipe.close()
        self._folder.cleanup()

    def exchanges(self) -> Iterator[dict[str, Any]]:
        """
        Return exchanges one after the other, then what the run was like (key ``accepted``).

        Raises
        ------
        ConvergenceError
            ngspice found no solution, or an oscillator stopped.
        ToolError
            The library is missing, refused the netlist, crashed, or took too long.
        """
        while True:
            message = self._hear()
            if "error" in message:
                kind = ConvergenceError if message["numerical"] else ToolError
                raise kind(message["error"])
            yield message
            if "accepted" in message:
                return

    def answer(self, weights: list[float], edge: int) -> None:
        """Let sources have new voltages from a clock edge on."""
        self._tell({"weights": weights, "edge": edge})

    def waves(self) -> Waves:
        """Return all accepted points; after the last exchange."""
        with np.load(self._table) as kept:
            table: Floats = kept["table"]
        columns = {f"v({name})": k for k, name in enumerate(self._names)}
        return Waves(table[:, 0].copy(), table[:, 1:], columns, 0.0)

    def _tell(self, message: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message).encode() + b"\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise self._ended() from error

    def _hear(self) -> dict[str, Any]:
        pipe = self._process.stdout
        assert pipe is not None
        while b"\n" not in self._rest:
            left_s = self._deadline - time.monotonic()
            if left_s <= 0 or not select.select([pipe], [], [], left_s)[0]:
                raise ToolError(
                    f"ngspice's library ran longer than {self._limit_s:g} s and was stopped: allow "
                    "more time or simulate fewer periods"
                )
            part = os.read(pipe.fileno(), 1 << 16)
            if not part:
                raise self._ended()
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\n")
        heard: dict[str, Any] = json.loads(line)
        return heard

    def _ended(self) -> ToolError:
        status = self._process.wait()
        said = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return ToolError(
            f"ngspice's library ended by itself (exit status {status}): "
            f"{said[-1] if said else 'it printed nothing'!r}"
        )


class _Child:
    """What ngspice's callbacks do: meters, the grid of exchanges, voltages as functions of time."""

    def __init__(self, order: dict[str, Any], speak: int) -> None:
        self._order, self._speak = order, speak
        self._clock_hz: float = order["clock_hz"]
        self._near_s = NEAR / self._clock_hz
        self._meters = [PhaseMeter(self._clock_hz, order["hysteresis_v"]) for _ in order["pairs"]]
        self._source = {name: k for k, name in enumerate(order["sources"])}
        self._old = self._new = list(order["weights"])
        self._switch_s = 0.0
        self._number = 0
        self._rows: list[list[float]] = []
        self._tried = 0
        self.library = Library(self.accepted, self.voltage, self.before, self.after, self.failed)

    def run(self) -> None:
        """Run the circuit and write its waves."""
        self.library.run(self._order["netlist"], self._order["vectors"])
        np.savez(self._order["table"], table=np.array(self._rows))
        self.say({"accepted": len(self._rows), "rejected": self.library.rejected})

    def say(self, message: dict[str, Any]) -> None:
        """Write one line to the bench."""
        os.write(self._speak, json.dumps(message).encode() + b"\n")

    def failed(self, error: BaseException) -> None:
        """Tell the bench and end: no exception can pass through ngspice."""
        text = f"{error}"
        try:
            self.say({"error": text, "numerical": bool(NO_SOLUTION.search(text))})
        finally:
            os._exit(1)

    def _exchange_s(self) -> float:
        edges = (self._number + 1) * self._order["exchange_clocks"]
        return float(edges / self._clock_hz)

    def accepted(self, time_s: float, values: list[float]) -> None:
        """Move the meters on; at an exchange, give what they hold and take weights."""
        self._rows.append([time_s, *values])
        for k, meter in enumerate(self._meters):
            meter.take(time_s, values[2 * k] - values[2 * k + 1])
        if self._number == self._order["exchanges"] or time_s < self._exchange_s() - self._near_s:
            return
        self._number += 1
        edge = self._number * self._order["exchange_clocks"]
        held = [meter.at_edge(edge) for meter in self._meters]
        self.say(
            {
                "edge": edge,
                "time_s": time_s,
                "edges": [latched and latched.edge for latched in held],
                "crossings_s": [latched and latched.crossing_s for latched in held],
            }
        )
        reply = json.loads(sys.stdin.readline())
        self._old, self._new = self._new, reply["weights"]
        self._switch_s = reply["edge"] / self._clock_hz

    def voltage(self, name: str, time_s: float) -> float:
        """Return a weight at a time: a step that ends at the switch still has the old one."""
        now = self._new if time_s > self._switch_s + self._near_s else self._old
        return float(now[self._source[name]])

    def before(self, time_s: float, step_s: float) -> float:
        """End steps on exchanges and on the clock edges where weights change."""
        for event_s in (self._switch_s, self._exchange_s()):
            left_s = event_s - time_s
            if self._near_s < left_s < step_s + self._near_s:
                step_s = left_s
        return step_s

    def after(self, _time_s: float, _step_s: float) -> bool:
        """Reject every so many-th step, where that is asked for."""
        every = self._order["reject_every"]
        self._tried += 1
        return bool(every) and self._tried % every == 0


def main() -> int:
    """Run what the first line asks for; the other lines are answers to exchanges."""
    speak = os.dup(1)
    os.dup2(2, 1)  # whatever the library prints itself
    child = None
    try:
        child = _Child(json.loads(sys.stdin.readline()), speak)
        child.run()
    except ToolError as error:
        text = str(error)
        message = {"error": text, "numerical": bool(NO_SOLUTION.search(text))}
        os.write(speak, json.dumps(message).encode() + b"\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
