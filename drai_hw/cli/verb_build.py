"""`drai-hw build`: the whole chain and its report."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    Job,
    circuit_option,
    clean_stdout,
    force_option,
    json_option,
    json_text,
    load_job,
    out_option,
    pnr_seed_option,
    seed_option,
    spec_argument,
)
from drai_hw.cli.running import tell_failures

if TYPE_CHECKING:
    from drai_hw.flow.build import Run


@click.command("build")
@spec_argument
@click.option(
    "--board",
    metavar="B",
    help="Board: a name (ulx3s-85f, icebreaker, ...), a folder with board.toml, or "
    "module:PlatformClass.  [default: the network's, ulx3s-85f]",
)
@circuit_option
@pnr_seed_option
@out_option("Output directory; report.html and report.json go there.")
@seed_option
@force_option
@json_option
def command(
    reference: str,
    board: str | None,
    circuit: str | None,
    pnr_seeds: tuple[int, ...],
    output: str | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """
    Run the whole chain for SPEC: model, twin, RTL, simulation, bitstream, circuit, report.

    Stages whose inputs did not change are taken from the output directory. Ctrl-C keeps finished
    stages. Exit status 1 when the machines do not agree, 2 when a stage needs something from you.
    """
    with clean_stdout() as say:
        job = load_job(reference, output, seed, board={"name": board}, circuit={"kind": circuit})
        run = _run(job, pnr_seeds or (1,), force, board, circuit, seed)
        result = summary(job, run)
        say(json_text(result) if as_json else _text(result))
    tell_failures(run)
    return run.status or (0 if result["agreed"] else 1)


def _run(
    job: Job,
    pnr_seeds: tuple[int, ...],
    force: bool,
    board: str | None,
    circuit: str | None,
    seed: int | None,
) -> Run:
    from drai_hw.flow import build
    from drai_hw.flow.progress import reporter_for

    words = ["drai-hw", "build", job.reference]
    for option, value in (("--board", board), ("--circuit", circuit), ("--seed", seed)):
        words += [option, str(value)] if value is not None else []
    for number in pnr_seeds if pnr_seeds != (1,) else ():
        words += ["--pnr-seed", str(number)]
    return build.build(
        job.spec,
        job.outdir,
        pnr_seeds=pnr_seeds,
        reproduce=(shlex.join(words),),
        reporter=reporter_for(),
        force=force,
    )


def summary(job: Job, run: Run) -> dict[str, Any]:
    """Return the JSON of the verb; null stands where a stage has no result."""
    from drai_hw.flow.gather import HTML, JSON

    found = run.outcomes["report"].result or {}
    board = found.get("board") or {}
    verdict = found.get("verdict") or {"status": "incomplete", "sentence": "There is no report."}
    written = run.has("report")
    return {
        "name": job.spec.network.name,
        "n": job.spec.network.oscillators,
        "agreed": verdict["status"] == "agree",
        "verdict": verdict["sentence"],
        "stages": run.stages(),
        "agreement": found.get("agreement"),
        "checks": found.get("checks", []),
        "area": found.get("area"),
        "fmax_hz": board.get("fmax_hz"),
        "clock_hz": board.get("clock_hz"),
        "steps_per_s": board.get("steps_per_s"),
        "bitstream": _bitstream(run),
        "energy": found.get("energy"),
        "report": str(job.outdir / HTML) if written else None,
        "report_json": str(job.outdir / JSON) if written else None,
    }


def _bitstream(run: Run) -> str | None:
    if not run.has("board"):
        return None
    return str(run.folder("board") / run.result("board")["bitstream"])


def _text(result: dict[str, Any]) -> str:
    lines = [result["verdict"]]
    lines += [f"  {row['what']}: {row['result']}" for row in result["checks"]]
    if result["area"]:
        lut = result["area"]["lut"]
        lines.append(
            f"  {result['area']['device']}: {lut['used']:,} of {lut['available']:,} LUT, fmax "
            f"{result['fmax_hz'] / 1e6:.1f} MHz, {result['steps_per_s']:,.0f} steps/s"
        )
    if result["energy"]:
        from drai_hw.units import si

        lines.append(
            f"  energy a run {si(result['energy']['energy_per_recall_j'], 'J')} "
            f"({result['energy']['method']})"
        )
    if result["report"]:
        lines.append(f"Report: {result['report']}")
    return "\n".join(lines)
