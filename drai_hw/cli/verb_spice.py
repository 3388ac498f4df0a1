"""`drai-hw spice`: the learned network as a circuit."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    Job,
    clean_stdout,
    force_option,
    json_option,
    json_text,
    load_job,
    out_option,
    seed_option,
    spec_argument,
)
from drai_hw.cli.running import perform, tell_failures
from drai_hw.cli.spice_dies import corner_of, dies_lines, dies_options, refuse, run_dies
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.flow.build import Run
    from drai_hw.spice.macromodel import Macromodel


MACRO = "phase"


@click.command("spice")
@spec_argument
@click.option(
    "--circuit",
    type=click.Choice(["lc", "ring", MACRO]),
    help="lc: differential LC tanks; ring: CMOS ring oscillators; phase: phase macromodels"
    " of the network's circuit, for sizes that no circuit gets to.  [default: the network's, lc]",
)
@click.option("--run", "simulate", is_flag=True, help="Simulate in ngspice; read energies.")
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit status 1 unless the netlist there is what would be written.",
)
@click.option(
    "--snap",
    "parts",
    metavar="PARTS",
    help="Make the couplings of tanks of parts that exist, and say what it does to the weights: "
    "E12, E24, E96 resistors, or levels of a memristor, e.g. vteam:32. Not with --run.",
)
@dies_options
@out_option("Directory, or a .cir file.")
@seed_option
@force_option
@json_option
def command(
    reference: str,
    circuit: str | None,
    simulate: bool,
    check: bool,
    parts: str | None,
    dies: int | None,
    scale: float | None,
    temperature: float | None,
    supply: float | None,
    output: str | None,
    seed: int | None,
    force: bool,
    as_json: bool,
) -> int:
    """
    Write the netlist of SPEC with the weights that its twin learned; with --run, simulate it.

    The netlist starts from the first corrupted pattern. Energies in J, power in W, with the method
    beside them; phase_error_rad is the distance of the end phases from the float model's. With
    --circuit phase an oscillator is a phase, pulled by dynamics.coupling_sine and coupling_cosine.
    """
    if simulate and check:
        raise click.UsageError("--check compares the netlist only; leave --run out")
    if simulate and parts:
        raise click.UsageError(
            "--snap changes the netlist that is written; --run simulates the exact one: leave one "
            "out, and run the written netlist by ngspice -b"
        )
    macro = circuit == MACRO
    if macro and parts:
        raise click.UsageError(
            "--snap makes couplings of parts, which phase macromodels don't have: leave one out"
        )
    refuse(dies, simulate, macro, (temperature, supply, scale))
    from drai_hw.model import plan

    with clean_stdout() as say, tempfile.TemporaryDirectory() as scratch:
        job = load_job(reference, None, seed, circuit={"kind": None if macro else circuit})
        path = _place(job, output, MACRO if macro else job.spec.circuit.kind)
        if output is not None:
            # Only what was asked for goes to a place of the user's: a netlist, or a whole run.
            job = replace(job, outdir=path.parent if simulate else Path(scratch))
        plan.require_circuit(job.spec)
        corner = corner_of(job, temperature, supply, scale) if dies else None
        circuits = simulate and not macro
        run = perform(job, ("spice",) if circuits else ("twin",), force=force)
        model = _macromodel(job, run) if macro else None
        text, extras = (model.text, {}) if model else _netlist(job, run, parts)
        stale = not (path.is_file() and path.read_bytes() == text.encode())
        if not check:
            from drai_hw.files import write_whole

            write_whole(path, text)
        figures = _macro_figures(job, model, simulate) if model else _figures(job, run, simulate)
        result = {**figures, "netlist": str(path), "stages": run.stages(), **extras}
        if dies and corner:
            result["dies"] = run_dies(job, run, dies, corner, scale, force)
        if check:
            result["stale"] = [str(path)] if stale else []
        say(json_text(result) if as_json else _text(result, check))
    tell_failures(run)
    return 1 if check and stale else run.status


def _place(job: Job, output: str | None, kind: str) -> Path:
    """Return where the netlist goes."""
    place = job.outdir if output is None else Path(output)
    if place.suffix == ".cir" and not place.is_dir():
        return place
    if place.exists() and not place.is_dir():
        raise SpecError(f"output {str(place)!r} is a file; needs a directory or a .cir file")
    return place / f"{job.spec.network.name}-{kind}.cir"


def _learned(job: Job, run: Run) -> tuple[Any, Any]:
    """Return the twin's weights and the phases of the first start."""
    from drai_hw.flow.circuit import start_of
    from drai_hw.flow.network import load
    from drai_hw.model.tasks import lock_start_rad

    spec = job.spec
    twin = load(run.folder("twin"))
    if not twin["weights"].any():
        raise SpecError(
            f"network {spec.network.name!r} has no weights: nothing was learned and "
            "network.initial_weight is 0; a circuit needs couplings"
        )
    start = lock_start_rad(spec) if spec.task.kind == "lock" else start_of(spec, twin["starts"], 0)
    return twin["weights"], start


def _macromodel(job: Job, run: Run) -> Macromodel:
    """Return the phase macromodels of the first start, with the twin's weights."""
    from drai_hw.flow.macromodel import macromodel_of

    weights, start = _learned(job, run)
    command_line = f"drai-hw spice {job.spec.network.name} --circuit {MACRO}"
    return macromodel_of(job.spec, weights, start, command_line)


def _macro_figures(job: Job, model: Macromodel, simulated: bool) -> dict[str, Any]:
    """Return what phase macromodels have to show; run them if asked to."""
    from drai_hw.flow.macromodel import NO_ENERGY, compared
    from drai_hw.spice import macromodel

    missing = dict.fromkeys(("energies_j", "power_w", "weight_error"))
    figures = {"name": job.spec.network.name, "n": model.n, "circuit": MACRO, **missing}
    if not simulated:
        return {**figures, "phase_error_rad": None, "reason": "not simulated; add --run"}
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("ngspice", total=1.0)
        seen = macromodel.run(model, progress=lambda done: bar.update(task, completed=done))
    return {**figures, **compared(model, seen), "reason": NO_ENERGY}


def _netlist(job: Job, run: Run, parts: str | None) -> tuple[str, dict[str, Any]]:
    """Return the netlist of the first start, and what parts and drawn components do to it."""
    from drai_hw.flow.circuit import netlist_of
    from drai_hw.flow.components import die_for
    from drai_hw.spice.parametric import UNIT

    spec = job.spec
    weights, start = _learned(job, run)
    command_line = f"drai-hw spice {spec.network.name} --circuit {spec.circuit.kind}"
    extras: dict[str, Any] = {}
    if parts:
        from drai_hw.spice.settings import settings_of
        from drai_hw.spice.snapping import snap

        snapped = snap(weights, settings_of(spec.circuit), parts)
        weights = snapped.weights
        circuit = spec.circuit.model_copy(update={"rho": snapped.circuit.rho})
        spec = spec.model_copy(update={"circuit": circuit})
        command_line += f" --snap {parts}"
        extras["snapping"] = {
            "parts": parts,
            "weight_error_rms": snapped.error_rms,
            "weight_error_max": snapped.error_max,
        }
    if die := die_for(spec, weights):
        extras["tuning"] = die.summary()
    netlist = netlist_of(spec, weights, start, spec.task.seed, command_line)
    if parts:  # a part has its own value
        netlist = netlist.unnamed(UNIT)
    return netlist.file_text, extras


def _figures(job: Job, run: Run, simulated: bool) -> dict[str, Any]:
    spec = job.spec
    figures: dict[str, Any] = {
        "name": spec.network.name,
        "n": spec.network.oscillators,
        "circuit": spec.circuit.kind,
    }
    if not simulated:
        missing = ("energies_j", "power_w", "phase_error_rad", "weight_error")
        return {**figures, **dict.fromkeys(missing), "reason": "not simulated; add --run"}
    from drai_hw.flow.energy import circuit_part

    result = run.result("spice")
    energy = circuit_part(spec, result)["energy"]
    figures |= {
        "energies_j": {
            "per_recall": energy["energy_per_recall_j"],
            "per_oscillator_cycle": energy["energy_per_oscillator_cycle_j"],
            "per_update": None,
            "per_update_reason": energy["energy_per_update_reason"],
        },
        "power_w": energy["power_w"],
        "energy_method": energy["method"],
        "phase_error_rad": result["phase_rms_rad"],
        "weight_error": result["weight_error"],
        "settled": result["settled"],
        "trials": result["trials"],
        "runs": result["runs"],
        "warnings": result["warnings"],
    }
    kept = ("hits", "same_as_float", "offsets_rad", "drift_rad")
    return {**figures, **{key: result[key] for key in kept if key in result}}


def _text(result: Mapping[str, Any], check: bool) -> str:
    if check:
        fresh = "is what SPEC gives" if not result["stale"] else "differs from what SPEC gives"
        return f"{result['netlist']}: {fresh}"
    lines = [str(result["netlist"])]
    if "snapping" in result:
        each = result["snapping"]
        lines.append(
            f"couplings of {each['parts']}: weights off by "
            f"{100 * each['weight_error_rms']:.2g} % rms, "
            f"{100 * each['weight_error_max']:.2g} % at most, of the largest weight"
        )
    if "tuning" in result:
        lines += _tuning_lines(result["tuning"])
    if "phase_error_largest_rad" in result:
        return (
            f"{result['netlist']}\n{result['n']} phase macromodels: at most "
            f"{result['phase_error_largest_rad']:.2g} rad rms from the float model with the same "
            f"coupling, {result['phase_error_rad']:.2g} rad at the end, "
            f"{'the same' if result['same_as_float'] else 'another'} pattern; "
            f"{result['points']} points in {result['seconds']:.3g} s of ngspice"
        )
    if result["energies_j"] is None:
        return "\n".join(lines)
    from drai_hw.units import si

    energies = result["energies_j"]
    scope = "per recall" if "hits" in result else "of the run"
    lines += [
        f"energy {scope} {si(energies['per_recall'], 'J')}, per oscillator and cycle "
        f"{si(energies['per_oscillator_cycle'], 'J')}, power {si(result['power_w'], 'W')} "
        f"({result['energy_method']})",
        f"end phases {result['phase_error_rad']:.3f} rad rms from the float model's",
    ]
    if "hits" in result:
        lines.append(
            f"exact recalls {result['hits']} of {result['trials']}, settled {result['settled']}, "
            f"same end as the float model {result['same_as_float']}"
        )
    else:
        offsets = ", ".join(f"{value:.4f}" for value in result["offsets_rad"])
        lines.append(f"offsets {offsets} rad")
    if "dies" in result:
        lines += dies_lines(result["dies"])
    return "\n".join(lines)


def _tuning_lines(tuning: Mapping[str, Any]) -> list[str]:
    """Say by how much drawn components put frequencies off, and what a calibration makes of it."""
    from drai_hw.units import si

    before = f"{100 * tuning['frequency_deviation_before_rms']:.2g} % rms"
    told = f"mismatch {100 * tuning['mismatch']:g} %: frequencies off by {before}"
    if "codes" not in tuning:
        return [told]
    at_end = tuning["codes_at_an_end"]
    return [
        f"{told}, {100 * tuning['frequency_deviation_after_rms']:.2g} % after tuning by "
        f"{tuning['bits']} bits of {100 * tuning['range']:.2g} %"
        + (f", {at_end} of {len(tuning['codes'])} codes at an end of the range" if at_end else ""),
        f"calibration {si(tuning['calibration_time_s'], 's')}, "
        f"{si(tuning['calibration_energy_j'], 'J')} ({tuning['calibration_energy_method']})",
    ]
