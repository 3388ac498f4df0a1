"""Weights in external SDRAM: the twin's bits, and a chip that refuses what its sheet forbids."""

from __future__ import annotations

import warnings
from dataclasses import replace
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from amaranth.hdl import Const, Module
from amaranth.sim import Simulator

from drai_hw.model.numbers import Formats
from drai_hw.rtl.core import Core
from drai_hw.rtl.sdram_controller import Command, SdramChip, SdramController, sdram_address
from drai_hw.rtl.sdram_model import SdramModel, Violation
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.stores import run_bounds
from drai_hw.rtl.timing import clocks_per_pass
from drai_hw.sim import run_core
from drai_hw.spec import parse
from tests.rtl_bench import CoreBench, follow, random_twin, simulate
from tests.test_rtl_spram import SMALL, settings_of

CHIP = SdramChip(power_up_us=1.0)
CLOCK_HZ = 133e6


def plan_of(formats: Formats, clock_hz: float, **keys: Any) -> SdramPlan:
    width = formats.lanes * formats.weight_bits
    return SdramPlan(formats.pair_slots, width, clock_hz, **keys)


@pytest.mark.parametrize(
    ("lanes", "pages", "padding", "clock_hz", "burst_beats", "features"),
    [
        (4, 2, 0, 50e6, 128, SMALL),
        # Bursts of four words, so that queues are full, empty and wrap.
        (4, 4, 1, 100e6, 8, SMALL | {"decay": True}),
        (6, 3, 1, 25e6, 2, SMALL | {"weight_bits": 4}),
        pytest.param(12, 3, 1, 50e6, 128, SMALL, marks=pytest.mark.full),
        pytest.param(2, 18, 1, 133e6, 16, SMALL, marks=pytest.mark.full),
        pytest.param(8, 5, 5, 50e6, 16, {"resonance": True}, marks=pytest.mark.full),
    ],
)
def test_core_with_weights_in_sdram_equals_the_twin_within_its_clocks(
    lanes: int, pages: int, padding: int, clock_hz: float, burst_beats: int, features: dict
) -> None:
    formats = Formats(n=lanes * pages - padding, lanes=lanes, pages=pages, **features)
    settings = settings_of(formats)
    twin = random_twin(formats, 3, settings)
    plan = plan_of(formats, clock_hz, burst_beats=burst_beats, chip=CHIP)
    core = Core(formats, product="logic", store=plan)

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.ctx.tick().repeat(150)
        await b.load(twin)
        assert np.array_equal(b.weight_words(), twin.weight_words())
        await follow(b, twin, partial(run_bounds, formats, plan, 1))
        assert twin.counters().changed > 0
        # The host reads and writes single words, anywhere.
        words = twin.weight_words()
        for at in (formats.pair_slots - 1, 1):
            await b.access("WEIGHT_ADDRESS", at)
            for value in words[at]:
                assert await b.access("WEIGHT") == int(value) & 0xFFFFFFFF
            await b.access("WEIGHT_ADDRESS", at)
            for lane in range(lanes):
                await b.access("WEIGHT", lane % 3 - 1)
            words[at] = np.arange(lanes) % 3 - 1
        assert np.array_equal(b.weight_words(), words)
        assert Violation(b.ctx.get(core.weights.chip.violations)) == Violation(0)

    simulate(core, bench)


def test_a_pass_bound_by_memory_takes_its_bursts_and_little_more() -> None:
    """16 lanes want 80 bits a clock, the memory gives 16: the bounds are then close together."""
    formats = Formats(n=1024, lanes=16, pages=64)
    plan = plan_of(formats, 50e6)
    core = clocks_per_pass(formats)
    least, most = plan.pass_clocks(core, learning=True)
    beats = plan.depth * plan.beats
    assert (plan.beats, plan.burst) == (8, 16)
    assert 2 * beats < least < 2 * 1.07 * beats
    assert least > 10 * core
    assert most < 1.15 * least


def drive(
    chip: SdramChip, real: SdramChip, *, clock_hz: float = CLOCK_HZ, rest: int = 0
) -> tuple[Violation, list[int], list[int]]:
    """Write and read bursts with a controller made for one chip on a model of another.

    Returns violations, the words read, and the clocks from burst to burst (a write, two reads).
    """
    m = Module()
    m.submodules.controller = controller = SdramController(chip, clock_hz, 8)
    m.submodules.model = model = SdramModel(real, clock_hz, 64, 16)
    m.d.sync += [
        model.command.eq(controller.command),
        model.bank.eq(controller.pin_bank),
        model.address.eq(controller.pin_address),
        model.data_in.eq(controller.data_out),
        model.drive.eq(controller.data_drive),
    ]
    m.d.comb += controller.data_in.eq(model.data_out)
    read: list[int] = []
    begun: list[int] = []
    found: list[Violation] = []

    async def bench(ctx: Any) -> None:
        clock = 0

        async def burst(strobe: Any, start: int, beats: int) -> None:
            nonlocal clock
            bank, row, column = (ctx.get(x) for x in sdram_address(chip, Const(start, 24)))
            for port, value in (
                (controller.bank, bank), (controller.row, row), (controller.column, column),
                (controller.beats, beats), (strobe, 1),
            ):  # fmt: skip
                ctx.set(port, value)
            sent, done = 0, False
            while not done:
                ctx.set(controller.write_data, 1000 + start + sent)
                *_, done, wants, valid, word = await ctx.tick().sample(
                    controller.done, controller.write_next,
                    controller.read_valid, controller.read_data,
                )  # fmt: skip
                clock += 1
                sent += wants
                if valid:
                    read.append(word)
            ctx.set(strobe, 0)
            await ctx.tick()
            clock += 1

        for strobe, start, beats in (
            (controller.write, 8, 8), (controller.read, 8, 8), (controller.read, 10, 1),
            (controller.write, 40, 1), (controller.read, 40, 1),
        ):  # fmt: skip
            begun.append(clock)
            await burst(strobe, start, beats)
        await ctx.tick().repeat(rest + 1)
        found.append(Violation(ctx.get(model.violations)))

    simulator = Simulator(m)
    simulator.add_clock(1e-8)
    simulator.add_testbench(bench)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        simulator.run()
    return found[0], read, [b - a for a, b in pairwise(begun[1:])]


def test_a_burst_takes_the_clocks_that_the_chip_says() -> None:
    # A power-up that ends just after a refresh fell due: none comes between.
    for clock_hz in (20e6, 50e6, 100e6, CLOCK_HZ):
        found, read, clocks = drive(CHIP, CHIP, clock_hz=clock_hz)
        assert found == Violation(0)
        assert read == [1008 + k for k in range(8)] + [1010, 1040]
        want = [CHIP.burst_clocks(b, clock_hz, write=w) for b, w in ((8, 0), (1, 0), (1, 1))]
        assert clocks == want, clock_hz


@pytest.mark.parametrize(
    ("stricter", "flag"),
    [
        ({"rcd_ns": 30.0}, Violation.RCD),
        ({"rp_ns": 60.0}, Violation.RP),
        ({"ras_ns": 130.0}, Violation.RAS),
        ({"rc_ns": 160.0}, Violation.RC),
        ({"rfc_ns": 90.0}, Violation.RFC),
        ({"write_recovery_clocks": 4}, Violation.WRITE_RECOVERY),
        ({"refresh_ns": 3000.0}, Violation.REFRESH),
        ({"power_up_us": 2.0}, Violation.POWER_UP),
        ({"mode_clocks": 5}, Violation.MODE),
        ({"cas_latency": 3}, Violation.MODE),
    ],
)
def test_the_chip_notices_a_controller_made_for_a_faster_one(
    stricter: dict, flag: Violation
) -> None:
    found, read, _ = drive(CHIP, replace(CHIP, **stricter), rest=20000 if flag & 1024 else 0)
    assert found & flag
    if flag is not Violation.REFRESH:  # it comes after the reads
        assert read != [1008 + k for k in range(8)] + [1010, 1040]


def test_refreshes_come_as_often_as_they_must() -> None:
    assert drive(CHIP, CHIP, rest=20000)[0] == Violation(0)
    for clock_hz in (25e6, 50e6, CLOCK_HZ):
        assert CHIP.refresh_interval(clock_hz) / clock_hz <= 64e-3 / 8192


@pytest.mark.parametrize(
    ("commands", "flag"),
    [
        ([("READ", 0, 0)], Violation.CLOSED),
        ([("ACTIVATE", 0, 0), ("ACTIVATE", 0, 1)], Violation.OPEN),
        ([("ACTIVATE", 0, 0), ("REFRESH", 0, 0)], Violation.OPEN),
        ([("ACTIVATE", 0, 0), ("READ", 0, 64)], Violation.RANGE),
        ([("ACTIVATE", 0, 0), ("WRITE", 0, 1)], Violation.BUS),
        ([("ACTIVATE", 0, 0), ("READ", 0, 1), ("DRIVE", 0, 0)], Violation.BUS),
        ([("ACTIVATE", 0, 0), ("READ", 0, 1), ("PRECHARGE", 0, 1024)], Violation(0)),
    ],
)
def test_the_chip_refuses_commands_out_of_place(commands: list, flag: Violation) -> None:
    model = SdramModel(CHIP, 10e6, 64, 16)

    async def bench(ctx: Any) -> None:
        async def give(name: str, bank: int, address: int, rest: int) -> None:
            if name == "DRIVE":
                ctx.set(model.drive, 1)
            else:
                ctx.set(model.command, Command[name])
                ctx.set(model.bank, bank)
                ctx.set(model.address, address)
            await ctx.tick()
            ctx.set(model.command, Command.NOP)
            if rest:
                await ctx.tick().repeat(rest)

        await ctx.tick().repeat(12)
        await give("PRECHARGE", 0, 1024, 2)
        for _ in range(8):
            await give("REFRESH", 0, 0, 2)
        await give("MODE", 0, CHIP.mode, 3)
        assert ctx.get(model.violations) == 0
        for name, bank, address in commands:
            await give(name, bank, address, 1 if name == "ACTIVATE" else 0)
        await ctx.tick().repeat(3)
        assert Violation(ctx.get(model.violations)) & ~Violation.RC == flag

    simulator = Simulator(model)
    simulator.add_clock(1e-7)
    simulator.add_testbench(bench)
    simulator.run()


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"depth": 0, "width": 8}, "must be at least 1"),
        ({"depth": 1 << 24, "width": 17}, "the chip holds 16777216 words of 16 bits"),
        ({"depth": 2, "width": 16 * 513}, "512 in a row"),
    ],
)
def test_what_a_chip_cannot_hold_is_refused(keys: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SdramPlan(**keys, clock_hz=50e6)


def test_a_clock_too_slow_for_refreshes_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 32 are needed"):
        SdramPlan(4, 16, 1e6)


SPEC = parse("""
schema = 1
[network]
name = "sdram"
oscillators = 21
[task]
kind = "recall"
patterns = "random:2"
""")


@pytest.mark.full
@pytest.mark.parametrize(
    ("formats", "steps"),
    [
        (Formats(n=35, lanes=12, pages=3), 30),
        (Formats(n=128, lanes=8, pages=16, weight_bits=4, **SMALL), 20),
        (Formats(n=2048, lanes=8, pages=256, weight_bits=4, **SMALL), 4),
    ],
)
def test_large_cores_with_weights_in_sdram_equal_the_twin(
    formats: Formats, steps: int, tmp_path: Path
) -> None:
    result = run_core(
        SPEC, workdir=tmp_path, steps=steps, script="learn", formats=formats, product="logic",
        store=plan_of(formats, 50e6), simulator="cxxrtl",
    )  # fmt: skip
    assert (result.mismatches, result.steps) == (0, steps)
    assert result.counters.changed > 0


@pytest.mark.parametrize(
    ("n", "pages", "chip"),
    [(7, 2, CHIP), pytest.param(21, 6, SdramChip(), marks=pytest.mark.full)],
)
def test_icarus_runs_the_chip_too(n: int, pages: int, chip: SdramChip, tmp_path: Path) -> None:
    """Weights are loaded twice; there the acknowledge rises for an instant before it is due."""
    formats = Formats(n=n, lanes=4, pages=pages, **SMALL)
    result = run_core(
        SPEC, workdir=tmp_path, steps=6, script="random", seed=2, formats=formats,
        product="logic", store=plan_of(formats, 50e6, chip=chip),
    )  # fmt: skip
    assert (result.mismatches, result.steps) == (0, 6)
    assert result.counters.changed > 0
