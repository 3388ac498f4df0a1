"""What may stand around an emitted core: a serial line, SPI, Wishbone, AXI4-Lite, or nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from drai_hw.errors import SpecError
from drai_hw.rtl.axi4lite import Axi4LiteTop
from drai_hw.rtl.spi import CLOCKS_PER_SCK, SpiTop
from drai_hw.rtl.top import Core, Top
from drai_hw.rtl.uart import divisor_for
from drai_hw.rtl.wishbone import WishboneTop

BUSES = ("none", "uart", "spi", "wishbone", "axi4lite")


@dataclass(frozen=True)
class Bus:
    """A way to reach the core.

    Parameters
    ----------
    kind : str
        One of `BUSES`.
    clock_hz : float or None
        Frequency of the design's clock in hertz; needed by uart and spi for their time-outs.
    baud : int or None
        Bits per second of the serial line; needed by uart.

    Raises
    ------
    SpecError
        The kind is unknown, what it needs is missing, or the bit rate cannot be made from the
        clock.
    """

    kind: str = "none"
    clock_hz: float | None = None
    baud: int | None = None

    def __post_init__(self) -> None:
        if self.kind not in BUSES:
            raise SpecError(f"bus {self.kind!r} given; one of {', '.join(BUSES)} is needed")
        if self.kind in ("uart", "spi") and self.clock_hz is None:
            raise SpecError(f"bus {self.kind} without a clock; its clock_hz (hertz) is needed")
        if self.kind == "uart" and self.baud is None:
            raise SpecError("bus uart without a bit rate; its baud (bits per second) is needed")
        if self.kind == "uart":
            divisor_for(self.clock_hz or 0, self.baud or 0)  # refuses before a core is made

    @property
    def top(self) -> str:
        """Name of the top module."""
        return "drai_core" if self.kind == "none" else f"drai_{self.kind}"

    @property
    def what(self) -> str:
        """What is added to the core, for the head of the file."""
        clock_mhz = (self.clock_hz or 0) / 1e6
        return {
            "none": "",
            "uart": f", behind a serial line of {self.baud} baud at a clock of {clock_mhz:g} MHz",
            "spi": f", behind SPI: mode 0, SCK up to 1/{CLOCKS_PER_SCK} of the clock of "
            f"{clock_mhz:g} MHz",
            "wishbone": ", on Wishbone B4 (classic cycles)",
            "axi4lite": ", on AXI4-Lite",
        }[self.kind]

    def around(self, core: Core) -> Any:
        """Return the component that holds a core and this bus."""
        if self.kind == "uart":
            assert self.clock_hz is not None
            assert self.baud is not None
            return Top(core, self.clock_hz, self.baud)
        if self.kind == "spi":
            assert self.clock_hz is not None
            return SpiTop(core, self.clock_hz)
        return {"none": lambda core: core, "wishbone": WishboneTop, "axi4lite": Axi4LiteTop}[
            self.kind
        ](core)

    def record(self) -> dict[str, Any]:
        """Return a dictionary of plain values, without what this bus has no use for."""
        used = {"uart": ("clock_hz", "baud"), "spi": ("clock_hz",)}.get(self.kind, ())
        return {"kind": self.kind} | {name: getattr(self, name) for name in used}
