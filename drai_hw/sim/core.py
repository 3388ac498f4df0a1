"""The core in simulation, on Icarus or compiled, compared with the twin after every step."""

from __future__ import annotations

import json
import pickle
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.errors import SpecError
from drai_hw.model import plan, tasks
from drai_hw.model.machine import Counters
from drai_hw.model.numbers import Formats
from drai_hw.sim.jobs import SCRIPTS, CountingTwin, Job
from drai_hw.sim.runner import Progress, run_bench
from drai_hw.sim.state_view import NAME as STATE
from drai_hw.sim.state_view import state_module
from drai_hw.sim.units.portmap import PortMap
from drai_hw.spec import Spec

if TYPE_CHECKING:
    from drai_hw.rtl.stores import Plan

DIFF_FILE = "mismatch.json"
SIMULATORS = ("icarus", "cxxrtl")
PRIMITIVE = Path(__file__).with_name("sb_spram256ka.v")
"""Model of the primitive that a `SpramPlan` with ``vendor`` instantiates."""


@dataclass(frozen=True)
class SimResult:
    """Outcome of a comparison.

    Attributes
    ----------
    cycles : int
        Clocks simulated, bus traffic included.
    run_clocks : int
        Clocks of the runs alone.
    steps : int
        Steps done and compared.
    mismatches : int
        Values that differed; the simulation ends with the first step that has one.
    first_mismatch : dict or None
        ``step`` (from 1), ``what`` (theta, margin, frequency, weight, clocks, a counter or a
        read), ``index`` (oscillator, or the weight's pair), ``expected``, ``got``.
    failure : dict or None
        What is known of the first difference of a user's core: see
        `drai_hw.sim.core_failure.explain.explain`.
    seconds : float
        Wall time, compilation included.
    run_seconds : float
        Wall time of the bench alone, from the reset on.
    pair_updates : int
        Pair evaluations of all passes.
    counters : Counters
        Events of learning.
    coverage : dict of str to int
        Steps in which each feature was at work.
    digest : str
        SHA-256 over the RTL's whole state after every step.
    toggles : dict
        Activity: bits that changed a step in the phase and weight memories (mean over all steps,
        host loads between runs included), and bits that changed a clock in the lanes' ring
        registers (counted clock by clock in the first learning and the first other step).
    learned, recalled, locked, solved
        Outcome of the task with everything read from the RTL; None if it was not asked for or a
        mismatch ended it.
    """

    cycles: int
    run_clocks: int
    steps: int
    mismatches: int
    first_mismatch: Mapping[str, Any] | None
    seconds: float
    run_seconds: float
    pair_updates: int
    counters: Counters
    coverage: Mapping[str, int]
    digest: str
    toggles: Mapping[str, float]
    failure: Mapping[str, Any] | None = None
    learned: tasks.Learned | None = field(default=None, repr=False)
    recalled: tasks.Recalled | None = field(default=None, repr=False)
    locked: tasks.Locked | None = field(default=None, repr=False)
    solved: NDArray[np.int8] | None = field(default=None, repr=False)


def task_job(
    spec: Spec, formats: Formats, *, steps: int | None = None, folder: Path | None = None
) -> Job:
    """Return the task of a network as a job.

    Parameters
    ----------
    spec : Spec
        The network.
    formats : Formats
        Its number formats.
    steps : int, optional
        Roughly how many steps the job may have: recall is cut to as many trials as fit, at least
        one. Without it all trials of the network file are run.
    folder : Path, optional
        Where the network file lies, for patterns given as a file.
    """
    plan.require_task(spec)
    if spec.task.kind != "recall":
        return Job(spec, "task")
    patterns = tasks.patterns_of(spec, folder)
    trials = spec.task.trials
    if steps is not None:
        twin = CountingTwin(formats)
        tasks.prepare(twin, spec)
        tasks.learn(twin, spec, patterns.values)
        trials = min(trials, max(1, (steps - twin.steps) // spec.task.steps))
    starts = tasks.trials_of(spec, patterns, trials)
    return Job(spec, "task", patterns.values, starts)


def run_core(
    spec: Spec,
    *,
    workdir: str | Path,
    steps: int | None = None,
    seed: int = 1,
    script: str = "task",
    formats: Formats | None = None,
    product: str = "mul",
    store: Plan | None = None,
    folder: Path | None = None,
    dut: Path | Sequence[Path] | None = None,
    connect: PortMap | None = None,
    top: str | None = None,
    progress: Progress | None = None,
    waves: Path | None = None,
    simulator: str = "icarus",
    cache: Path | None = None,
    limit_s: float | None = None,
) -> SimResult:
    """Simulate the core and compare it with the twin after every step.

    The job drives the register bus; phases, margin bits, smoothed frequencies and weights are
    compared by hierarchical reads after every step, what the job reads also over the bus. The
    results of the task are made from what was read from the RTL.

    Parameters
    ----------
    spec : Spec
        The network.
    workdir : path
        For Verilog, logs, and ``mismatch.json`` (all differences of the step that has the first).
    steps : int, optional
        Length; see `task_job` for the task, which has one of its own.
    seed : int
        Seed of the scripts other than the task.
    script : {"task", "random", "learn", "runs"}
        See `drai_hw.sim.jobs.Job`.
    formats : Formats, optional
        Number formats and geometry instead of the network file's.
    product : {"mul", "logic"}
        See `drai_hw.rtl.core.Core`.
    store : StorePlan, SpramPlan or SdramPlan, optional
        See `drai_hw.rtl.core.Core`; primitives of the vendor get the model `PRIMITIVE`.
    folder : Path, optional
        Where the network file lies, for patterns given as a file.
    dut : Path or sequence of Path, optional
        Verilog to be tested instead of the emitted core: same ports and memories (see
        `drai_hw.rtl.emit.metadata`). For CXXRTL it may be RTLIL (``.il``). Its first difference is
        explained.
    connect : PortMap, optional
        Where names of its ports and memories, or the level of its reset, differ.
    top : str, optional
        Its top module.
    progress : callable, optional
        Called with steps done and steps in all.
    waves : Path, optional
        File for a dump of all signals (FST); for letters about 0.5 MB per 10 000 clocks. On Icarus
        only.
    simulator : {"icarus", "cxxrtl"}
        Icarus runs the emitted Verilog under cocotb. CXXRTL compiles the same core, which takes
        seconds (about one a lane), and then does some fifty times the clocks a second; its bits are
        0 or 1, never unknown.
    cache : Path, optional
        Folder of compiled models for CXXRTL; ``cxxrtl`` in the working folder by default.
    limit_s : float, optional
        Longest time without a step done on Icarus, in seconds; without it there is no limit.

    Raises
    ------
    SpecError
        Unknown script or simulator, a script other than the task without a length, or waves of
        CXXRTL.
    ToolError
        Simulator or compiler is missing or fails, or the design does not answer on its bus.
    """
    if script not in SCRIPTS:
        raise SpecError(f"script = {script!r}: known are {', '.join(SCRIPTS)}")
    formats = formats or plan.formats_of(spec)
    if script != "task":
        if not steps or steps < 1:
            raise SpecError(f"steps = {steps!r}: the {script} script needs at least 1 step")
        job = Job(spec, script, steps=steps, seed=seed)
        total = steps
    else:
        job = task_job(spec, formats, steps=steps, folder=folder)
        twin = CountingTwin(formats)
        job.run(twin)
        total = twin.steps
    return run_job(
        job, formats, total, workdir=Path(workdir), product=product, store=store, dut=dut,
        connect=connect, top=top, seed=seed, progress=progress, waves=waves, simulator=simulator,
        cache=cache, limit_s=limit_s,
    )  # fmt: skip


def run_job(
    job: Job,
    formats: Formats,
    total_steps: int,
    *,
    workdir: Path,
    product: str = "mul",
    store: Plan | None = None,
    dut: Path | Sequence[Path] | None = None,
    connect: PortMap | None = None,
    top: str | None = None,
    seed: int = 1,
    progress: Progress | None = None,
    waves: Path | None = None,
    simulator: str = "icarus",
    cache: Path | None = None,
    limit_s: float | None = None,
) -> SimResult:
    """Carry a job out on the RTL; see `run_core`."""
    from drai_hw.rtl import emit
    from drai_hw.rtl.core import Core
    from drai_hw.rtl.stores import primitive_words

    _check_simulator(simulator, waves)
    started = time.monotonic()
    workdir = workdir.resolve()
    workdir.mkdir(parents=True, exist_ok=True)
    facts = emit.metadata(formats, name=top or emit.NAME, product=product, store=store)
    undefined = primitive_words(store, "weights")
    order = {
        "formats": formats,
        "job": job,
        "memories": facts["memories"],
        "replica_memories": facts.get("replica_memories", []),
        "ring_registers": facts["ring_registers"],
        "total_steps": total_steps,
        "check_clocks": dut is None,
        "explain": dut is not None,
        "shorten": waves is None,  # a dump ends with the first difference
        "connect": connect,
        "undefined": undefined,
        "store": store,
    }
    if connect:
        for name, path in connect.memories.items():
            if "pieces" in facts["memories"][name]:
                raise SpecError(
                    f"port map: memories.{name} = {path!r}: in this network it is made of several "
                    "memories, which keep their names"
                )
            facts["memories"][name]["path"] = path
    if dut is None:
        core = Core(formats, product=product, store=store)
        source = _emitted(core, facts["top"], workdir, simulator)
        models = [PRIMITIVE] if undefined else []
    else:
        source, *models = [dut] if isinstance(dut, Path) else dut
    if simulator == "cxxrtl":
        from drai_hw.sim.cxxrtl.bench import run_order

        result = run_order(
            order, source, facts["top"], cache=cache or workdir / "cxxrtl", progress=progress,
            models=models,
        )  # fmt: skip
    else:
        sources, beside = [source, *models], None
        if waves is not None and dut is None:
            beside, text = STATE, state_module(formats, facts["memories"], facts["top"])
            sources += emit.write({f"{STATE}.v": text}, workdir).values()
        result = _on_icarus(
            order, sources, facts["top"], workdir, seed, progress, waves, beside, limit_s
        )
    emit.write({DIFF_FILE: json.dumps(result["diff"], indent=1) + "\n"}, workdir)
    outcome = result["outcome"]
    return SimResult(
        cycles=result["cycles"],
        run_clocks=result["run_clocks"],
        steps=result["steps"],
        mismatches=result["mismatches"],
        first_mismatch=result["diff"][0] if result["diff"] else None,
        failure=result["failure"],
        seconds=round(time.monotonic() - started, 3),
        run_seconds=result["run_seconds"],
        pair_updates=result["pair_evaluations"],
        counters=result["counters"],
        coverage=result["coverage"],
        digest=result["digest"],
        toggles=result["toggles"],
        learned=outcome.get("learned"),
        recalled=outcome.get("recalled"),
        locked=outcome.get("locked"),
        solved=outcome.get("solved"),
    )


def _check_simulator(simulator: str, waves: Path | None) -> None:
    if simulator not in SIMULATORS:
        raise SpecError(f"simulator = {simulator!r}: known are {', '.join(SIMULATORS)}")
    if waves is not None and simulator != "icarus":
        raise SpecError(
            f"waves with simulator = {simulator!r}: only icarus dumps waves; give --simulator "
            "icarus"
        )


def _emitted(core: Any, top: str, workdir: Path, simulator: str) -> Path:
    """Write the core in the form that the simulator takes."""
    from drai_hw.rtl import emit

    if simulator == "cxxrtl":
        name, text = f"{top}.il", emit.rtlil(core, name=top)
    else:
        name, text = f"{top}.v", emit.verilog(core, name=top, command="drai-hw sim")
    return emit.write({name: text}, workdir)[name]


def _on_icarus(
    order: Mapping[str, Any],
    sources: Sequence[Path],
    top: str,
    workdir: Path,
    seed: int,
    progress: Progress | None,
    waves: Path | None,
    beside: str | None,
    limit_s: float | None,
) -> dict[str, Any]:
    """Carry an order out in a cocotb simulation."""
    from drai_hw.sim import core_bench

    order_file, result_file = workdir / core_bench.JOB_FILE, workdir / core_bench.RESULT_FILE
    order_file.write_bytes(pickle.dumps(order))
    result_file.unlink(missing_ok=True)
    run_bench(
        sources,
        top,
        "drai_hw.sim.core_bench",
        workdir,
        environment={core_bench.JOB_VARIABLE: str(order_file)},
        seed=seed,
        progress=progress,
        waves=waves,
        beside=beside,
        limit_s=limit_s,
        parameters=order["connect"].parameters if order["connect"] else {},
    )
    result: dict[str, Any] = pickle.loads(result_file.read_bytes())
    return result
