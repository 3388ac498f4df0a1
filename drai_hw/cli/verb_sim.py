"""`drai-hw sim`: the RTL in simulation, compared with the twin after every step."""

from __future__ import annotations

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
    spec_argument,
)
from drai_hw.cli.running import perform, tell_failures

if TYPE_CHECKING:
    from drai_hw.flow.build import Run


@click.command("sim")
@spec_argument
@click.option(
    "--simulator",
    type=click.Choice(["icarus"]),
    default="icarus",
    show_default=True,
    help="Simulator.",
)
@click.option(
    "--unit",
    type=click.Choice(["core"]),
    default="core",
    show_default=True,
    help="Unit under test.",
)
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
@out_option("Output directory.")
@seed_option
@force_option
@json_option
def command(
    reference: str,
    simulator: str,
    unit: str,
    trials: int | None,
    random_steps: int | None,
    output: str | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """
    Simulate the core of SPEC, learning included, and compare it with the twin after every step.

    Every phase, weight, margin bit and smoothed frequency must be equal, bit for bit. Exit status
    1 at the first difference.
    """
    if trials is not None and random_steps is not None:
        raise click.UsageError("--trials counts recalls of the task; --random runs another script")
    with clean_stdout() as say:
        job = load_job(reference, output, seed)
        if random_steps is None:
            run, stage = perform(job, ("sim",), sim_trials=trials, force=force), "sim"
        else:
            run, stage = _random(job, random_steps, force), "random"
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


def _random(job: Job, steps: int, force: bool) -> Run:
    from drai_hw.cli.running import refuse_failures
    from drai_hw.flow import build
    from drai_hw.flow.progress import reporter_for

    run = build.random_comparison(job.spec, job.outdir, steps, reporter=reporter_for(), force=force)
    refuse_failures(run)
    return run


def _text(result: dict[str, Any]) -> str:
    return (
        f"{result['mismatches']} mismatches in {result['steps']:,} steps, {result['cycles']:,} "
        f"clocks, {result['pair_updates']:,} pair evaluations, {result['updates']:,} weight changes"
    )
