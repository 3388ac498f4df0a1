"""Runs one packaged max-cut solver: `python solve_peers.py SOLVER GRAPH SECONDS SEED`.

Stands alone, for Python 3.8 and later, because not every solver installs beside this project: any
interpreter that has the solver can run it. Prints one JSON object: the partition, the processor
time and the version; or the reason why the solver could not run.
"""

from __future__ import annotations

import json
import sys
import time
from importlib import metadata
from typing import Any

import numpy as np


def read(path: str) -> Any:
    """Return the number of nodes and the edges of a graph file, counted from 0."""
    with open(path, encoding="utf-8") as file:
        n = int(file.readline().split()[0])
        rows = [line.split() for line in file if line.strip()]
    return n, [(int(i) - 1, int(j) - 1, int(w)) for i, j, w in rows]


def mqlib(heuristic: str) -> Any:
    """Return a solver that runs one heuristic of MQLib."""

    def run(n: int, edges: Any, seconds: float, seed: int) -> Any:
        import MQLib

        matrix = np.zeros((n, n))
        for i, j, w in edges:
            matrix[i, j] = matrix[j, i] = w
        instance = MQLib.Instance("M", matrix)
        best: float = -np.inf
        partition: Any = None
        end, share, first = time.process_time() + seconds, 1.0, True
        # MQLib counts wall time: a short run tells how much of it is processor time here.
        while end - time.process_time() > 0.02 * seconds:
            left = (end - time.process_time()) / share
            wall, spent = time.monotonic(), time.process_time()
            found = MQLib.runHeuristic(heuristic, instance, left / 20 if first else left, seed)
            share = (time.process_time() - spent) / (time.monotonic() - wall)
            seed, first = seed + 1, False
            if found["objval"] > best:
                best, partition = found["objval"], found["solution"]
        return [int(s > 0) for s in partition]

    return run, "MQLib"


def annealing() -> Any:
    """Return D-Wave's simulated annealing: runs of growing length, the last takes half the time."""

    def run(n: int, edges: Any, seconds: float, seed: int) -> Any:
        from dwave.samplers import SimulatedAnnealingSampler

        sampler = SimulatedAnnealingSampler()
        couplings = {(i, j): w for i, j, w in edges}
        fields = dict.fromkeys(range(n), 0)
        end, sweeps = time.process_time() + seconds, 1000
        best: float = np.inf
        partition: Any = None
        while True:
            spent = time.process_time()
            found = sampler.sample_ising(
                fields, couplings, num_reads=8, num_sweeps=sweeps, seed=seed
            )
            spent = time.process_time() - spent
            if found.first.energy < best:
                best, partition = found.first.energy, found.first.sample
            seed += 1
            left = end - time.process_time()
            if left < 0.05 * seconds:
                return [int(partition[k] > 0) for k in range(n)]
            sweeps = max(100, int(sweeps * min(2.0, left / spent)))

    return run, "dwave-samplers"


def bifurcation() -> Any:
    """Return simulated bifurcation, ballistic and discrete, in runs of growing length."""

    def run(n: int, edges: Any, seconds: float, seed: int) -> Any:
        import simulated_bifurcation as sb
        import torch

        torch.set_num_threads(1)
        matrix = torch.zeros((n, n))
        for i, j, w in edges:
            matrix[i, j] = matrix[j, i] = w
        end, steps, turn = time.process_time() + seconds, 500, 0
        best: float = -np.inf
        partition: Any = None
        while True:
            torch.manual_seed(seed + turn)
            spent = time.process_time()
            # maximises the Ising energy sum J s s of -w, which is what the cut asks for
            spins, _ = sb.minimize(
                0.5 * matrix, domain="spin", agents=32, max_steps=steps,
                mode=("ballistic", "discrete")[turn % 2], early_stopping=False, verbose=False,
            )  # fmt: skip
            spent = time.process_time() - spent
            sides = (spins.flatten() > 0).tolist()
            cut = sum(w for i, j, w in edges if sides[i] != sides[j])
            if cut > best:
                best, partition = cut, sides
            turn += 1
            left = end - time.process_time()
            if left < 0.05 * seconds:
                return [int(side) for side in partition]
            grown = 2.0 if turn % 2 == 0 else 1.0
            steps = max(50, int(steps * min(grown, left / spent)))

    return run, "simulated-bifurcation"


SOLVERS = {
    "MQLib BURER2002": mqlib("BURER2002"),
    "MQLib LU2010": mqlib("LU2010"),
    "dwave-samplers annealing": annealing(),
    "simulated-bifurcation": bifurcation(),
}


def main(words: Any) -> None:
    """Run a solver and print what it found."""
    name, path, seconds, seed = words
    run, package = SOLVERS[name]
    try:
        n, edges = read(path)
        partition = run(n, edges, float(seconds), int(seed))
    except ModuleNotFoundError as error:
        print(json.dumps({"reason": f"no module {error.name}"}))
        return
    print(
        json.dumps(
            {
                "partition": partition,
                "seconds": time.process_time(),
                "version": metadata.version(package),
            }
        )
    )


if __name__ == "__main__":
    main(sys.argv[1:])
