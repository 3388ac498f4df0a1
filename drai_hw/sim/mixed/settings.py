"""Settings of the mixed-signal bench: circuit, clock, comparator, exchange, start."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from drai_hw.errors import SpecError
from drai_hw.model.numbers import Formats
from drai_hw.spice.settings import Circuit


@dataclass(frozen=True)
class Mixed:
    """
    Hold one experiment.

    Parameters
    ----------
    name : str
        Its name.
    start_phases_rad : tuple of float
        Start phases, one an oscillator; at least two.
    detuning : tuple of float
        Relative deviations of frequency.
    start_weights : tuple of int
        Weight of every pair i < j at the start, in LSB.
    periods : int
        Length in nominal periods.
    exchange_periods : int
        h, the exchange step in nominal periods, a multiple of ``pass_periods``.
    pass_periods : int
        Nominal periods between two learning passes, at least 2. An exchange makes those that have
        fallen due since the last one, all with the phases that it measures.
    clock_ratio : int
        Clocks of the learning unit a nominal period: a multiple of ``2**phase_bits``.
    hysteresis_v : float
        Between the two levels of the comparators, below twice the tanks' amplitude.
    events_per_period : float
        Mean number of update events of a pair in a period; the probability of an event in a pass
        is this times ``pass_periods``, at most 1.
    learn : bool
        Whether update events happen at all.
    reject_every : int
        0, or reject every so many-th step that ngspice would accept, to see that nothing depends
        on it.
    seed : int
        Of the update events.
    circuit : Circuit
        The tanks; ``cycles`` is not used.
    """

    name: str
    start_phases_rad: tuple[float, ...]
    detuning: tuple[float, ...]
    start_weights: tuple[int, ...]
    periods: int
    exchange_periods: int = 8
    pass_periods: int = 2
    clock_ratio: int = 64
    hysteresis_v: float = 0.02
    events_per_period: float = 1.0 / 16.0
    learn: bool = True
    reject_every: int = 0
    seed: int = 1
    circuit: Circuit = field(default_factory=lambda: Circuit(points_per_cycle=100))

    def __post_init__(self) -> None:
        n = self.n
        pairs = n * (n - 1) // 2
        turn = 1 << self.formats.phase_bits
        top = self.formats.w_max
        for fits, text in (
            (n >= 2, f"{n} start phases: needed are at least 2 oscillators"),
            (len(self.detuning) == n, f"{len(self.detuning)} detunings: needed are {n}"),
            (
                len(self.start_weights) == pairs
                and all(abs(w) <= top for w in self.start_weights),
                f"start_weights = {self.start_weights}: needed are {pairs} whole numbers from "
                f"-{top} to {top}, one a pair",
            ),
            (
                self.clock_ratio >= turn and self.clock_ratio % turn == 0,
                f"clock_ratio = {self.clock_ratio}: needed is a multiple of {turn} clocks a "
                f"period, the steps of a phase of {self.formats.phase_bits} bits",
            ),
            (
                self.pass_periods >= 2,
                f"pass_periods = {self.pass_periods}: needed are at least 2, or a phase is read "
                "before it has been measured anew",
            ),
            (
                self.exchange_periods >= 2 and self.exchange_periods % self.pass_periods == 0,
                f"exchange_periods = {self.exchange_periods}: needed is a multiple of the "
                f"{self.pass_periods} periods of a learning pass",
            ),
            (
                self.exchanges >= 1,
                f"periods = {self.periods}: needed is at least one exchange step of "
                f"{self.exchange_periods} periods",
            ),
            (
                0 <= self.hysteresis_v < 2 * self.circuit.amplitude_v,
                f"hysteresis_v = {self.hysteresis_v!r} V: needed is 0 or more, and less than "
                f"twice the amplitude of {self.circuit.amplitude_v:g} V, or no comparator moves",
            ),
            (
                0 <= self.event_probability <= 1,
                f"events_per_period = {self.events_per_period!r} with a pass every "
                f"{self.pass_periods} periods: a probability of "
                f"{self.event_probability:g} a pass; needed is 0 to 1, lower either",
            ),
            (self.reject_every != 1 and self.reject_every >= 0,
             f"reject_every = {self.reject_every}: needed is 0, or 2 or more: with 1 time would "
             "stand still"),
        ):  # fmt: skip
            if not fits:
                raise SpecError(text)

    @property
    def n(self) -> int:
        """Return the number of oscillators."""
        return len(self.start_phases_rad)

    @property
    def formats(self) -> Formats:
        """Return the number formats of the learning unit: the defaults."""
        lanes = 2
        return Formats(
            n=max(2, self.n), lanes=lanes, pages=max(1, -(-self.n // lanes)), seed=self.seed
        )

    @property
    def clock_hz(self) -> float:
        """Return the clock of the learning unit, tied to nothing in the circuit."""
        return self.clock_ratio * self.circuit.f0_hz

    @property
    def exchange_clocks(self) -> int:
        """Return h in clocks."""
        return self.exchange_periods * self.clock_ratio

    @property
    def exchanges(self) -> int:
        """Return how many exchanges there are."""
        return self.periods // self.exchange_periods

    @property
    def passes(self) -> int:
        """Return the learning passes of one exchange."""
        return self.exchange_periods // self.pass_periods

    @property
    def event_probability(self) -> float:
        """Return the probability of an update event of a pair in a pass."""
        return self.events_per_period * self.pass_periods


PAIR = Mixed(
    "pair", start_phases_rad=(0.0, 1.4), detuning=(0.0, 0.004), start_weights=(6,), periods=400
)
"""Two detuned oscillators whose weight grows to its limit while they lock."""

_PATTERN = (0.2, math.pi - 0.25, -0.3, math.pi + 0.15)
FOUR = Mixed(
    "four", start_phases_rad=_PATTERN, detuning=(0.0,) * 4, start_weights=(0,) * 6, periods=480
)
"""Four oscillators that learn the pattern + - + - from weights of 0."""

EXPERIMENTS = {mixed.name: mixed for mixed in (PAIR, FOUR)}


def recall_of(learned: Mixed, weights: tuple[int, ...], flipped: int, periods: int = 160) -> Mixed:
    """
    Return the experiment that recalls what another one has learned.

    Parameters
    ----------
    learned : Mixed
        The one that learned.
    weights : tuple of int
        Its weights at the end; they stay.
    flipped : int
        Oscillator that starts on the other side.
    periods : int
        Length.
    """
    start = list(learned.start_phases_rad)
    start[flipped] += math.pi
    return replace(
        learned, name=f"{learned.name}-recall", start_phases_rad=tuple(start),
        start_weights=weights, learn=False, periods=periods,
    )  # fmt: skip
