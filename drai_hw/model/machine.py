"""What a learning oscillator machine can do: one interface for twin, simulated RTL and board."""

from __future__ import annotations

from dataclasses import astuple, dataclass
from typing import Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.model.numbers import GAIN_BITS, PROBABILITY_ONE, STRENGTH_BITS, Formats

GATE_MARGIN = 1
GATE_RESONANCE = 2


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
    """

    gain: int = 0
    shil_max: int = 0
    shil_step: int = 0
    eta: int = 0
    decay: int = 0
    dither: int = 0
    margin: int = 0
    gates: int = GATE_MARGIN

    def check(self, formats: Formats) -> None:
        """Raise `SpecError` where a value does not fit its register."""
        limits = {
            "gain": (0, (1 << GAIN_BITS) - 1),
            "shil_max": (0, (1 << STRENGTH_BITS) - 1),
            "shil_step": (0, (1 << STRENGTH_BITS) - 1),
            "eta": (0, PROBABILITY_ONE),
            "decay": (0, PROBABILITY_ONE if formats.decay else 0),
            "dither": (0, formats.dither_shift_max + 1),
            "margin": (-formats.sum_max, formats.sum_max),
            "gates": (0, 3 if formats.resonance else 1),
        }
        for name, (low, high) in limits.items():
            value = getattr(self, name)
            if not low <= value <= high:
                why = ""
                if (name == "decay" and not formats.decay) or (name == "gates" and value <= 3):
                    what = "decay" if name == "decay" else "the resonance gate"
                    why = f"; {what} is not compiled into this core"
                raise SpecError(
                    f"register {name} = {value}: needs {low} to {high} in this design{why}"
                )


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
        """Set the symmetric N x N weight matrix (zero diagonal)."""

    def reseed(self) -> None:
        """Restart the random streams, the threshold sweep and the counters."""

    def run(
        self,
        steps: int,
        *,
        field: bool = False,
        couple: bool = True,
        learn: bool = False,
        resume: bool = False,
    ) -> None:
        """Do ``steps`` steps; with ``resume`` the SHIL ramp goes on instead of starting anew.

        The twin takes ``edge=True`` besides: edge passes instead of couple passes.
        """

    def read_phases(self) -> NDArray[np.int64]:
        """Return the N phase accumulators."""

    def read_margins(self) -> NDArray[np.bool_]:
        """Return the N margin bits."""

    def read_weights(self) -> NDArray[np.int64]:
        """Return the symmetric N x N weight matrix."""

    def counters(self) -> Counters:
        """Return the event counters."""


def check_weights(weights: ArrayLike, formats: Formats) -> NDArray[np.int64]:
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
    return w


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
