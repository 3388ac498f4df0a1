# amaranth: UnusedElaboratable=no
import random

import pytest
from amaranth.hdl import Module
from amaranth.sim import Simulator

from drai_hw.errors import SpecError
from drai_hw.rtl.uart import UartRx, UartTx, divisor_for


def line_of(byte, clocks_per_bit, stop=1):
    """Return the levels of one byte, clock by clock, for a bit time that need not be whole."""
    bits = [0, *((byte >> k) & 1 for k in range(8)), stop]
    total = round(10 * clocks_per_bit)
    return [bits[min(9, int(t / clocks_per_bit))] for t in range(total)]


def receive(divisor, levels):
    """Return the events of a receiver fed with `levels`: bytes, or None for a bad stop bit."""
    rx = UartRx(divisor)
    events = []

    async def bench(ctx):
        for level in [1] * 8 + list(levels) + [1] * 12 * divisor:
            ctx.set(rx.rx, level)
            await ctx.tick()
            if ctx.get(rx.valid):
                events.append(ctx.get(rx.data))
            if ctx.get(rx.error):
                events.append(None)

    simulator = Simulator(rx)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    return events


@pytest.mark.parametrize("divisor", [4, 5, 8, 13])
def test_every_byte_comes_through_without_pauses(divisor):
    data = list(range(256)) if divisor == 4 else random.Random(1).sample(range(256), 60)
    levels = [level for byte in data for level in line_of(byte, divisor)]
    assert receive(divisor, levels) == data


@pytest.mark.parametrize("ratio", [0.965, 0.98, 1.02, 1.04])
def test_a_sender_a_few_percent_off_is_understood(ratio):
    data = random.Random(4).sample(range(256), 40)
    levels = [level for byte in data for level in line_of(byte, 16 * ratio)]
    assert receive(16, levels) == data


@pytest.mark.parametrize("ratio", [0.88, 1.12])
def test_a_sender_far_off_is_not_understood(ratio):
    data = [0x55, 0xAA, 0x00, 0xF0, 0x80, 0x01]
    levels = [level for byte in data for level in line_of(byte, 16 * ratio) + [1] * 40]
    assert receive(16, levels) != data


def test_a_missing_stop_bit_is_an_error_and_the_next_byte_is_read():
    levels = line_of(0x00, 8, stop=0) + [1] * 8 + line_of(0x5A, 8)
    assert receive(8, levels) == [None, 0x5A]


def test_a_break_is_one_error_and_no_stream_of_bytes():
    assert receive(8, [0] * 800 + [1] * 8 + line_of(0x5A, 8)) == [None, 0x5A]


@pytest.mark.parametrize("clocks", [1, 2, 3])
def test_a_spike_is_not_a_start_bit(clocks):
    assert receive(8, [0] * clocks + [1] * 100 + line_of(0xC3, 8)) == [0xC3]


def test_a_quiet_line_gives_nothing():
    assert receive(8, [1] * 500) == []


@pytest.mark.parametrize("divisor", [4, 7])
def test_the_transmitter_sends_every_bit_for_the_whole_time_and_no_gap(divisor):
    tx = UartTx(divisor)
    data = [0x00, 0xFF, 0x55, 0x3C]
    levels = []

    async def bench(ctx):
        queue = list(data)
        while queue or not ctx.get(tx.ready):
            ctx.set(tx.valid, bool(queue))
            ctx.set(tx.data, queue[0] if queue else 0)
            taken = bool(queue) and ctx.get(tx.ready)
            levels.append(ctx.get(tx.tx))
            await ctx.tick()
            if taken:
                queue.pop(0)

    simulator = Simulator(tx)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    wanted = [1]
    for byte in data:
        wanted += [*line_of(byte, divisor), 1]  # one clock of stop bit more: the hand-over
    assert levels == wanted[: len(levels)]
    assert len(levels) >= len(wanted) - 1


def test_what_the_transmitter_sends_the_receiver_reads():
    m = Module()
    m.submodules.tx = tx = UartTx(4)
    m.submodules.rx = rx = UartRx(4)
    m.d.comb += rx.rx.eq(tx.tx)
    data = random.Random(5).choices(range(256), k=100)
    got = []

    async def bench(ctx):
        queue = list(data)
        for _ in range(45 * len(data)):
            ctx.set(tx.valid, bool(queue))
            ctx.set(tx.data, queue[0] if queue else 0)
            taken = bool(queue) and ctx.get(tx.ready)
            await ctx.tick()
            if taken:
                queue.pop(0)
            if ctx.get(rx.valid):
                got.append(ctx.get(rx.data))

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    simulator.run()
    assert got == data


def test_divisors_of_usual_clocks():
    assert divisor_for(25e6, 1_000_000) == 25
    assert divisor_for(12e6, 1_000_000) == 12
    assert divisor_for(12e6, 115_200) == 104


def test_bit_rates_that_cannot_be_made_are_refused():
    with pytest.raises(SpecError, match=r"leaves 3\.00 clocks per bit; at least 4"):
        divisor_for(12e6, 4_000_000)
    with pytest.raises(SpecError, match=r"divisor, 5, gives 2400000 bit/s, off by 4\.3%"):
        divisor_for(12e6, 2_300_000)
    with pytest.raises(SpecError, match="must be above 0"):
        divisor_for(12e6, 0)
    with pytest.raises(SpecError, match="divisor=3"):
        UartRx(3)
    with pytest.raises(SpecError, match="divisor=3"):
        UartTx(3)
