"""Running the chain for a network: preflight, stages, report, and what the verbs print of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drai_hw.files import write_together
from drai_hw.flow.chain import ORDER, chain, random_stage, report
from drai_hw.flow.engine import Engine
from drai_hw.flow.gather import HTML, JSON
from drai_hw.flow.geometry import geometry_of
from drai_hw.flow.progress import Reporter
from drai_hw.flow.stages import Outcome, closure
from drai_hw.model import plan
from drai_hw.spec import Spec


@dataclass(frozen=True)
class Run:
    """
    What a run of stages gave.

    Parameters
    ----------
    outcomes:
        By stage, in working order.
    """

    outcomes: Mapping[str, Outcome]

    @property
    def failures(self) -> list[Outcome]:
        """Stages that failed."""
        return [outcome for outcome in self.outcomes.values() if outcome.status == "failed"]

    @property
    def status(self) -> int:
        """Exit status: 2 when the user can mend a failure, else 1 when a check or stage failed."""
        kinds = {outcome.kind for outcome in self.failures}
        return 2 if "input" in kinds else 1 if kinds else 0

    def result(self, stage: str) -> Mapping[str, Any]:
        """Return the result of a stage that has one."""
        found = self.outcomes[stage].result
        if found is None:
            raise KeyError(stage)
        return found

    def folder(self, stage: str) -> Path:
        """Return the folder of a stage that has a result."""
        found = self.outcomes[stage].folder
        if found is None:
            raise KeyError(stage)
        return found

    def has(self, *stages: str) -> bool:
        """Say whether all these stages have results."""
        return all(self.outcomes[stage].result is not None for stage in stages)

    def stages(self) -> list[dict[str, Any]]:
        """Return ``stages[]`` of the JSON, in the order of the chain."""
        places = {name: place for place, name in enumerate(ORDER)}
        found = sorted(self.outcomes.values(), key=lambda o: places.get(o.name, len(ORDER)))
        return [outcome.summary() for outcome in found]


def run(
    spec: Spec,
    outdir: Path,
    targets: tuple[str, ...],
    *,
    pnr_seeds: tuple[int, ...] = (1,),
    sim_trials: int | None = None,
    simulator: str = "icarus",
    reporter: Reporter | None = None,
    force: bool = False,
) -> Run:
    """
    Run the stages that some results need.

    Parameters
    ----------
    spec:
        The network.
    outdir:
        Folder of the results.
    targets:
        Stages whose results are wanted, of model, twin, rtl, sim, board, spice.
    pnr_seeds:
        Seeds of place and route.
    sim_trials:
        Recalls in the RTL simulation; default each pattern once, five at least.
    simulator:
        Of the RTL: ``icarus`` or ``cxxrtl``.
    reporter:
        Who is told about the progress.
    force:
        Do them again even if nothing changed.

    Raises
    ------
    FitError
        When the network does not fit the board and the board is among the targets.
    SpecError
        When the formats cannot hold the network, or the board is unknown, or the task comes as a
        graph file and a target needs one.
    """
    if "spice" in targets:
        plan.require_circuit(spec)
    elif set(targets) - {"model", "twin"}:
        plan.require_hardware(spec)
    if set(targets) - {"board"}:
        plan.require_task(spec)
    if "board" in targets:
        preflight(spec)
    stages = closure(
        chain(spec, pnr_seeds=pnr_seeds, sim_trials=sim_trials, simulator=simulator), targets
    )
    return Run(Engine(stages, outdir, reporter=reporter, force=force).run())


def build(
    spec: Spec,
    outdir: Path,
    *,
    pnr_seeds: tuple[int, ...] = (1,),
    reproduce: tuple[str, ...] = (),
    reporter: Reporter | None = None,
    force: bool = False,
) -> Run:
    """
    Run the whole chain and write ``report.html`` and ``report.json`` into the output directory.

    Parameters
    ----------
    reproduce:
        Commands that make the same report again, for the report.
    spec, outdir, pnr_seeds, reporter, force:
        As in :func:`run`.

    Raises
    ------
    FitError, SpecError
        As in :func:`run`, before any stage starts.
    """
    plan.require_circuit(spec)
    plan.require_task(spec)
    preflight(spec)
    stages = chain(spec, pnr_seeds=pnr_seeds)
    whole = (*stages, report(spec, stages, reproduce))
    done = Run(Engine(whole, outdir, reporter=reporter, force=force).run())
    if done.has("report"):
        made = done.folder("report")
        write_together({outdir / name: (made / name).read_bytes() for name in (JSON, HTML)})
    return done


def random_comparison(
    spec: Spec,
    outdir: Path,
    steps: int,
    *,
    script: str = "random",
    simulator: str = "icarus",
    reporter: Reporter | None = None,
    force: bool = False,
) -> Run:
    """
    Compare RTL and twin under random stimulus; the one stage is called `random`.

    Parameters
    ----------
    steps:
        How many, >= 1.
    script:
        ``random`` or ``learn``, see :class:`drai_hw.sim.jobs.Job`.
    simulator:
        Of the RTL: ``icarus`` or ``cxxrtl``.
    spec, outdir, reporter, force:
        As in :func:`run`; ``task.seed`` is the stimulus's seed.
    """
    plan.require_hardware(spec)
    stage = random_stage(spec, steps, script=script, simulator=simulator)
    return Run(Engine((stage,), outdir, reporter=reporter, force=force).run())


def preflight(spec: Spec) -> None:
    """Refuse a network that its board cannot hold, before minutes are spent on it."""
    from drai_hw.boards.boardfile import load_board
    from drai_hw.boards.fit import check_fit

    check_fit(plan.formats_of(spec, *geometry_of(spec)), load_board(spec.board.name))
