"""The Markdown of a run holds every row, says what it missed, and names no host."""

import datetime
import platform
import re
from pathlib import Path

import pytest

from drai_hw.bench import markdown
from drai_hw.bench.timing import UNIT, Row, Target
from drai_hw.cli import run

PAGE = Path(__file__).resolve().parent.parent / "docs" / "explanation" / "speed.md"
CELL = re.compile(
    r"(?P<ratio>[\d.e+-]+) \((?P<theirs>[\d.e+-]+)\)(?:; (?P<asked>.+): (?P<how>.+))?"
)
BOUND = re.compile(
    r"ratio >= (?P<ratio>[\d.]+)|ours <= (?P<times>[\d.]+) theirs|ours <= (?P<ours>[\d.]+)"
)


def row(task, n, ours, theirs, against, precision="float64", target=None, **more):
    ratio = theirs / ours if ours and theirs else None
    met = target.is_met(ours, theirs) if target else None
    return Row(
        task=task, n=n, precision=precision, ours=ours, theirs=theirs, against=against,
        ratio=ratio, target=str(target or ""), met=met, **more,
    ).to_json()  # fmt: skip


ROWS = [
    row("step: fast", 8, 0.5, 20.0, "peer 1.0 (float64)", target=Target(ratio=40)),
    row("step: fast", 8, 0.5, 0.2, "one pass (float64)"),
    row("step: fast", 8, 0.25, 20.0, "peer 1.0 (float64)", "float32", target=Target(ratio=100)),
    row("step: fast", 8, 0.25, 0.1, "one pass (float32)", "float32"),
    row("step: fast", 9, 1.0, None, "peer 1.0 (float64)", reason="it is gone"),
    row("sum: slow", 8, 2.0, 1.0, "a | b (float64)", target=Target(times=1.5)),
    row("memory: slow", 8, 0.5, 1.0, "all (float64)", unit="bytes"),
]


def cells(line):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip())[1:-1]]


def test_a_line_is_a_form_and_a_column_what_it_is_compared_with():
    step, total, memory = (table.splitlines() for table in markdown.tables(ROWS))
    assert cells(step[0]) == [
        "N",
        "what",
        "type",
        f"ours, {UNIT}",
        "peer 1.0 (float64)",
        "one pass",
    ]
    assert [cells(line) for line in step[2:]] == [
        ["8", "step: fast", "float64", "0.5", "40 (20); ratio >= 40: met", "0.4 (0.2)"],
        ["8", "step: fast", "float32", "0.25", "80 (20); ratio >= 100: **missed**", "0.4 (0.1)"],
        ["9", "step: fast", "float64", "1", "not run: it is gone", ""],
    ]
    assert cells(total[0])[4] == r"a \| b (float64)"
    assert cells(memory[0])[3] == "ours, bytes"


def test_what_was_missed_is_listed_with_its_figures():
    assert markdown.verdict(ROWS) == (
        "Something is asked of 3 rows: 1 met, 2 missed, 0 not known.\n\n"
        "- missed: step: fast, N = 8, float32, against peer 1.0 (float64): ours 0.25, theirs 20, "
        "ratio 80; asked for ratio >= 100\n"
        "- missed: sum: slow, N = 8, float64, against a | b (float64): ours 2, theirs 1, "
        "ratio 0.5; asked for ours <= 1.5 theirs"
    )
    assert markdown.verdict(ROWS[1:2]).startswith("Something is asked of 0 rows")


def test_the_page_names_command_date_processor_and_versions_but_no_host():
    text = markdown.page(ROWS, "drai-hw bench model", datetime.date(2030, 1, 2))
    first = text.splitlines()[0]
    assert first.startswith("`drai-hw bench model`, 2030-01-02, on ")
    assert re.search(
        r"family \w+ \([\w. ]+\); Python 3\.\d+\.\d+, numpy [\d.]+, numba [\d.]+", first
    )
    assert platform.node() not in text


def test_the_command_prints_the_page(capfd):
    assert run(["bench", "twin", "--n", "12", "--rounds", "1", "--markdown"]) == 0
    text = capfd.readouterr().out
    assert text.startswith("`drai-hw bench twin --n 12 --rounds 1`, ")
    (table,) = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    assert len(table.splitlines()) == 2 + 3


def test_two_formats_at_once_are_bad_input(capfd):
    assert run(["bench", "twin", "--json", "--markdown"]) == 2
    assert "--json and --markdown" in capfd.readouterr().err


def faults(page):
    """Yield what is wrong in the tables of a run."""
    for table in re.findall(r"(?:^\|.*\n)+", page, re.MULTILINE):
        head, _, *lines = table.splitlines()
        for line in lines:
            got = cells(line)
            if len(got) != len(cells(head)):
                yield f"{len(got)} cells: {line}"
            for cell in got[4:]:
                if not (found := CELL.fullmatch(cell)):
                    continue
                ours, theirs, ratio = float(got[3]), float(found["theirs"]), float(found["ratio"])
                if ratio != pytest.approx(theirs / ours, rel=0.02):  # three digits each
                    yield f"ratio: {line}"
                if found["asked"]:
                    asked = {
                        k: float(v)
                        for k, v in BOUND.fullmatch(found["asked"]).groupdict().items()
                        if v
                    }
                    sure = Target(
                        **{k: v * (1.02 if k == "ratio" else 0.98) for k, v in asked.items()}
                    )
                    never = Target(
                        **{k: v * (0.98 if k == "ratio" else 1.02) for k, v in asked.items()}
                    )
                    if sure.is_met(ours, theirs) and found["how"] != "met":
                        yield f"met: {line}"
                    if not never.is_met(ours, theirs) and found["how"] != "**missed**":
                        yield f"missed: {line}"


def test_faults_of_a_table_are_found():
    good = "\n\n".join(markdown.tables(ROWS)) + "\n"
    assert list(faults(good)) == []
    assert list(faults(good.replace("40 (20)", "41 (20)")))
    assert list(faults(good.replace("100: **missed**", "100: met")))
    assert list(faults(good.replace("theirs: **missed**", "theirs: met")))
    assert list(faults(good.replace("40: met", "40: **missed**"))) == []  # on the edge: rounding
    assert list(faults(good.replace("ratio >= 40: met", "ratio >= 30: **missed**")))
    assert list(faults(good.replace("| 0.4 (0.1) |", "|")))


def test_the_run_on_the_speed_page_is_whole_and_consistent():
    _, _, section = PAGE.read_text().partition("\n## One run\n")
    assert re.search(
        r"^`drai-hw bench twin model events .*`, \d{4}-\d\d-\d\d, on x86_64, family",
        section,
        re.MULTILINE,
    )
    assert list(faults(section)) == []
    text = [cells(line) for line in section.splitlines() if line.startswith("|")]
    what = " ".join(line[1] for line in text)
    for task in (
        "phase step: packed",
        "phase and learning step: packed",
        "64 replicas",
        "peak memory",
        "twin step, learning and draws",
        "break-even share",
    ):
        assert task in what, task
    assert {line[0] for line in text} >= {"35", "256", "1024", "4096", "8192"}
    timed = [line for line in text if line[0] == "8192" and "packed" in line[1]]
    assert len(timed) >= 8
    assert all(re.match(r"[\d.]+$", line[3]) for line in timed)
    missed = section.count("- missed: ")
    assert section.count("**missed**") == missed
    assert f"{missed} missed" in section
