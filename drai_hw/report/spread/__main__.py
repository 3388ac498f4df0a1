"""`python -m drai_hw.report.spread`: draw and write the page of spread from its record."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from drai_hw.errors import DraiError, SpecError
from drai_hw.files import write_together
from drai_hw.report.spread import figures, page
from drai_hw.spice.spread import plan

PAGE = Path("docs/reference/spread.md")


def pictures(found: figures.Found, form: str = "svg") -> dict[str, str | bytes]:
    """Return the pictures of the page by name."""
    return {
        f"spread.{form}": figures.histograms(page.nominal(found), form),
        f"spread-corners.{form}": figures.corners(page.corners(found), form),
        f"spread-recall.{form}": figures.recalls(page.scales(found), form),
    }


def main(arguments: list[str]) -> int:
    """Write page and pictures, or histograms of a run's JSON; return 2 on bad input."""
    parser = argparse.ArgumentParser(prog="python -m drai_hw.report.spread", description=__doc__)
    parser.add_argument("--record", type=Path, default=plan.RECORD, help="of the page")
    parser.add_argument("--page", type=Path, default=PAGE, help="the page to write")
    parser.add_argument("--png", type=Path, metavar="FOLDER", help="write PNG there, no page")
    parser.add_argument(
        "--from", dest="given", type=Path, metavar="FILE",
        help="draw what `python -m drai_hw.spice.spread --json` printed, or `drai-hw spice --dies`",
    )  # fmt: skip
    parser.add_argument("-o", dest="output", type=Path, help="with --from: an .svg or .png file")
    options = parser.parse_args(arguments)
    try:
        made = _given(options) if options.given else _recorded(options)
        write_together(made)
    except DraiError as error:
        print(f"drai-hw: error: {error}", file=sys.stderr)
        return 2
    for path in made:
        print(path)
    return 0


def _given(options: argparse.Namespace) -> dict[Path, str | bytes]:
    if options.output is None or options.output.suffix not in (".svg", ".png"):
        raise SpecError(f"-o {options.output}: needed is an .svg or .png file beside --from")
    form = options.output.suffix[1:]
    if (some := _dies(options.given)) is not None:
        return {options.output: figures.dies(some, form)}
    return {options.output: figures.histograms(plan.read(options.given), form)}


def _dies(path: Path) -> dict[str, Any] | None:
    """Return what `drai-hw spice --dies` found, if a file is its JSON."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if isinstance(found, dict) and isinstance(found.get("dies"), dict):
        return dict(found["dies"])
    return None


def _recorded(options: argparse.Namespace) -> dict[Path, str | bytes]:
    found = plan.read(options.record)
    if options.png:
        return {options.png / name: made for name, made in pictures(found, "png").items()}
    folder = options.page.parent
    return {
        **{folder / name: made for name, made in pictures(found).items()},
        options.page: page.text(found),
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
