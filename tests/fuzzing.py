"""What the fuzz tests share: damage to text, and the tally of their cases."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

BYTES = tuple(bytes([value]) for value in (0, 9, 10, 13, 34, 39, 40, 41, 59, 91, 92, 96, 128, 255))


def _cut(rng: random.Random, data: bytes) -> bytes:
    return data[: rng.randrange(len(data) + 1)]


def _delete(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at + rng.choice((1, 1, 2, 8, 60)) :]


def _insert(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    new = rng.choice(BYTES) if rng.random() < 0.5 else rng.randbytes(rng.choice((1, 4, 40)))
    return data[:at] + new + data[at:]


def _flip(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) or 1)
    return (
        data[:at]
        + bytes(byte ^ 1 << rng.randrange(8) for byte in data[at : at + 1])
        + data[at + 1 :]
    )


def _repeat(rng: random.Random, data: bytes) -> bytes:
    at = rng.randrange(len(data) + 1)
    return data[:at] + data[at : at + rng.choice((5, 50, 500))] + data[at:]


def _swap_lines(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return b"\n".join(lines)


def _lose_line(rng: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    del lines[rng.randrange(len(lines))]
    return b"\n".join(lines)


def _swap_words(rng: random.Random, data: bytes) -> bytes:
    words = data.split(b" ")
    one, other = rng.randrange(len(words)), rng.randrange(len(words))
    words[one], words[other] = words[other], words[one]
    return b" ".join(words)


DAMAGE: Sequence[Callable[[random.Random, bytes], bytes]] = (
    _cut, _delete, _insert, _flip, _repeat, _swap_lines, _lose_line, _swap_words,
)  # fmt: skip


def damaged_bytes(rng: random.Random, data: bytes) -> bytes:
    """Return bytes with one to three kinds of damage, or others altogether."""
    if rng.random() < 0.04:
        return rng.randbytes(rng.choice((0, 1, 100, 5000)))
    for _ in range(rng.choice((1, 1, 2, 3))):
        data = rng.choice(DAMAGE)(rng, data)
    return data
