"""Mutants of the RTL: the committed table is of today's RTL, and its benches do notice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools.rtl_mutants import benches, record
from tools.rtl_mutants.__main__ import judged, main
from tools.rtl_mutants.plan import TARGETS, mutated

KNOWN = record.load()
DONE = [target for target in TARGETS if target.name in KNOWN]
NEURON = next(target for target in TARGETS if target.name == "unit neuron")


def test_five_hundred_mutants_and_enough_of_them_noticed() -> None:
    founds = list(KNOWN.values())
    assert sum(sum(found["ends"].values()) for found in founds) >= 500
    assert record.share(founds) >= record.ASKED
    for found in founds:
        assert found["ends"].get(benches.ALIVE, 0) == len(found[record.ALIVE])


def test_every_mutant_that_lives_is_equal_or_is_told_of() -> None:
    for found in KNOWN.values():
        assert all(one["verdict"] or one["why"] for one in found[record.ALIVE])


@pytest.mark.parametrize("target", DONE, ids=lambda target: target.name)
def test_the_table_is_of_the_rtl_of_today(target) -> None:
    assert KNOWN[target.name]["digest"] == target.digest(), "python -m tools.rtl_mutants"


def test_the_page_is_made_of_the_record() -> None:
    assert record.PAGE.read_text() == record.page(KNOWN), "python -m tools.rtl_mutants"


def test_the_bench_says_again_what_it_said_and_a_blind_one_nothing(tmp_path: Path) -> None:
    found = judged(NEURON, tmp_path / "seeing", prove=False)
    known = KNOWN[NEURON.name]
    assert (found["ends"], found["bench"]) == (known["ends"], known["bench"])
    assert [one["name"] for one in found[record.ALIVE]] == [
        one["name"] for one in known[record.ALIVE]
    ]
    mutants = mutated(NEURON, tmp_path / "blind")
    judge = benches.judge_of(NEURON, mutants.source, tmp_path / "models", compares=False)
    assert {judge(mutant.number)[0] for mutant in mutants.mutants} == {benches.ALIVE}


def test_a_module_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["unit nothing"])
    assert ended.value.code == 2
    assert "unit nothing: not among unit synapse, " in capsys.readouterr().err


@pytest.mark.full
@pytest.mark.parametrize("target", DONE, ids=lambda target: target.name)
def test_all_benches_say_again_what_they_said(target, tmp_path: Path) -> None:
    assert judged(target, tmp_path) == KNOWN[target.name]
