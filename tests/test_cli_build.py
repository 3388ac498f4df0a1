import json
import os
import re
import sys
from pathlib import Path

import pytest

from drai_hw.cli import run
from drai_hw.report import render

TINY = """
schema = 1
[network]
name = "tiny"
oscillators = 8
[learning]
margin = 4.0
[task]
patterns = ["####....", "#.#.#.#."]
width = 4
flips = 0.125
trials = 4
steps = 32
[circuit]
cycles = 100
trials = 2
[board]
name = "icebreaker"
lanes = 2
"""


def build(capfd, *words):
    status = run(["build", *words, "--json"])
    captured = capfd.readouterr()
    return status, json.loads(captured.out), captured.err


def statuses(found):
    return {stage["name"]: stage["status"] for stage in found["stages"]}


def test_a_build_runs_the_chain_reports_it_and_does_again_only_what_changed(
    tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    Path("tiny.toml").write_text(TINY)
    path = os.environ["PATH"]

    # Without the simulators: the rest runs, the report says what is missing and why.
    monkeypatch.setenv("PATH", os.path.dirname(sys.executable))
    status, found, err = build(capfd, "tiny.toml")
    assert status == 2
    assert statuses(found) == {
        "model": "done",
        "twin": "done",
        "rtl": "done",
        "sim": "failed",
        "board": "done",
        "spice": "failed",
        "report": "done",
    }
    assert re.search(r"drai-hw: error: stage sim: iverilog.*apt-get install iverilog", err)
    assert re.search(r"drai-hw: error: stage spice: .*ngspice", err)
    assert found["agreed"] is False
    assert found["verdict"] == "No result from sim, spice; what ran agrees."
    assert found["agreement"]["twin_rtl_mismatches"] is None
    assert found["energy"] is None
    page = Path("build/tiny/report.html").read_text()
    assert "No circuit run: stage spice failed (" in page
    assert found["area"]["lut"]["used"] > 500

    # With them: only what is missing is done.
    monkeypatch.setenv("PATH", path)
    status, found, _ = build(capfd, "tiny.toml")
    assert status == 0
    assert found["agreed"] is True
    assert statuses(found) == {
        "model": "cached",
        "twin": "cached",
        "rtl": "cached",
        "sim": "done",
        "board": "cached",
        "spice": "done",
        "report": "done",
    }
    agreement = found["agreement"]
    assert agreement["twin_rtl_mismatches"] == 0
    assert agreement["steps"] > 4 * 32
    assert {"float_exact", "twin_exact", "rtl_exact", "circuit_exact"} <= set(agreement)
    assert agreement["circuit_phase_rms_rad"] < 0.3
    assert found["area"]["device"] == "iCE40UP5K"
    assert found["fmax_hz"] > found["clock_hz"]
    assert found["steps_per_s"] > 1e4
    assert found["energy"]["energy_per_recall_j"] > 0
    assert found["energy"]["energy_per_update_j"] is None
    assert Path(found["bitstream"]).stat().st_size > 10_000
    assert found["report"] == "build/tiny/report.html"
    report = json.loads(Path("build/tiny/report.json").read_text())
    assert report["verdict"]["status"] == "agree"
    assert report["reproduce"] == ["drai-hw build tiny.toml"]
    page = Path(found["report"]).read_text()
    assert "They agree." in page
    assert render(report) == page  # the page holds nothing that report.json does not

    # Nothing changed: nothing is done, and the report is the same to the byte.
    before = Path(found["report"]).read_bytes()
    status, found, _ = build(capfd, "tiny.toml")
    assert status == 0
    assert set(statuses(found).values()) == {"cached"}
    assert Path(found["report"]).read_bytes() == before

    # One number changed: only what depends on it is done.
    Path("tiny.toml").write_text(TINY.replace("cycles = 100", "cycles = 80"))
    status, found, _ = build(capfd, "tiny.toml")
    done = {name for name, what in statuses(found).items() if what == "done"}
    assert done == {"spice", "report"}

    # The verb of one stage finds what the build made.
    assert run(["board", "tiny.toml", "--json"]) == 0
    board = json.loads(capfd.readouterr().out)
    assert board["stages"] == [{"name": "board", "status": "cached", "seconds": 0.0, "reason": ""}]
    choice = board["choice"]
    assert (choice["lanes"], choice["pages"]) == (
        board["formats"]["lanes"],
        board["formats"]["pages"],
    )
    assert choice["store"]["kind"] in ("ebr", "logic")
    for name in ("lut", "ff"):
        assert choice["predicted"][name] == pytest.approx(board[name]["used"], rel=0.15)
    assert choice["predicted"]["fmax_hz"] == pytest.approx(board["fmax_hz"], rel=0.3)  # one seed
    assert "clocks; weights in" in choice["reason"]
    assert board["logic"] == found["area"]["lut"]
    assert {"memory", "dsp", "fmax_hz", "steps_per_s", "pnr_seeds"} <= set(board)


@pytest.mark.full
def test_letters_are_recalled_by_all_four_machines(tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    status, found, _ = build(capfd, "letters")
    assert status == 0
    agreement = found["agreement"]
    assert agreement["twin_rtl_mismatches"] == 0
    for machine in ("float", "twin", "rtl", "circuit"):
        assert agreement[f"{machine}_exact"] >= 0.9
    assert found["fmax_hz"] > found["clock_hz"]
    report = json.loads(Path(found["report_json"]).read_text())
    assert [example["label"] for example in report["examples"]] == list("ACXTH")
