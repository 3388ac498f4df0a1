"""Copies of registers: groups of lanes, and copies that synthesis leaves apart."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from amaranth import Elaboratable, Module, Signal
from amaranth.back import rtlil

from drai_hw.boards.build import REPLICA_RULE
from drai_hw.rtl.replica import lane_groups, later, replicated


class Copies(Elaboratable):
    """Four registers that hold the same."""

    def __init__(self, replica: bool) -> None:
        self.replica = replica
        self.value = Signal()
        self.seen = Signal(4)

    def elaborate(self, platform: Any) -> Module:
        m = Module()
        for index in range(4):
            copy = later(m, self.value, f"copy{index}", replica=self.replica)
            m.d.comb += self.seen[index].eq(copy)
        return m


@pytest.mark.parametrize(("replica", "left"), [(True, 4), (False, 1)])
def test_synthesis_keeps_the_copies_and_only_those(
    replica: bool, left: int, tmp_path: Path
) -> None:
    from pyosys import libyosys

    design = Copies(replica)
    text = rtlil.convert(design, name="top", ports=[design.value, design.seen])
    (tmp_path / "top.il").write_text(text)
    yosys = libyosys.Design()
    for command in (
        f"read_rtlil {tmp_path}/top.il",
        *REPLICA_RULE.splitlines(),
        "synth_ecp5 -top top",
        f"tee -q -o {tmp_path}/stat stat",
    ):
        libyosys.run_pass(f"tee -q -a {tmp_path}/log {command}", yosys)
    found = re.findall(r"(\d+)\s+(?:\S+\s+)?TRELLIS_FF|TRELLIS_FF\s+(\d+)", _stat(tmp_path))
    assert [int(a or b) for a, b in found] == [left]


def _stat(folder: Path) -> str:
    return (folder / "stat").read_text()


@pytest.mark.parametrize("lanes", [2, 4, 16, 18, 64, 94, 128])
def test_lane_groups_cover_all_lanes_and_none_lies_in_both_halves(lanes: int) -> None:
    groups = lane_groups(lanes)
    assert [lane for group in groups for lane in group] == list(range(lanes))
    assert not any(group.start < lanes // 2 < group.stop for group in groups)
    assert not replicated(lanes) or max(map(len, groups)) <= 8
