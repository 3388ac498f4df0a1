"""What `drai-hw sim` does for one unit: a user's module or ours under the bench; templates."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import F, clean_stdout, json_text, load_job
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.model.numbers import Formats

TEMPLATE_SPEC = "letters"


_OPTIONS = (
    click.option(
        "--dut",
        "dut",
        multiple=True,
        metavar="FILE",
        help="(System)Verilog of your own to be tested instead of ours; may be repeated.",
    ),
    click.option("--top", metavar="NAME", help="With --dut: the module to be tested."),
    click.option(
        "--ports",
        metavar="FILE",
        help="With --dut: port map (TOML), where names, reset, latency, handshake or, of a core, "
        "places of memories differ.",
    ),
    click.option(
        "--template",
        "template",
        type=click.Choice(["synapse", "neuron", "update", "prng"]),
        help="Instead of simulating: write an empty module of that unit, a port map and a bench to "
        "fill into the directory -o.  [default: my_<unit>/]",
    ),
    click.option(
        "--junit",
        metavar="FILE",
        help="With a unit or --dut: write the result as JUnit XML, too.",
    ),
    click.option(
        "--samples",
        type=click.IntRange(20, 1_000_000),
        metavar="N",
        help="With a unit: samples of the largest part of the test.  [default: 1000]",
    ),
    click.option(
        "--time-limit",
        "time_limit_s",
        type=click.FloatRange(min=0, min_open=True),
        metavar="S",
        help="With a unit: seconds after which compilation or simulation is ended. With --dut of a "
        "core: seconds without a step done on Icarus.  [default: 120; 600 with a core]",
    ),
)


def unit_options(function: F) -> F:
    """Add the options that are about one unit or a user's module."""
    for option in reversed(_OPTIONS):
        function = option(function)
    return function


@dataclass(frozen=True)
class UnitOptions:
    """Options of `drai-hw sim` that are about one unit or a user's module."""

    unit: str
    dut: tuple[str, ...]
    top: str | None
    ports: str | None
    junit: str | None
    samples: int | None
    time_limit_s: float | None

    def refuse_without_unit(self) -> None:
        """Refuse options that need a unit where there is none."""
        if self.unit != "core":
            return
        given = {
            "--samples": self.samples,
            "--junit": None if self.dut else self.junit,
            "--time-limit": None if self.dut else self.time_limit_s,
        }
        for name, value in given.items():
            if value is not None:
                raise click.UsageError(f"{name} is for one unit; give --unit synapse or another")

    def refuse_dut(self) -> None:
        """Refuse a module without a name, and a name without a module."""
        if self.dut and not self.top:
            raise click.UsageError("--dut needs --top NAME, the module to be tested")
        if self.top and not self.dut:
            raise click.UsageError("--top names a module of --dut; give its file, too")
        if self.top and not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_$]*", self.top):
            raise click.UsageError(f"--top {self.top!r}: needs the name of a module")
        if self.ports and not self.dut:
            raise click.UsageError("--ports connects a module of --dut; give its file, too")


def refuse_core_options(
    unit: str,
    trials: int | None,
    random_steps: int | None,
    learn_steps: int | None,
    bench: str | None,
    check: bool,
    waves: bool,
) -> None:
    """Refuse options that are about the whole core."""
    given = {
        "--trials": trials, "--random": random_steps, "--learn": learn_steps,
        "--bench": bench, "--check": check or None, "--waves": waves or None,
    }  # fmt: skip
    for name, value in given.items():
        if value is not None:
            what = "our core" if unit == "core" else "the whole core"
            other = "--dut" if unit == "core" else f"--unit {unit}"
            raise click.UsageError(f"{name} is for {what}; leave it out with {other}")


def formats_of(spec: Any) -> Formats:
    """Return the formats of a network in its geometry."""
    from drai_hw.flow.geometry import geometry_of
    from drai_hw.model import plan

    plan.require_hardware(spec)
    return plan.formats_of(spec, *geometry_of(spec))


def simulate_unit(
    reference: str,
    options: UnitOptions,
    *,
    simulator: str,
    output: str | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """Judge a module as a unit; return the exit status."""
    options.refuse_dut()
    with clean_stdout() as say:
        from drai_hw.files import write_whole
        from drai_hw.rtl import emit_unit
        from drai_hw.sim.units import report
        from drai_hw.sim.units.portmap import load_port_map
        from drai_hw.sim.units.simulate import TIME_LIMIT_S
        from drai_hw.sim.units.verify import SAMPLES, verify_unit

        job = load_job(reference, output)
        unit, name = options.unit, job.spec.network.name
        formats = formats_of(job.spec)
        folder = job.outdir / "units" / unit
        ports = Path(options.ports) if options.ports else None
        connect = load_port_map(ports, unit, formats)
        sources = [Path(path) for path in options.dut]
        top = options.top or emit_unit.unit_name(unit)
        if not sources:
            files = emit_unit.unit_texts(unit, formats, command=f"drai-hw rtl {name} --unit {unit}")
            sources = [folder / f"{top}.v"]
            write_whole(sources[0], files[f"{top}.v"])
        result = verify_unit(
            unit, formats, sources, top,
            folder=folder, connect=connect, simulator=simulator,
            seed=1 if seed is None else seed, samples=options.samples or SAMPLES,
            time_limit_s=options.time_limit_s or TIME_LIMIT_S,
        )  # fmt: skip
        if options.junit:
            write_whole(Path(options.junit), report.junit(result))
        record = {"name": name, **result.record()}
        say(json_text(record) if as_json else report.in_words(result))
    return 1 if result.mismatches else 0


def write_template(unit: str, reference: str | None, output: str | None, as_json: bool) -> int:
    """Write the files of a unit to start from; none that exists is written over."""
    with clean_stdout() as say:
        from drai_hw.files import write_together
        from drai_hw.sim.units.template import template_files

        reference = reference or TEMPLATE_SPEC
        folder = Path(output or f"my_{unit}")
        files = template_files(unit, formats_of(load_job(reference, None).spec), reference)
        paths = {folder / name: text for name, text in files.items()}
        for path in paths:
            if path.exists():
                raise SpecError(
                    f"{str(path)!r} exists: a template writes over nothing; choose another "
                    "directory with -o"
                )
        write_together(paths)
        listed = [str(path) for path in paths]
        say(json_text({"unit": unit, "files": listed}) if as_json else "\n".join(listed))
    return 0
