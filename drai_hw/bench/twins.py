"""The compiled twin against the NumPy twin, after a check that they agree in every bit."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from drai_hw.bench.timing import Entry, Row, Target, Work, compare
from drai_hw.errors import ToolError
from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.plan import default_geometry
from drai_hw.model.twin import Twin

SIZES = (35, 256, 1024)
CHECKED_STEPS = 5


def prepared(kind: type[Twin], n: int, decay: bool) -> Twin:
    """Return a twin in the middle of learning: dense weights, dither, gates in use."""
    lanes, pages = default_geometry(n)
    f = Formats(n=n, lanes=lanes, pages=pages, decay=decay)
    twin = kind(f)
    twin.configure(
        Settings(gain=200, eta=20_000, decay=500 if decay else 0, dither=4, margin=f.sum_max // 40)
    )
    rng = np.random.default_rng(n)
    twin.load_phases(rng.integers(0, 1 << f.accumulator_bits, n))
    upper = np.triu(rng.integers(-f.w_max, f.w_max + 1, (n, n)), 1)
    twin.load_weights(upper + upper.T)
    return twin


def disagreement(n: int, decay: bool) -> str:
    """Return in what the two twins differ after some steps; nothing where they agree."""
    plain, fast = (prepared(kind, n, decay) for kind in (Twin, CompiledTwin))
    for twin in (plain, fast):
        twin.run(CHECKED_STEPS, field=True, learn=True)
    expected, got = plain.snapshot(), fast.snapshot()
    return ", ".join(name for name in expected if not np.array_equal(expected[name], got[name]))


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: with and without learning, with decay.

    Raises
    ------
    AssertionError
        When the twins differ: a speed would mean nothing then.
    """
    for task, learn, decay in (
        ("twin step", False, False),
        ("twin step, learning and draws", True, False),
        ("twin step, learning, decay and draws", True, True),
    ):
        try:
            differ = disagreement(n, decay)
        except ToolError:
            differ = ""  # the row below says why
        if differ:
            raise AssertionError(f"compiled twin and twin differ at N = {n} in {differ}")

        def work(kind: type[Twin], steps: int, learn: bool = learn, decay: bool = decay) -> Work:
            twin = prepared(kind, n, decay)
            return lambda: twin.run(steps, learn=learn, resume=True)

        ours = Entry("compiled", lambda work=work: work(CompiledTwin, 10), "integer", 10)  # type: ignore[misc]
        theirs = Entry("NumPy twin", lambda work=work: work(Twin, 1), "integer")  # type: ignore[misc]
        asked = Target(ours=1.5) if n == 1024 and learn and not decay else None
        yield from compare(task, n, [ours], [theirs], rounds, lambda a, b, asked=asked: asked)  # type: ignore[misc]
