"""Storage at size: the core's rule against Hebb and Hopfield, and the page that shows it."""

import dataclasses

import numpy as np
import pytest

from drai_hw.model import storage
from drai_hw.model.storage import WAYS, Case, Outcome, hebb, study
from drai_hw.model.storage import __main__ as command
from drai_hw.model.storage import page as pages

PAGE = ("docs", "reference", "learning-at-size.md")
LEARNED, LEARNED_SIGNS, HEBB, HEBB_SIGNS = WAYS


def shown(repository):
    return repository.joinpath(*PAGE).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def random_48():
    case = next(c for c in storage.cases() if c.patterns == "random:48")
    return study(dataclasses.replace(case, seeds=(0,)))


def test_a_tenth_of_484_is_learned_in_five_bits_and_recalled_where_hebb_fails(random_48):
    """52 trials: 0.95 of them are at most 2 failures; Hebb's figure is the known collapse."""
    assert random_48.held
    assert random_48.rate(LEARNED) >= 0.95
    assert random_48.rate(LEARNED_SIGNS) >= 0.95
    assert random_48.rate(HEBB) <= 0.1
    assert 0.3 <= random_48.rate(HEBB_SIGNS) < 0.95


def test_the_page_shows_what_this_machine_finds(random_48, repository):
    row = next(line for line in shown(repository).splitlines() if "`random:48`" in line)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    hits = cells[-1].removesuffix(" of 52").split("; ")
    assert [int(h.split()[0]) for h in hits] == [
        random_48.hits[LEARNED][0],
        random_48.hits[LEARNED_SIGNS][0],
    ]
    assert int(cells[6].split()[0]) == random_48.presentations[0]


def test_the_page_has_a_row_for_every_case(repository):
    rows = pages.outcomes_of(shown(repository))
    assert [row.split(" | ")[:2] for row in rows] == [
        [f"| {case.n}", f"`{case.patterns}`"] for case in storage.cases()
    ]


@pytest.mark.full
def test_the_page_is_what_the_command_makes_today(repository, monkeypatch):
    monkeypatch.chdir(repository)
    assert command.main(["--check"]) == 0


def test_hebb_is_the_sum_of_products_cut_to_the_range():
    rng = np.random.default_rng(2)
    patterns = rng.choice([-1, 1], size=(5, 20))
    weights = hebb(patterns, 15)
    assert np.array_equal(np.diag(weights), np.zeros(20))
    off = ~np.eye(20, dtype=bool)
    assert np.array_equal(weights[off], (patterns.T @ patterns)[off])
    many = np.ones((100, 20), dtype=int)
    assert set(hebb(many, 15)[off]) == {15}
    # 100 patterns have sqrt(100) = 10 as deviation: 15 LSB stand for two of them.
    spread = rng.choice([-1, 1], size=(100, 20))
    exact = 0.75 * (spread.T @ spread)
    assert np.abs(hebb(spread, 15) - np.clip(exact, -15, 15))[off].max() <= 0.5


def outcome(stored, hits, n=1024):
    case = Case(patterns=f"random:{stored}", n=n, flips=0.25, seeds=(0,), trials=20)
    by = dict.fromkeys(WAYS, (hits,))
    return Outcome(case=case, stored=stored, hits=by, presentations=(1,), held=True)


def test_the_highest_load_ends_at_the_first_that_is_not_recalled():
    found = [outcome(100, 20), outcome(150, 19), outcome(200, 18), outcome(250, 20)]
    assert pages.highest_load(found, 1024).stored == 150
    assert pages.highest_load(found[2:], 1024) is None
    assert pages.highest_load(found, 484) is None
    assert "150 patterns, 0.146 N" in pages.page(found)


def test_a_page_that_shows_something_else_is_stale(tmp_path, monkeypatch, capsys):
    path = tmp_path / "page.md"
    found = outcome(4, 20, n=20)
    monkeypatch.setattr(command, "cases", lambda: [found.case])
    monkeypatch.setattr(command, "study", lambda case, tell: found)
    assert command.main(["-o", str(path)]) == 0
    assert [p.name for p in tmp_path.iterdir()] == ["page.md"]
    assert command.main(["-o", str(path), "--check"]) == 0
    path.write_text(path.read_text().replace("20; 20 of 20", "19; 20 of 20"))
    assert command.main(["-o", str(path), "--check"]) == 1
    assert "stale: the page lacks | 20 |" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "text"),
    [(["--quick"], "--quick: a page needs all cases"), (["--check", "-o", "no.md"], "no page")],
)
def test_what_cannot_be_done_is_said(words, text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command, "cases", list)
    with pytest.raises(SystemExit) as ended:
        command.main(words)
    assert ended.value.code == 2
    assert text in capsys.readouterr().err
