"""Design of tuning banks, both ways, for tanks and rings: range and step, bits and unit."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from drai_hw.errors import SpecError
from drai_hw.spice.bank import MOST_BITS, Bank
from drai_hw.spice.settings import Floats
from drai_hw.spice.switch import Switch

OFF_SHARE = 1.0
"""Off capacitance of a matched switch over its capacitor: half of the latter is the step."""


@dataclass(frozen=True)
class Law:
    """
    How a frequency goes with the capacitance of the sides that have a bank.

    ``f/f0 = (1 + share dC/C)^-exponent``.

    Parameters
    ----------
    exponent : float
        1/2 for a tank, 1 for a ring.
    share : float
        Part of the capacitance that counts which these sides are: 1 for a tank, one of the stages
        for a ring with banks at one of them.
    """

    exponent: float = 0.5
    share: float = 1.0

    def ratio(self, added: ArrayLike) -> Floats:
        """Return f/f0 at ``dC/C``."""
        return np.asarray((1.0 + self.share * np.asarray(added)) ** -self.exponent)

    def added(self, ratio: float) -> float:
        """Return the ``dC/C`` that makes a frequency."""
        return (ratio ** (-1.0 / self.exponent) - 1.0) / self.share

    def step_share(self, step: float, ratio: float) -> float:
        """Return about what a small step ``dC/C`` moves f/f0 at a frequency."""
        return self.exponent * self.share * step * ratio ** (1.0 + 1.0 / self.exponent)


TANK = Law()


@dataclass(frozen=True)
class BankDesign:
    """
    What a bank shall do, or what a given one does, in shares of the oscillator's frequency.

    Parameters
    ----------
    range_share : float
        The bank reaches at least this far to either side of the nominal frequency, 0 to 0.5.
    step_share : float
        Largest distance of neighbouring frequencies.
    """

    range_share: float
    step_share: float

    def bank(self, capacitance_f: float, switch: Switch | None = None, *, law: Law = TANK) -> Bank:
        """
        Return the bank: least bits, then the unit capacitor that makes the range.

        Parameters
        ----------
        capacitance_f : float
            Of a side that gets a bank, to ground.
        switch : Switch, optional
            Of bit 0.
        law : Law
            Of the oscillator.

        Raises
        ------
        SpecError
            No such bank.
        """
        r, s = self.range_share, self.step_share
        _check_range(r)
        if not 0 < s < r:
            raise SpecError(f"step_share = {s!r}: needed is above 0 and below range_share = {r!r}")
        for bits in range(1, MOST_BITS + 1):
            step_f = _step_f(r, bits, capacitance_f, law)
            if law.step_share(step_f / capacitance_f, 1.0 + r) <= s:
                return _with_step(step_f, bits, switch or Switch())
        raise SpecError(
            f"range_share = {r!r} in steps of {s!r}: needed are at most {MOST_BITS} bits; take a "
            "smaller range or larger steps"
        )

    @classmethod
    def of(cls, bank: Bank, capacitance_f: float, omega: complex, *, law: Law = TANK) -> BankDesign:
        """
        Return what a bank gives: the shorter side of its range and its largest step.

        Parameters
        ----------
        bank : Bank
            The bank.
        capacitance_f : float
            Nominal capacitance of each side with a bank.
        omega : complex
            Angular frequency in rad/s; of a ring `drai_hw.spice.ring.edge_omega`.
        law : Law
            Of the oscillator.
        """
        codes = np.arange(bank.codes)
        ratio = law.ratio((codes - bank.middle) * bank.step_f(omega) / capacitance_f)
        return cls(
            range_share=float(min(ratio[0] - 1.0, 1.0 - ratio[-1])),
            step_share=float(-np.diff(ratio).min()),
        )


def bank_of(
    range_share: float, bits: int, capacitance_f: float, omega: complex, *, law: Law = TANK
) -> Bank:
    """
    Return the bank of so many bits that has a range, each switch as wide as its capacitor needs.

    Resistance times capacitance of a switch is its technology's; `OFF_SHARE` chooses the width.
    The resistance is counted in.

    Parameters
    ----------
    range_share : float
        To either side of the nominal frequency, above 0 and below 0.5.
    bits : int
        2 to 12: one bit has no code above the middle one.
    capacitance_f : float
        Of a side that gets a bank, to ground.
    omega : complex
        As in `BankDesign.of`.
    law : Law
        Of the oscillator.

    Raises
    ------
    SpecError
        No such bank, or it is larger than the side.
    """
    _check_range(range_share)
    if not 2 <= bits <= MOST_BITS:
        raise SpecError(f"tuning_bits = {bits!r}: needed are 2 to {MOST_BITS} bits of a bank")
    step_f = _step_f(range_share, bits, capacitance_f, law)
    one = Switch()

    def matched(asked_f: float) -> Bank:
        wanted_f = OFF_SHARE * (1.0 + OFF_SHARE) * asked_f
        return _with_step(asked_f, bits, one.wider(wanted_f / (one.off_f + one.overlap_f)))

    # wider switches keep R C, so the resistance takes the same share of every step
    bank = matched(step_f**2 / matched(step_f).step_f(omega))
    taken_f = bank.farad(bank.middle, omega)
    if taken_f >= capacitance_f:
        raise SpecError(
            f"tuning_range = {range_share!r}: its bank takes {taken_f:.3g} F of a side at the "
            f"middle code, closed and open switches together: needed is less than the side's "
            f"{capacitance_f:.3g} F; lower the range"
        )
    return bank


def _check_range(share: float) -> None:
    if not 0 < share < 0.5:
        raise SpecError(f"range_share = {share!r}: needed is above 0 and below 0.5 of f0")


def _step_f(r: float, bits: int, capacitance_f: float, law: Law) -> float:
    """
    Return what one code adds to a side: codes below the middle raise the frequency, more of them.

    From ``1/(1 + r)`` to ``1/(1 - r)`` of the period, the middle code at the nominal capacitance.
    """
    half = 1 << (bits - 1)
    up_f, down_f = -capacitance_f * law.added(1.0 + r), capacitance_f * law.added(1.0 - r)
    return max(up_f / half, down_f / (half - 1) if half > 1 else math.inf)


def _with_step(step_f: float, bits: int, switch: Switch) -> Bank:
    """
    Return the bank whose codes differ by a capacitance c.

    It needs the unit ``C_u - C_u C_off/(C_u + C_off) = c``; the on resistance is left out here (it
    lowers the step by ``(omega R C_u)^2``) and is in `BankDesign.of`.
    """
    off_f = switch.off_f + switch.overlap_f
    unit_f = 0.5 * (step_f + math.sqrt(step_f**2 + 4.0 * step_f * off_f))
    return Bank(bits, unit_f, switch)
