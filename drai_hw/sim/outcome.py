"""A job carried out on a simulated machine, and what a bench tells of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from drai_hw.model.machine import Machine
from drai_hw.sim.comparison import DisagreementError
from drai_hw.sim.jobs import Job
from drai_hw.sim.mirror import MirroredMachine


def carry_out(job: Job, machine: Machine) -> dict[str, Any]:
    """Carry a job out until it is done, or until design and twin differ; return its outcome."""
    try:
        return job.run(machine)
    except DisagreementError:
        return {}


def report(
    machine: MirroredMachine,
    outcome: Mapping[str, Any],
    *,
    cycles: int,
    accesses: int,
    rings: tuple[int, int, int],
) -> dict[str, Any]:
    """Return what a bench tells of a job.

    Parameters
    ----------
    machine : MirroredMachine
        The machine that carried it out.
    outcome : mapping
        As `carry_out` returned it.
    cycles, accesses : int
        Clocks and bus accesses of the simulation.
    rings : tuple of int
        Toggles counted in the ring registers, clocks they were counted in, bits of the registers.
    """
    board = machine.board
    toggles, clocks, bits = rings
    between = max(1, machine.steps - 1)
    return {
        "failure": None,
        "outcome": dict(outcome),
        "cycles": cycles,
        "run_clocks": machine.run_clocks,
        "steps": machine.steps,
        "compared": board.compared,
        "mismatches": board.count,
        "diff": board.mismatches,
        "pair_evaluations": machine.pair_evaluations,
        "bus_accesses": accesses,
        "run_seconds": round(time.monotonic() - machine.begun, 3),
        "counters": board.twin.counters(),
        "coverage": dict(board.coverage),
        "digest": board.digest,
        "toggles": {
            "phase_memory_per_step": board.toggles["theta"] / between,
            "weight_memory_per_step": board.toggles["weight"] / between,
            "ring_registers_per_clock": toggles / max(1, clocks),
            "ring_register_bits": bits,
            "ring_clocks_sampled": clocks,
        },
    }
