"""The acceptance table: every row is met, the committed page shows it, and a wrong one is seen."""

import dataclasses
import itertools
import math
import re

import numpy as np
import pytest

from drai_hw.errors import SpecError
from drai_hw.model.acceptance import __main__ as command
from drai_hw.model.acceptance import bounds, rows, table
from drai_hw.model.acceptance.machines import formats_of
from drai_hw.model.acceptance.row import Row
from drai_hw.model.numbers import Formats

ROWS = rows()
IN_TWIN = set(range(1, 19)) - {11, 16}  # no phase lag, no damped nodes in integers


def case(row):
    marks = [pytest.mark.full] if row.heavy else []
    return pytest.param(row, id=f"{row.id} {row.name}", marks=marks)


@pytest.mark.parametrize("row", [case(row) for row in ROWS])
def test_the_row_is_met(row):
    value = row.compute()
    assert row.passes(value), f"{value!r} {row.relation} {row.expected!r} within {row.tolerance!r}"


# -- the table ------------------------------------------------------------------------------------


def test_every_result_has_rows_in_the_float_model_and_wherever_integers_allow_in_the_twin():
    numbers = {"float": set(), "twin": set()}
    for row in ROWS:
        numbers[row.machine].add(int(row.id[1:]))
        assert row.relation in ("=", "<=", ">=")
        assert row.tolerance >= 0
        assert all((row.statement, row.source, row.reason))
        assert math.isfinite(row.expected)
    assert numbers["float"] == set(range(1, 19))
    assert numbers["twin"] == IN_TWIN


def test_the_quick_rows_take_less_than_a_minute():
    assert sum(row.seconds for row in ROWS if not row.heavy) <= 60


def test_the_committed_page_has_these_rows_expected_values_and_tolerances(repository):
    text = (repository / "docs" / "reference" / "acceptance.md").read_text(encoding="utf-8")
    shown = table.cells_of(text)
    wanted = [table.cells_of(table.line(row, row.expected))[0] for row in ROWS]
    fixed = (0, 1, 2, 4, 5, 6, 7, 8, 9)  # all but the value
    assert [[row[k] for k in fixed] for row in shown] == [[row[k] for k in fixed] for row in wanted]
    for row, cells in zip(ROWS, shown, strict=True):
        half = 0.5 * 10.0**-row.decimals
        near = dataclasses.replace(row, tolerance=row.tolerance + half)
        assert near.passes(float(cells[3])), row.name
    assert f"\n{len(ROWS)} of {len(ROWS)} rows are met" in text


def test_two_rows_of_one_name_are_refused(monkeypatch):
    monkeypatch.setattr(table.pairs, "ROWS", [*table.pairs.ROWS, table.pairs.ROWS[0]])
    with pytest.raises(SpecError, match=r"rows A1 lock 0.5: each needs a name of its own"):
        table.rows()


# -- that a wrong value, or a stale page, is seen --------------------------------------------------


def row_of(value=2.0, **changes):
    standard = {
        "id": "A1", "name": "x", "statement": "a|b", "machine": "float", "source": "s",
        "expected": 2.0, "tolerance": 0.1, "reason": "r", "compute": lambda: value,
    }  # fmt: skip
    return Row(**(standard | changes))


@pytest.mark.parametrize(
    ("relation", "value", "met"),
    [
        ("=", 2.1, True), ("=", 1.9, True), ("=", 2.11, False), ("=", 1.89, False),
        ("<=", -5.0, True), ("<=", 2.1, True), ("<=", 2.11, False),
        (">=", 5.0, True), (">=", 1.9, True), (">=", 1.89, False),
        ("=", math.nan, False), ("<=", math.nan, False), (">=", math.nan, False),
    ],
)  # fmt: skip
def test_a_row_is_met_within_its_tolerance_only(relation, value, met):
    assert row_of(relation=relation, tolerance=0.1 + 1e-12).passes(value) is met


def test_a_tolerance_of_zero_means_equal():
    assert row_of(tolerance=0.0).passes(2.0)
    assert not row_of(tolerance=0.0).passes(2.0 + 1e-15)


def test_values_are_rounded_to_a_hundredth_of_the_tolerance():
    assert row_of(tolerance=0.004).shown(1.23456789) == "1.2346"
    assert row_of(tolerance=1e-9).shown(0.5) == "0.5000000000"
    assert row_of(tolerance=0.0).shown(7.0) == "7"
    assert row_of(relation=">=", expected=0.5, tolerance=0.0).shown(0.7312) == "0.73"
    assert row_of(tolerance=0.1).shown(-1e-9) == "0"


def test_cells_of_a_page_are_read_back_with_their_bars():
    row = row_of()
    assert table.cells_of(table.page([row], [1.95])) == [
        ["A1", "float", "a|b", "1.95", "=", "2", "0.1", "yes", "s", "r"]
    ]
    assert table.cells_of(table.page([row], [3.0]))[0][7] == "**no**"
    assert "0 of 1 rows are met" in table.page([row], [3.0])


@pytest.mark.parametrize(
    ("old", "stale"),
    [
        ({}, False),
        ({"tolerance": 0.11}, True),
        ({"expected": 2.001}, True),
        ({"statement": "other"}, True),
        ({"source": "other"}, True),
        ({"relation": "<="}, True),
    ],
)
def test_a_page_of_another_table_is_stale(old, stale):
    page = table.page([row_of(**old)], [2.0])
    assert bool(table.differences([row_of()], [2.0], page)) is stale
    assert table.differences([row_of(), row_of(name="y")], [2.0, 2.0], page) == [
        "1 rows instead of 2"
    ]


@pytest.mark.parametrize(("machine", "stale"), [("float", False), ("twin", True)])
def test_a_unit_of_the_last_digit_is_forgiven_to_floats_only(machine, stale):
    row = row_of(machine=machine)
    assert bool(table.differences([row], [2.01], table.page([row], [2.0]))) is stale
    assert table.differences([row], [2.02], table.page([row], [2.0]))


def test_a_row_that_divides_by_zero_is_not_met():
    def broken():
        raise ZeroDivisionError

    seen = []
    (value,) = table.measure([row_of(compute=broken)], lambda row, value: seen.append(value))
    assert math.isnan(value)
    assert len(seen) == 1


def test_the_command_writes_checks_and_tells_what_is_stale(monkeypatch, tmp_path, capsys):
    page = tmp_path / "sub" / "page.md"
    monkeypatch.setattr(command.table, "rows", lambda: [row_of(), row_of(id="A2", name="y")])
    assert command.main(["-o", str(page)]) == 0
    assert command.main(["-o", str(page), "--check"]) == 0
    said = capsys.readouterr()
    assert said.out.splitlines() == ["2 of 2 rows met"] * 2
    assert "[1/2] A1 x: 2.00 = 2, tolerance 0.1: met" in said.err
    page.write_text(page.read_text().replace("| 0.1 |", "| 0.2 |", 1))
    assert command.main(["-o", str(page), "--check"]) == 1
    assert "stale: A1 x" in capsys.readouterr().err
    before = page.read_text()
    assert command.main(["-o", str(page), "--only", "A2"]) == 0
    assert page.read_text() == before
    monkeypatch.setattr(command.table, "rows", lambda: [row_of(3.0)])
    assert command.main(["-o", str(page)]) == 1
    assert "NOT MET" in capsys.readouterr().err
    for words, message in (
        (["--only", "A19"], r"rows have the numbers A1 to A18"),
        (["--check", "-o", str(tmp_path / "none.md")], r"none.md: no page to check"),
    ):
        with pytest.raises(SystemExit):
            command.main(words)
        assert re.search(message, capsys.readouterr().err)


# -- the bounds behind the twin's tolerances -------------------------------------------------------


@pytest.mark.parametrize(("p", "b"), [(4, 4), (6, 6), (8, 8), (10, 8)])
def test_the_errors_of_the_table_are_no_larger_than_their_formulas(p, b):
    """Chord: Delta^2/8, table: 1/(2 T_max); a single look-up: a whole bin on top of that."""
    f = formats_of(2, phase_bits=p, table_bits=b, accumulator_bits=p + 8)
    delta, half = bounds.bin_rad(f), 0.5 / f.table_amplitude
    assert half / 4 < bounds.mean_pull_error(f) <= delta**2 / 8 + half
    assert delta / 2 < bounds.pull_error(f) <= delta * (1 + 1 / bounds.FINE) + half


@pytest.mark.parametrize(("p", "b"), [(3, 3), (4, 4), (6, 6), (8, 8), (10, 8)])
def test_the_bounds_have_the_table_of_the_machines(p, b):
    f = formats_of(2, phase_bits=p, table_bits=b, accumulator_bits=p + 8)
    assert bounds.sine_table(f).tolist() == list(f.coupling)


def test_the_interpolated_table_is_what_a_turning_phase_feels_in_the_mean():
    """Both phases in LSB, all fractions of a bin: the mean look-up, exactly."""
    f = Formats(n=2, lanes=2, pages=1, accumulator_bits=14)
    bits, table_ = f.accumulator_bits - f.phase_bits, np.array(f.coupling)
    first = np.arange(1 << f.accumulator_bits)
    for psi in (5, 300, 4096 + 77, 9000):
        d = (((first + psi) >> bits) - (first >> bits)) & (len(table_) - 1)
        mean = table_[d].mean() / f.table_amplitude
        assert bounds.chord(f, psi * bounds.lsb_rad(f)) == pytest.approx(mean, abs=1e-12)


@pytest.mark.parametrize("word", [1, 5, 11])
def test_the_discrepancy_bounds_every_arc_at_every_time(word):
    bits = 4
    size = 1 << bits
    visits = [k * word % size for k in range(size)]
    worst = 0.0
    for start, length in itertools.product(range(size), range(1, size)):
        arc = {(start + k) % size for k in range(length)}
        inside = np.cumsum([v in arc for v in visits])
        worst = max(worst, float(np.abs(inside - np.arange(1, size + 1) * length / size).max()))
    assert worst <= bounds.discrepancy(word, bits) <= worst + 2


def test_the_bound_of_the_energy_holds_for_the_worst_errors_of_look_ups():
    """Gradient steps whose pulls all err by e, with the sign that raises E the most."""
    f = formats_of(24)
    rng = np.random.default_rng(3)
    weights = np.triu(rng.normal(size=(24, 24)), 1)
    weights += weights.T
    row_sum = float(np.abs(weights).sum(axis=1).max())
    step, kappa = 0.3, 1e9
    worst = 0.0
    for _ in range(300):
        psi = rng.uniform(0, 2 * math.pi, 24) * rng.choice([1.0, 0.1])
        energy = -0.5 * (weights * np.cos(psi[:, None] - psi[None, :])).sum()
        pull = (weights * np.sin(psi[None, :] - psi[:, None])).sum(axis=1)
        slip = bounds.pull_error(f) * np.abs(weights).sum(axis=1)
        psi = psi + step / row_sum * (pull - np.sign(pull) * slip)
        worst = max(worst, -0.5 * (weights * np.cos(psi[:, None] - psi[None, :])).sum() - energy)
    bound = bounds.energy_rise(f, 24, row_sum, step, kappa)
    assert bound / 30 < worst <= bound
