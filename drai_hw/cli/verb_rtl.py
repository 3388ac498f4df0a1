"""`drai-hw rtl`: the core as Verilog."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
from drai_hw.errors import SpecError


@click.command("rtl")
@spec_argument
@out_option("Directory; or a .v or .il file; or - for Verilog on standard output.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit status 1 unless the files there are what would be written.",
)
@click.option(
    "--bus",
    type=click.Choice(["none", "uart", "spi", "wishbone", "axi4lite"]),
    default="none",
    show_default=True,
    help="What the core is reached by. none: its own register bus; the others stand around it in "
    "a top module drai_<bus>.",
)
@click.option(
    "--unit",
    type=click.Choice(["core", "synapse", "neuron", "update", "prng"]),
    default="core",
    show_default=True,
    help="One unit of the core instead of all of it, as a module drai_<unit> with the ports of "
    "the units under test.",
)
@click.option(
    "--clock-hz",
    type=click.FloatRange(min=0, min_open=True),
    metavar="F",
    help="With uart or spi: the clock of the design.  [default: the board's]",
)
@click.option(
    "--baud",
    type=click.IntRange(1),
    metavar="B",
    help="With uart: bits per second.  [default: the board's]",
)
@seed_option
@json_option
def command(
    reference: str,
    output: str | None,
    check: bool,
    bus: str,
    unit: str,
    clock_hz: float | None,
    baud: int | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """
    Write the core of SPEC, or one unit of it, as plain Verilog.

    With it RTLIL, metadata as JSON, and for the core the register map as C header and CMSIS-SVD.
    The same SPEC gives the same bytes. The files belong to you.
    """
    if clock_hz is not None and bus not in ("uart", "spi"):
        raise click.UsageError(f"--clock-hz is for --bus uart and spi; --bus {bus} needs none")
    if baud is not None and bus != "uart":
        raise click.UsageError(f"--baud is for --bus uart; --bus {bus} needs none")
    if unit != "core" and bus != "none":
        raise click.UsageError(f"--bus {bus} stands around the core; --unit {unit} has no bus")
    if output == "-" and (as_json or check):
        raise click.UsageError(
            "-o - puts Verilog on standard output; --json and --check need a file or directory"
        )
    with clean_stdout() as say:
        if unit == "core":
            files, facts = _files(reference, seed, bus, clock_hz, baud)
        else:
            files, facts = _unit_files(reference, seed, unit)
        verilog = f"{facts['top']}.v"
        if output == "-":
            say(files[verilog].rstrip("\n"))
            return 0
        targets = _targets(files, output, facts["name"])
        stale = [str(path) for path, text in targets.items() if not _holds(path, text)]
        if not check:
            from drai_hw.files import write_together

            write_together(targets)
        result = {**facts, "files": [str(path) for path in targets]}
        if check:
            result["stale"] = stale
        say(json_text(result) if as_json else _text(result, check))
    return 1 if check and stale else 0


def _files(
    reference: str, seed: int | None, kind: str, clock_hz: float | None, baud: int | None
) -> tuple[dict[str, str], dict[str, Any]]:
    from drai_hw.boards.boardfile import load_board
    from drai_hw.flow.geometry import geometry_of
    from drai_hw.model import plan
    from drai_hw.rtl import emit
    from drai_hw.rtl.wrap import Bus

    job = load_job(reference, "build", seed)
    plan.require_hardware(job.spec)
    formats = plan.formats_of(job.spec, *geometry_of(job.spec))
    # A path on this machine has no place in a file that others get.
    words = f"drai-hw rtl {job.spec.network.name}"
    if kind in ("uart", "spi"):
        board = load_board(job.spec.board.name)
        clock_hz = clock_hz or board.plan_clock().output_hz
        baud = baud or board.uart.baud
        words += f" --bus {kind} --clock-hz {clock_hz:.10g}"
        words += f" --baud {baud}" if kind == "uart" else ""
    elif kind != "none":
        words += f" --bus {kind}"
    bus = Bus(kind, clock_hz, baud)
    files = emit.texts(formats, command=words, bus=bus)
    return files, {
        "name": job.spec.network.name,
        "top": bus.top,
        "bus": bus.record(),
        "n": formats.n,
        "lanes": formats.lanes,
        "pages": formats.pages,
        "digest": plan.design_digest(formats).hex(),
    }


def _unit_files(
    reference: str, seed: int | None, unit: str
) -> tuple[dict[str, str], dict[str, Any]]:
    from drai_hw.flow.geometry import geometry_of
    from drai_hw.model import plan
    from drai_hw.rtl import emit_unit

    job = load_job(reference, "build", seed)
    plan.require_hardware(job.spec)
    formats = plan.formats_of(job.spec, *geometry_of(job.spec))
    name = job.spec.network.name
    files = emit_unit.unit_texts(unit, formats, command=f"drai-hw rtl {name} --unit {unit}")
    facts = emit_unit.unit_metadata(unit, formats)
    return files, {
        "name": name,
        "top": facts["top"],
        "unit": unit,
        "latency": facts["latency"],
        "ports": facts["ports"],
        "digest": plan.design_digest(formats).hex(),
    }


def _targets(files: dict[str, str], output: str | None, name: str) -> dict[Path, str]:
    """Return path and text of every file that is wanted."""
    place = Path(output) if output else Path("build") / name
    if place.suffix in (".v", ".il") and not place.is_dir():
        return {place: next(text for key, text in files.items() if key.endswith(place.suffix))}
    if place.exists() and not place.is_dir():
        raise SpecError(
            f"output {str(place)!r} is a file that is neither .v nor .il; needs a directory, a .v "
            "or .il file, or -"
        )
    return {place / key: text for key, text in files.items()}


def _holds(path: Path, text: str) -> bool:
    try:
        return path.read_bytes() == text.encode()
    except OSError:
        return False


def _text(result: dict[str, Any], check: bool) -> str:
    if not check:
        return "\n".join(result["files"])
    if not result["stale"]:
        return f"{len(result['files'])} files are what SPEC gives"
    return "\n".join(
        f"{path}: differs from what SPEC gives, or is missing" for path in result["stale"]
    )
