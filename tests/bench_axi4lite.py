"""Bench of the AXI4-Lite wrapper: cocotbext-axi is the master, with pauses on every channel."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import Combine, ReadOnly, RisingEdge
from cocotbext.axi import AxiLiteBus, AxiLiteMaster, AxiResp

from drai_hw.rtl.registers import REGISTERS
from tests.bus_bench import NAMES, Answer, Pair, compare

CHANNELS = {"aw": ("awaddr",), "w": ("wdata", "wstrb"), "b": ("bresp",),
            "ar": ("araddr",), "r": ("rdata", "rresp")}  # fmt: skip


class Master:
    """Byte runs only: cocotbext-axi makes strobes from addresses and lengths."""

    selects = tuple(sum(1 << k for k in range(a, b)) for a in range(4) for b in range(a + 1, 5))
    offsets = (0,)

    def __init__(self, dut, rng):
        bus = AxiLiteBus.from_prefix(dut, "s_axi")
        self.driver = AxiLiteMaster(bus, dut.plain_clk, dut.plain_rst, reset_active_level=True)
        self.responses = set()
        for name in ("aw", "w", "b"):
            self._pause(getattr(self.driver.write_if, f"{name}_channel"), rng)
        for name in ("ar", "r"):
            self._pause(getattr(self.driver.read_if, f"{name}_channel"), rng)

    @staticmethod
    def _pause(channel, rng):
        own = random.Random(rng.random())

        def pauses():
            while True:
                yield own.random() < 0.4

        channel.set_pause_generator(pauses())

    def _error(self, resp, address):
        self.responses.add(resp)
        known = address // 4 in NAMES
        assert resp in (AxiResp.OKAY, AxiResp.SLVERR if known else AxiResp.DECERR)
        return resp != AxiResp.OKAY

    async def read(self, address):
        got = await self.driver.read(address, 4)
        return Answer(int.from_bytes(got.data, "little"), error=self._error(got.resp, address))

    async def write(self, address, word, select):
        first = (select & -select).bit_length() - 1
        data = word.to_bytes(4, "little")[first : select.bit_length()]
        got = await self.driver.write(address + first, data)
        return Answer(None, error=self._error(got.resp, address))


async def watch(dut, stalls):
    """What is valid stays valid, and the same, until it is taken; nothing is valid in reset."""
    before = {}
    while True:
        await RisingEdge(dut.plain_clk)
        await ReadOnly()
        for name, payload in CHANNELS.items():
            valid = bool(getattr(dut, f"s_axi_{name}valid").value)
            ready = bool(getattr(dut, f"s_axi_{name}ready").value)
            now = valid and tuple(int(getattr(dut, f"s_axi_{s}").value) for s in payload)
            if before.get(name) is not None:
                assert valid, f"{name}valid fell before {name}ready"
                assert now == before[name], f"{name} changed while it waited"
            before[name] = now if valid and not ready else None
            stalls[name] = stalls.get(name, 0) + (valid and not ready)


@cocotb.test()
async def wrapper_and_plain_core_agree(dut):
    rng = random.Random(6)
    master = Master(dut, rng)
    pair = Pair(dut, master, rng)
    await pair.plain.start()
    stalls = {}
    cocotb.start_soon(watch(dut, stalls))
    await compare(pair, 400)
    assert master.responses == {AxiResp.OKAY, AxiResp.SLVERR, AxiResp.DECERR}

    # Reads and writes that are under way together: each register keeps its own last word.
    names = ("STEPS", "SHIL_MAX", "ETA", "GAIN")
    words = {name: [rng.getrandbits(REGISTERS[name].width) for _ in range(12)] for name in names}

    async def write(name):
        for word in words[name]:
            await master.write(4 * REGISTERS[name].address, word, 0xF)

    async def read(name):
        last = -1
        for _ in range(12):
            got = (await master.read(4 * REGISTERS[name].address)).word
            at = words[name].index(got, max(last, 0)) if got in words[name] else -1
            assert at >= last, f"{name}: an older word came back"
            last = at

    tasks = [cocotb.start_soon(job(name)) for name in names for job in (write, read)]
    await Combine(*tasks)
    for name in names:
        got = await master.read(4 * REGISTERS[name].address)
        assert got == Answer(words[name][-1], error=False)
    assert all(stalls[name] > 50 for name in CHANNELS), stalls
    cocotb.log.info(f"{pair.accesses} accesses, {pair.errors} errors, stalled clocks {stalls}")
