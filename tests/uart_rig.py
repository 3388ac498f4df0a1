# amaranth: UnusedElaboratable=no
"""The bridge, alone or behind its serial line, compiled by CXXRTL and clocked from Python."""

from __future__ import annotations

import ctypes
from pathlib import Path

from amaranth.hdl import Module
from amaranth.lib import wiring
from amaranth.lib.wiring import In, Out

import drai_hw.sim.units.simulate
from drai_hw.rtl import emit
from drai_hw.rtl.bridge import Bridge
from drai_hw.rtl.top import Top, connect
from drai_hw.sim.cxxrtl.build import compiled
from drai_hw.sim.regfile import RegisterFile
from tests.test_rtl_bridge import TIMEOUT_CLOCKS

HARNESS = Path(drai_hw.sim.units.simulate.__file__).with_name("unit_harness.cc")


class BridgeAndWords(wiring.Component):
    """A bridge before a register file."""

    def __init__(self) -> None:
        self.words = RegisterFile(None)
        super().__init__(
            {
                "rx_data": In(8), "rx_valid": In(1), "tx_data": Out(8), "tx_valid": Out(1),
                "tx_ready": In(1), "writes": Out(16),
            }
        )  # fmt: skip

    def elaborate(self, platform):
        m = Module()
        m.submodules.words = words = self.words
        m.submodules.bridge = bridge = Bridge(timeout_clocks=TIMEOUT_CLOCKS)
        connect(m, bridge, words)
        m.d.comb += [
            bridge.rx_data.eq(self.rx_data), bridge.rx_valid.eq(self.rx_valid),
            self.tx_data.eq(bridge.tx_data), self.tx_valid.eq(bridge.tx_valid),
            bridge.tx_ready.eq(self.tx_ready), self.writes.eq(words.writes),
        ]  # fmt: skip
        return m


class LineAndWords(wiring.Component):
    """A serial line before that."""

    def __init__(self) -> None:
        self.words = RegisterFile(None)
        self.top = Top(self.words, 1e6, 250_000, timeout_s=TIMEOUT_CLOCKS * 1e-6)
        super().__init__({"rx": In(1, init=1), "tx": Out(1, init=1), "writes": Out(16)})

    def elaborate(self, platform):
        m = Module()
        m.submodules.top = top = self.top
        m.d.comb += [top.rx.eq(self.rx), self.tx.eq(top.tx), self.writes.eq(self.words.writes)]
        return m


class Compiled:
    """Pins of a compiled component."""

    def __init__(self, component, name: str, cache: Path) -> None:
        source = cache / f"{name}.il"
        source.write_text(emit.rtlil(component, name=name))
        library = ctypes.CDLL(str(compiled(source, name, cache, harness=HARNESS, flags=("-O1",))))
        for function, result in (("unit_open", ctypes.c_void_p), ("unit_port", ctypes.c_void_p),
                                 ("unit_get", ctypes.c_uint64)):  # fmt: skip
            getattr(library, function).restype = result
        self._model = ctypes.c_void_p(library.unit_open(name.encode()))
        self._library = library
        self._port = {}
        self.set, self.get, self.step = library.unit_set, library.unit_get, library.unit_step
        self.clk = self.port("clk")
        self.set(self.port("rst"), ctypes.c_uint64(1))
        self.tick(3)
        self.set(self.port("rst"), ctypes.c_uint64(0))

    def port(self, name: str) -> ctypes.c_void_p:
        found = self._library.unit_port(self._model, name.encode())
        assert found, name
        return ctypes.c_void_p(found)

    def tick(self, clocks: int = 1) -> None:
        for _ in range(clocks):
            self.set(self.clk, ZERO)
            self.step(self._model)
            self.set(self.clk, ONE)
            self.step(self._model)


LONGEST_CLOCKS = 4_000
ZERO, ONE = ctypes.c_uint64(0), ctypes.c_uint64(1)


class BridgeRig(Compiled):
    """Bytes into the bridge and out of it; the transmitter is always ready."""

    def __init__(self, cache: Path) -> None:
        super().__init__(BridgeAndWords(), "bridge_and_words", cache)
        self.set(self.port("tx_ready"), ONE)
        self.rx_data, self.rx_valid = self.port("rx_data"), self.port("rx_valid")
        self.tx_data, self.tx_valid = self.port("tx_data"), self.port("tx_valid")
        self.count = self.port("writes")
        self.said = bytearray()

    def writes(self) -> int:
        return self.get(self.count)

    def clock(self) -> bool:
        """Let a clock pass and take what is said in it; return whether there was something."""
        self.set(self.clk, ZERO)
        self.step(self._model)
        valid = bool(self.get(self.tx_valid))
        if valid:
            self.said.append(self.get(self.tx_data))
        self.set(self.clk, ONE)
        self.step(self._model)
        return valid

    def send(self, data: bytes, gap: int = 6) -> None:
        for byte in data:
            self.set(self.rx_data, ctypes.c_uint64(byte))
            self.set(self.rx_valid, ONE)
            self.clock()
            self.set(self.rx_valid, ZERO)
            for _ in range(gap - 1):
                self.clock()

    def answer(self, count: int) -> bytes:
        """Return what is said: so many bytes if they come, and all until it has given up."""
        patience = LONGEST_CLOCKS  # a word that is written takes some twenty clocks
        while len(self.said) < count and patience:
            patience -= not self.clock()
        quiet = 0
        while quiet < 3 * TIMEOUT_CLOCKS:
            quiet = 0 if self.clock() else quiet + 1
        out = bytes(self.said)
        self.said.clear()
        return out


class PinRig(Compiled):
    """Levels on the serial line and bytes back from it."""

    def __init__(self, cache: Path) -> None:
        component = LineAndWords()
        self.divisor = component.top.divisor
        super().__init__(component, "line_and_words", cache)
        self.rx, self.tx, self.count = self.port("rx"), self.port("tx"), self.port("writes")
        self.levels: list[int] = []
        self.line([1] * 50)

    def writes(self) -> int:
        return self.get(self.count)

    def line(self, levels: list[int]) -> None:
        for level in levels:
            self.set(self.rx, ONE if level else ZERO)
            self.set(self.clk, ZERO)
            self.step(self._model)
            self.levels.append(self.get(self.tx))
            self.set(self.clk, ONE)
            self.step(self._model)

    def send(self, data: bytes) -> None:
        for byte in data:
            bits = [0, *(byte >> k & 1 for k in range(8)), 1]
            self.line([bit for bit in bits for _ in range(self.divisor)])

    def rest(self) -> None:
        """Keep the line idle until nothing was sent for longer than the bridge waits."""
        span = 4 * TIMEOUT_CLOCKS + 20 * self.divisor
        self.line([1] * span)
        while 0 in self.levels[-span:]:
            self.line([1] * self.divisor)

    def take(self) -> bytes:
        """Return the bytes sent since, each checked for its stop bit."""
        levels, out, at = self.levels, bytearray(), 0
        while at < len(levels):
            if levels[at]:
                at += 1
                continue
            middle = at + self.divisor // 2
            bits = [levels[middle + k * self.divisor] for k in range(10)]
            assert (bits[0], bits[9]) == (0, 1), bits
            out.append(sum(bit << k for k, bit in enumerate(bits[1:9])))
            at = middle + 9 * self.divisor
        levels.clear()
        return bytes(out)
