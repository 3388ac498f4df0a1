"""`drai-hw board`: a bitstream, its area and its speed."""

from __future__ import annotations

from typing import Any

import click

from drai_hw.cli.common import (
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
from drai_hw.cli.running import perform, tell_failures


@click.command("board")
@spec_argument
@click.option(
    "--board",
    metavar="B",
    help="Board: a name (ulx3s-85f, icebreaker, ...), a folder with board.toml, or "
    "module:PlatformClass; settings after commas, e.g. ,clock.pll_hz=50e6.  "
    "[default: the network's]",
)
@pnr_seed_option
@click.option("--program", is_flag=True, help="Load the bitstream into the board (openFPGALoader).")
@out_option("Output directory.")
@seed_option
@force_option
@json_option
def command(
    reference: str,
    board: str | None,
    pnr_seeds: tuple[int, ...],
    program: bool,
    output: str | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """
    Make the bitstream of SPEC: synthesis, place and route, packing.

    Says first which lanes, pages and memories it takes, why, and what area and fmax it predicts;
    then used and available logic, memories and multipliers, fmax (Hz) and steps per second.
    Exit status 1 when the design is slower than the board's clock.
    """
    with clean_stdout() as say:
        job = load_job(reference, output, seed, board={"name": board})
        from drai_hw.flow.geometry import choice_of

        choice = choice_of(job.spec)
        click.echo(f"drai-hw: {_choice_text(choice)}", err=True)
        run = perform(job, ("board",), pnr_seeds=pnr_seeds or (1,), force=force)
        result = dict(run.result("board"))
        result["bitstream"] = str(run.folder("board") / result["bitstream"])
        result |= {"logic": result["lut"], "memory": result["ebr"], "stages": run.stages()}
        result["choice"] = choice
        if program:
            from drai_hw.boards.boardfile import load_board
            from drai_hw.boards.program import program as load_into

            words = load_into(
                load_board(job.spec.board.name),
                result["bitstream"],
                progress=lambda text: click.echo(text, err=True),
            )
            result["programmed_with"] = list(words)
        say(json_text(result) if as_json else _text(result))
    tell_failures(run)
    if not result["timing_met"]:
        click.echo(
            f"drai-hw: error: fmax {result['fmax_hz'] / 1e6:.1f} MHz is below the clock of "
            f"{result['clock_hz'] / 1e6:g} MHz; try another --pnr-seed, fewer lanes, or a slower "
            "clock in board.toml",
            err=True,
        )
        return 1
    return run.status


def _choice_text(choice: dict[str, Any]) -> str:
    """Say what was chosen, why, and what is predicted."""
    predicted = choice["predicted"]
    area = ", ".join(
        f"{predicted[key]:,} {key.upper()}"
        for key in ("lut", "ff", "ebr", "spram", "dsp")
        if predicted[key]
    )
    return (
        f"{choice['lanes']} lanes x {choice['pages']} pages, {choice['reason']}\n"
        f"predicted: {area}, fmax {predicted['fmax_hz'] / 1e6:.0f} MHz"
    )


def _text(result: dict[str, Any]) -> str:
    used = ", ".join(
        f"{key.upper()} {result[key]['used']:,} of {result[key]['available']:,}"
        for key in ("lut", "ff", "ebr", "spram", "dsp")
        if result[key]["available"]
    )
    return (
        f"{result['bitstream']}\n{result['device']}: {used}\n"
        f"{result['n']} oscillators on {_choice_text(result['choice'])}\n"
        f"fmax {result['fmax_hz'] / 1e6:.1f} MHz, clock {result['clock_hz'] / 1e6:g} MHz, "
        f"{result['clocks_per_step']} clocks per step, {result['steps_per_s']:,.0f} steps/s"
    )
