"""`python -m drai_hw.spice.tuning`: run pairs and networks, and write the page of tuning."""

from __future__ import annotations

import argparse
import datetime
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import get_args

from drai_hw.files import write_whole
from drai_hw.spice.kept_parts import Part, make_page, page_parser
from drai_hw.spice.tuning import page
from drai_hw.spice.tuning.locking import OFFSETS, Beat, beat
from drai_hw.spice.tuning.recall import SIGMAS, Kind, Row, Trial, of_circuit, of_models

KEPT = Path("build/tuning")
PAGE = Path("docs/reference/tuning.md")
SEEDS, MODEL_SEEDS = 4, 40
"""Networks at each mismatch in ngspice and in the float model; the first are among the second."""
LARGEST_STRAY = 0.1


def _beat(offset: int) -> Part:
    return asdict(beat(offset))


def makers() -> dict[str, Callable[[], Part]]:
    """Return what makes each part of the page."""
    found: dict[str, Callable[[], Part]] = {f"pair{o}": partial(_beat, o) for o in OFFSETS}
    for kind in get_args(Kind):
        for sigma in SIGMAS[kind]:
            name = f"{kind}-{1000 * sigma:g}pm"
            found[f"{name}-model"] = partial(of_models, kind, sigma, MODEL_SEEDS)
            for seed in range(SEEDS):
                found[f"{name}-seed{seed}"] = partial(of_circuit, kind, sigma, seed)
    return found


def rows_of(parts: dict[str, Part], kind: Kind) -> list[Row]:
    """Return the rows of the table of tanks or rings."""
    rows = []
    for sigma in SIGMAS[kind]:
        name = f"{kind}-{1000 * sigma:g}pm"
        circuits = [parts[f"{name}-seed{seed}"] for seed in range(SEEDS)]
        rows.append(Row.of(sigma, circuits, parts[f"{name}-model"]))
    return rows


def faults(parts: dict[str, Part]) -> Iterator[str]:
    """Tell where trimming does not give back the recalls of matched oscillators."""
    if any("missing" in part for part in parts.values()):
        yield "parts are missing"
        return
    for kind in get_args(Kind):
        rows = rows_of(parts, kind)
        matched = rows[0].model[1]
        for row in rows:
            if abs(row.model[1] - matched) > LARGEST_STRAY * MODEL_SEEDS:
                yield f"{kind} at {row.sigma:g}: {row.model[1]} trimmed, {matched} matched"


def _write(parts: dict[str, Part], options: argparse.Namespace) -> None:
    if any("missing" in part for part in parts.values()):
        return
    beats = [Beat(**parts[f"pair{offset}"]) for offset in OFFSETS]
    tables = {kind: rows_of(parts, kind) for kind in get_args(Kind)}
    costs = {kind: Trial(SIGMAS[kind][-1], 0, kind).trimmed() for kind in get_args(Kind)}
    write_whole(options.page, page.text(tables, beats, costs, datetime.date.today().isoformat()))


def main(arguments: list[str]) -> int:
    """Make what is not kept, write the page; return 1 if a part or a check failed."""
    parser = page_parser("drai_hw.spice.tuning", __doc__, KEPT, PAGE)
    return make_page(parser, arguments, makers(), faults, _write)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
