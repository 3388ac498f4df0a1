"""`drai-hw extract`: columns, JSON, file, and status 1 where the phase model does not hold."""

import json
from pathlib import Path

import pytest

from drai_hw.cli import run
from drai_hw.spice import extraction
from drai_hw.spice.extraction import ways


@pytest.fixture
def once(monkeypatch):
    """Extract for real, but only once for all calls of a test."""
    kept = []

    def remembered(circuit, **keys):
        if not kept:
            kept.append(ways.extract(circuit, **keys))
        return kept[0]

    monkeypatch.setattr(extraction, "extract", remembered)


def test_a_network_is_extracted_as_columns_as_json_and_into_a_file(
    once, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    assert run(["extract", "pair"]) == 0
    shown = capfd.readouterr().out
    assert "closed form  phase response  pair transient" in shown
    assert "7 of 7 comparisons within their tolerances" in shown
    assert "coupling_sine = [1.0, " in shown
    assert run(["extract", "pair", "--json", "-o", "found.json"]) == 0
    found = json.loads(capfd.readouterr().out)
    assert found == json.loads(Path("found.json").read_text())
    assert found["validity"]["holds"]
    assert found["ways"]["closed form"]["lag_rad"] == pytest.approx(found["lag_rad"], rel=0.01)

    # the limit moved below what the pair shows: the same result, refused with its reason
    monkeypatch.setattr(ways, "VALID_LIMIT", 1e-5)
    assert run(["extract", "pair", "--json"]) == 1
    captured = capfd.readouterr()
    assert "not valid: at rho 0.3 a pair is -0.1 % off the phase model" in captured.err
    validity = json.loads(captured.out)["validity"]
    assert validity["holds"] is False
    assert len(validity["reasons"]) == 1
