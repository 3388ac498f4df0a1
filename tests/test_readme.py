"""The figures on the first screen are those of the committed records."""

import json
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def shown(board: str) -> str:
    """Say a board's record of `letters` as the README does."""
    rows = json.loads((ROOT / "boards" / board / "report.json").read_text())
    row = next(row for row in rows if row["design"] == "letters")
    figures = {name: f"{row[name]['used']:,}" for name in ("lut", "ff", "ebr", "dsp")}
    return (
        f"{figures['lut']} of {row['lut']['available']:,} LUT, {figures['ff']} FF, "
        f"{figures['ebr']} EBR, {figures['dsp']} DSP, fmax {row['fmax_hz'] / 1e6:.1f} MHz"
    )


@pytest.mark.parametrize("board", ["ulx3s-85f", "icebreaker"])
def test_area_and_fmax_are_those_of_the_last_record(board):
    assert shown(board) in (ROOT / "README.md").read_text()


def test_pair_updates_are_those_of_the_page_of_twin_and_rtl():
    page = (ROOT / "docs/reference/exactness.md").read_text()
    total = re.search(r"In all ([\d,]+) pair updates in [\d,]+ steps, 0 mismatches", page)[1]
    assert f"0 mismatches in {total} pair updates" in (ROOT / "README.md").read_text()
