"""`drai-hw sim --unit core --dut`: a user's core on its register bus, compared with the twin."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drai_hw.cli.common import clean_stdout, json_text, load_job
from drai_hw.errors import SpecError, ToolError

if TYPE_CHECKING:
    from drai_hw.sim.core import SimResult

TRIALS = 5
DUMP_FILE, FAILURE_FILE = "core.fst", "failure.fst"
SILENCE_LIMIT_S = 600.0
"""Longest time without a step done: loading a large core takes minutes."""


def simulate_core(
    reference: str,
    dut: tuple[str, ...],
    top: str,
    *,
    simulator: str,
    trials: int | None,
    random_steps: int | None,
    learn_steps: int | None,
    output: str | None,
    seed: int | None,
    as_json: bool,
    time_limit_s: float | None = None,
    waves: bool = False,
    ports: str | None = None,
    junit: str | None = None,
) -> int:
    """Compare a user's core with the twin after every step; return the exit status.

    With ``waves`` all signals are dumped up to the step that has the first difference; without,
    those of the shortest failing run are, by Icarus Verilog where it takes the files.
    """
    with clean_stdout() as say:
        from drai_hw.cli.unit_sim import formats_of
        from drai_hw.files import write_whole
        from drai_hw.model import plan
        from drai_hw.sim.core import run_core, run_job
        from drai_hw.sim.core_failure.junit import junit as junit_of
        from drai_hw.sim.core_failure.shrink import Attempt
        from drai_hw.sim.jobs import Job
        from drai_hw.sim.units.portmap import load_port_map

        job = load_job(reference, output, seed)
        for name in dut:
            if not Path(name).is_file():
                raise SpecError(f"cannot read {name!r}: --dut needs a file of Verilog")
        folder = job.outdir / "units" / "core"
        script = "learn" if learn_steps else "random" if random_steps else "task"
        spec = job.spec
        if script == "task":
            plan.require_task(spec)
            wanted = min(spec.task.trials, trials or TRIALS)
            spec = spec.model_copy(update={"task": spec.task.model_copy(update={"trials": wanted})})
        formats = formats_of(spec)
        connect = load_port_map(Path(ports), "core", formats) if ports else None
        result = run_core(
            spec, workdir=folder, steps=learn_steps or random_steps,
            seed=spec.task.seed, script=script, formats=formats, top=top,
            dut=[Path(name) for name in dut], connect=connect,
            simulator=simulator, limit_s=time_limit_s or SILENCE_LIMIT_S,
            waves=folder / DUMP_FILE if waves else None,
        )  # fmt: skip
        record = _record(result, spec.network.name, spec.network.oscillators, top, simulator)
        record["waves"] = str(folder / DUMP_FILE) if waves else None
        short = (result.failure or {}).get("shortest")
        with contextlib.suppress(ToolError):  # Icarus is not there, or takes less than CXXRTL
            if short:
                again = Attempt.of_record(short, formats.n)
                run_job(
                    Job(spec, script, attempt=again), formats, again.steps, workdir=folder, top=top,
                    dut=[Path(name) for name in dut], connect=connect,
                    waves=folder / FAILURE_FILE, limit_s=time_limit_s or SILENCE_LIMIT_S,
                )  # fmt: skip
                record["waves"] = str(folder / FAILURE_FILE)
        if junit:
            write_whole(Path(junit), junit_of(record, result.run_seconds))
        say(json_text(record) if as_json else _text(record))
    return 1 if result.mismatches else 0


def _record(result: SimResult, name: str, n: int, top: str, simulator: str) -> dict[str, Any]:
    return {
        "name": name,
        "n": n,
        "simulator": simulator,
        "unit": "core",
        "top": top,
        "cycles": result.cycles,
        "steps": result.steps,
        "pair_updates": result.pair_updates,
        "updates": result.counters.changed,
        "mismatches": result.mismatches,
        "first_mismatch": dict(result.first_mismatch) if result.first_mismatch else None,
        "failure": dict(result.failure) if result.failure else None,
        "coverage": dict(result.coverage),
    }


def _text(record: dict[str, Any]) -> str:
    text = (
        f"{record['top']} as core: {record['mismatches']} mismatches in {record['steps']:,} steps, "
        f"{record['cycles']:,} clocks, {record['pair_updates']:,} pair evaluations"
    )
    first = record["first_mismatch"]
    if first:
        from drai_hw.sim.core_failure.explain import first_in_words, in_words

        lines = [first_in_words(first), *in_words(record["failure"])]
        text += "".join(f"\n  {line}" for line in lines)
    return text + (f"\n  waveform {record['waves']}" if record["waves"] else "")
