"""How logic, clocks and times of a core grow with its oscillators: ``docs/reference/growth.md``.

Run as ``python -m drai_hw.boards.growth``: packs the cores that `growth.json` does not hold yet
(1 to 3 minutes each, kept one by one; ``--again`` packs all) and writes the page.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from drai_hw import catalog
from drai_hw.boards.board_core import board_core
from drai_hw.boards.boardfile import Board, load_board
from drai_hw.boards.fit import resized, weight_plan
from drai_hw.boards.packing import pack
from drai_hw.boards.report import read_rows, speed
from drai_hw.errors import DraiError
from drai_hw.files import write_whole
from drai_hw.model import plan
from drai_hw.model.numbers import Formats
from drai_hw.rtl.banks import StorePlan
from drai_hw.rtl.stores import step_clocks
from drai_hw.rtl.top import Top

DESIGN, BOARD = "memory-1024", "ulx3s-85f"
LANES, SIZES = 64, (256, 384, 512, 640, 768, 896, 1024)
LARGEST = (1152, 96)
"""Oscillators and lanes of the largest core that the board's memory holds with 5-bit weights."""
EXPONENT_BOUND = 0.25
TILE_SHARE_BOUND = 0.9
POINTS = Path(__file__).with_name("growth.json")
_ROOT = Path(__file__).resolve().parents[2]
PAGE = _ROOT / "docs" / "reference" / "growth.md"
_RECORDS = _ROOT / "boards"
_BAUD = 115200

_HEAD = """# How a core grows

Made by `python -m drai_hw.boards.growth`. Logic is counted after synthesis and packing (nextpnr
`--pack-only`) of whole designs with serial bridge for the {board}; clocks are those of the
schedule ([core](core.md)), which simulations keep exactly.

## Logic and memory

{lanes} lanes, {weight_bits}-bit weights, learning; pages grow with N. Of the memory blocks, those
that hold weights; the rest are words of the oscillators and the frame buffer.

| N | lanes x pages | LUT | FF | EBR | of these weights | DSP |
|---|---|---|---|---|---|---|
"""


def formats_at(n: int, lanes: int) -> Formats:
    """Return the formats of the catalog's core at another size."""
    spec, _ = catalog.find(DESIGN)
    return resized(plan.formats_of(spec), n, lanes)


def board_and_clock() -> tuple[Board, float]:
    """Return the board of the page and the clock of its record."""
    spec, _ = catalog.find(DESIGN)
    board = load_board(BOARD)
    return board, board.plan_clock(spec.board.clock_hz).output_hz


def store_at(formats: Formats) -> StorePlan:
    """Return the weight store that a core gets on the page's board: blocks of its device."""
    board, clock_hz = board_and_clock()
    store = weight_plan(formats, board, clock_hz)
    assert isinstance(store, StorePlan)
    return store


def measure(n: int, lanes: int) -> dict[str, Any]:
    """Pack the core of one size and return what it takes."""
    board, _ = board_and_clock()
    formats = formats_at(n, lanes)
    clock_hz = board.plan_clock().output_hz  # the area does not depend on it
    top = Top(board_core(formats, board, clock_hz), clock_hz, _BAUD)
    with tempfile.TemporaryDirectory(prefix="drai-hw-growth-") as folder:
        packed = pack(top, board, folder)
    return {"n": n, "lanes": lanes, "weight_ebr": store_at(formats).blocks, **packed}


def exponent(points: Sequence[dict[str, Any]], name: str) -> float:
    """Return the exponent of a power law through a resource against N, by least squares of logs."""
    n = np.log([point["n"] for point in points])
    return float(np.polyfit(n, np.log([point[name] for point in points]), 1)[0])


def same_lanes(points: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the points of the series with `LANES` lanes."""
    return [point for point in points if point["lanes"] == LANES and point["n"] in SIZES]


def page(points: Sequence[dict[str, Any]]) -> str:
    """Return the page of measured points; its clocks and times are computed anew."""
    board, clock_hz = board_and_clock()
    weight_bits = formats_at(SIZES[0], LANES).weight_bits
    text = _HEAD.format(board=board.name, lanes=LANES, weight_bits=weight_bits)
    for point in points:
        pages = -(-point["n"] // point["lanes"])
        counts = " | ".join(f"{point[k]:,}" for k in ("lut", "ff", "ebr", "weight_ebr", "dsp"))
        text += f"| {point['n']:,} | {point['lanes']} x {pages} | {counts} |\n"
    series = same_lanes(points)
    laws = {name: exponent(series, name) for name in ("lut", "ff", "ebr")}
    largest = max(points, key=lambda point: point["n"])
    available = board.device.ebr
    text += (
        f"\nFrom N = {SIZES[0]} to {SIZES[-1]:,} on {LANES} lanes LUT grow as "
        f"N^{laws['lut']:.2f}, FF as N^{laws['ff']:.2f}, EBR as N^{laws['ebr']:.2f}.\n"
        f"At N = {largest['n']:,} weights stand in {largest['weight_ebr']} of the {largest['ebr']} "
        f"blocks in use ({largest['weight_ebr'] / largest['ebr']:.1%}) and of the device's "
        f"{available} ({largest['weight_ebr'] / available:.1%}).\n"
    )
    return text + _clocks(points, clock_hz) + _records()


def _clocks(points: Sequence[dict[str, Any]], clock_hz: float) -> str:
    text = f"""
## Clocks and times

A couple pass visits every pair once, on all lanes at a time, and learns in the same clocks. A
presentation is the run by which one pattern is stored once, its phases loaded before: a refresh
pass (page words from the phases), a field pass (sums of what is stored, for the margin bits) and
a couple pass with learning. Times at {clock_hz / 1e6:g} MHz.

| N | lanes x pages | clocks of a step | steps/s | pair updates/s | clocks of a presentation | us |
|---|---|---|---|---|---|---|
"""
    for point in points:
        formats = formats_at(point["n"], point["lanes"])
        store = store_at(formats)
        told = speed(formats, clock_hz, store)
        text += (
            f"| {formats.n:,} | {formats.lanes} x {formats.pages} "
            f"| {step_clocks(formats, store):,} "
            f"| {told['steps_per_s']:,.0f} | {told['pair_updates_per_s']:.3g} "
            f"| {told['presentation_clocks']:,} | {told['presentation_s'] * 1e6:.1f} |\n"
        )
    return text


def _records() -> str:
    text = """
## Routed designs

Of the committed records (`boards/*/report.json`), at the clock of each. P: presentation.

| board | design | N | lanes x pages | clock MHz | fmax MHz | steps/s | pair updates/s | P us |
|---|---|---|---|---|---|---|---|---|
"""
    for file in sorted(_RECORDS.glob("*/report.json")):
        for row in read_rows(file):
            told = row["formats"]
            text += (
                f"| {file.parent.name} | {row['design']} | {row['n']:,} "
                f"| {told['lanes']} x {told['pages']} | {row['clock_hz'] / 1e6:g} "
                f"| {row['fmax_hz'] / 1e6:.1f} | {row['steps_per_s']:,.0f} "
                f"| {row['pair_updates_per_s']:.3g} | {row['presentation_s'] * 1e6:.4g} |\n"
            )
    return text


def load_points() -> list[dict[str, Any]]:
    """Return the points that are kept; none without a file."""
    return list(json.loads(POINTS.read_text(encoding="utf-8"))) if POINTS.exists() else []


def main(arguments: Sequence[str] | None = None) -> int:
    """Pack what is missing, keep it and write the page; status 2 when a tool fails."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.boards.growth", description=__doc__)
    parser.add_argument("--again", action="store_true", help="pack all cores anew")
    again = parser.parse_args(arguments).again
    points = [] if again else load_points()
    try:
        for n, lanes in [*((size, LANES) for size in SIZES), LARGEST]:
            if any((point["n"], point["lanes"]) == (n, lanes) for point in points):
                continue
            points.append(measure(n, lanes))
            write_whole(POINTS, json.dumps(points, indent=1) + "\n")
            print(f"N = {n} on {lanes} lanes: {points[-1]['lut']} LUT", file=sys.stderr)
    except DraiError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write_whole(PAGE, page(points))
    return 0


if __name__ == "__main__":
    sys.exit(main())
