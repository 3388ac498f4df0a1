"""A serial line whose other end says anything: timed bytes for a host, streams for a bridge."""

from __future__ import annotations

import random
from collections import deque

from drai_hw.rtl.frame import FRAME, Op, Status
from drai_hw.rtl.top import FRAME_TIMEOUT_S
from tests.bridge_model import BridgeModel

BYTE_S = 10 / 115_200
OPS = (Op.READ, Op.WRITE, Op.FIXED, Op.WRITE | Op.FIXED)


class Words:
    """A register file of 64 words."""

    def __init__(self) -> None:
        self.words = list(range(100, 164))
        self.writes = 0

    def allows(self, op, address):
        return True

    def read(self, address):
        return self.words[address]

    def write(self, address, word):
        self.words[address] = word
        self.writes += 1


def passes(data: bytes) -> bool:
    """Whether damaged bytes are by chance a response again: one in 65,536 is."""
    for at in range(len(data) - FRAME.response_header - 1):
        if data[at : at + 2] == bytes(FRAME.response_sync):
            end = at + FRAME.response_header + 4 * data[at + 4]
            if FRAME.crc.compute(data[at + 2 : end]).to_bytes(2, "big") == data[end : end + 2]:
                return True
    return False


class Babble:
    """A link on its own clock, to a bridge whose answers come damaged, late, among others or never.

    Bytes arrive at their time; only reading lets time pass. With `forge`, frames with the right
    tag and a right checksum say what they like, too.
    """

    name, baud = "babbling port", 115_200

    def __init__(self, board, rng: random.Random, rate: float, forge: bool = False) -> None:
        self.bridge, self.rng, self.rate, self.forge = BridgeModel(board), rng, rate, forge
        self.coming: deque[tuple[float, int]] = deque()
        self.time_s = self.silent_s = 0.0
        self.requests = self.strange = 0
        self.last = b""
        self.endless: float | None = None  # seconds between two random bytes, until a request

    def now_s(self) -> float:
        return self.time_s

    def close(self) -> None:
        pass

    def write(self, data: bytes) -> None:
        self.requests += 1
        self.endless = None
        if self.time_s - self.silent_s > 2 * FRAME_TIMEOUT_S:
            self._send(self.bridge.silence())
        self.silent_s = self.time_s
        if self.rng.random() >= self.rate:
            self._send(self.bridge.feed(data))
            return
        self.strange += 1
        if self.rng.random() < 0.3:
            at = self.rng.randrange(len(data))
            data = data[:at] + self.rng.randbytes(self.rng.choice((0, 1, 3))) + data[at + 1 :]
        self._babble(data, self.bridge.feed(data))

    def _send(self, data: bytes, after_s: float = 0.0, every_s: float = BYTE_S) -> None:
        start_s = max(self.time_s + after_s, self.coming[-1][0] if self.coming else 0.0)
        self.coming.extend((start_s + (k + 1) * every_s, byte) for k, byte in enumerate(data))

    def _babble(self, request: bytes, answer: bytes) -> None:
        rng, tag = self.rng, request[3] if len(request) > 3 else 0
        kind = rng.choice(KINDS if self.forge else KINDS[1:])
        words = [rng.getrandbits(32) for _ in range(rng.choice((0, 1, 5, 60, 127)))]
        if kind == "forged":
            status = rng.choice([*Status, 7, 255, 0, 0, 0])
            count = request[5] if len(request) > 5 and not request[2] & 1 else 0
            given = [rng.getrandbits(32) for _ in range(min(count, 127))]
            self._send(FRAME.encode_response(tag, status, given))
        elif kind == "stale":
            other = (tag + rng.randrange(1, 256)) & 0xFF
            self._send(FRAME.encode_response(other, rng.choice(list(Status)), words) + answer)
        elif kind == "damaged" and answer:
            bad = bytearray(answer)
            for _ in range(rng.choice((1, 2, 8))):
                bad[rng.randrange(len(bad))] = rng.randrange(256)
            self._send(b"" if passes(bytes(bad)) else bytes(bad))
        elif kind == "cut":
            self._send(answer[: rng.randrange(len(answer) + 1)])
        elif kind == "repeated":
            self._send(answer * rng.choice((2, 5)))
        elif kind == "late":
            self._send(answer, after_s=rng.choice((0.01, 0.3, 0.6, 2.0)))
        elif kind == "slow":
            self._send(answer, every_s=rng.choice((0.001, 0.02, 0.2)))
        elif kind == "long":
            head = bytes([*FRAME.response_sync, tag, 0, rng.choice((127, 128, 255))])
            self._send(head + rng.randbytes(rng.choice((0, 100, 600))))
        elif kind == "echo":
            self._send(request + rng.choice((b"", answer)))
        elif kind == "sync":
            self._send(bytes(FRAME.response_sync[:1]) * rng.choice((1, 7, 3000)) + answer)
        elif kind == "noise":
            self._send(rng.randbytes(rng.choice((1, 4, 50, 3000))) + rng.choice((b"", answer)))
        elif kind == "endless":
            self.endless = rng.choice((BYTE_S, 0.01, 0.09, 0.11, 0.5))
        # "silent" sends nothing

    def read(self, n: int, timeout_s: float) -> bytes:
        end_s, out = self.time_s + timeout_s, bytearray()
        while len(out) < n:
            if not self.coming and self.endless is not None:
                self.coming.append((self.time_s + self.endless, self.rng.randrange(256)))
            if not self.coming or self.coming[0][0] > end_s:
                self.time_s = end_s
                break
            at_s, byte = self.coming.popleft()
            self.time_s = max(self.time_s, at_s)
            out.append(byte)
        self.time_s += 1e-6
        return bytes(out)


KINDS = (
    "forged", "stale", "damaged", "cut", "repeated", "late", "slow", "long", "echo", "sync",
    "noise", "endless", "silent",
)  # fmt: skip


def request(rng: random.Random) -> bytes:
    """Return a request, most of them allowed."""
    op, tag, addr = rng.choice(OPS), rng.randrange(256), rng.randrange(64)
    count = rng.choice((1, 1, 2, 3, 17, 60, 127))
    words = [rng.getrandbits(32) for _ in range(count)] if op & Op.WRITE else []
    if rng.random() < 0.15:
        op, addr = rng.randrange(256), rng.randrange(256)
        words = [rng.getrandbits(32) for _ in range(count & 0x7F)] if op & 1 else []
    return FRAME.pack_request(int(op), tag, addr, count, words)


def stream(rng: random.Random) -> bytes:
    """Return what may come over a line: garbage, damage, requests in pieces and in each other."""
    kind = rng.randrange(8)
    frame = request(rng)
    if kind == 0:
        return rng.randbytes(rng.choice((1, 3, 30, 200)))
    if kind == 1:
        return frame
    if kind == 2:  # all of it right but the checksum
        return frame[:-2] + bytes(
            [frame[-2] ^ rng.randrange(256), frame[-1] ^ rng.randrange(1, 256)]
        )
    if kind == 3:
        return frame[: rng.randrange(len(frame))]
    if kind == 4:
        return bytes(FRAME.request_sync[:1]) * rng.randrange(5) + rng.choice((b"", frame))
    if kind == 5:  # a request inside the payload of another one, whose own end may be missing
        inner = request(rng)[:200]
        inner += bytes(-len(inner) % 4)
        words = [int.from_bytes(inner[k : k + 4], "little") for k in range(0, len(inner), 4)]
        outer = FRAME.pack_request(1, rng.randrange(256), rng.randrange(64), len(words), words)
        return outer[: rng.choice((len(outer), 6, len(outer) - 1))]
    data = bytearray(frame)
    for _ in range(rng.choice((1, 1, 2, 5))):
        at = rng.randrange(len(data))
        if rng.random() < 0.5:
            data[at] ^= 1 << rng.randrange(8)
        elif rng.random() < 0.5:
            data.insert(at, rng.randrange(256))
        else:
            del data[at]
    return bytes(data)
