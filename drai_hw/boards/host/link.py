"""Serial port as a link to a board."""

from __future__ import annotations

import time

import serial
from serial.tools import list_ports

from drai_hw.errors import LinkError
from drai_hw.sim.link import Link

__all__ = ["DEFAULT_BAUD", "Link", "SerialLink"]

DEFAULT_BAUD = 115_200
"""Bit rate of the boards' files."""


def _known_ports() -> str:
    names = sorted(port.device for port in list_ports.comports())
    return f"ports found here: {', '.join(names)}" if names else "no serial port was found here"


class SerialLink:
    """A serial port, 8N1, as a `drai_hw.sim.link.Link`.

    The port is opened for this process alone, and what it held from before is thrown away.

    Parameters
    ----------
    port : str
        Device name, e.g. ``"/dev/ttyUSB0"`` or ``"COM3"``, or a URL that pyserial knows.
    baud : int
        Bits per second; the bitstream's own.

    Raises
    ------
    LinkError
        The port is not there, may not be opened, or is in use.
    """

    def __init__(self, port: str, baud: int = DEFAULT_BAUD) -> None:
        self.name = port
        self.baud = baud
        try:
            self._serial = serial.serial_for_url(port, do_not_open=True, baudrate=baud)
            self._serial.exclusive = True
            self._serial.write_timeout = 10.0
            self._serial.open()
            self._serial.reset_input_buffer()
        except (serial.SerialException, OSError, ValueError) as error:
            raise LinkError(
                f"port {port!r} at {baud!r} baud does not open: {error}; a free serial port that "
                "this user may read and write is needed: plug the board in, end other programs on "
                f"the port, or join its group (dialout on Debian); {_known_ports()}"
            ) from error

    def __enter__(self) -> SerialLink:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _gone(self, error: Exception) -> LinkError:
        return LinkError(
            f"port {self.name!r} went away: {error}; the port must stay open: check cable and "
            "power of the board, then start again"
        )

    def write(self, data: bytes) -> None:
        """Send all bytes."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._gone(error) from error

    def read(self, n: int, timeout_s: float) -> bytes:
        """Return up to `n` bytes; fewer after `timeout_s` seconds."""
        try:
            if self._serial.timeout != timeout_s:
                self._serial.timeout = timeout_s
            return bytes(self._serial.read(n))
        except (serial.SerialException, OSError, TypeError) as error:
            # TypeError: pyserial's way to say that the port was closed meanwhile
            raise self._gone(error) from error

    def now_s(self) -> float:
        """Return the time of the host, which is that of the board."""
        return time.monotonic()

    def close(self) -> None:
        """Close the port; closing twice is allowed."""
        self._serial.close()
