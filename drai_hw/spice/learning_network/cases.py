"""The networks of the page: four oscillators that store a pattern, a crossbar of two by two."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations, product
from typing import Any

import numpy as np

from drai_hw.spice.learning_network.network import Network, Stage

SHOW, CUE, FREE, SLOT = 140, 200, 240, 20
"""Periods: an input settles with its low-passes, a start is set, a network runs free, a pulse."""
MISMATCH = 3e-4
"""Standard deviation of the tanks' frequencies, of the order of a trimmed one's."""
Signs = tuple[int, ...]


def _scatter(seed: int, synapses: int, oscillators: int, mismatch: float) -> dict[str, Any]:
    """Return starts: memristors that differ, tanks that differ, phases from anywhere."""
    rng = np.random.default_rng(seed)
    states = rng.uniform(0.44, 0.56, (synapses, 2))
    detuning = rng.normal(0.0, mismatch, oscillators)
    return {
        "states": tuple((float(a), float(b)) for a, b in states),
        "detuning": tuple(float(d) for d in detuning - detuning.mean()),
        "start_rad": tuple(float(x) for x in rng.uniform(-np.pi, np.pi, oscillators)),
    }


def all_to_all(
    pattern: Signs, flipped: int, seed: int, *, pulses: int = 10, learns: bool = True,
    mismatch: float = MISMATCH,
) -> Network:  # fmt: skip
    """
    Return a network, all to all, that is cued, shown a pattern, and cued again.

    Stages: cue with one sign wrong, free, shown, shown with pulses, cue, free.

    Parameters
    ----------
    pattern : tuple of int
        +1/-1.
    flipped : int
        Which sign of the cue is wrong.
    seed : int
        Of memristors, tanks and phases.
    pulses : int
        That come while the pattern is shown.
    learns : bool
        False: they do not come, a control.
    mismatch : float
        Standard deviation of the tanks' frequencies.
    """
    n = len(pattern)
    pairs = tuple(combinations(range(n), 2))
    cue = tuple(-x if i == flipped else x for i, x in enumerate(pattern))
    free = (0,) * n
    return Network(
        pairs=pairs,
        stages=(
            Stage(CUE, cue), Stage(FREE, free), Stage(SHOW, pattern),
            Stage(SLOT * pulses, pattern, learns), Stage(CUE, cue), Stage(FREE, free),
        ),
        **_scatter(seed, len(pairs), n, mismatch),
    )  # fmt: skip


def associations(
    shown: tuple[tuple[Signs, Signs], ...], seed: int, *, pulses: int = 8, learns: bool = True
) -> Network:
    """
    Return a crossbar of synapses from inputs to outputs that is taught pairs of patterns.

    Stages: for each pair outputs set wrong and then free, at its inputs; each pair shown, and shown
    with pulses; then once more, outputs set wrong and then free.

    Parameters
    ----------
    shown : tuple of (tuple of int, tuple of int)
        Signs of the inputs, which stand first, and of the outputs.
    seed, pulses, learns
        As in `all_to_all`; pulses of each pair.
    """
    inputs, outputs = len(shown[0][0]), len(shown[0][1])
    pairs = tuple(product(range(inputs), range(inputs, inputs + outputs)))
    recalls, teaching = [], []
    for x, y in shown:
        wrong = tuple(-each for each in y)
        recalls += [Stage(CUE, x + wrong), Stage(2 * FREE, x + (0,) * outputs)]
        teaching += [Stage(SHOW, x + y), Stage(SLOT * pulses, x + y, learns)]
    return Network(
        pairs=pairs,
        stages=(*recalls, *teaching, *recalls),
        **_scatter(seed, len(pairs), inputs + outputs, MISMATCH),
    )


@dataclass(frozen=True)
class Case:
    """
    Hold a network of the page.

    Parameters
    ----------
    title : str
        What it is.
    network : Network
        All settings.
    wanted : tuple of tuple of int
        The patterns that its stages with free tanks should end in, in turn.
    recalls : bool
        Whether it must recall; False for controls, and where the tanks differ too much to lock.
    """

    title: str
    network: Network
    wanted: tuple[Signs, ...]
    recalls: bool = True


ASSOCIATED = (((1, 1), (1, -1)), ((1, -1), (1, 1)))


def shown(signs: Signs) -> str:
    """Return signs as text."""
    return "".join("+" if sign > 0 else "−" for sign in signs)


def cases() -> dict[str, Case]:
    """Return the networks of the page by name."""
    found = {}
    for pattern, flipped, seed in (
        ((1, 1, -1, -1), 0, 1), ((1, -1, 1, -1), 1, 3), ((1, -1, 1, 1), 2, 2)
    ):  # fmt: skip
        found[f"four-{seed}"] = Case(
            f"four, {shown(pattern)}, sign {flipped + 1} turned",
            all_to_all(pattern, flipped, seed), (pattern,),
        )  # fmt: skip
    pattern = (1, 1, 1, 1)
    found["apart"] = Case(
        f"four, {shown(pattern)}, tanks 0.6 % apart",
        all_to_all(pattern, 2, 5, mismatch=6e-3), (pattern,), recalls=False,
    )  # fmt: skip
    pattern = (1, 1, -1, -1)
    found["control"] = Case(
        f"control: four, {shown(pattern)}, no pulses",
        all_to_all(pattern, 0, 1, learns=False), (pattern,), recalls=False,
    )  # fmt: skip
    found["two-by-two"] = Case(
        "two by two, " + ", ".join(f"{shown(x)} to {shown(y)}" for x, y in ASSOCIATED),
        associations(ASSOCIATED, 1), tuple(x + y for x, y in ASSOCIATED),
    )  # fmt: skip
    return found
