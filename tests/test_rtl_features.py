"""Edge passes, censuses and masks in the core, bit for bit with the twin after every step."""

from __future__ import annotations

import json
import re
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from drai_hw.model.machine import Passes, Settings
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS, Command, command_of
from drai_hw.rtl.timing import clocks_per_run
from drai_hw.sim import run_core
from drai_hw.spec import parse
from tests.rtl_bench import CoreBench, random_twin, simulate

CENSUS = [
    {"census": True, "learn": True},
    {"field": True, "census": True, "learn": True},
    {"census": True, "couple": False},
    {"learn": True},
]
EDGE = [{"edge": True}] * 10 + [{"field": True, "edge": True}, {"learn": True}, {"edge": True}]

CASES = {
    "budget": (
        {"budget": True, "weight_bits": 4}, {"budget": 32, "shrink": 30000}, CENSUS,
    ),
    "census": (
        {"budget": True, "centring": True, "decay": True},
        {"budget": 66, "shrink": 50000, "centre": 20000, "decay": 9000}, CENSUS * 2,
    ),
    "centring": ({"centring": True}, {"centre": 20000}, CENSUS),
    "edge": ({"edge": True, "phase_bits": 3}, {}, EDGE),
    "mask": ({"mask": True}, {}, [{"learn": True, "field": True}] * 3),
    "all": (
        {"edge": True, "budget": True, "centring": True, "mask": True, "decay": True,
         "resonance": True, "phase_bits": 4, "g": "gaussian"},
        {"gates": 3, "centre": 30000, "budget": 30, "shrink": 50000, "decay": 3000},
        CENSUS + [{"edge": True, "census": True}] * 12 + CENSUS,
    ),
}  # fmt: skip


@pytest.mark.parametrize(
    ("case", "product"),
    [*((case, "mul") for case in CASES), ("census", "logic"), ("edge", "logic")],
)
def test_the_core_does_what_the_twin_does(case: str, product: str) -> None:
    features, registers, steps = CASES[case]
    f = Formats(n=11, lanes=4, pages=3, **features)
    values = {"gain": 900, "eta": 30000, "dither": 11, "gates": 0, "margin": f.sum_max // 9}
    settings = Settings(**(values | registers))
    twin = random_twin(f, 3, settings)
    moves, over, lean = 0, set(), set()

    async def bench(b: CoreBench) -> None:
        nonlocal moves
        await b.configure(settings)
        await b.load(twin)
        await b.access("STEPS", 1)
        for number, passes in enumerate(steps):
            resume = Command.RESUME if number else Command(0)
            before = twin.read_phases()
            clocks = await b.run(command_of(Passes(**passes)) | resume)
            twin.run(1, resume=number > 0, **passes)
            moves += passes.get("edge", False) and (twin.read_phases() != before).any()
            over.update(twin.over[: f.n].tolist())
            lean.update(twin.lean[: f.n].tolist())
            marks = b.memory("marks")
            assert b.memory("theta") == twin.theta.tolist(), number
            assert [mark.margin for mark in marks] == twin.margin.astype(int).tolist(), number
            if f.budget:
                assert [mark.over for mark in marks] == twin.over.tolist(), number
            if f.centring:
                assert [mark.lean for mark in marks] == twin.lean.tolist(), number
            if f.edge:
                assert [mark.low for mark in marks] == (twin.edge_signs < 0).tolist(), number
                assert await b.access("SLOT") == twin._slot.slot
            assert np.array_equal(b.weight_words(), twin.weight_words()), number
            assert clocks == clocks_per_run(f, 1, **passes), passes
        counters = twin.counters()
        for name, value in asdict(counters).items():
            assert await b.access(name.upper()) == value, name
        await b.access("INDEX", 0)
        for k in range(f.n):
            word = int(twin.theta[k]) | int(twin.margin[k]) << 31 | int(twin.over[k]) << 30
            word |= int(twin.lean[k] & 3) << 28 | int(twin.edge_signs[k] < 0) << 27
            assert await b.access("STATE") == word

    simulate(Core(f, product=product), bench)
    assert twin.counters().changed > 0
    assert moves > 0 or not f.edge
    assert over == {False, True} or not f.budget
    assert lean == {-1, 0, 1} or not f.centring


def test_several_steps_at_a_go_are_single_steps_and_a_new_run_begins_a_new_turn() -> None:
    f = Formats(n=7, lanes=4, pages=2, edge=True, centring=True)
    settings = Settings(gain=900, eta=30000, gates=0, centre=20000)
    twin = random_twin(f, 5, settings)

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.load(twin)
        for steps, passes in (
            (40, {"edge": True}),
            (3, {"census": True, "field": True, "learn": True}),
            (30, {"edge": True, "couple": False}),
        ):
            await b.access("STEPS", steps)
            clocks = await b.run(command_of(Passes(**passes)))
            twin.run(steps, **passes)
            assert clocks == clocks_per_run(f, steps, **passes)
            marks = b.memory("marks")
            assert b.memory("theta") == twin.theta.tolist(), passes
            assert [mark.low for mark in marks] == (twin.edge_signs < 0).tolist()
            assert [mark.lean for mark in marks] == twin.lean.tolist()
            assert np.array_equal(b.weight_words(), twin.weight_words())

    simulate(Core(f), bench)


def test_reseed_restarts_the_stream_of_the_census() -> None:
    f = Formats(n=8, lanes=4, pages=2, centring=True)
    settings = Settings(centre=3000)
    twin = random_twin(f, 1, settings)
    leans = []

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.load(twin)
        await b.access("STEPS", 4)
        for reseed in (False, False, True):
            if reseed:
                await b.access("CONTROL", Command.RESEED)
            await b.run(Command.CENSUS)
            leans.append([mark.lean for mark in b.memory("marks")])

    simulate(Core(f), bench)
    assert leans[0] == leans[2] != leans[1]


@pytest.mark.parametrize("name", ["BUDGET", "SHRINK", "CENTRE", "SLOT"])
def test_registers_of_absent_features_read_0_and_take_nothing(name: str) -> None:
    async def bench(b: CoreBench) -> None:
        await b.access(name, 3)
        assert await b.access(name) == 0
        await b.access("STEPS", 1)
        await b.run(Command.EDGE | Command.CENSUS)  # neither is there: a step of nothing

    simulate(Core(Formats(n=4, lanes=4, pages=1)), bench)
    assert REGISTERS[name].access in ("rw", "r")


def test_a_feature_left_out_leaves_no_trace_in_the_verilog() -> None:
    plain = emit.verilog(Core(Formats(n=4, lanes=4, pages=1)), command="a test")
    full = Formats(n=4, lanes=4, pages=1, edge=True, budget=True, centring=True, mask=True)
    words = ("census_stream", "shrink", "r_push", "lean", "wave_here", "low9", "over_i")
    text = emit.verilog(Core(full), command="a test")
    # The host's decoder knows the address of every register: `at_shrink` is no trace.
    assert all(re.search(f"(?<!at_){word}", text) for word in words)
    assert not any(re.search(f"(?<!at_){word}", plain) for word in words)


SPEC = """
schema = 1
[network]
name = "small"
oscillators = 12
mode = "edge-align"
mask = "ring:4"
[learning]
stabilisers = ["row-budget", "row-centring"]
stabiliser_parameters = { row-budget = { budget = 3.0 } }
presentations = 8
[task]
kind = "recall"
patterns = "random:2"
flips = 0.1
trials = 1
steps = 70
[board]
lanes = 4
pages = 3
"""


@pytest.mark.parametrize(
    "simulator",
    ["icarus", pytest.param("cxxrtl", marks=pytest.mark.full)],  # it compiles C++
)
def test_the_task_of_a_network_with_every_feature_comes_from_the_rtl(
    tmp_path: Path, simulator: str
) -> None:
    result = run_core(parse(SPEC), workdir=tmp_path, simulator=simulator)
    assert (result.mismatches, result.first_mismatch) == (0, None)
    assert result.coverage["edge pass"] == 70
    for name in ("census", "over budget", "centring", "missing link", "learning"):
        assert result.coverage[name] > 0, name
    assert result.counters.skipped == result.counters.visited - result.counters.written > 0


def test_random_stimulus_reaches_every_feature(tmp_path: Path) -> None:
    f = Formats(
        n=7, lanes=4, pages=2, resonance=True, decay=True, edge=True, budget=True, centring=True,
        mask=True,
    )  # fmt: skip
    result = run_core(parse(SPEC), workdir=tmp_path, steps=110, seed=2, script="random", formats=f)
    assert (result.mismatches, result.steps) == (0, 110)
    assert not [name for name, steps in result.coverage.items() if not steps]
    facts = json.loads((tmp_path / "mismatch.json").read_text())
    assert facts == []
