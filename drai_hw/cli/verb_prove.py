"""`drai-hw prove`: proofs that logic does what the twin does, and properties of the core."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    clean_stdout,
    json_option,
    json_text,
    load_job,
    out_option,
    seed_option,
    spec_argument,
)
from drai_hw.model.unit_ports import UNITS

if TYPE_CHECKING:
    from drai_hw.model.numbers import Formats

PROPERTIES = ("weights-in-range", "pairs-once", "sums-to-zero", "no-deadlock", "frames-checked")
LIMIT_S = 600


@click.command("prove")
@spec_argument
@click.option("--unit", type=click.Choice(UNITS), help="Prove that this unit follows its rule.")
@click.option(
    "--property",
    "prop",
    type=click.Choice(PROPERTIES),
    help="Prove this property of the core.",
)
@click.option(
    "--dut",
    "dut",
    multiple=True,
    metavar="FILE",
    help="Verilog (.v, .sv) or RTLIL (.il) of your own, of a unit VHDL too; again for more files; "
    "needs --top. Without --unit and --property it is a synapse.",
)
@click.option("--top", metavar="NAME", help="Top module of --dut.")
@click.option(
    "--ports",
    metavar="FILE",
    help="Port map (TOML) of --dut, where names or reset differ: the same as for `drai-hw sim`.",
)
@click.option(
    "--latency",
    type=click.IntRange(0, 64),
    metavar="N",
    help="Clocks from en to valid.  [default: found out]",
)
@click.option(
    "--time-limit",
    "limit_s",
    type=click.FloatRange(0, min_open=True),
    default=LIMIT_S,
    show_default=True,
    metavar="SECONDS",
    help="Time for each proof; one that is not done by then ends as unknown.",
)
@out_option("Directory for waveform and test of a counterexample.")
@seed_option
@json_option
def command(
    reference: str,
    unit: str | None,
    prop: str | None,
    dut: tuple[str, ...],
    top: str | None,
    ports: str | None,
    latency: int | None,
    limit_s: float,
    output: str | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """
    Prove that a unit does what the twin's rule says, for all inputs, from any state.

    Alone, all units and properties of the core of SPEC are proven. Exit status 0 proved, 1 refuted
    or unknown, 2 the interface does not fit.
    """
    _refuse_mixtures(unit, prop, dut, top, latency)
    if ports and (prop or not dut):
        raise click.UsageError("--ports connects a unit of your own; give --dut and no --property")
    with clean_stdout() as say:
        from drai_hw.flow.geometry import geometry_of
        from drai_hw.model import plan

        job = load_job(reference, output, seed)
        plan.require_hardware(job.spec)
        formats = plan.formats_of(job.spec, *geometry_of(job.spec))
        if dut and not prop:
            unit = unit or "synapse"
        asked = [("unit", unit)] if unit else [("property", prop)] if prop else _all(formats)
        done = []
        for kind, name in asked:
            done.append(_proved(kind, str(name), formats, dut, top, ports, latency, limit_s,
                                job.outdir))  # fmt: skip
            click.echo(f"{done[-1]['proof']}: {done[-1]['status']}", err=True)
        result: dict[str, Any] = {"name": job.spec.network.name, **_together(done)}
        say(json_text(result) if as_json else _text(done))
    return 0 if result["status"] == "proved" else 1


def _refuse_mixtures(
    unit: str | None,
    prop: str | None,
    dut: tuple[str, ...],
    top: str | None,
    latency: int | None,
) -> None:
    if unit and prop:
        raise click.UsageError("--unit and --property are two proofs; give one of them")
    if dut and not top:
        raise click.UsageError("--dut needs the name of its top module: --top NAME")
    if top and not dut:
        raise click.UsageError("--top names a module of --dut; give --dut FILE")
    if latency is not None and (unit not in (None, "synapse", "update") or not (unit or dut)):
        raise click.UsageError("--latency is for --unit synapse and update")
    if latency is not None and prop:
        raise click.UsageError("--latency is for --unit synapse and update")


def _all(formats: Formats) -> list[tuple[str, str]]:
    units = [name for name in UNITS if name != "synapse" or formats.learns]
    return [("unit", name) for name in units] + [("property", name) for name in PROPERTIES]


def _proved(
    kind: str,
    name: str,
    formats: Formats,
    dut: tuple[str, ...],
    top: str | None,
    ports: str | None,
    latency: int | None,
    limit_s: float,
    folder: Path,
) -> dict[str, Any]:
    from drai_hw.formal import prove
    from drai_hw.formal.design import Design
    from drai_hw.formal.unit_design import mapped
    from drai_hw.sim.units.portmap import load_port_map

    files = tuple(Path(name) for name in dut)
    if kind == "unit":
        unit = None
        if dut:
            connect = load_port_map(Path(ports) if ports else None, name, formats)
            unit = mapped(files, str(top), connect, name, formats, folder / "prove")
            latency = connect.latency if latency is None else latency
        return prove.unit_result(
            name, formats, unit, latency=latency, limit_s=limit_s, folder=folder / "prove"
        )
    design = Design(formats, files, str(top)) if dut else None
    return prove.property_result(name, formats, design, limit_s=limit_s, folder=folder / "prove")


def _together(done: list[dict[str, Any]]) -> dict[str, Any]:
    """Return one result: of a single proof itself, of several the worst and all of them."""
    if len(done) == 1:
        return done[0]
    statuses = [proof["status"] for proof in done]
    status = next((s for s in ("refuted", "unknown") if s in statuses), "proved")
    shown = next((proof for proof in done if proof["status"] == status), done[0])
    return {
        "status": status,
        "method": "each proof has its own",
        "counterexample": shown["counterexample"],
        "proofs": done,
    }


def _text(done: list[dict[str, Any]]) -> str:
    lines = []
    for proof in done:
        lines.append(f"{proof['status']}: {proof['says']} ({proof['seconds']:.1f} s)")
        lines.append(f"  by {proof['method']}")
        lines.append(f"  for {proof['scope']}")
        if proof["reason"]:
            lines.append(f"  {proof['reason']}")
        example = proof["counterexample"]
        if example:
            lines += [f"  {key}: {value}" for key, value in example.items() if key != "clocks"]
    return "\n".join(lines)
