"""Every feature of the core with every weight store, equal to the twin in all bits and clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from drai_hw.boards.families import FAMILIES
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan, plan_store
from drai_hw.rtl.spram import SpramPlan
from drai_hw.rtl.stores import Plan
from drai_hw.sim import SimResult, run_job
from drai_hw.sim.exactness import network
from drai_hw.sim.jobs import Job

ALL = {
    "edge": True, "budget": True, "centring": True, "mask": True, "decay": True,
    "resonance": True, "phase_bits": 4,
}  # fmt: skip


def plan_of(formats: Formats, store: str) -> Plan:
    depth, width = formats.pair_slots, formats.lanes * formats.weight_bits
    if store == "spram":
        return SpramPlan(depth, width, vendor=True)
    # The blocks of iCE40, smaller ones where a bank of those would hold all.
    plan = plan_store(depth, width, FAMILIES["ice40"].shapes if depth > 256 else ((64, 16),), 0)
    assert isinstance(plan, StorePlan)
    assert len(plan.banks) > 1
    return plan


def compare(formats: Formats, store: str, script: str, steps: int, folder: Path) -> SimResult:
    result = run_job(
        Job(network(), script, steps=steps, seed=4), formats, steps, workdir=folder,
        product="logic" if store == "spram" else "mul", store=plan_of(formats, store),
        simulator="cxxrtl",
    )  # fmt: skip
    assert result.first_mismatch is None
    assert (result.mismatches, result.steps) == (0, steps)
    return result


@pytest.mark.parametrize(
    ("store", "features"),
    [
        ("banks", ALL),
        pytest.param("spram", ALL, marks=pytest.mark.full),
        pytest.param("banks", ALL | {"g": "gaussian", "weight_bits": 4}, marks=pytest.mark.full),
        pytest.param("spram", ALL | {"g": "gaussian", "weight_bits": 4}, marks=pytest.mark.full),
    ],
)
def test_every_feature_at_35_oscillators_with_every_store(
    store: str, features: dict, tmp_path: Path
) -> None:
    formats = Formats(n=35, lanes=4, pages=9, **features)
    result = compare(formats, store, "random", 400, tmp_path)
    assert not [name for name, steps in result.coverage.items() if not steps]
    assert result.counters.skipped == result.counters.visited - result.counters.written > 0


@pytest.mark.full
@pytest.mark.parametrize("store", ["banks", "spram"])
@pytest.mark.parametrize(
    "features",
    [
        ALL,
        {"edge": True},
        {"budget": True},
        {"centring": True, "decay": True},
        {"mask": True, "resonance": True},
    ],
    ids="+".join,
)
def test_features_at_128_oscillators_with_every_store(
    store: str, features: dict, tmp_path: Path
) -> None:
    formats = Formats(n=128, lanes=6, pages=22, **features)
    compare(formats, store, "random", 60, tmp_path)
    result = compare(formats, store, "learn", 256, tmp_path)
    assert result.counters.changed > 0
