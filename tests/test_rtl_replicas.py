"""Replicas that share each weight fetched: each is the twin of its seed, bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw.boards.boardfile import load_board
from drai_hw.boards.fit import check_fit, estimate
from drai_hw.boards.host import Device
from drai_hw.errors import FitError, SpecError
from drai_hw.model import plan
from drai_hw.model.machine import Passes, Settings
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.registers import REGISTERS
from drai_hw.rtl.timing import clocks_per_step
from drai_hw.sim.core import run_core
from drai_hw.sim.simulated import SimulatedLink
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
    [
        (9, 4, 2, "mul", False),
        pytest.param(15, 8, 4, "logic", True, marks=pytest.mark.full),
        pytest.param(8, 8, 4, "mul", False, marks=pytest.mark.full),
    ],
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


def test_the_host_loads_and_reads_every_replica_on_a_simulated_board() -> None:
    formats = _formats(5, 4, 2)
    twins = [Twin(formats.replica(r)) for r in range(2)]
    rng = np.random.default_rng(2)
    weights = np.triu(rng.integers(-15, 16, (5, 5)), 1)
    theta = rng.integers(0, 1 << 12, (2, 5))
    with SimulatedLink.of_core(Core(formats)) as link:
        device = Device(link, formats)
        device.load_weights(weights + weights.T)
        device.load_all_phases(theta)
        settings = Settings(gain=3000, dither=6)
        device.configure(settings)
        device.run(20)
        got = device.read_all_phases()
        device.select(1)
        assert np.array_equal(device.read_phases(), got[1])
        with pytest.raises(SpecError, match="replica = 2: this core has 2, counted from 0"):
            device.select(2)
        with pytest.raises(SpecError, match=r"shape \(5,\): needs 2 replicas x 5 oscillators"):
            device.load_all_phases(theta[0])
        with pytest.raises(SpecError, match="learning on a core of 2 replicas"):
            device.run(1, learn=True)
    for twin, start, end in zip(twins, theta, got, strict=True):
        twin.load_weights(weights + weights.T)
        twin.load_phases(start)
        twin.configure(settings)
        twin.run(20)
        assert np.array_equal(twin.read_phases(), end)
    assert not np.array_equal(got[0], got[1])


def test_replicas_in_the_network_file_need_a_task_without_learning() -> None:
    board = "[board]\nreplicas = 4\n"
    assert plan.formats_of(parse(SPEC + board)).replicas == 4
    recall = SPEC.replace('kind = "solve"', 'kind = "lock"')
    with pytest.raises(SpecError, match=r"board.replicas = 4 with task.kind = 'lock': replicas"):
        parse(recall + board)


@pytest.mark.parametrize("feature", ["resonance", "decay", "edge", "budget", "centring"])
def test_replicas_that_would_learn_are_refused(feature: str) -> None:
    with pytest.raises(SpecError, match=rf"replicas = 2 with {feature}: replicas share"):
        _formats(9, 4, 2, **{feature: True})
    with pytest.raises(SpecError, match="replicas = 65: outside 1 to 64"):
        _formats(9, 4, 65)
    with pytest.raises(SpecError, match="learning on a core of 2 replicas"):
        Passes(learn=True).check(_formats(9, 4, 2))


@pytest.mark.parametrize(
    ("pages", "replicas", "lut", "ff", "ebr", "dsp"),
    [
        (8, 1, 8075, 4251, 7, 19),
        (8, 2, 10027, 5371, 10, 38),
        (8, 4, 18703, 9726, 16, 76),
        (16, 3, 14834, 7733, 19, 57),  # not among those that the model rests on
    ],
)
def test_the_predicted_area_counts_replicas(
    pages: int, replicas: int, lut: int, ff: int, ebr: int, dsp: int
) -> None:
    """Packed by `drai_hw.boards.replicas`."""
    formats = _formats(16 * pages, 16, replicas)
    need = estimate(formats, load_board("ulx3s-85f"))
    assert (need.ebr, need.dsp) == (ebr, dsp)
    assert need.lut == pytest.approx(lut, rel=0.15)
    assert need.ff == pytest.approx(ff, rel=0.15)


def test_a_board_refuses_more_replicas_than_it_holds() -> None:
    with pytest.raises(FitError, match="DSP of 156"):
        check_fit(_formats(128, 16, 16), load_board("ulx3s-85f"))
