"""Pictures of spread and of the energy ledger, and the page of spread, from their records."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from drai_hw.errors import ToolError
from drai_hw.report import energy_bars
from drai_hw.report.spread import __main__ as command
from drai_hw.report.spread import figures, page
from drai_hw.spice.ledger import bars
from drai_hw.spice.ledger.page import PUBLISHED
from drai_hw.spice.spread import plan
from drai_hw.spice.spread.circuits import Corner
from drai_hw.spice.spread.runs import Group
from drai_hw.units import si


def die(k: int) -> dict[str, object]:
    return {"frequency_hz": 1e6 + 100.0 * k, "energy_per_cycle_j": 1e-12, "lag_rad": 0.1,
            "energy_per_recall_j": 2e-9, "exact": k % 2 == 0}  # fmt: skip


FOUND = [
    (Group("tank", count=5), [die(k) for k in range(5)]),
    (Group("tank", Corner(0.9, 85.0), count=2), [die(0), {"fault": "no", "exact": False}]),
    (Group("tank", Corner(1.1, 85.0), count=1), [die(2)]),
    (Group("tank", scale=4.0, count=2, what="recall"), [die(1), die(3)]),
]


def test_the_committed_page_and_its_pictures_are_those_of_the_record(repository: Path) -> None:
    found = plan.read()
    assert (repository / command.PAGE).read_text(encoding="utf-8") == page.text(found)
    for name, made in command.pictures(found).items():
        assert (repository / command.PAGE.parent / name).read_text(encoding="utf-8") == made, name


def test_the_page_has_means_deviations_percentiles_and_shares() -> None:
    text = page.text(FOUND)
    assert "| tank | frequency | 5 | 1.0002 MHz | 158.11 Hz | 1 MHz | 1.0002 MHz |" in text
    assert "| tank | exact recall, failed dies 0 | 5 | 3 of 5 (0.23 to 0.88) |" in text
    assert "| tank | 85 | 0.9 | 1 MHz | 1 pJ | 0.1000 rad | 2 nJ | 1 of 2 (0.09 to 0.91) |" in text
    assert "| tank | 1 | 3 of 5 (0.23 to 0.88) | 2 nJ ± 0 J |\n| tank | 4 | 0 of 2 (" in text
    assert "{" not in text.replace("{circuits}", "")


def test_histograms_show_every_die_and_the_percentiles() -> None:
    counts = []

    class Panel:
        def __getattr__(self, name: str):
            return lambda *words, **more: counts.append((name, words))

    figures._histogram(Panel(), [1e6, 1.1e6, 1.2e6], "frequency_hz")
    seen = dict(counts)
    assert list(seen["hist"][0]) == pytest.approx([1.0, 1.1, 1.2])
    assert seen["axvspan"] == pytest.approx((1.01, 1.19))
    assert seen["axvline"] == pytest.approx((1.1,))
    assert seen["set_xlabel"] == ("MHz",)


def test_pictures_are_made_alike_twice_and_as_png(tmp_path: Path) -> None:
    pictures = command.pictures(FOUND)
    assert pictures == command.pictures(FOUND)
    assert all(ElementTree.fromstring(str(made)).tag.endswith("svg") for made in pictures.values())
    assert ">0.9 VDD<" in str(pictures["spread-corners.svg"])
    plan.write(FOUND, tmp_path / "record.json")
    words = ["--record", str(tmp_path / "record.json"), "--png", str(tmp_path / "png")]
    assert command.main(words) == 0
    made_png = sorted((tmp_path / "png").iterdir())
    assert [path.name for path in made_png] == [
        "spread-corners.png",
        "spread-recall.png",
        "spread.png",
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in made_png)


def test_what_the_measuring_command_prints_is_drawn(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    given, drawn = tmp_path / "given.json", tmp_path / "out.svg"
    entries = [{"group": asdict(g), "summary": {}, "dies": dies} for g, dies in FOUND[:1]]
    given.write_text(json.dumps(entries))
    assert command.main(["--from", str(given), "-o", str(drawn)]) == 0
    assert drawn.read_text() == figures.histograms(FOUND[:1])
    assert command.main(["--from", str(given), "-o", "out.pdf"]) == 2
    assert "-o out.pdf: needed is an .svg or .png file beside --from" in capsys.readouterr().err
    assert command.main(["--from", str(tmp_path / "none.json"), "-o", str(drawn)]) == 2
    assert "no record of spread" in capsys.readouterr().err


def test_the_committed_bars_are_those_of_the_ledgers_page(repository: Path) -> None:
    found = bars.read()
    text = (repository / "docs/reference/energy-ledger.md").read_text(encoding="utf-8")
    for bar in found:
        if bar.joule is not None and bar.label != "kT ln 2" and bar.kind != "published":
            shown = [si(bar.joule, "J", digits) for digits in (3, 4, 5)]
            shares = bar.label == "tank, loss alone"  # the page has it in per cent
            assert shares or any(f"{told}" in text for told in shown), bar
    chips = next(bar for bar in found if bar.kind == "published")
    values = [value for _, value in PUBLISHED]
    assert (chips.joule, chips.high_j) == (1e-12 * min(values), 1e-12 * max(values))
    picture = (repository / energy_bars.FIGURE).read_text(encoding="utf-8")
    assert picture == energy_bars.drawn(found)
    assert "FPGA core" in picture


def test_bars_are_those_of_the_parts_and_missing_parts_are_left_out() -> None:
    parts = {
        "ring-gf180mcu": {"missing": "no models"},
        "ring-level1": {"rows": [{"supply_j": 1.6e-13}]},
        "noise": {"landauer_j": 2.87e-21, "rows": []},
        "recall-level1-letters-0": {"supply_j": 1e-10},
        "recall-level1-letters-1": {"supply_j": 3e-10},
    }
    found = {bar.label: bar for bar in bars.bars(parts, PUBLISHED)}
    assert set(found) == {"ring of 5, level 1", "rings, level1", "8 chips", "kT ln 2"}
    assert found["rings, level1"].joule == pytest.approx(2e-10)
    assert found["ring of 5, level 1"].kind == "not a technology"


def test_a_bar_is_as_long_as_its_energy() -> None:
    found = bars.read()
    widths = []

    class Panel:
        def barh(self, place, width, left=0.0, **more):
            widths.append(left + np.asarray(width).sum())

        def __getattr__(self, name: str):
            return lambda *words, **more: None

    class Figure:
        def subplots(self):
            return Panel()

        def legend(self, **more):
            pass

    energy_bars.paint(Figure(), found)
    ends = [bar.joule for bar in found if bar.joule is not None]
    ends += [bar.high_j for bar in found if bar.high_j is not None]
    assert sorted(widths)[len(bars.KINDS) :] == pytest.approx(sorted(ends))


def test_the_command_of_bars_refuses_other_words_and_a_damaged_record(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert energy_bars.main(["out.pdf"]) == 2
    assert "out.pdf: needed is [OUT.svg or OUT.png]" in capsys.readouterr().err
    assert energy_bars.main([str(tmp_path / "bars.png")]) == 0
    assert (tmp_path / "bars.png").read_bytes().startswith(b"\x89PNG")
    few = [replace(bar) for bar in bars.read()[:3]]
    bars.write(few, tmp_path / "few.json")
    assert bars.read(tmp_path / "few.json") == few
    (tmp_path / "few.json").write_text("{")
    with pytest.raises(
        ToolError, match=r"no figures of the ledger .*python -m drai_hw.spice.ledger"
    ):
        bars.read(tmp_path / "few.json")
