"""Frames of the serial link: one description that host, simulation and logic all take from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag

from amaranth.lib.crc import Parameters
from amaranth.lib.crc.catalog import CRC16_IBM_3740

from drai_hw.errors import LinkError, SpecError


class Op(IntFlag):
    """Bits of the operation byte of a request; all other bits must be 0."""

    READ = 0
    WRITE = 1
    FIXED = 2
    """Stay on one address (a stream register) instead of going to the next with every word."""


class Status(IntEnum):
    """What the bridge says about a request."""

    OK = 0
    BAD_CRC = 1
    UNKNOWN_OP = 2
    BAD_ADDRESS = 3
    BAD_LENGTH = 4
    BUSY = 5
    TIMEOUT = 6


STATUS_TEXT = {
    Status.OK: "done (or, for a write with the tag of the one before, already done)",
    Status.BAD_CRC: "the checksum was wrong; the frame was dropped and nothing was written",
    Status.UNKNOWN_OP: "the operation byte has a bit set that means nothing",
    Status.BAD_ADDRESS: "the address is beyond the register space",
    Status.BAD_LENGTH: "the number of words is 0 or above the limit",
    Status.BUSY: "the core is running and takes no access but reading STATUS",
    Status.TIMEOUT: "a frame began and its rest did not come in time; it was dropped",
}


@dataclass(frozen=True)
class Response:
    """A response frame, decoded."""

    tag: int
    status: int
    words: tuple[int, ...]


@dataclass(frozen=True)
class FrameFormat:
    """The layout of requests and responses.

    A request is ``sync sync op tag addr words payload crc``, a response is
    ``sync sync tag status words payload crc``. Every field is one byte but the payload, which is
    `words` times 32 bits, least significant byte first, and the checksum, two bytes, most
    significant first, over all bytes behind the two sync bytes. Only a write request and the
    answer to a read have a payload; in a request for a read `words` says how many are wanted.

    The tag is chosen by the host and comes back in the response. A write whose tag equals that of
    the last executed request is answered with OK and not executed again, so that a host which
    lost the answer can repeat a request without doing it twice.

    Attributes
    ----------
    request_sync, response_sync : tuple of int
        The two opening bytes; they differ, so that an echo is not taken for an answer.
    address_bits : int
        Bits of a register address.
    max_words : int
        Most words in one frame.
    burst_words : int
        Words per frame that the host driver uses: two such frames fit the bridge's buffer.
    crc : Parameters
        The checksum as a model (`compute`) and as logic (`create`).
    """

    request_sync: tuple[int, int] = (0xD7, 0x52)
    response_sync: tuple[int, int] = (0xD7, 0xAD)
    address_bits: int = 6
    max_words: int = 127
    burst_words: int = 60
    crc: Parameters = CRC16_IBM_3740(data_width=8)  # noqa: RUF009 (immutable in use)

    @property
    def request_overhead(self) -> int:
        """Bytes of a request besides its payload."""
        return len(self.request_sync) + 4 + 2

    @property
    def response_header(self) -> int:
        """Bytes of a response before its payload."""
        return len(self.response_sync) + 3

    def _checksum(self, body: bytes) -> bytes:
        return int(self.crc.compute(body)).to_bytes(2, "big")

    def encode_request(
        self, op: Op, tag: int, addr: int, words: Sequence[int] = (), count: int = 0
    ) -> bytes:
        """Return the bytes of a request.

        Parameters
        ----------
        op : Op
            Read or write, with or without `Op.FIXED`.
        tag : int
            0..255, comes back in the response.
        addr : int
            First register address, 0 .. 2**address_bits - 1.
        words : sequence of int
            Payload of a write, 32 bits each, 1..`max_words` of them.
        count : int
            Words wanted by a read, 1..`max_words`.

        Raises
        ------
        SpecError
            A value is out of its range.
        """
        length = len(words) if op & Op.WRITE else count
        if not 1 <= length <= self.max_words:
            raise SpecError(
                f"a frame of {length!r} words given; 1 to {self.max_words} are needed: "
                "split the burst"
            )
        if not 0 <= addr < 1 << self.address_bits:
            raise SpecError(
                f"register address {addr!r} given; 0 to {(1 << self.address_bits) - 1} is needed"
            )
        if not 0 <= tag <= 255:
            raise SpecError(f"tag {tag!r} given; 0 to 255 is needed")
        return self.pack_request(int(op), tag, addr, length, words)

    def pack_request(
        self, op: int, tag: int, addr: int, length: int, words: Sequence[int] = ()
    ) -> bytes:
        """Return a request with its checksum, whatever the fields hold.

        Nothing but the byte ranges is checked: tests make refused requests with it.
        """
        body = bytes([op, tag, addr, length]) + b"".join(
            (word & 0xFFFFFFFF).to_bytes(4, "little") for word in words
        )
        return bytes(self.request_sync) + body + self._checksum(body)

    def encode_response(self, tag: int, status: int, words: Sequence[int] = ()) -> bytes:
        """Return the bytes of a response: what the bridge would send."""
        body = bytes([tag, status, len(words)]) + b"".join(
            word.to_bytes(4, "little") for word in words
        )
        return bytes(self.response_sync) + body + self._checksum(body)

    def response_rest(self, header: bytes) -> int:
        """Return how many bytes follow the header of a response.

        Parameters
        ----------
        header : bytes
            The first `response_header` bytes, sync included.

        Raises
        ------
        LinkError
            The sync bytes are wrong, or the length is impossible.
        """
        if header[:2] != bytes(self.response_sync) or len(header) != self.response_header:
            raise LinkError(
                f"response header {header.hex(' ')!r} given; {self.response_header} bytes "
                f"beginning with {bytes(self.response_sync).hex(' ')!r} are needed: "
                "the other end is not a drai_hw bridge, or bytes were lost"
            )
        if header[4] > self.max_words:
            raise LinkError(
                f"response header {header.hex(' ')!r} announces {header[4]} words; "
                f"at most {self.max_words} are possible: the answer was damaged"
            )
        return 4 * header[4] + 2

    def decode_response(self, frame: bytes) -> Response:
        """Take a response apart.

        Parameters
        ----------
        frame : bytes
            One whole response, sync bytes and checksum included.

        Raises
        ------
        LinkError
            Not a response, a wrong length or a wrong checksum.
        """
        rest = self.response_rest(frame[: self.response_header])
        body, given = frame[2:-2], frame[-2:]
        if len(frame) != self.response_header + rest:
            raise LinkError(
                f"a response of {len(frame)} bytes given; its header announces "
                f"{self.response_header + rest}: bytes were lost"
            )
        wanted = self._checksum(body)
        if given != wanted:
            raise LinkError(
                f"checksum {given.hex()!r} of a response given; {wanted.hex()!r} is needed: "
                "the answer was damaged on the line"
            )
        payload = body[3:]
        words = tuple(
            int.from_bytes(payload[k : k + 4], "little") for k in range(0, len(payload), 4)
        )
        return Response(tag=body[0], status=body[1], words=words)


FRAME = FrameFormat()
"""The one frame format of the project."""
