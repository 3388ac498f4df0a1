"""Simulations of `drai-hw sim` beside the stage of the chain: dumps of waves, and netlists."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drai_hw.cli.common import Job
from drai_hw.files import move_together, unwritable

if TYPE_CHECKING:
    from drai_hw.model.numbers import Formats


def formats_for(job: Job) -> Formats:
    """Return the number formats and the geometry of a network's core."""
    from drai_hw.flow.geometry import geometry_of
    from drai_hw.model import plan

    return plan.formats_of(job.spec, *geometry_of(job.spec))


def _folder(job: Job, name: str) -> Path:
    """Make a folder in the output directory."""
    folder = job.outdir / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    return folder


def _figures(sim: Any) -> dict[str, Any]:
    """Return what every comparison with the twin counts, by its JSON keys."""
    return {
        "cycles": sim.cycles,
        "steps": sim.steps,
        "pair_updates": sim.pair_updates,
        "updates": sim.counters.changed,
        "mismatches": sim.mismatches,
        "first_mismatch": dict(sim.first_mismatch) if sim.first_mismatch else None,
        "coverage": dict(sim.coverage),
    }


def waves_of(job: Job, random_steps: int | None) -> dict[str, Any]:
    """Simulate the beginning of the task, or random steps, with a dump of all signals."""
    from drai_hw.model import plan
    from drai_hw.rtl import emit
    from drai_hw.sim import run_core
    from drai_hw.sim.designs import DUMP_FILE, SURFER_FILE, VIEW_FILE
    from drai_hw.sim.jobs import beginning
    from drai_hw.sim.views import surfer_view, wave_view

    spec, formats = job.spec, formats_for(job)
    if not random_steps:
        plan.require_task(spec)
    folder = _folder(job, "waves")
    # A dump appears when it is whole, with the view that belongs to it.
    with tempfile.TemporaryDirectory(prefix=".run-", dir=folder) as scratch:
        work = Path(scratch)
        sim = run_core(
            spec if random_steps else beginning(spec),
            workdir=work,
            steps=random_steps,
            seed=spec.task.seed,
            script="random" if random_steps else "task",
            formats=formats,
            waves=work / DUMP_FILE,
        )
        verilog = (work / f"{emit.NAME}.v").read_text(encoding="utf-8")
        command = f"drai-hw sim {spec.network.name} --waves"
        views = {
            VIEW_FILE: wave_view(verilog, dump=DUMP_FILE, command=command, state=formats),
            SURFER_FILE: surfer_view(verilog, command=command, state=formats),
        }
        emit.write(views, work)
        move_together({work / name: folder / name for name in (DUMP_FILE, *views)})
    return {
        "name": spec.network.name,
        "n": spec.network.oscillators,
        "simulator": "icarus",
        "unit": "core",
        **_figures(sim),
        "waves": str(folder / DUMP_FILE),
        "view": str(folder / VIEW_FILE),
        "surfer_view": str(folder / SURFER_FILE),
        "waves_bytes": (folder / DUMP_FILE).stat().st_size,
    }


def netlist_of(
    job: Job, family: str, learn_steps: int | None, random_steps: int | None
) -> dict[str, Any]:
    """Simulate the core after synthesis."""
    from drai_hw.sim.netlist import run_netlist

    folder = _folder(job, f"netlist-{family}")
    sim = run_netlist(
        job.spec,
        family,
        workdir=folder,
        steps=random_steps or learn_steps or 64,
        seed=job.spec.task.seed,
        script="random" if random_steps else "learn",
        formats=formats_for(job),
    )
    return {
        "name": job.spec.network.name,
        "n": job.spec.network.oscillators,
        "simulator": "cxxrtl",
        "unit": "core",
        "netlist": family,
        "cells": dict(sim.cells),
        **_figures(sim),
    }
