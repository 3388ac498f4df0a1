"""Bench that runs inside the simulator and puts a host's bytes onto the pins of a design.

The host rules over simulated time: it sends ``W`` (write), ``R`` (read, with a limit in clocks),
``T`` (transfer bytes both ways under one chip select of SPI) and ``C`` (clocks so far) over a local
socket, and between its requests the simulation stands still. So the result of a session does not
depend on how fast either side runs.
"""

from __future__ import annotations

import os
import socket
import struct
from collections import deque
from typing import Any

import cocotb
from cocotb.triggers import Event, FallingEdge, First, Timer
from cocotb.utils import get_sim_time

CLOCK_PERIOD_NS = 10
"""Period of the clock of the Verilog wrapper; only ratios to it matter."""

ENV_PORT, ENV_TOKEN, ENV_DIVISOR = "DRAI_LINK_PORT", "DRAI_LINK_TOKEN", "DRAI_LINK_DIVISOR"

WRITE, READ, TRANSFER, CLOCKS = b"W", b"R", b"T", b"C"
COUNT = struct.Struct("<Q")


def receive_exactly(peer: socket.socket, n: int) -> bytes:
    """Return `n` bytes of a socket, or fewer when the other side has closed it."""
    data = bytearray()
    while len(data) < n:
        part = peer.recv(n - len(data))
        if not part:
            break
        data += part
    return bytes(data)


class SerialPins:
    """Driver of `rx` and monitor of `tx`, with real bit times.

    Parameters
    ----------
    dut : simulator handle
        The wrapper with the pins `rx` and `tx`.
    divisor : int
        Clocks per bit.
    """

    def __init__(self, dut: Any, divisor: int) -> None:
        self.dut = dut
        self.bit_ns = divisor * CLOCK_PERIOD_NS
        self.received: deque[int] = deque()
        self.arrived = Event()

    async def drive(self, data: bytes) -> None:
        """Put bytes onto `rx`, each with start bit, eight data bits and stop bit."""
        for byte in data:
            for bit in (0, *((byte >> k) & 1 for k in range(8)), 1):
                self.dut.rx.value = bit
                await Timer(self.bit_ns, "ns")

    async def monitor(self) -> None:
        """Sample `tx` in the middle of every bit, for ever."""
        while True:
            await FallingEdge(self.dut.tx)
            await Timer(self.bit_ns // 2, "ns")
            assert self.dut.tx.value == 0, "tx: a start bit shorter than half a bit time"
            byte = 0
            for k in range(8):
                await Timer(self.bit_ns, "ns")
                byte |= int(self.dut.tx.value) << k
            await Timer(self.bit_ns, "ns")
            assert self.dut.tx.value == 1, f"tx: no stop bit behind byte {byte:#04x}"
            self.received.append(byte)
            self.arrived.set()

    async def collect(self, n: int, limit_clocks: int) -> bytes:
        """Return up to `n` received bytes, waiting at most `limit_clocks` clocks for them."""
        end_ns = get_sim_time("ns") + limit_clocks * CLOCK_PERIOD_NS
        while len(self.received) < n:
            rest_ns = end_ns - get_sim_time("ns")
            if rest_ns <= 0:
                break
            self.arrived.clear()
            await First(self.arrived.wait(), Timer(rest_ns, "ns"))
        return bytes(self.received.popleft() for _ in range(min(n, len(self.received))))


class SpiPins:
    """Master of an SPI bus in mode 0, most significant bit first.

    Parameters
    ----------
    dut : simulator handle
        The wrapper with the pins `sck`, `cs_n`, `mosi` and `miso`.
    clocks_per_sck : int
        Clocks of the design in a period of SCK; both halves are equal.
    """

    def __init__(self, dut: Any, clocks_per_sck: int) -> None:
        self.dut = dut
        self.half_ns = clocks_per_sck * CLOCK_PERIOD_NS // 2

    async def transfer(self, data: bytes) -> bytes:
        """Send bytes under one chip select; return the bytes that came meanwhile.

        MISO is sampled right before SCK rises: what comes too late counts as the bit before it.
        """
        dut, back = self.dut, bytearray()
        dut.cs_n.value = 0
        for byte in data:
            got = 0
            for bit in range(7, -1, -1):
                dut.mosi.value = byte >> bit & 1
                await Timer(self.half_ns, "ns")
                got = got << 1 | int(dut.miso.value)
                dut.sck.value = 1
                await Timer(self.half_ns, "ns")
                dut.sck.value = 0
            back.append(got)
        await Timer(self.half_ns, "ns")
        dut.cs_n.value = 1
        await Timer(self.half_ns, "ns")
        return bytes(back)


@cocotb.test()
async def serve(dut: Any) -> None:
    """Carry out the host's requests until it closes the socket."""
    divisor = int(os.environ[ENV_DIVISOR])
    serial = hasattr(dut, "rx")
    pins, spi = SerialPins(dut, divisor), SpiPins(dut, divisor)
    dut.rst.value = 1
    await Timer(8 * CLOCK_PERIOD_NS, "ns")
    dut.rst.value = 0
    await Timer(2 * CLOCK_PERIOD_NS, "ns")
    if serial:
        cocotb.start_soon(pins.monitor())
    with socket.create_connection(("127.0.0.1", int(os.environ[ENV_PORT]))) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.sendall(os.environ[ENV_TOKEN].encode())
        while True:
            kind = receive_exactly(peer, 1)
            if kind == WRITE:
                (size,) = COUNT.unpack(receive_exactly(peer, COUNT.size))
                await pins.drive(receive_exactly(peer, size))
            elif kind == READ:
                (size,) = COUNT.unpack(receive_exactly(peer, COUNT.size))
                (limit,) = COUNT.unpack(receive_exactly(peer, COUNT.size))
                data = await pins.collect(size, limit)
                peer.sendall(COUNT.pack(len(data)) + data)
            elif kind == TRANSFER:
                (size,) = COUNT.unpack(receive_exactly(peer, COUNT.size))
                data = await spi.transfer(receive_exactly(peer, size))
                peer.sendall(COUNT.pack(len(data)) + data)
            elif kind == CLOCKS:
                peer.sendall(COUNT.pack(round(get_sim_time("ns") / CLOCK_PERIOD_NS)))
            else:
                return
