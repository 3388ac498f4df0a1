"""Divider settings of the on-chip PLLs, as pure functions of two frequencies."""

from __future__ import annotations

from dataclasses import dataclass

from drai_hw.errors import SpecError


@dataclass(frozen=True)
class Ecp5Pll:
    """Dividers of an ECP5 EHXPLLL with feedback from its first output.

    ``output = input * clkfb_div / clki_div``; the oscillator inside runs at
    ``output * clkop_div``.
    """

    clki_div: int
    clkfb_div: int
    clkop_div: int
    input_hz: float
    output_hz: float
    vco_hz: float


@dataclass(frozen=True)
class Ice40Pll:
    """Dividers of an iCE40 SB_PLL40 in simple feedback mode.

    ``output = input * (divf + 1) / ((divr + 1) * 2**divq)``.
    """

    divr: int
    divf: int
    divq: int
    filter_range: int
    input_hz: float
    output_hz: float
    vco_hz: float


def _refuse(input_hz: float, output_hz: float, text: str) -> SpecError:
    return SpecError(
        f"clock of {output_hz:g} Hz from a board oscillator of {input_hz:g} Hz: {text}"
    )


def ecp5_pll(input_hz: float, output_hz: float) -> Ecp5Pll:
    """Choose the dividers of an ECP5 PLL.

    Among all settings inside the device's limits the one with the smallest frequency error is
    taken, then the one whose inner oscillator is closest to 600 MHz (mid-range), then the one
    with the fastest phase comparison.

    Parameters
    ----------
    input_hz : float
        Board oscillator, 8 MHz to 400 MHz.
    output_hz : float
        Wanted clock, 10 MHz to 400 MHz.

    Returns
    -------
    Ecp5Pll
        Settings with the frequency really reached.

    Raises
    ------
    SpecError
        If a frequency is outside its range.

    References
    ----------
    Lattice FPGA-DS-02012, table sysCLOCK PLL timing: input 8 to 400 MHz, phase detector 3.125 to
    400 MHz, oscillator 400 to 800 MHz, output 10 to 400 MHz with feedback.
    """
    if not 8e6 <= input_hz <= 400e6:
        raise _refuse(input_hz, output_hz, "the ECP5 PLL takes 8 MHz to 400 MHz")
    if not 10e6 <= output_hz <= 400e6:
        raise _refuse(input_hz, output_hz, "the ECP5 PLL gives 10 MHz to 400 MHz")
    best: tuple[tuple[float, float, int], Ecp5Pll] | None = None
    for clki in range(1, 129):
        detector_hz = input_hz / clki
        if not 3.125e6 <= detector_hz <= 400e6:
            continue
        for clkfb in range(1, 81):
            reached_hz = detector_hz * clkfb
            first = max(1, int(400e6 // reached_hz))
            for clkop in range(first, min(128, int(800e6 // reached_hz)) + 1):
                vco_hz = reached_hz * clkop
                if not 400e6 <= vco_hz <= 800e6:
                    continue
                rank = (abs(reached_hz - output_hz), abs(vco_hz - 600e6), clki)
                if best is None or rank < best[0]:
                    best = rank, Ecp5Pll(clki, clkfb, clkop, input_hz, reached_hz, vco_hz)
    if best is None:
        raise _refuse(input_hz, output_hz, "no divider setting of the ECP5 PLL comes near")
    return best[1]


def ice40_pll(input_hz: float, output_hz: float) -> Ice40Pll:
    """Choose the dividers of an iCE40 PLL, smallest frequency error first.

    Parameters
    ----------
    input_hz : float
        Board oscillator, 10 MHz to 133 MHz.
    output_hz : float
        Wanted clock, 16 MHz to 275 MHz.

    Returns
    -------
    Ice40Pll
        Settings with the frequency really reached and the loop filter's range code.

    Raises
    ------
    SpecError
        If a frequency is outside its range.

    References
    ----------
    Lattice FPGA-TN-02052 (iCE40 sysCLOCK PLL): phase detector 10 to 133 MHz, oscillator 533 to
    1066 MHz, output 16 to 275 MHz.
    """
    if not 10e6 <= input_hz <= 133e6:
        raise _refuse(input_hz, output_hz, "the iCE40 PLL takes 10 MHz to 133 MHz")
    if not 16e6 <= output_hz <= 275e6:
        raise _refuse(input_hz, output_hz, "the iCE40 PLL gives 16 MHz to 275 MHz")
    best: tuple[tuple[float, int, int], Ice40Pll] | None = None
    for divr in range(16):
        detector_hz = input_hz / (divr + 1)
        if not 10e6 <= detector_hz <= 133e6:
            continue
        for divf in range(128):
            vco_hz = detector_hz * (divf + 1)
            if not 533e6 <= vco_hz <= 1066e6:
                continue
            for divq in range(1, 7):
                reached_hz = vco_hz / 2**divq
                if not 16e6 <= reached_hz <= 275e6:
                    continue
                rank = (abs(reached_hz - output_hz), divr, divq)
                if best is None or rank < best[0]:
                    best = (
                        rank,
                        Ice40Pll(
                            divr, divf, divq, _filter(detector_hz), input_hz, reached_hz, vco_hz
                        ),
                    )
    if best is None:
        raise _refuse(input_hz, output_hz, "no divider setting of the iCE40 PLL comes near")
    return best[1]


def _filter(detector_hz: float) -> int:
    """Return the loop-filter code for a phase-detector frequency."""
    for code, limit_hz in ((1, 17e6), (2, 26e6), (3, 44e6), (4, 66e6), (5, 101e6)):
        if detector_hz < limit_hz:
            return code
    return 6
