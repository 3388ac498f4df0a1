"""How a core grows: the committed points, the laws through them, and the page made of them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drai_hw.boards import growth
from drai_hw.errors import ToolError

POINTS = growth.load_points()


def test_the_points_are_those_of_the_series_and_the_largest() -> None:
    wanted = [*((n, growth.LANES) for n in growth.SIZES), growth.LARGEST]
    assert [(point["n"], point["lanes"]) for point in POINTS] == wanted


def test_logic_hardly_grows_with_the_oscillators_of_the_same_lanes() -> None:
    series = growth.same_lanes(POINTS)
    assert growth.exponent(series, "lut") <= growth.EXPONENT_BOUND
    assert growth.exponent(series, "ebr") > 1.5, "pairs grow with the square"


def test_nearly_all_memory_holds_weights_at_the_largest_size() -> None:
    board, _ = growth.board_and_clock()
    largest = max(POINTS, key=lambda point: point["n"])
    assert largest["ebr"] <= board.device.ebr
    assert largest["weight_ebr"] / board.device.ebr >= growth.TILE_SHARE_BOUND
    store = growth.store_at(growth.formats_at(largest["n"], largest["lanes"]))
    assert store.blocks == largest["weight_ebr"]


def test_the_page_is_made_of_the_points_and_the_records_of_today() -> None:
    assert growth.PAGE.read_text() == growth.page(POINTS), "python -m drai_hw.boards.growth"


@pytest.mark.parametrize("power", [0.0, 0.25, 2.0])
def test_a_law_is_found_again(power: float) -> None:
    points = [{"n": n, "lut": 7.0 * n**power} for n in growth.SIZES]
    assert growth.exponent(points, "lut") == pytest.approx(power, abs=1e-12)


def test_what_is_packed_is_kept_and_a_tool_that_fails_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    points, page = tmp_path / "points.json", tmp_path / "page.md"
    monkeypatch.setattr(growth, "POINTS", points)
    monkeypatch.setattr(growth, "PAGE", page)
    asked = []

    def measure(n: int, lanes: int) -> dict[str, int]:
        asked.append(n)
        if len(asked) == 3:
            raise ToolError("no tool")
        return next(p for p in POINTS if (p["n"], p["lanes"]) == (n, lanes))

    monkeypatch.setattr(growth, "measure", measure)
    assert growth.main([]) == 2
    assert "error: no tool" in capsys.readouterr().err
    assert json.loads(points.read_text()) == POINTS[:2]
    assert not page.exists()
    assert growth.main([]) == 0
    assert asked == [256, 384, 512, *growth.SIZES[2:], growth.LARGEST[0]]
    assert page.read_text() == growth.PAGE.read_text()


@pytest.mark.full
def test_a_core_packs_as_it_did() -> None:
    assert growth.measure(256, growth.LANES) == POINTS[0]
