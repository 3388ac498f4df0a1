"""The benches we ship, on one mutant after the other of a compiled module."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw.errors import ToolError
from drai_hw.model.numbers import Formats
from drai_hw.model.unit_rules import rule_of
from drai_hw.rtl import emit
from drai_hw.sim.comparison import Comparison, windows_of
from drai_hw.sim.cxxrtl import build
from drai_hw.sim.cxxrtl.bench import twin_of
from drai_hw.sim.cxxrtl.machine import CxxrtlMachine
from drai_hw.sim.cxxrtl.model import MemoryWindow, Model
from drai_hw.sim.exactness import network
from drai_hw.sim.jobs import Job
from drai_hw.sim.outcome import carry_out
from drai_hw.sim.units import simulate
from drai_hw.sim.units.judge import Timing, predict
from drai_hw.sim.units.session import examine
from drai_hw.sim.units.verify import SAMPLES
from tools.rtl_mutants.plan import Target

HERE = Path(__file__).parent
UNIT_SEEDS = (1,)
CORE_JOBS = (("random", 200), ("runs", (1 << 17) - 2))
"""Scripts of `Job` that a core goes through, and their steps."""
DIFFERS, NO_ANSWER, ALIVE = "differs", "no answer", "alive"
"""Ends: an output or state differs; the bench gives up waiting; none of these."""

Judge = Callable[[int], tuple[str, str]]
"""Takes the number of a mutant, 0 for none; returns its end and what was seen."""


def judge_of(target: Target, source: Path, folder: Path, *, compares: bool = True) -> Judge:
    """Return what judges the mutants of a target.

    Parameters
    ----------
    target : Target
        What is mutated.
    source : Path
        RTLIL with the mutants.
    folder : Path
        For compiled models.
    compares : bool
        False: all is done as ever, but nothing is compared (to see that mutants then live).
    """
    return (_unit if target.unit else _core)(target, source, folder, compares)


def _compiled(source: Path, top: str, folder: Path, harness: Path, more: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    joined = folder / f"{more.stem}_harness.cc"
    joined.write_text(
        harness.read_text(encoding="utf-8") + more.read_text(encoding="utf-8"), encoding="utf-8"
    )
    return build.compiled(source, top, folder, harness=joined, flags=("-O1",))


class _Blank:
    """Takes clocks, and shows nothing: what is played does not depend on it."""

    def play(self, cycles: list[Any], hold_limit: int = 0) -> tuple[list[Any], list[Any], bool]:
        return cycles, [{} for _ in cycles], False


def unit_clocks(target: Target, seed: int) -> tuple[list[Any], list[Any]]:
    """Return all clocks of the bench of a unit, and what has to be seen in each."""
    rule = rule_of(target.unit, target.formats)
    latency = target.latency if rule.pipeline else None
    record = examine(_Blank(), rule, seed=seed, samples=SAMPLES, latency=latency)
    cycles = [cycle for part in record.parts for cycle in part.cycles]
    trace = [seen for part in record.parts for seen in part.trace]
    return cycles, predict(rule, cycles, trace, Timing(latency or 1))


def _unit(target: Target, source: Path, folder: Path, compares: bool) -> Judge:
    """Replay the bench of `drai-hw sim --unit`, with the latency declared."""
    harness = Path(simulate.__file__).with_name("unit_harness.cc")
    library = ctypes.CDLL(str(_compiled(source, target.top, folder, harness, HERE / "replay.cc")))
    rule = rule_of(target.unit, target.formats)
    inputs = ["rst", *(port.name for port in rule.inputs)]
    outputs = [port for port in rule.ports if port.output]
    masks = {port.name: (1 << port.bits) - 1 for port in rule.ports} | {"rst": 1}
    plays = []
    for seed in UNIT_SEEDS:
        cycles, expected = unit_clocks(target, seed)
        values = np.array([[c[n] & masks[n] for n in inputs] for c in cycles], dtype=np.uint64)
        wanted = np.zeros((len(cycles), len(outputs)), dtype=np.uint64)
        counts = np.zeros(wanted.shape, dtype=np.uint8)
        for row, want in enumerate(expected):
            for column, port in enumerate(outputs):
                if want and port.name in want:
                    wanted[row, column] = want[port.name] & masks[port.name]
                    counts[row, column] = compares
        plays.append((values, wanted, counts))
    function = library.unit_judge
    function.restype = ctypes.c_int64
    names = _texts(inputs), _texts([port.name for port in outputs])

    def judge(number: int) -> tuple[str, str]:
        before = 0
        for values, wanted, counts in plays:
            place = ctypes.c_int64()
            clock = function(
                target.top.encode(), ctypes.c_uint64(number), ctypes.c_size_t(len(values)),
                ctypes.c_size_t(len(inputs)), names[0], values.ctypes.data_as(ctypes.c_void_p),
                ctypes.c_size_t(len(outputs)), names[1], wanted.ctypes.data_as(ctypes.c_void_p),
                counts.ctypes.data_as(ctypes.c_void_p), ctypes.byref(place),
            )  # fmt: skip
            if clock >= 0:
                return DIFFERS, f"clock {before + clock + 1}: {outputs[place.value].name}"
            before += len(values)
        return ALIVE, f"{before} clocks"

    return judge


def _texts(names: list[str]) -> Any:
    return (ctypes.c_char_p * len(names))(*(name.encode() for name in names))


class _Blind(Comparison):
    """Compares nothing."""

    def compare(self, step: int) -> None:
        self.compared += 1

    def note(self, step: int, what: str, index: Any, expected: Any, got: Any) -> None:
        pass


def _core(target: Target, source: Path, folder: Path, compares: bool) -> Judge:
    """Return what runs the core's bench on a mutant."""
    path = _compiled(source, target.top, folder, build.HARNESS, HERE / "select.cc")

    def choose(model: Model, number: int) -> None:
        model._library.drai_mutant.argtypes = [ctypes.c_void_p, ctypes.c_uint32]
        model._library.drai_mutant(model._model, number)

    return core_judge(target.formats, path, choose, compares=compares)


def core_judge(
    formats: Formats,
    path: Path,
    choose: Callable[[Model, int], None],
    *,
    compares: bool = True,
    check_clocks: bool = True,
) -> Judge:
    """Return what runs the bench of `drai-hw sim --random` on CXXRTL, and the directed runs.

    State is compared after every step.

    Parameters
    ----------
    formats : Formats
        Of the core.
    path : Path
        Its compiled model.
    choose : callable
        Takes a fresh model and a number; makes the model the core of that number.
    compares : bool
        False: nothing is compared.
    check_clocks : bool
        Whether the clocks of each run are compared, too.
    """
    memories = emit.metadata(formats)["memories"]
    jobs = [Job(network(), script, steps=steps) for script, steps in CORE_JOBS]

    def judge(number: int) -> tuple[str, str]:
        steps = 0
        for job in jobs:
            with Model(path, emit.NAME) as model:
                choose(model, number)
                model.reset()
                windows = windows_of(memories, lambda about, m=model: MemoryWindow(m, about))
                kind = Comparison if compares else _Blind
                board = kind(twin_of(formats), windows)
                machine = CxxrtlMachine(model, board, check_clocks)
                try:
                    carry_out(job, machine)
                except ToolError as error:
                    return NO_ANSWER, f"step {steps + machine.steps + 1}: {error}"
                if board.count:
                    first = board.mismatches[0]
                    return DIFFERS, f"step {steps + first['step']}: {first['what']}"
                steps += machine.steps
        return ALIVE, f"{steps} steps"

    return judge
