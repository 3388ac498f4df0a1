"""Banks of switched capacitors beside a tank's own: design both ways, admittance, elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.settings import Floats
from drai_hw.spice.switch import Switch
from drai_hw.units import TAU

MOST_BITS = 12


@dataclass(frozen=True)
class Bank:
    """
    Hold the bank that each side of a tank has: binary weighted capacitors, each behind a switch.

    Bit k is ``2^k`` unit capacitors in series with ``2^k`` unit switches to ground, so that the
    capacitance is linear in the code, on resistance and off capacitance included.

    Parameters
    ----------
    bits : int
        1 to 12.
    unit_f : float
        Capacitor of bit 0, farad.
    switch : Switch
        Switch of bit 0.
    """

    bits: int
    unit_f: float
    switch: Switch = field(default_factory=Switch)

    def __post_init__(self) -> None:
        if not 1 <= self.bits <= MOST_BITS:
            raise SpecError(f"bits = {self.bits!r}: needed are 1 to {MOST_BITS} of a tuning bank")
        if not (math.isfinite(self.unit_f) and self.unit_f > 0):
            raise SpecError(f"unit_f = {self.unit_f!r}: needed is a capacitance above 0 F")

    @property
    def codes(self) -> int:
        """Return the number of codes, 2^bits."""
        return 1 << self.bits

    @property
    def middle(self) -> int:
        """Return the code at which a tank without mismatch has its nominal capacitance."""
        return self.codes // 2

    def unit_s(self, omega: float, *, closed: bool) -> complex:
        """Return the admittance of bit 0 to ground: ``1/(1/(j omega C) + 1/Y_switch)``."""
        switch_s = self.switch.admittance_s(omega, closed=closed)
        return 1.0 / (1.0 / complex(0.0, omega * self.unit_f) + 1.0 / switch_s)

    def step_f(self, omega: float) -> float:
        """Return the capacitance that one code adds to each side."""
        on, off = (self.unit_s(omega, closed=closed).imag for closed in (True, False))
        return (on - off) / omega

    def farad(self, code: int, omega: float) -> float:
        """Return the capacitance of the bank at a code."""
        off_f = self.unit_s(omega, closed=False).imag / omega
        return (self.codes - 1) * off_f + code * self.step_f(omega)

    def fixed_f(self, capacitance_f: float, omega: float) -> float:
        """
        Return what a side needs beside the bank so that it is nominal at the middle code.

        Raises
        ------
        SpecError
            The bank alone is larger than that.
        """
        fixed = capacitance_f - self.farad(self.middle, omega)
        if fixed <= 0:
            raise SpecError(
                f"a bank of {self.farad(self.middle, omega):.4g} F at its middle code: needed is "
                f"less than the tank's {capacitance_f:.4g} F; lower bits or unit_f"
            )
        return fixed


@dataclass(frozen=True)
class BankDesign:
    """
    What a bank shall do, or what a given one does, in shares of the tank's frequency.

    Parameters
    ----------
    range_share : float
        The bank reaches at least this far to either side of the nominal frequency, 0 to 0.5.
    step_share : float
        Largest distance of neighbouring frequencies.
    """

    range_share: float
    step_share: float

    def bank(self, capacitance_f: float, switch: Switch | None = None) -> Bank:
        """
        Return the bank: least bits, then the unit capacitor that makes the range.

        ``f ~ C^-1/2``: the range is from ``C/(1 + r)^2`` to ``C/(1 - r)^2``, its middle code at C.
        A step ``c`` needs the unit ``C_u - C_u C_off/(C_u + C_off) = c``; the on resistance is
        left out here (it lowers the step by ``(omega R C_u)^2``) and is in `of`.

        Parameters
        ----------
        capacitance_f : float
            From each side of the tank to ground.
        switch : Switch, optional
            Of bit 0.

        Raises
        ------
        SpecError
            No such bank.
        """
        r, s = self.range_share, self.step_share
        if not 0 < r < 0.5:
            raise SpecError(f"range_share = {r!r}: needed is above 0 and below 0.5 of f0")
        if not 0 < s < r:
            raise SpecError(f"step_share = {s!r}: needed is above 0 and below range_share = {r!r}")
        used = switch or Switch()
        # codes below the middle raise the frequency, those above lower it; the first are more
        up_f = capacitance_f * (1.0 - (1.0 + r) ** -2)
        down_f = capacitance_f * ((1.0 - r) ** -2 - 1.0)
        for bits in range(1, MOST_BITS + 1):
            half = 1 << (bits - 1)
            step_f = max(up_f / half, down_f / (half - 1) if half > 1 else math.inf)
            off_f = used.off_f + used.overlap_f
            unit_f = 0.5 * (step_f + math.sqrt(step_f**2 + 4.0 * step_f * off_f))
            if 0.5 * step_f / capacitance_f * (1.0 + r) ** 3 <= s:
                return Bank(bits, unit_f, used)
        raise SpecError(
            f"range_share = {r!r} in steps of {s!r}: needed are at most {MOST_BITS} bits; take a "
            "smaller range or larger steps"
        )

    @classmethod
    def of(cls, bank: Bank, capacitance_f: float, f0_hz: float) -> BankDesign:
        """
        Return what a bank gives in a tank: the shorter side of its range and its largest step.

        Parameters
        ----------
        bank : Bank
            The bank.
        capacitance_f, f0_hz : float
            Nominal capacitance of each side and frequency of the tank.
        """
        omega = TAU * f0_hz
        codes = np.arange(bank.codes)
        total = capacitance_f + (codes - bank.middle) * bank.step_f(omega)
        ratio = np.sqrt(capacitance_f / total)
        return cls(
            range_share=float(min(ratio[0] - 1.0, 1.0 - ratio[-1])),
            step_share=float(-np.diff(ratio).min()),
        )


@dataclass(frozen=True)
class Banks:
    """
    Hold the capacitors that N tanks have got, and the codes of their banks.

    Parameters
    ----------
    bank : Bank
        What each was meant to be.
    fixed_f : ndarray, shape (N, 2)
        Capacitor of sides p and n beside the bank, farad.
    deviation : ndarray, shape (N, 2, bits)
        Relative deviation of each capacitor of the banks.
    codes : ndarray of int, shape (N,)
        0 to 2^bits - 1; both sides of a tank have the same.
    """

    bank: Bank
    fixed_f: Floats
    deviation: Floats
    codes: NDArray[np.int64]

    @property
    def n(self) -> int:
        """Return the number of tanks."""
        return int(self.codes.size)

    def at(self, codes: ArrayLike) -> Banks:
        """
        Return the same capacitors with other codes.

        Raises
        ------
        SpecError
            Not one code a tank, or out of range.
        """
        given = np.asarray(codes)
        if given.shape != (self.n,) or not np.isin(given, np.arange(self.bank.codes)).all():
            raise SpecError(
                f"codes of shape {given.shape}: needed are {self.n} whole numbers from 0 to "
                f"{self.bank.codes - 1}, one per oscillator"
            )
        return replace(self, codes=given.astype(np.int64))

    def side_s(self, omega: float) -> NDArray[np.complex128]:
        """Return the admittance of each side's capacitors to ground, shape (N, 2), in siemens."""
        total = 1j * omega * self.fixed_f
        for k in range(self.bank.bits):
            switch = self.bank.switch.wider(2.0**k)
            own = 1j * omega * self.bank.unit_f * 2.0**k * (1.0 + self.deviation[:, :, k])
            on, off = (
                1.0 / (1.0 / own + 1.0 / switch.admittance_s(omega, closed=closed))
                for closed in (True, False)
            )
            total = total + np.where((self.codes >> k & 1)[:, None] == 1, on, off)
        return np.asarray(total)

    def lines(self, start_v: Floats) -> list[str]:
        """
        Return the banks' elements: per bit and side a capacitor, a switch and what it has when off.

        The controls stand still while a network runs: a switch's overlap is a capacitance to
        ground.

        Parameters
        ----------
        start_v : ndarray, shape (N,)
            Voltage of side p at the start; n has its negative.
        """
        high_v = self.bank.switch.control_v
        lines = [f"Vtune1 tune1 0 {high_v!r}", "Vtune0 tune0 0 0"]
        for k in range(self.bank.bits):
            switch = self.bank.switch.wider(2.0**k)
            lines += switch.cards(f"bit{k}")
            off_f = switch.off_f + switch.overlap_f
            for i in range(self.n):
                control = f"tune{self.codes[i] >> k & 1}"
                for side, letter in enumerate("pn"):
                    tag = f"{letter}{i}_{k}"
                    own_f = self.bank.unit_f * 2.0**k * (1.0 + self.deviation[i, side, k])
                    volt = float(start_v[i]) * (1.0 if side == 0 else -1.0)
                    lines += [
                        f"Ct{tag} {letter}{i} t{tag} {own_f:.12g} ic={volt:.12g}",
                        f"St{tag} t{tag} 0 {control} 0 bit{k}",
                        f"Cf{tag} t{tag} 0 {off_f:.12g} ic=0",
                    ]
        return lines
