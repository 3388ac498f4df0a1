"""Crossbars with resistive lines: ours against badcrossbar and against a plain sparse factor."""

from __future__ import annotations

import contextlib
import logging
import sys
import warnings
from collections.abc import Callable, Hashable, Iterator
from importlib import metadata
from types import ModuleType

import numpy as np
from scipy.sparse import linalg

from drai_hw.bench import peers
from drai_hw.bench.timing import Row, Target, Work, one_thread, time_in_turns
from drai_hw.errors import ToolError
from drai_hw.spice.crossbar import Crossbar
from drai_hw.spice.crossbar.lines import nodal_matrix

SIZES = (32, 128, 256)
WIRE_OHM = 2.5
MANY = 16
OURS = "drai_hw.spice.crossbar"
FACTOR = "scipy splu, MMD_AT_PLUS_A"
UNIT = "ms, all in"


def arrays(n: int) -> tuple[peers.Floats, peers.Floats]:
    """Return conductances (1 to 100 kohm, uniform logarithm) and `MANY` inputs of up to 0.3 V."""
    rng = np.random.default_rng(n)
    return 10.0 ** -rng.uniform(3, 5, (n, n)), rng.uniform(0.0, 0.3, (n, MANY))


def badcrossbar() -> ModuleType:
    """
    Return the peer, told to be silent.

    Raises
    ------
    ToolError
        When it is not installed.
    """
    # without pycairo it cannot draw and says so, whatever filter is set: it sets one of its own
    with warnings.catch_warnings(record=True), contextlib.redirect_stdout(sys.stderr):
        try:
            before = list(logging.getLogger().handlers)
            import badcrossbar as module
        except ModuleNotFoundError as error:
            raise ToolError(
                "the package badcrossbar is not installed (pip install 'drai_hw[crossbars]', or "
                "--no-deps where pycairo cannot be compiled)"
            ) from error
        # it sets the root logger up for everybody
        for handler in list(logging.getLogger().handlers):
            if handler not in before:
                logging.getLogger().removeHandler(handler)
    logging.getLogger("badcrossbar").setLevel(logging.WARNING)
    return module


def ours(n: int, inputs: int) -> Work:
    """Return a work: factor and currents."""
    g, v = arrays(n)
    return lambda: Crossbar(g, WIRE_OHM).solve(v[:, :inputs]).currents_a


def plain(n: int, inputs: int) -> Work:
    """Return a work: nodal matrix, factor, currents."""
    g, v = arrays(n)

    def work() -> peers.Floats:
        factor = linalg.splu(
            nodal_matrix(g, 1 / WIRE_OHM, 1 / WIRE_OHM), permc_spec="MMD_AT_PLUS_A"
        )
        right = np.zeros((2, n, n, inputs))
        right[0, :, 0] = v[:, :inputs] / WIRE_OHM
        bottom = factor.solve(right.reshape(2 * n * n, inputs)).reshape(right.shape)[1, -1]
        return np.asarray(bottom.T / WIRE_OHM)

    return work


def peer(n: int, inputs: int) -> Work:
    """Return a work: output currents by badcrossbar."""
    g, v = arrays(n)
    module = badcrossbar()
    return lambda: (
        module.compute(
            v[:, :inputs], 1 / g, WIRE_OHM, node_voltages=False, all_currents=False
        ).currents.output
    )


def rows(n: int, rounds: int) -> Iterator[Row]:
    """Yield the rows of one size: one input and many."""
    try:
        named = f"badcrossbar {metadata.version('badcrossbar')}"
    except metadata.PackageNotFoundError:
        named = "badcrossbar"
    makers: dict[Hashable, Callable[[], Work]] = {
        (OURS, 1): lambda: ours(n, 1), (OURS, MANY): lambda: ours(n, MANY),
        (FACTOR, 1): lambda: plain(n, 1), (FACTOR, MANY): lambda: plain(n, MANY),
        (named, 1): lambda: peer(n, 1),
    }  # fmt: skip
    works: dict[Hashable, Work] = {}
    reasons: dict[Hashable, str] = {}
    for key, make in makers.items():
        try:
            works[key] = make()
        except ToolError as error:
            reasons[key] = str(error)
    with one_thread():
        results = {key: np.asarray(work()) for key, work in works.items()}
        seconds = time_in_turns(works, rounds)
    asked = {(FACTOR, 1): Target(ratio=1.5) if n >= 256 else None,
             (named, 1): Target(ratio=1.0) if n >= 128 else None}  # fmt: skip
    for key in ((FACTOR, 1), (named, 1), (FACTOR, MANY)):
        name, inputs = key
        mine, other = seconds[(OURS, inputs)] * 1e3, seconds.get(key)
        wanted = asked.get(key)
        apart = _apart(results[(OURS, inputs)], results.get(key))
        yield Row(
            task=f"crossbar with lines, {inputs} input(s)", n=n, precision="float64", ours=mine,
            theirs=None if other is None else other * 1e3,
            against=name + _agreement(apart),
            ratio=None if other is None else other * 1e3 / mine, unit=UNIT,
            reason=reasons.get(key, ""), target=str(wanted or ""),
            met=wanted.is_met(mine, None if other is None else other * 1e3) if wanted else None,
        )  # fmt: skip
    one, many = seconds[(OURS, 1)] * 1e3, seconds[(OURS, MANY)] * 1e3
    yield Row(
        task="crossbar with lines: ours, a further input", n=n, precision="float64",
        ours=(many - one) / (MANY - 1), theirs=one, against="ours, the first input",
        ratio=one * (MANY - 1) / (many - one) if many > one else None, unit=UNIT,
        reason="" if many > one else "too small to tell apart",
    )  # fmt: skip


def _agreement(apart: float | None) -> str:
    if apart is None:
        return ""
    return ", equal to 1e-10" if apart <= 1e-10 else f", RESULTS DIFFER by {apart:.0e}"


def _apart(mine: peers.Floats, other: peers.Floats | None) -> float | None:
    if other is None:
        return None
    return float(np.abs(mine - other).max() / np.abs(mine).max())
