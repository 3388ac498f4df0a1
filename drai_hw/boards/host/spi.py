"""SPI bus as a link to a board."""

from __future__ import annotations

import time
from collections.abc import Callable

from drai_hw.errors import LinkError
from drai_hw.rtl.frame import FRAME
from drai_hw.rtl.spi import FILL

POLL_BYTES = 16
"""Bytes clocked at a time while waiting for an answer."""


class Unfilled:
    """The bytes of responses without the filling between them.

    Filling is dropped wherever a response may begin; inside a response every byte counts. What
    begins like no response is handed on as it is, so that the host sees noise for what it is.
    """

    def __init__(self) -> None:
        self._head = bytearray()
        self._rest = 0

    def feed(self, data: bytes) -> bytes:
        """Return what of these bytes is no filling; a header waits until it is whole."""
        out = bytearray()
        for byte in data:
            if self._rest:
                self._rest -= 1
                out.append(byte)
            elif self._head or byte != FILL:
                self._head.append(byte)
                if len(self._head) == FRAME.response_header:
                    out += self._head
                    try:
                        self._rest = FRAME.response_rest(bytes(self._head))
                    except LinkError:
                        self._rest = 0
                    self._head.clear()
        return bytes(out)


class SpiLink:
    """An SPI bus with a `drai_hw.rtl.spi.SpiTop` behind it, as a `drai_hw.sim.link.Link`.

    The bus itself is a function, so any library for SPI ports does, and so does the simulated
    device (`drai_hw.sim.simulated.SimulatedSpi`). With spidev, mode 0, at most
    `SpiTop.sck_hz`::

        bus = spidev.SpiDev(0, 0)
        bus.mode, bus.max_speed_hz = 0, 1_500_000
        link = SpiLink(lambda data: bytes(bus.xfer2(list(data))), 1_500_000, name="/dev/spidev0.0")

    Parameters
    ----------
    transfer : callable
        Sends bytes under one chip select, most significant bit first, in mode 0; returns as many
        that came meanwhile. Raises OSError when the port is gone.
    sck_hz : float
        Frequency of SCK in hertz: how long a byte is under way.
    name : str
        The port, for messages.
    now_s : callable, optional
        The device's time in seconds, from any origin; the host's clock if left out.
    """

    def __init__(
        self,
        transfer: Callable[[bytes], bytes],
        sck_hz: float,
        *,
        name: str = "SPI",
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = name
        self.baud = round(sck_hz * 10 / 8)  # the serial line that takes as long for a byte
        self.now_s = now_s
        self._transfer = transfer
        self._unfilled = Unfilled()
        self._arrived = bytearray()
        self._open = True

    def _exchange(self, data: bytes) -> None:
        if not self._open:
            raise LinkError(f"port {self.name!r} was closed; open a new link to go on")
        try:
            back = self._transfer(data)
        except OSError as error:
            raise LinkError(
                f"port {self.name!r} went away: {error}; the port must stay open: check cable and "
                "power of the board, then start again"
            ) from error
        if len(back) != len(data):
            raise LinkError(
                f"port {self.name!r}: {len(data)} bytes were sent and {len(back)} came back; an "
                "SPI transfer gives as many as it takes"
            )
        self._arrived += self._unfilled.feed(bytes(back))

    def write(self, data: bytes) -> None:
        """Send a request under one chip select."""
        self._exchange(data)

    def read(self, n: int, timeout_s: float) -> bytes:
        """Clock until `n` bytes of responses have come, or until `timeout_s` seconds are over."""
        end_s = self.now_s() + timeout_s
        while len(self._arrived) < n:
            missing = n - len(self._arrived)
            self._exchange(bytes([FILL]) * min(max(missing, POLL_BYTES), 256))
            if self.now_s() >= end_s:
                break
        out = bytes(self._arrived[:n])
        del self._arrived[:n]
        return out

    def close(self) -> None:
        """Give the bus up; it belongs to whoever opened it. Closing twice is allowed."""
        self._open = False
