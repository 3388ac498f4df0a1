"""`drai-hw recall`: patterns from a file, stored by learning, recalled from corrupted copies."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from drai_hw.cli.common import (
    Job,
    clean_stdout,
    json_option,
    json_text,
    links_in_file,
    out_option,
    seed_option,
    with_overrides,
)
from drai_hw.cli.running import perform
from drai_hw.errors import SpecError

STAGES = {"float": "model", "twin": "twin", "rtl": "sim"}


def _backends(context: click.Context, parameter: click.Parameter, value: str) -> tuple[str, ...]:
    chosen = tuple(dict.fromkeys(part.strip() for part in value.split(",") if part.strip()))
    unknown = [part for part in chosen if part not in STAGES]
    if unknown or not chosen:
        raise click.BadParameter(
            f"{value!r}: needs one or more of {', '.join(STAGES)}, separated by commas"
        )
    return chosen


@click.command("recall")
@click.argument("patterns", metavar="PATTERNS.npy")
@click.option(
    "--flips",
    type=click.FloatRange(0, 1),
    metavar="F",
    help="Share of pixels flipped in a corrupted copy, 0 to 1; floor(F N + 0.5) distinct pixels.  "
    "[default: the network's, 0.1]",
)
@click.option(
    "--trials",
    type=click.IntRange(1),
    metavar="N",
    help="Recalls in all, patterns in turn.  [default: the network's, 20]",
)
@click.option(
    "--spec",
    "reference",
    default="memory",
    show_default=True,
    metavar="SPEC",
    help="Network whose settings are used; `memory` takes any number of oscillators.",
)
@click.option(
    "--backend",
    "backends",
    default="twin",
    show_default=True,
    metavar="LIST",
    callback=_backends,
    help="Machines, separated by commas: float, twin, rtl (simulated, compared with the twin).",
)
@out_option("Output directory.")
@seed_option
@json_option
def command(
    patterns: str,
    flips: float | None,
    trials: int | None,
    reference: str,
    backends: tuple[str, ...],
    output: str | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """
    Store the rows of PATTERNS.npy (M x N, values -1/+1) by learning, then recall corrupted copies.

    A recall is exact when all N pixels are right, up to a global sign: coupled oscillators know
    relative phases only. Text files with one pattern of # and . a line are read as well.
    """
    with clean_stdout() as say:
        job = _job(patterns, reference, output, flips, trials, seed)
        run = perform(
            job,
            tuple(STAGES[name] for name in backends),
            sim_trials=job.spec.task.trials,
        )
        found = {name: _figures(job, dict(run.result(STAGES[name]))) for name in backends}
        result = found[backends[0]] if len(backends) == 1 else found
        say(json_text(result) if as_json else "\n".join(_line(*item) for item in found.items()))
    return run.status


def _job(
    patterns: str,
    reference: str,
    output: str | None,
    flips: float | None,
    trials: int | None,
    seed: int | None,
) -> Job:
    from drai_hw import catalog
    from drai_hw.spec import check_values, read_patterns

    path = Path(patterns)
    values = read_patterns(path)
    check_values(values, str(path))
    spec, folder = catalog.find(reference)
    n = values.shape[1]
    if reference == "memory":
        network: dict[str, Any] = {"oscillators": n}
    elif n != spec.network.oscillators:
        raise SpecError(
            f"patterns {patterns!r} have {n} pixels, --spec {reference!r} has "
            f"{spec.network.oscillators} oscillators; needs as many of one as of the other, or "
            "leave --spec out"
        )
    else:
        network = links_in_file(spec, folder)
    task = {
        "kind": "recall",
        "patterns": values.astype(int).tolist(),
        "flips": flips,
        "trials": trials,
        "seed": seed,
    }
    spec = with_overrides(spec, {"network": network, "task": task})
    outdir = Path(output) if output else Path("build") / spec.network.name
    return Job(spec, outdir, reference)


def _figures(job: Job, entry: dict[str, Any]) -> dict[str, Any]:
    """Return the figures of a backend under the names the contract gives them."""
    kept = ("exact_rate", "interval_95", "overlap", "hits", "trials", "steps", "updates")
    figures = {key: entry[key] for key in kept if key in entry}
    figures |= {key: entry[key] for key in ("mismatches", "cycles") if key in entry}
    return {
        **figures,
        "N": job.spec.network.oscillators,
        "M": len(job.spec.task.patterns),
        "flips": job.spec.task.flips,
        "flipped_pixels": entry["flipped"],
        "seed": job.spec.task.seed,
        "inverse_counts": True,
    }


def _line(name: str, entry: dict[str, Any]) -> str:
    from drai_hw.report.stats import Rate

    text = (
        f"{name:<6}exact recalls {Rate(entry['hits'], entry['trials'])} of {entry['M']} patterns "
        f"of {entry['N']} pixels, {entry['flipped_pixels']} flipped"
    )
    if "mismatches" in entry:
        text += f"; {entry['mismatches']} mismatches with the twin"
    return text
