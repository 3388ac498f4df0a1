"""Compares what was predicted with what came out, over the committed board records.

Run as ``python -m drai_hw.boards.predictions``; ``--write`` puts the tables into
``docs/reference/board-predictions.md``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from drai_hw.boards.area import predict_area, spread
from drai_hw.boards.boardfile import load_board
from drai_hw.boards.devices import DEVICES
from drai_hw.boards.families import FAMILIES
from drai_hw.boards.report import OPTIONAL
from drai_hw.boards.speed import predict_speed, records
from drai_hw.boards.stores import plan_weights
from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats

BOUND = 0.15
"""Largest relative error of a prediction of logic, flip-flops or fmax that a test lets pass."""
PAGE = Path(__file__).resolve().parents[2] / "docs" / "reference" / "board-predictions.md"
_MARK = "<!-- made by python -m drai_hw.boards.predictions --write -->"


@dataclass(frozen=True)
class Comparison:
    """A committed record beside its prediction.

    Parameters
    ----------
    board, design : str
        Of the record.
    lanes, pages : int
        Its geometry.
    predicted, achieved : dict
        ``lut``, ``ff``, ``ebr``, ``spram``, ``dsp``, ``fmax_hz``.
    """

    board: str
    design: str
    lanes: int
    pages: int
    predicted: dict[str, float]
    achieved: dict[str, float]

    def error(self, name: str) -> float:
        """Return the relative error of one prediction."""
        return self.predicted[name] / self.achieved[name] - 1


def formats_of_row(row: dict[str, Any]) -> Formats:
    """Return the number formats of a row of a report."""
    told = row["formats"]
    wide = {"levels": told["levels"]} if told["levels"] else {"table_bits": told["table_bits"]}
    if told["frequency_bits"]:
        wide["frequency_bits"] = told["frequency_bits"]
    return Formats(
        n=row["n"],
        lanes=told["lanes"],
        pages=told["pages"],
        accumulator_bits=told["accumulator_bits"],
        phase_bits=told["phase_bits"],
        weight_bits=told["weight_bits"],
        table=told["table"],
        g=told["g"],
        g_parameters=tuple(sorted(told.get("g_parameters", {}).items())),
        **{flag: name in row["features"] for flag, name in OPTIONAL.items()},
        seed=told["seed"],
        **wide,
    )


def comparisons() -> list[Comparison]:
    """Compare every committed record with its prediction."""
    found = []
    for row in records():
        formats = formats_of_row(row)
        device = DEVICES[row["device"]]
        product = load_board(row["board"]).product
        need = predict_area(formats, device.family, product, plan_weights(formats, device))
        names = ("lut", "ff", "ebr", "spram", "dsp")
        speed_hz = predict_speed(formats, device).fmax_hz
        found.append(
            Comparison(
                row["board"],
                row["design"],
                formats.lanes,
                formats.pages,
                {name: getattr(need, name) for name in names} | {"fmax_hz": speed_hz},
                {name: row[name]["used"] for name in names} | {"fmax_hz": row["fmax_hz"]},
            )
        )
    return found


def tables() -> str:
    """Return both tables in Markdown: the records, and how well the models fit."""
    lines = [
        "| board | design | lanes x pages | LUT | FF | EBR | SPRAM | DSP | fmax MHz |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for one in comparisons():
        cells = []
        for name in ("lut", "ff"):
            cells.append(
                f"{one.predicted[name]:,} / {one.achieved[name]:,} ({one.error(name):+.1%})"
            )
        cells += [f"{one.predicted[n]} / {one.achieved[n]}" for n in ("ebr", "spram", "dsp")]
        mhz = f"{one.predicted['fmax_hz'] / 1e6:.1f} / {one.achieved['fmax_hz'] / 1e6:.1f}"
        cells.append(f"{mhz} ({one.error('fmax_hz'):+.1%})")
        lines.append(
            f"| {one.board} | {one.design} | {one.lanes} x {one.pages} | {' | '.join(cells)} |"
        )
    lines += [
        "",
        "| family | LUT, packed cores | FF, packed cores | fmax, each record without itself |",
        "|---|---|---|---|",
    ]
    first = {DEVICES[row["device"]].family: row for row in records()}
    for family in FAMILIES:
        area = f"{spread(family, 'lut'):.1%} | {spread(family, 'ff'):.1%}"
        row = first.get(family)
        told = "no records"
        if row is not None:
            speed = predict_speed(formats_of_row(row), DEVICES[row["device"]])
            told = f"{speed.spread:.1%} over {speed.records} records"
        lines.append(f"| {family} | {area} | {told} |")
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables, or write them into the page."""
    parser = argparse.ArgumentParser(
        prog="python -m drai_hw.boards.predictions", description=__doc__
    )
    parser.add_argument("--write", action="store_true", help=f"into {PAGE.name}")
    if not parser.parse_args(arguments).write:
        print(tables())
        return 0
    before, mark, _ = PAGE.read_text(encoding="utf-8").partition(_MARK)
    write_whole(PAGE, f"{before}{mark}\n\n{tables()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
