"""`drai-hw spice --dies`: many dies of a network's circuit, and what is told of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from drai_hw.cli.common import Job

if TYPE_CHECKING:
    from drai_hw.flow.build import Run
    from drai_hw.spice.spread.circuits import Corner

F = TypeVar("F", bound=Callable[..., Any])
NOMINAL_C, NOMINAL_SUPPLY = 27.0, 1.0


def dies_options(function: F) -> F:
    """Add ``--dies``, ``--scale``, ``--temperature`` and ``--supply``."""
    for option in (
        click.option(
            "--supply",
            type=float,
            metavar="SHARE",
            help="With --dies, of rings and drawn cores: VDD over the nominal one, 0.5 to 1.5.  "
            "[default: 1]",
        ),
        click.option(
            "--temperature",
            type=float,
            metavar="CELSIUS",
            help="With --dies, of rings and drawn cores: -55 to 150 degrees Celsius.  "
            "[default: 27]",
        ),
        click.option(
            "--scale",
            type=float,
            metavar="FACTOR",
            help="With --dies: resistors, inductors and transistors deviate, too, by this times "
            "the standard deviations of the page of spread, 0 to 20; calibration then goes by "
            "frequencies that ngspice measures.  [default: 0]",
        ),
        click.option(
            "--dies",
            type=click.IntRange(1, 100_000),
            metavar="N",
            help="With --run: N more recalls, each of a die with components of its own "
            "(circuit.mismatch), before and after tuning (circuit.tuning_bits): distributions. "
            "Finished dies are kept in dies/ beside the results.",
        ),
    ):
        function = option(function)
    return function


def refuse(dies: int | None, simulate: bool, macro: bool, corner: tuple[Any, ...]) -> None:
    """Refuse options that don't go together."""
    if dies and not simulate:
        raise click.UsageError("--dies simulates: add --run")
    if dies and macro:
        raise click.UsageError(
            "--dies draws components, which phase macromodels don't have: leave one out"
        )
    if not dies and any(value is not None for value in corner):
        raise click.UsageError("--scale, --temperature and --supply are of dies: add --dies N")


def corner_of(
    job: Job, temperature_c: float | None, supply: float | None, scale: float | None
) -> Corner:
    """Return where the dies of a network work; refuse what they cannot be run for."""
    from drai_hw.flow.dies import require_dies
    from drai_hw.spice.spread.circuits import Corner
    from drai_hw.spice.spread.deviate import Mismatch

    corner = Corner(
        supply=NOMINAL_SUPPLY if supply is None else supply,
        temperature_c=NOMINAL_C if temperature_c is None else temperature_c,
    )
    require_dies(job.spec, corner)
    Mismatch(scale=scale or 0.0)
    return corner


def run_dies(
    job: Job, run: Run, count: int, corner: Corner, scale: float | None, force: bool
) -> dict[str, Any]:
    """Run the dies of a network and return their distributions."""
    from drai_hw.flow.dies import Dies
    from drai_hw.flow.dies import run as run_all
    from drai_hw.flow.network import load

    twin = load(run.folder("twin"))
    some = Dies(
        job.spec, twin["weights"], twin["starts"], twin["stored"], twin["target"], corner,
        scale or 0.0,
    )  # fmt: skip

    def tell(done: int, of: int, name: str) -> None:
        click.echo(f"{done} of {of}: {name.rpartition('-')[0]}", err=True)

    return run_all(some, count, job.outdir / "dies", fresh=force, tell=tell)


def dies_lines(found: Mapping[str, Any]) -> list[str]:
    """Return what dies have shown, as lines to read."""
    from drai_hw.spice.spread.summary import told

    lines = [
        f"{found['count']} dies, mismatch {100 * found['mismatch']:g} %, "
        f"{found['temperature_c']:g} degC, {found['supply']:g} of the nominal supply"
        + (f", other components x {found['scale']:g}:" if found["scale"] else ":")
    ]
    for state in ("untrimmed", "trimmed"):
        if state in found:
            lines += told(state, found[state])
    return lines
