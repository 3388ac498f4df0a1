"""How strongly rings pull and by how much they lag, as `drai_hw.spice.extraction` finds it."""

from __future__ import annotations

import math

from drai_hw.spice.settings import Circuit

EXTRACTED = {
    "pseudo-differential": {
        3: (0.333, 15.33), 5: (0.159, 9.31), 7: (0.0881, 6.72),
        9: (0.0550, 5.23), 11: (0.0375, 4.31),
    },
    "single-ended": {
        3: (0.680, 22.90), 5: (0.349, 13.67), 7: (0.199, 9.92),
        9: (0.126, 7.79), 11: (0.0868, 6.39),
    },
}  # fmt: skip
"""By stages: a_1 C of ``w = a_1 G``, and the lag in degrees, by phase response at 1.8 V, unskewed,
with resistors and the reference latch."""


def pull(circuit: Circuit) -> float:
    """
    Return a_1 C of a ring: w = pull G/C of straight branches of G each.

    Beyond 11 stages it falls as 1/N^2, as measured to 6 %: a share of the period is an edge, and
    an edge is moved by a share of the period.

    Parameters
    ----------
    circuit : Circuit
        Settings of rings; their topology and stages count.
    """
    most, found = _nearest(circuit)
    return found[0] * (most / circuit.ring_stages) ** 2


def lag_rad(circuit: Circuit) -> float:
    """
    Return the lag of rings coupled by resistors; beyond 11 stages it falls as 1/N.

    Parameters
    ----------
    circuit : Circuit
        Settings of rings; their topology and stages count.
    """
    most, found = _nearest(circuit)
    return math.radians(found[1]) * most / circuit.ring_stages


def _nearest(circuit: Circuit) -> tuple[int, tuple[float, float]]:
    table = EXTRACTED[circuit.ring_topology]
    stages = min(circuit.ring_stages, max(table))
    return stages, table[stages]
