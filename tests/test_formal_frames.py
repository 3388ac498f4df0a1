"""The proof that no frame with a wrong checksum is accepted, and bridges that it refutes."""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

import pytest

from drai_hw.formal import frames
from drai_hw.formal.design import Design
from drai_hw.formal.frame_reference import next_sum
from drai_hw.formal.modular import Word
from drai_hw.formal.prove import property_result
from drai_hw.formal.solver import Clock, Terms
from drai_hw.model.numbers import Formats
from drai_hw.rtl.frame import FRAME

SMALL = Formats(n=5, lanes=4, pages=2)
CHECK = "assign match_detected = ! crc_reg;"


def with_fault(folder: Path, find: str, replace: str) -> Design:
    with frames.own_bridge(SMALL) as design:
        text = design.files[0].read_text()
    assert find in text
    path = folder / "bridge.v"
    path.write_text(text.replace(find, replace))
    return Design(SMALL, [path], frames.TOP)


def test_the_reference_sums_as_the_frames_do() -> None:
    terms, rng = Terms(), random.Random(1)
    for length in (1, 4, 30):
        body = [rng.randrange(256) for _ in range(length)]
        total = Word(terms, FRAME.crc.algorithm.initial_crc, 16)
        for byte in body:
            total = next_sum(terms, total, Word(terms, byte, 8))
        assert total.value == FRAME.crc.compute(body)


@pytest.mark.full
def test_the_bridge_accepts_no_frame_with_a_wrong_checksum() -> None:
    result = property_result("frames-checked", SMALL, None, limit_s=500)
    assert result["status"] == "proved", result


@pytest.mark.parametrize(
    ("find", "replace"),
    [
        (CHECK, "assign match_detected = ! crc_reg[7:0];"),  # compares the low bits only
        pytest.param(CHECK, "assign match_detected = ! crc_reg[15:8];", marks=pytest.mark.full),
        pytest.param("= ~ match_detected;", "= 1'h0;", marks=pytest.mark.full),  # ignores it
        pytest.param(".start(start)", ".start(1'h0)", marks=pytest.mark.full),  # a stale sum
    ],
)
def test_a_bridge_that_accepts_wrong_frames_is_refuted(
    find: str, replace: str, tmp_path: Path
) -> None:
    design = with_fault(tmp_path, find, replace)
    folder = tmp_path / "evidence"
    result = property_result("frames-checked", SMALL, design, limit_s=100, folder=folder)
    assert result["status"] == "refuted", result
    example = result["counterexample"]
    assert example["checksum_sent"] != example["checksum_right"]
    body = example["second_frame"][2:-2]
    assert list(FRAME.crc.compute(body).to_bytes(2, "big")) == example["checksum_right"]
    waves = Path(example["files"]["waves"]).read_text()
    assert f" {example['signal']} $end" in waves
    assert (
        f'EXPECTED = {{"{example["signal"]}": {example["expected"]}}}'
        in Path(example["files"]["test"]).read_text()
    )


@pytest.mark.full
@pytest.mark.parametrize("check", ["! crc_reg[7:0];", "1'h1;"])
def test_the_counterexample_is_a_test_that_fails_until_the_bridge_is_mended(
    check: str, tmp_path: Path
) -> None:
    design = with_fault(tmp_path, CHECK, f"assign match_detected = {check}")
    folder = tmp_path / "evidence"
    result = property_result("frames-checked", SMALL, design, limit_s=100, folder=folder)
    example = result["counterexample"]
    test = Path(example["files"]["test"])
    got = format(example["got"], "b")
    assert re.search(rf"AssertionError: got .*'0*{got}'", told(test, 1))
    with frames.own_bridge(SMALL) as right:
        (folder / "bridge.v").write_text(right.files[0].read_text())
    told(test, 0)


def told(test: Path, status: int) -> str:
    """Run a test; return what it says."""
    done = subprocess.run([sys.executable, str(test)], capture_output=True, text=True)
    assert done.returncode == status, done.stdout
    return done.stdout


@pytest.mark.full
def test_a_bridge_that_accepts_nothing_is_refuted(tmp_path: Path) -> None:
    bad = with_fault(tmp_path, CHECK, "assign match_detected = ! crc_reg & start;")
    outcome = frames.prove(bad, Clock(100))
    assert outcome.status == "refuted"
    assert "no frame is ever carried out" in outcome.reason
