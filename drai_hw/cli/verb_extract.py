"""`drai-hw extract`: from the circuit of a network to the phase model that predicts it."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    circuit_option,
    clean_stdout,
    json_option,
    json_text,
    load_job,
    out_option,
    seed_option,
    spec_argument,
)
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.spec import Spec
    from drai_hw.spice.extraction import Extraction


@click.command("extract")
@spec_argument
@circuit_option
@out_option("File for the JSON object.", "nothing is written")
@seed_option
@json_option
def command(
    reference: str, circuit: str | None, output: str | None, seed: int | None, as_json: bool
) -> int:
    """
    Extract frequency, coupling function, lag, SHIL and amplitude of SPEC's oscillators.

    Three ways side by side: closed form; phase response, by charge kicks in a transient; the
    transient of a pair. Exit status 1, with the reason, where they disagree by more than their
    stated tolerances or where the network couples too strongly for a phase model.
    """
    with clean_stdout() as say:
        path = None if output is None else Path(output)
        if path is not None and path.is_dir():
            raise SpecError(f"output {output!r} is a directory; -o needs a file here")
        job = load_job(reference, None, seed, circuit={"kind": circuit})
        found = _extract(job.spec)
        result = {"name": job.spec.network.name, **found.summary()}
        if path is not None:
            from drai_hw.files import write_whole

            write_whole(path, json_text(result) + "\n")
        say(json_text(result) if as_json else _text(result))
    for reason in found.failures:
        click.echo(f"drai-hw: error: not valid: {reason}", err=True)
    return 1 if found.failures else 0


def _extract(spec: Spec) -> Extraction:
    """Extract under a progress bar, which shows on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress

    from drai_hw.spice.extraction import extract

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("extract", total=1.0)
        return extract(
            spec.circuit,
            tell=lambda done, what: bar.update(task, completed=done, description=what),
        )


def _text(result: Mapping[str, Any]) -> str:
    """Return the three ways as columns, then the judgement and the keys for the float model."""
    ways = result["ways"]
    rows = [
        ("", *ways),
        ("frequency, Hz", *(_number(w["frequency_hz"], 7) for w in ways.values())),
        ("amplitude, V", *(_number(w["amplitude_v"], 4) for w in ways.values())),
        ("w, rad/s per S", *(_number(w["w_per_siemens_rad_per_s"], 5) for w in ways.values())),
        ("lag, degrees", *(_number(_degrees(w["lag_rad"]), 3) for w in ways.values())),
        ("even/odd", *(_number(w["even_odd_ratio"], 3) for w in ways.values())),
        ("K_s, rad/s per A", *(_number(w["k_s_per_ampere_rad_per_s"], 3) for w in ways.values())),
        (
            "K_s, rad/s per pumped S",
            *(_number(w["k_s_per_pumped_siemens_rad_per_s"], 5) for w in ways.values()),
        ),
    ]
    lines = ["".join(f"{cell:<26}" if k == 0 else f"{cell:>16}" for k, cell in enumerate(row))
             for row in rows]  # fmt: skip
    seen = result["prediction"]
    lines.append(
        f"phase response predicts the pair (rho {result['pair_rho']:g}): slope "
        f"{seen['slope']:.5f}, correlation {seen['correlation']:.6f}; at rho "
        f"{result['validity']['rho']:g}: {100 * result['validity']['slope_error_at_rho']:+.2f} %"
    )
    other = result["negative_prediction"]
    if other:
        lines.append(
            f"and the pair of a negative weight: slope {other['slope']:.5f}, correlation "
            f"{other['correlation']:.6f}"
        )
    held = sum(check["holds"] for check in result["checks"])
    lines.append(f"{held} of {len(result['checks'])} comparisons within their tolerances")
    keys = result["network_keys"]["dynamics"]
    lines += ["for the float model:", "[dynamics]", *(f"{key} = {keys[key]}" for key in keys)]
    if result["null_lag"]:
        lines += ["to null the lag:", "[circuit]"]
        lines += [f"{key} = {json.dumps(value)}" for key, value in result["null_lag"].items()]
    return "\n".join(lines)


def _degrees(angle_rad: float | None) -> float | None:
    return None if angle_rad is None else math.degrees(angle_rad)


def _number(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:.{digits}g}"
