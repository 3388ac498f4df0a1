"""Steps of many replicas on sparse weights: compiled look-ups against NumPy, equal in every bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from drai_hw import catalog
from drai_hw.bench.ising_graphs import FAMILIES
from drai_hw.bench.timing import Entry, Row, Work, compare
from drai_hw.errors import ToolError
from drai_hw.model import solve, sparse_forms
from drai_hw.model.machine import Settings
from drai_hw.model.sparse import SparseTwin
from drai_hw.model.sparse_compiled import CompiledSparseTwin

SIZES = (800, 2000)
GRAPHS = ("random 6 %, +-1", "random 1 %", "torus +-1")
REPLICAS = 64
SEED = 1
SETTINGS = Settings(gain=400, dither=6, shil_max=50, shil_step=5)
CHECKED_STEPS = 3


def prepared(family: str, n: int, way: str) -> SparseTwin:
    """Return a twin in the middle of a run, in NumPy or by a way of `CompiledSparseTwin`."""
    spec, _ = catalog.find("solve")
    formats = solve.formats_for(spec, n, 2)
    edges = FAMILIES[family](n, SEED)
    seeds = range(REPLICAS)
    twin = (
        SparseTwin(formats, edges, seeds) if way == "numpy"
        else CompiledSparseTwin(formats, edges, seeds, way=way)
    )  # fmt: skip
    twin.configure(SETTINGS)
    twin.load_phases([solve.start_phases(formats, seed) for seed in seeds])
    twin.run(CHECKED_STEPS)
    return twin


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size, time for each of the N^2 pairs and each replica.

    Raises
    ------
    AssertionError
        When the phases differ: a speed would mean nothing then.
    """
    for family in GRAPHS:
        known = prepared(family, n, "numpy").read_phases()

        def work(
            way: str, steps: int, family: str = family, known: NDArray[np.int64] = known
        ) -> Work:
            twin = prepared(family, n, way)
            if not np.array_equal(twin.read_phases(), known):
                raise AssertionError(f"replicas looked up by {way} differ on {family}, N = {n}")
            return lambda: twin.run(steps, resume=True)

        def entry(name: str, way: str, steps: int, work=work) -> Entry:  # type: ignore[no-untyped-def]
            return Entry(name, lambda: work(way, steps), "integer", steps * REPLICAS)

        ours = [
            entry(name, way, steps)
            for name, way, steps in (
                ("64 bytes at once", sparse_forms.BYTE, 10),
                ("quarter waves", sparse_forms.QUARTER, 10),
                ("entry by entry", sparse_forms.PLAIN, 2),
            )
            if _goes(family, way)
        ]
        theirs = [entry("NumPy", "numpy", 1)]
        yield from compare(f"replicas: {family}", n, ours, theirs, rounds)


def _goes(family: str, way: str) -> bool:
    """Return whether this machine has what a way needs."""
    try:
        prepared(family, 32, way)
    except ToolError:
        return False
    return True
