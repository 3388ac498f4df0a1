"""Running stages for a verb: progress, errors and exit status the same for all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from drai_hw.errors import DraiError

if TYPE_CHECKING:
    from drai_hw.cli.common import Job
    from drai_hw.flow.build import Run


def perform(
    job: Job,
    targets: tuple[str, ...],
    *,
    pnr_seeds: tuple[int, ...] = (1,),
    sim_trials: int | None = None,
    simulator: str = "icarus",
    force: bool = False,
) -> Run:
    """
    Run the stages that a verb's result needs.

    Raises
    ------
    DraiError
        When a stage failed for a reason the user can mend; its text is the stage's.
    RuntimeError
        When a stage failed by a fault of the program.
    """
    from drai_hw.flow import build
    from drai_hw.flow.progress import reporter_for

    run = build.run(
        job.spec,
        job.outdir,
        targets,
        pnr_seeds=pnr_seeds,
        sim_trials=sim_trials,
        simulator=simulator,
        reporter=reporter_for(),
        force=force,
    )
    refuse_failures(run)
    return run


def refuse_failures(run: Run) -> None:
    """Raise what a stage failed with, unless it was a comparison that did not hold."""
    for outcome in run.failures:
        if outcome.kind == "input":
            raise DraiError(outcome.reason)
        if outcome.kind == "fault":
            raise RuntimeError(f"stage {outcome.name}: {outcome.reason}")


def tell_failures(run: Run) -> None:
    """Say on standard error why each failed stage failed."""
    for outcome in run.failures:
        click.echo(f"drai-hw: error: stage {outcome.name}: {outcome.reason}", err=True)
