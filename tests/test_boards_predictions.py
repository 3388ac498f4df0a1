"""Predictions of area and speed: held against the committed records, and fit to what was packed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from drai_hw.boards import calibrate, predictions
from drai_hw.boards.area import predict_area
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.devices import DEVICES
from drai_hw.boards.predictions import BOUND, comparisons, formats_of_row, main, tables
from drai_hw.boards.report import formats_record
from drai_hw.boards.speed import predict_speed, records
from drai_hw.boards.stores import plan_weights
from drai_hw.model.numbers import Formats

AREA = json.loads(Path(calibrate.__file__).with_name("area.json").read_text())


def test_every_record_is_predicted_within_the_bound() -> None:
    found = comparisons()
    assert {one.board for one in found} >= {"ulx3s-85f", "icebreaker", "tang-nano-9k"}
    for one in found:
        for name in ("lut", "ff", "fmax_hz"):
            assert abs(one.error(name)) <= BOUND, (one.board, one.design, name, one.error(name))
        assert one.predicted["ebr"] == pytest.approx(one.achieved["ebr"], abs=1), one
        assert one.predicted["dsp"] == one.achieved["dsp"], one
        assert one.predicted["spram"] == one.achieved["spram"], one


def test_the_page_shows_the_predictions_of_today(capsys) -> None:
    shown = predictions.PAGE.read_text()
    assert shown.endswith(f"\n\n{tables()}\n"), "python -m drai_hw.boards.predictions --write"
    assert main([]) == 0
    assert capsys.readouterr().out == tables() + "\n"


def test_the_page_is_written_below_its_mark(tmp_path, monkeypatch) -> None:
    page = tmp_path / "page.md"
    mark = "<!-- made by python -m drai_hw.boards.predictions --write -->"
    page.write_text(f"before\n\n{mark}\n\nold\n")
    monkeypatch.setattr(predictions, "PAGE", page)
    assert main(["--write"]) == 0
    assert page.read_text() == f"before\n\n{mark}\n\n{tables()}\n"


def test_a_rows_formats_are_those_it_was_made_of() -> None:
    for row in records():
        assert formats_record(formats_of_row(row)) == row["formats"]


@pytest.mark.parametrize("point", AREA["points"])
def test_each_packed_core_is_predicted_within_the_bound(point) -> None:
    formats, board = Formats(**point["formats"]), load_board(point["board"])
    plan = plan_weights(formats, board.device)
    need = predict_area(formats, board.family, point["product"], plan)
    packed = point["packed"]
    assert need.lut == pytest.approx(packed["lut"], rel=BOUND)
    assert need.ff == pytest.approx(packed["ff"], rel=BOUND)
    assert need.ebr == pytest.approx(packed["ebr"], abs=1)  # a memory near break-even
    assert need.dsp == pytest.approx(packed["dsp"], abs=1)  # a product near the least width


def test_the_committed_models_are_the_fit_of_the_committed_points() -> None:
    for family, model in calibrate.fit(AREA["points"]).items():
        committed = AREA["models"][family]
        for resource in ("lut", "ff"):
            assert model[resource] == pytest.approx(committed[resource], rel=1e-3, abs=0.01)


def test_the_fit_finds_the_cost_of_a_feature(monkeypatch) -> None:
    points = json.loads(json.dumps(AREA["points"]))
    for point in points:
        point["packed"]["ff"] += 50 * point["formats"]["lanes"]
    dearer = calibrate.fit(points)["ecp5"]["ff"]
    usual = AREA["models"]["ecp5"]["ff"]

    def of_lanes(model: dict, lanes: int) -> float:
        return lanes * (model["lane"] + 16 * model["sum_bit"] + 5 * model["weight_bit"])

    assert of_lanes(dearer, 10) - of_lanes(usual, 10) == pytest.approx(500, rel=0.2)


def test_more_lanes_are_slower_and_better_grades_faster() -> None:
    few, many = Formats(n=8, lanes=4, pages=2), Formats(n=512, lanes=64, pages=8)
    slow = DEVICES["LFE5U-85F"]
    assert predict_speed(many, slow).fmax_hz < predict_speed(few, slow).fmax_hz
    faster = predict_speed(few, DEVICES["LFE5UM5G-85F"]).fmax_hz
    assert faster == pytest.approx(1.36 * predict_speed(few, slow).fmax_hz)
    family = {name for name, device in DEVICES.items() if device.family == slow.family}
    assert predict_speed(few, slow).records == sum(r["device"] in family for r in records())
