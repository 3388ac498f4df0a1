"""A13 and A14 in the twin: twisted rings, and an energy that hardly ever rises."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cache, partial

import numpy as np

from drai_hw.model import graphs
from drai_hw.model.acceptance import bounds
from drai_hw.model.acceptance.graphs_energy import RING, WILEY
from drai_hw.model.acceptance.machines import (
    DEFAULT,
    FINE,
    formats_of,
    label,
    machine,
    phases_rad,
)
from drai_hw.model.acceptance.row import Row
from drai_hw.model.numbers import Formats
from drai_hw.units import rad_to_lsb


@cache
def turns_left(turns: int) -> int:
    """Return the winding number of a turning ring after a kick of 0.1 rad."""
    f = formats_of(RING)
    twin = machine(f, gain=(1 << f.shift) * 4 // 15)  # 15 x 31 x 4/15 = 124 LSB
    twin.load_weights(15 * graphs.ring(RING))
    twin.load_omega(np.full(RING, bounds.golden_word(10)))
    start = graphs.twisted_rad(RING, turns)
    start = start + 0.1 * np.random.default_rng(2).standard_normal(RING)
    twin.load_phases(rad_to_lsb(start, f.accumulator_bits))
    twin.run(8000)
    return graphs.winding(phases_rad(twin))


def turns_away(turns: int) -> int:
    """Return that number without its sign."""
    return abs(turns_left(turns))


def certain_turns(formats: Formats) -> int:
    """Return up to how many turns the table surely rises at the difference of neighbours."""
    table = bounds.sine_table(formats)
    flat = int(np.flatnonzero(np.diff(table)[: formats.quarter] <= 0)[0])  # rises below this bin
    return math.floor((flat - 1) * RING / 2**formats.phase_bits)


def nets(widths: dict[str, int], step_rad: float) -> Iterator[tuple[np.ndarray, int, float, int]]:
    """Yield six random nets of 24: weights, gain, what the gain makes of the step, row sum."""
    f = formats_of(24, **widths)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        weights = np.triu(rng.integers(-f.w_max, f.w_max + 1, (24, 24)), 1)
        weights = weights + weights.T
        row_sum = int(np.abs(weights).sum(axis=1).max())
        pull = f.table_amplitude * row_sum * bounds.lsb_rad(f) / 2**f.shift
        gain = math.floor(step_rad / pull)
        yield weights, gain, gain * pull, row_sum


def rise_bound(widths: dict[str, int], step_rad: float) -> float:
    """Return the smallest bound of the rise among these nets."""
    f = formats_of(24, **widths)
    return min(
        bounds.energy_rise(f, 24, row_sum, step, step / bounds.lsb_rad(f))
        for _, _, step, row_sum in nets(widths, step_rad)
    )


@cache
def energies(widths: tuple[tuple[str, int], ...], step_rad: float) -> tuple[float, float]:
    """Return the largest rise in a step and the least fall in a run (LSB of weight; share)."""
    f = formats_of(24, **dict(widths))
    worst, fall = -math.inf, math.inf
    for seed, (weights, gain, _, _) in enumerate(nets(dict(widths), step_rad)):
        twin = machine(f, gain=gain)
        twin.load_weights(weights)
        twin.load_phases(np.random.default_rng(seed).integers(0, 1 << f.accumulator_bits, 24))
        found = []
        for index in range(round(100 / step_rad)):
            twin.run(1, resume=index > 0)
            psi = phases_rad(twin)
            found.append(-0.5 * float((weights * np.cos(psi[:, None] - psi[None, :])).sum()))
        worst = max(worst, float(np.diff(found).max()))
        fall = min(fall, (found[0] - found[-1]) / float(np.abs(weights).sum() / 2))
    return worst, fall


def energy_row(widths: dict[str, int], step_rad: float) -> Row:
    """A14 with a derived bound."""
    key = tuple(widths.items())
    return Row(
        id="A14",
        name=f"twin energy {step_rad} P={formats_of(2, **widths).phase_bits}",
        statement=f"largest rise of E in a step of {step_rad} rad, 6 random nets of 24, "
        f"{label(widths)}, LSB of weight",
        machine="twin",
        source="derived: N (h/R) (R e)^2 / (4 (1 - h)), e the error of a look-up and half an LSB",
        expected=0.0,
        tolerance=rise_bound(widths, step_rad),
        relation="<=",
        reason="derived for the worst case, all look-ups wrong by a bin the same way",
        compute=lambda: energies(key, step_rad)[0],
        seconds=0.3,
    )


FINEST = {"accumulator_bits": 20, "phase_bits": 10, "table_bits": 8}
ROWS = [
    *(
        Row(
            id="A13",
            name=f"twin twisted {turns}",
            statement=f"winding number of a turning ring of {RING} after a kick of 0.1 rad to its "
            f"state of {turns} turns",
            machine="twin",
            source=f"{WILEY}: stable below N/4 = 10 turns",
            expected=turns,
            tolerance=0.0,
            reason="an integer; the table of P = B = 6 rises surely up to "
            f"{certain_turns(formats_of(RING))} turns",
            compute=partial(turns_left, turns),
            seconds=0.3,
        )
        for turns in (0, 3, 7, -7)
    ),
    *(
        Row(
            id="A13",
            name=f"twin twisted {turns}",
            statement=f"the same from {turns} turns, above N/4 (|turns| at the end)",
            machine="twin",
            source=f"{WILEY}: unstable above N/4",
            expected=9.0,
            tolerance=0.0,
            relation="<=",
            reason="only states below N/4 = 10 turns attract",
            compute=partial(turns_away, turns),
            seconds=0.3,
        )
        for turns in (11, 13)
    ),
    energy_row(DEFAULT, 0.1),
    energy_row(DEFAULT, 0.5),
    energy_row(FINE, 0.5),
    energy_row(FINEST, 0.5),
    Row(
        id="A14",
        name="twin energy falls",
        statement="least fall of E over a run of 200 such steps (0.5 rad, default formats), as a "
        "share of the sum of |w|",
        machine="twin",
        source="gradient flow: random phases have E = 0 in the mean, rest is well below",
        expected=0.15,
        tolerance=0.0,
        relation=">=",
        reason="the worst of the six falls by 0.21, float and twin alike; no fall, no proof above",
        compute=lambda: energies((), 0.5)[1],
        seconds=0.3,
    ),
]
