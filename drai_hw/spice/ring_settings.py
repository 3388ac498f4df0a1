"""Checks of a ring's settings."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from drai_hw.errors import SpecError

if TYPE_CHECKING:
    from drai_hw.spice.settings import Circuit

TOPOLOGIES = ("pseudo-differential", "single-ended")
LEAST_SUPPLY_V = 0.9
"""Twice the threshold of the level-1 transistors: below it both of a stage are off midway."""

MOST_LATCH = 2.0


def check_ring(circuit: Circuit) -> None:
    """
    Refuse settings that no ring can be built from.

    Parameters
    ----------
    circuit : Circuit
        The settings, of tanks too.

    Raises
    ------
    SpecError
        A value is out of its range; the message names the key, the value and the range.
    """
    if circuit.ring_topology not in TOPOLOGIES:
        raise SpecError(
            f"circuit.ring_topology = {circuit.ring_topology!r}: needed is one of "
            f"{', '.join(TOPOLOGIES)}"
        )
    for key, unit in (
        ("ring_vdd_v", " V"), ("ring_load_f", " F"), ("ring_latch", ""),
        ("ring_width", ""), ("ring_skew", ""),
    ):  # fmt: skip
        value = getattr(circuit, key)
        if not (math.isfinite(value) and value > 0):
            raise SpecError(f"circuit.{key} = {value!r}: needed is a number above 0{unit}")
    if circuit.ring_vdd_v <= LEAST_SUPPLY_V:
        raise SpecError(
            f"circuit.ring_vdd_v = {circuit.ring_vdd_v!r}: needed is more than "
            f"{LEAST_SUPPLY_V:g} V, twice the threshold of the transistors, or both of a stage "
            "are off midway"
        )
    if circuit.ring_latch > MOST_LATCH:
        raise SpecError(
            f"circuit.ring_latch = {circuit.ring_latch!r}: needed is at most {MOST_LATCH:g} "
            "(measured: at 3 the latches hold the stages and the ring stands still); 0.3 is the "
            "reference"
        )
    if circuit.ring_stages < 3 or circuit.ring_stages % 2 == 0:
        raise SpecError(
            f"circuit.ring_stages = {circuit.ring_stages!r}: needed is an odd number of at least "
            "3, an even ring latches instead of oscillating"
        )
