import copy

import pytest

from drai_hw import catalog
from drai_hw.cli.common import with_overrides
from drai_hw.flow.verdict import checks, verdict


def letters(**sections):
    return with_overrides(catalog.find("letters")[0], sections)


def results():
    rate = {"kind": "recall", "hits": 20, "trials": 20}
    return {
        "model": dict(rate),
        "twin": dict(rate),
        "sim": {
            **rate,
            "hits": 5,
            "trials": 5,
            "mismatches": 0,
            "first_mismatch": None,
            "steps": 385,
            "updates": 3900,
        },
        "board": {"fmax_hz": 80e6, "clock_hz": 25e6, "timing_met": True, "pnr_seeds": [1]},
        "spice": {
            "hits": 3,
            "trials": 3,
            "same_as_float": 3,
            "phase_rms_rad": 0.06,
            "runs": [{"balance": 1e-5, "balanced": True}],
        },
    }


def judge(spec, found):
    return verdict(spec, checks(spec, found), found)


def marks(found, spec=None):
    return {row["what"].partition(":")[0]: row["mark"] for row in checks(spec or letters(), found)}


def test_machines_that_agree_get_the_plain_sentence():
    found = judge(letters(), results())
    assert found["status"] == "agree"
    assert found["sentence"] == (
        "Exact recalls agree within their 95 % intervals: float model 20 of 20, twin 20 of 20, "
        "RTL 5 of 5, circuit 3 of 3. Twin and RTL are equal bit for bit (0 mismatches, 385 steps, "
        "learning included)."
    )


def test_a_single_mismatch_of_twin_and_rtl_is_a_disagreement_that_is_told_first():
    found = results()
    found["sim"] |= {
        "mismatches": 2,
        "first_mismatch": {"step": 7, "what": "theta", "index": 3, "expected": 5, "got": 6},
    }
    row = checks(letters(), found)[0]
    assert row["mark"] == "bad"
    assert row["result"] == "2 mismatches, first: step 7, theta 3: expected 5, got 6"
    assert judge(letters(), found)["status"] == "disagree"


@pytest.mark.parametrize("stage", ["twin", "sim", "spice"])
def test_a_rate_whose_interval_leaves_that_of_the_float_model_is_a_disagreement(stage):
    found = results()
    found[stage]["hits"] = 0
    names = {
        "twin": "Twin against float",
        "sim": "RTL against float",
        "spice": "Circuit against float",
    }
    rows = checks(letters(), found)
    bad = [row["what"] for row in rows if row["mark"] == "bad"]
    assert [text.partition(":")[0] for text in bad] == [names[stage]]


def test_recall_of_rings_has_no_pass_mark():
    found = results()
    found["spice"]["hits"] = 0
    ring = letters(circuit={"kind": "ring"})
    assert marks(found, ring)["Circuit against float"] == "info"
    seen = judge(ring, found)
    assert seen["status"] == "agree"
    assert "RTL 5 of 5. The ring circuit 0 of 3, without a pass mark." in seen["sentence"]


def test_a_missed_clock_and_a_broken_energy_balance_are_disagreements():
    found = results()
    found["board"]["timing_met"] = False
    found["spice"]["runs"] = [{"balance": 0.02, "balanced": False}]
    seen = marks(found)
    assert seen["FPGA timing"] == "bad"
    assert seen["Circuit energy"] == "bad"


def test_what_did_not_run_leaves_the_verdict_open():
    found = results()
    del found["board"], found["spice"]
    assert judge(letters(), found) == {
        "status": "incomplete",
        "sentence": "No result from board, spice; what ran agrees.",
    }


def lock_results():
    offsets = {"offsets_rad": [0.0, 0.2526802551], "drift_rad": 0.0}
    found = {name: copy.deepcopy(offsets) for name in ("model", "twin", "sim", "spice")}
    found["sim"] |= {"mismatches": 0, "first_mismatch": None, "steps": 400, "updates": 0}
    found["spice"]["runs"] = [{"balance": 0.0, "balanced": True}]
    return found


def pair(**sections):
    return with_overrides(catalog.find("pair")[0], sections)


def test_a_locked_pair_is_held_against_the_closed_form():
    rows = checks(pair(), lock_results())
    assert [row["mark"] for row in rows] == ["ok"] * 6
    found = lock_results() | {"board": results()["board"]}
    assert "circuit lock at the same offset." in judge(pair(), found)["sentence"]
    ring = judge(pair(circuit={"kind": "ring"}), found)["sentence"]
    assert "Float model, twin and RTL lock at the same offset. The ring circuit ran" in ring
    found = lock_results()
    found["model"]["offsets_rad"] = [0.0, 0.26]
    assert marks(found, pair())["Float against the closed form asin"] == "bad"


@pytest.mark.parametrize(("stage", "off"), [("twin", 0.06), ("sim", 0.06), ("spice", 0.03)])
def test_an_offset_beyond_its_tolerance_is_a_disagreement(stage, off):
    found = lock_results()
    found[stage]["offsets_rad"][1] += off
    assert [row["mark"] for row in checks(pair(), found)].count("bad") == 1


def test_offsets_a_whole_turn_apart_are_equal():
    found = lock_results()
    found["spice"]["offsets_rad"][1] += 2 * 3.141592653589793
    assert "bad" not in marks(found, pair()).values()
