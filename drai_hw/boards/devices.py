"""FPGA devices the flow can build for: what each holds, under the names nextpnr counts by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drai_hw.errors import SpecError


@dataclass(frozen=True)
class Device:
    """What one FPGA holds.

    Parameters
    ----------
    name : str
        Device name as in reports, e.g. ``"LFE5U-85F"``.
    family : {"ecp5", "ice40", "gowin"}
        Decides tools, primitives and the way blocks are counted, see `drai_hw.boards.families`.
    lut, ff : int
        4-input look-up tables and flip-flops. On iCE40 both live in logic cells, so ``lut`` counts
        logic cells: a cell that holds a flip-flop alone is used up as well. On Gowin a carry cell
        takes the place of a table, and so do logic memories.
    ebr, ebr_bits : int
        Memory blocks and bits per block.
    spram, spram_bits : int
        Large single-port blocks (UP5K only) and bits per block.
    dsp : int
        18x18 (ECP5, Gowin) or 16x16 (iCE40) multipliers.
    synth : str
        Options for synthesis on a board that names none.

    References
    ----------
    Lattice FPGA-DS-02012 (ECP5), FPGA-DS-02029 (iCE40 LP/HX), FPGA-DS-02008 (iCE40 UltraPlus),
    Gowin DS117 (GW1NR), DS102 (GW2A); the totals are those nextpnr prints, which a test compares.
    """

    name: str
    family: str
    lut: int
    ff: int
    ebr: int
    ebr_bits: int
    spram: int
    spram_bits: int
    dsp: int
    synth: str = ""

    @property
    def memory_bits(self) -> int:
        """Bits in all memory blocks together."""
        return self.ebr * self.ebr_bits + self.spram * self.spram_bits


def _ecp5(name: str, lut: int, ebr: int, dsp: int) -> Device:
    return Device(name, "ecp5", lut, lut, ebr, 18 * 1024, 0, 0, dsp)


def _ice40(name: str, lut: int, ebr: int, spram: int = 0, dsp: int = 0) -> Device:
    # Without the option multipliers become thousands of logic cells.
    synth = "-dsp" if dsp else ""
    return Device(name, "ice40", lut, lut, ebr, 4 * 1024, spram, 256 * 1024, dsp, synth)


def _gowin(name: str, lut: int, ff: int, ebr: int, dsp: int) -> Device:
    synth = f"-family {name[:4].lower()}"
    return Device(name, "gowin", lut, ff, ebr, 18 * 1024, 0, 0, dsp, synth)


# nextpnr treats the 12F as the 25F die that it is, and so does this table.
DEVICES: dict[str, Device] = {
    device.name: device
    for device in (
        _ecp5("LFE5U-12F", 24288, 56, 28),
        _ecp5("LFE5U-25F", 24288, 56, 28),
        _ecp5("LFE5U-45F", 43848, 108, 72),
        _ecp5("LFE5U-85F", 83640, 208, 156),
        _ecp5("LFE5UM5G-45F", 43848, 108, 72),
        _ecp5("LFE5UM5G-85F", 83640, 208, 156),
        _ice40("iCE40UP5K", 5280, 30, spram=4, dsp=8),
        _ice40("iCE40HX8K", 7680, 32),
        _ice40("iCE40LP8K", 7680, 32),
        _ice40("iCE40HX1K", 1280, 16),
        _gowin("GW1NR-9C", 8640, 6480, 26, 20),
        _gowin("GW2A-18C", 20736, 15552, 46, 48),
    )
}


def device_name(platform: Any) -> str | None:
    """Return the device of an Amaranth platform class, None if it tells none.

    Lattice platforms name the device; Gowin ones name its family, which is the die.
    """
    for attribute in ("device", "family"):
        name = getattr(platform, attribute, None)
        if isinstance(name, str):
            return name
    return None


def find_device(name: str) -> Device:
    """Look a device up by name.

    Raises
    ------
    SpecError
        If the name is not in the table; the message lists those that are.
    """
    device = DEVICES.get(name)
    if device is None:
        raise SpecError(
            f"device {name!r} is unknown to the flow; needed: one of {', '.join(DEVICES)}. "
            "Other families have no place-and-route tool here"
        )
    return device
