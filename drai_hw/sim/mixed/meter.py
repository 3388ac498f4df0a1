"""The phase meter of one oscillator: comparator with hysteresis, counter, latch."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(frozen=True)
class Latched:
    """
    Hold what the latch of a meter holds.

    Parameters
    ----------
    edge : int
        Clock edge at which the counter was latched, counted from time 0.
    crossing_s : float
        When the comparator rose.
    """

    edge: int
    crossing_s: float


class PhaseMeter:
    """
    Latch a free-running counter where a comparator rises.

    The comparator goes high above ``+hysteresis/2`` and low below ``-hysteresis/2``. Its rise is
    seen at the next rising clock edge, where the counter is latched. Between two accepted time
    points the voltage is a straight line.

    Parameters
    ----------
    clock_hz : float
        Clock of the learning unit.
    hysteresis_v : float
        Width of the hysteresis, 0 or more.
    """

    def __init__(self, clock_hz: float, hysteresis_v: float) -> None:
        self._clock_hz, self._level_v = clock_hz, 0.5 * hysteresis_v
        self._high: bool | None = None
        self._before = (0.0, 0.0)
        self._latched: list[Latched] = []

    def take(self, time_s: float, volt: float) -> None:
        """Take the next accepted time point."""
        then_s, was = self._before
        self._before = (time_s, volt)
        if self._high is None:
            self._high = volt > 0.0
        elif self._high:
            self._high = volt >= -self._level_v
        elif volt > self._level_v:
            self._high = True
            at_s = then_s + (time_s - then_s) * (self._level_v - was) / (volt - was)
            self._latched = [*self._latched[-1:], Latched(edge_of(at_s, self._clock_hz), at_s)]

    def at_edge(self, edge: int) -> Latched | None:
        """Return what a register that samples the latch at a clock edge gets; None before all."""
        seen = [latched for latched in self._latched if latched.edge < edge]
        return seen[-1] if seen else None


def edge_of(time_s: float, clock_hz: float) -> int:
    """Return the first clock edge at or after a time."""
    return math.ceil(time_s * clock_hz)


def phase_word(edge: int, ratio: int, phase_bits: int) -> int:
    """
    Return the phase that a latched counter stands for, as the unit's port takes it.

    ``v = A cos(omega t + phi)`` rises through 0 where ``omega t + phi`` is -1/4 turn, and the
    counter turns once in ``ratio`` clocks.

    Parameters
    ----------
    edge : int
        Latched clock edge.
    ratio : int
        Clocks a turn of the counter, a multiple of ``2**phase_bits``.
    phase_bits : int
        P of the port.
    """
    return (-(ratio // 4) - edge) % ratio // (ratio >> phase_bits)
