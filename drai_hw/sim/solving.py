"""An Ising problem on the simulated core, which is compared with the twin after every step."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from drai_hw.model import plan
from drai_hw.model.ising import Energy, Reader, Solution
from drai_hw.model.machine import Machine, each_replica
from drai_hw.model.numbers import Formats
from drai_hw.model.solve import Stage, anneal, field_of, schedule
from drai_hw.sim.core import SimResult, run_job
from drai_hw.sim.jobs import Job
from drai_hw.spec import Spec


@dataclass(frozen=True, kw_only=True)
class SolveJob(Job):
    """The stages of a run, for the replicas of one core.

    Parameters
    ----------
    formats : Formats
        Number formats of the machine; their seed is the first replica's.
    couplings : array of int64, shape (m, 3)
        i, j, J.
    stages : tuple of Stage
        What the host does.
    """

    formats: Formats
    couplings: NDArray[np.int64]
    stages: tuple[Stage, ...]

    def run(self, machine: Machine) -> dict[str, Any]:
        """Carry the job out; return ``solved``, spins (read-outs, R, N)."""
        n = self.formats.n
        weights = np.zeros((n, n), dtype=np.int64)
        i, j, w = self.couplings.T
        weights[i, j] = weights[j, i] = w
        quiet = np.zeros(n, dtype=np.int64)
        for _ in each_replica(machine):
            machine.load_omega(quiet)
            machine.load_inputs(quiet, quiet, quiet, np.ones_like(quiet))
        machine.load_weights(weights)
        found = anneal(machine, self.formats, self.stages, self.formats.seed)
        return {"solved": np.array(found).reshape(len(found), -1, n)}


def solve_on_core(
    spec: Spec,
    formats: Formats,
    couplings: NDArray[np.int64],
    *,
    replicas: int,
    steps: int,
    workdir: Path,
    simulator: str,
) -> tuple[Solution | None, list[SimResult]]:
    """Do what `drai_hw.model.solve.solve_ising` does on the RTL.

    A core does as many replicas at once as ``board.replicas`` says, one core after the other.

    Parameters
    ----------
    spec, formats, couplings, replicas, steps
        As there.
    workdir : Path
        For Verilog and logs; compiled models are kept there.
    simulator : str
        ``icarus`` or ``cxxrtl``.

    Returns
    -------
    solution, simulations
        No solution where a simulation, the last one, differs from the twin.
    """
    plan.require_hardware(spec)
    stages = schedule(spec.solve, formats, field_of(formats.n, couplings), steps)
    reader, done, parts = Reader(Energy(formats.n, couplings)), [], []
    for first in range(0, replicas, spec.board.replicas):
        together = min(spec.board.replicas, replicas - first)
        mine = replace(formats, seed=formats.seed + first, replicas=together)
        job = SolveJob(
            spec=spec, script="task", formats=mine, couplings=couplings, stages=tuple(stages)
        )
        sim = run_job(
            job, mine, steps, workdir=workdir / f"seed-{mine.seed}", simulator=simulator,
            cache=(workdir / "cxxrtl").resolve(),
        )  # fmt: skip
        done.append(sim)
        if sim.mismatches or sim.solved is None:
            return None, done
        parts.append(sim.solved)
    for spins in np.concatenate(parts, axis=1):  # read-out by read-out, all replicas
        reader.read(spins)
    return reader.solution(steps), done
