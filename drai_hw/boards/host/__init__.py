"""Host side of a board: links and driver, the same for a simulated device."""

from drai_hw.boards.host.device import Device
from drai_hw.boards.host.link import DEFAULT_BAUD, Link, SerialLink
from drai_hw.boards.host.spi import SpiLink
from drai_hw.boards.host.stream import stream_phases

__all__ = ["DEFAULT_BAUD", "Device", "Link", "SerialLink", "SpiLink", "stream_phases"]
