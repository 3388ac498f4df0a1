"""Energies of learning synapses: every source of theirs, where it goes, what is stored."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from drai_hw.spice.engine import Waves
from drai_hw.spice.learning import Synapse
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.units import TAU


@dataclass
class Books:
    """
    Hold what sources deliver, elements turn into heat and capacitors take in part of a run.

    Parameters
    ----------
    waves : Waves
        The run.
    first_s, last_s : float
        The part.
    """

    waves: Waves
    first_s: float = 0.0
    last_s: float = math.inf
    delivered_j: dict[str, float] = field(default_factory=dict)
    dissipated_j: dict[str, float] = field(default_factory=dict)
    stored_j: float = 0.0

    def __post_init__(self) -> None:
        time_s = self.waves.time_s
        self._kept = (time_s >= self.first_s) & (time_s <= self.last_s)

    @property
    def time_s(self) -> Floats:
        """Return the times of the part."""
        return self.waves.time_s[self._kept]

    def seen(self, *names: str) -> list[Floats]:
        """Return vectors of the part."""
        return list(self.waves.select(list(names))[self._kept].T)

    def deliver(self, name: str, power_w: Floats | float) -> None:
        """Add what a source delivers."""
        self.delivered_j[name] = self.delivered_j.get(name, 0.0) + self._joule(power_w)

    def dissipate(self, name: str, power_w: Floats) -> None:
        """Add heat."""
        self.dissipated_j[name] = self.dissipated_j.get(name, 0.0) + self._joule(power_w)

    def store(self, farad: float, volt: Floats) -> None:
        """Add the change of a capacitor's energy."""
        self.stored_j += 0.5 * farad * float(volt[-1] ** 2 - volt[0] ** 2)

    @property
    def balance(self) -> float:
        """Return (delivered - dissipated - stored) / delivered."""
        delivered = sum(self.delivered_j.values())
        return 1.0 - (sum(self.dissipated_j.values()) + self.stored_j) / delivered

    def _joule(self, power_w: Floats | float) -> float:
        power = np.broadcast_to(np.asarray(power_w), self.time_s.shape)
        return float(np.trapezoid(power, self.time_s))


COSINE, SINE = "Bc (detector, cosine)", "Bs (detector, sine)"
BUFFER, DRIVER = "Bq (buffer of the phase shifter)", "Bwrite (driver)"
MEMRISTOR = "memristor"
LEARNING = (COSINE, SINE, BUFFER, DRIVER)
"""Sources of the learning energy: all that a synapse needs beyond what couples its tanks."""


def shifter(books: Books, circuit: Circuit, tag: str) -> None:
    """Enter `Synapse.shifter` of a tag."""
    before, after, current = books.seen(f"v(q1{tag})", f"v(q{tag})", f"i(bq{tag})")
    books.deliver(BUFFER, -current * before)
    books.dissipate("phase shifter", (before - after) ** 2 / 1e3)
    books.store(10.0 / (TAU * circuit.f0_hz) * 1e-3, after)


def synapse(
    books: Books, used: Synapse, circuit: Circuit, *, tag: str, first: int, second: int, late: str,
    devices: Sequence[str],
) -> None:  # fmt: skip
    """
    Enter detectors, low-passes, drivers and memristors of a synapse.

    Parameters
    ----------
    books : Books
        Gets the entries.
    used, circuit : Synapse, Circuit
        Settings.
    tag, first, second, late
        As in `Synapse.detectors`.
    devices : sequence of str
        Names of its memristors.
    """
    p0, n0, p1, n1, c, s, q = books.seen(
        *(f"v({side}{tank})" for tank in (first, second) for side in "pn"),
        f"v(c{tag})", f"v(s{tag})", f"v({late})",
    )  # fmt: skip
    scale = 2.0 / circuit.amplitude_v**2
    books.deliver(COSINE, 1e-6 * scale * (p0 - n0) * (p1 - n1) * c)
    books.deliver(SINE, 1e-6 * scale * math.hypot(1.0, 10.0) * q * (p1 - n1) * s)
    books.dissipate("low-passes", (c * c + s * s) / 1e6)
    for volt in (c, s):
        books.store(used.low_pass_cycles / circuit.f0_hz * 1e-6, volt)
    for device in devices:
        volt, x, current = books.seen(f"v(w{device})", f"v(x{device})", f"i(bwrite{device})")
        books.deliver(DRIVER, -current * volt)
        conductance_s = used.least_s + (used.most_s - used.least_s) * x
        books.dissipate(MEMRISTOR, volt * volt * conductance_s)
