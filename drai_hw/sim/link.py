"""What a host needs of a link to a device, be it a serial port or a simulator."""

from __future__ import annotations

from typing import Protocol


class Link(Protocol):
    """A byte pipe to a device.

    Attributes
    ----------
    name : str
        The port, for messages, e.g. ``"/dev/ttyUSB0"``.
    baud : int
        Bits per second: how long a byte is under way.
    """

    name: str
    baud: int

    def write(self, data: bytes) -> None:
        """Send all bytes."""

    def read(self, n: int, timeout_s: float) -> bytes:
        """Return up to `n` bytes: fewer when `timeout_s` seconds pass without the rest.

        With ``timeout_s = 0`` whatever has arrived is returned at once. Time is the device's: a
        simulator counts its own clock.
        """

    def now_s(self) -> float:
        """Return the device's time in seconds, from any origin."""

    def close(self) -> None:
        """Give the link up; closing twice is allowed."""
