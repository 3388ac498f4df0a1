"""Bench of the Wishbone wrapper: cocotbext-wishbone is the master, a monitor knows the rules."""

from __future__ import annotations

import random

import cocotb
from cocotb.triggers import ReadOnly, RisingEdge
from cocotbext.wishbone.driver import WBOp, WishboneMaster

from tests.bus_bench import Answer, Pair, compare

SIGNALS = {
    "cyc": "cyc_i",
    "stb": "stb_i",
    "we": "we_i",
    "adr": "adr_i",
    "datwr": "dat_i",
    "datrd": "dat_o",
    "ack": "ack_o",
    "sel": "sel_i",
    "err": "err_o",
}


class Master:
    """One operation a cycle, with random pauses in front of it."""

    selects = tuple(range(16))
    offsets = (0, 1, 2, 3)

    def __init__(self, dut, rng):
        self.driver = WishboneMaster(
            dut, "wb", dut.plain_clk, width=32, timeout=200, signals_dict=SIGNALS
        )
        self.rng = rng

    async def read(self, address):
        (got,) = await self.driver.send_cycle([WBOp(address, idle=self.rng.choice((0, 0, 1, 5)))])
        return Answer(int(got.datrd), error=got.ack == 2)

    async def write(self, address, word, select):
        operation = WBOp(address, word, sel=select, idle=self.rng.choice((0, 0, 1, 5)))
        (got,) = await self.driver.send_cycle([operation])
        return Answer(None, error=got.ack == 2)


async def watch(dut, seen):
    """No answer without cyc and stb, never both kinds, never two to one strobe."""
    waited = 0
    while True:
        await RisingEdge(dut.plain_clk)
        await ReadOnly()
        strobe = bool(dut.wb_cyc_i.value) and bool(dut.wb_stb_i.value)
        ack, err = bool(dut.wb_ack_o.value), bool(dut.wb_err_o.value)
        assert not (ack and err)
        assert strobe or not (ack or err), "an answer without a strobe"
        waited = waited + 1 if strobe else 0
        if ack or err:
            assert waited > 1, "two answers, or one in the clock of the strobe"
            seen.append(waited)
            waited = 0


@cocotb.test()
async def wrapper_and_plain_core_agree(dut):
    rng = random.Random(5)
    pair = Pair(dut, Master(dut, rng), rng)
    dut.wb_cyc_i.value = 0
    dut.wb_stb_i.value = 0
    await pair.plain.start()
    seen = []
    cocotb.start_soon(watch(dut, seen))
    await compare(pair, 400)
    assert len(seen) >= pair.accesses
    cocotb.log.info(f"{len(seen)} answers, {pair.errors} errors, clocks {set(seen)}")
