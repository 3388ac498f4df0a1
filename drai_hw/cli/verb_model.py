"""`drai-hw model`: the task on the float model and on the twin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    clean_stdout,
    force_option,
    json_option,
    json_text,
    load_job,
    out_option,
    seed_option,
    spec_argument,
)
from drai_hw.cli.running import perform

if TYPE_CHECKING:
    from drai_hw.flow.build import Run
    from drai_hw.spec import Spec


@click.command("model")
@spec_argument
@out_option("Output directory.")
@seed_option
@force_option
@click.option(
    "--float-only",
    is_flag=True,
    help="Only the float model: for mechanisms that integers do not have.",
)
@json_option
def command(
    reference: str,
    output: str | None,
    seed: int | None,
    force: bool,
    float_only: bool,
    as_json: bool,
) -> int:
    """
    Run the task of SPEC on the float model and on the fixed-point twin.

    A recall task learns its patterns and recalls corrupted copies; a lock task settles and
    measures the phase offset (rad). Exit status 1 when the two do not agree.
    """
    with clean_stdout() as say:
        job = load_job(reference, output, seed)
        run = perform(job, ("model",) if float_only else ("model", "twin"), force=force)
        result = alone(job.spec, run) if float_only else summary(job.spec, run)
        say(json_text(result) if as_json else _text(result))
    return 1 if result["agreement"]["agrees"] is False else 0


def summary(spec: Spec, run: Run) -> dict[str, Any]:
    """Return the JSON of the verb."""
    from drai_hw.flow.network import load
    from drai_hw.flow.verdict import checks
    from drai_hw.model.readout import is_exact

    results = {name: run.result(name) for name in ("model", "twin")}
    rows = [row for row in checks(spec, results) if row["mark"] != "open"]
    agreement: dict[str, Any] = {
        "agrees": all(row["mark"] != "bad" for row in rows),
        "checks": rows,
    }
    if spec.task.kind == "recall":
        ends = [load(run.folder(name))["ends"] for name in ("model", "twin")]
        same = [is_exact(a, b) for a, b in zip(*ends, strict=True)]
        agreement |= {"same_end": sum(same), "trials": len(same)}
    return {
        "name": spec.network.name,
        "n": spec.network.oscillators,
        "task": spec.task.kind,
        "float": results["model"],
        "twin": results["twin"],
        "agreement": agreement,
        "stages": run.stages(),
    }


def alone(spec: Spec, run: Run) -> dict[str, Any]:
    """Return the JSON of the verb without the twin: nothing to agree with, which it says."""
    return {
        "name": spec.network.name,
        "n": spec.network.oscillators,
        "task": spec.task.kind,
        "float": run.result("model"),
        "twin": None,
        "agreement": {"agrees": None, "checks": [], "reason": "float model alone, as asked"},
        "stages": run.stages(),
    }


def _text(result: Mapping[str, Any]) -> str:
    lines = []
    for key in ("float", "twin"):
        entry = result[key]
        if entry is None:
            lines.append(f"{key:<6}not run: {result['agreement']['reason']}")
        elif entry["kind"] == "lock":
            offsets = ", ".join(f"{value:.4f}" for value in entry["offsets_rad"])
            lines.append(f"{key:<6}offsets {offsets} rad after {entry['steps']} steps")
        else:
            from drai_hw.report.stats import Rate

            lines.append(
                f"{key:<6}exact recalls {Rate(entry['hits'], entry['trials'])}, "
                f"{entry['updates']:,} weight updates in {entry['presentations']} presentations"
            )
    for row in result["agreement"]["checks"]:
        lines.append(f"{row['what']}: {row['result']} ({row['extent']})")
    return "\n".join(lines)
