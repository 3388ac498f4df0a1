"""The bridge's answers to any stream of bytes, in Python: fast enough for thousands of faults."""

from __future__ import annotations

from drai_hw.rtl.frame import FRAME, Op, Status


class BridgeModel:
    """Parser and executor of frames; `board` has read, write and allows (see test_boards_host).

    `feed` returns what the bridge sends for bytes that come in; `silence` what it sends when an
    unfinished frame is given up.
    """

    def __init__(self, board):
        self.board = board
        self.frame = bytearray()  # from op on
        self.state = "HUNT"
        self.tag = 0
        self.last_tag = None

    def feed(self, data: bytes) -> bytes:
        return b"".join(self._byte(byte) for byte in data)

    def silence(self) -> bytes:
        if self.state != "FRAME":
            return b""
        self.state = "HUNT"
        return FRAME.encode_response(self.tag, Status.TIMEOUT)

    def _byte(self, byte: int) -> bytes:
        first, second = FRAME.request_sync
        if self.state == "HUNT":
            self.state = "SYNC" if byte == first else "HUNT"
        elif self.state == "SYNC":
            self.frame.clear()
            self.state = "FRAME" if byte == second else "SYNC" if byte == first else "HUNT"
        else:
            self.frame.append(byte)
            if len(self.frame) == 2:
                self.tag = byte
            if len(self.frame) >= 4:
                payload = 4 * (self.frame[3] & 0x7F) if self.frame[0] & 1 else 0
                if len(self.frame) == 4 + payload + 2:
                    self.state = "HUNT"
                    return self._execute(bytes(self.frame[:-2]), bytes(self.frame[-2:]))
        return b""

    def _execute(self, body: bytes, given: bytes) -> bytes:
        op, tag, address, length = body[:4]
        words: list[int] = []
        status = Status.OK
        if FRAME.crc.compute(body).to_bytes(2, "big") != given:
            status = Status.BAD_CRC
        elif op & ~3:
            status = Status.UNKNOWN_OP
        elif address >> 6:
            status = Status.BAD_ADDRESS
        elif not 1 <= length <= 127:
            status = Status.BAD_LENGTH
        elif op & Op.WRITE and tag == self.last_tag:
            pass
        elif op & Op.WRITE:
            for k in range(length):
                at = address if op & Op.FIXED else (address + k) & 63
                if status != Status.OK or not self.board.allows(op, at):
                    status = Status.BUSY
                else:
                    self.board.write(at, int.from_bytes(body[4 + 4 * k : 8 + 4 * k], "little"))
            if status == Status.OK:
                self.last_tag = tag
        elif not self.board.allows(op, address):
            status = Status.BUSY
        else:
            self.last_tag = tag
            words = [
                self.board.read(address if op & Op.FIXED else (address + k) & 63)
                for k in range(length)
            ]
        return FRAME.encode_response(tag, status, words)
