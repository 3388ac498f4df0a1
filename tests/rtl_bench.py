"""Amaranth-simulator bench that the RTL tests share: a core on its bus, beside a twin."""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
from amaranth.sim import Simulator

from drai_hw.model.machine import Settings
from drai_hw.model.numbers import STRENGTH_BITS, Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS, Cfg, Command, setting_registers


class CoreBench:
    """Bus master and window on the memories, inside a testbench of the Amaranth simulator."""

    def __init__(self, ctx: Any, core: Core) -> None:
        self.ctx = ctx
        self.core = core

    async def access(self, name: str, value: int | None = None, address: int | None = None) -> int:
        ctx, core = self.ctx, self.core
        ctx.set(core.addr, REGISTERS[name].address if address is None else address)
        strobe = core.re if value is None else core.we
        ctx.set(core.wdata, int(value or 0) & 0xFFFFFFFF)
        ctx.set(strobe, 1)
        for _ in range(60):
            *_, data, ack = await ctx.tick().sample(core.rdata, core.ack)
            if ack:
                ctx.set(strobe, 0)
                return data
        raise AssertionError(f"register {name}: no acknowledge")

    async def run(self, command: Command) -> int:
        """Start a run and return the clocks of BUSY."""
        await self.access("CONTROL", int(command | Command.RUN))
        clocks = 1  # BUSY rose together with the acknowledge
        while self.ctx.get(self.core.busy):
            await self.ctx.tick()
            clocks += 1
        return clocks

    def memory(self, name: str) -> list[Any]:
        memory = self.core.update.memories[name]
        return [self.ctx.get(memory.data[k]) for k in range(self.core.formats.slots)]

    def weight_words(self) -> np.ndarray:
        f = self.core.formats
        mask = (1 << f.weight_bits) - 1
        out = np.zeros((f.pair_slots, f.lanes), dtype=np.int64)
        for k in range(f.pair_slots):
            word = self.weight_word(k)
            for lane in range(f.lanes):
                value = word >> (lane * f.weight_bits) & mask
                out[k, lane] = value - (1 << f.weight_bits) * (value > f.w_max)
        return out

    def weight_word(self, k: int) -> int:
        return sum(
            self.ctx.get(memory.data[k - place.first_word]) << place.first_bit
            for place, memory in ((p.place, p.memory) for p in self.core.weights.pieces)
            if 0 <= k - place.first_word < place.words
        )

    async def configure(self, settings: Settings) -> None:
        for name, field in setting_registers(self.core.formats).items():
            await self.access(name, getattr(settings, field))

    async def load(self, twin: Twin) -> None:
        """Load everything a host can load with the twin's state."""
        f = self.core.formats
        await self.access("INDEX", 0)
        for k in range(f.n):
            await self.access("STATE", int(twin.theta[k]))
        await self.access("INDEX", 0)
        for k in range(f.n):
            await self.access("OMEGA", int(twin.omega[k]))
        await self.access("INDEX", 0)
        for k in range(f.n):
            word = int(twin.strength[k]) << Cfg.STRENGTH | int(twin.psi[k]) << Cfg.PSI
            word |= int(twin.clamp[k]) << Cfg.CLAMP | int(twin.active[k]) << Cfg.ACTIVE
            await self.access("INPUT", word)
        await self.access("WEIGHT_ADDRESS", 0)
        for value in twin.weight_words().ravel():
            await self.access("WEIGHT", int(value))


def simulate(core: Core, bench: Callable[[CoreBench], Awaitable[None]]) -> None:
    """Run a bench on a core until it returns."""

    async def testbench(ctx: Any) -> None:
        await bench(CoreBench(ctx, core))

    simulator = Simulator(core)
    simulator.add_clock(1e-8)
    simulator.add_testbench(testbench)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulator.run()


def random_twin(formats: Formats, seed: int, settings: Settings) -> Twin:
    """Return a twin with random phases, tuning words, weights and inputs."""
    rng = np.random.default_rng(seed)
    n, half = formats.n, 1 << (formats.accumulator_bits - 1)
    twin = Twin(formats)
    twin.configure(settings)
    twin.load_phases(rng.integers(0, 2 * half, n))
    twin.load_omega(rng.integers(-half // 16, half // 16, n))
    twin.load_inputs(
        rng.integers(0, 1 << formats.phase_bits, n),
        rng.integers(0, 1 << STRENGTH_BITS, n),
        rng.random(n) < 0.1,
        rng.random(n) < 0.9,
    )
    upper = np.triu(rng.integers(-formats.w_max, formats.w_max + 1, (n, n)), 1)
    links = np.ones((n, n), dtype=bool)
    if formats.mask:
        links = np.triu(rng.random((n, n)) < 0.6, 1)
        links |= links.T
        twin.load_links(links)
    twin.load_weights((upper + upper.T) * links)
    return twin


KINDS = (
    {"couple": True},
    {"field": True, "couple": True, "learn": True},
    {"couple": True, "learn": True},
    {"field": True, "couple": False},
)
"""Passes of one step each: every kind of step, one after the other."""


async def follow(b: CoreBench, twin: Twin, bounds: Callable[..., tuple[int, int]]) -> None:
    """Do steps of all kinds on core and twin, and compare their whole states after each.

    ``bounds`` returns the least and the most clocks of a step with the passes that it is given.
    Counters are compared at the end.
    """
    await b.access("STEPS", 1)
    for number, kind in enumerate(KINDS):
        command = Command.RESUME if number else Command(0)
        for name in kind:
            command |= Command[name.upper()] if kind[name] else Command(0)
        clocks = await b.run(command)
        twin.run(1, resume=number > 0, **kind)
        assert b.memory("theta") == twin.theta.tolist(), f"phases after step {number}"
        marks = b.memory("marks")
        assert [mark.margin for mark in marks] == twin.margin.astype(int).tolist()
        if twin.formats.resonance:
            assert [mark.ema for mark in marks] == twin.ema.tolist()
        assert np.array_equal(b.weight_words(), twin.weight_words()), f"weights, step {number}"
        least, most = bounds(**kind)
        assert least <= clocks <= most
    counters = twin.counters()
    for name in ("visited", "gated_on", "written", "changed"):
        assert await b.access(name.upper()) == getattr(counters, name), name


async def compare_read_back(b: CoreBench, twin: Twin) -> None:
    """Read all weights as the host does, word after word; they must be the twin's."""
    await b.access("WEIGHT_ADDRESS", 0)
    for value in twin.weight_words().ravel():
        assert await b.access("WEIGHT") == int(value) & 0xFFFFFFFF
