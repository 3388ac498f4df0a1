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


@dataclass(frozen=True)
class GowinPll:
    """Dividers of a Gowin rPLL with internal feedback.

    ``output = input * fbdiv / idiv``; the oscillator inside runs at ``output * odiv``.
    """

    device: str
    idiv: int
    fbdiv: int
    odiv: int
    input_hz: float
    output_hz: float
    vco_hz: float


Pll = Ecp5Pll | Ice40Pll | GowinPll


def plan_pll(family: str, device: str, input_hz: float, output_hz: float) -> Pll:
    """Choose the dividers of a device's PLL; see the function of its family."""
    if family == "ecp5":
        return ecp5_pll(input_hz, output_hz)
    if family == "ice40":
        return ice40_pll(input_hz, output_hz)
    return gowin_pll(device, input_hz, output_hz)


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


_GOWIN_RANGES_HZ = {
    # device: phase detector, oscillator, output
    "GW1NR-9C": ((3e6, 400e6), (400e6, 1200e6), (3.125e6, 600e6)),
    "GW2A-18C": ((3e6, 500e6), (500e6, 1250e6), (3.90625e6, 625e6)),
}
_GOWIN_OUTPUT_DIVIDERS = (2, 4, 8, 16, 32, 48, 64, 80, 96, 112, 128)


def gowin_pll(device: str, input_hz: float, output_hz: float) -> GowinPll:
    """Choose the dividers of a Gowin rPLL, smallest frequency error first.

    Of equally near ones the one with the fastest phase comparison is taken, then the one whose
    inner oscillator is closest to the middle of its range.

    Parameters
    ----------
    device : str
        Device name, for its limits.
    input_hz, output_hz : float
        Board oscillator and wanted clock.

    Raises
    ------
    SpecError
        If the device's PLL is not described here, or a frequency is outside its range.

    References
    ----------
    Gowin UG286 (clock), DS117 (GW1NR-9, grade C6/I5) and DS102 (GW2A-18, grade C8/I7), table PLL
    switching characteristics.
    """
    if device not in _GOWIN_RANGES_HZ:
        raise _refuse(input_hz, output_hz, f"the limits of the PLL in {device} are not known here")
    detector, vco, output = _GOWIN_RANGES_HZ[device]
    if not detector[0] <= input_hz <= detector[1]:
        limits = f"{detector[0] / 1e6:g} MHz to {detector[1] / 1e6:g} MHz"
        raise _refuse(input_hz, output_hz, f"the PLL of {device} takes {limits}")
    if not output[0] <= output_hz <= output[1]:
        limits = f"{output[0] / 1e6:g} MHz to {output[1] / 1e6:g} MHz"
        raise _refuse(input_hz, output_hz, f"the PLL of {device} gives {limits}")
    best: tuple[tuple[float, int, float], GowinPll] | None = None
    for idiv in range(1, 65):
        if not detector[0] <= input_hz / idiv <= detector[1]:
            continue
        for fbdiv in range(1, 65):
            reached_hz = input_hz * fbdiv / idiv
            if not output[0] <= reached_hz <= output[1]:
                continue
            for odiv in _GOWIN_OUTPUT_DIVIDERS:
                vco_hz = reached_hz * odiv
                if not vco[0] <= vco_hz <= vco[1]:
                    continue
                rank = (abs(reached_hz - output_hz), idiv, abs(vco_hz - sum(vco) / 2))
                if best is None or rank < best[0]:
                    best = rank, GowinPll(device, idiv, fbdiv, odiv, input_hz, reached_hz, vco_hz)
    if best is None:
        raise _refuse(input_hz, output_hz, f"no divider setting of {device}'s PLL comes near")
    return best[1]


def _filter(detector_hz: float) -> int:
    """Return the loop-filter code for a phase-detector frequency."""
    for code, limit_hz in ((1, 17e6), (2, 26e6), (3, 44e6), (4, 66e6), (5, 101e6)):
        if detector_hz < limit_hz:
            return code
    return 6
