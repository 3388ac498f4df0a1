"""A synapse of one's own between two tanks: its interface, and what the rule demands of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drai_hw.errors import SpecError
from drai_hw.spice.learning import Synapse, learn
from drai_hw.spice.learning_dut import change, judge, main, subcircuit, summary

OWN = subcircuit(Synapse())


def broken(old: str, new: str) -> str:
    assert old in OWN
    return OWN.replace(old, new)


def test_as_a_subcircuit_the_synapse_does_what_it_does_in_the_netlist() -> None:
    alone = learn(Synapse(), 0.3, 0.4, pulses=3)
    moved, beats = change(OWN, 0.3, 0.4, cycles=200)
    assert moved == pytest.approx(alone.change, rel=1e-6)
    assert moved > 0.02
    assert beats < 0.1


@pytest.mark.full
def test_the_synapse_of_this_project_holds() -> None:
    result = summary(judge(OWN))
    assert result["holds"]
    assert [v["holds"] for v in result["verdicts"]] == [True] * 4


@pytest.mark.full
@pytest.mark.parametrize(
    ("old", "new", "wrong"),
    [
        ("v=1.2*tanh(v(c)/", "v=-1.2*tanh(v(c)/", {0, 1, 2}),  # writes with the wrong sign
        ("v=1.2*tanh(v(c)/", "v=1.2*tanh(1/", {1, 2}),  # only ever strengthens
        ("v=1.2*tanh(v(c)/", "v=0*tanh(v(c)/", {0, 1, 2}),  # never writes
        (".ends", "Ileak 0 x 3e-7\n.ends", {3}),  # a state that leaks while nothing is written
    ],
)
def test_a_synapse_that_breaks_the_rule_is_found_out(old: str, new: str, wrong: set) -> None:
    verdicts = judge(broken(old, new))
    found = {k for k, verdict in enumerate(verdicts) if not verdict.holds}
    assert found
    assert found <= wrong


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("R1 a b 1k\n", r"no \.subckt line: needed is one with the nodes p0 n0 p1 n1 x"),
        (".subckt mine a b c x0=0.5\n.ends\n", r"\.subckt mine has the nodes a b c: needed are"),
        (".subckt mine a b c d e\n.ends\n", r"and the parameter x0"),
    ],
)
def test_a_subcircuit_with_another_interface_is_told_the_right_one(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        change(text, 0.3, 0.5, cycles=20)


def test_the_command_prints_an_example_judges_a_file_and_refuses_what_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--example"]) == 0
    assert capsys.readouterr().out == OWN
    file = tmp_path / "mine.sub"
    file.write_text(OWN)
    asked = []
    for holds, status in ((True, 0), (False, 1)):
        monkeypatch.setattr(
            "drai_hw.spice.learning_dut.judge", lambda text: asked.append(text) or []
        )
        monkeypatch.setattr(
            "drai_hw.spice.learning_dut.summary", lambda verdicts, h=holds: {"holds": h}
        )
        assert main([str(file)]) == status
        assert json.loads(capsys.readouterr().out) == {"holds": holds}
    assert asked == [OWN, OWN]
    assert main([str(tmp_path / "none.sub")]) == 2
    assert "cannot read subcircuit" in capsys.readouterr().err
    assert main([]) == 2
    assert "needed is one file with a .subckt" in capsys.readouterr().err
