"""Weights in single-port memories: the twin's bits, and no word taken after a write."""

from __future__ import annotations

from functools import partial
from importlib.resources import files
from pathlib import Path

import pytest

from drai_hw.model.machine import Settings
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.spram import SpramPlan
from drai_hw.rtl.timing import clocks_per_run
from drai_hw.sim import run_core
from drai_hw.spec import parse
from tests.rtl_bench import CoreBench, compare_read_back, follow, random_twin, simulate

SMALL = {"phase_bits": 4, "levels": 5}


def settings_of(formats: Formats) -> Settings:
    return Settings(
        gain=900, shil_max=3000, shil_step=700, eta=30000, dither=5, margin=formats.sum_max // 9,
        gates=3 if formats.resonance else 1, decay=20000 if formats.decay else 0,
    )  # fmt: skip


def plan_of(formats: Formats) -> SpramPlan:
    return SpramPlan(formats.pair_slots, formats.lanes * formats.weight_bits)


def agree(formats: Formats, seed: int = 3) -> None:
    settings = settings_of(formats)
    twin = random_twin(formats, seed, settings)
    core = Core(formats, product="logic", store=plan_of(formats))
    clocks = partial(clocks_per_run, formats, 1, slot_clocks=2)

    async def bench(b: CoreBench) -> None:
        await b.configure(settings)
        await b.load(twin)
        await follow(b, twin, lambda **kind: (clocks(**kind),) * 2)
        assert twin.counters().visited > 0
        await compare_read_back(b, twin)

    simulate(core, bench)


@pytest.mark.parametrize(
    ("lanes", "pages", "padding", "features"),
    [
        (2, 1, 0, SMALL),
        (4, 1, 1, SMALL | {"decay": True}),
        (4, 3, 1, SMALL | {"resonance": True}),
        pytest.param(4, 4, 0, SMALL | {"weight_bits": 4}, marks=pytest.mark.full),
        pytest.param(8, 5, 5, SMALL, marks=pytest.mark.full),
        pytest.param(8, 3, 0, {"decay": True, "resonance": True}, marks=pytest.mark.full),
        pytest.param(12, 3, 2, SMALL, marks=pytest.mark.full),
    ],
)
def test_core_with_single_port_weights_equals_the_twin(
    lanes: int, pages: int, padding: int, features: dict
) -> None:
    agree(Formats(n=lanes * pages - padding, lanes=lanes, pages=pages, **features))


SPEC = parse("""
schema = 1
[network]
name = "single-port"
oscillators = 21
[task]
kind = "recall"
patterns = "random:2"
""")


def test_the_primitive_is_never_read_after_its_write(tmp_path: Path) -> None:
    """Icarus with the primitive's model: what it leaves undefined is unknown and would spread."""
    formats = Formats(n=21, lanes=4, pages=6, **SMALL)
    plan = SpramPlan(formats.pair_slots, formats.lanes * formats.weight_bits, vendor=True)
    core = Core(formats, product="logic", store=plan)
    text = emit.verilog(core, command="a test")
    assert "SB_SPRAM256KA" in text
    model = files("drai_hw.sim").joinpath("sb_spram256ka.v").read_text()
    (tmp_path / "core.v").write_text(text + model)
    result = run_core(
        SPEC, workdir=tmp_path, steps=12, script="random", seed=2, formats=formats,
        product="logic", store=plan, dut=tmp_path / "core.v", top=emit.NAME,
    )  # fmt: skip
    assert (result.mismatches, result.steps) == (0, 12)
    assert result.counters.changed > 0


@pytest.mark.full
@pytest.mark.parametrize(
    ("formats", "steps"),
    [
        (Formats(n=61, lanes=4, pages=16, **SMALL), 25),
        (Formats(n=128, lanes=12, pages=11, **SMALL), 25),
        # 16,900 words: two banks.
        (Formats(n=259, lanes=2, pages=130, **SMALL), 5),
        (Formats(n=512, lanes=8, pages=64, **SMALL), 30),
        (Formats(n=720, lanes=8, pages=90, weight_bits=4, **SMALL), 10),
        (Formats(n=1024, lanes=8, pages=128, weight_bits=2, **SMALL), 10),
    ],
)
def test_large_cores_with_single_port_weights_equal_the_twin_in_clocks_and_bits(
    formats: Formats, steps: int, tmp_path: Path
) -> None:
    result = run_core(
        SPEC, workdir=tmp_path, steps=steps, script="learn", formats=formats, product="logic",
        store=plan_of(formats), simulator="cxxrtl",
    )  # fmt: skip
    assert (result.mismatches, result.steps) == (0, steps)
    assert result.counters.changed > 0
