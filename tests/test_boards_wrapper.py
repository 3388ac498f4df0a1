"""The outermost layer of a bitstream: how the reset ends."""

import warnings

import pytest
from amaranth.hdl import ClockDomain, ClockSignal, Module, Signal
from amaranth.sim import Simulator

from drai_hw.boards.wrapper import release_reset


@pytest.mark.parametrize("held", [1, 2, 9])
def test_the_reset_follows_the_lock_within_five_clocks_and_ends_once(held: int) -> None:
    m = Module()
    m.domains.sync = ClockDomain()
    clock, hold, count = Signal(), Signal(init=1), Signal(8)
    m.d.comb += ClockSignal("sync").eq(clock)
    release_reset(m, hold)
    m.d.sync += count.eq(count + 1)
    seen: list[int] = []

    async def bench(ctx) -> None:
        async def clocks(number: int) -> None:
            for _ in range(number):
                await ctx.delay(5e-9)
                ctx.set(clock, 1)
                await ctx.delay(5e-9)
                ctx.set(clock, 0)
                seen.append(ctx.get(count))

        await clocks(8)
        ctx.set(hold, 0)
        await clocks(20)
        ctx.set(hold, 1)  # the lock is lost
        await clocks(held)
        ctx.set(hold, 0)
        await clocks(20)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        simulator = Simulator(m)
        simulator.add_testbench(bench)
        simulator.run()
    assert seen[:8] == [0] * 8
    begun = next(k for k, value in enumerate(seen) if value) - 8
    assert 2 <= begun <= 5
    assert seen[8 + begun : 28] == list(range(1, 21 - begun))
    again = seen[28:]
    lost = next(k for k, value in enumerate(again) if value == 0)
    assert lost <= 5
    back = next(k for k in range(lost, len(again)) if again[k])
    assert back - lost >= held
    assert again[back:] == list(range(1, len(again) - back + 1))
