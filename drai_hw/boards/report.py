"""The committed record of accepted builds: ``report.json`` beside each board file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from drai_hw.boards.build import BoardResult
from drai_hw.errors import SpecError
from drai_hw.files import write_whole
from drai_hw.model.numbers import Formats
from drai_hw.rtl.sdram_plan import SdramPlan
from drai_hw.rtl.stores import Plan, run_bounds, step_clocks

_KEYS = (
    "design",
    "n",
    "formats",
    "features",
    "device",
    "lut",
    "ff",
    "ebr",
    "spram",
    "dsp",
    "memory_bits_used",
    "fmax_hz",
    "clock_hz",
    "timing_met",
    "clocks_per_step",
    "pnr_seeds",
    "tools",
)


OPTIONAL = {
    "resonance": "resonance",
    "decay": "decay",
    "edge": "edge",
    "budget": "row-budget",
    "centring": "row-centring",
    "mask": "mask",
}
"""Features that `Formats` compiles in, by its flag."""


def formats_record(formats: Formats) -> dict[str, Any]:
    """Write down the formats a size belongs to: no area figure means anything without them."""
    return {
        "accumulator_bits": formats.accumulator_bits,
        "phase_bits": formats.phase_bits,
        "table_bits": None if formats.levels is not None else formats.table_bits,
        "levels": formats.levels,
        "weight_bits": formats.weight_bits,
        "frequency_bits": formats.frequency_bits if formats.resonance else None,
        "window": formats.window,
        "lanes": formats.lanes,
        "pages": formats.pages,
        "table": formats.table,
        "g": formats.g,
        **({"g_parameters": dict(formats.g_parameters)} if formats.g_parameters else {}),
        "seed": formats.seed,
    }


def features(formats: Formats, extra: Sequence[str] = ()) -> list[str]:
    """List the optional features that are compiled in, in alphabetical order."""
    names = {"couple", "field", "learn", "margin", *extra}
    names |= {name for flag, name in OPTIONAL.items() if getattr(formats, flag)}
    return sorted(names)


def report_row(
    design: str, formats: Formats, result: BoardResult, store: Plan | None = None
) -> dict[str, Any]:
    """Make the row of one build; times and paths stay out, so equal builds give equal rows.

    Weights in SDRAM are told under ``sdram``: words of the store, words of 16 bits that each
    takes, and words in a burst. The other rows have no such key.
    """
    data = result.to_json()
    data |= {
        "design": design,
        "n": formats.n,
        "formats": formats_record(formats),
        "features": features(formats),
    }
    outside = {}
    if isinstance(store, SdramPlan):
        outside = {
            "sdram": {"words": store.depth, "beats": store.beats, "burst_words": store.burst}
        }
    return {key: data[key] for key in _KEYS} | outside | speed(formats, result.clock_hz, store)


def speed(formats: Formats, clock_hz: float, store: Plan | None = None) -> dict[str, Any]:
    """Compute what a core does in a second at a clock; the clocks are those of its schedule.

    ``pair_updates_per_s`` counts each unordered pair once a couple-and-learn step.
    ``presentation_clocks`` and ``presentation_s`` are of the run by which one pattern is stored
    once: refresh, field and couple pass with learning, phases loaded before. With a weight store
    that takes longer while learning, ``clocks_per_learning_step`` says what that makes;
    ``steps_per_s`` is of steps that do not learn. With weights in SDRAM all are the most clocks
    that it can take, so the rates are the least (`drai_hw.rtl.stores.run_bounds`).
    """
    step = step_clocks(formats, store)
    learning = step_clocks(formats, store, learn=True)
    presentation = run_bounds(formats, store, 1, field=True, learn=True)[1]
    return {
        **({"clocks_per_learning_step": learning} if learning != step else {}),
        "steps_per_s": round(clock_hz / step, 1),
        "pair_updates_per_s": round(clock_hz / learning * (formats.n * (formats.n - 1) // 2)),
        "presentation_clocks": presentation,
        "presentation_s": float(f"{presentation / clock_hz:.4g}"),
    }


def read_rows(file: str | Path) -> list[dict[str, Any]]:
    """Read a ``report.json``; an absent file has no rows.

    Raises
    ------
    SpecError
        If it is not a list of rows with the keys of this version.
    """
    path = Path(file)
    if not path.exists():
        return []
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SpecError(f"report {str(path)!r}: cannot be read as JSON ({error})") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise SpecError(f"report {str(path)!r}: a list of rows is needed")
    for row in rows:
        missing = [key for key in _KEYS if key not in row]
        if missing:
            raise SpecError(
                f"report {str(path)!r}: row {row.get('design')!r} lacks {', '.join(missing)}; "
                "build it again"
            )
    return rows


def write_row(file: str | Path, row: dict[str, Any]) -> list[dict[str, Any]]:
    """Put a row into a ``report.json``, in place of an older one of the same design and device.

    Rows are ordered by device, oscillators and design, and the file is replaced whole.

    Returns
    -------
    list of dict
        All rows now in the file.
    """
    path = Path(file)

    def same(other: dict[str, Any]) -> bool:
        return (other["design"], other["device"]) == (row["design"], row["device"])

    rows = [other for other in read_rows(path) if not same(other)] + [row]
    rows.sort(key=lambda r: (r["device"], r["n"], r["design"]))
    write_whole(path, json.dumps(rows, indent=1, ensure_ascii=False) + "\n")
    return rows
