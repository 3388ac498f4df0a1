"""A supply that moves: pushing of frequencies, and recalls whose oscillators share it or do not."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from drai_hw.errors import ConvergenceError, SpecError
from drai_hw.model.readout import is_exact
from drai_hw.spice.devices import THRESHOLD_V
from drai_hw.spice.readout import read_out
from drai_hw.spice.spread.circuits import Corner, Sort, task
from drai_hw.spice.spread.deviate import Mismatch
from drai_hw.spice.spread.dies import Change, Die, alone

STEP = 0.02
"""Change of the supply to either side, by which pushing is measured."""
RIPPLE_CYCLES = 20
WAYS = ("common", "half")


@dataclass(frozen=True)
class Pushing:
    """
    Hold how the supply pushes a circuit's frequency.

    Parameters
    ----------
    circuit : str
        Which.
    frequency_hz : float
        At the nominal supply.
    hz_per_v : float
        Of the nominal circuit.
    relative : float
        ``dln f / dln VDD`` of it.
    drawn : tuple of float
        The same of oscillators with drawn components, two of each die.
    """

    circuit: str
    frequency_hz: float
    hz_per_v: float
    relative: float
    drawn: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Return the mean over drawn oscillators."""
        return float(np.mean(self.drawn))

    @property
    def deviation(self) -> float:
        """Return the standard deviation over drawn oscillators."""
        return float(np.std(self.drawn, ddof=1))


def ring_relative(vdd_v: float, threshold_v: float = THRESHOLD_V) -> float:
    """
    Return the closed form of a level-1 ring: ``(VDD + VT)/(VDD - VT)``.

    Its frequency goes with ``I/(C VDD)`` and the square law's ``I`` with ``(VDD - VT)^2``.
    """
    return (vdd_v + threshold_v) / (vdd_v - threshold_v)


def _both_hz(sort: Sort, supply: float, mismatch: Mismatch, seed: int) -> tuple[float, float]:
    found = alone(Die(sort, Corner(supply), mismatch, seed))
    first_hz = float(found["frequency_hz"])
    return first_hz, first_hz * (1.0 + float(found["detuning"]))


def pushing(sort: Sort, dies: int) -> Pushing:
    """
    Measure frequencies a little above and below the nominal supply.

    Parameters
    ----------
    sort : Sort
        The circuit.
    dies : int
        Draws of its components, at least 2.
    """
    if dies < 2:
        raise SpecError(f"dies = {dies!r}: needed are at least 2 to tell how pushing deviates")

    def relative(mismatch: Mismatch, seed: int) -> list[float]:
        low, high = (_both_hz(sort, 1.0 + k * STEP, mismatch, seed) for k in (-1, 1))
        span = math.log((1.0 + STEP) / (1.0 - STEP))
        return [math.log(b / a) / span for a, b in zip(low, high, strict=True)]

    nominal = relative(Mismatch(scale=0.0), 0)[0]
    drawn = [value for seed in range(dies) for value in relative(Mismatch(), seed)]
    frequency_hz = _both_hz(sort, 1.0, Mismatch(scale=0.0), 0)[0]
    per_v = nominal * frequency_hz / sort.supply_v(Corner())
    return Pushing(sort.name, frequency_hz, per_v, nominal, tuple(drawn))


def common(text: str, *, ripple: float, period_s: float) -> str:
    """
    Return a netlist whose only supply has a sine on it.

    Parameters
    ----------
    text : str
        The netlist, with ``Vdd vdd 0 VOLT``.
    ripple : float
        Peak of the sine over VDD.
    period_s : float
        Of the sine.
    """

    def swinging(found: re.Match[str]) -> str:
        volt = float(found[1])
        return f"Vdd vdd 0 sin({volt!r} {ripple * volt!r} {1.0 / period_s!r})"

    return _once(re.compile(r"^Vdd vdd 0 (\S+)$", re.MULTILINE), swinging, text)


def half(text: str, *, drop: float, moved: Sequence[int]) -> str:
    """
    Return a netlist in which some oscillators have a supply of their own, lower by a share.

    Parameters
    ----------
    text : str
        The netlist.
    drop : float
        Share of VDD that they have less.
    moved : sequence of int
        Their numbers.
    """
    numbers = {str(i) for i in moved}
    made = []
    for line in text.splitlines():
        element = re.match(r"^[A-Z][A-Za-z]*?(\d+)(?:_\d+)? ", line)
        if element and element[1] in numbers:
            line = re.sub(r"(?<= )vdd(?= )", "vdd_low", line)
        made.append(line)
    text = "\n".join([*made, ""])

    def both(found: re.Match[str]) -> str:
        volt = float(found[1])
        return f"{found[0]}\nVlow vdd_low 0 {(1.0 - drop) * volt!r}"

    return _once(re.compile(r"^Vdd vdd 0 (\S+)$", re.MULTILINE), both, text)


def _once(pattern: re.Pattern[str], made: object, text: str) -> str:
    changed, count = pattern.subn(made, text)  # type: ignore[call-overload]
    if count != 1:
        raise SpecError(f"a netlist with {count} lines 'Vdd vdd 0 VOLT': needed is one")
    return str(changed)


def recalled(sort: Sort, seed: int, change: Change) -> bool:
    """Return whether a nominal network recalls its pattern in a changed netlist."""
    die = Die(sort, Corner(), Mismatch(scale=0.0), seed, change)
    weights, pattern, start_rad = task(sort, seed)
    waves = die.waves(sort.branches_s(weights, sort.rho), start_rad, sort.cycles)
    try:
        read = read_out(waves.time_s, die.signals(waves, sort.n), 1.0 / sort.period_s(Corner()))
    except ConvergenceError:
        return False
    return bool(is_exact(read.pattern, pattern.astype(np.int64)))


def hits(sort: Sort, way: str, share: float, seeds: int) -> int:
    """
    Count the starts that are recalled while the supply is not what it should be.

    Parameters
    ----------
    sort : Sort
        The circuit.
    way : {"common", "half"}
        A sine of a share of VDD on the common supply, 20 periods long; or half of the oscillators,
        drawn by the seed, with a supply lower by the share.
    share : float
        0 to 0.3 of VDD.
    seeds : int
        Starts.
    """
    if way not in WAYS:
        raise SpecError(f"way {way!r}: needed is one of {', '.join(WAYS)}")
    if not 0 <= share <= 0.3:
        raise SpecError(f"share = {share!r}: needed is 0 to 0.3 of VDD")
    found = 0
    for seed in range(seeds):
        moved = np.random.default_rng([seed, 23]).permutation(sort.n)[: sort.n // 2].tolist()
        change: Change = (
            partial(common, ripple=share, period_s=RIPPLE_CYCLES * sort.period_s(Corner()))
            if way == "common"
            else partial(half, drop=share, moved=moved)
        )
        found += recalled(sort, seed, change)
    return found
