"""`drai-hw sim`: the RTL in simulation, compared with the twin after every step."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    Job,
    clean_stdout,
    force_option,
    json_option,
    json_text,
    load_job,
    out_option,
    seed_option,
)
from drai_hw.cli.core_dut import simulate_core
from drai_hw.cli.running import perform, tell_failures
from drai_hw.cli.sim_runs import formats_for, netlist_of, waves_of
from drai_hw.cli.unit_sim import (
    UnitOptions,
    refuse_core_options,
    simulate_unit,
    unit_options,
    write_template,
)
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.flow.build import Run


@click.command("sim")
@click.argument("reference", metavar="SPEC", required=False)
@click.option(
    "--simulator",
    type=click.Choice(["icarus", "cxxrtl", "verilator"]),
    default="icarus",
    show_default=True,
    help="icarus: the emitted Verilog. cxxrtl: the same core compiled with g++, for large cores "
    "and long runs; compiling takes a second a lane, its result stays in the output directory. "
    "verilator: for one unit.",
)
@click.option(
    "--unit",
    type=click.Choice(["core", "synapse", "neuron", "update", "prng"]),
    default="core",
    show_default=True,
    help="Unit under test. core: the whole core against the twin; the others: one unit against "
    "its rule, with corners, random samples and a diagnosis of what differs.",
)
@unit_options
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="Recalls to simulate, at most task.trials.  [default: each pattern once, 5 at least]",
)
@click.option(
    "--random",
    "random_steps",
    type=click.IntRange(1),
    metavar="STEPS",
    help="Instead of the task: random settings, weights and phases for so many steps.",
)
@click.option(
    "--learn",
    "learn_steps",
    type=click.IntRange(1),
    metavar="STEPS",
    help="Instead of the task: so many steps that all learn, from random weights loaded once; for "
    "large cores.",
)
@click.option(
    "--netlist",
    type=click.Choice(["ecp5", "ice40"]),
    help="The core after synthesis instead: a netlist of a device's cells, on CXXRTL, for 64 steps "
    "that all learn, or those of --learn or --random; at most 35 oscillators, a minute or more.",
)
@click.option(
    "--waves",
    is_flag=True,
    help="Dump all signals to waves/drai_core.fst in the output directory, with a GTKWave view "
    "beside it (gtkwave drai_core.gtkw there). Only one epoch of learning and 8 steps are done, "
    "or the steps of --random: 10,000 clocks of letters take 0.5 MB. With --dut: the whole run up "
    "to the first difference, to units/core/core.fst there.",
)
@click.option(
    "--bench",
    "bench",
    metavar="DIR",
    help="Write a bench of SPEC of your own into DIR instead: bench_<name>.py, run.py (runs it on "
    "the Verilog of `drai-hw rtl`), the network and a GTKWave view.",
)
@click.option(
    "--check",
    is_flag=True,
    help="With --bench: write nothing; exit status 1 unless DIR holds what would be written.",
)
@out_option("Output directory.")
@seed_option
@force_option
@json_option
def command(
    reference: str | None,
    simulator: str,
    unit: str,
    dut: tuple[str, ...],
    top: str | None,
    ports: str | None,
    template: str | None,
    junit: str | None,
    samples: int | None,
    time_limit_s: float | None,
    trials: int | None,
    random_steps: int | None,
    learn_steps: int | None,
    netlist: str | None,
    waves: bool,
    bench: str | None,
    check: bool,
    output: str | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """
    Simulate the core of SPEC, learning included, and compare it with the twin after every step.

    Every phase, weight, margin bit and smoothed frequency must be equal, bit for bit. Exit status
    1 at the first difference. With --unit one unit is judged by its rule, ours or yours.
    """
    if template is not None:
        return write_template(template, reference, output, as_json)
    if reference is None:
        raise click.UsageError("Missing argument 'SPEC'.")
    options = UnitOptions(unit, dut, top, ports, junit, samples, time_limit_s)
    options.refuse_without_unit()
    if netlist and unit != "core":
        raise click.UsageError("--netlist is of the whole core; leave --unit out")
    if unit != "core":
        refuse_core_options(unit, trials, random_steps, learn_steps, bench, check, waves)
        return simulate_unit(
            reference, options, simulator=simulator, output=output, seed=seed, as_json=as_json
        )
    options.refuse_dut()
    if simulator == "verilator":
        raise click.UsageError("--simulator verilator is for one unit; the core runs on the others")
    if dut and top:
        refuse_core_options("core", None, None, None, bench, check, False)
        if waves:
            _refuse_waves_elsewhere(simulator)
        return simulate_core(
            reference, dut, top,
            simulator=simulator, trials=trials, random_steps=random_steps,
            learn_steps=learn_steps, output=output, seed=seed, as_json=as_json, waves=waves,
            time_limit_s=time_limit_s, ports=ports, junit=junit,
        )  # fmt: skip
    _refuse_mixtures(trials, random_steps, learn_steps, bench, check)
    _refuse_waves(waves, simulator, trials, learn_steps, bench)
    if netlist and (waves or trials is not None or bench is not None):
        raise click.UsageError(
            "--netlist compares steps of --learn or --random; leave --waves, --trials and --bench "
            "out"
        )
    if bench is not None:
        return _bench(load_job(reference, output, seed), Path(bench), check, seed, as_json)
    with clean_stdout() as say:
        job = load_job(reference, output, seed)
        if netlist:
            result = netlist_of(job, netlist, learn_steps, random_steps)
            say(json_text(result) if as_json else _text(result))
            return 1 if result["mismatches"] else 0
        if waves:
            result = waves_of(job, random_steps)
            say(json_text(result) if as_json else f"{_text(result)}\n{result['waves']}")
            return 1 if result["mismatches"] else 0
        script = "learn" if learn_steps else "random" if random_steps else "task"
        if script == "task":
            run = perform(job, ("sim",), sim_trials=trials, simulator=simulator, force=force)
        else:
            steps = learn_steps or random_steps or 0
            run = _random(job, script, steps, simulator, force)
        stage = "sim" if script == "task" else "random"
        result = {
            "name": job.spec.network.name,
            "n": job.spec.network.oscillators,
            "simulator": simulator,
            "unit": unit,
            **run.result(stage),
            "stages": run.stages(),
        }
        say(json_text(result) if as_json else _text(result))
    tell_failures(run)
    return run.status


def _refuse_mixtures(
    trials: int | None,
    random_steps: int | None,
    learn_steps: int | None,
    bench: str | None,
    check: bool,
) -> None:
    if random_steps is not None and learn_steps is not None:
        raise click.UsageError("--random and --learn are two scripts; give one of them")
    other = "--random" if random_steps is not None else "--learn"
    if trials is not None and (random_steps is not None or learn_steps is not None):
        raise click.UsageError(f"--trials counts recalls of the task; {other} runs another script")
    given = [trials, random_steps, learn_steps]
    if bench is not None and any(steps is not None for steps in given):
        raise click.UsageError(
            "--bench writes files and simulates nothing; leave --trials, --random and --learn out"
        )
    if check and bench is None:
        raise click.UsageError("--check compares the files of a bench; give --bench DIR")


def _refuse_waves(
    waves: bool, simulator: str, trials: int | None, learn_steps: int | None, bench: str | None
) -> None:
    if not waves:
        return
    if bench is not None:
        raise click.UsageError("--bench writes files and simulates nothing; leave --waves out")
    _refuse_waves_elsewhere(simulator)
    if trials is not None or learn_steps is not None:
        raise click.UsageError("--waves does one recall only; leave --trials and --learn out")


def _refuse_waves_elsewhere(simulator: str) -> None:
    if simulator != "icarus":
        raise click.UsageError(
            f"--waves with --simulator {simulator}: only Icarus dumps waves; give "
            "--simulator icarus"
        )


def _bench(job: Job, folder: Path, check: bool, seed: int | None, as_json: bool) -> int:
    """Write the bench of a network, or compare it with what is there."""
    with clean_stdout() as say:
        from drai_hw.files import write_together
        from drai_hw.model import plan
        from drai_hw.rtl import emit
        from drai_hw.rtl.core import Core
        from drai_hw.sim import designs

        plan.require_task(job.spec)
        name = job.spec.network.name
        if folder.exists() and not folder.is_dir():
            raise SpecError(f"bench {str(folder)!r} is a file; --bench needs a directory")
        # A path on this machine has no place in files that others get.
        command_line = f"drai-hw sim {name} --bench DIR"
        if seed is not None:
            command_line += f" --seed {seed}"
        verilog = emit.verilog(Core(formats_for(job)), command=f"drai-hw rtl {name}")
        files = designs.texts(job.spec, verilog, command=command_line)
        targets = {folder / key: text for key, text in files.items()}
        stale = [
            str(path)
            for path, text in targets.items()
            if not path.is_file() or path.read_bytes() != text.encode()
        ]
        result: dict[str, Any] = {"name": name, "files": [str(path) for path in targets]}
        if check:
            result["stale"] = stale
            lines = [f"{path}: differs from what SPEC gives, or is missing" for path in stale]
            text = "\n".join(lines) or f"{len(targets)} files are what SPEC gives"
        else:
            write_together(targets)
            text = "\n".join(result["files"])
        say(json_text(result) if as_json else text)
    return 1 if check and stale else 0


def _random(job: Job, script: str, steps: int, simulator: str, force: bool) -> Run:
    from drai_hw.cli.running import refuse_failures
    from drai_hw.flow import build
    from drai_hw.flow.progress import reporter_for

    run = build.random_comparison(
        job.spec,
        job.outdir,
        steps,
        script=script,
        simulator=simulator,
        reporter=reporter_for(),
        force=force,
    )
    refuse_failures(run)
    return run


def _text(result: dict[str, Any]) -> str:
    return (
        f"{result['mismatches']} mismatches in {result['steps']:,} steps, {result['cycles']:,} "
        f"clocks, {result['pair_updates']:,} pair evaluations, {result['updates']:,} weight changes"
    )
