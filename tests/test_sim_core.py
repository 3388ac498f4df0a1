"""The emitted Verilog on Icarus: agrees with the twin, and a broken design is named exactly."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from drai_hw import catalog
from drai_hw.errors import SpecError, ToolError
from drai_hw.model import plan, tasks
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.rtl.timing import clocks_per_run
from drai_hw.sim import SimResult, run_core, run_job, task_job
from drai_hw.spec import parse

SMALL = """
schema = 1
[network]
name = "small"
oscillators = 12
[task]
kind = "recall"
patterns = "random:2"
flips = 0.1
trials = 3
steps = 24
[board]
lanes = 4
pages = 3
"""


def test_pair_locks_in_the_simulated_core(tmp_path: Path) -> None:
    spec, folder = catalog.find("pair")
    seen: list[tuple[int, int]] = []
    result = run_core(
        spec,
        workdir=tmp_path,
        folder=folder,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert (result.mismatches, result.first_mismatch) == (0, None)
    assert result.steps == spec.task.steps
    assert seen[-1] == (result.steps, result.steps)
    formats = plan.formats_of(spec)
    assert result.run_clocks == result.steps * clocks_per_run(formats, 1)
    twin = Twin(formats)
    tasks.prepare(twin, spec)
    assert result.locked is not None
    assert np.array_equal(result.locked.trace_rad, tasks.lock(twin, spec).trace_rad)


def test_learning_and_recall_come_from_the_rtl(tmp_path: Path) -> None:
    spec = parse(SMALL)
    formats = plan.formats_of(spec)
    result = run_core(spec, workdir=tmp_path, steps=90)
    assert result.mismatches == 0
    assert result.learned is not None
    assert result.recalled is not None
    twin = Twin(formats)
    outcome = task_job(spec, formats, steps=90).run(twin)
    assert np.array_equal(result.learned.weights, outcome["learned"].weights)
    assert result.learned.counters == outcome["learned"].counters == result.counters
    assert result.counters.changed > 0
    assert np.array_equal(result.recalled.phases_rad, outcome["recalled"].phases_rad)
    assert result.pair_updates > 0
    toggles = result.toggles
    assert toggles["ring_register_bits"] == formats.lanes * 2 * (8 + formats.acc_bits)
    assert 0 < toggles["ring_registers_per_clock"] < toggles["ring_register_bits"]
    assert 0 < toggles["weight_memory_per_step"] < formats.pair_slots * formats.lanes * 5
    assert result.coverage["learning"] == result.learned.presentations


def test_random_stimulus_agrees_with_every_feature_and_reaches_it(tmp_path: Path) -> None:
    formats = Formats(n=7, lanes=4, pages=2, resonance=True, decay=True)
    result = run_core(
        parse(SMALL), workdir=tmp_path, steps=160, script="random", formats=formats, product="logic"
    )
    assert (result.mismatches, result.steps) == (0, 160)
    unseen = [name for name, steps in result.coverage.items() if not steps]
    assert not unseen


def broken(formats: Formats, path: Path, **wrong: Any) -> Path:
    """Emit a core of the same interface with wrong constants inside."""
    other = replace(formats)
    other.__dict__.update(wrong)  # the cached properties
    text = emit.verilog(Core(other), name=emit.NAME, command="a test")
    path.write_text(text)
    return path


def run_broken(formats: Formats, dut: Path, tmp_path: Path) -> SimResult:
    spec = parse(SMALL)
    job = task_job(spec, formats, steps=40)
    return run_job(job, formats, 40, workdir=tmp_path / "run", dut=dut)


def test_a_wrong_random_stream_is_named_by_step_pair_and_value(tmp_path: Path) -> None:
    spec = parse(SMALL)
    formats = plan.formats_of(spec)
    seeds = list(formats.eta_seeds)
    seeds[2] ^= 0x1234  # lane 2 draws its update events from elsewhere
    dut = broken(formats, tmp_path / "dut.v", eta_seeds=tuple(seeds))
    result = run_broken(formats, dut, tmp_path)
    assert result.mismatches > 0

    good, bad = Twin(formats), Twin(replace(formats))
    bad.formats.__dict__["eta_seeds"] = tuple(seeds)
    patterns = tasks.patterns_of(spec).values
    for twin in (good, bad):
        tasks.prepare(twin, spec)
        twin.configure(plan.learn_settings(spec, formats))
    step = 0
    while np.array_equal(good.weights, bad.weights) and step < 50:
        for twin in (good, bad):
            twin.load_phases(
                plan.phases_of(spec, np.where(patterns[step % len(patterns)] > 0, 0.0, np.pi))
            )
            twin.run(1, field=True, learn=True)
        step += 1
    first = result.first_mismatch
    assert first is not None
    assert first["what"] == "weight"
    assert first["step"] == step == result.steps
    i, j = first["index"]
    assert (first["expected"], first["got"]) == (good.weights[i, j], bad.weights[i, j])
    differ = np.triu(good.weights != bad.weights)
    assert result.mismatches == differ.sum()
    report = json.loads((tmp_path / "run" / "mismatch.json").read_text())
    assert len(report) == result.mismatches
    assert report[0] == first


def test_a_flipped_sign_in_the_verilog_is_found_in_the_phases(tmp_path: Path) -> None:
    formats = Formats(n=7, lanes=4, pages=2)
    text = emit.verilog(Core(formats), name=emit.NAME, command="a test")
    # The torque on the rotating oscillator: added instead of subtracted in a couple pass.
    count = text.count(".minus_rotating(")
    assert count == formats.lanes
    start = text.index(".minus_rotating(")
    end = text.index(")", start)
    flipped = text.replace(text[start : end + 1], ".minus_rotating(1'b0)")
    dut = tmp_path / "dut.v"
    dut.write_text(flipped)
    result = run_core(
        parse(SMALL), workdir=tmp_path / "run", steps=40, script="random", formats=formats, dut=dut
    )
    first = result.first_mismatch
    assert first is not None
    assert first["what"] == "theta"
    assert first["step"] == result.steps
    assert first["expected"] != first["got"]
    # The same design without the flip agrees.
    dut.write_text(text)
    result = run_core(
        parse(SMALL), workdir=tmp_path / "run", steps=40, script="random", formats=formats, dut=dut
    )
    assert result.mismatches == 0


PORTS = """
module drai_core(input clk, input rst, input [5:0] addr, input [31:0] wdata, input we, input re,
  output [31:0] rdata, output ack, output busy, output step_done);
  assign rdata = 0; assign ack = 0; assign busy = 0; assign step_done = 0;
"""
MEMORIES = """
module update; reg [15:0] theta_memory [11:0]; reg [0:0] marks_memory [11:0];
  initial begin theta_memory[0] = 0; marks_memory[0] = 0; end endmodule
module weights; reg [19:0] weights_memory [17:0]; initial weights_memory[0] = 0; endmodule
"""


def test_a_design_that_does_not_answer_is_named(tmp_path: Path) -> None:
    dut = tmp_path / "deaf.v"
    dut.write_text(PORTS + "update update(); weights weights();\nendmodule\n" + MEMORIES)
    with pytest.raises(ToolError, match="register CONTROL: no acknowledge within 20000 clocks"):
        run_core(parse(SMALL), workdir=tmp_path / "run", dut=dut)


def test_a_design_that_ends_the_simulation_is_named(tmp_path: Path) -> None:
    dut = tmp_path / "ends.v"
    ends = "update update(); weights weights(); initial #2000 $finish;\nendmodule\n"
    dut.write_text(PORTS + ends + MEMORIES)
    with pytest.raises(ToolError, match=r"ended the simulation by itself \(\$finish or \$stop"):
        run_core(parse(SMALL), workdir=tmp_path / "run", dut=dut)


def test_a_design_without_the_named_memories_is_refused(tmp_path: Path) -> None:
    dut = tmp_path / "bare.v"
    dut.write_text(PORTS + "endmodule\n")
    with pytest.raises(ToolError, match=r"has no update\.theta_memory"):
        run_core(parse(SMALL), workdir=tmp_path / "run", dut=dut)


def test_verilog_that_does_not_compile_quotes_the_compiler(tmp_path: Path) -> None:
    dut = tmp_path / "bad.v"
    dut.write_text("module drai_core(input clk;\n")
    with pytest.raises(ToolError, match=r"(?s)iverilog does not accept bad\.v.*syntax error"):
        run_core(parse(SMALL), workdir=tmp_path / "run", dut=dut)


def test_a_missing_simulator_says_how_to_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ToolError, match="apt-get install iverilog"):
        run_core(parse(SMALL), workdir=tmp_path / "run", steps=5)


def test_an_unknown_script_and_a_random_one_without_length_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="script = 'walk': known are task, random"):
        run_core(parse(SMALL), workdir=tmp_path, script="walk")
    with pytest.raises(SpecError, match="needs at least 1 step"):
        run_core(parse(SMALL), workdir=tmp_path, script="random")


@pytest.mark.full
def test_ten_thousand_steps_with_learning_agree(tmp_path: Path) -> None:
    spec = parse(SMALL)
    formats = replace(plan.formats_of(spec), resonance=True, decay=True)
    result = run_core(
        spec, workdir=tmp_path, steps=10_000, script="random", formats=formats, seed=11
    )
    assert (result.mismatches, result.steps) == (0, 10_000)
    assert result.coverage["learning"] > 3000


@pytest.mark.full
def test_the_letters_are_learned_and_recalled_on_the_rtl_as_on_the_twin(tmp_path: Path) -> None:
    spec, folder = catalog.find("letters")
    result = run_core(spec, workdir=tmp_path, folder=folder)
    assert result.mismatches == 0
    assert result.recalled is not None
    assert result.recalled.exact_rate >= 0.9
