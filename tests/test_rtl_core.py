# amaranth: UnusedElaboratable=no
"""The core against the twin, bit for bit, after every step, in the Amaranth simulator."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan, plan_store
from drai_hw.rtl.core import Core, identity
from drai_hw.rtl.registers import MAGIC, MAP_VERSION, Command, Status
from drai_hw.rtl.timing import clocks_per_pass, clocks_per_run, clocks_per_step
from drai_hw.rtl.weights import WeightStore
from tests.rtl_bench import KINDS, CoreBench, compare_read_back, follow, random_twin, simulate

PLAIN = Settings(gain=900, shil_max=3000, shil_step=700, eta=30000, dither=5, margin=10, gates=1)
FULL = {"resonance": True, "decay": True}


def agree(
    formats: Formats,
    settings: Settings,
    *,
    product: str = "mul",
    seed: int = 3,
    store: StorePlan | None = None,
) -> None:
    """Compare RTL and twin over steps of every kind."""
    twin = random_twin(formats, seed, settings)
    core = Core(formats, product=product, store=store)
    clocks = partial(clocks_per_run, formats, 1)

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.load(twin)
        await follow(b, twin, lambda **kind: (clocks(**kind),) * 2)
        assert await b.access("SHIL") == twin.shil
        assert await b.access("STEPS_DONE") == len(KINDS)
        await compare_read_back(b, twin)
        await b.access("INDEX", 0)
        for k in range(formats.n):
            assert await b.access("STATE") == int(twin.theta[k]) | int(twin.margin[k]) << 31

    simulate(core, bench)


@pytest.mark.parametrize(
    ("lanes", "pages", "padding"),
    [(2, 1, 0), (4, 1, 0), (4, 1, 1), (4, 2, 0), (4, 3, 1), (8, 2, 3), (8, 5, 5)],
)
def test_core_equals_the_twin_in_every_geometry(lanes: int, pages: int, padding: int) -> None:
    agree(Formats(n=lanes * pages - padding, lanes=lanes, pages=pages), PLAIN)


@pytest.mark.parametrize(
    "features",
    [
        FULL,
        {"resonance": True},
        {"decay": True},
        {"phase_bits": 4, "levels": 5},
        {"phase_bits": 4, "levels": 3, "weight_bits": 2, "table": "square"},
        {"table": "triangle", "weight_bits": 8, "accumulator_bits": 20},
        {"weight_bits": 8, "table_bits": 8},  # sums wider than a multiplier
    ],
)
@pytest.mark.parametrize("product", ["mul", "logic"])
def test_core_equals_the_twin_with_every_feature(features: dict, product: str) -> None:
    formats = Formats(n=11, lanes=4, pages=3, **features)
    gates = 3 if formats.resonance else 1
    settings = Settings(
        gain=900, shil_max=3000, shil_step=700, eta=30000, dither=5, gates=gates,
        decay=20000 if formats.decay else 0, margin=formats.sum_max // 9,
    )  # fmt: skip
    agree(formats, settings, product=product)


@pytest.mark.parametrize(
    "settings",
    [
        Settings(),
        Settings(gain=65535, shil_max=4095, shil_step=4095, eta=65536, dither=14, gates=0),
        Settings(gain=65535, eta=65536, margin=-(34 * 15 * 31), gates=1),
        Settings(gain=1, shil_max=1, shil_step=4095, eta=1, dither=1, margin=34 * 15 * 31, gates=1),
    ],
)
def test_core_equals_the_twin_at_the_ends_of_every_register(settings: Settings) -> None:
    formats = Formats(n=7, lanes=4, pages=2)
    bound = formats.sum_max
    margin = max(-bound, min(bound, settings.margin))
    agree(formats, Settings(**(settings.__dict__ | {"margin": margin})), seed=5)


@pytest.mark.parametrize(
    ("lanes", "pages", "shapes", "limit"),
    [
        (4, 5, ((64, 3),), None),  # one bank
        (4, 5, ((16, 7), (32, 12)), 5),  # two banks, blocks that lanes share
        (4, 5, ((16, 7), (8, 20)), None),  # four banks, the last not full
        (4, 1, ((16, 2),), None),
        (18, 1, ((8, 36), (4, 72)), 4),  # lanes in groups with registers of their own
    ],
)
def test_core_equals_the_twin_with_weights_in_banks(
    lanes: int, pages: int, shapes: tuple[tuple[int, int], ...], limit: int | None
) -> None:
    formats = Formats(n=lanes * pages - 1, lanes=lanes, pages=pages, resonance=True, decay=True)
    store = plan_store(formats.pair_slots, lanes * formats.weight_bits, shapes, limit)
    settings = replace(PLAIN, gates=3, decay=20000, margin=formats.sum_max // 9)
    agree(formats, settings, store=store)


def test_many_lanes_without_a_plan_equal_the_twin() -> None:
    formats = Formats(n=17, lanes=18, pages=1)
    agree(formats, replace(PLAIN, margin=formats.sum_max // 9), product="logic")


def test_a_plan_for_another_memory_is_refused() -> None:
    with pytest.raises(ValueError, match=r"plan of 64 x 20 bit: the store has 100 x 40"):
        WeightStore(Formats(n=40, lanes=8, pages=5), plan_store(64, 20, ((64, 9),)))


def test_a_table_wrong_by_one_unit_is_seen() -> None:
    formats = Formats(n=8, lanes=4, pages=2)
    wrong = Formats(n=8, lanes=4, pages=2)
    table = [value + (value > 0) for value in wrong.coupling]
    wrong.__dict__["coupling"] = tuple(table)  # the cached property
    twin = random_twin(wrong, 3, PLAIN)
    core = Core(formats, product="mul")
    differ = []

    async def bench(b: CoreBench) -> None:
        await b.configure(PLAIN)
        await b.load(twin)
        await b.access("STEPS", 1)
        await b.run(Command.COUPLE)
        twin.run(1)
        differ.append(b.memory("theta") != twin.theta.tolist())

    simulate(core, bench)
    assert differ == [True]


def test_several_steps_at_a_go_are_single_steps_resumed() -> None:
    formats = Formats(n=7, lanes=4, pages=2)
    twin = random_twin(formats, 9, PLAIN)

    async def bench(b: CoreBench) -> None:
        await b.configure(PLAIN)
        await b.load(twin)
        await b.access("STEPS", 5)
        clocks = await b.run(Command.COUPLE | Command.FIELD | Command.LEARN)
        twin.run(5, field=True, learn=True)
        assert b.memory("theta") == twin.theta.tolist()
        assert np.array_equal(b.weight_words(), twin.weight_words())
        assert clocks == clocks_per_run(formats, 5, field=True)
        # A new run without RESUME starts the ramp anew.
        await b.access("STEPS", 1)
        await b.run(Command.COUPLE)
        twin.run(1)
        assert await b.access("SHIL") == twin.shil == PLAIN.shil_step
        assert b.memory("theta") == twin.theta.tolist()

    simulate(Core(formats), bench)


def test_reseed_repeats_the_same_learning() -> None:
    formats = Formats(n=8, lanes=4, pages=2, decay=True)
    settings = Settings(eta=30000, decay=9000, dither=6, gates=0)
    twin = random_twin(formats, 1, settings)
    learned = []

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.access("STEPS", 3)
        for _ in range(2):
            await b.access("CONTROL", Command.RESEED)
            assert await b.access("VISITED") == 0
            await b.load(twin)
            await b.run(Command.COUPLE | Command.LEARN)
            learned.append((b.weight_words().tolist(), b.memory("theta")))

    simulate(Core(formats), bench)
    assert learned[0] == learned[1]
    assert learned[0][0] != twin.weight_words().tolist()


def test_identity_and_geometry_are_readable() -> None:
    formats = Formats(n=7, lanes=4, pages=2)
    number = identity(formats)

    async def bench(b: CoreBench) -> None:
        assert await b.access("MAGIC") == MAGIC
        assert await b.access("VERSION") == MAP_VERSION | 7 << 16
        assert await b.access("DIGEST0") == number & 0xFFFFFFFF
        assert await b.access("DIGEST1") == number >> 32
        assert await b.access("GEOMETRY") == 4 | 2 << 16
        assert await b.access("STATUS") == 0
        assert await b.access("", address=63) == 0

    simulate(Core(formats), bench)
    assert number != identity(Formats(n=7, lanes=4, pages=2, seed=2))
    assert number != identity(Formats(n=8, lanes=4, pages=2))


def test_an_access_during_a_run_changes_nothing_and_is_reported() -> None:
    formats = Formats(n=8, lanes=4, pages=2)
    twin = random_twin(formats, 2, PLAIN)

    async def bench(b: CoreBench) -> None:
        await b.configure(PLAIN)
        await b.load(twin)
        await b.access("STEPS", 4)
        await b.access("CONTROL", Command.RUN | Command.COUPLE | Command.LEARN)
        assert await b.access("STATUS") == Status.BUSY
        assert await b.access("GAIN") == 0
        await b.access("GAIN", 1)
        await b.access("WEIGHT_ADDRESS", 0)
        await b.access("WEIGHT", 3)
        await b.access("INDEX", 1)
        await b.access("STATE", 77)
        await b.access("CONTROL", Command.RESEED)
        assert await b.access("STATUS") == Status.BUSY | Status.ERROR
        while await b.access("STATUS") & Status.BUSY:
            pass
        twin.run(4, learn=True)
        assert b.memory("theta") == twin.theta.tolist()
        assert np.array_equal(b.weight_words(), twin.weight_words())
        assert await b.access("STATUS") == Status.ERROR
        assert await b.access("GAIN") == PLAIN.gain
        assert await b.access("VISITED") == twin.counters().visited
        await b.access("CONTROL", Command.CLEAR_ERROR)
        assert await b.access("STATUS") == 0

    simulate(Core(formats), bench)


def test_registers_read_back_what_was_written() -> None:
    formats = Formats(n=8, lanes=4, pages=2)
    values = {
        "STEPS": (1 << 24) - 1, "GAIN": 65535, "SHIL_MAX": 4095, "SHIL_STEP": 4095,
        "ETA": 65536, "DITHER": 14, "MARGIN": -5 & 0xFFFFFFFF, "GATES": 3, "INDEX": 5,
        "WEIGHT_ADDRESS": 6,
    }  # fmt: skip

    async def bench(b: CoreBench) -> None:
        for name, value in values.items():
            await b.access(name, value)
        for name, value in values.items():
            assert await b.access(name) == value, name
        # Reading a counter or writing an identity changes nothing.
        await b.access("MAGIC", 0)
        assert await b.access("MAGIC") == MAGIC

    simulate(Core(formats), bench)


def test_state_omega_and_inputs_are_loaded_independently_of_each_other() -> None:
    formats = Formats(n=5, lanes=4, pages=2)
    omega, word = -77 & 0xFFFFFFFF, 0x8000_0000 | 3 << 16 | 9

    async def bench(b: CoreBench) -> None:
        await b.access("INDEX", 2)
        await b.access("OMEGA", omega)
        await b.access("INDEX", 2)
        await b.access("INPUT", word)
        await b.access("INDEX", 2)
        await b.access("STATE", 0x1234)
        assert await b.access("INDEX") == 3
        for name, value in (("OMEGA", omega), ("INPUT", word), ("STATE", 0x1234)):
            await b.access("INDEX", 2)
            assert await b.access(name) == value, name
        await b.access("INDEX", 5)  # padding: inactive and held from reset
        assert await b.access("INPUT") == 0
        await b.access("INDEX", 5)
        assert await b.access("STATE") == 1 << 31

    simulate(Core(formats), bench)


def test_clocks_of_a_pass_follow_the_formula_of_the_documentation() -> None:
    for lanes, pages in ((2, 1), (8, 5), (64, 16)):
        formats = Formats(n=lanes * pages, lanes=lanes, pages=pages)
        blocks = pages * (pages - 1) // 2 * (lanes + 1)
        assert clocks_per_pass(formats) == blocks + pages * (2 * lanes + 14) + 7
        assert clocks_per_step(formats, field=True) == 2 * clocks_per_pass(formats) + 1


@pytest.mark.parametrize("table", ["sine", "triangle", "square"])
def test_half_of_every_coupling_table_gives_the_other_half(table: str) -> None:
    # What lanes that multiply in logic rely on: T[k + half a turn] = -T[k].
    for phase_bits in range(3, 11):
        for levels in (3, 5, 7, 31, 63, 255):
            values = Formats(
                n=2, lanes=2, pages=1, phase_bits=phase_bits, table=table, levels=levels
            ).coupling
            half = len(values) // 2
            assert list(values[half:]) == [-value for value in values[:half]]
