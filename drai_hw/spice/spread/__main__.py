"""`python -m drai_hw.spice.spread`: measure many draws of a circuit, at corners if asked."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from itertools import product
from pathlib import Path

from drai_hw.errors import DraiError
from drai_hw.spice.kept_parts import tell
from drai_hw.spice.spread import plan
from drai_hw.spice.spread.circuits import PROCESSES, SORTS, Corner
from drai_hw.spice.spread.runs import WHAT, Group, Values, run
from drai_hw.spice.spread.summary import summary, told

KEPT = Path("build/spread")


def main(arguments: list[str]) -> int:
    """
    Measure and print distributions; without a circuit, those of the page, into its record.

    Returns 2 on bad input or a missing tool, 130 when interrupted; finished dies are kept.
    """
    options = _parser().parse_args(arguments)
    try:
        groups = _asked(options) if options.circuit else plan.groups()
        results = run(
            groups, options.folder, processes=options.processes, fresh=options.fresh,
            tell=_progress,
        )  # fmt: skip
        found = list(zip(groups, results, strict=True))
        if not options.circuit:
            plan.write(found, options.record)
        print(_json(found) if options.json else _text(found))
    except DraiError as error:
        tell(f"drai-hw: error: {error}")
        return 2
    except KeyboardInterrupt:
        tell(f"interrupted; finished dies are kept in {options.folder}")
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m drai_hw.spice.spread", description=__doc__)
    parser.add_argument("--circuit", choices=sorted(SORTS), help="all of the page's when omitted")
    parser.add_argument("--dies", type=int, default=20, help="draws at each corner")
    parser.add_argument("--supply", type=float, nargs="+", default=[1.0], help="over the nominal")
    parser.add_argument("--temperature", type=float, nargs="+", default=[27.0], help="Celsius")
    parser.add_argument("--process", nargs="+", choices=PROCESSES, default=["typical"])
    parser.add_argument("--scale", type=float, nargs="+", default=[1.0], help="of the mismatch")
    parser.add_argument("--what", choices=sorted(WHAT), default="all")
    parser.add_argument("--json", action="store_true", help="print JSON, each die's values too")
    parser.add_argument("--folder", type=Path, default=KEPT, help="where dies are kept")
    parser.add_argument("--fresh", action="store_true", help="measure kept dies again")
    parser.add_argument("--record", type=Path, default=plan.RECORD, help="of the page")
    parser.add_argument("--processes", type=int, default=2, help="ngspice side by side")
    return parser


def _asked(options: argparse.Namespace) -> list[Group]:
    corners = product(options.process, options.temperature, options.supply, options.scale)
    return [
        Group(options.circuit, Corner(supply, celsius, process), scale, options.dies, options.what)
        for process, celsius, supply, scale in corners
    ]


def _progress(done: int, of: int, name: str) -> None:
    tell(f"{done} of {of}: {name}")


def _json(found: list[tuple[Group, list[Values]]]) -> str:
    entries = [
        {"group": asdict(group), "summary": summary(results), "dies": results}
        for group, results in found
    ]
    return json.dumps(entries, indent=1)


def _text(found: list[tuple[Group, list[Values]]]) -> str:
    lines: list[str] = []
    for group, results in found:
        corner, figures = group.corner, summary(results)
        title = (
            f"{group.circuit}, {corner.process}, {corner.temperature_c:g} degC, "
            f"{corner.supply:g} VDD, mismatch x {group.scale:g}"
        )
        lines += told(title, figures)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
