"""Cores whose learning passes step one side only: Icarus against twin and compiled twin."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from drai_hw.model.compiled import CompiledTwin
from drai_hw.model.numbers import Formats
from drai_hw.model.twin import Twin
from drai_hw.rtl import emit
from drai_hw.rtl.core import Core
from drai_hw.sim import run_core
from drai_hw.sim.jobs import Job
from drai_hw.spec import parse

NETWORK = 'schema = 1\n[network]\nname = "x"\noscillators = 7\n[task]\nkind = "lock"\n'
CASES = {
    "gaussian": ({"g": "gaussian", "decay": True}, "mul"),
    "sigmoid": ({"g": "sigmoid", "phase_bits": 4, "levels": 5}, "logic"),
    "gaussian, everything": (
        {"g": "gaussian", "g_parameters": {"width_rad": 1.0}, "decay": True, "resonance": True,
         "theta_r": 4},
        "logic",
    ),
}  # fmt: skip


def formats_of(case: str) -> Formats:
    """Return the formats of a case: seven oscillators and one of padding."""
    return Formats(n=7, lanes=4, pages=2, **CASES[case][0])


def agree(case: str, steps: int, learning: int, folder: Path, dut: Path | None = None) -> int:
    """Run random stimulus on the RTL and both twins; return the number of mismatches."""
    formats = formats_of(case)
    spec = parse(NETWORK)
    result = run_core(
        spec, workdir=folder, script="random", steps=steps, formats=formats,
        product=CASES[case][1], dut=dut,
    )  # fmt: skip
    if result.mismatches:
        return result.mismatches
    plain, fast = Twin(formats), CompiledTwin(formats)
    for twin in (plain, fast):
        Job(spec, "random", steps=steps).run(twin)
    expected, got = plain.snapshot(), fast.snapshot()
    for name, value in expected.items():
        assert np.array_equal(got[name], value), name
    assert result.steps == steps
    assert result.coverage["learning"] >= learning, "too little learning to compare"
    assert result.counters == plain.counters() == fast.counters()
    return 0


@pytest.mark.parametrize("case", ["gaussian", "sigmoid"])
def test_cores_of_one_sided_passes_equal_both_twins(case: str, tmp_path: Path) -> None:
    assert agree(case, 200, 40, tmp_path) == 0


@pytest.mark.full
@pytest.mark.parametrize("case", CASES)
def test_cores_of_one_sided_passes_equal_both_twins_for_long(case: str, tmp_path: Path) -> None:
    assert agree(case, 1000, 350, tmp_path) == 0


def test_a_core_that_forgets_the_side_of_a_pass_is_found_out(tmp_path: Path) -> None:
    formats = formats_of("gaussian")
    text = emit.verilog(Core(formats), command="test")
    assert text.count(".g_minus(") > 0
    broken = text.replace(".g_minus(minus)", ".g_minus(1'h1)")
    assert broken != text
    path = emit.write({"broken.v": broken}, tmp_path)["broken.v"]
    assert agree("gaussian", 60, 20, tmp_path, path) > 0
