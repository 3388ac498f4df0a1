"""What the players share: messages through pipes, and clocks played one after the other.

A message is four bytes of length and a pickle; what is asked, in its order: the widths of names,
connections, then any number of sequences of clocks. An end of the pipe ends the player.
"""

from __future__ import annotations

import os
import pickle
import struct
from typing import Any

PIPES_VARIABLE = "DRAI_HW_PLAYER_PIPES"


def pipes() -> tuple[int, int]:
    """Return the pipes that come from and go to who asks."""
    source, sink = (int(number) for number in os.environ[PIPES_VARIABLE].split())
    return source, sink


def read_exactly(pipe: int, count: int) -> bytes:
    """Read a number of bytes; fewer at the end of the pipe."""
    data = b""
    while len(data) < count:
        part = os.read(pipe, count - len(data))
        if not part:
            break
        data += part
    return data


def receive(pipe: int) -> Any:
    """Return the next message, None at the end."""
    head = read_exactly(pipe, 4)
    if len(head) < 4:
        return None
    return pickle.loads(read_exactly(pipe, struct.unpack("<I", head)[0]))


def send(pipe: int, message: Any) -> None:
    """Send a message."""
    data = pickle.dumps(message)
    data = struct.pack("<I", len(data)) + data
    while data:
        data = data[os.write(pipe, data) :]


async def play(pins: Any, cycles: list[dict[str, int]], hold_limit: int) -> Any:
    """Play clocks; return those that were given, what was seen, and whether it got stuck.

    With a limit, samples are held until ``in_ready``, that many clocks at most.
    """
    given: list[dict[str, int]] = []
    seen: list[dict[str, int | None]] = []
    for cycle in cycles:
        held = 0
        while True:
            # Who takes the results gives way now and then while a sample is held.
            values = {**cycle, "out_ready": held & 1} if held else cycle
            outputs = await pins.clock(values)
            given.append(values)
            seen.append(outputs)
            waits = hold_limit and cycle["en"] and not cycle["rst"] and not outputs["in_ready"]
            if not waits:
                break
            held += 1
            if held > hold_limit:
                return given, seen, True
    return given, seen, False
