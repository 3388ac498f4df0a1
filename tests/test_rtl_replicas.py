"""Replicas that share each weight fetched: each is the twin of its seed, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from drai_hw.errors import SpecError
from drai_hw.model.machine import Passes
from drai_hw.model.numbers import Formats
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.sim.core import run_core
from drai_hw.spec.load import parse

SPEC = """
schema = 1
[network]
name = "starts"
oscillators = 9
[formats]
accumulator_bits = 12
phase_bits = 8
[task]
kind = "solve"
"""


def _formats(n: int, lanes: int, replicas: int, **more: Any) -> Formats:
    return Formats(
        n=n, lanes=lanes, pages=-(-n // lanes), accumulator_bits=12, phase_bits=8,
        replicas=replicas, seed=5, **more,
    )  # fmt: skip


def _run(formats: Formats, folder: Path, simulator: str, steps: int, **more: Any) -> Any:
    return run_core(
        parse(SPEC), workdir=folder, steps=steps, seed=3, script="random", formats=formats,
        simulator=simulator, **more,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("n", "lanes", "replicas", "product", "mask"),
    [(9, 4, 2, "mul", False), (15, 8, 4, "logic", True), (8, 8, 4, "mul", False)],
)
def test_every_replica_is_the_twin_of_its_seed_on_icarus(
    tmp_path: Path, n: int, lanes: int, replicas: int, product: str, mask: bool
) -> None:
    formats = _formats(n, lanes, replicas, mask=mask)
    found = _run(formats, tmp_path, "icarus", 60, product=product)
    assert (found.mismatches, found.first_mismatch) == (0, None)
    assert found.steps == 60
    assert found.coverage["dither"] > 0
    assert found.coverage["field pass"] > 0
    assert found.counters.visited == 0


@pytest.mark.full
@pytest.mark.parametrize(("n", "lanes", "replicas"), [(60, 8, 4), (60, 8, 8), (128, 16, 8)])
def test_every_replica_is_the_twin_of_its_seed_on_cxxrtl(
    tmp_path: Path, n: int, lanes: int, replicas: int
) -> None:
    found = _run(_formats(n, lanes, replicas), tmp_path, "cxxrtl", 300)
    assert (found.mismatches, found.first_mismatch) == (0, None)
    assert found.steps == 300


def test_swapped_streams_of_two_replicas_are_seen(tmp_path: Path) -> None:
    formats = _formats(9, 4, 3)
    core = Core(formats)
    one, two = core.sets[1], core.sets[2]
    one.update, two.update = two.update, one.update
    files = emit.write({"swapped.v": emit.verilog(core, command="a test")}, tmp_path)
    found = _run(formats, tmp_path, "icarus", 60, dut=files["swapped.v"], top=emit.NAME)
    assert found.mismatches > 0
    assert found.first_mismatch["what"] in ("theta of replica 1", "theta of replica 2")


def test_replicas_cost_no_clocks_and_no_weight_memory() -> None:
    one, four = _formats(60, 8, 1), _formats(60, 8, 4)
    assert clocks_per_step(one) == clocks_per_step(four)  # and the benches count them
    assert emit.metadata(one)["memories"] == emit.metadata(four)["memories"]
    assert len(emit.metadata(four)["replica_memories"]) == 3


def test_one_replica_is_the_core_without_any() -> None:
    assert "replicas" not in _formats(9, 4, 1).record()
    text = emit.verilog(Core(_formats(9, 4, 1)), command="a test")
    assert "replica" not in text
    assert REGISTERS["REPLICA"].address == 32
    assert Formats(**_formats(9, 4, 4).record()) == _formats(9, 4, 4)


@pytest.mark.parametrize("feature", ["resonance", "decay", "edge", "budget", "centring"])
def test_replicas_that_would_learn_are_refused(feature: str) -> None:
    with pytest.raises(SpecError, match=rf"replicas = 2 with {feature}: replicas share"):
        _formats(9, 4, 2, **{feature: True})
    with pytest.raises(SpecError, match="replicas = 65: outside 1 to 64"):
        _formats(9, 4, 65)
    with pytest.raises(SpecError, match="learning on a core of 2 replicas"):
        Passes(learn=True).check(_formats(9, 4, 2))
