"""Program that plays clocks on a module compiled by CXXRTL: ``... LIBRARY TOP``."""

from __future__ import annotations

import ctypes
import sys
from typing import Any

from drai_player_pipes import pipes, play, receive, send  # type: ignore[import-not-found]


class Pins:
    """The ports of the module."""

    def __init__(self, library: ctypes.CDLL, model: int, order: dict[str, Any]) -> None:
        self._library, self._model = library, ctypes.c_void_p(model)
        self._clk = self._port(order["clk"])
        self._inputs = {
            ours: (self._port(theirs), mask, flip)
            for ours, (theirs, mask, flip) in order["inputs"].items()
        }
        self._outputs = []
        for ours, (theirs, signed) in order["outputs"].items():
            bits = library.unit_width(self._model, theirs.encode())
            self._outputs.append((ours, self._port(theirs), bits if signed and bits > 1 else 0))
        self._given: dict[str, int] = {}
        for name, value in order["constants"].items():
            bits = library.unit_width(self._model, name.encode())
            library.unit_set(self._port(name), value & ((1 << bits) - 1))

    def _port(self, name: str) -> ctypes.c_void_p:
        return ctypes.c_void_p(self._library.unit_port(self._model, name.encode()))

    async def clock(self, values: dict[str, int]) -> dict[str, int | None]:
        """Let a clock pass; return the outputs just before its rising edge."""
        library = self._library
        library.unit_set(self._clk, 0)
        for name, (port, mask, flip) in self._inputs.items():
            value = values.get(name, 0) & mask ^ flip
            if self._given.get(name) != value:
                self._given[name] = value
                library.unit_set(port, value)
        library.unit_step(self._model)
        seen: dict[str, int | None] = {}
        for name, port, bits in self._outputs:
            value = library.unit_get(port)
            seen[name] = value - (1 << bits) if bits and value >> (bits - 1) else value
        library.unit_set(self._clk, 1)
        library.unit_step(self._model)
        return seen


def opened(path: str, top: str) -> tuple[ctypes.CDLL, int]:
    """Load a compiled module and make an instance."""
    library = ctypes.CDLL(path)
    handle, text, word = ctypes.c_void_p, ctypes.c_char_p, ctypes.c_uint64
    for name, result, arguments in (
        ("unit_open", handle, [text]),
        ("unit_width", ctypes.c_int, [handle, text]),
        ("unit_port", handle, [handle, text]),
        ("unit_set", None, [handle, word]),
        ("unit_get", word, [handle]),
        ("unit_step", None, [handle]),
    ):
        function = getattr(library, name)
        function.restype, function.argtypes = result, arguments
    return library, library.unit_open(top.encode())


def main(path: str, top: str) -> None:
    """Do what comes through the pipe until it ends."""
    source, sink = pipes()
    library, model = opened(path, top)
    pins = None
    while (message := receive(source)) is not None:
        what, order = message
        if what == "widths":
            found = {n: library.unit_width(ctypes.c_void_p(model), n.encode()) for n in order}
            send(sink, {name: bits or None for name, bits in found.items()})
        elif what == "connect":
            pins = Pins(library, model, order)
            send(sink, True)
        else:
            playing = play(pins, *order)
            try:
                playing.send(None)  # nothing in it waits
            except StopIteration as done:
                send(sink, done.value)


if __name__ == "__main__":
    main(*sys.argv[1:])
