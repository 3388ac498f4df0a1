"""What a learning oscillator machine can do: one interface for twin, simulated RTL and board."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, astuple, dataclass
from typing import Protocol, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.numbers import GAIN_BITS, PROBABILITY_ONE, STRENGTH_BITS, Formats

GATE_MARGIN = 1
GATE_RESONANCE = 2
BUDGET_BITS = 20


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Run-time registers of the core.

    Parameters
    ----------
    gain : int
        K, coupling gain, 0 to 65535; a torque sum S moves the phase by ``K S / 2**SH`` LSB a step.
    shil_max, shil_step : int
        Largest second-harmonic strength and its growth a step, 0 to 4095.
    eta, decay : int
        Probability of an update and of a decay event, in 1/65536, 0 to 65536.
    dither : int
        0: none; s + 1: three-valued dither of amplitude ``2**s`` LSB.
    margin : int
        Field threshold at and above which an oscillator counts as held.
    gates : int
        Sum of 1 (margin gate) and 2 (resonance gate).
    budget : int
        Row sum of |w| from which a census flags an oscillator, 0 to 2**20 - 1.
    shrink : int
        Probability of a decay event, in 1/65536, where either oscillator of a pair is flagged.
    centre : int
        Gain of the row sums in the census of centring, 0 (off) to 65535.
    """

    gain: int = 0
    shil_max: int = 0
    shil_step: int = 0
    eta: int = 0
    decay: int = 0
    dither: int = 0
    margin: int = 0
    gates: int = GATE_MARGIN
    budget: int = 0
    shrink: int = 0
    centre: int = 0

    def check(self, formats: Formats) -> None:
        """Raise `SpecError` where a value does not fit its register."""
        absent = {
            "decay": (formats.decay, "decay"),
            "budget": (formats.budget, "the budget of rows"),
            "shrink": (formats.budget, "the budget of rows"),
            "centre": (formats.centring, "centring"),
        }
        limits = {
            "gain": (0, (1 << GAIN_BITS) - 1),
            "shil_max": (0, (1 << STRENGTH_BITS) - 1),
            "shil_step": (0, (1 << STRENGTH_BITS) - 1),
            "eta": (0, PROBABILITY_ONE),
            "decay": (0, PROBABILITY_ONE),
            "dither": (0, formats.dither_shift_max + 1),
            "margin": (-formats.sum_max, formats.sum_max),
            "gates": (0, 3 if formats.resonance else 1),
            "budget": (0, (1 << BUDGET_BITS) - 1),
            "shrink": (0, PROBABILITY_ONE),
            "centre": (0, (1 << GAIN_BITS) - 1),
        }
        for name, (low, high) in limits.items():
            there, what = absent.get(name, (True, "the resonance gate"))
            high = high if there else 0
            value = getattr(self, name)
            if not low <= value <= high:
                why = ""
                if not there or (name == "gates" and value <= 3):
                    why = f"; {what} is not compiled into this core"
                raise SpecError(
                    f"register {name} = {value}: needs {low} to {high} in this design{why}"
                )


@dataclass(frozen=True, kw_only=True)
class Passes:
    """What a step of a run consists of, in this order: field, census, couple or edge pass.

    Parameters
    ----------
    field, couple : bool
        Do the field pass, the couple pass.
    learn : bool
        Learn in the couple pass.
    edge : bool
        An edge pass instead of the couple pass.
    census : bool
        Every census that is compiled in, before the couple pass.
    """

    field: bool = False
    couple: bool = True
    learn: bool = False
    edge: bool = False
    census: bool = False

    def check(self, formats: Formats) -> None:
        """Raise `SpecError` where a pass is not compiled into the core."""
        if self.edge and not formats.edge:
            raise SpecError(
                "edge pass: not compiled into this core; needs network.mode = 'edge-align'"
            )
        if self.census and not formats.census_passes:
            raise SpecError(
                "census: not compiled into this core; needs 'row-budget' or 'row-centring' among "
                "learning.stabilisers"
            )
        if self.learn and not formats.learns:
            raise SpecError(
                f"learning on a core of {formats.replicas} replicas: they share their weights and "
                "cannot learn; needs board.replicas = 1"
            )

    @property
    def coupled(self) -> bool:
        """A couple pass is done: an edge pass takes its place."""
        return self.couple and not self.edge

    def count(self, formats: Formats) -> int:
        """Return the passes over all pairs in a step."""
        return self.field + self.census * formats.census_passes + (self.couple or self.edge)


@dataclass(frozen=True)
class Counters:
    """Events of learning since the last reseed, each modulo 2**32.

    Attributes
    ----------
    visited : int
        Pairs of active oscillators evaluated in learning passes.
    gated_on : int
        Pairs whose gates were open.
    written : int
        Pairs for which an update event came while the gates were open.
    changed : int
        Pairs whose stored weight differs afterwards.
    """

    visited: int = 0
    gated_on: int = 0
    written: int = 0
    changed: int = 0

    @property
    def skipped(self) -> int:
        """Pairs visited without an update, modulo 2**32: gates closed, no event, or no step.

        Exactly ``visited - written``: every pair visited is either written or skipped.
        """
        return (self.visited - self.written) & 0xFFFFFFFF

    def figures(self) -> dict[str, int]:
        """Return all counts by name, ``skipped`` last."""
        return asdict(self) | {"skipped": self.skipped}

    def __sub__(self, other: Counters) -> Counters:
        return self._combine(other, -1)

    def __add__(self, other: Counters) -> Counters:
        return self._combine(other, 1)

    def _combine(self, other: Counters, sign: int) -> Counters:
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Counters(*((mine + sign * theirs) & 0xFFFFFFFF for mine, theirs in pairs))


class Machine(Protocol):
    """A machine in integer numbers: twin, RTL in simulation, or board."""

    formats: Formats

    def configure(self, settings: Settings) -> None:
        """Write the run-time registers."""

    def load_phases(self, theta: ArrayLike) -> None:
        """Set all N phase accumulators (LSB, modulo ``2**A``)."""

    def load_omega(self, omega: ArrayLike) -> None:
        """Set all N tuning words (signed LSB a step)."""

    def load_inputs(
        self, psi: ArrayLike, strength: ArrayLike, clamp: ArrayLike, active: ArrayLike
    ) -> None:
        """Set input phases (P bits), strengths (12 bits), clamp and activity flags, N each."""

    def load_weights(self, weights: ArrayLike) -> None:
        """Set the symmetric N x N weight matrix (zero diagonal, zero where there is no link)."""

    def load_links(self, links: ArrayLike) -> None:
        """Set which pairs are linked, N x N, and all weights to 0 (formats with `mask`)."""

    def reseed(self) -> None:
        """Restart the random streams, the threshold sweep and the counters."""

    def run(
        self,
        steps: int,
        *,
        field: bool = False,
        couple: bool = True,
        learn: bool = False,
        edge: bool = False,
        census: bool = False,
        resume: bool = False,
    ) -> None:
        """Do ``steps`` steps of some `Passes`.

        With ``resume`` the SHIL ramp and the slots of edge alignment go on instead of starting
        anew.
        """

    def read_phases(self) -> NDArray[np.int64]:
        """Return the N phase accumulators."""

    def read_margins(self) -> NDArray[np.bool_]:
        """Return the N margin bits."""

    def read_weights(self) -> NDArray[np.int64]:
        """Return the symmetric N x N weight matrix."""

    def counters(self) -> Counters:
        """Return the event counters."""


class ReplicaMachine(Machine, Protocol):
    """A machine with replicas under the same weights."""

    def select(self, replica: int) -> None:
        """Choose the replica whose phases, tuning words and inputs are loaded and read."""


def each_replica(machine: Machine) -> Iterator[int]:
    """Select one replica after the other, and the first again at the end; yield their numbers."""
    replicas = machine.formats.replicas
    for replica in range(replicas):
        if replicas > 1:
            cast(ReplicaMachine, machine).select(replica)
        yield replica
    if replicas > 1:
        cast(ReplicaMachine, machine).select(0)


def check_weights(
    weights: ArrayLike, formats: Formats, links: NDArray[np.bool_] | None = None
) -> NDArray[np.int64]:
    """Return the weights as an integer matrix, or raise `SpecError` naming what is wrong."""
    w = np.asarray(weights)
    n = formats.n
    if w.shape != (n, n):
        raise SpecError(f"weights of shape {w.shape}: needs {n} x {n} for {n} oscillators")
    if not np.array_equal(w, np.rint(w)):
        raise SpecError("weights must be whole numbers (LSB) for twin and RTL")
    w = w.astype(np.int64)
    if not np.array_equal(w, w.T):
        raise SpecError("weights must be symmetric: there is one word for each unordered pair")
    if np.any(np.diag(w)):
        raise SpecError(
            "weights must have a zero diagonal: an oscillator does not couple to itself"
        )
    largest = int(np.abs(w).max(initial=0))
    if largest > formats.w_max:
        bits = largest.bit_length() + 1
        raise SpecError(
            f"weights up to {largest}: weight_bits = {formats.weight_bits} holds "
            f"-{formats.w_max} to {formats.w_max}; weight_bits = {bits} would do"
        )
    if links is not None and np.any(w[~links]):
        i, j = np.argwhere(np.where(links, 0, w))[0]
        raise SpecError(
            f"weight [{i}, {j}] = {w[i, j]}: the mask has no link between these two; needs 0"
        )
    return w


def check_links(links: ArrayLike, formats: Formats) -> NDArray[np.bool_]:
    """Return which pairs are linked, or raise `SpecError` naming what is wrong."""
    given = np.asarray(links)
    n = formats.n
    if given.shape != (n, n):
        raise SpecError(f"links of shape {given.shape}: needs {n} x {n} for {n} oscillators")
    found = given.astype(bool)
    if not np.array_equal(found, found.T):
        raise SpecError("links must be symmetric: there is one word for each unordered pair")
    found = found | np.eye(n, dtype=bool)
    if not formats.mask and not found.all():
        raise SpecError("links: no mask is compiled into this core; needs network.mask")
    return found


def check_vector(values: ArrayLike, n: int, low: int, high: int, what: str) -> NDArray[np.int64]:
    """Return ``values`` as int64 of length n within low to high, or raise `SpecError`."""
    v = np.asarray(values)
    if v.shape != (n,):
        raise SpecError(f"{what} of shape {v.shape}: needs {n} values, one an oscillator")
    v = v.astype(np.int64)
    if v.size and (v.min() < low or v.max() > high):
        bad = int(v.min()) if v.min() < low else int(v.max())
        raise SpecError(f"{what} = {bad}: needs {low} to {high}")
    return v
