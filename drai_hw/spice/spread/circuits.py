"""Circuits that spread is measured on: drawn rings and drawn tanks at a corner."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Protocol

import numpy as np

from drai_hw.errors import SpecError
from drai_hw.spice import drawn
from drai_hw.spice.at_size.cases import Case
from drai_hw.spice.drawn import Rings
from drai_hw.spice.drawn_tanks import DrawnTanks
from drai_hw.spice.ring_pull import pull
from drai_hw.spice.settings import Circuit, Floats
from drai_hw.spice.transistors import CORNERS, GF180MCU, LEVEL1

STATISTICAL = "statistical"
"""Process that the models draw for a whole die."""
PROCESSES = (*CORNERS, STATISTICAL)


@dataclass(frozen=True)
class Corner:
    """
    Where a circuit works.

    Parameters
    ----------
    supply : float
        VDD over the nominal one, 0.5 to 1.5.
    temperature_c : float
        -55 to 150 degrees Celsius.
    process : str
        One of typical, ff, ss, fs, sf, statistical; level-1 circuits have only the first.
    """

    supply: float = 1.0
    temperature_c: float = 27.0
    process: str = CORNERS[0]

    def __post_init__(self) -> None:
        if not 0.5 <= self.supply <= 1.5:
            raise SpecError(f"supply = {self.supply!r}: needed is 0.5 to 1.5 of the nominal VDD")
        if not -55 <= self.temperature_c <= 150:
            raise SpecError(
                f"temperature_c = {self.temperature_c!r}: needed are -55 to 150 degrees Celsius"
            )
        if self.process not in PROCESSES:
            raise SpecError(f"process {self.process!r}: needed is one of {', '.join(PROCESSES)}")

    @property
    def name(self) -> str:
        """Return a name for files."""
        return f"{self.process}-{self.temperature_c:g}c-{100 * self.supply:g}pct"


class Sort(Protocol):
    """What spread is measured on."""

    @property
    def name(self) -> str:
        """Return its name."""

    @property
    def title(self) -> str:
        """Return what it is, for pages."""

    @property
    def n(self) -> int:
        """Return the oscillators of its network."""

    @property
    def cycles(self) -> int:
        """Return the periods of a recall."""

    @property
    def rho(self) -> float:
        """Return the strength of the network's coupling."""

    @property
    def pair_rho(self) -> float:
        """Return the strength of a pair."""

    @property
    def pull_per_rho(self) -> float:
        """Return about the coupling of a pair over the angular frequency, at rho = 1."""

    def branches_s(self, weights: Floats, rho: float) -> Floats:
        """Return signed conductances of branches, of the nominal circuit."""

    def supply_v(self, corner: Corner) -> float:
        """Return VDD."""

    def period_s(self, corner: Corner) -> float:
        """Return about the period at a corner: the unit of a run's length."""

    def text(
        self, branch_s: Floats, start_rad: Floats, cycles: float, corner: Corner, *,
        detuning: Floats | None = None,
    ) -> str:  # fmt: skip
        """Return the netlist, with nominal components, frequencies off by about a detuning."""

    def sides(self, n: int) -> tuple[list[str], list[str]]:
        """Return the saved voltages of sides p and n."""


def _require_typical(name: str, corner: Corner) -> None:
    if corner.process != CORNERS[0]:
        raise SpecError(
            f"process {corner.process!r} of {name}: needed is {CORNERS[0]}, level 1 has no other"
        )


@dataclass(frozen=True)
class RingSort:
    """Pseudo-differential rings of a set of transistors (`drai_hw.spice.drawn`)."""

    rings: Rings
    n: int = 12
    cycles: int = 90
    rho: float = 0.5
    pair_rho: float = 0.05

    @property
    def name(self) -> str:
        """Return its name."""
        return f"ring-{self.rings.transistors.name}"

    @property
    def title(self) -> str:
        """Return what it is, for pages."""
        return f"rings of {self.rings.stages} stages, {self.rings.transistors.title}"

    @property
    def pull_per_rho(self) -> float:
        """Return about the coupling of a pair over the angular frequency, at rho = 1."""
        return pull(replace(Circuit(), ring_stages=self.rings.stages))

    def branches_s(self, weights: Floats, rho: float) -> Floats:
        """Return signed conductances of branches, of the nominal circuit."""
        return drawn.branches_s(replace(self.rings, rho=rho), weights)

    def supply_v(self, corner: Corner) -> float:
        """Return VDD."""
        return self.rings.supply_v * corner.supply

    def period_s(self, corner: Corner) -> float:
        """Return the period of a ring without mismatch at a corner."""
        return 1.0 / drawn.free_running_hz(self._at(corner))

    def text(
        self, branch_s: Floats, start_rad: Floats, cycles: float, corner: Corner, *,
        detuning: Floats | None = None,
    ) -> str:  # fmt: skip
        """Return the netlist, with nominal components, frequencies off by about a detuning."""
        cards = None
        if corner.process == STATISTICAL:
            cards = [
                line.replace("typical", STATISTICAL) for line in self.rings.transistors.cards()
            ]
            cards.append(".param sw_stat_global=1")
        at, period_s = self._at(corner), self.period_s(corner)
        if detuning is not None:  # the load is a part of a node's capacitance
            detuning = detuning * drawn.capacitance_f(self.rings) / self.rings.load_f
        return drawn.netlist(
            at, branch_s, start_rad, period_s, cycles, detuning=detuning, cards=cards
        )

    def sides(self, n: int) -> tuple[list[str], list[str]]:
        """Return the saved voltages of sides p and n."""
        return [f"v(p{i}_0)" for i in range(n)], [f"v(n{i}_0)" for i in range(n)]

    def _at(self, corner: Corner) -> Rings:
        if not self.rings.transistors.technology:
            _require_typical(self.name, corner)
        process = CORNERS[0] if corner.process == STATISTICAL else corner.process
        return replace(
            self.rings, vdd_v=self.supply_v(corner), temperature_c=corner.temperature_c,
            corner=process,
        )  # fmt: skip


@dataclass(frozen=True)
class TankSort:
    """Tanks with cores of level-1 transistors (`drai_hw.spice.drawn_tanks`)."""

    tanks: DrawnTanks = field(
        default_factory=lambda: DrawnTanks(Circuit(points_per_cycle=40), mirror_length_m=1.8e-6)
    )
    n: int = 8
    cycles: int = 180
    rho: float = 0.5
    pair_rho: float = 0.1
    name: str = "tank"
    title: str = "tanks, cross-coupled pairs of level-1 transistors, Q = 15.9, 1 MHz"

    @property
    def pull_per_rho(self) -> float:
        """Return about the coupling of a pair over the angular frequency, at rho = 1."""
        return 0.5 / self.tanks.circuit.q

    def branches_s(self, weights: Floats, rho: float) -> Floats:
        """Return signed conductances of branches, of the nominal circuit."""
        circuit = replace(self.tanks.circuit, rho=rho)
        return replace(self.tanks, circuit=circuit).branches_s(weights)

    def supply_v(self, corner: Corner) -> float:
        """Return VDD."""
        return self.tanks.supply_v * corner.supply

    def period_s(self, corner: Corner) -> float:
        """Return the nominal period."""
        return 1.0 / self.tanks.circuit.f0_hz

    def text(
        self, branch_s: Floats, start_rad: Floats, cycles: float, corner: Corner, *,
        detuning: Floats | None = None,
    ) -> str:  # fmt: skip
        """Return the netlist, with nominal components, frequencies off by about a detuning."""
        _require_typical(self.name, corner)
        return self.tanks.netlist(
            branch_s, start_rad, cycles, supply_v=self.supply_v(corner),
            temperature_c=corner.temperature_c, detuning=detuning,
        )  # fmt: skip

    def sides(self, n: int) -> tuple[list[str], list[str]]:
        """Return the saved voltages of sides p and n."""
        return [f"v(p{i})" for i in range(n)], [f"v(n{i})" for i in range(n)]


SORTS: dict[str, Sort] = {
    each.name: each
    for each in (
        RingSort(Rings(LEVEL1, points_per_cycle=40)),
        RingSort(Rings(GF180MCU, points_per_cycle=40), n=8, cycles=60),
        TankSort(),
    )
}


def task(sort: Sort, seed: int) -> tuple[Floats, Floats, Floats]:
    """
    Return weights, pattern and start phases of a recall.

    Weights are those of one network, whatever the seed; the start is its pattern with a sixth of
    the signs turned, at least one, and jitter.
    """
    case = Case(sort.n, sort.rho, 0)
    pattern = case.pattern().astype(np.float64)
    rng = np.random.default_rng([seed, 11])
    start = pattern.copy()
    start[rng.permutation(sort.n)[: max(1, sort.n // 6)]] *= -1
    phases = np.where(start > 0, 0.0, math.pi) + rng.uniform(-0.1, 0.1, sort.n)
    return case.weights(), pattern, phases
