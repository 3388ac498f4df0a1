"""Capacitors as an oscillator got them, and banks of switched ones beside its own: elements."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from drai_hw.errors import SpecError
from drai_hw.spice.settings import Floats
from drai_hw.spice.switch import Switch

MOST_BITS = 12


@dataclass(frozen=True)
class Bank:
    """
    Hold the bank that a side of an oscillator has: binary weighted capacitors behind switches.

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
        """Return the code at which a side without mismatch has its nominal capacitance."""
        return self.codes // 2

    def unit_s(self, omega: complex, *, closed: bool) -> complex:
        """Return the admittance of bit 0 to ground: ``1/(1/(j omega C) + 1/Y_switch)``."""
        switch_s = self.switch.admittance_s(omega, closed=closed)
        return 1.0 / (1.0 / (1j * omega * self.unit_f) + 1.0 / switch_s)

    def step_f(self, omega: complex) -> float:
        """Return the capacitance that one code adds to each side."""
        on, off = (self.unit_s(omega, closed=closed) for closed in (True, False))
        return ((on - off) / (1j * omega)).real

    def farad(self, code: int, omega: complex) -> float:
        """Return the capacitance of the bank at a code."""
        off_f = (self.unit_s(omega, closed=False) / (1j * omega)).real
        return (self.codes - 1) * off_f + code * self.step_f(omega)

    def fixed_f(self, capacitance_f: float, omega: complex) -> float:
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
                f"less than the {capacitance_f:.4g} F of a side; lower range, bits or unit_f"
            )
        return fixed


@dataclass(frozen=True)
class Capacitors:
    """
    Hold the capacitors that N oscillators have got instead of equal ones.

    Parameters
    ----------
    fixed_f : ndarray, shape (N, M)
        Of each side to ground, farad: p and n of a tank (M = 2), p and n of each stage of a ring
        in turn (M twice the stages), p alone where it is single-ended.
    """

    fixed_f: Floats

    @property
    def n(self) -> int:
        """Return the number of oscillators."""
        return int(self.fixed_f.shape[0])

    def side_s(self, omega: complex) -> NDArray[np.complex128]:
        """Return the admittance of each side's capacitors to ground, shape (N, M), in siemens."""
        return np.asarray(1j * omega * self.fixed_f)

    @property
    def note(self) -> str:
        """Return a line for a netlist's header."""
        return "capacitors of the sides as they were drawn"

    def lines(self, start_v: Floats) -> list[str]:
        """Return elements beside the sides' own capacitors; there is none without a bank."""
        return []


@dataclass(frozen=True)
class Banks(Capacitors):
    """
    Hold the capacitors that N oscillators have got, and the codes of their banks.

    Parameters
    ----------
    fixed_f : ndarray, shape (N, M)
        Capacitor of each side beside the bank, farad.
    bank : Bank
        What each was meant to be.
    deviation : ndarray, shape (N, 2, bits)
        Relative deviation of each capacitor of the banks, p and n; (N, 1, bits) of single-ended
        rings.
    codes : ndarray of int, shape (N,)
        0 to 2^bits - 1; both sides of an oscillator have the same.
    stage : int or None
        The stage of a ring whose sides have the banks; None for a tank.
    """

    bank: Bank
    deviation: Floats
    codes: NDArray[np.int64]
    stage: int | None = None

    @property
    def tuned(self) -> list[int]:
        """Return which of an oscillator's sides have the banks: two, or one of a single chain."""
        count = self.deviation.shape[1]
        first = count * (self.stage or 0)
        return list(range(first, first + count))

    @property
    def note(self) -> str:
        """Return a line for a netlist's header."""
        codes = " ".join(str(code) for code in self.codes)
        return f"{super().note}, tuning banks of {self.bank.bits} bits at codes {codes}"

    def at(self, codes: ArrayLike) -> Banks:
        """
        Return the same capacitors with other codes.

        Raises
        ------
        SpecError
            Not one code an oscillator, or out of range.
        """
        given = np.asarray(codes)
        if given.shape != (self.n,) or not np.isin(given, np.arange(self.bank.codes)).all():
            raise SpecError(
                f"codes of shape {given.shape}: needed are {self.n} whole numbers from 0 to "
                f"{self.bank.codes - 1}, one per oscillator"
            )
        return replace(self, codes=given.astype(np.int64))

    def own_f(self, k: int) -> Floats:
        """Return the capacitors of bit k at the tuned sides, shape (N, 2) or (N, 1), farad."""
        return np.asarray(self.bank.unit_f * 2.0**k * (1.0 + self.deviation[:, :, k]))

    def closed(self, k: int) -> NDArray[np.bool_]:
        """Return whether the switches of bit k are closed, shape (N,)."""
        return np.asarray(self.codes >> k & 1 == 1)

    def side_s(self, omega: complex) -> NDArray[np.complex128]:
        """Return the admittance of each side's capacitors to ground, shape (N, M), in siemens."""
        total = 1j * omega * self.fixed_f
        for k in range(self.bank.bits):
            switch = self.bank.switch.wider(2.0**k)
            own = 1j * omega * self.own_f(k)
            on, off = (
                1.0 / (1.0 / own + 1.0 / switch.admittance_s(omega, closed=closed))
                for closed in (True, False)
            )
            total[:, self.tuned] += np.where(self.closed(k)[:, None], on, off)
        return np.asarray(total)

    def lines(self, start_v: Floats) -> list[str]:
        """
        Return the banks' elements: per bit and side a capacitor, a switch and what it has when off.

        The controls stand still while a network runs: a switch's overlap is a capacitance to
        ground.

        Parameters
        ----------
        start_v : ndarray, shape (N, M)
            Voltage of each side at the start.
        """
        high_v = self.bank.switch.control_v
        lines = [f"Vtune1 tune1 0 {high_v!r}", "Vtune0 tune0 0 0"]
        suffix = "" if self.stage is None else f"_{self.stage}"
        for k in range(self.bank.bits):
            switch = self.bank.switch.wider(2.0**k)
            lines += switch.cards(f"bit{k}")
            off_f = switch.off_f + switch.overlap_f
            own_f, closed = self.own_f(k), self.closed(k)
            for i in range(self.n):
                control = f"tune{int(closed[i])}"
                for side, letter in enumerate("pn"[: len(self.tuned)]):
                    node = f"{letter}{i}{suffix}"
                    volt = float(start_v[i, self.tuned[side]])
                    lines += [
                        f"Ct{node}_{k} {node} t{node}_{k} {own_f[i, side]:.12g} ic={volt:.12g}",
                        f"St{node}_{k} t{node}_{k} 0 {control} 0 bit{k}",
                        f"Cf{node}_{k} t{node}_{k} 0 {off_f:.12g} ic=0",
                    ]
        return lines
