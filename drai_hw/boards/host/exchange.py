"""Requests and answers over a link, repeated when they are lost or damaged."""

from __future__ import annotations

from collections.abc import Sequence

from drai_hw.errors import LinkError
from drai_hw.rtl.frame import FRAME, STATUS_TEXT, Op, Response, Status
from drai_hw.rtl.top import FRAME_TIMEOUT_S
from drai_hw.sim.link import Link

_NOISE_LIMIT_BYTES = 2048
"""Bytes without an answer among them, after which we stop listening."""


class Lost(Exception):  # noqa: N818 (an outcome of one attempt, never shown to a user)
    """One attempt failed in a way that repeating it may mend.

    Parameters
    ----------
    text : str
        What happened, what is needed and how to mend it, without the port's name.
    """


class Busy(Exception):  # noqa: N818 (an answer, not a fault)
    """The core is running."""


class Exchange:
    """Send requests, one at a time, and give back their answers.

    A write that is repeated carries the same tag, so the bridge executes it once. A read is
    executed every time: where it moves an address on, the caller repeats the address too
    (`read_once`).

    Parameters
    ----------
    link : Link
        The byte pipe.
    timeout_s : float
        Longest wait for an answer, on top of the time the bytes themselves take, > 0.
    retries : int
        How often a request is repeated before `LinkError`, >= 0.
    """

    def __init__(self, link: Link, *, timeout_s: float, retries: int) -> None:
        self.link = link
        self.timeout_s = timeout_s
        self.retries = retries
        self.repeated = 0
        self._tag = 0

    # -- public: requests --------------------------------------------------------------------

    def write(self, addr: int, words: Sequence[int], *, fixed: bool = False) -> None:
        """Write words from an address on (or all to it), in as many frames as it takes.

        Raises
        ------
        LinkError
            No usable answer after all repeats.
        Busy
            The core is running; nothing of the frame was written.
        """
        op = Op.WRITE | Op.FIXED if fixed else Op.WRITE
        for start in range(0, len(words), FRAME.burst_words):
            part = words[start : start + FRAME.burst_words]
            tag = self._next_tag()
            at = addr if fixed else addr + start
            self._repeat(FRAME.encode_request(op, tag, at, part), tag, 0)

    def read(self, addr: int, count: int) -> tuple[int, ...]:
        """Read `count` words from an address on; reading them twice must do no harm.

        Raises
        ------
        LinkError
            No usable answer after all repeats.
        Busy
            The core is running.
        """
        tag = self._next_tag()
        return self._repeat(FRAME.encode_request(Op.READ, tag, addr, count=count), tag, count)

    def read_once(self, addr: int, count: int) -> tuple[int, ...]:
        """Read `count` words of a stream register without repeating.

        Raises
        ------
        Lost
            No usable answer: set the stream's address again before the next try.
        Busy
            The core is running.
        """
        tag = self._next_tag()
        frame = FRAME.encode_request(Op.FIXED, tag, addr, count=count)
        return self._attempt(frame, tag, count)

    def settle(self) -> None:
        """Wait until the bridge has given up an unfinished frame, and forget what it says."""
        self.repeated += 1
        for _ in range(8):
            if not self.link.read(_NOISE_LIMIT_BYTES, 2.5 * FRAME_TIMEOUT_S):
                return

    def failure(self, text: object, attempts: int) -> LinkError:
        """Return the error for a request that failed in every attempt."""
        return LinkError(f"port {self.link.name!r}: {text} (attempts: {attempts})")

    # -- one attempt -------------------------------------------------------------------------

    def _next_tag(self) -> int:
        self._tag = (self._tag + 1) & 0xFF
        return self._tag

    def _repeat(self, frame: bytes, tag: int, count: int) -> tuple[int, ...]:
        for attempt in range(self.retries + 1):
            try:
                return self._attempt(frame, tag, count)
            except Lost as lost:
                last = lost
                if attempt < self.retries:
                    self.settle()
        raise self.failure(last, self.retries + 1)

    def _attempt(self, frame: bytes, tag: int, count: int) -> tuple[int, ...]:
        self.link.write(frame)
        response = self._receive(frame, tag, count)
        status = response.status
        if status == Status.BUSY:
            raise Busy
        if status in (Status.BAD_CRC, Status.TIMEOUT):
            raise Lost(
                f"the board answers {Status(status).name}: {STATUS_TEXT[Status(status)]}; an "
                "undisturbed line is needed: lower the baud rate, use a shorter cable or another "
                "USB port"
            )
        if status != Status.OK:
            name = Status(status).name if status in set(Status) else f"status {status}"
            raise LinkError(
                f"port {self.link.name!r}: the board refuses a request with {name}; host and "
                "bitstream must be of the same version: make and program the bitstream again"
            )
        if len(response.words) != count:
            raise Lost(f"the board answers {len(response.words)} words where {count} were asked")
        return response.words

    def _receive(self, frame: bytes, tag: int, count: int) -> Response:
        """Listen for the answer to `frame`, stepping over noise and stale answers."""
        head, sync = FRAME.response_header, bytes(FRAME.response_sync)
        wire_s = 10 * (len(frame) + head + 4 * count + 2) / self.link.baud
        wait_s = self.timeout_s + wire_s
        heard = bytearray()
        noise = bytearray()
        end_s: float | None = None  # of listening to noise, however slowly it drips
        while len(noise) < _NOISE_LIMIT_BYTES:
            if noise:
                now_s = self.link.now_s()
                if end_s is None:
                    end_s = now_s + wait_s + 10 * _NOISE_LIMIT_BYTES / self.link.baud
                if now_s > end_s:
                    break
            data = self.link.read(head - len(heard), wait_s) if len(heard) < head else b""
            heard += data
            if len(heard) < head:
                if not heard and not noise:
                    raise Lost(
                        f"nothing answers within {wait_s:.2g} s; a board with a drai_hw bitstream "
                        f"at {self.link.baud} baud is needed: check cable, power, port and baud "
                        "rate, and program the bitstream (`drai-hw board SPEC --board B --program`)"
                    )
                break
            at = heard.find(sync)
            if at != 0:
                cut = at if at > 0 else len(heard) - (heard[-1] == sync[0])
                noise += heard[:cut]
                del heard[:cut]
                continue
            try:
                rest = FRAME.response_rest(bytes(heard[:head]))
            except LinkError as error:
                raise Lost(str(error)) from error
            whole = bytes(heard) + self.link.read(rest - (len(heard) - head), wait_s)
            if len(whole) < head + rest:
                raise Lost(
                    f"the answer breaks off after {len(whole)} of {head + rest} bytes; all are "
                    "needed: lower the baud rate, or check the cable"
                )
            try:
                response = FRAME.decode_response(whole)
            except LinkError as error:
                raise Lost(
                    f"wrong checksum in the answer: {error}; lower the baud rate, or use a "
                    "shorter cable"
                ) from error
            complaint = response.status in (Status.BAD_CRC, Status.TIMEOUT)
            if response.tag == tag or complaint:
                return response
            heard.clear()  # a late answer to an earlier request
            noise += whole
        noise += heard
        if bytes(frame) in bytes(noise):
            raise Lost(
                "what we send comes back to us; a board is needed at the other end: check that "
                "TX and RX are not tied together and that no terminal or modem is on this port"
            )
        raise Lost(
            f"garbage answers: {len(noise)} bytes that are no drai_hw frame "
            f"(first: {bytes(noise[:8]).hex(' ')!r}); answers of the bridge at {self.link.baud} "
            "baud are needed: check the baud rate, and that this is the board's port"
        )
