"""`drai-hw solve`: Ising and max-cut problems on the oscillators."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from drai_hw.cli.common import (
    clean_stdout,
    json_option,
    json_text,
    out_option,
    seed_option,
    with_overrides,
)
from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.model.ising import Solution
    from drai_hw.model.numbers import Formats
    from drai_hw.spec import Spec
    from drai_hw.spec.graph import Graph

CATALOG = "solve"
RESULT_FILE = "solve.json"
RTL_STEPS = 400
RTL_NODES = 1024


@dataclass(frozen=True)
class _Problem:
    """A graph, and the network it is put on."""

    graph: Graph
    spec: Spec
    formats: Formats
    ising: bool

    def couplings(self) -> Any:
        """Return i, j, J: a cut wants the ends of an edge apart."""
        edges = self.graph.edges.copy()
        if not self.ising:
            edges[:, 2] *= -1
        return edges


@click.command("solve")
@click.argument("graph", metavar="GRAPH")
@click.option(
    "--spec",
    "reference",
    default=CATALOG,
    show_default=True,
    metavar="SPEC",
    help="Network whose formats and table [solve] are used; `solve` takes any number of nodes.",
)
@click.option(
    "--steps",
    type=click.IntRange(1, 1 << 24),
    metavar="N",
    help="Steps of each replica.  [default: a power of two that takes at most 30 s here, as "
    "measured before the run]",
)
@click.option(
    "--replicas",
    type=click.IntRange(1, 4096),
    metavar="R",
    help="Starts that run side by side.  [default: the network's, 64]",
)
@click.option(
    "--ising",
    is_flag=True,
    help="Minimise E = -sum w_ij s_i s_j over the edges (w > 0 wants equal spins) instead of "
    "maximising the cut.",
)
@click.option(
    "--backend",
    type=click.Choice(["twin", "rtl"]),
    default="twin",
    show_default=True,
    help="twin: sparse, all replicas together. rtl: the simulated core with a weight for every "
    "pair, as many replicas at once as board.replicas says, compared with their twins after every "
    "step; for small graphs.",
)
@click.option(
    "--simulator",
    type=click.Choice(["icarus", "cxxrtl"]),
    default="icarus",
    show_default=True,
    help="Of --backend rtl.",
)
@out_option(f"Directory of {RESULT_FILE}.", default="build/<graph>/")
@seed_option
@json_option
def command(
    graph: str,
    reference: str,
    steps: int | None,
    replicas: int | None,
    ising: bool,
    backend: str,
    simulator: str,
    output: str | None,
    seed: int | None,
    as_json: bool,
) -> int:
    """
    Look for the largest cut of GRAPH, or for the spins of the lowest energy.

    GRAPH is a text file: "n m" (nodes, edges), then m lines "i j" or "i j w" with nodes from 1 and
    whole weights, 1 if absent; lines of the same pair add up. The result is counted anew from the
    file; exit status 1 if that disagrees.
    """
    with clean_stdout() as say:
        problem = _problem(graph, reference, ising, replicas, seed)
        folder = Path(output) if output else Path("build") / Path(graph).stem
        if folder.exists() and not folder.is_dir():
            raise SpecError(f"output {str(folder)!r} is a file; -o needs a directory here")
        if backend == "twin":
            result = _solve(problem, steps)
        else:
            result = _simulate(problem, steps or RTL_STEPS, replicas, folder, simulator)
        text = json_text(result)
        from drai_hw.files import write_whole

        write_whole(folder / RESULT_FILE, text + "\n")
        say(text if as_json else _line(result, folder / RESULT_FILE))
    if result.get("mismatches"):
        return 1
    if result["cut"] != result["recounted_cut"]:
        click.echo(
            f"drai-hw: error: the solver says cut {result['cut']}, counting {graph!r} anew gives "
            f"{result['recounted_cut']}",
            err=True,
        )
        return 1
    return 0


def _problem(
    path: str, reference: str, ising: bool, replicas: int | None, seed: int | None
) -> _Problem:
    from drai_hw import catalog
    from drai_hw.model.solve import formats_for
    from drai_hw.spec.graph import check_weights, read_graph

    graph = read_graph(path)
    spec, _ = catalog.find(reference)
    spec = with_overrides(spec, {"task": {"seed": seed}, "solve": {"replicas": replicas}})
    if spec.network.mode != "kuramoto":
        raise SpecError(
            f"--spec {reference!r} has network.mode = {spec.network.mode!r}; graphs are solved "
            "with 'kuramoto'"
        )
    graph = check_weights(graph, spec.formats.weight_bits)
    if reference == CATALOG:
        return _Problem(graph, spec, formats_for(spec, graph.n, graph.weight_bits), ising)
    n = spec.network.oscillators
    if graph.n > n:
        raise SpecError(
            f"graph {path!r} has {graph.n} nodes, --spec {reference!r} has {n} oscillators; needs "
            "one for each node, or leave --spec out"
        )
    return _Problem(graph, spec, formats_for(spec, n), ising)


def _solve(problem: _Problem, steps: int | None) -> dict[str, Any]:
    from rich.console import Console
    from rich.progress import Progress

    from drai_hw.model.solve import solve_ising

    formats = problem.formats
    started = time.monotonic()
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("annealing", total=1.0)
        found = solve_ising(
            problem.spec,
            formats,
            problem.couplings(),
            steps=steps,
            progress=lambda share: bar.update(task, completed=share),
        )
    if found.hurried:
        click.echo(
            f"drai-hw: warning: the machine became slower; stages were cut short after "
            f"{found.steps} steps; give --steps for a run of fixed length",
            err=True,
        )
    return _result(problem, found, time.monotonic() - started)


def _simulate(
    problem: _Problem, steps: int, replicas: int | None, folder: Path, simulator: str
) -> dict[str, Any]:
    from drai_hw.flow.words import first_text
    from drai_hw.sim.solving import solve_on_core

    if problem.formats.n > RTL_NODES:
        raise SpecError(
            f"--backend rtl with {problem.formats.n} oscillators: needs at most {RTL_NODES}, for "
            "which every pair's weight is simulated; leave --backend out for larger graphs"
        )
    started = time.monotonic()
    together = problem.spec.board.replicas
    found, sims = solve_on_core(
        problem.spec, problem.formats, problem.couplings(), replicas=replicas or together,
        steps=steps, workdir=folder, simulator=simulator,
    )  # fmt: skip
    facts = {
        "backend": "rtl",
        "simulator": simulator,
        "core_replicas": together,
        "mismatches": sum(sim.mismatches for sim in sims),
        "cycles": sum(sim.cycles for sim in sims),
        "run_clocks": sum(sim.run_clocks for sim in sims),
    }
    if found is None:
        first = sims[-1].first_mismatch
        click.echo(f"drai-hw: error: RTL and twin differ, first: {first_text(first)}", err=True)
        return {**facts, "cut": None, "partition": None, "steps": steps}
    return _result(problem, found, time.monotonic() - started) | facts


def _result(problem: _Problem, found: Solution, seconds: float) -> dict[str, Any]:
    """Return what the verb prints, with the cut counted anew."""
    from drai_hw.spec.graph import recount

    graph, formats = problem.graph, problem.formats
    spins = found.spins[found.best, : graph.n]
    partition = [int(s != spins[0]) for s in spins]
    total = int(graph.edges[:, 2].sum())
    sign = 1 if problem.ising else -1

    def cut_of(energy: Any) -> Any:  # E = -sum J s s with J = sign w, and cut = sum over s s = -1
        return (total + sign * energy) / 2

    cut, recounted = round(cut_of(found.energies[found.best])), recount(graph.name, partition)
    result = {
        "graph": graph.name,
        "n": graph.n,
        "edges": len(graph.edges),
        "objective": "energy" if problem.ising else "cut",
        "cut": cut,
        "recounted_cut": recounted[0],
    }
    if problem.ising:
        # cut edges have s_i s_j = -1: E = -(total - 2 cut)
        result["energy"] = 2 * cut - total
    return result | {
        "cut_before_descent": round(cut_of(found.read_energies[found.read_energies.argmin()])),
        "mean_cut": float(cut_of(found.energies).mean()),
        "descent_flips": found.flips,
        "steps": found.steps,
        "replicas": len(found.energies),
        "seed": formats.seed,
        "best_seed": formats.seed + found.best,
        "backend": "twin",
        "compiled": found.compiled,
        "hurried": found.hurried,
        "formats": {
            "accumulator_bits": formats.accumulator_bits,
            "phase_bits": formats.phase_bits,
            "table_amplitude": formats.table_amplitude,
            "weight_bits": formats.weight_bits,
            "lanes": formats.lanes,
            "pages": formats.pages,
        },
        "seconds": round(seconds, 3),
        "partition": partition,
    }


def _line(result: dict[str, Any], path: Path) -> str:
    if result["cut"] is None:
        return str(path)
    if result["objective"] == "energy":
        figure = f"energy {result['energy']} (cut {result['cut']})"
    else:
        figure = f"cut {result['cut']}"
    return (
        f"{figure} of {result['n']} nodes and {result['edges']} edges, counted anew from the file; "
        f"best of {result['replicas']} replicas, {result['steps']:,} steps each, "
        f"{result['seconds']:.1f} s\n"
        f"cut of the oscillators before the host's descent {result['cut_before_descent']}, mean of "
        f"the replicas {result['mean_cut']:.1f}\n{path}"
    )
